"""Projective fields against their definition: every position, every unit of every layer, borders included."""

from __future__ import annotations

import sys
from fractions import Fraction
from functools import partial

import pytest

from archlab.analysis.projective_field import composition, ways
from archlab.analysis.projective_field.axis_projection import AxisProjection, Repeated, Run, input_axis
from archlab.analysis.projective_field.composition import Projector
from archlab.analysis.projective_field.transposed import transposed
from archlab.analysis.receptive_field.spans import DENSE, NOTHING, Span
from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.diagnostics.problem import ConfigError
from archlab.layers.geometry import BROADCAST, WHOLE, Phases, Reads, Window, taps_of
from tests.analysis.projective_field.definitions import as_set, difference, units_of
from tests.chunks import check_each
from tests.random_networks import random_network


def height(network: Network, path: str | None = None) -> AxisProjection:
    analysis = network.analyze()
    nodes = analysis.graph.nodes
    found = nodes[-1] if path is None else next(node for node in nodes[1:] if node.path == path)
    return analysis.projections[found.index][0]


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_random_networks(first: int) -> None:
    for seed in range(first, first + 20):
        assert not difference(random_network(seed)), f"seed {seed}"


def enlarged(seed: int) -> Network | None:
    """A random network with an input so large that runs repeat between the borders; None where it has no such."""
    network = random_network(seed)
    shape = network.graph.input_shape
    if len(network.graph.inputs) > 1:
        return None
    factor = {1: 11, 2: 6, 3: 3}[len(shape) - 1]
    larger = [shape[0], *[factor * size + (seed + axis) % 3 for axis, size in enumerate(shape[1:])]]
    try:
        return loads(network.document.source.text.replace(f"input: {list(shape)}", f"input: {larger}"))
    except ConfigError:  # a map of another size cannot be joined
        return None


def test_random_networks_on_large_inputs() -> None:
    """Where runs repeat, one period stands for all of them."""
    repeating = checked = 0
    for seed in range(90):
        network = enlarged(seed)
        if network is not None:
            assert not difference(network), f"seed {seed}"
            checked += 1
            repeating += any(one.cycles for axes in network.analyze().projections[-3:] for one in axes)
    assert checked >= 15
    assert repeating >= 12


def test_periods_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Written out position by position, the same units are reached."""
    for seed in (3, 8, 11, 24, 40):
        network = enlarged(seed)
        if network is None:
            continue
        short = [[units_of(one) for one in axes] for axes in network.analyze().projections[1:]]
        with monkeypatch.context() as patched:
            patched.setattr(composition, "LEAST_CYCLES", sys.maxsize)
            analysis = network.analyze()
            assert not any(
                one.cycles for axes in analysis.projections[1:] for one in axes if one.units > 1 and one.step
            )
            assert short == [[units_of(one) for one in axes] for axes in analysis.projections[1:]]


READS: list[tuple[Reads, int, int]] = [
    (Window(3, 2, 1), 40, 20),
    (Window(2, 3, 0), 40, 13),
    (Window(3, 1, 4, 3), 40, 42),
    (Window(5, 4, 2, 3), 40, 8),
    (Window(1, 1, -3), 40, 30),
    (Window(1, 1, 5, mode="reflect"), 40, 50),
    (Window(3, 2, 3, 2, mode="circular"), 40, 21),
    (Window(1, 1, 0, mode="replicate"), 40, 46),
    (Phases(3, 1, ((0,), (0, 1), ())), 13, 40),
    (Phases(5, 3, tuple((i, i - 1) for i in range(5))), 30, 47),
    (Phases(400, 399, taps_of(400, 2, lambda phase: (phase, phase + 1))), 399, 400),
    (Phases(2, 0, ((0, 3), (5,))), 9, 21),
    (BROADCAST, 1, 20),
    (WHOLE, 20, 7),
]
SETS: list[Span] = [
    (0, 0, DENSE),
    (2, 3, DENSE),
    (0, 8, 0b100100101),
    (1, 12, DENSE),
    (4, 10, 0b1000001),
    (35, 39, DENSE),
    (33, 39, 0b1010001),
    NOTHING,
]


@pytest.mark.parametrize("span", SETS)
def test_transposed_reads_are_the_reads_turned_round(span: Span) -> None:
    check_each(READS, partial(check_transposed, span))


def check_transposed(span: Span, case: tuple[Reads, int, int]) -> None:
    reads, sources, units = case
    inputs = {at for at in as_set(span) if at < sources}
    if len(inputs) < len(as_set(span)):
        return
    expected: set[int] = set()
    for unit in range(units):
        if reads is WHOLE:
            taps: list[int] = sorted(inputs)
        else:
            assert isinstance(reads, Window | Phases)
            taps = [*reads.of(unit)]
        for tap in taps:
            inside = 0 <= tap < sources
            place = tap if inside else reads.stands_in(tap, sources) if isinstance(reads, Window) else None
            if place in inputs:
                expected.add(unit)
    assert as_set(transposed(reads, sources, units).inside(span)) == expected


@pytest.mark.parametrize(("reads", "sources", "units"), READS)
def test_an_input_read_by_one_layer(reads: Reads, sources: int, units: int) -> None:
    """What each position reaches is what it reaches alone, however positions are put together."""
    projection = Projector().through(input_axis(sources), reads, units)
    rule = transposed(reads, sources, units)
    assert units_of(projection) == [as_set(rule.inside((at, at, DENSE))) for at in range(sources)]


def test_by_hand() -> None:
    """A window of 3 with a stride of 2 and no padding over 8 rows: outputs 0, 1, 2 read 0-2, 2-4, 4-6; row 7 none."""
    projection = height(loads("input: [1, 8, 8]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 3, stride: 2}]"))
    assert [projection.reached(at) for at in range(8)] == [
        [(0, 0)], [(0, 0)], [(0, 1)], [(1, 1)], [(1, 2)], [(2, 2)], [(2, 2)], [],
    ]  # fmt: skip
    assert projection.sizes == [0, 1, 2]
    assert projection.counts() == {0: 1, 1: 5, 2: 2}
    assert projection.unreaching == [(7, 7)]
    assert projection.stride == Fraction(1, 2)


def test_positions_that_reach_nothing_are_runs() -> None:
    """Also across the borders of what repeats."""
    bare: Run = (1, NOTHING)
    cycle: list[Run] = [bare, (1, (0, 0, DENSE))]
    projection = AxisProjection(3, [(2, NOTHING)], None, (0, 2, DENSE), repeated=Repeated(cycle, 3, 1), tail=[bare])
    assert projection.unreaching == [(0, 2), (4, 4), (6, 6), (8, 8)]
    assert projection.unreaching_count == 6
    assert projection.stride == Fraction(1, 2)  # from unit 0 at position 3 to unit 2 at position 7


def test_strides() -> None:
    """Ratios of layers multiply; what everything reaches does not move; maps of two speeds have what is between."""
    layers = "{name: down, type: conv2d, out_channels: 1, kernel_size: 3, stride: 3}, {type: upsample, scale_factor: 2}"
    pooled = "{type: global_avg_pool2d}, {type: interpolate, size: 8}"
    network = loads(f"input: [1, 12, 12]\nlayers: [{layers}, {pooled}]")
    axes = [rows for rows, _ in network.analyze().projections]
    assert [rows.stride for rows in axes] == [1, Fraction(1, 3), Fraction(2, 3), 0, 0]
    odd = loads(
        "input: [1, 21, 21]\nlayers: [{name: stem, type: conv2d, out_channels: 4, kernel_size: 1, stride: 2}, "
        "{type: avg_pool2d, kernel_size: 2}, {type: interpolate, size: 11}, {type: concat, with: [stem]}]"
    )
    rows, _ = odd.analyze().projections[-1]
    assert rows.reached(0) == [(0, 2)]
    assert rows.reached(20) == [(10, 10)]
    assert rows.stride == Fraction(9, 20)


def test_holes_are_listed() -> None:
    """Two dilated windows: every second unit; a unit of the map in between is not reached."""
    conv = "{type: conv2d, out_channels: 1, kernel_size: 3, dilation: 2, padding: 2, repeat: 2}"
    projection = height(loads(f"input: [1, 30, 30]\nlayers: [{conv}]"))
    assert projection.reached(12) == [(8, 8), (10, 10), (12, 12), (14, 14), (16, 16)]
    assert projection.reached(1) == [(1, 1), (3, 3), (5, 5)]
    assert projection.coverage == 5 / 9
    assert max(projection.sizes) == 9


def test_padding_of_the_maps_own_values_is_followed() -> None:
    conv = "{type: conv2d, out_channels: 1, kernel_size: 3, padding: 1, padding_mode: circular}"
    projection = height(loads(f"input: [1, 9, 9]\nlayers: [{conv}]"))
    assert projection.reached(0) == [(0, 1), (8, 8)]
    assert projection.reached(4) == [(3, 5)]
    zeros = height(loads(f"input: [1, 9, 9]\nlayers: [{conv.replace('circular', 'zeros')}]"))
    assert zeros.reached(0) == [(0, 1)]


def test_axes_that_read_differently_do_not_share() -> None:
    """A square map stays square under a window of 3 by 5."""
    text = "input: [1, 9, 9]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: [3, 5], padding: auto}]"
    rows, columns = loads(text).analyze().projections[-1]
    assert (rows.reached(4), columns.reached(4)) == ([(3, 5)], [(2, 6)])


def test_a_way_that_ends_along_one_axis_has_ended() -> None:
    """One path pads its map until nothing of it is left along the height: its width does not count."""
    text = (
        "input: [1, 6, 6]\nlayers:\n"
        "  - {type: branches, merge: add, paths: [[{type: zero_pad2d, padding: [0, 0, 6, -6]}, "
        "{type: conv2d, out_channels: 1, kernel_size: [1, 5], padding: [0, 2]}], []]}\n"
    )
    rows, columns = loads(text).analyze().projections[-1]
    assert rows.reached(2) == columns.reached(2) == [(2, 2)]


@pytest.mark.parametrize("behind", ["{type: zero_pad2d, padding: [2, -2, 0, 0]}",
                                    "{type: conv2d, out_channels: 1, kernel_size: 1, stride: [1, 5]}"])  # fmt: skip
def test_a_way_that_ends_behind_a_join_has_ended(behind: str) -> None:
    """One path reaches the last two columns alone, and rows around its own; what is behind the join cuts those off."""
    paths = (
        "{type: branches, merge: add, paths: [[{type: zero_pad2d, padding: [4, -4, 0, 0]}, "
        "{type: conv2d, out_channels: 1, kernel_size: [5, 1], padding: [2, 0]}], []]}"
    )
    network = loads(f"input: [1, 6, 5]\nlayers: [{paths}, {behind}]")
    rows, _ = network.analyze().projections[-2]
    assert rows.reached(2) == [(0, 4)]
    rows, _ = network.analyze().projections[-1]
    assert rows.reached(2) == [(2, 2)]
    assert not difference(network)


def test_ways_that_end_apart_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound some are one, and what is told of them holds all that is reached."""
    paths = ", ".join(
        f"[{{type: zero_pad2d, padding: [{by}, -{by}, 0, 0]}}, "
        f"{{type: conv2d, out_channels: 1, kernel_size: [{2 * by + 1}, 1], padding: [{by}, 0]}}]"
        for by in range(6)
    )
    layers = f"{{type: branches, merge: add, paths: [{paths}]}}, {{type: zero_pad2d, padding: [3, -3, 0, 0]}}"
    text = f"input: [1, 11, 6]\nlayers: [{layers}]"
    exact, _ = loads(text).analyze().projections[-1]
    assert exact.reached(5) == [(3, 7)]
    monkeypatch.setattr(ways, "MOST_WAYS", 3)
    wide, _ = loads(text).analyze().projections[-1]
    assert wide.reached(5) == [(0, 10)]


def test_both_ways_agree_inside_of_the_image() -> None:
    """A unit is reached from a position exactly if it sees it, where no border is near."""
    analysis = load("resnet18", input=(3, 160, 160)).analyze()
    for layer in analysis.layers[:40]:
        field = layer.receptive_field.axes[0]
        assert field is not None
        projection = analysis.projections[layer.node.index][0]
        for at in (60, 81, 99):
            seeing = [unit for unit in range(field.units) if as_set(field.span(unit)) >= {at}]
            assert seeing == [unit for first, last in projection.reached(at) for unit in range(first, last + 1)]


def test_a_long_input_is_quick() -> None:
    """A million positions take no more than a few: only the borders and a period are worked out."""
    projector = Projector()
    projection = input_axis(1 << 20)
    for reads, units in (
        (Window(7, 2, 3), 1 << 19),
        (Window(3, 1, 8, 8), 1 << 19),
        (Phases(2, 1, ((0, 1),) * 2), 1 << 20),
    ):
        projection = projector.through(projection, reads, units)
    assert projection.cycles > 100_000
    assert len(projection.head) + len(projection.cycle) + len(projection.tail) < 200
    assert projection.span(1 << 19)[0] <= 1 << 19 <= projection.span(1 << 19)[1]


def test_what_would_take_too_long_is_refused() -> None:
    """A placed problem, and only where projections are asked for."""
    convs = [
        f"{{type: conv2d, out_channels: 1, kernel_size: [3, 1], padding: same, dilation: [{by}, 1]}}"
        for by in (1, 9001, 7001, 5001, 3001, 8999)
    ]
    analysis = loads(f"input: [1, 65536, 1]\nlayers: [{', '.join(convs)}]").analyze()
    with pytest.raises(ConfigError, match="too many input positions reach units of their own") as refused:
        _ = analysis.projections
    assert refused.value.problems[0].place is not None
