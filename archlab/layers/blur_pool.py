"""Blurring with a stride: what antialiasing puts in the place of subsampling."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, Literal

from pydantic import Field

from archlab.layers.base import Cost, Layer, TensorSpec
from archlab.layers.geometry import AxisReads, PaddingMode, Window
from archlab.layers.operators import Operator, laid, whole
from archlab.layers.room import KEEPS_INPUT
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import AXIS_NAMES, Shape, ShapeError, require_map
from archlab.layers.sliding import require_fit, sliding_size
from archlab.layers.strides import channels_last, in_format_of
from archlab.layers.wrapping import wrapping

MAX_FILTER = 64
"""Taps along an axis; the coefficients of more are zero in float32."""


class BlurPoolNd(Layer):
    """Blurring of maps of `rank` axes."""

    runs: ClassVar[Runtime] = Runtime(layout="weight", gradient_layout="weight", autocast="lower")
    alias: ClassVar[str] = "blur"
    torch_class: ClassVar[str] = "archlab.torch.modules.BlurPool"

    filt_size: int = Field(3, ge=2, le=MAX_FILTER, description="Taps along each axis.")
    stride: int = Field(2, ge=1, le=MAX_FILTER, description="Step of the window.")
    pad_mode: Literal["reflect", "replicate", "circular", "constant"] = Field(
        "reflect", description="What the padding is filled with; constant: zeros."
    )

    @property
    def _padding(self) -> int:
        return (self.stride - 1 + self.filt_size - 1) // 2

    @property
    def _mode(self) -> PaddingMode:
        return "zeros" if self.pad_mode == "constant" else self.pad_mode

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes) to (C, *axes), the axes divided by the stride."""
        (shape,) = inputs
        require_map(self.type, shape, self.rank)
        sizes = []
        for name, size in zip(AXIS_NAMES[self.rank], shape[1:], strict=True):
            limit = {"reflect": size - 1, "circular": size}.get(self.pad_mode)
            if limit is not None and self._padding > limit:
                raise ShapeError(
                    f"{self.type} pads the {name} of {size} by {self._padding}, and pad_mode '{self.pad_mode}' "
                    f"can pad it by {limit} at most",
                    option="pad_mode",
                    hint="pad_mode: replicate or constant pads by any number",
                )
            count = sliding_size(size, self.filt_size, self.stride, 2 * self._padding, 1)
            require_fit(self.type, name, size, self.filt_size, 1, 2 * self._padding, count=count)
            sizes.append(count)
        return (shape[0], *sizes)

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """channels, and num_axes where they are not two."""
        return {"channels": inputs[0][0], **({} if self.rank == 2 else {"num_axes": self.rank})}

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """A sliding window on each axis."""
        window = Window(self.filt_size, self.stride, self._padding, 1, self._mode if self._padding else "zeros")
        return ((window,) * self.rank,)

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """filt: (C, 1, *axes), a buffer that is in no state dict."""
        shape = (inputs[0][0], 1, *(self.filt_size,) * self.rank)
        return (TensorSpec("filt", shape, learnable=False, persistent=False),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """MACs: output elements x the filter's taps."""
        return Cost(prod(output) * self.filt_size**self.rank)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A padding and a convolution of each channel by itself."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The padded map has a name until the convolution is done."""
        source, padding = execution.inputs[0], self._padding
        sizes = (*source.sizes[:2], *[size + 2 * padding for size in source.sizes[2:]])
        padded = in_format_of(sizes, source)
        if self.pad_mode == "constant":
            steps: tuple[Operator, ...] = (Operator(padded, layout="sliced"),)
        elif self.pad_mode == "circular":
            steps = wrapping(source, [(padding, padding)] * self.rank)
        else:
            steps = (Operator(padded, training=KEEPS_INPUT, layout="format"),)
        last = len(steps)
        before = steps[-1].value
        steps = tuple([step._replace(computes="inputs") for step in steps])
        (filters,) = self.tensors(execution.shapes)
        turned = self.rank > 1 and execution.run.channels_last and channels_last(filters.shape).suggests_channels_last
        value = laid("weight", execution.sizes, (before,), is_turned=turned)
        copied = whole(filters.elements if execution.run.autocast else 0)  # the fixed weights in lower precision
        training = KEEPS_INPUT._replace(kept=copied)
        blur = Operator(value, (last - 1,), training=training, layout="weight", is_turned=turned)
        return (*steps[:-1], steps[-1]._replace(until=last), blur)

    def torch_arguments(self) -> dict[str, Any]:
        """As written."""
        return {"filt_size": self.filt_size, "stride": self.stride, "pad_mode": self.pad_mode}


class BlurPool2d(BlurPoolNd):
    """A binomial filter with a stride (Zhang 2019), each channel by itself: fixed weights, nothing learned.

    timm's `BlurPool2d`. Padding: (stride - 1 + filt_size - 1) // 2 on all sides. The weights are a buffer that is in
    no state dict. MACs: output elements x the filter's taps. FLOPs beyond them: none.
    """

    type: ClassVar[str] = "blur_pool2d"
    rank: ClassVar[int] = 2
