"""Results that print as their table, and are shown so in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from archlab.analysis.row import Row
from archlab.diagnostics.place import printable

if TYPE_CHECKING:
    import pandas as pd


class Shown:
    """A result with a table for people and rows for programs."""

    def render(self) -> str:
        """The table, as the command line writes it to a file."""
        raise NotImplementedError

    def _rows(self) -> list[Row]:
        """Flat rows."""
        raise NotImplementedError

    def _title(self) -> str:
        """What it is, in a few words."""
        raise NotImplementedError

    def to_dataframe(self) -> pd.DataFrame:
        """The rows as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def __str__(self) -> str:
        return self.render()

    def __repr__(self) -> str:
        return f"<{printable(self._title())}>"

    def _repr_html_(self) -> str:
        """For notebooks: the title, and the table below it."""
        return folded_html(self._title(), f"<pre>{escape(self.render())}</pre>", is_open=True)


def folded_html(title: str, content: str, *, is_open: bool = False) -> str:
    """HTML that a click unfolds.

    Args:
        title: a text, which is escaped.
        content: HTML.
        is_open: whether it is unfolded at first.
    """
    return f"<details{' open' if is_open else ''}><summary>{escape(title)}</summary>{content}</details>"
