"""Pooling: sliding windows and adaptive ones."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.base import Layer
from archlab.layers.fields import POSITIVE_SCHEMA, NaturalPair, PairValue, PositivePair
from archlab.layers.geometry import AxisReads, Window
from archlab.layers.runtime import Runtime
from archlab.layers.shape import Shape, ShapeError, require_map
from archlab.layers.sliding import pooled_size, require_fit

INDEX_BYTES = 8
"""PyTorch finds the position of each maximum as an int64, whether or not anyone asks for it."""


class SlidingPool(Layer):
    """What max and average pooling share. Shapes: (C, H, W) to (C, H', W')."""

    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="format")

    kernel_size: PositivePair = Field(description="Size of the window: a number or [height, width].")
    stride: PositivePair | None = Field(None, description="Step of the window; the kernel size if left out.")
    padding: NaturalPair = Field((0, 0), description="Padding on both sides; at most half the kernel.")

    @property
    def _dilation(self) -> PairValue:
        return (1, 1)

    @property
    def _ceil_mode(self) -> bool:
        return False

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (C, H', W')."""
        (shape,) = inputs
        require_map(self.type, shape)
        return (shape[0], self._slide(shape, 0), self._slide(shape, 1))

    def _slide(self, shape: Shape, axis: int) -> int:
        window, size = self._window(axis), shape[1 + axis]
        if 2 * window.padding > window.kernel:
            raise ShapeError(
                f"{self.type}: padding={window.padding} is more than half of kernel_size={window.kernel}",
                option="padding",
                hint=f"at most {window.kernel // 2}",
            )
        count = pooled_size(
            size, window.kernel, window.stride, window.padding, window.dilation, ceil_mode=self._ceil_mode
        )
        require_fit(self.type, axis, size, window.kernel, window.dilation, 2 * window.padding, count=count)
        return count

    def _window(self, axis: int) -> Window:
        stride = self.kernel_size if self.stride is None else self.stride
        return Window(self.kernel_size[axis], stride[axis], self.padding[axis], self._dilation[axis])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """A sliding window on each axis."""
        height, width = self._window(0), self._window(1)
        return ((height, height if width == height else width),)


_SIZE_OR_NULL: dict[str, Any] = {"anyOf": [POSITIVE_SCHEMA, {"type": "null"}]}
