"""Convolution."""

from __future__ import annotations

from math import prod
from operator import add
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role, TensorSpec
from archlab.layers.fields import ConvPadding, Positive, PositiveSizes
from archlab.layers.geometry import AxisReads, PaddingMode, Window
from archlab.layers.operators import Operator
from archlab.layers.room import KEEPS_INPUT
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import AXIS_NAMES, Shape, ShapeError, require_map, shape_text
from archlab.layers.sliding import require_divides, require_fit, sliding_size
from archlab.layers.strides import in_format_of
from archlab.layers.wrapping import Sides, wrapping


class ConvNd(Layer):
    """Convolution over maps of `rank` axes."""

    runs: ClassVar[Runtime] = Runtime(layout="weight", gradient_layout="weight", autocast="lower")
    alias: ClassVar[str] = "conv"
    attachments: ClassVar[tuple[str, ...]] = ("norm", "activation")
    role: ClassVar[Role] = "weighted"
    weights: ClassVar[tuple[str, ...]] = ("standardized", "scaled_standardized", "weight_norm", "spectral_norm")
    """What `weight` may be: how it is made anew each time (`parametrized_conv`)."""

    out_channels: Positive = Field(description="Number of output channels (filters).")
    kernel_size: PositiveSizes = Field(description="Size of the window: a number or {axes}.")
    stride: PositiveSizes = Field((1,), description="Step of the window.")
    padding: ConvPadding = Field(
        (0,),
        description="Padding on both sides: a number, a pair, 'same' (as torch; stride 1), 'valid' (none), "
        "'auto' = dilation * (kernel_size - 1) // 2, 'same_tf' (TensorFlow's, by the input's size), or, along one "
        "axis, 'causal' = dilation * (kernel_size - 1) in front only.",
    )
    dilation: PositiveSizes = Field((1,), description="Distance between the taps of the kernel.")
    groups: Positive = Field(1, description="Independent groups of channels; must divide both channel counts.")
    bias: bool = Field(default=True, description="Add a learnable bias; left out by default when there is a norm.")
    padding_mode: PaddingMode = Field("zeros", description="What the padding is filled with.")

    def padding_before_after(self, axis: int) -> Sides:
        """Padding before and after the input along an axis.

        `same` puts the odd position after, as torch does.
        """
        total = self.dilation[axis] * (self.kernel_size[axis] - 1)
        if self.padding == "same":
            return total // 2, total - total // 2
        if self.padding == "auto":
            return total // 2, total // 2
        if self.padding == "valid" or isinstance(self.padding, str):
            return 0, 0
        return self.padding[axis], self.padding[axis]

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(in_channels, *axes) to (out_channels, *axes)."""
        (shape,) = inputs
        require_map(self.type, shape, self.rank)
        require_divides(self.type, "groups", self.groups, shape[0], "input channels")
        require_divides(self.type, "groups", self.groups, self.out_channels, "output channels")
        if self.padding == "same" and max(self.stride) > 1:
            raise ShapeError(
                f"padding 'same' needs stride 1 (as in torch), but stride is {shape_text(self.stride)}",
                option="padding",
                hint="padding: auto halves the map as 'same' would, with the same padding on both sides; same_tf is "
                "TensorFlow's",
            )
        return (self.out_channels, *[self._slide(shape, axis) for axis in range(self.rank)])

    def _slide(self, shape: Shape, axis: int) -> int:
        size = shape[1 + axis]
        before, after = self.padding_before_after(axis)
        self._require_padding_mode(axis, size, max(before, after))
        kernel, dilation = self.kernel_size[axis], self.dilation[axis]
        count = sliding_size(size, kernel, self.stride[axis], before + after, dilation)
        require_fit(self.type, AXIS_NAMES[self.rank][axis], size, kernel, dilation, before + after, count=count)
        return count

    def _require_padding_mode(self, axis: int, size: int, padding: int) -> None:
        """Reflection needs padding < size, wrapping around needs padding <= size."""
        limit = {"reflect": size - 1, "circular": size}.get(self.padding_mode)
        if limit is not None and padding > limit:
            raise ShapeError(
                f"padding_mode '{self.padding_mode}' can pad an input of {size} by at most {limit}, "
                f"but the padding is {padding}",
                option="padding",
            )

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """in_channels."""
        return {"in_channels": inputs[0][0]}

    def torch_arguments(self) -> dict[str, Any]:
        """As written, with `auto` padding as numbers."""
        arguments = super().torch_arguments()
        if self.padding == "auto":
            arguments["padding"] = tuple([before for before, _ in self._sides()])
        return arguments

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """A sliding window on each axis."""
        windows = [self._window(axis) for axis in range(self.rank)]
        return (tuple([windows[0] if window == windows[0] else window for window in windows]),)

    def _sides(self) -> list[Sides]:
        """Padding before and after, axis by axis."""
        return [self.padding_before_after(axis) for axis in range(self.rank)]

    def _window(self, axis: int) -> Window:
        before, after = self.padding_before_after(axis)
        mode = self.padding_mode if before or after else "zeros"
        return Window(self.kernel_size[axis], self.stride[axis], before, self.dilation[axis], mode)

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight: (out_channels, in_channels / groups, *kernel_size); bias: (out_channels,)."""
        weight = TensorSpec("weight", (self.out_channels, inputs[0][0] // self.groups, *self.kernel_size))
        return (weight, TensorSpec("bias", (self.out_channels,))) if self.bias else (weight,)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """MACs: output elements x kernel area x channels of one group. The bias: one addition per output element."""
        elements = prod(output)
        macs = elements * (inputs[0][0] // self.groups) * prod(self.kernel_size)
        return Cost(macs, elements if self.bias else 0)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A convolution, behind a padding of its own where PyTorch makes one."""
        return self.runs if self._padded(inputs[0]) is None else self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The padding, then the convolution."""
        inputs, batch = execution.inputs, execution.run.batch
        padded = self._padded(execution.shapes[0])
        assert padded is not None
        if self.padding_mode == "zeros":
            made: tuple[Operator, ...] = (Operator(in_format_of((batch, *padded), inputs[0]), layout="sliced"),)
        elif self.padding_mode == "circular":
            made = wrapping(inputs[0], self._sides())
        else:
            value = in_format_of((batch, *padded), inputs[0])
            made = (Operator(value, training=KEEPS_INPUT, layout="format"),)
        last = len(made)
        convolution = one_operator(runtime, execution._replace(inputs=(made[-1].value,)))._replace(reads=(last - 1,))
        if self.padding_mode != "zeros":  # a function of its own, in front of what autocast lowers
            made = tuple([step._replace(computes="inputs") for step in made])
        return (*made[:-1], made[-1]._replace(until=last), convolution)

    def _padded(self, shape: Shape) -> Shape | None:
        """The map that PyTorch pads by itself; None where the convolution does so."""
        if self.padding_mode == "zeros" and not isinstance(self.padding, str):
            return None
        sides = self._sides()
        even = all(before == after for before, after in sides)
        if self.padding_mode == "zeros" and even:
            return None
        zeros = self.padding_mode == "zeros"  # then the surplus alone; the convolution pads the rest
        added = [after - before if zeros else before + after for before, after in sides]
        return (shape[0], *map(add, shape[1:], added))


class Conv2d(ConvNd):
    """2D convolution: each output channel is a weighted sum over a window and over the input channels of its group.

    MACs: output elements x kernel area x in_channels / groups. FLOPs beyond them: one addition per output
    element where there is a bias.
    """

    type: ClassVar[str] = "conv2d"
    torch_class: ClassVar[str] = "Conv2d"
    rank: ClassVar[int] = 2
