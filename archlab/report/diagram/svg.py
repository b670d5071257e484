"""A diagram as SVG: boxes in rows, branches side by side, shortcuts beside the main path, units in their stages."""

from __future__ import annotations

from collections import Counter
from html import escape

from archlab.diagnostics.requirements import require
from archlab.report.diagram.boxes import Box, Diagram, Part
from archlab.report.diagram.cards import (
    LINE,
    LINES,
    MARGIN,
    MOST_ENDS,
    PAD,
    SIZE,
    SMALL,
    WIDEST,
    Card,
    Shown,
    costs_text,
    leaf,
    texts,
    title_of,
    what,
)
from archlab.report.diagram.colours import HEAT, Costs, Theme, diagram_style
from archlab.report.diagram.layered import Layout, Link, Route, arrange
from archlab.report.diagram.letters import cut_to, text_width, wrapped
from archlab.report.diagram.u_shape import u_of
from archlab.report.diagram.u_svg import Folded

GAP, GAP_INSIDE = 24, 17
"""Between rows."""
MAIN, BESIDE, SHORTCUT = 9, 2, 1
"""How much lines want to be straight."""


def diagram_svg(
    diagram: Diagram, *, standalone: bool = True, colour: str | None = None, theme: Theme = "screen"
) -> str:
    """The picture.

    Args:
        diagram: what to draw.
        standalone: with a background and styles of its own, as a file needs them.
        colour: params, macs or memory, to colour boxes by their cost.
        theme: whose colours.
    """
    costs = Costs(diagram, colour)
    graph = diagram.analysis.graph
    shape = u_of(diagram)
    drawn = Drawn(Shown(diagram, costs), diagram) if shape is None else Folded(Shown(diagram, costs), shape)
    top = MARGIN + (LINE + 8 if colour else 0)
    width, height = drawn.width + 2 * MARGIN, drawn.height + top + MARGIN
    legend = costs.legend()
    width = max(width, MARGIN * 2 + text_width(legend, SMALL) + 14 * len(HEAT) + 8 if legend else 0)
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" class="archlab-diagram" {size} role="img">']
    parts.append(f"<title>{escape(f'Architecture of {graph.name}')}</title>")
    if standalone:
        parts.append(f"<style>{diagram_style(theme)}</style>")
        parts.append(f'<rect class="back" width="{width:.0f}" height="{height:.0f}"/>')
    if legend:
        parts += [
            f'<rect class="c{step}" x="{MARGIN + 14 * step}" y="{MARGIN - 4}" width="14" height="12"/>'
            for step in range(len(HEAT))
        ]
        parts.append(f'<text class="faint" x="{MARGIN + 14 * len(HEAT) + 8}" y="{MARGIN + 6}">{legend}</text>')
    parts += drawn.at(MARGIN, top)
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def diagram_pdf(diagram: Diagram, *, colour: str | None = None) -> bytes:
    """The picture as PDF, its fonts in it.

    Args:
        diagram: what to draw.
        colour: params, macs or memory, to colour boxes by their cost.

    Raises:
        MissingRequirementError: without the extra `report`.
    """
    require("vl_convert", "report", "a PDF")
    import vl_convert

    return bytes(vl_convert.svg_to_pdf(diagram_svg(diagram, colour=colour, theme="light")))


class Drawn:
    """Boxes and lines of a part, placed.

    Args:
        shown: of the picture.
        part: the network, or a unit.
    """

    def __init__(self, shown: Shown, part: Part) -> None:
        self._shown, self._part = shown, part
        self._is_whole = part is shown.diagram
        self.entries = _ends([value for edge in part.edges if edge.source < 0 for value in edge.values])
        self.exits = [] if self._is_whole else _ends(part.leaving)
        self._inner = {value for edge in part.edges for value in edge.values}
        coming: list[set[int]] = [set() for _ in part.boxes]
        for edge in part.edges:
            coming[edge.target].update(edge.values)
        going = self._going()
        entries = [self._entry(values) for values in self.entries]
        cards = [self._card(number, sorted(coming[number]), going[number]) for number in range(len(part.boxes))]
        exits = [Card(text_width(shown.shapes(values), SMALL) + 8, 0) for values in self.exits]
        self._cards = [*entries, *cards, *exits]
        self._first, self._first_exit = len(entries), len(entries) + len(cards)
        self._links: list[Link] = []
        self._classes: list[str] = []
        self._link_all()
        pieces = [card.piece(sinks=number >= self._first_exit) for number, card in enumerate(self._cards)]
        self._layout = arrange(pieces, self._links, GAP if self._is_whole else GAP_INSIDE)
        labels = [
            x + right + 5 + text_width(text, SMALL)
            for card, x in zip(self._cards, self._layout.x, strict=True)
            for right, text in card.labels
        ]
        self.width = max([self._layout.width, *labels])
        self.height = self._layout.height + (LINE if self._is_whole else 0)

    def port(self, number: int, *, leaves: bool) -> float:
        """Where a value comes in or leaves, from the left."""
        at = self._first_exit + number if leaves else number
        return self._layout.x[at]

    def _going(self) -> list[list[int]]:
        """The values that leave each box."""
        found: list[dict[int, None]] = [{} for _ in self._part.boxes]
        for edge in self._part.edges:
            if edge.source >= 0:
                found[edge.source].update(dict.fromkeys(edge.values))
        owner = {layer.node.index: number for number, box in enumerate(self._part.boxes) for layer in box.layers}
        for value in self._part.leaving:
            if value in owner:
                found[owner[value]][value] = None
        return [sorted(values) for values in found]

    def _entry(self, values: list[int]) -> Card:
        if not self._is_whole:
            return Card(text_width(self._shown.shapes(values), SMALL) + 8, 0)
        text = f"input {self._shown.shapes(values)}"
        return Card(text_width(text, SMALL) + 20, 22, lines=[(text, "faint")])

    def _card(self, number: int, coming: list[int], going: list[int]) -> Card:
        box = self._part.boxes[number]
        part = None if box.inside is None else Drawn(self._shown, box.inside)
        card = leaf(self._shown, box, is_whole=self._is_whole) if part is None else self._group(box, part)
        if part is not None:
            left = -card.width / 2 + (card.width - part.width) / 2
            card.coming = _mapped(coming, [part.port(at, leaves=False) + left for at in range(len(part.entries))])
            card.going = _mapped(going, [part.port(at, leaves=True) + left for at in range(len(part.exits))])
        is_result = self._is_whole and number in self._part.outputs
        self._label(card, going, is_result=is_result)
        return card

    def _label(self, card: Card, going: list[int], *, is_result: bool) -> None:
        ends: dict[float, list[int]] = {}
        for value in (
            going if self._is_whole else sorted(self._inner.intersection(going))
        ):  # the stage says what leaves it
            ends.setdefault(card.going.get(value, 0.0), []).append(value)
        results = {index for _, index in self._shown.diagram.analysis.graph.outputs} if is_result else set()
        for right, values in ends.items():
            mark = " \N{RIGHTWARDS ARROW} result" if results.intersection(values) else ""
            card.labels.append((right, self._shown.shapes(values) + mark))
        if card.inside is None and card.labels:
            card.width = max(card.width, 2 * text_width(card.labels[0][1], SMALL) + 4)

    def _group(self, box: Box, part: Drawn) -> Card:
        title = cut_to(title_of(box), SIZE, WIDEST, bold=True)
        costs = self._shown.costs.text(box) or costs_text(box)
        wide = max(text_width(title, SIZE, bold=True), text_width(costs, SMALL), part.width) + 2 * PAD
        wide = max(wide, 150 + 2 * PAD)
        lines = [(title, "name"), (costs, "faint")]
        if box.first:
            lines += [(line, "faint") for line in wrapped(f"in the first: {box.first}", SMALL, wide - 2 * PAD, LINES)]
        lines = [(text, css) for text, css in lines if text]
        height = LINE * len(lines) + 9 + part.height
        return Card(wide, height, box, lines, part)

    # -- lines

    def _link_all(self) -> None:
        part, first = self._part, self._first
        entry_of = {value: number for number, values in enumerate(self.entries) for value in values}
        beside = Counter([edge.source for edge in part.edges if not edge.is_skip])
        into = Counter([edge.target for edge in part.edges if not edge.is_skip])
        for edge in part.edges:
            is_alone = beside[edge.source] == into[edge.target] == 1
            ends: dict[tuple[int, float, float | None], None] = {}
            target = self._cards[first + edge.target]
            for value in edge.values:
                source = entry_of[value] if edge.source < 0 else first + edge.source
                out = self._cards[source].going.get(value, 0.0)
                ends[source, out, target.coming.get(value)] = None
            weight = SHORTCUT if edge.is_skip else MAIN if is_alone else BESIDE
            css = "skip" if edge.is_skip else "main" if is_alone else ""
            for source, out, port in ends:
                self._add(Link(source, first + edge.target, weight, edge.is_skip, out, port), css)
        owner = {layer.node.index: number for number, box in enumerate(part.boxes) for layer in box.layers}
        for number, values in enumerate(self.exits):
            for source in dict.fromkeys([owner[value] for value in values]):
                out = self._cards[first + source].going.get(values[0], 0.0)
                self._add(Link(first + source, self._first_exit + number, MAIN, out=out, into=0.0), "main")

    def _add(self, link: Link, css: str) -> None:
        self._links.append(link)
        self._classes.append(css)

    # -- SVG

    def at(self, left: float, top: float) -> list[str]:
        """The elements, with their upper left corner there."""
        found = [self._line(number, left, top) for number in self._drawing_order()]
        for card, x, y in zip(self._cards, self._layout.x, self._layout.y, strict=True):
            found += self._draw(card, left + x, top + y)
        return found

    def _drawing_order(self) -> list[int]:
        """Shortcuts and main lines above others."""
        return sorted(range(len(self._links)), key=lambda number: ("", "skip", "main").index(self._classes[number]))

    def _line(self, number: int, left: float, top: float) -> str:
        link, route = self._links[number], self._layout.routes[number]
        css = self._classes[number]
        start = self._layout.y[link.source] + self._cards[link.source].height
        end = self._layout.y[link.target]
        ends_open = link.target >= self._first_exit
        points = _path(route, self._layout, start, end - (0 if ends_open else 6))
        named = f' class="{css}"' if css else ""
        line = f'<path{named} transform="translate({left:g} {top:g})" d="{points}"/>'
        if ends_open:
            return line
        x, y = left + route.xs[-1], top + end
        return f'{line}<path class="{css + "-" if css else ""}tip" d="M{x - 4:.1f} {y - 7:.1f}h8l-4 7z"/>'

    def _draw(self, card: Card, middle: float, top: float) -> list[str]:
        x = middle - card.width / 2
        if card.box is None:
            if not card.height:
                return []
            words = texts(card.lines, x + 10, top)
            size = f'width="{card.width:.1f}" height="{card.height:.1f}"'
            return [f'<rect x="{x:.1f}" y="{top:.1f}" {size} rx="11"/>', *words]
        found = [f"<g><title>{escape(what(card.box))}</title>"]
        size = f'width="{card.width:.1f}" height="{card.height:.1f}"'
        if card.inside is None:
            rounded = 5 if self._is_whole or card.box.layers[0].node.layer.role != "join" else 12
            found.append(f'<rect{self._shown.costs.css(card.box)} x="{x:.1f}" y="{top:.1f}" {size} rx="{rounded}"/>')
            found += texts(card.lines, x + PAD, top)
        else:
            found += self._draw_inside(card, x, top, size)
        found += [
            f'<text class="shape" x="{middle + right + 5:.1f}" y="{top + card.height + 12:.1f}">{escape(text)}</text>'
            for right, text in card.labels
        ]
        return [*found, "</g>"]

    def _draw_inside(self, card: Card, x: float, top: float, size: str) -> list[str]:
        assert card.inside is not None
        band = LINE * len(card.lines) + 9
        found = [f'<rect class="group" x="{x:.1f}" y="{top:.1f}" {size} rx="5"/>']
        found.append(f'<rect class="head" x="{x:.1f}" y="{top:.1f}" width="{card.width:.1f}" height="{band}" rx="5"/>')
        found += texts(card.lines, x + PAD, top)
        inner = card.inside.at(x + (card.width - card.inside.width) / 2, top + band)
        return [*found, '<g class="in">', *inner, "</g>"]


def _ends(values: list[int]) -> list[list[int]]:
    """Where values come in or leave: each for itself, or all together where there are many."""
    known = sorted(set(values))
    return [[value] for value in known] if len(known) <= MOST_ENDS else [known]


def _mapped(values: list[int], ports: list[float]) -> dict[int, float]:
    """A port for each value, in order; what is too many goes through the last one."""
    return {value: ports[min(at, len(ports) - 1)] for at, value in enumerate(values)} if ports else {}


def _path(route: Route, layout: Layout, start: float, end: float) -> str:
    """The line of a link, in a layout's coordinates."""
    if route.lane is not None:
        down, up = layout.bottoms[route.rows[0]] + 8, layout.tops[route.rows[-1]] - 14
        return f"M{route.xs[0]:.1f} {start:.1f}V{down:.1f}H{route.lane:.1f}V{up:.1f}H{route.xs[-1]:.1f}V{end:.1f}"
    parts: list[str] = []
    for at, row in enumerate(route.rows):
        x, to = route.xs[at], route.xs[at + 1]
        above = layout.bottoms[row] + layout.tips[row]
        below = layout.tops[row + 1]
        if not parts:
            begin = start if layout.bottoms[row] >= start > layout.tops[row] - 1 else layout.bottoms[row]
            parts.append(f"M{x:.1f} {begin:.1f}")
        if abs(x - to) > 0.5:
            middle = (above + below) / 2
            parts.append(f"V{above:.1f}C{x:.1f} {middle:.1f} {to:.1f} {middle:.1f} {to:.1f} {min(below, end):.1f}")
        if at == len(route.rows) - 1:
            parts.append(f"V{end:.1f}")
    return "".join(parts)
