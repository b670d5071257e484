"""Pooling: sliding windows and adaptive ones."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Layer
from archlab.layers.fields import OptionalSizes, PoolPadding, PositiveSizes, Sizes
from archlab.layers.geometry import AxisReads, Window
from archlab.layers.operators import Operator, view
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import AXIS_NAMES, Shape, ShapeError, require_map
from archlab.layers.sliding import pooled_size, require_fit
from archlab.layers.strides import Value, as_row

INDEX_BYTES = 8
"""PyTorch finds the position of each maximum as an int64, whether or not anyone asks for it."""


def along_one_axis(runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
    """Pooling along one axis, which PyTorch does on a map of one row: a view, the pooling, and a view of that."""
    row = as_row(execution.inputs[0])
    pooled = execution._replace(inputs=(row,), output=(execution.output[0], 1, execution.output[1]))
    one = one_operator(runtime, pooled)._replace(reads=(0,))
    return (view(row), one, without_row(one.value, 1))


def without_row(value: Value, read: int) -> Operator:
    """A map of one row as one of one axis."""
    sizes, strides = value
    return view(Value((*sizes[:2], sizes[3]), (*strides[:2], strides[3])), (read,))


class PoolNd(Layer):
    """What max and average pooling share, over maps of `rank` axes: (C, *axes) to (C, *axes)."""

    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="format")

    kernel_size: PositiveSizes = Field(description="Size of the window: a number or {axes}.")
    stride: OptionalSizes = Field(None, description="Step of the window; the kernel size if left out.")
    padding: PoolPadding = Field(
        (0,),
        description="Padding on both sides, at most half the kernel; or 'same_tf' (TensorFlow's, by the input's size, "
        "which no mean counts).",
    )

    @property
    def _dilation(self) -> Sizes:
        return (1,) * self.rank

    @property
    def _ceil_mode(self) -> bool:
        return False

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The channels stay."""
        (shape,) = inputs
        require_map(self.type, shape, self.rank)
        return (shape[0], *[self._slide(shape, axis) for axis in range(self.rank)])

    def _slide(self, shape: Shape, axis: int) -> int:
        window, size = self.window(axis), shape[1 + axis]
        if 2 * window.padding > window.kernel:
            raise ShapeError(
                f"{self.type}: padding={window.padding} is more than half of kernel_size={window.kernel}",
                option="padding",
                hint=f"at most {window.kernel // 2}",
            )
        count = pooled_size(
            size, window.kernel, window.stride, window.padding, window.dilation, ceil_mode=self._ceil_mode
        )
        require_fit(
            self.type,
            AXIS_NAMES[self.rank][axis],
            size,
            window.kernel,
            window.dilation,
            2 * window.padding,
            count=count,
        )
        return count

    def window(self, axis: int) -> Window:
        """The window along an axis; a padding that goes by the input's size counts as none."""
        stride = self.kernel_size if self.stride is None else self.stride
        padding = 0 if isinstance(self.padding, str) else self.padding[axis]
        return Window(self.kernel_size[axis], stride[axis], padding, self._dilation[axis])

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """One operator, between two views where there is one axis."""
        return self.runs._replace(operators=along_one_axis) if self.rank == 1 else self.runs

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """A sliding window on each axis."""
        windows = [self.window(axis) for axis in range(self.rank)]
        return (tuple([windows[0] if window == windows[0] else window for window in windows]),)
