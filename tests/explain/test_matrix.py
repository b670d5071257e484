"""The matrix that is described, built and multiplied, is what PyTorch computes."""

from __future__ import annotations

import random
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import archlab
from archlab.explain.layer import explain_layer
from archlab.explain.matrix import LinearMap, linear_map
from archlab.explain.matrix.draw import draw_block, draw_kernel, drawable, kernel_of
from archlab.layers.base import Layer
from archlab.layers.shape import Shape, ShapeError
from archlab.torch.build import make_module
from tests.chunks import check_each, in_chunks


def layer(text: str, shape: Shape) -> Layer:
    network = archlab.loads(f"input: {list(shape)}\nlayers:\n  - {{name: it, {text}}}")
    return network.graph.layers[0].layer


def dense(found: LinearMap, weight: Tensor | None) -> Tensor:
    matrix = torch.zeros(found.rows, found.columns, dtype=torch.float64)
    entries = list(found.entries())
    if weight is None:
        values = torch.tensor([float(entry.share) for entry in entries], dtype=torch.float64)
    else:
        values = weight[torch.tensor([entry.weight for entry in entries]).unbind(1)]
    places = torch.tensor([(entry.row, entry.column) for entry in entries])
    return matrix.index_put_(places.unbind(1), values, accumulate=True)


def check(instance: Layer, shape: Shape) -> LinearMap:
    found = linear_map(instance, shape)
    assert found is not None
    module = make_module(instance, (shape,))
    assert module is not None
    module = module.double()
    x = torch.randn(1, *shape, dtype=torch.float64)
    weight = getattr(module, "weight", None)
    if isinstance(weight, nn.Parameter):
        nn.init.uniform_(weight, 0.1, 1.0)  # no entry is zero by chance
    expected = module(x)
    matrix = dense(found, weight.detach() if isinstance(weight, Tensor) else None)
    result = (matrix @ x.flatten()).reshape(1, *found.outputs)
    bias = getattr(module, "bias", None)
    if isinstance(bias, Tensor):
        result = result + bias.reshape(-1, *[1] * (len(shape) - 1))
    torch.testing.assert_close(result, expected)
    assert found.nonzeros == int((matrix != 0).sum())
    assert (found.rows, found.columns) == matrix.shape
    assert found.sparsity == pytest.approx(1 - found.nonzeros / matrix.numel())
    return found


def random_pair(draw: random.Random, low: int, high: int) -> list[int]:
    return [draw.randint(low, high), draw.randint(low, high)]


@pytest.mark.parametrize("rank", [1, 3])
def test_maps_of_one_and_of_three_axes(rank: int) -> None:
    check_each(range(12), partial(check_maps, rank))


def check_maps(rank: int, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - drawing layers is no cryptography

    def each(low: int, high: int) -> list[int]:
        return [draw.randint(low, high) for _ in range(rank)]

    groups = draw.choice([1, 2])
    channels, out = groups * draw.randint(1, 2), groups * draw.randint(1, 2)
    shape = (channels, *each(4, 6))
    options = f"kernel_size: {each(1, 3)}, stride: {each(2, 3)}, padding: {each(0, 1)}"
    down = f"out_channels: {out}, {options}, dilation: {each(1, 2)}, groups: {groups}"
    up = f"out_channels: {out}, {options}, output_padding: {each(0, 1)}, groups: {groups}"
    window = f"kernel_size: {each(2, 3)}, stride: {each(1, 3)}, padding: {each(0, 1)}, ceil_mode: true"
    texts = [
        f"conv{rank}d, {down}, padding_mode: {draw.choice(['zeros', 'reflect', 'replicate', 'circular'])}",
        f"conv_transpose{rank}d, {up}",
        f"avg_pool{rank}d, {window}, count_include_pad: {draw.choice(['true', 'false'])}",
        f"adaptive_avg_pool{rank}d, output_size: {each(1, 4)}",
    ]
    for text in texts:
        check_if_it_fits(f"type: {text}", shape)


def check_if_it_fits(text: str, shape: Shape) -> bool:
    """Whether there is such a layer."""
    try:
        instance = layer(text, shape)
    except archlab.ConfigError:
        return False
    check(instance, shape)
    return True


@pytest.mark.parametrize("seeds", in_chunks(range(60), 30))
def test_convolutions(seeds: list[int]) -> None:
    fit: list[int] = []
    check_each(seeds, partial(check_convolution, fit))
    assert len(fit) > 20


def check_convolution(fit: list[int], seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - drawing layers is no cryptography
    groups = draw.choice([1, 1, 2, 3])
    channels, out = groups * draw.randint(1, 2), groups * draw.randint(1, 2)
    shape = (channels, draw.randint(4, 8), draw.randint(4, 8))
    mode = draw.choice(["zeros", "zeros", "reflect", "replicate", "circular"])
    padding = draw.choice(["auto", "same", str(random_pair(draw, 0, 2))])
    stride = [1, 1] if padding == "same" else random_pair(draw, 1, 3)
    text = (
        f"type: conv2d, out_channels: {out}, kernel_size: {random_pair(draw, 1, 3)}, stride: {stride}, "
        f"groups: {groups}, padding: {padding}, dilation: {random_pair(draw, 1, 2)}, padding_mode: {mode}"
    )
    if check_if_it_fits(text, shape):
        fit.append(seed)


def test_transposed_convolutions() -> None:
    check_each(range(40), check_transposed_convolution)


def check_transposed_convolution(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - drawing layers is no cryptography
    groups = draw.choice([1, 2])
    channels, out, stride = groups * draw.randint(1, 2), groups * draw.randint(1, 2), draw.randint(1, 3)
    shape = (channels, draw.randint(2, 5), draw.randint(2, 5))
    text = (
        f"type: conv_transpose2d, out_channels: {out}, kernel_size: {random_pair(draw, 2, 4)}, stride: {stride}, "
        f"groups: {groups}, padding: {draw.randint(0, 1)}, output_padding: {draw.randint(0, stride - 1)}, "
        f"dilation: {draw.randint(1, 2)}"
    )
    check(layer(text, shape), shape)


def test_transposed_is_the_transpose() -> None:
    options = "kernel_size: 3, stride: 2, padding: 1, bias: false"
    forward, backward = layer(f"type: conv2d, out_channels: 3, {options}", (2, 7, 5)), None
    down = linear_map(forward, (2, 7, 5))
    assert down is not None
    backward = layer(f"type: conv_transpose2d, out_channels: 2, {options}", down.outputs)
    up = linear_map(backward, down.outputs)
    assert up is not None
    weight = torch.rand(3, 2, 3, 3, dtype=torch.float64)
    assert torch.equal(dense(down, weight).T, dense(up, weight))
    x = torch.randn(1, 3, 4, 3, dtype=torch.float64)
    expected = functional.conv_transpose2d(x, weight, stride=2, padding=1)
    torch.testing.assert_close((dense(up, weight) @ x.flatten()).reshape(expected.shape), expected)


@pytest.mark.parametrize(
    "text",
    [
        "type: avg_pool2d, kernel_size: 2",
        "type: avg_pool2d, kernel_size: [3, 2], stride: [2, 1], padding: 1",
        "type: avg_pool2d, kernel_size: 3, stride: 2, padding: 1, count_include_pad: false",
        "type: avg_pool2d, kernel_size: 3, stride: 2, padding: 1, ceil_mode: true",
        "type: avg_pool2d, kernel_size: 3, stride: 2, ceil_mode: true, count_include_pad: false",
        "type: avg_pool2d, kernel_size: 3, divisor_override: 5",
        "type: adaptive_avg_pool2d, output_size: 1",
        "type: adaptive_avg_pool2d, output_size: [3, 4]",
        "type: adaptive_avg_pool2d, output_size: [2, null]",
    ],
)
@pytest.mark.parametrize("size", [(6, 6), (7, 8)])
def test_average_pooling(text: str, size: tuple[int, int]) -> None:
    shape = (2, *size)
    check(layer(text, shape), shape)


@pytest.mark.parametrize(
    "text",
    [
        "type: max_pool2d, kernel_size: 3, stride: 2, padding: 1",
        "type: max_pool2d, kernel_size: 2, dilation: 2, ceil_mode: true",
        "type: adaptive_max_pool2d, output_size: [3, 2]",
    ],
)
def test_max_pooling_picks_one_of_the_candidates(text: str) -> None:
    shape = (2, 7, 8)
    instance = layer(text, shape)
    found = linear_map(instance, shape)
    module = make_module(instance, (shape,))
    assert found is not None
    assert module is not None
    x = torch.randn(1, *shape)
    candidates = dense(found, None) > 0
    picked = torch.where(candidates, x.flatten(), -torch.inf).max(1).values
    assert torch.equal(picked.reshape(1, *found.outputs), module(x))
    assert found.nonzeros == int(candidates.sum())


def test_the_drawing_is_the_matrix() -> None:
    instance = layer("type: conv2d, out_channels: 1, kernel_size: [2, 3], dilation: [1, 2], padding: [1, 2]", (1, 3, 4))
    shown = drawable(instance, (1, 3, 4))
    assert shown is not None
    found, example = shown
    assert not example
    weight = torch.rand(1, 1, 2, 3, dtype=torch.float64)
    rows = [line.split() for line in draw_block(found, (2, 3)).splitlines()]
    letters = dict(zip("abcdef", weight.flatten().tolist(), strict=True))
    values = [[0.0 if cell == "." else sum(letters[c] for c in cell.split("+")) for cell in row] for row in rows]
    assert torch.equal(torch.tensor(values, dtype=torch.float64), dense(found, weight))


def test_three_axes_are_drawn_slice_beside_slice() -> None:
    instance = layer("type: conv3d, out_channels: 1, kernel_size: 2, padding: [1, 0, 0]", (1, 2, 2, 3))
    shown = drawable(instance, (1, 2, 2, 3))
    assert shown is not None
    kernel = kernel_of(shown[0])
    assert draw_kernel(kernel).splitlines() == ["a b   e f", "c d   g h"]
    assert draw_block(shown[0], kernel).splitlines() == [
        "e f .   g h .     . . .   . . .",
        ". e f   . g h     . . .   . . .",
        "a b .   c d .     e f .   g h .",
        ". a b   . c d     . e f   . g h",
        ". . .   . . .     a b .   c d .",
        ". . .   . . .     . a b   . c d",
    ]


@pytest.mark.parametrize(
    ("text", "shape", "head"),
    [
        ("conv1d, out_channels: 1, kernel_size: 3", (1, 6), "one channel to one channel, from length 6 to 4"),
        (
            "conv1d, out_channels: 1, kernel_size: 3",
            (1, 99),
            "one channel to one channel, an example with length 8 to 6",
        ),
        ("conv1d, out_channels: 1, kernel_size: 60", (1, 99), "along the length, upper left corner"),
        ("conv3d, out_channels: 1, kernel_size: 2", (1, 9, 9, 9), "an example with a 2x2x4 map to 1x1x3"),
        ("conv3d, out_channels: 1, kernel_size: 4", (1, 9, 9, 9), "along the width alone, upper left corner"),
    ],
)
def test_what_is_drawn(text: str, shape: Shape, head: str) -> None:
    network = archlab.loads(f"input: {list(shape)}\nlayers:\n  - {{name: it, type: {text}}}")
    section = explain_layer(network.analyze(), "it").section("matrix")
    assert section is not None
    assert head in section.drawing


def test_what_is_no_matrix() -> None:
    relu = layer("type: relu", (1, 3, 3))
    assert linear_map(relu, (1, 3, 3)) is None
    with pytest.raises(ShapeError):
        linear_map(layer("type: conv2d, out_channels: 1, kernel_size: 3", (1, 5, 5)), (1, 2, 2))
