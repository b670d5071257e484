"""A diagram as SVG: boxes one under another, indented with the resolution, skips as lines beside them.

A box stands further to the right for each halving of the map, so that the path of the resolution is seen at a glance:
a classifier steps to the right, a U-Net there and back.
"""

from __future__ import annotations

from html import escape
from math import log2

from archlab.diagnostics.words import counted
from archlab.layers.shape import main_axis, map_size, shape_text
from archlab.report.diagram.boxes import Box, Diagram, Edge
from archlab.report.units import si

BOX_WIDTH, BOX_HEIGHT, GAP = 450, 44, 16
INDENT = 20
"""For each halving of the map."""
LANE, WIDEST = 11, 440
"""Between the lines of skips, which lie closer where all of them would be wider than that."""
MOST_LANES = 100
MARGIN = 14
MOST_LETTERS = 63
"""On a line of a box."""

LIGHT = {
    "ink": "#333333",
    "faint": "#767676",
    "line": "#8a8a8a",
    "box": "#eef3f8",
    "edge": "#9db4c8",
    "skip": "#0072b2",
    "back": "#ffffff",
}
DARK = {
    "ink": "#e6e6e6",
    "faint": "#a6a6a6",
    "line": "#8a8a8a",
    "box": "#23303b",
    "edge": "#4c6375",
    "skip": "#56b4e9",
    "back": "#16191c",
}


def diagram_style() -> str:
    """CSS for light and dark screens and for print; colours are written out, since not every viewer knows variables."""
    font = '.archlab-diagram{font:12px system-ui,-apple-system,"Segoe UI",sans-serif}'
    font += ".archlab-diagram .name{font-weight:600}"
    dark = f"@media screen and (prefers-color-scheme:dark){{{_rules(DARK)}}}"
    return f"{font}.archlab-diagram .faint{{font-size:11px}}{_rules(LIGHT)}{dark}"


def _rules(colour: dict[str, str]) -> str:
    rules = {
        "text": f"fill:{colour['ink']}",
        ".faint": f"fill:{colour['faint']}",
        "rect": f"fill:{colour['box']};stroke:{colour['edge']}",
        ".back": f"fill:{colour['back']};stroke:none",
        "path": f"fill:none;stroke:{colour['line']};stroke-width:1.4",
        ".skip": f"stroke:{colour['skip']}",
        ".head": f"fill:{colour['line']};stroke:none",
        ".skip-head": f"fill:{colour['skip']};stroke:none",
    }
    return "".join(f".archlab-diagram {selector}{{{rule}}}" for selector, rule in rules.items())


def diagram_svg(diagram: Diagram, *, standalone: bool = True) -> str:
    """The picture.

    Args:
        diagram: what to draw.
        standalone: with a background and styles of its own, as a file needs them.
    """
    return _Picture(diagram).draw(standalone=standalone)


class _Picture:
    def __init__(self, diagram: Diagram) -> None:
        self._diagram = diagram
        self._lanes = _lanes([edge for edge in diagram.edges if edge.passes], len(diagram.boxes))
        lanes = 1 + max(self._lanes.values(), default=-1)
        self._lane = min(LANE, WIDEST // max(lanes, 1))
        self._left = MARGIN + (lanes * self._lane + 10 if lanes else 0)
        self._indents = _indents(diagram)
        self._width = self._left + max(self._indents, default=0) + BOX_WIDTH + MARGIN
        self._height = MARGIN + 20 + len(diagram.boxes) * (BOX_HEIGHT + GAP) + MARGIN

    def draw(self, *, standalone: bool) -> str:
        graph = self._diagram.analysis.graph
        size = f'viewBox="0 0 {self._width} {self._height}" width="{self._width}" height="{self._height}"'
        label = escape(f"Architecture of {graph.name}")
        parts = [f'<svg xmlns="http://www.w3.org/2000/svg" class="archlab-diagram" {size} role="img">']
        parts.append(f"<title>{label}</title>")
        if standalone:
            parts.append(f"<style>{diagram_style()}</style>")
            parts.append(f'<rect class="back" width="{self._width}" height="{self._height}"/>')
        start = f"input {shape_text(graph.input_shape)}"
        x = self._x(0) + 40  # beside the arrow into the first box
        parts.append(f'<text class="faint" x="{x}" y="{MARGIN + 12}">{start}</text>')
        parts += [self._edge(edge) for edge in self._diagram.edges]
        parts += [self._box(number, box) for number, box in enumerate(self._diagram.boxes)]
        parts.append("</svg>")
        return "\n".join(parts) + "\n"

    def _top(self, number: int) -> int:
        return MARGIN + 20 + number * (BOX_HEIGHT + GAP)

    def _x(self, number: int) -> int:
        return self._left + (self._indents[number] if number >= 0 else 0)

    def _box(self, number: int, box: Box) -> str:
        x, y = self._x(number), self._top(number)
        right = x + BOX_WIDTH - 9
        times = f" \N{MULTIPLICATION SIGN}{box.repeats}" if box.repeats > 1 else ""
        costs = ", ".join(
            filter(None, [_cost(box.params, "params", box.unknown), _cost(box.macs, "MACs", box.unknown)])
        )
        costs = f"shared weights, {costs}" if box.shares else costs
        result = " \N{RIGHTWARDS ARROW} result" if number in self._diagram.outputs else ""
        name = escape(_cut(box.path + times, MOST_LETTERS - len(shape_text(box.shape) + result)))
        words = escape(_cut(box.text, MOST_LETTERS - len(costs)))
        layers = counted(len(box.layers), "layer")
        what = f"{box.path}{times}: {box.text}; output {shape_text(box.shape)}; {layers}; {costs}"
        return (
            f"<g><title>{escape(what)}</title>"
            f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="5"/>'
            f'<text class="name" x="{x + 9}" y="{y + 18}">{name}</text>'
            f'<text x="{right}" y="{y + 18}" text-anchor="end">{shape_text(box.shape)}{result}</text>'
            f'<text class="faint" x="{x + 9}" y="{y + 35}">{words}</text>'
            f'<text class="faint" x="{right}" y="{y + 35}" text-anchor="end">{costs}</text></g>'
        )

    def _edge(self, edge: Edge) -> str:
        if edge.passes:
            return self._beside(edge)
        x = max(self._x(edge.source), self._x(edge.target)) + 30
        end = self._top(edge.target)
        start = end - GAP
        return f'<path d="M{x} {start}V{end - 5}"/><path class="head" d="M{x - 4} {end - 6}h8l-4 6z"/>'

    def _beside(self, edge: Edge) -> str:
        """The line of an edge that leads past boxes."""
        lane = MARGIN + self._lane * self._lanes[edge.source, edge.target]
        start = self._top(edge.source) + BOX_HEIGHT - 12 if edge.source >= 0 else MARGIN + 6
        end = self._top(edge.target) + 12
        x = self._x(edge.target)
        path = f"M{self._x(edge.source)} {start}H{lane + 5}Q{lane} {start} {lane} {start + 5}V{end - 5}"
        path += f"Q{lane} {end} {lane + 5} {end}H{x - 5}"
        line, head = (' class="skip"', "skip-head") if edge.is_skip else ("", "head")
        return f'<path{line} d="{path}"/><path class="{head}" d="M{x - 6} {end - 4}v8l6-4z"/>'


def _indents(diagram: Diagram) -> list[int]:
    """How far each box stands to the right; what has no positions stays where the last map was."""
    whole = map_size(diagram.analysis.graph.input_shape)
    axis = main_axis(len(whole or ()))
    found: list[int] = []
    steps = 0
    for box in diagram.boxes:
        size = map_size(box.shape)
        if whole is not None and size is not None:
            steps = max(0, round(log2(whole[axis] / size[axis])))
        found.append(min(steps, 10) * INDENT)
    return found


def _lanes(edges: list[Edge], boxes: int) -> dict[tuple[int, int], int]:
    """A lane for each edge so that no two meet, short ones next to the boxes (the highest lane).

    Where lanes run out, the outermost takes what is left.
    """
    taken = _Lanes(boxes + 1)
    lanes: dict[tuple[int, int], int] = {}
    for edge in sorted(edges, key=lambda edge: edge.target - edge.source):
        lanes[edge.source, edge.target] = taken.take(edge.source + 1, edge.target + 1)
    last = max(lanes.values(), default=0)
    return {pair: last - lane for pair, lane in lanes.items()}


class _Lanes:
    """Which lanes are taken beside which boxes: a tree of ranges, each with a bit for each lane."""

    def __init__(self, positions: int) -> None:
        self._leaves = 1 << (positions - 1).bit_length()
        self._whole = [0] * (2 * self._leaves)
        """Lanes taken along a whole range."""
        self._any = [0] * (2 * self._leaves)
        """Lanes taken somewhere in a range."""

    def take(self, first: int, last: int) -> int:
        """The first lane that is free from one position to another, both among them; it is taken then."""
        used, parts, above = 0, [], set()
        left, right = first + self._leaves, last + self._leaves
        while left <= right:
            if left & 1:
                parts.append(left)
                left += 1
            if not right & 1:
                parts.append(right)
                right -= 1
            left, right = left >> 1, right >> 1
        for part in parts:
            used |= self._any[part]
            part >>= 1  # noqa: PLW2901 - up to the root
            while part and part not in above:
                above.add(part)
                used |= self._whole[part]
                part >>= 1  # noqa: PLW2901
        lane = min((~used & (used + 1)).bit_length() - 1, MOST_LANES - 1)
        for part in parts:
            self._whole[part] |= 1 << lane
            self._any[part] |= 1 << lane
        for part in above:
            self._any[part] |= 1 << lane
        return lane


def _cost(value: int, word: str, unknown: frozenset[str]) -> str:
    """`1.200 k params`; `>= 1.200 k params` where not all are declared; empty where there are none."""
    if word.lower() in unknown:
        return f">= {si(value)} {word}" if value else f"? {word}"
    return f"{si(value)} {word}" if value else ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
