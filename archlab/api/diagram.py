"""A network's diagram, in every form."""

from __future__ import annotations

from pathlib import Path

from archlab.analysis.result import Analysis
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.words import counted
from archlab.report.diagram.boxes import fold_to_boxes
from archlab.report.diagram.colours import Theme


class Diagram:
    """Stages, blocks and skips.

    Attributes:
        boxes: with their edges.
    """

    def __init__(self, analysis: Analysis, depth: int | None = None) -> None:
        self.boxes = fold_to_boxes(analysis, depth)
        self._name = analysis.graph.name

    def to_svg(self, *, colour: str | None = None, theme: Theme = "screen") -> str:
        """As SVG.

        Args:
            colour: params, macs or memory, by which boxes are coloured.
            theme: with colours of light or dark screens, whichever it is (`screen`), or of one of them always.
        """
        from archlab.report.diagram.svg import diagram_svg

        return diagram_svg(self.boxes, colour=colour, theme=theme)

    def to_mermaid(self) -> str:
        """As Mermaid's text."""
        from archlab.report.diagram.text import diagram_mermaid

        return diagram_mermaid(self.boxes)

    def to_dot(self) -> str:
        """As Graphviz' text."""
        from archlab.report.diagram.text import diagram_dot

        return diagram_dot(self.boxes)

    def save(self, path: str | Path) -> None:
        """Write it as .svg, .pdf, .mmd or .dot.

        Raises:
            ConfigError: for another ending, or where the file cannot be written.
        """
        from archlab.files.output import replacing

        path = Path(path)
        try:
            content = self._content(path)
            with replacing(path) as made:
                made.write_bytes(content)
        except OSError as error:
            raise single_problem(f"cannot write {path}: {error.strerror or error}", Code.UNWRITABLE) from None

    def _content(self, path: Path) -> bytes:
        if path.suffix == ".pdf":
            from archlab.report.diagram.svg import diagram_pdf

            return diagram_pdf(self.boxes)
        forms = {".svg": self.to_svg, ".mmd": self.to_mermaid, ".dot": self.to_dot}
        if path.suffix not in forms:
            raise single_problem(f"{path}: a diagram ends in .svg, .pdf, .mmd or .dot", Code.WRONG_VALUE)
        return forms[path.suffix]().encode()

    def __repr__(self) -> str:
        return f"<Diagram of {printable(self._name)}: {counted(len(self.boxes.boxes), 'box', 'boxes')}>"

    def _repr_svg_(self) -> str:
        """For notebooks."""
        return self.to_svg()

    def _repr_html_(self) -> str:
        """For notebooks: the picture, no wider than there is room."""
        return f'<div style="max-width:100%;overflow-x:auto">{self.to_svg()}</div>'
