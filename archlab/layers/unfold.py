"""Windows of a map as columns, and columns summed up to a map again (im2col, col2im)."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer
from archlab.layers.conv_transpose import reaching
from archlab.layers.fields import NaturalSizes, PositiveSizes, Sizes
from archlab.layers.geometry import AxisReads, Window, everything
from archlab.layers.laid import CHANNELS, Laid, laid, positions_of, roles_of
from archlab.layers.operators import Operator
from archlab.layers.room import KEEPS_NOTHING, SHARES
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import AXIS_NAMES, Shape, ShapeError, axis_count, require_map, shape_text
from archlab.layers.sliding import require_fit, sliding_size
from archlab.layers.strides import contiguous

_MERGED = (0, 1)
"""What the second dimension of columns holds: both axes."""


class _Sliding(Layer):
    """What both share."""

    rank: ClassVar[int] = 2

    kernel_size: PositiveSizes = Field(description="Window size: a number, or {axes}.")
    dilation: PositiveSizes = Field((1,), description="Distance between the taps of the window.")
    padding: NaturalSizes = Field((0,), description="Zeros around the map.")
    stride: PositiveSizes = Field((1,), description="Positions from one window to the next.")

    def _windows(self, size: Sizes) -> Sizes:
        """How many windows there are along each axis of a map.

        Raises:
            ShapeError: if none fits.
        """
        options = (self.kernel_size, self.stride, self.padding, self.dilation)
        found = []
        for name, axis, kernel, stride, padding, dilation in zip(AXIS_NAMES[2], size, *options, strict=True):
            count = sliding_size(axis, kernel, stride, 2 * padding, dilation)
            require_fit(self.type, name, axis, kernel, dilation, 2 * padding, count=count)
            found.append(count)
        return tuple(found)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Values are moved into the order of their sizes, and nothing is kept."""
        return Runtime(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """PyTorch makes room for as much as it reads, and more where that is not enough; so it does for gradients."""
        (source,), value = execution.inputs, contiguous(execution.sizes)
        most = max(source.elements, value.elements)
        base = value if value.elements == most else contiguous(source.sizes)
        one = Operator(base, training=KEEPS_NOTHING, layout="shape", gradient_storage=most)
        return (one,) if base is value else (one, Operator(value, (0,), "view", SHARES))


class Unfold(_Sliding):
    """The windows of a map as columns (im2col): (C, H, W) to (C x kernel area, windows).

    A position of the second dimension is a window, which `fold` takes back. FLOPs: none.
    """

    type: ClassVar[str] = "unfold"
    alias: ClassVar[str] = "unfold"
    torch_class: ClassVar[str] = "Unfold"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (C x kernel area, windows)."""
        (shape,) = inputs
        require_map(self.type, shape, 2)
        windows = self._windows(shape[1:])
        return laid((shape[0] * prod(self.kernel_size), prod(windows)), (CHANNELS, _MERGED), windows)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Each window its positions."""
        return (tuple(map(Window, self.kernel_size, self.stride, self.padding, self.dilation)),)


class Fold(_Sliding):
    """Columns, as `unfold` has them, summed up where their windows lie (col2im): a map again.

    (C x kernel area, windows) to (C, H, W). FLOPs: one addition for each element of the columns.
    """

    type: ClassVar[str] = "fold"
    alias: ClassVar[str] = "fold"
    torch_class: ClassVar[str] = "Fold"

    output_size: PositiveSizes = Field(description="Size of the map: a number, or {axes}.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C x kernel area, windows) to (C, H, W)."""
        (shape,) = inputs
        windows = self._windows(self.output_size)
        if len(shape) != 2 or roles_of(shape)[0] or (not isinstance(shape, Laid) and axis_count(shape) != 1):
            raise ShapeError(
                f"fold needs columns (channels x kernel area, windows), but its input is {shape_text(shape)}",
                hint="they are what {type: unfold} gives",
            )
        if shape[1] != prod(windows):
            raise ShapeError(
                f"fold: a map of {shape_text(self.output_size)} has {shape_text(windows)} windows, but its input "
                f"{shape_text(shape)} has {shape[1]} columns",
                option="output_size",
            )
        area = prod(self.kernel_size)
        if shape[0] % area:
            raise ShapeError(
                f"fold: the {area} positions of a window of {shape_text(self.kernel_size)} do not divide the "
                f"{shape[0]} channels",
                option="kernel_size",
            )
        return (shape[0] // area, *self.output_size)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """The windows that reach an output position; of columns that are no windows of a map, everything."""
        (shape,) = inputs
        is_known = roles_of(shape)[1] == _MERGED and positions_of(shape) == self._windows(self.output_size)
        if not is_known:
            return (everything(2),)
        return (tuple(map(reaching, self.kernel_size, self.stride, self.padding, self.dilation)),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """One addition for each element of the columns."""
        return Cost(elementwise=prod(inputs[0]))
