"""Boxes of a diagram as they are drawn: what stands in them, and how large they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Protocol

from archlab.diagnostics.words import counted
from archlab.layers.shape import shape_text
from archlab.report.diagram.boxes import Box, Diagram
from archlab.report.diagram.colours import Costs
from archlab.report.diagram.layered import Piece
from archlab.report.diagram.letters import BOLD, cut_to, text_width, wrapped
from archlab.report.units import si

SIZE, SMALL = 12, 11
MARGIN = 14
PAD = 10
LINE = 15
HEAD = 40
"""Of the band with a stage's name."""
WIDEST, WIDEST_INSIDE = 330, 124
"""Of a box's text, before it goes on in another line."""
NARROWEST = 64
LINES = 6
MOST_SHAPES = 3
"""At one line."""
MOST_ENDS = 8
"""Values that come into or leave a stage, drawn each for itself."""


@dataclass(frozen=True)
class Shown:
    """What all parts of a picture have in common."""

    diagram: Diagram
    costs: Costs

    def shapes(self, values: list[int]) -> str:
        """Of some nodes' outputs, each once."""
        nodes = self.diagram.analysis.graph.nodes
        texts = list(dict.fromkeys([shape_text(nodes[value].shape) for value in values]))
        more = f", {len(texts) - MOST_SHAPES} more" if len(texts) > MOST_SHAPES else ""
        return ", ".join(texts[:MOST_SHAPES]) + more


class Inner(Protocol):
    """What is drawn in a card."""

    width: float
    height: float

    def at(self, left: float, top: float) -> list[str]:
        """The elements, with their upper left corner there."""


@dataclass
class Card:
    """A box as it is drawn.

    Attributes:
        width: of it.
        height: of it.
        box: what it stands for; None for a place where values come in or leave.
        lines: its texts, with their classes.
        inside: the unit in it.
        coming: where each value comes in, from the middle; nothing where lines come in anywhere.
        going: where each value leaves, from the middle.
        labels: what is written where values leave.
    """

    width: float
    height: float
    box: Box | None = None
    lines: list[tuple[str, str]] = field(default_factory=list)
    inside: Inner | None = None
    coming: dict[int, float] = field(default_factory=dict)
    going: dict[int, float] = field(default_factory=dict)
    labels: list[tuple[float, str]] = field(default_factory=list)

    def piece(self, *, sinks: bool = False) -> Piece:
        """As it is placed."""
        return Piece(self.width, self.height, sinks, LINE if self.labels else 0)


def leaf(shown: Shown, box: Box, *, is_whole: bool) -> Card:
    """A box without anything in it.

    Args:
        shown: of the picture.
        box: to draw.
        is_whole: whether it is of the network itself, with its costs, and not of a unit.
    """
    most = WIDEST if is_whole else WIDEST_INSIDE
    cost = shown.costs.text(box)
    if is_whole:
        costs = cost or costs_text(box)
        lines = [(title_of(box), "name"), *[(line, "") for line in wrapped(box.text, SIZE, most, LINES)]]
        lines += [(costs, "faint")] if costs else []
    else:
        times = f" \N{MULTIPLICATION SIGN}{box.repeats}" if box.repeats > 1 else ""
        lines = [(line, "name") for line in wrapped(box.text + times, SIZE * BOLD, most, LINES)]
        name = "" if box.layers[0].node.layer.role == "join" else box.path
        lines += [(name, "faint"), (cost, "faint")]
    faint = "small" if shown.costs.css(box) else "faint"  # a coloured box needs the darker letters
    lines = [(cut_to(text, SIZE, most, bold=css == "name"), css) for text, css in lines if text]
    lines = [(text, faint if css == "faint" else css) for text, css in lines]
    wide = max(
        [text_width(text, SMALL if css in ("faint", "small") else SIZE, bold=css == "name") for text, css in lines]
    )
    return Card(max(wide + 2 * PAD, NARROWEST), LINE * len(lines) + 9, box, lines)


def texts(lines: list[tuple[str, str]], x: float, top: float) -> list[str]:
    """The lines of a card, as elements."""
    found: list[str] = []
    for number, (text, css) in enumerate(lines):
        named = f' class="{css}"' if css else ""
        found.append(f'<text{named} x="{x:.1f}" y="{top + 15 + LINE * number:.1f}">{escape(text)}</text>')
    return found


def title_of(box: Box) -> str:
    """`layer1 x3`: the name, and how often it is there."""
    times = f" \N{MULTIPLICATION SIGN}{box.repeats}" if box.repeats > 1 else ""
    return f"{box.path}{times}{' side by side' if box.beside else ''}"


def costs_text(box: Box) -> str:
    """`9.536 k params, 118.0 M MACs`."""
    costs = [_cost(box.params, "params", box.unknown), _cost(box.macs, "MACs", box.unknown)]
    shared = ["shared weights"] if box.shares else []
    return ", ".join([*shared, *filter(None, costs)])


def what(box: Box) -> str:
    """A box in words, for the pointer."""
    words = [f"{title_of(box)}: {box.text}", f"output {shape_text(box.shape)}", counted(len(box.layers), "layer")]
    return "; ".join([*words, *filter(None, [costs_text(box)])])


def _cost(value: int, word: str, unknown: frozenset[str]) -> str:
    """`1.200 k params`; `>= 1.200 k params` where not all are declared; empty where there are none."""
    if word.lower() in unknown:
        return f">= {si(value)} {word}" if value else f"? {word}"
    return f"{si(value)} {word}" if value else ""
