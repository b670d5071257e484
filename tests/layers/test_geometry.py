"""Reads along an axis, by hand, by brute force and as PyTorch's pooling and convolutions have them."""

from __future__ import annotations

from itertools import product
from math import ceil, floor, inf
from typing import Any

import pytest
import torch
from torch.nn import functional

from archlab.layers import find_layer
from archlab.layers.base import Layer
from archlab.layers.describe import own_options
from archlab.layers.geometry import (
    IDENTITY,
    WHOLE,
    AxisReads,
    PaddingMode,
    Phases,
    Reads,
    Taps,
    Whole,
    Window,
    adaptive_reads,
)
from archlab.layers.laid import ChannelsLast
from archlab.layers.shape import ShapeError, channels_of, is_even, map_size


def make(layer_type: str, **options: Any) -> Layer:
    cls = find_layer(layer_type)
    assert cls is not None
    return cls.model_validate(options)


def read_by(layer: Layer, shape: tuple[int, ...]) -> AxisReads:
    (pair,) = layer.reads((shape,), layer.out_shape((shape,)))
    return pair


def positions(reads: Reads, unit: int, size: int) -> list[int]:
    return list(range(size)) if isinstance(reads, Whole) else sorted(reads.of(unit))


def test_adaptive_pooling_reads_what_torchs_does() -> None:
    """The output of pooling an identity matrix is not zero where an input is read."""
    for size in range(1, 12):
        for out_size in range(1, 14):
            pooled = functional.adaptive_avg_pool1d(torch.eye(size)[None], out_size)[0]
            reads = adaptive_reads(size, out_size)
            for unit in range(out_size):
                assert positions(reads, unit, size) == pooled[:, unit].nonzero().flatten().tolist(), (size, out_size)


@pytest.mark.parametrize(("size", "out_size"), [(1000, 257), (1001, 300), (290, 271), (5000, 999), (300, 7), (7, 300)])
def test_an_adaptive_window_is_no_wider_than_it_says(size: int, out_size: int) -> None:
    """PyTorch's windows begin at floor(o * in / out) and end at ceil((o + 1) * in / out)."""
    widths = [ceil((o + 1) * size / out_size) - floor(o * size / out_size) for o in range(out_size)]
    reads = adaptive_reads(size, out_size)
    assert isinstance(reads, Phases)
    assert reads.most_taps == max(widths)
    assert [len(reads.of(unit)) for unit in range(out_size)] == widths


def test_a_pooling_that_divides_its_map_slides() -> None:
    assert adaptive_reads(12, 4) == Window(kernel=3, stride=3)
    assert [adaptive_reads(12, 12), adaptive_reads(12, 1), adaptive_reads(1, 1)] == [IDENTITY, WHOLE, IDENTITY]


def test_height_and_width_of_a_map_whichever_way_round() -> None:
    assert [map_size(shape) for shape in ((3, 4, 6), ChannelsLast((4, 6, 3)), (12,))] == [(4, 6), (4, 6), None]
    assert [channels_of(shape) for shape in ((3, 4, 6), ChannelsLast((4, 6, 3)), (12,))] == [3, 3, 12]
    assert [is_even(shape) for shape in ((3, 4, 4), (4, 4, 6), ChannelsLast((4, 4, 3)), (12,))] == [1, 0, 1, 1]


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_transposed_convolutions_read_what_torchs_do(stride: int, dilation: int) -> None:
    for kernel in range(1, 6):
        for padding in range(3):
            layer = make(
                "conv_transpose2d",
                out_channels=1,
                kernel_size=kernel,
                stride=stride,
                padding=padding,
                dilation=dilation,
            )
            weight = torch.ones(1, 1, kernel)
            if (7 - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 < 1:
                continue
            seen = functional.conv_transpose1d(
                torch.eye(7)[:, None], weight, stride=stride, padding=padding, dilation=dilation
            )[:, 0]
            reads = read_by(layer, (1, 7, 7))[0]
            assert isinstance(reads, Window | Phases)
            most = 0
            for unit in range(seen.shape[1]):
                taps = positions(reads, unit, 7)
                most = max(most, len(taps))
                assert [tap for tap in taps if 0 <= tap < 7] == seen[:, unit].nonzero().flatten().tolist()
            assert most <= reads.most_taps if isinstance(reads, Phases) else most == reads.kernel


@pytest.mark.parametrize(
    ("options", "height", "width"),
    [
        ({"kernel_size": 3}, Window(3), Window(3)),
        ({"kernel_size": (3, 5)}, Window(3), Window(5)),
        ({"kernel_size": 3, "stride": (2, 1)}, Window(3, 2), Window(3, 1)),
        ({"kernel_size": 3, "dilation": (1, 2)}, Window(3, 1, 0, 1), Window(3, 1, 0, 2)),
        ({"kernel_size": 3, "padding": (1, 2)}, Window(3, 1, 1), Window(3, 1, 2)),
        ({"kernel_size": 4, "padding": "same"}, Window(4, 1, 1), Window(4, 1, 1)),
        ({"kernel_size": (5, 3), "padding": "auto", "dilation": (1, 3)}, Window(5, 1, 2), Window(3, 1, 3, 3)),
    ],
)
def test_convolutions_slide_along_each_axis_by_themselves(
    options: dict[str, Any], height: Window, width: Window
) -> None:
    assert read_by(make("conv2d", out_channels=2, **options), (2, 12, 12)) == (height, width)


def test_transposed_convolutions_have_two_axes() -> None:
    options = {"kernel_size": (3, 5), "padding": (1, 0), "dilation": (1, 2)}
    read = read_by(make("conv_transpose2d", out_channels=2, **options), (2, 12, 12))
    assert read == (
        Window(3, 1, 1, 1),
        Window(5, 1, 8, 2),
    )  # the kernels turned round: padded by dilation * (kernel - 1)


def test_reach_is_from_the_first_to_the_last_that_is_read() -> None:
    rising: list[Window | Phases] = [
        Window(3, 2, 1, 2),
        Window(1, 3, -2),
        Phases(2, 1, ((0,), (0, 1))),
        Phases(1, 0, ((0,),)),
        Phases(2, 3, Taps(2, 2, lambda phase: (phase, phase + 1))),
    ]
    others: list[Window | Phases] = [
        Phases(3, 2, ((-1, 4), (), (0, 1))),
        Phases(4, 3, ((), (), (2,), ())),
        Phases(2, 1, ((1,), (0,))),
        Phases(2, 1, ((0,), (3,))),
    ]
    for form in (*rising, *others):
        for first in range(-5, 6):
            for last in range(first, first + 9):
                read = [tap for unit in range(first, last + 1) for tap in form.of(unit)]
                around = form.between(first, last)
                assert around is not None
                if form in rising:
                    assert around == (min(read), max(read))
                else:  # what is asked for may be more
                    assert all(around[0] <= tap <= around[1] for tap in read)
    assert Phases(2, 1, ((), ())).between(0, 5) is None


@pytest.mark.parametrize(
    "options", [{"kernel_size": 2, "stride": 300}, {"kernel_size": 7, "stride": 260, "dilation": 99}]
)
def test_reach_of_long_periods(options: dict[str, int]) -> None:
    (read,) = read_by(make("conv_transpose1d", out_channels=1, padding=40, **options), (1, 5))
    assert isinstance(read, Phases)
    assert isinstance(read.taps, Taps)
    for first, count in product((-300, 0, 7, 299), (1, 250, 700)):
        taps = [tap for unit in range(first, first + count) for tap in read.of(unit)]
        around = read.between(first, first + count - 1)
        assert around is not None
        assert all(around[0] <= tap <= around[1] for tap in taps)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_neighbours_that_no_rounding_moves(mode: str) -> None:
    """Sizes in the ratio of powers of two are not compared one by one."""
    for before, after in ((3, 6), (6, 3), (5, 40), (999, 3996), (48, 64), (96, 64), (131_072, 262_144)):
        layer = make("interpolate", size=after, mode=mode)
        assert layer.read_steps(((1, before),), (1, after)) == 0
        (read,) = read_by(layer, (1, before))
        assert isinstance(read, Window | Phases)
        positions = torch.arange(before, dtype=torch.float64)[None, None]
        found = functional.interpolate(positions, size=after, mode=mode)[0, 0].tolist()
        assert [read.of(unit)[0] for unit in range(after)] == found
    assert make("interpolate", size=99, mode=mode).read_steps(((1, 100),), (1, 99)) == 198


def test_a_window_that_reads_each_position_where_it_is() -> None:
    for kernel, stride, padding, dilation in product((1, 2, 3), (1, 2), (-1, 0, 1), (1, 2)):
        window = Window(kernel, stride, padding, dilation)
        read = all(list(window.of(unit)) == [unit] for unit in range(3))
        # a kernel of one position has no dilation to speak of
        assert window.is_identity is (read and dilation == 1)


def test_functions_along_a_dimension_read_it() -> None:
    """Dimension 1 is the channels, 2 the height, 3 the width; of a channels-last map -1 is the channels."""
    shape = (2, 4, 6)
    assert read_by(make("softmax", dim=1), shape) == (IDENTITY, IDENTITY)
    assert read_by(make("softmax", dim=2), shape) == (WHOLE, IDENTITY)
    assert read_by(make("softmax", dim=-1), shape) == (IDENTITY, WHOLE)
    assert read_by(make("softmax", dim=-1), ChannelsLast(shape)) == (IDENTITY, IDENTITY)
    assert read_by(make("softmax", dim=1), (8,)) == ()
    assert read_by(make("glu", dim=1), shape) == (IDENTITY, IDENTITY)
    assert read_by(make("glu", dim=2), shape) == (Window(2, 1, 0, 2), IDENTITY)
    assert read_by(make("glu", dim=3), shape) == (IDENTITY, Window(2, 1, 0, 3))
    assert read_by(make("glu", dim=-1), ChannelsLast(shape)) == (IDENTITY, IDENTITY)


def test_a_deformable_operation_reads_the_grid_and_its_offsets_in_place() -> None:
    layer = make("deform_conv2d_op", out_channels=2, kernel_size=(3, 1), stride=(1, 2), padding=(1, 0))
    inputs = ((2, 6, 7), (6, 6, 4))
    grid = (Window(3, 1, 1, reach=inf), Window(1, 2, reach=inf))
    assert layer.reads(inputs, layer.out_shape(inputs)) == (grid, (IDENTITY, IDENTITY))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_what_stands_in_for_the_padding_is_torchs(mode: PaddingMode) -> None:
    rule = Window(padding=3, mode=mode).stands_in
    row = torch.arange(5.0)[None, None]
    padded = functional.pad(row, (3, 4), mode=mode).flatten().tolist()
    assert [rule(position, 5) for position in range(-3, 0)] == padded[:3]
    assert [rule(position, 5) for position in range(5, 9)] == padded[8:]


def test_options_are_those_that_were_written_or_must_be() -> None:
    assert own_options(make("conv2d", out_channels=3, kernel_size=1)) == {"out_channels": 3, "kernel_size": (1, 1)}
    assert own_options(make("conv2d", out_channels=3, kernel_size=1, groups=3, bias=False)) == {
        "out_channels": 3,
        "kernel_size": (1, 1),
        "groups": 3,
        "bias": False,
    }
    assert own_options(make("relu")) == {}


@pytest.mark.parametrize(
    ("padding", "height", "width"),
    [
        ((0, 0, 0, 0), IDENTITY, IDENTITY),
        ((2, -2, 0, 0), IDENTITY, Window(padding=2)),
        ((0, 0, 2, -2), Window(padding=2), IDENTITY),
        ((-1, 1, 0, 0), IDENTITY, Window(padding=-1)),
        ((0, 3, 0, 1), IDENTITY, IDENTITY),
        ((2, -2, 2, -2), Window(padding=2), Window(padding=2)),
        ((1, 2, 3, 4), Window(padding=3), Window(padding=1)),
    ],
)
def test_padding_shifts_by_what_is_in_front(padding: tuple[int, int, int, int], height: Window, width: Window) -> None:
    """Of left, right, top, bottom: top and left."""
    layer = make("zero_pad2d", padding=padding)
    assert read_by(layer, (1, 6, 6)) == (height, width)
    taken = torch.nn.ZeroPad2d(padding)(torch.ones(1, 1, 6, 6)).shape[2:]
    assert layer.out_shape(((1, 6, 6),))[1:] == tuple(taken)


def test_scale_factors_are_the_fractions_that_are_meant() -> None:
    """A third reads every third position, the middle of each three; of two thirds two outputs share three inputs."""
    third = read_by(make("upsample", scale_factor=1 / 3, mode="bilinear"), (1, 12, 12))
    assert third == (Window(1, 3, -1), Window(1, 3, -1))
    two_thirds = read_by(make("upsample", scale_factor=2 / 3, mode="bilinear"), (1, 12, 12))[0]
    assert isinstance(two_thirds, Phases)
    assert (two_thirds.up, two_thirds.down) == (2, 3)
    assert [sorted(two_thirds.of(unit)) for unit in range(4)] == [[0, 1], [1, 2], [3, 4], [4, 5]]


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_neighbours_of_small_maps_are_torchs(mode: str) -> None:
    for size in range(1, 9):
        for out_size in range(1, 15):
            taken = functional.interpolate(torch.arange(float(size))[None, None], out_size, mode=mode)[0, 0].tolist()
            reads = read_by(make("upsample", size=(out_size, out_size), mode=mode), (1, size, size))[0]
            assert [positions(reads, unit, size) for unit in range(out_size)] == [[int(tap)] for tap in taken]


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_neighbours_have_the_shortest_period(mode: str) -> None:
    reads = read_by(make("upsample", size=(12, 18), mode=mode), (1, 8, 12))
    assert [(form.up, form.down) for form in reads if isinstance(form, Phases)] == [(3, 2), (3, 2)]


def test_circular_padding_takes_what_a_cut_has_left() -> None:
    """Of 6 columns 5 are left: more than once around is refused, by PyTorch too."""
    assert make("circular_pad2d", padding=(-1, 5, 0, 0)).out_shape(((1, 6, 6),)) == (1, 6, 10)
    assert make("circular_pad2d", padding=(5, -1, 0, 0)).out_shape(((1, 6, 6),)) == (1, 6, 10)
    for padding in ((-1, 6, 0, 0), (6, -1, 0, 0)):
        with pytest.raises(ShapeError, match="can pad the width of 6 by 5 at most, not 6"):
            make("circular_pad2d", padding=padding).out_shape(((1, 6, 6),))
    for padding in ((0, 0, -1, 6), (0, 0, 6, -1)):
        with pytest.raises(ShapeError, match="can pad the height of 6 by 5 at most, not 6"):
            make("circular_pad2d", padding=padding).out_shape(((1, 6, 6),))
