"""A layer as an SVG picture, and the same moving, without a script."""

from __future__ import annotations

from html import escape
from itertools import product
from math import prod
from string import ascii_letters
from textwrap import wrap

from archlab.diagnostics.words import counted
from archlab.explain.drawing.geometry import Position
from archlab.explain.drawing.layout import Board, Point, board, glyphs, number
from archlab.explain.drawing.scene import Frame, Scene
from archlab.explain.drawing.style import motion, style
from archlab.explain.matrix.linear_map import flat_index

MARGIN, GAP, LINE = 16, 76, 18
"""Around everything; between maps; from one line of text to the next."""
LARGEST_CELL, SMALLEST_CELL, WIDEST_MAP, WIDEST_SLICES = 34, 8, 440, 620
"""Of a square, and the width that a map may have; that of three axes, with all of its slices."""
LEGIBLE = 15
"""A square that a letter fits into."""
MATRIX_CELL = 14
MIN_WIDTH = 360
SECONDS = 0.7
"""For each frame."""
MOST_FRAMES = 100
MOST_BYTES = 150_000
"""Of all frames together, beside what stands still."""
OF_FRAME, OF_SQUARE, OF_LETTER = 900, 20, 14
"""About what a frame takes, and each of its taps, without and with its weight's letter."""


def picture_svg(scene: Scene) -> str:
    """The layer with one of its units, as a file of its own."""
    return _Picture(scene, [scene.middle]).draw()


def animation_svg(scene: Scene) -> str:
    """Each unit after another; of more than a file should have, as many of them, evenly spread."""
    units = scene.sight.units()
    lettered = _boards(scene, 0)[0].cell >= LEGIBLE
    each = OF_FRAME + (OF_SQUARE + OF_LETTER * lettered) * len(scene.middle.taps)
    count = max(1, min(len(units), MOST_FRAMES, MOST_BYTES // each))
    return _Picture(scene, [scene.frame(units[at * len(units) // count], at) for at in range(count)]).draw()


class _Picture:
    def __init__(self, scene: Scene, frames: list[Frame]) -> None:
        self._scene = scene
        self._frames = frames
        self._letters = _letters(scene)
        self._titles = wrap(scene.title, 60)
        self._remarks = [*scene.remarks(), *_cut(scene, frames)]
        self._head = [*self._titles, *[line for text in self._remarks for line in wrap(text, 72)]]
        top = MARGIN + LINE * (len(self._head) + 1) + 8
        self._maps = _boards(scene, top)
        self._caption = max(m.bottom for m in self._maps) + LINE * 2 + 4
        self._channels = self._caption + LINE
        self._channel_rows = scene.groups * max(scene.block)
        below = self._channels + (self._channel_rows * 20 + LINE + 12 if scene.groups else 0)
        self._matrix = below + LINE * 2
        self._legend = below + (self._matrix_size()[1] + LINE * 4 if scene.matrix else 0) + 8
        self._width = max(
            MIN_WIDTH, max(m.right for m in self._maps) + MARGIN, 40 + MARGIN * 2 + self._matrix_size()[0]
        )
        labels = zip(self._maps, self._names(), strict=True)
        self._width = max(self._width, *[m.left + MARGIN + round(len(name) * 6.6) for m, name in labels])
        if scene.matrix is not None:
            self._width = max(self._width, MARGIN * 2 + 40 + round(len(self._matrix_axes()) * 5.6))
        letters = [(len(line), 8.8 if line in self._titles else 7) for line in self._head]
        self._width = max(self._width, *[MARGIN * 2 + round(count * each) for count, each in letters])
        self._height = self._legend + LINE * len(self._keys()) + MARGIN

    @property
    def _lies_over(self) -> bool:
        """Whether some frame's kernel lies over what is no input."""
        taps = [place for frame in self._frames for place, _ in frame.taps if not frame.moved]
        return any(self._scene.sight.kind(place) != "input" for place in taps)

    def draw(self) -> str:
        """One frame as it is; of several each after another."""
        frames = self._frames
        moving = len(frames) > 1
        css = style() + (motion(len(frames), SECONDS) if moving else "")
        size = f'viewBox="0 0 {self._width} {self._height}" width="{self._width}" height="{self._height}"'
        named = 'role="img" aria-labelledby="archlab-title archlab-desc"'
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="archlab-layer" {size} {named}>',
            f'<title id="archlab-title">{escape(self._scene.title)}</title>',
            f'<desc id="archlab-desc">{escape(self._description(moving=moving))}</desc>',
            f"<style>{css}</style>",
            f'<rect class="back" width="{self._width}" height="{self._height}"/>',
            *self._heading(),
            *self._still(),
        ]
        for index, frame in enumerate(frames):
            inner = "".join(self._marked(frame))
            if moving:
                delay = f' style="animation-delay:{number(index * SECONDS)}s"' if index else ""
                parts.append(f'<g class="f{" f0" if index == 0 else ""}"{delay}>{inner}</g>')
            else:
                parts.append(f"<g>{inner}</g>")
        return "\n".join([*parts, *self._legend_lines(), "</svg>"]) + "\n"

    def _description(self, *, moving: bool) -> str:
        scene = self._scene
        what = "Each output unit in turn" if moving else "One output unit"
        has_kernel = scene.sight.kernel and not scene.sight.is_dense
        kernel = f" through a kernel of {' x '.join(map(str, scene.sight.kernel))}" if has_kernel else ""
        return " ".join([f"{what}, linked to the input positions that it reads{kernel}.", *self._remarks])

    def _heading(self) -> list[str]:
        first = len(self._titles)
        return [
            f'<text class="{"title" if at < first else "faint"}" x="{MARGIN}" y="{MARGIN + 12 + at * LINE}">'
            f"{escape(line)}</text>"
            for at, line in enumerate(self._head)
        ]

    # what stands still

    def _still(self) -> list[str]:
        scene, (source, *others) = self._scene, self._maps
        kinds: dict[str, list[Position]] = {"input": [], "zero": [], "padding": []}
        for place in source.places():
            kinds[scene.sight.kind(place)].append(place)
        parts = [
            _path("padding", source.squares(kinds["padding"], 2)),
            _path("zeros", source.squares(kinds["zero"], 2)),
            _path("cells", source.squares(kinds["input"])),
            *[_path("cells", other.squares(other.places())) for other in others],
        ]
        if source.cell >= LEGIBLE:
            parts.append(glyphs([(source.centre(place), "0") for place in kinds["zero"]], "faint small mid"))
        parts += [self._label(m, text) for m, text in zip(self._maps, self._names(), strict=True)]
        if scene.groups:
            parts += self._wires()
        if scene.matrix is not None:
            parts += self._matrix_lines()
        return parts

    def _names(self) -> list[str]:
        scene = self._scene
        sizes = [scene.sight.inputs[1:], scene.sight.outputs[1:]]
        words = ["input", "output"]
        if scene.pointwise is not None:
            words, sizes = ["input", "each channel alone", "output, mixed"], [*sizes, sizes[1]]
        return [f"{word} {'x'.join(map(str, size))}" for word, size in zip(words, sizes, strict=True)]

    def _label(self, of: Board, text: str) -> str:
        below = len(of.first) == 2 or of is not self._maps[0]  # above a row the links come in
        y = of.bottom + 14 if below else of.top - 6
        return f'<text class="faint" x="{of.left}" y="{y}">{escape(text)}</text>'

    # what is marked for a unit

    def _marked(self, frame: Frame) -> list[str]:
        scene, (source, target, *rest) = self._scene, self._maps
        read = [scene.sight.place(position) for position in frame.read]
        over = [place for place, _ in frame.taps if scene.sight.kind(place) != "input"] if not frame.moved else []
        parts = [self._link(frame, source, target)] if frame.taps else []
        parts += [
            _path("over", source.squares(over, 2)),
            _path("lit" if frame.moved else "read", source.squares(read, 1)),
            *self._moved(frame, source),
            _path("unit", target.squares([frame.unit], 1)),
            self._tap_letters(frame, source),
        ]
        for other in rest:
            parts += [_path("link", _between(target, frame.unit, other, frame.unit)),
                      _path("unit", other.squares([frame.unit], 1))]  # fmt: skip
        if scene.groups:
            parts += self._hot(frame)
        if scene.matrix is not None:
            parts.append(self._row(frame))
        parts.append(f'<text x="{MARGIN}" y="{self._caption}">{escape(self._said(frame))}</text>')
        return [part for part in parts if part]

    def _said(self, frame: Frame) -> str:
        where = f"({', '.join(map(str, frame.unit))})" if len(frame.unit) > 1 else str(frame.unit[0])
        count = len(frame.read)
        positions = f"{count} input position{'s' if count != 1 else ''}"
        taps: list[str] = [self._scene.sight.kind(place) for place, _ in frame.taps]
        more: list[str] = []
        if frame.moved:
            more.append(f"{len(frame.moved)} taps, each between up to 4")
        else:
            zeros, outside = taps.count("zero"), taps.count("padding")
            more += [f"{counted(zeros, 'zero')} between them"] if zeros else []
            more += [f"{outside} outside of the map"] if outside else []
        return f"output {where} reads {positions}" + "".join(f", {words}" for words in more)

    def _link(self, frame: Frame, source: Board, target: Board) -> str:
        places = [place for place, _ in frame.taps]
        low = tuple([min(at) for at in zip(*places, strict=True)])
        high = tuple([max(at) for at in zip(*places, strict=True)])
        left, top = source.corner(low)
        right, bottom = (edge + source.cell for edge in source.corner(high))
        x, y = target.corner(frame.unit)
        side = target.cell
        if self._scene.rank != 2:
            return _path("link", f"M{left} {bottom}L{x} {y}H{x + side}L{right} {bottom}z")
        return _path("link", f"M{right} {top}L{x} {y}V{y + side}L{right} {bottom}z")

    def _tap_letters(self, frame: Frame, source: Board) -> str:
        """The weight that multiplies each input position; a dot where there are none, or too many for letters."""
        if source.cell < LEGIBLE or frame.moved:
            return ""
        found: list[tuple[Point, str]] = []
        for place, tap in frame.taps:
            if self._scene.sight.kind(place) != "input":
                continue
            letter = self._letters.get(tap, "\N{BULLET}")
            found.append((source.centre(place), letter))
        return glyphs(found, "on small mid")

    def _moved(self, frame: Frame, source: Board) -> list[str]:
        """Arrows from the regular grid to where the taps are."""
        if not frame.moved:
            return []
        arrows, dots = "", ""
        for (place, _), point in zip(frame.taps, frame.moved, strict=True):
            (x, y), (to_x, to_y) = source.centre(place), source.centre(map(float, point))
            arrows += f"M{number(x)} {number(y)}L{number(to_x)} {number(to_y)}"
            dots += f"M{number(to_x - 3)} {number(to_y)}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z"
        grid = source.squares([place for place, _ in frame.taps], source.cell // 3)
        return [_path("grid", grid), _path("arrow", arrows), _path("tap", dots)]

    # channels

    def _columns(self) -> list[tuple[int, int]]:
        """Of the drawn channels: x, and how many there are."""
        scene = self._scene
        (ins, outs), groups = scene.block, scene.groups
        counts = [groups * ins, groups * outs]
        if scene.pointwise is not None:
            counts.append(min(scene.pointwise.output[0], groups * outs))
        return [(MARGIN + 4 + at * 130, count) for at, count in enumerate(counts)]

    def _spot(self, column: int, channel: int) -> tuple[int, int]:
        x, count = self._columns()[column]
        start = self._channels + LINE + 4 + (self._channel_rows - count) * 10
        return x, start + channel * 20

    def _pairs(self, column: int, group: int | None) -> list[tuple[int, int]]:
        """Channels of a column and of the next that are connected; of one group, or all."""
        (_, here), (_, there) = self._columns()[column : column + 2]
        if column == 1:
            return list(product(range(here), range(there)))
        ins, outs = self._scene.block
        groups = range(self._scene.groups) if group is None else [group]
        return [(g * ins + i, g * outs + o) for g in groups for i in range(ins) for o in range(outs)]

    def _wire(self, column: int, pairs: list[tuple[int, int]]) -> str:
        parts: list[str] = []
        for here, there in pairs:
            (x, y), (to_x, to_y) = self._spot(column, here), self._spot(column + 1, there)
            parts.append(f"M{x + 14} {y + 7}L{to_x} {to_y + 7}")
        return "".join(parts)

    def _wires(self) -> list[str]:
        words = ["input channels", "output channels"]
        if self._scene.pointwise is not None:
            words.insert(1, "each alone")
        heads = [
            f'<text class="faint small" x="{x}" y="{self._channels + 12}">{word}</text>'
            for (x, _), word in zip(self._columns(), words, strict=True)
        ]
        wires = [_path("wire", self._wire(column, self._pairs(column, None))) for column in range(len(words) - 1)]
        squares = [_channel(self._spot(c, n)) for c, (_, count) in enumerate(self._columns()) for n in range(count)]
        return [*heads, *wires, _path("cells", "".join(squares))]

    def _hot(self, frame: Frame) -> list[str]:
        """The channels of the frame's group."""
        (ins, outs), group = self._scene.block, frame.group
        pairs = [self._pairs(0, group)]
        here = [self._spot(0, group * ins + i) for i in range(ins)]
        there = [self._spot(1, group * outs + o) for o in range(outs)]
        if self._scene.pointwise is not None:
            (_, count), (_, last) = self._columns()[1:]
            target = group % last
            pairs = [self._pairs(0, None), [(i, target) for i in range(count)]]
            here = [self._spot(0, i) for i in range(self._columns()[0][1])] + [self._spot(1, i) for i in range(count)]
            there = [self._spot(2, target)]
        return [
            *[_path("hot", self._wire(column, found)) for column, found in enumerate(pairs)],
            _path("read", "".join(map(_channel, here))),
            _path("unit", "".join(map(_channel, there))),
        ]

    # the matrix

    def _matrix_size(self) -> tuple[int, int]:
        found = self._scene.matrix
        if found is None:
            return 0, 0
        return self._matrix_place(_total(found.inputs) - 1)[0] + MATRIX_CELL - MARGIN - 40, _total(
            found.outputs
        ) * MATRIX_CELL + self._gap(_total(found.outputs) - 1, found.outputs)

    @staticmethod
    def _gap(index: int, shape: tuple[int, ...]) -> int:
        """Between the rows of a map, so that they are seen."""
        return 4 * (index // shape[-1]) if len(shape) > 2 else 0

    def _matrix_place(self, column: int, row: int = 0) -> tuple[int, int]:
        found = self._scene.matrix
        assert found is not None
        x = MARGIN + 40 + column * MATRIX_CELL + self._gap(column, found.inputs)
        return x, self._matrix + LINE + row * MATRIX_CELL + self._gap(row, found.outputs)

    def _matrix_axes(self) -> str:
        """What runs across and down."""
        order = ", row by row" if self._scene.rank > 1 else ""
        last = _total(self._scene.sight.inputs) - 1
        return f"across: input positions 0 to {last}{order}; down: output units"

    def _matrix_lines(self) -> list[str]:
        found = self._scene.matrix
        assert found is not None
        width, height = self._matrix_size()
        x, y = self._matrix_place(0)
        empty, full, spots = "", "", list[tuple[Point, str]]()
        for row, unit in enumerate(self._scene.sight.units()):
            letters: dict[int, str] = {}
            for read, tap in found.reads(unit):
                column = flat_index(read, found.inputs[1:])
                letters[column] = "+" if column in letters else self._letters.get(tap, "\N{BULLET}")
            for column in range(_total(found.inputs)):
                left, top = self._matrix_place(column, row)
                square = f"M{left} {top}h{MATRIX_CELL}v{MATRIX_CELL}h-{MATRIX_CELL}z"
                if column in letters:
                    full += square
                    spots.append(((left + 7, top + 7), letters[column]))
                else:
                    empty += f"M{left + 6} {top + 7}h2"
        middle = y + height // 2
        columns = self._matrix_axes()
        what = "as a matrix" if self._scene.sight.is_dense else "as a matrix, one channel to one channel"
        return [
            f'<text x="{MARGIN}" y="{self._matrix - 6}">{what}</text>',
            f'<text class="faint small" x="{x}" y="{self._matrix + 10}">{columns}</text>',
            f'<text class="faint small turned" transform="translate({x - 12} {middle}) rotate(-90)">output</text>',
            f'<path class="wire" d="M{x - 4} {y}v{height}M{x + width + 4} {y}v{height}"/>',
            _path("wire", empty),
            _path("read", full).replace('"read"', '"read" style="stroke-width:.5"'),
            glyphs(spots, "on small mid"),
        ]

    def _row(self, frame: Frame) -> str:
        index = flat_index(frame.unit, self._scene.sight.outputs[1:])
        left, top = self._matrix_place(0, index)
        return f'<rect class="row" x="{left - 2}" y="{top - 1}" width="{self._matrix_size()[0] + 4}" height="16"/>'

    # the legend

    def _keys(self) -> list[tuple[str, str]]:
        scene = self._scene
        first, *_ = self._maps
        kinds = {scene.sight.kind(place) for place in first.places()}
        keys = [("lit", "read by the unit") if scene.is_deformable else ("read", f"read by the unit{self._sign()}")]
        if "zero" in kinds:
            keys.append(("zeros", "a zero between two input positions"))
        if "padding" in kinds:
            keys.append(("padding", _outside(scene)))
        if self._lies_over:
            keys.append(("over", "the kernel lies here too"))
        if scene.is_deformable:
            keys += [("grid", "the regular grid"), ("tap", "where the tap is moved to")]
        return [*keys, ("unit", "the output unit")]

    def _sign(self) -> str:
        """What stands in the squares that are read; nothing where they are too small for it."""
        if self._maps[0].cell < LEGIBLE and self._scene.matrix is None:
            return ""
        return "; the letter is its weight" if self._letters else "; marked with a dot"

    def _legend_lines(self) -> list[str]:
        parts: list[str] = []
        for at, (kind, words) in enumerate(self._keys()):
            y = self._legend + at * LINE
            parts.append(f'<rect class="{kind}" x="{MARGIN + 1}" y="{y - 11}" width="12" height="12"/>')
            if kind == "read" and self._sign():
                parts.append(glyphs([((MARGIN + 7, y - 5), "a" if self._letters else "\N{BULLET}")], "on small mid"))
            parts.append(f'<text x="{MARGIN + 22}" y="{y}">{escape(words)}</text>')
        return parts


def _cut(scene: Scene, frames: list[Frame]) -> list[str]:
    """That some units are left out of a moving picture."""
    units = prod([axis.units for axis in scene.sight.axes])
    return [f"{len(frames)} of {units:,} output units are shown."] if 1 < len(frames) < units else []


def _outside(scene: Scene) -> str:
    modes = {getattr(axis.reads, "mode", "zeros") for axis in scene.sight.axes} - {"zeros"}
    if scene.subject.is_transposed:
        return "a zero around the map"
    if modes:
        return f"padding: values of the map again ({', '.join(sorted(modes))})"
    return "padding, or what lies outside of the map"


def _total(shape: tuple[int, ...]) -> int:
    """Positions of a map."""
    return prod(shape[1:])


def _path(kind: str, d: str) -> str:
    return f'<path class="{kind}" d="{d}"/>' if d else ""


def _channel(spot: tuple[int, int]) -> str:
    return f"M{spot[0]} {spot[1]}h14v14h-14z"


def _between(source: Board, place: Position, target: Board, unit: Position) -> str:
    """From a square to a square of the next map."""
    (left, top), (x, y), side = source.corner(place), target.corner(unit), target.cell
    right, bottom = left + source.cell, top + source.cell
    if len(place) != 2:
        return f"M{left} {bottom}L{x} {y}H{x + side}L{right} {bottom}z"
    return f"M{right} {top}L{x} {y}V{y + side}L{right} {bottom}z"


def _letters(scene: Scene) -> dict[Position, str]:
    """Of the weights; empty where there are none, or more than letters."""
    kernel = scene.sight.kernel
    taps = list(product(*map(range, kernel))) if kernel else []
    return dict(zip(taps, ascii_letters, strict=False)) if len(taps) <= len(ascii_letters) else {}


def _boards(scene: Scene, top: int) -> list[Board]:
    """The input on its lattice, the output, and behind a separable one what is mixed: side by side, or in rows."""
    ends = [axis.extent for axis in scene.sight.axes]
    around = 1 if scene.is_deformable else 0  # taps may move there
    first, last = tuple([low - around for low, _ in ends]), tuple([high + around for _, high in ends])
    start = (0,) * scene.rank
    end = tuple([axis.units - 1 for axis in scene.sight.axes])
    spans = [(first, last), *[(start, end)] * (1 if scene.pointwise is None else 2)]
    widest = max(high[-1] - low[-1] + 1 for low, high in spans)
    tallest = max(high[0] - low[0] + 1 for low, high in spans)
    side = widest * tallest if scene.rank > 2 else max(widest, tallest)  # slices stand side by side
    width = WIDEST_SLICES if scene.rank > 2 else WIDEST_MAP
    cell = max(SMALLEST_CELL, min(LARGEST_CELL, width // side))
    made: list[Board] = []
    x, y = MARGIN + 4, top
    for low, high in spans:
        made.append(board(x, y, cell, low, high))
        x, y = (made[-1].right + GAP, top) if scene.rank == 2 else (x, made[-1].bottom + GAP - 20)
    tall = max(m.bottom - m.top for m in made)
    if scene.rank == 2:
        return [board(m.left, m.top + (tall - m.bottom + m.top) // 2, cell, m.first, m.last) for m in made]
    return made
