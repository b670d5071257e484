"""Edges of fields that random networks seldom meet: the input itself, equal axes, huge spans, negligible ends."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product

import pytest
import torch

from archlab.analysis.facts import _has_order, collect_facts
from archlab.analysis.receptive_field.axis_field import Periodic, UnitTable
from archlab.analysis.receptive_field.composition import ALIGNED
from archlab.analysis.receptive_field.effective import (
    NEGLIGIBLE,
    EffectiveAxis,
    Weights,
    _trim,
    effective_field,
    hand_back,
)
from archlab.analysis.receptive_field.fields import receptive_fields
from archlab.analysis.receptive_field.spans import DENSE, MAX_TRACKED, NOTHING, UNTRACKED, Span, coverage_of, slid
from archlab.api.load import loads
from archlab.diagnostics.problem import ConfigError
from archlab.layers.geometry import WHOLE, Phases, Reads, Window


def test_the_input_has_its_own_height_and_width() -> None:
    total = loads("input: [2, 4, 6]\nlayers: [{type: flatten}, {type: linear, out_features: 2}]").analyze().total
    assert total.receptive_field_index == 0
    height, width = total.receptive_field.axes
    assert height is not None
    assert width is not None
    assert (height.counts(), width.counts()) == ({1: 4}, {1: 6})


def test_a_unit_off_the_diagonal_has_two_different_axes() -> None:
    network = loads("input: [1, 20, 20]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 3, padding: 1}]")
    facts = collect_facts(network.graph)
    field = effective_field(network.graph, facts, receptive_fields(network.graph, facts), 1, (4, 11))
    assert field is not None
    assert [(axis.first, len(axis.weights)) for axis in (field.axes[0], field.axes[1])] == [(3, 3), (10, 3)]


def test_negligible_ends_go_and_nothing_else() -> None:
    small = NEGLIGIBLE / 2
    assert _trim(5, [small, 0.5, 0.25, small, small]) == Weights(6, [0.5, 0.25])
    assert _trim(5, [small, small, 0.5, small, 0.25]) == Weights(7, [0.5, small, 0.25])
    assert _trim(5, [0.5, 0.25]) == Weights(5, [0.5, 0.25])


def test_a_span_without_holes_is_dense_however_long() -> None:
    long = 2 * MAX_TRACKED
    assert slid((0, long, DENSE), 3, 5) == (0, long + 10, DENSE)
    assert slid((0, 4, DENSE), long, 5) == (0, 4 + 5 * (long - 1), DENSE)
    assert slid((0, 4, DENSE), long, 6)[2] == UNTRACKED
    assert slid((0, long, UNTRACKED), 1, 1) == (0, long, UNTRACKED)
    assert coverage_of(slid((0, 1, DENSE), 3, 3)) == 6 / 8


def test_a_shift_along_one_axis_is_none_along_the_other() -> None:
    assert (ALIGNED.largest, ALIGNED.mean) == (Fraction(0), Fraction(0))


def test_the_farthest_position() -> None:
    layer = "  - {type: max_pool2d, kernel_size: 2, stride: 2, ceil_mode: true}\n"
    for count in (60, 70):
        text = "input: [1, 1, 1]\nlayers:\n" + layer * count
        if count == 60:
            loads(text).analyze()
        else:
            with pytest.raises(ConfigError, match="reaches further than 4,611,686,018,427,387,904 positions"):
                loads(text).analyze()


def test_a_weight_has_an_order_where_torchs_two_memory_formats_differ() -> None:
    for shape in product((1, 3), repeat=4):
        both = torch.empty(shape).is_contiguous(memory_format=torch.channels_last)
        assert _has_order(shape) == (not both), shape
    assert not _has_order((3, 3))


def test_the_stride_of_listed_units_is_the_mean_step_of_their_centres() -> None:
    """Centres 0, 3.5 and 5, then one beyond the map: (5 - 0) / 2 from one unit to the next."""
    spans: tuple[Span, ...] = ((0, 0, DENSE), (3, 4, DENSE), (4, 6, DENSE), (40, 50, DENSE))
    assert UnitTable(0, spans, 3, None).stride == Fraction(5, 2)
    assert UnitTable(-1, spans, 2, None).stride == Fraction(10 - 7, 2)
    assert UnitTable(0, spans, 1, None).stride == 0
    assert UnitTable(0, (NOTHING, *spans), 3, None).stride == 0
    assert UnitTable(0, spans, 3, Fraction(7, 4)).stride == Fraction(7, 4)


def test_joined_maps_of_one_speed_keep_it_however_long_their_period() -> None:
    """300 rows become 301: from one unit to the next 300 / 301 input positions, never the other way round."""
    paths = ", ".join(f"[{{type: upsample, size: [301, 8], mode: {mode}}}]" for mode in ("nearest", "bilinear"))
    total = loads(f"input: [1, 300, 8]\nlayers: [{{type: branches, paths: [{paths}]}}]").analyze().total
    height, width = total.receptive_field.axes
    assert height is not None
    assert width is not None
    assert height.stride == Fraction(300, 301)
    assert width.stride == 1


def test_the_farthest_position_itself() -> None:
    far = 2**62
    assert Periodic(1, 1, ((-far, far, DENSE),), 1).span(0) == (-far, far, DENSE)
    for span in ((-far - 1, 0, DENSE), (0, far + 1, DENSE)):
        with pytest.raises(OverflowError, match="further than 4,611,686,018,427,387,904 positions"):
            Periodic(1, 1, (span,), 1)
        with pytest.raises(OverflowError):
            UnitTable(0, (span,), 1, None)
    for spans in (((-far - 1, 0, DENSE), (0, 0, DENSE)), ((0, 0, DENSE), (0, far + 1, DENSE))):
        with pytest.raises(OverflowError):
            UnitTable(0, spans, 2, None)


@pytest.mark.parametrize("first", range(-5, 8))
def test_the_share_of_the_weight_inside_of_the_image(first: int) -> None:
    weights = [0.5, 0.25, 0.125, 0.125]
    inside = [weight for position, weight in enumerate(weights, first) if 0 <= position < 5]
    assert EffectiveAxis(first, weights, (first, first + 3), 5).inside == sum(inside)


ROW = 65_536


@pytest.mark.parametrize(
    "reads",
    [
        lambda _length: WHOLE,
        lambda length: Window(kernel=length),
        lambda length: Window(kernel=2, dilation=length - 1),
        lambda length: Phases(2, 2, ((0, length - 1), (0,))),
    ],
)
def test_the_longest_row_of_weights(reads: Callable[[int], Reads]) -> None:
    one = Weights(0, [1.0])
    row = hand_back(one, reads(ROW), ROW)
    assert row is not None
    assert (row.first, len(row.values)) == (0, ROW)
    assert sum(row.values) == pytest.approx(1)
    assert hand_back(one, reads(ROW + 1), ROW + 1) is None


def test_a_join_of_one_position_is_read_on() -> None:
    """Its paths move at different speeds, over the whole image both."""
    conv = "{type: conv2d, out_channels: 2, kernel_size: "
    paths = f"[[{conv}8}}], [{{type: max_pool2d, kernel_size: 2}}, {conv}4}}]]"
    layers = f"[{{type: branches, merge: add, paths: {paths}}}, {conv}1, stride: 2}}]"
    field = loads(f"input: [2, 8, 8]\nlayers: {layers}").analyze().total.receptive_field
    assert [axis.sizes for axis in field.axes if axis is not None] == [[8], [8]]
