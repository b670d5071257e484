"""A layer or a block explained, in every form."""

from __future__ import annotations

from typing import Any

from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.api.shown import Shown
from archlab.explain.block import BlockExplanation
from archlab.explain.layer import Explanation, explain
from archlab.explain.text import explanation_text


class Explained(Shown):
    """Formulas with a layer's numbers.

    Attributes:
        explanation: its sections.
    """

    def __init__(self, explanation: Explanation | BlockExplanation) -> None:
        self.explanation = explanation

    def render(self) -> str:
        """The text of `archlab explain`."""
        return explanation_text(self.explanation)

    def to_dict(self) -> dict[str, Any]:
        """As `archlab explain --format json` prints it."""
        return self.explanation.to_dict()

    def to_markdown(self) -> str:
        """The sections as Markdown."""
        from archlab.explain.markdown import explanation_markdown

        return explanation_markdown(self.explanation)

    def to_svg(self, *, animate: bool = False) -> str:
        """The layer drawn: its input, its kernel, and what one output unit reads.

        Args:
            animate: move from one output unit to the next.

        Raises:
            ConfigError: for a layer that has no such picture.
        """
        from archlab.explain.drawing.choose import drawn
        from archlab.explain.drawing.svg import animation_svg, picture_svg

        scene = drawn(self.explanation)
        return animation_svg(scene) if animate else picture_svg(scene)

    def to_html(self) -> str:
        """A page of the layer that answers: its inputs and outputs linked, with sliders.

        Raises:
            ConfigError: for a layer that has no such picture.
        """
        from archlab.explain.drawing.choose import drawn
        from archlab.explain.page.render import page_html

        return page_html(self.explanation, drawn(self.explanation))

    def _rows(self) -> list[Row]:
        sections = self.to_dict()["sections"]
        return [{"section": one["key"], "title": one["title"]} for one in sections]

    def _title(self) -> str:
        return self.explanation.heading


def explained(analysis: Analysis, path: str) -> Explained:
    """The explanation of a layer, or of the block of all layers under a path.

    Raises:
        ConfigError: if there is neither.
    """
    return Explained(explain(analysis, path))
