"""What changed between two networks, in every form."""

from __future__ import annotations

from archlab.analysis.difference import Difference
from archlab.analysis.row import Row
from archlab.api.shown import Shown


class Changes(Shown, Difference):
    """Two networks compared layer by layer."""

    def render(self, *, each: bool = False) -> str:
        """The totals that changed, then the layers.

        Args:
            each: every layer by itself, also those that changed alike.
        """
        from archlab.report.difference import difference_text

        return difference_text(self, each=each)

    def _rows(self) -> list[Row]:
        changes: list[Row] = self.to_dict()["changes"]
        return [{key: value for key, value in row.items() if key != "details"} for row in changes]

    def _title(self) -> str:
        return f"Changes from {self.before.graph.name} to {self.after.graph.name}: {len(self.changes()):,}"
