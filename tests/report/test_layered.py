"""The layout of diagrams: on random graphs, by definitions that are slower."""

from __future__ import annotations

import random
from itertools import combinations, pairwise, product

import numpy as np
import pytest

from archlab.report.diagram.layered import (
    Layout,
    Link,
    Piece,
    _crossings,
    _isotonic,
    _Slot,
    arrange,
)
from archlab.report.diagram.letters import cut_to, text_width, wrapped
from tests.chunks import check_each


def random_graph(seed: int) -> tuple[list[Piece], list[Link]]:
    draw = random.Random(seed)  # noqa: S311 - no secrets
    count = draw.randint(2, 30)
    pieces = [Piece(draw.randint(30, 300), draw.randint(20, 60), tip=draw.choice([0, 15])) for _ in range(count)]
    links = [Link(draw.randrange(at), at, weight=draw.choice([2, 9])) for at in range(1, count)]
    for _ in range(draw.randint(0, count)):
        source, target = sorted(draw.sample(range(count), 2))
        links.append(Link(source, target, aside=draw.random() < 0.5))
    return pieces, list({(link.source, link.target, link.aside): link for link in links}.values())


def boxes_of(layout: Layout, pieces: list[Piece]) -> list[tuple[float, float, float, float]]:
    return [
        (x - piece.width / 2, y, x + piece.width / 2, y + piece.height)
        for piece, x, y in zip(pieces, layout.x, layout.y, strict=True)
    ]


def test_pieces_stand_apart_and_lines_lead_down() -> None:
    check_each(range(60), check_apart)


def check_apart(seed: int) -> None:
    pieces, links = random_graph(seed)
    layout = arrange(pieces, links, 20)
    boxes = boxes_of(layout, pieces)
    assert not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for a, b in combinations(boxes, 2))
    assert min(left for left, *_ in boxes) > -0.001
    assert max(right for _, _, right, _ in boxes) < layout.width + 0.001
    assert max(low for *_, low in boxes) <= layout.height
    for link in links:
        assert boxes[link.source][3] < boxes[link.target][1]


def test_lines_end_at_their_pieces_and_pass_between_the_others() -> None:
    check_each(range(60), check_ends)


def check_ends(seed: int) -> None:
    pieces, links = random_graph(seed)
    layout = arrange(pieces, links, 20)
    boxes = boxes_of(layout, pieces)
    for link, route in zip(links, layout.routes, strict=True):
        left, top, right, _ = boxes[link.target]
        assert left <= route.xs[-1] <= right
        assert layout.tops[route.rows[-1] + (route.lane is None)] <= top
        if route.lane is not None:
            assert route.lane < min(box[0] for box in boxes)
            continue
        assert route.rows == list(range(route.rows[0], route.rows[-1] + 1))
        for x, row in zip(route.xs[1:-1], route.rows[1:], strict=True):
            beside = [box for box in boxes if layout.tops[row] <= box[1] and box[3] <= layout.bottoms[row]]
            assert not any(box[0] < x < box[2] for box in beside)


def test_a_main_path_is_straight() -> None:
    """Whatever leads past it, and however wide the boxes are."""
    pieces = [Piece(width, 30) for width in (50, 200, 90, 120, 60)]
    chain = [Link(at, at + 1, weight=9) for at in range(4)]
    layout = arrange(pieces, [*chain, Link(0, 4, aside=True), Link(1, 3, aside=True)], 20)
    assert max(layout.x) - min(layout.x) < 2


def test_branches_are_side_by_side_in_their_order() -> None:
    pieces = [Piece(80, 30)] * 6
    links = [*[Link(0, at) for at in range(1, 5)], *[Link(at, 5) for at in range(1, 5)]]
    layout = arrange(pieces, links, 20)
    assert layout.y[1] == layout.y[2] == layout.y[3] == layout.y[4]
    assert layout.x[1] < layout.x[2] < layout.x[3] < layout.x[4]
    assert layout.x[0] == pytest.approx(sum(layout.x[1:5]) / 4, abs=1)


def test_a_wide_row_is_broken() -> None:
    pieces = [Piece(100, 30)] * 102
    links = [*[Link(0, at) for at in range(1, 101)], *[Link(at, 101) for at in range(1, 101)]]
    layout = arrange(pieces, links, 20)
    assert layout.width < 3_000
    assert len(set(layout.y)) > 8


def test_isotonic_is_the_least_squares() -> None:
    check_each(range(30), check_isotonic)


def check_isotonic(seed: int) -> None:
    """Against every way of cutting the values into blocks of equal value."""
    draw = random.Random(seed)  # noqa: S311 - no secrets
    wanted = [(draw.uniform(-9, 9), draw.choice([0.1, 1.0, 5.0])) for _ in range(7)]
    best = float("inf")
    for cuts in product([False, True], repeat=6):
        ends = [0, *[at + 1 for at, cut in enumerate(cuts) if cut], 7]
        means = [
            sum(value * weight for value, weight in wanted[a:b]) / sum(weight for _, weight in wanted[a:b])
            for a, b in pairwise(ends)
        ]
        if means == sorted(means):
            values = [mean for mean, (a, b) in zip(means, pairwise(ends), strict=True) for _ in range(a, b)]
            best = min(best, cost(values, wanted))
    found = _isotonic(wanted)
    assert found == sorted(found)
    assert cost(found, wanted) == pytest.approx(best)


def cost(values: list[float], wanted: list[tuple[float, float]]) -> float:
    return float(np.sum([weight * (value - goal) ** 2 for value, (goal, weight) in zip(values, wanted, strict=True)]))


def test_crossings_are_those_of_all_pairs() -> None:
    check_each(range(30), check_crossings)


def check_crossings(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secrets
    above, below = draw.randint(1, 8), draw.randint(1, 8)
    slots = [_Slot(None, 1) for _ in range(above + below)]
    lines = [(draw.randrange(above), above + draw.randrange(below)) for _ in range(12)]
    for upper, lower in lines:
        slots[upper].below.append((lower, 1, 0))
    crossing = sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in combinations(lines, 2))
    assert _crossings([list(range(above)), list(range(above, above + below))], slots) == crossing


def test_texts_are_no_wider_than_said() -> None:
    """DejaVu Sans, the widest of the fonts that a picture may be shown in, as matplotlib has it."""
    manager = pytest.importorskip("matplotlib.font_manager")
    textpath = pytest.importorskip("matplotlib.textpath")
    letters = "".join(map(chr, range(32, 127)))
    for text in ["conv 3x3 depthwise 512", "transposed conv 2x2 /2", "MMMM WWWW @@", letters, *letters.strip()]:
        for weight in ("normal", "bold"):
            font = manager.FontProperties(family="DejaVu Sans", weight=weight, size=12)
            width, _, _ = textpath.TextToPath().get_text_width_height_descent(text, font, ismath=False)
            assert width <= text_width(text, 12, bold=weight == "bold") + 0.3


def test_lines_break_between_words() -> None:
    assert wrapped("conv 1x1 64, conv 3x3 64, add", 12, 110, 6) == ["conv 1x1 64,", "conv 3x3 64, add"]
    assert wrapped("conv 3x3 depthwise 512", 12, 100, 6) == ["conv 3x3", "depthwise 512"]
    assert cut_to("a" * 100, 12, 60).count("\N{HORIZONTAL ELLIPSIS}") == 1
    assert text_width(cut_to("a" * 100, 12, 60), 12) <= 60
