"""What a layer says it reads against gradients of its PyTorch module, position by position, borders included."""

from __future__ import annotations

from functools import cache
from itertools import product, zip_longest
from math import prod
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision.ops import deform_conv2d

from archlab.api.load import loads
from archlab.layers import Layer, find_layer
from archlab.layers.geometry import Phases, Reads, Taps, Whole, Window, everything, in_context, pointwise
from archlab.layers.shape import Shape, ShapeError
from archlab.layers.upsample import Upsample
from archlab.torch.build import make_module
from tests.layers.test_against_torch import conv_options, each, ranks, transpose_options, upsample_options

NOISE = 1e-12
"""Weights of interpolation along one axis that are zero in exact arithmetic come out below this.

Others are at least 1e-10, but their products of both axes are not: rows and columns are compared singly too.
"""


def make(layer_type: str, **options: Any) -> Layer:
    cls = find_layer(layer_type)
    assert cls is not None
    return cls.model_validate(options)


def positions(reads: Reads, unit: int, size: int) -> set[int]:
    """The input positions of one axis that an output unit reads, by the definitions of the three forms."""
    if isinstance(reads, Whole):
        return set(range(size))
    if isinstance(reads, Window):
        taps = [unit * reads.stride - reads.padding + k * reads.dilation for k in range(reads.kernel)]
    else:
        cycle, phase = divmod(unit, reads.up)
        taps = [cycle * reads.down + tap for tap in reads.taps[phase]]
    inside = {tap if 0 <= tap < size else _stand_in(reads, tap, size) for tap in taps}
    return {position for position in inside if position is not None}


def _stand_in(reads: Reads, position: int, size: int) -> int | None:
    return reads.stands_in(position, size) if isinstance(reads, Window) else None


def gradients(layer: Layer, shape: Shape, others: list[Tensor], units: list[tuple[int, ...]]) -> list[Tensor]:
    """The sum of the gradients of all channels for each unit: weights are positive, so that none cancels another."""
    torch.manual_seed(0)
    module = make_module(layer, (shape, *[tuple(other.shape[1:]) for other in others]))
    assert module is not None
    module = module.double().eval()
    for parameter in module.parameters():
        parameter.data.uniform_(0.5, 1.5)
    if isinstance(layer, Upsample) and layer.mode.startswith("nearest"):
        return [nearest.double() for nearest in copied(module, shape, units)]
    x = torch.ones(1, *shape, dtype=torch.float64, requires_grad=True)
    output = module(x, *others)
    found: list[Tensor] = []
    for unit in units:
        (gradient,) = torch.autograd.grad(output[(0, slice(None), *unit)].sum(), x, retain_graph=True)
        found.append(gradient[0].abs().amax(0))
    return found


def copied(module: nn.Module, shape: Shape, units: list[tuple[int, ...]]) -> list[Tensor]:
    """Where each unit is copied from, by a map of the positions' numbers.

    Where a size stays though the scale factor is not 1, PyTorch's gradient takes other neighbours than its output.
    """
    numbers = torch.arange(prod(shape[1:]), dtype=torch.float64).reshape(1, 1, *shape[1:])
    output = module(numbers.expand(1, *shape).contiguous())
    return [numbers[0, 0] == output[(0, 0, *unit)] for unit in units]


def check(layer: Layer, shape: Shape, others: list[Tensor] | None = None) -> None:
    """Compare the corners, the middle and its neighbour; for small maps, so that phases are all met, everything."""
    others = others or []
    inputs = (shape, *[tuple(other.shape[1:]) for other in others])
    output = layer.out_shape(inputs)
    reads = layer.reads(inputs, output)[0]
    some = [sorted({0, size // 3, size // 2, size // 2 + 1, size - 1} & set(range(size))) for size in output[1:]]
    units = list(product(*some)) if len(some) < 3 else list(zip_longest(*some, fillvalue=0))
    for unit, found in zip(units, gradients(layer, shape, others, units), strict=True):
        read_along = [positions(read, at, size) for read, at, size in zip(reads, unit, shape[1:], strict=True)]
        read = found > NOISE
        if not all(read_along):  # nothing but padding along one axis
            read_along = [set() for _ in read_along]
        for axis, expected in enumerate(read_along):
            along = read.movedim(axis, 0).reshape(shape[1 + axis], -1).any(1)
            assert set(along.nonzero().flatten().tolist()) == expected, (unit, axis)
        if not isinstance(layer, Upsample):
            assert {tuple(place) for place in read.nonzero().tolist()} == set(product(*read_along))


thorough = settings(deadline=None, max_examples=60)


def checked_if_it_fits(layer: Layer, shape: Shape) -> None:
    try:
        layer.out_shape((shape,))
    except ShapeError:
        assume(condition=False)
    check(layer, shape)


@thorough
@given(conv_options())
def test_convolution(drawn: tuple[Shape, dict[str, Any]]) -> None:
    shape, options = drawn
    checked_if_it_fits(make(f"conv{len(shape) - 1}d", **options), shape)


@thorough
@given(transpose_options())
def test_transposed_convolution(drawn: tuple[Shape, dict[str, Any]]) -> None:
    shape, options = drawn
    checked_if_it_fits(make(f"conv_transpose{len(shape) - 1}d", **options), shape)


def test_outputs_that_no_input_reaches() -> None:
    layer = make("conv_transpose2d", out_channels=1, kernel_size=1, stride=3)
    ((height, _),) = layer.reads(((1, 4, 4),), (1, 10, 10))
    assert height == Phases(3, 1, ((0,), (), ()))
    dilated = make("conv_transpose2d", out_channels=1, kernel_size=3, stride=2, dilation=2)
    ((height, _),) = dilated.reads(((1, 4, 4),), (1, 11, 11))
    assert height == Phases(2, 1, ((-2, -1, 0), ()))


def test_long_periods_are_not_listed() -> None:
    layer = make("conv_transpose2d", out_channels=1, kernel_size=60000, stride=60000, padding=29800)
    ((height, _),) = layer.reads(((1, 1, 1),), (1, 400, 400))
    assert isinstance(height, Phases)
    assert isinstance(height.taps, Taps)  # a rule: nothing is kept for each of the 60,000 phases
    assert len(height.taps) == 60000
    # Input 0 reaches the outputs 0 to 59999, moved by the padding: every output of the map, and some beside it.
    assert [list(height.of(unit)) for unit in (-29801, -29800, 0, 399, 30199, 30200)] == [[-1], [0], [0], [0], [0], [1]]
    with pytest.raises(ShapeError, match="larger than 65536"):
        make("conv_transpose2d", out_channels=1, kernel_size=1, stride=70000).out_shape(((1, 2, 2),))


@thorough
@given(upsample_options())
def test_upsample(drawn: tuple[Shape, dict[str, Any]]) -> None:
    shape, options = drawn
    checked_if_it_fits(make("upsample", **options), (1, *shape[1:]))


@cache
def numbered(in_size: int, rows: int) -> Tensor:
    """A map whose values are the numbers of its columns."""
    return torch.arange(in_size, dtype=torch.float32).expand(1, 2, rows, in_size).contiguous()


def taken_by_torch(in_size: int, rows: int, **options: Any) -> list[float]:
    return list(torch.nn.functional.interpolate(numbered(in_size, rows), **options)[0, 0, 0].tolist())


def taken_by_layer(in_size: int, rows: int, **options: Any) -> list[int]:
    layer = make("upsample", **options)
    output = layer.out_shape(((2, rows, in_size),))
    ((_, width),) = layer.reads(((2, rows, in_size),), output)
    return taken(width, output[2])


def taken(reads: Any, size: int) -> list[int]:
    """The only position that each unit reads; none may lie outside."""
    return [only for (only,) in map(reads.of, range(size))]


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("rows", [2, 130])  # PyTorch rounds otherwise where the height and width are above 128
def test_nearest_neighbours_are_torchs_choice_for_every_pair_of_sizes(mode: str, rows: int) -> None:
    """Which of two equally near positions is taken is a matter of rounding: one by one in a range, none drawn."""
    outputs = [*range(1, 150), *range(150, 400, 7)] if rows == 2 else range(1, 150)
    for in_size in range(1, 25):
        for out_size in outputs:
            options = {"size": (rows, out_size), "mode": mode}
            expected = taken_by_torch(in_size, rows, **options)
            assert taken_by_layer(in_size, rows, **options) == expected, (in_size, out_size)


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_neighbours_along_one_axis_and_along_three(rank: int, mode: str) -> None:
    """There is one way for outputs of any size."""
    more = (1,) * (rank - 1)
    for in_size in range(1, 20):
        x = torch.arange(in_size, dtype=torch.float32).reshape(1, 1, *more, in_size)
        for out_size in range(1, 150):
            options: dict[str, Any] = {"size": (*more, out_size), "mode": mode}
            theirs = torch.nn.functional.interpolate(x, **options).flatten().tolist()
            layer = make("upsample", **options)
            reads = layer.reads(((1, *more, in_size),), (1, *more, out_size))[0][-1]
            assert taken(reads, out_size) == theirs, (in_size, out_size)


@pytest.mark.parametrize(("in_size", "out_size"), [(2, 83), (2, 97), (4, 82), (4, 110), (6, 123)])
def test_height_and_width_together_say_how_torch_rounds(in_size: int, out_size: int) -> None:
    taken = set()
    for rows in (128 - out_size, 129 - out_size):
        options = {"size": (rows, out_size), "mode": "nearest-exact"}
        expected = taken_by_torch(in_size, rows, **options)
        assert taken_by_layer(in_size, rows, **options) == expected
        taken.add(tuple(expected))
    assert len(taken) == 2


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("rows", [2, 130])
def test_nearest_neighbours_by_a_factor(mode: str, rows: int) -> None:
    for in_size in range(1, 20):
        for factor in [n / 7 for n in range(7, 30)] + [n / 10 for n in range(10, 40, 3)] + [0.5, 2 / 3]:
            if int(in_size * factor) < 1:
                continue
            options = {"scale_factor": (1.0, factor), "mode": mode}
            expected = taken_by_torch(in_size, rows, **options)
            assert taken_by_layer(in_size, rows, **options) == expected, (in_size, factor)


@thorough
@given(st.sampled_from(["zero", "reflection", "replication", "circular"]), ranks, st.data())
def test_padding(name: str, rank: int, data: st.DataObject) -> None:
    padding = data.draw(st.tuples(*[st.integers(-2 if name == "zero" else 0, 4)] * (2 * rank)))
    check(make(f"{name}_pad{rank}d", padding=padding), (2, *(6, 5, 5)[:rank]))


@thorough
@given(ranks, st.data(), st.booleans())
def test_lp_pool(rank: int, data: st.DataObject, ceil_mode: bool) -> None:  # noqa: FBT001
    kernel, stride = data.draw(each(rank, 1, 4)), data.draw(st.one_of(st.none(), each(rank, 1, 3)))
    layer = make(f"lp_pool{rank}d", norm_type=2.0, kernel_size=kernel, stride=stride, ceil_mode=ceil_mode)
    check(layer, (2, *(9, 8, 6)[:rank]))


@thorough
@given(ranks, st.data())
def test_adaptive_pooling(rank: int, data: st.DataObject) -> None:
    size = data.draw(each(rank, 1, 7))
    check(make(f"adaptive_avg_pool{rank}d", output_size=size), (2, *(9, 8, 6)[:rank]))


@pytest.mark.parametrize(
    ("layer_type", "options"),
    [
        ("pixel_shuffle", {"upscale_factor": 2}),
        ("pixel_unshuffle", {"downscale_factor": 3}),
        ("channel_shuffle", {"groups": 2}),
        ("layer_norm2d", {}),
        ("layer_scale", {}),
        ("stochastic_depth", {"p": 0.5, "mode": "row"}),
        ("instance_norm2d", {"track_running_stats": True}),
    ],
)
def test_others(layer_type: str, options: dict[str, Any]) -> None:
    layer = make(layer_type, **options)
    if layer_type == "layer_norm2d":  # the mean of equal inputs has no gradient
        ((height, width),) = layer.reads(((4, 6, 6),), (4, 6, 6))
        x = torch.rand(1, 4, 6, 6, dtype=torch.float64, requires_grad=True)
        module = make_module(layer, ((4, 6, 6),))
        assert module is not None
        (gradient,) = torch.autograd.grad(module.double()(x)[0, 1, 2, 3], x)
        assert gradient[0].abs().gt(NOISE).any(0).nonzero().tolist() == [[2, 3]]
        assert height == width == Window()
        return
    check(layer, (4, 6, 6))


def test_what_is_flattened_has_no_positions() -> None:
    layer = make("flatten")
    assert layer.reads(((4, 6, 6),), (144,)) == (everything(2),)
    assert layer.reads(((144,),), (144,)) == (pointwise(0),)
    assert make("flatten", start_dim=1, end_dim=1).reads(((4, 6, 6),), (4, 6, 6)) == (pointwise(2),)


@pytest.mark.parametrize("name", ["group_norm", "instance_norm2d"])
def test_statistics_of_the_whole_map_are_told(name: str) -> None:
    layer = make(name, **({"num_groups": 2} if name == "group_norm" else {}))
    assert layer.reads(((4, 6, 6),), (4, 6, 6))[0] is in_context(2)
    module = make_module(layer, ((4, 6, 6),))
    assert module is not None
    x = torch.rand(1, 4, 6, 6, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(module.double().eval()(x)[0, 0, 2, 3], x)
    assert gradient.abs().sum((0, 1)).gt(0).all()


@thorough
@given(conv_options(st.just(2)), st.integers(1, 2), st.booleans())
def test_deform_conv2d_op(drawn: tuple[Shape, dict[str, Any]], offset_groups: int, masked: bool) -> None:  # noqa: FBT001
    shape, options = drawn
    assume(options["padding"] != "same" and shape[0] % offset_groups == 0)
    del options["padding_mode"]
    try:
        output = make("conv2d", **options).out_shape((shape,))
    except ShapeError:
        assume(condition=False)
    taps = offset_groups * options["kernel_size"][0] * options["kernel_size"][1]
    offsets = torch.zeros(1, 2 * taps, *output[1:], dtype=torch.float64)
    masks = [torch.ones(1, taps, *output[1:], dtype=torch.float64)] if masked else []
    check(make("deform_conv2d_op", **options), shape, [offsets, *masks])


@pytest.mark.parametrize("bound", [0.5, 1.0, 1.5, 2.0])
def test_the_bound_of_offsets_is_reached_and_not_passed(bound: float) -> None:
    """What an operation with offsets anywhere in the bound reads, and what archlab says it may."""
    text = (
        f"input: [1, 15, 15]\nlayers: [{{type: deform_conv2d, out_channels: 1, kernel_size: 3, max_offset: {bound}}}]"
    )
    predicted = loads(text).analyze().bounded_field
    assert predicted is not None
    assert predicted.axes[0] is not None
    first, last, _ = predicted.axes[0].span(6)
    seen: set[int] = set()
    for offset in (-bound, 0.0, bound):
        x = torch.ones(1, 1, 15, 15, dtype=torch.float64, requires_grad=True)
        offsets = torch.full((1, 18, 13, 13), offset, dtype=torch.float64)
        made = deform_conv2d(x, offsets, torch.ones(1, 1, 3, 3, dtype=torch.float64))
        (gradient,) = torch.autograd.grad(made[0, 0, 6, 6], x)
        seen |= set(gradient[0, 0].ne(0).any(1).nonzero().flatten().tolist())
    assert (min(seen), max(seen)) == (first, last)
