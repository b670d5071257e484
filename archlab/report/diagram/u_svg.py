"""A network that goes down and comes back up, drawn as a U: its shortcuts lead straight across."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from itertools import pairwise

from archlab.report.diagram.cards import LINE, PAD, SMALL, Card, Shown, leaf, texts, what
from archlab.report.diagram.letters import text_width
from archlab.report.diagram.u_shape import UShape

STEP = 24 + LINE
"""Between boxes of a side, with the shape in between."""
ACROSS = 64
"""Between the sides, at least."""
TIP = 7


class Folded:
    """Boxes and lines, placed: the left side from top to bottom, the right side back up.

    Args:
        shown: of the picture.
        shape: which box is on which side.
    """

    def __init__(self, shown: Shown, shape: UShape) -> None:
        self._shown, self._shape = shown, shape
        boxes = shown.diagram.boxes
        self._cards = [leaf(shown, box, is_whole=True) for box in boxes]
        self._input = f"input {shown.shapes([0])}"
        left: dict[int, set[int]] = defaultdict(set)
        for edge in shown.diagram.edges:
            left[edge.source].update(edge.values)
        self._labels = [self._label(number, left[number]) for number in range(len(boxes))]
        self._y = self._heights()
        wide = [max([self._half(number) for number in side]) for side in (shape.down, shape.up)]
        across = [self._half(edge.source) + text_width(shown.shapes([*edge.values]), SMALL) for edge in shape.levels]
        beside = max([*across, *[text_width(self._labels[number], SMALL) for number in shape.down]]) + 10
        self._x = wide[0], wide[0] + max(wide[0], beside) + ACROSS + wide[1]
        right = max([wide[1], *[text_width(self._labels[number], SMALL) + 8 for number in shape.up]])
        self.width = self._x[1] + right
        self.height = max([self._y[number] + self._cards[number].height / 2 for number in range(len(boxes))])

    def _half(self, number: int) -> float:
        own = self._cards[number].width / 2
        return max(own, text_width(self._input, SMALL) / 2 + 10) if number == 0 else own

    def _label(self, number: int, values: set[int]) -> str:
        diagram = self._shown.diagram
        is_last = number == len(diagram.boxes) - 1
        shapes = self._shown.shapes(diagram.leaving if is_last else sorted(values))
        return f"{shapes} \N{RIGHTWARDS ARROW} result" if is_last else shapes

    def _heights(self) -> list[float]:
        """The middle of each box, from the top."""
        shape, height = self._shape, [card.height for card in self._cards]
        y = [0.0] * len(height)
        above, below = range(shape.levels[0].source - 1, -1, -1), range(shape.levels[0].target + 1, len(height))
        top = max(22 + STEP + _stacked(above, height), LINE + _stacked(below, height))
        inner = [*shape.levels[1:], None]
        for number, (edge, below_it) in enumerate(zip(shape.levels, inner, strict=True)):
            half = max(height[edge.source], height[edge.target]) / 2
            top += half
            y[edge.source] = y[edge.target] = top
            if number == 0:
                _place(above, edge.source, y, height, -1)
                _place(below, edge.target, y, height, -1)
            if below_it is None:
                break
            sides = range(edge.source + 1, below_it.source), range(edge.target - 1, below_it.target, -1)
            gap = STEP + max([_stacked(side, height) for side in sides])
            for side in sides:
                _spread(side, top + half, gap, y, height)
            top += half + gap
        last, turn, lowest = shape.levels[-1], shape.up[0], shape.down[-1]
        _place(range(last.source + 1, turn), last.source, y, height, 1)
        _place(range(last.target - 1, turn - 1, -1), last.target, y, height, 1)
        if lowest != last.source:  # the line around the corner comes from below
            y[lowest] = max(y[lowest], y[turn] + height[turn] / 2 + STEP / 2)
        return y

    # -- SVG

    def at(self, left: float, top: float) -> list[str]:
        """The elements, with their upper left corner there."""
        return [f'<g transform="translate({left:g} {top:g})">', *self._lines(), *self._boxes(), "</g>"]

    def _middle(self, number: int) -> float:
        return self._x[0] if number < self._shape.up[0] else self._x[1]

    def _edge(self, number: int, side: int) -> float:
        """The top (-1) or the bottom (1) of a box."""
        return self._y[number] + side * self._cards[number].height / 2

    def _lines(self) -> list[str]:
        shape = self._shape
        first = shape.down[0]
        lines = [_down(self._x[0], self._edge(first, -1) - STEP, self._edge(first, -1), "main")]
        lines += [_down(self._x[0], self._edge(a, 1), self._edge(b, -1), "main") for a, b in pairwise(shape.down)]
        lines += [_up(self._x[1], self._edge(a, -1), self._edge(b, 1)) for a, b in pairwise(shape.up)]
        lines.append(self._turn())
        for edge in shape.levels:
            start = self._x[0] + self._cards[edge.source].width / 2
            y = self._y[edge.source]
            lines.append(_across(start, self._x[1] - self._cards[edge.target].width / 2, y, "skip"))
            words = escape(self._shown.shapes([*edge.values]))
            lines.append(f'<text class="shape" x="{start + 6:.1f}" y="{y - 5:.1f}">{words}</text>')
        return lines

    def _turn(self) -> str:
        """From the lowest box to the right side: across where it stands beside it, else around the corner."""
        lowest, turn = self._shape.down[-1], self._shape.up[0]
        start, y = self._x[0] + self._cards[lowest].width / 2, self._y[lowest]
        if self._edge(turn, -1) <= y <= self._edge(turn, 1):
            return _across(start, self._x[1] - self._cards[turn].width / 2, y, "main")
        end = self._edge(turn, 1)
        x = self._x[1]
        return (
            f'<path class="main" d="M{start:.1f} {y:.1f}H{x - 8:.1f}q8 0 8 -8V{end + TIP - 1:.1f}"/>'
            f'<path class="main-tip" d="M{x - 4:.1f} {end + TIP:.1f}h8l-4 -{TIP}z"/>'
        )

    def _boxes(self) -> list[str]:
        first = self._shape.down[0]
        top, wide = self._edge(first, -1) - STEP - 22, text_width(self._input, SMALL) + 20
        x = self._x[0] - wide / 2
        found = [f'<rect x="{x:.1f}" y="{top:.1f}" width="{wide:.1f}" height="22" rx="11"/>']
        found += texts([(self._input, "faint")], x + PAD, top)
        for number in range(len(self._cards)):
            found += self._box(number)
        return found

    def _box(self, number: int) -> list[str]:
        card, middle, top = self._cards[number], self._middle(number), self._edge(number, -1)
        assert card.box is not None
        x = middle - card.width / 2
        size = f'width="{card.width:.1f}" height="{card.height:.1f}"'
        return [
            f"<g><title>{escape(what(card.box))}</title>",
            f'<rect{self._shown.costs.css(card.box)} x="{x:.1f}" y="{top:.1f}" {size} rx="5"/>',
            *texts(card.lines, x + PAD, top),
            self._label_at(number, card),
            "</g>",
        ]

    def _label_at(self, number: int, card: Card) -> str:
        """What leaves a box, at its line: below it on the left, beside the lowest, above it on the right."""
        x, y = self._middle(number) + 5, self._edge(number, 1) + 12
        if number == self._shape.down[-1]:
            x, y = self._middle(number) + card.width / 2 + 6, self._y[number] - 5
        elif number >= self._shape.up[0]:
            y = self._edge(number, -1) - 5
        return f'<text class="shape" x="{x:.1f}" y="{y:.1f}">{escape(self._labels[number])}</text>'


def _stacked(side: range, height: list[float]) -> float:
    """How high boxes are below one another, with a step behind each."""
    return sum([height[number] + STEP for number in side])


def _spread(side: range, top: float, gap: float, y: list[float], height: list[float]) -> None:
    """Boxes in a gap of that height, from top to bottom, with equal spaces."""
    space = (gap - sum([height[number] for number in side])) / (len(side) + 1)
    for number in side:
        y[number] = top + space + height[number] / 2
        top += space + height[number]


def _place(side: range, start: int, y: list[float], height: list[float], way: int) -> None:
    """Boxes above (-1) or below (1) another, the nearest first."""
    for before, number in pairwise((start, *side)):
        y[number] = y[before] + way * (height[before] / 2 + STEP + height[number] / 2)


def _down(x: float, start: float, end: float, css: str) -> str:
    line = f'<path class="{css}" d="M{x:.1f} {start:.1f}V{end - TIP + 1:.1f}"/>'
    return f'{line}<path class="{css}-tip" d="M{x - 4:.1f} {end - TIP:.1f}h8l-4 {TIP}z"/>'


def _up(x: float, start: float, end: float) -> str:
    line = f'<path class="main" d="M{x:.1f} {start:.1f}V{end + TIP - 1:.1f}"/>'
    return f'{line}<path class="main-tip" d="M{x - 4:.1f} {end + TIP:.1f}h8l-4 -{TIP}z"/>'


def _across(start: float, end: float, y: float, css: str) -> str:
    line = f'<path class="{css}" d="M{start:.1f} {y:.1f}H{end - TIP + 1:.1f}"/>'
    return f'{line}<path class="{css}-tip" d="M{end - TIP:.1f} {y - 4:.1f}v8l{TIP} -4z"/>'
