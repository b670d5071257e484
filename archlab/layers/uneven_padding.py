"""Paddings of convolutions that differ in front and behind.

`same_tf` is TensorFlow's `SAME`: zeros so that the output is the input's size divided by the stride, rounded up. How
many there are depends on the input's size, and where their number is odd one more stands behind than in front
(https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2). `causal` stands in front only, so that no output
sees what comes after it (van den Oord et al. 2016, "WaveNet"; Keras' `Conv1D`). PyTorch's convolutions pad both sides
equally, so that an uneven padding is a layer of its own, as in timm's `Conv2dSame`.
"""

from __future__ import annotations

from archlab.layers.conv import ConvNd
from archlab.layers.macro import Step
from archlab.layers.padding import ZeroPad2d
from archlab.layers.ranks import of_rank
from archlab.layers.shape import Shape, ShapeError, require_map

CAUSAL = "causal"


def same_sides(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after an axis of some size."""
    out = -(-size // stride)
    total = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def causal_sides(_size: int, kernel: int, _stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after an axis, of any size."""
    return dilation * (kernel - 1), 0


def with_padding(steps: list[Step], shape: Shape) -> tuple[list[Step], ConvNd]:
    """Primitives whose first is a convolution with this padding, with numbers for it.

    Args:
        steps: the primitives.
        shape: of the input.

    Returns:
        The primitives, and which of them is the convolution.

    Raises:
        ShapeError: if it cannot take this input.
    """
    first, *rest = steps
    conv = first.layer
    assert isinstance(conv, ConvNd)
    require_map(conv.type, shape, conv.rank)
    if conv.padding_mode != "zeros":
        message = f"padding '{conv.padding}' is of zeros, but padding_mode is '{conv.padding_mode}'"
        raise ShapeError(message, option="padding_mode", hint="write the padding as a layer of its own")
    sides_of = causal_sides if conv.padding == CAUSAL else same_sides
    axes = zip(shape[1:], conv.kernel_size, conv.stride, conv.dilation, strict=True)
    sides = [sides_of(*of_axis) for of_axis in axes]
    if all(before == after for before, after in sides):
        plain = conv.model_copy(update={"padding": tuple([before for before, _ in sides])})
        return [first._replace(layer=plain), *rest], plain
    plain = conv.model_copy(update={"padding": (0,) * conv.rank})
    # PyTorch names the last axis first
    pad = of_rank(ZeroPad2d, conv.rank)(padding=tuple([zeros for side in reversed(sides) for zeros in side]))
    moved = [step._replace(inputs=tuple([i + 1 if i >= 0 else i for i in step.inputs])) for step in rest]
    return [Step(pad), first._replace(layer=plain, inputs=(0,)), *moved], plain
