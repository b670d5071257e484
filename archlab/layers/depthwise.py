"""Depthwise convolutions: names for grouped convolutions of the common forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Layer
from archlab.layers.conv import Conv2d, ConvNd
from archlab.layers.fields import ConvPadding, Positive, PositiveSizes
from archlab.layers.macro import Macro, Step, chain
from archlab.layers.ranks import of_rank
from archlab.layers.shape import Shape, require_map


class DepthwiseConvNd(Macro):
    """Convolution of each channel by itself, over maps of `rank` axes."""

    alias: ClassVar[str] = "conv"
    attachments: ClassVar[tuple[str, ...]] = ("norm", "activation")

    kernel_size: PositiveSizes = Field(description="Size of the window: a number or {axes}.")
    stride: PositiveSizes = Field((1,), description="Step of the window.")
    padding: ConvPadding = Field(
        (0,),
        description="As for a convolution: a number or {axes}, 'same', 'valid', 'auto' or 'same_tf', or, along one "
        "axis, 'causal'.",
    )
    dilation: PositiveSizes = Field((1,), description="Distance between the taps of the kernel.")
    depth_multiplier: Positive = Field(1, description="Output channels for each input channel.")
    bias: bool = Field(default=True, description="Add a learnable bias; left out by default when there is a norm.")

    def steps(self, shape: Shape, attached: Mapping[str, Layer]) -> list[Step]:
        """The convolution, then its norm and activation."""
        return [Step(self.convolution(shape)), *chain(0, *attached.values())]

    def convolution(self, shape: Shape) -> ConvNd:
        """The grouped convolution for an input shape."""
        require_map(self.type, shape, self.rank)
        return of_rank(Conv2d, self.rank)(
            out_channels=shape[0] * self.depth_multiplier,
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=shape[0],
            bias=self.bias,
        )


class DepthwiseConv2d(DepthwiseConvNd):
    """Convolution of each channel by itself: a `conv2d` with groups = in_channels.

    Shapes: (C, H, W) to (C * depth_multiplier, H', W'). The costs are those of the `conv2d`.
    """

    type: ClassVar[str] = "depthwise_conv2d"
    rank: ClassVar[int] = 2


class DepthwiseSeparableConvNd(DepthwiseConvNd):
    """A depthwise, then a pointwise convolution, over maps of `rank` axes."""

    out_channels: Positive = Field(description="Output channels of the 1x1 convolution.")

    def steps(self, shape: Shape, attached: Mapping[str, Layer]) -> list[Step]:
        """Depthwise, norm, activation, pointwise, norm, activation."""
        first = [Step(self.convolution(shape), label="depthwise"), *chain(0, *attached.values())]
        pointwise = of_rank(Conv2d, self.rank)(
            out_channels=self.out_channels, kernel_size=(1,) * self.rank, bias=self.bias
        )
        last = len(first)
        return [*first, Step(pointwise, (last - 1,), "pointwise"), *chain(last, *attached.values())]


class DepthwiseSeparableConv2d(DepthwiseSeparableConvNd):
    """A depthwise, then a pointwise convolution, each with the norm and activation (Howard et al. 2017, MobileNet).

    Shapes: (C, H, W) to (out_channels, H', W'). The costs are those of the two `conv2d`.
    """

    type: ClassVar[str] = "depthwise_separable_conv2d"
    rank: ClassVar[int] = 2
