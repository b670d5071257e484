"""Attention layers: they make queries, keys and values of tokens, and project what the operation gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from archlab.layers.attention_op import AttentionOp, require_tokens
from archlab.layers.base import Layer, Others
from archlab.layers.conv import Conv2d
from archlab.layers.dropout import Dropout
from archlab.layers.fields import AnySizes, Positive, Probability
from archlab.layers.flatten import Flatten
from archlab.layers.laid import ChannelsLast, Laid, extra_of, positions_of, roles_of
from archlab.layers.layer_norm import LayerNorm
from archlab.layers.linear import Linear
from archlab.layers.macro import LayerClass, Macro, Step
from archlab.layers.permute import ChannelsFirstOrder, ChannelsLastOrder, Transpose, Unflatten
from archlab.layers.ranks import of_rank
from archlab.layers.shape import Shape, ShapeError, axis_count, map_size, shape_text


class _Attention(Macro):
    """What the attention layers share."""

    scoped: ClassVar[bool] = True
    alias: ClassVar[str] = "attn"

    num_heads: Positive = Field(8, description="Heads, each with its own part of the channels.")
    head_dim: Positive | None = Field(None, description="Channels of a head; null: the input's, divided by the heads.")
    dim_out: Positive | None = Field(None, description="Channels of the result; null: those of the input.")
    qkv_bias: bool = Field(default=False, description="Add learnable biases to queries, keys and values.")
    proj_bias: bool = Field(default=True, description="Add a learnable bias to the projection.")
    qk_norm: bool = Field(
        default=False, description="Normalize queries and keys, the channels of each head, with learnable weights."
    )
    attn_drop: Probability = Field(0.0, description="Probability of leaving out a weight, in training.")
    proj_drop: Probability = Field(0.0, description="Probability of zeroing a result, in training.")
    fused: bool = Field(
        default=True, description="By `scaled_dot_product_attention`; false: written out as products and a softmax."
    )

    head_first: bool = Field(
        default=False, description="Queries, keys and values of a head lie together in the weights."
    )

    def _inner(self, shape: Shape) -> int:
        """Channels of all heads."""
        require_tokens(self.type, shape)
        if self.head_dim is None and shape[-1] % self.num_heads:
            raise ShapeError(
                f"{self.type}: {shape[-1]} channels cannot be divided among {self.num_heads} heads",
                option="num_heads",
                hint="choose a divisor, or write head_dim",
            )
        return self.num_heads * (self.head_dim or shape[-1] // self.num_heads)

    def _operation(self) -> AttentionOp:
        return AttentionOp(
            num_heads=self.num_heads, fused=self.fused, dropout=self.attn_drop, head_first=self.head_first
        )

    def _operate(self, shape: Shape, steps: list[Step], *reads: int) -> None:
        """The operation on what some steps make."""
        operation = self._operation()
        if not self.qk_norm:
            steps.append(Step(operation, reads, "attention"))
            return
        if type(operation) is not AttentionOp:
            raise ShapeError(f"{self.type}: with qk_norm there are no windows or relative positions", option="qk_norm")
        if self.attn_drop and self.fused:
            raise ShapeError(
                f"{self.type}: with qk_norm no weights of a fused attention are left out",
                option="attn_drop",
                hint="write fused: false",
            )
        from archlab.layers.attention_steps import NormedHeads

        NormedHeads(operation, shape, self._inner(shape), steps).add(reads)

    def _ending(self, shape: Shape, steps: list[Step]) -> list[Step]:
        """The projection, and what is dropped of it."""
        projection = Linear(out_features=self.dim_out or shape[-1], bias=self.proj_bias)
        steps.append(Step(projection, (len(steps) - 1,), "proj"))
        if self.proj_drop:
            steps.append(Step(Dropout(p=self.proj_drop), (len(steps) - 1,), "proj_drop"))
        return steps


class SelfAttention(_Attention):
    """Multi-head self-attention over tokens (Vaswani et al. 2017, Dosovitskiy et al. 2021): qkv, attention, proj.

    (..., C) to (..., C), of tokens or of a map with its channels last. Weights have the names of timm's `Attention`:
    qkv, q_norm, k_norm, proj; with `sr_ratio` those of its PVT: q, sr, norm, kv, proj. A map that windows do not divide
    gets zeros at the end of its axes first, as in torchvision's Swin. The costs are those of the parts.
    """

    type: ClassVar[str] = "self_attention"
    operation: ClassVar[LayerClass | None] = AttentionOp

    sr_ratio: Positive = Field(
        1, description="Spatial reduction (PVT): keys and values from a convolution with this stride."
    )

    window_size: AnySizes = Field(
        None,
        description="Attention inside of windows (Swin) of so many positions along each axis, the map padded with "
        "zeros at its end where they do not divide it; null: everywhere.",
    )
    shift_size: int = Field(0, ge=0, description="By how much windows are shifted, where the map is larger than one.")
    dilation: Positive = Field(
        1, description="Attention among every so many positions along each axis (MaxViT's grids, MobileViT's patches)."
    )
    relative_position: bool = Field(
        default=False, description="Learn a bias for each relative position in a window (or the map) and head."
    )

    def _operation(self) -> AttentionOp:
        if self.window_size is None and not self.shift_size and self.dilation == 1 and not self.relative_position:
            return super()._operation()
        from archlab.layers.window_attention import WindowAttentionOp

        if self.dilation > 1 and self.window_size is not None:
            raise ShapeError(
                f"{self.type}: a window is dilated over the whole map, so that window_size and dilation exclude each "
                "other",
                option="dilation",
            )
        options = {name: getattr(self, name) for name in ("window_size", "shift_size", "dilation", "relative_position")}
        return WindowAttentionOp(**dict(super()._operation()), **options)

    def steps(self, shape: Shape, attached: Mapping[str, Layer]) -> list[Step]:
        """Projections, the operation, the projection back."""
        inner = self._inner(shape)
        if self.sr_ratio > 1 and type(self._operation()) is not AttentionOp:
            raise ShapeError(
                f"{self.type}: with sr_ratio there are no windows or relative positions", option="sr_ratio"
            )
        if self.sr_ratio == 1:
            return self._of_one(shape, inner)
        steps = [Step(Linear(out_features=inner, bias=self.qkv_bias), (-1,), "q")]
        steps += self._reduction(shape)
        steps.append(Step(LayerNorm(), (len(steps) - 1,), "norm"))
        steps.append(Step(Linear(out_features=2 * inner, bias=self.qkv_bias), (len(steps) - 1,), "kv"))
        self._operate(shape, steps, 0, len(steps) - 1)
        return self._ending(shape, steps)

    def _of_one(self, shape: Shape, inner: int) -> list[Step]:
        """Queries, keys and values of one value, which is padded where windows do not divide it."""
        padding, steps = self._padding(shape), list[Step]()
        if any(padding):
            from archlab.layers.attention_steps import cut, padded

            steps = padded(padding)
        steps.append(Step(Linear(out_features=3 * inner, bias=self.qkv_bias), (len(steps) - 1,), "qkv"))
        self._operate(shape, steps, len(steps) - 1)
        steps = self._ending(shape, steps)
        return steps + cut(shape[:-1], padding, len(steps) - 1) if any(padding) else steps

    def _padding(self, shape: Shape) -> tuple[int, ...]:
        """How much of a map with its channels last is added at the end of each axis, so that windows divide it.

        A map no larger than a window along an axis is one window there. Nothing is added where windows do not fit the
        map otherwise, which their operation tells.
        """
        size, windows = shape[:-1], self.window_size
        if windows is None or not isinstance(shape, ChannelsLast):
            return ()
        parts = (windows,) * len(size) if isinstance(windows, int) else windows
        if len(parts) != len(size):
            return ()
        return tuple([-axis % min(axis, part) for axis, part in zip(size, parts, strict=True)])

    def _reduction(self, shape: Shape) -> list[Step]:
        """The map of the tokens, the convolution, and tokens again."""
        size, rank = map_size(shape), axis_count(shape)
        is_map = isinstance(shape, ChannelsLast)
        if size is None or extra_of(shape) or not (is_map or _are_tokens(shape)):
            raise ShapeError(
                f"{self.type}: sr_ratio needs the positions of a map, but its input is {shape_text(shape)}",
                option="sr_ratio",
            )
        ratio = (self.sr_ratio,) * rank
        conv = of_rank(Conv2d, rank)(out_channels=shape[-1], kernel_size=ratio, stride=ratio)
        if is_map:
            return [
                Step(ChannelsFirstOrder(), (-1,), "channels_first"),
                Step(conv, (1,), "sr"),
                Step(ChannelsLastOrder(), (2,), "channels_last"),
            ]
        return [
            Step(Transpose(dim0=1, dim1=2), (-1,), "transpose"),
            Step(Unflatten(dim=2, unflattened_size=positions_of(shape)), (1,), "unflatten"),
            Step(conv, (2,), "sr"),
            Step(Flatten(start_dim=2), (3,), "flatten"),
            Step(Transpose(dim0=1, dim1=2), (4,), "tokens"),
        ]


def _are_tokens(shape: Shape) -> bool:
    """Whether a value is (positions merged, channels)."""
    return isinstance(shape, Laid) and len(shape) == 2 and bool(roles_of(shape)[0])


class CrossAttention(_Attention):
    """Multi-head attention of tokens to those of another value (`with`): q of the first, kv of the second, proj.

    (..., C) and (..., D) to (..., C), of tokens or of maps with their channels last. The costs are those of the parts.
    """

    type: ClassVar[str] = "cross_attention"
    operation: ClassVar[LayerClass | None] = AttentionOp
    others: ClassVar[Others] = "attended"

    def steps(self, shape: Shape, attached: Mapping[str, Layer]) -> list[Step]:
        """Projections, the operation, the projection back."""
        inner = self._inner(shape)
        steps = [
            Step(Linear(out_features=inner, bias=self.qkv_bias), (-1,), "q"),
            Step(Linear(out_features=2 * inner, bias=self.qkv_bias), (-2,), "kv"),
        ]
        self._operate(shape, steps, 0, 1)
        return self._ending(shape, steps)
