"""Layers that trade channels for positions, or put channels into another order."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Layer
from archlab.layers.fields import Positive
from archlab.layers.geometry import AxisReads, Phases, Window, pointwise, taps_of
from archlab.layers.room import KEEPS_NOTHING
from archlab.layers.runtime import Runtime
from archlab.layers.shape import AXIS_NAMES, Shape, ShapeError, require_map, shape_text
from archlab.layers.sliding import require_divides

_RUNS = Runtime(layout="format", gradient_layout="own format", training=KEEPS_NOTHING)
"""Values are moved, nothing is kept."""


class PixelShuffle(Layer):
    """Channels to positions (Shi et al. 2016): (C * r^2, H, W) to (C, H * r, W * r). FLOPs: none."""

    type: ClassVar[str] = "pixel_shuffle"
    runs: ClassVar[Runtime] = _RUNS
    alias: ClassVar[str] = "shuffle"
    torch_class: ClassVar[str] = "PixelShuffle"

    upscale_factor: Positive = Field(description="r: how many times higher and wider the map becomes.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C * r^2, H, W) to (C, H * r, W * r)."""
        (shape,) = inputs
        require_map(self.type, shape, 2)
        factor = self.upscale_factor
        if shape[0] % factor**2:
            raise ShapeError(
                f"pixel_shuffle: upscale_factor={factor} needs a multiple of {factor**2} channels, "
                f"but the input has {shape[0]}",
                option="upscale_factor",
                hint=f"give the convolution in front of it {factor**2} times the wanted channels",
            )
        return (shape[0] // factor**2, shape[1] * factor, shape[2] * factor)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """r neighbouring outputs read one position."""
        factor = self.upscale_factor
        if factor == 1:
            return (pointwise(2),)
        reads = Phases(factor, 1, taps_of(factor, 1, lambda _: (0,)))
        return ((reads, reads),)


class PixelUnshuffle(Layer):
    """Positions to channels, the inverse of `pixel_shuffle`: (C, H * r, W * r) to (C * r^2, H, W). FLOPs: none."""

    type: ClassVar[str] = "pixel_unshuffle"
    runs: ClassVar[Runtime] = _RUNS
    alias: ClassVar[str] = "unshuffle"
    torch_class: ClassVar[str] = "PixelUnshuffle"

    downscale_factor: Positive = Field(description="r: how many times lower and narrower the map becomes.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H * r, W * r) to (C * r^2, H, W)."""
        (shape,) = inputs
        require_map(self.type, shape, 2)
        factor = self.downscale_factor
        for axis, size in zip(AXIS_NAMES[2], shape[1:], strict=True):
            if size % factor:
                raise ShapeError(
                    f"pixel_unshuffle: downscale_factor={factor} does not divide the {axis} of the "
                    f"{shape_text(shape)} map",
                    option="downscale_factor",
                )
        return (shape[0] * factor**2, shape[1] // factor, shape[2] // factor)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Each output position gathers r x r inputs in its channels."""
        window = Window(self.downscale_factor, self.downscale_factor)
        return (pointwise(2) if self.downscale_factor == 1 else (window, window),)


class ChannelShuffle(Layer):
    """Channels of all groups interleaved (Zhang et al. 2018, ShuffleNet): shape unchanged. FLOPs: none."""

    type: ClassVar[str] = "channel_shuffle"
    runs: ClassVar[Runtime] = _RUNS
    alias: ClassVar[str] = "shuffle"
    torch_class: ClassVar[str] = "ChannelShuffle"

    groups: Positive = Field(description="Groups of channels; must divide them.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes), unchanged."""
        (shape,) = inputs
        require_map(self.type, shape)
        require_divides(self.type, "groups", self.groups, shape[0], "channels")
        return shape
