"""Pooling with TensorFlow's `SAME` padding, from what PyTorch's pooling has.

The output is the input's size divided by the stride, rounded up; what that takes stands on both sides, and where it is
odd one more behind than in front (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2). A maximum
ignores the padding, and so does TensorFlow's mean: it divides by the positions that are there.

PyTorch pads both sides equally, by what neither counts. Where one more is needed behind, a last window that hangs over
the end (`ceil_mode`) has just that; with a stride of 1 there is none, so that both sides get as much as the end needs,
and the first result, which is none of TensorFlow's, is cut. No padded copy is made, unlike in timm's `MaxPool2dSame`.
"""

from __future__ import annotations

from typing import Any

from archlab.layers.base import Layer
from archlab.layers.macro import Step
from archlab.layers.padding import ZeroPad2d
from archlab.layers.pooling import PoolNd
from archlab.layers.ranks import of_rank
from archlab.layers.shape import AXIS_NAMES, Shape, ShapeError, require_map
from archlab.layers.uneven_padding import same_sides


def pooled_same(pool: Layer, shape: Shape) -> tuple[list[Step], Layer]:
    """The primitives of a pooling with this padding: it with numbers, and a cut where its first result is too much.

    Args:
        pool: the pooling.
        shape: of the input.

    Returns:
        The primitives, and the pooling among them.

    Raises:
        ShapeError: if it cannot take this input, or has options that contradict the padding.
    """
    assert isinstance(pool, PoolNd)
    require_map(pool.type, shape, pool.rank)
    _refuse_contradictions(pool)
    padding, cut, is_uneven = [], [], False
    for axis, size in enumerate(shape[1:]):
        window = pool.window(axis)
        before, after = same_sides(size, window.kernel, window.stride, window.dilation)
        is_cut = after > before and window.stride == 1
        is_uneven |= after > before and not is_cut
        padding.append(after if is_cut else before)
        cut.append(int(is_cut))
        _require_half(pool, axis, window.kernel, padding[-1])
    update: dict[str, Any] = {"padding": tuple(padding), "ceil_mode": is_uneven}
    if "count_include_pad" in type(pool).model_fields and (any(padding) or is_uneven):
        update["count_include_pad"] = False
    plain = pool.model_copy(update=update)
    if not any(cut):
        return [Step(plain)], plain
    # PyTorch names the last axis first
    sides = tuple([side for first in reversed(cut) for side in (-first, 0)])
    return [Step(plain), Step(of_rank(ZeroPad2d, pool.rank)(padding=sides), (0,), "cut")], plain


def _refuse_contradictions(pool: PoolNd) -> None:
    written = pool.model_fields_set
    if "ceil_mode" in written and getattr(pool, "ceil_mode", False):
        raise ShapeError(
            f"{pool.type}: padding 'same_tf' already says how large the output is, so that ceil_mode has no say",
            option="ceil_mode",
            hint="leave it out",
        )
    if "count_include_pad" in written and getattr(pool, "count_include_pad", False):
        raise ShapeError(
            f"{pool.type}: padding 'same_tf' does not count the padding in the mean, as TensorFlow does not, but "
            "count_include_pad is true",
            option="count_include_pad",
            hint="leave it out; to count zeros write them as a zero_pad layer in front",
        )


def _require_half(pool: PoolNd, axis: int, kernel: int, padding: int) -> None:
    """PyTorch pads a pooling by half of its kernel at most, which a dilated one may exceed."""
    if 2 * padding > kernel:
        raise ShapeError(
            f"{pool.type}: padding 'same_tf' is {padding} on a side along the {AXIS_NAMES[pool.rank][axis]}, since the "
            f"kernel of {kernel} is dilated, and PyTorch's pooling pads by half of the kernel at most, {kernel // 2}",
            option="padding",
            hint="write the padding as a layer of its own in front",
        )
