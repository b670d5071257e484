"""A layered layout (Sugiyama, Tagawa and Toda 1981): rows from top to bottom, few crossings, straight main paths.

Ours, and not a library's, for three reasons. Graphviz and ELK are programs of their own (Graphviz must be installed,
ELK runs in Node), where a diagram must come out on any machine, the same on all. grandalf, the one in plain Python, is
under the GPL or the EPL, has had no release for years and is quadratic and worse in long edges. And networks come from
strangers: thousands of parallel paths must be drawn in time that grows with them. So edges of one source share a line
(as buses), a wide row is broken, and what leads past more rows than the budget allows goes through lanes at the side.

Rows are those of the longest path. Order within them is by the mean of the neighbours, swept a few times. Positions are
the least squares' for each row in turn (isotonic regression, linear), main edges weighing most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from archlab.report.diagram.lanes import lanes

BETWEEN = 22
"""Between neighbours in a row."""
AROUND_LINE = 7
"""On both sides of a line that leads past a row."""
WIDEST_ROW = 1_500
ORDER_SWEEPS = 4
PLACE_SWEEPS = 8
LINES_PER_PIECE = 6
"""Rows that lines may lead past in all, for each piece; the longest beyond that go through lanes."""
MOST_LINES = 40
"""That lead past one row."""
FREE = 0.05
"""Weight of the ends of shortcuts, which must not pull what they lead past aside."""
LANE = 9
LANES_FROM = 12


@dataclass(frozen=True, slots=True)
class Piece:
    """What is placed.

    Attributes:
        width: of it.
        height: of it.
        sinks: whether it goes below all others.
        tip: space below it, for the text at its lines.
    """

    width: float
    height: float
    sinks: bool = False
    tip: float = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A line from a piece to a later one.

    Attributes:
        source: number of the piece.
        target: number of the piece.
        weight: how much it wants to be straight.
        aside: whether it is drawn beside the others (a shortcut).
        out: where it leaves, from the middle of the source.
        into: where it comes in, from the middle of the target; None to be chosen.
    """

    source: int
    target: int
    weight: int = 1
    aside: bool = False
    out: float = 0
    into: float | None = None


@dataclass(slots=True)
class Route:
    """The line of a link.

    Attributes:
        xs: where it is in each gap it passes, from where it starts to where it ends; the first is where its own part
            begins, what is in front of that is another link's line too.
        rows: the rows between which that is: `rows[0]` lies above the first gap.
        lane: of a line through a lane.
    """

    xs: list[float]
    rows: list[int]
    lane: float | None = None


@dataclass(slots=True)
class Layout:
    """Where everything is.

    Attributes:
        x: the middle of each piece.
        y: its top.
        tops: of the rows.
        bottoms: of the rows.
        tips: space for texts below them.
        routes: for each link.
        width: of all.
        height: of all.
    """

    x: list[float]
    y: list[float]
    tops: list[float]
    bottoms: list[float]
    tips: list[float]
    routes: list[Route]
    width: float
    height: float


def arrange(pieces: Sequence[Piece], links: Sequence[Link], gap: float) -> Layout:
    """Place pieces in rows.

    Args:
        pieces: every link leads from one to a later one.
        links: between them.
        gap: between rows.
    """
    return _Arranged(pieces, links, gap).layout()


@dataclass(slots=True)
class _Slot:
    """A place in a row: a piece, or a line that leads past the row."""

    piece: int | None
    before: float
    """From its middle to its left."""
    above: list[tuple[int, float, float]] = field(default_factory=list)
    """Slots of the row above, weights, and how far right of theirs the middle should be."""
    below: list[tuple[int, float, float]] = field(default_factory=list)
    aside: bool = False


class _Arranged:
    def __init__(self, pieces: Sequence[Piece], links: Sequence[Link], gap: float) -> None:
        self._pieces, self._links, self._gap = pieces, links, gap
        self._row = _rows(pieces, links)
        self._count = 1 + max(self._row, default=0)
        self._slots = [_Slot(number, piece.width / 2) for number, piece in enumerate(pieces)]
        self._rows: list[list[int]] = [[] for _ in range(self._count)]
        for number, row in enumerate(self._row):
            self._rows[row].append(number)
        self._chains: dict[int, list[int]] = {}
        """For each link, the slots that it goes through, its ends among them."""
        self._shared: dict[int, int] = {}
        """For each link, how many of these are another link's line too."""
        self._thread()
        _sort(self._rows, self._slots)
        self._x = _place(self._rows, self._slots)
        self._straighten()

    def _buses(self) -> list[list[int]]:
        """The links of one source and kind, which share a line; those that lead past the fewest rows first."""
        found: dict[tuple[int, bool, float], list[int]] = defaultdict(list)
        for number, link in enumerate(self._links):
            found[link.source, link.aside, link.out].append(number)
        for bus in found.values():
            bus.sort(key=lambda number: -self._row[self._links[number].target])
        return sorted(found.values(), key=lambda bus: self._length(bus[0]))

    def _length(self, link: int) -> int:
        return self._row[self._links[link].target] - self._row[self._links[link].source] - 1

    def _span(self, link: int) -> tuple[int, int]:
        return self._row[self._links[link].source], self._row[self._links[link].target]

    def _thread(self) -> None:
        """Give each line a slot in every row that it leads past, as far as the budget goes."""
        budget = LINES_PER_PIECE * len(self._pieces) + 100
        lines = [0] * self._count
        for bus in self._buses():
            fitting = [link for link in bus if self._length(link) <= budget]
            if not fitting:
                break  # the longest through lanes
            first, last = self._span(fitting[0])
            if max(lines[first + 1 : last], default=0) >= MOST_LINES:
                break
            for row in range(first + 1, last):
                lines[row] += 1
            budget -= last - first - 1
            self._thread_bus(fitting)

    def _thread_bus(self, bus: list[int]) -> None:
        first = self._links[bus[0]]
        trunk = [first.source]
        for row in range(self._row[first.source] + 1, self._row[first.target]):
            trunk.append(len(self._slots))
            self._rows[row].append(len(self._slots))
            self._slots.append(_Slot(None, AROUND_LINE, aside=first.aside))
        heaviest = max([self._links[number].weight for number in bus])
        for upper, lower in pairwise(trunk):
            starts = upper == first.source
            weight = (FREE if starts else 1) if first.aside else 2 * heaviest + 2
            self._join(upper, lower, weight, first.out if starts else 0)
        for number in bus:
            link = self._links[number]
            chain = [*trunk[: self._row[link.target] - self._row[link.source]], link.target]
            self._chains[number] = chain
            self._shared[number] = 0 if number == bus[0] else len(chain) - 2
            start = link.out if len(chain) == 2 else 0
            self._join(chain[-2], link.target, FREE if link.aside else 2 * link.weight, start - (link.into or 0))

    def _join(self, upper: int, lower: int, weight: float, right: float) -> None:
        self._slots[lower].above.append((upper, weight, right))
        self._slots[upper].below.append((lower, weight, -right))

    def _straighten(self) -> None:
        """Move shortcuts to the right, as far as each must go somewhere on its way; the outer ones first."""
        right = {a: b for row in self._rows for a, b in pairwise(row)}
        trunks = [
            chain[1:-1]
            for number, chain in self._chains.items()
            if self._links[number].aside and not self._shared[number]
        ]
        reach = [(max([self._x[slot] for slot in trunk]), trunk) for trunk in trunks if trunk]
        for furthest, trunk in sorted(reach, reverse=True):
            for slot in trunk:
                after = right.get(slot)
                most = furthest if after is None else min(furthest, self._x[after] - self._apart(slot, after))
                self._x[slot] = max(self._x[slot], most)

    def _apart(self, left: int, right: int) -> float:
        """Between the middles of neighbours, at least."""
        a, b = self._slots[left], self._slots[right]
        return a.before + b.before + _space(a, b)

    def layout(self) -> Layout:
        tops, bottoms, tips, y = self._heights()
        aside = [number for number in range(len(self._links)) if number not in self._chains]
        spans = {
            number: (self._row[self._links[number].source], self._row[self._links[number].target]) for number in aside
        }
        lane = lanes(spans.values(), self._count)
        left = LANES_FROM + LANE * (1 + max(lane.values())) if lane else 0.0
        x = [value + left for value in self._x]
        ends = self._ends(x)
        routes: list[Route] = []
        for number, link in enumerate(self._links):
            if number in spans:
                rows = [*spans[number]]
                routes.append(Route([x[link.source] + link.out, ends[number]], rows, LANE * lane[spans[number]]))
                continue
            chain, skipped = self._chains[number], self._shared[number]
            xs = [x[link.source] + link.out, *[x[slot] for slot in chain[1:-1]], ends[number]]
            rows = list(range(self._row[link.source], self._row[link.target]))
            routes.append(Route(xs[skipped:], rows[skipped:]))
        count = len(self._pieces)
        width = max([x[slot] + self._slots[slot].before for row in self._rows for slot in row[-1:]], default=0)
        return Layout(x[:count], y, tops, bottoms, tips, routes, width, bottoms[-1])

    def _heights(self) -> tuple[list[float], list[float], list[float], list[float]]:
        tops: list[float] = []
        tips: list[float] = []
        bottoms: list[float] = []
        y = [0.0] * len(self._pieces)
        top = 0.0
        for row in self._rows:
            here = [slot for slot in row if slot < len(self._pieces)]
            height = max([self._pieces[slot].height for slot in here], default=0)
            tip = max([self._pieces[slot].tip for slot in here], default=0)
            for slot in here:
                y[slot] = top + (height - self._pieces[slot].height) / 2
            tops.append(top)
            bottoms.append(top + height)
            tips.append(tip)
            top += height + tip + self._gap
        return tops, bottoms, tips, y

    def _ends(self, x: list[float]) -> list[float]:
        """Where each link comes in: side by side, in the order of where they come from."""
        coming: dict[int, list[int]] = defaultdict(list)
        found = [0.0] * len(self._links)
        for number, link in enumerate(self._links):
            if link.into is None:
                coming[link.target].append(number)
            else:
                found[number] = x[link.target] + link.into
        for target, several in coming.items():
            several.sort(key=lambda number: self._comes_from(number, x))
            reach = self._pieces[target].width * 0.38
            step = min(14.0, 2 * reach / len(several))
            room = step * (len(several) - 1)
            wanted = [
                (min(max(self._comes_from(number, x) - x[target], -reach), reach) - step * place, weight)
                for place, (number, weight) in enumerate([(one, float(self._links[one].weight)) for one in several])
            ]
            for place, (number, base) in enumerate(zip(several, _isotonic(wanted), strict=True)):
                found[number] = x[target] + min(max(base, -reach), reach - room) + step * place
        return found

    def _comes_from(self, number: int, x: list[float]) -> float:
        chain = self._chains.get(number)
        if chain is None:
            return -1.0
        return x[chain[-2]] + (self._links[number].out if len(chain) == 2 else 0)


def _rows(pieces: Sequence[Piece], links: Sequence[Link]) -> list[int]:
    """A row for each piece: one below all that lead to it, and wide rows broken."""
    rank = [0] * len(pieces)
    into: dict[int, list[int]] = defaultdict(list)
    for link in links:
        into[link.target].append(link.source)
    for number in range(len(pieces)):
        rank[number] = max([rank[source] + 1 for source in into[number]], default=0)
    last = max(rank, default=0)
    ends = [number for number, piece in enumerate(pieces) if piece.sinks]
    lowest = max([rank[number] for number, piece in enumerate(pieces) if not piece.sinks], default=0)
    for number in ends:
        rank[number] = max(lowest + 1, rank[number], last if last > lowest else 0)
    in_rank: dict[int, list[int]] = defaultdict(list)
    for number, own in enumerate(rank):
        in_rank[own].append(number)
    row, found = -1, [0] * len(pieces)
    for _, members in sorted(in_rank.items()):
        row, used = row + 1, 0.0
        for number in members:
            if used and used + pieces[number].width > WIDEST_ROW:
                row, used = row + 1, 0.0
            used += pieces[number].width + BETWEEN
            found[number] = row
    return found


def _sort(rows: list[list[int]], slots: list[_Slot]) -> None:
    """Order the slots of each row by the mean of their neighbours', and keep the order with the fewest crossings."""
    for row in rows:  # the lines of shortcuts stand to the right of what they lead past
        row.sort(key=lambda slot: slots[slot].aside)
    best, fewest = [list(row) for row in rows], None
    for sweep in range(ORDER_SWEEPS):
        down = sweep % 2 == 0
        for place in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            place_of = {slot: at for at, slot in enumerate(rows[place - 1 if down else place + 1])}
            _sort_row(rows[place], slots, place_of, down=down)
        crossings = _crossings(rows, slots)
        if fewest is None or crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
        if not fewest:
            break
    rows[:] = best


def _sort_row(row: list[int], slots: list[_Slot], place_of: dict[int, int], *, down: bool) -> None:
    mean: dict[int, float] = {}
    for at, slot in enumerate(row):
        near = slots[slot].above if down else slots[slot].below
        weight = sum([one for _, one, _ in near])
        mean[slot] = sum([place_of[other] * one for other, one, _ in near]) / weight if weight else at
    row.sort(key=lambda slot: (mean[slot], slots[slot].aside))


def _crossings(rows: list[list[int]], slots: list[_Slot]) -> int:
    """How many pairs of lines cross: inversions, counted in a tree of sums."""
    total = 0
    for upper, lower in pairwise(rows):
        place_of = {slot: at for at, slot in enumerate(lower)}
        ends = [place for slot in upper for place in sorted([place_of[other] for other, _, _ in slots[slot].below])]
        sums = [0] * (len(lower) + 1)
        for seen, end in enumerate(ends):
            total += seen - _sum_to(sums, end + 1)
            at = end + 1
            while at < len(sums):
                sums[at] += 1
                at += at & -at
    return total


def _sum_to(sums: list[int], at: int) -> int:
    total = 0
    while at:
        total += sums[at]
        at -= at & -at
    return total


def _place(rows: list[list[int]], slots: list[_Slot]) -> list[float]:
    """The middle of every slot."""
    x = [0.0] * len(slots)
    offsets = [_offsets(row, slots) for row in rows]
    for row, own in zip(rows, offsets, strict=True):
        for slot, offset in zip(row, own, strict=True):
            x[slot] = offset
    for sweep in range(PLACE_SWEEPS):
        down = sweep % 2 == 0
        both = sweep >= PLACE_SWEEPS - 2
        for place in range(len(rows)) if down else range(len(rows) - 1, -1, -1):
            _place_row(rows[place], offsets[place], slots, x, above=down or both, below=not down or both)
    left = min([x[slot] - slots[slot].before for row in rows for slot in row[:1]], default=0)
    return [value - left for value in x]


def _offsets(row: list[int], slots: list[_Slot]) -> list[float]:
    """Where slots are when they stand as close as they may, the first at 0."""
    steps = [slots[a].before + slots[b].before + _space(slots[a], slots[b]) for a, b in pairwise(row)]
    return list(accumulate(steps, initial=0.0)) if row else []


def _space(left: _Slot, right: _Slot) -> float:
    return 0 if left.piece is None and right.piece is None else BETWEEN if None not in (left.piece, right.piece) else 6


def _place_row(
    row: list[int], offsets: list[float], slots: list[_Slot], x: list[float], *, above: bool, below: bool
) -> None:
    wanted: list[tuple[float, float]] = []
    for slot, offset in zip(row, offsets, strict=True):
        near = [*(slots[slot].above if above else ()), *(slots[slot].below if below else ())]
        weight = sum([one for _, one, _ in near])
        mean = sum([(x[other] + right) * one for other, one, right in near]) / weight if weight else x[slot]
        wanted.append((mean - offset, weight or 0.1))
    for slot, offset, base in zip(row, offsets, _isotonic(wanted), strict=True):
        x[slot] = base + offset


def _isotonic(wanted: list[tuple[float, float]]) -> list[float]:
    """The values next to those wanted, by weighted squares, that never fall (pool adjacent violators)."""
    blocks: list[list[float]] = []  # mean, weight, count
    for value, weight in wanted:
        blocks.append([value, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            mean, weight_of, count = blocks.pop()
            last = blocks[-1]
            total = last[1] + weight_of
            last[0] = (last[0] * last[1] + mean * weight_of) / total
            last[1], last[2] = total, last[2] + count
    return [mean for mean, _, count in blocks for _ in range(int(count))]
