"""Steps that attention layers take around their operation, or in its stead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.layers.base import Layer
from archlab.layers.constant import Scale
from archlab.layers.dropout import Dropout
from archlab.layers.flatten import Flatten
from archlab.layers.layer_norm import LayerNorm
from archlab.layers.macro import Step
from archlab.layers.matmul import MatMul, ScaledDotProductAttention
from archlab.layers.narrow import Narrow
from archlab.layers.padding import ZeroPad2d
from archlab.layers.permute import ChannelsFirstOrder, ChannelsLastOrder, Transpose, Unflatten
from archlab.layers.ranks import of_rank
from archlab.layers.shape import Shape
from archlab.layers.softmax import Softmax
from archlab.layers.strides import Sizes

if TYPE_CHECKING:
    from archlab.layers.attention_op import AttentionOp


class NormedHeads:
    """Attention whose queries and keys are normalized head by head (Dehghani et al. 2023): steps instead of one.

    Args:
        operation: which it stands for.
        shape: of the tokens.
        inner: channels of all heads.
        steps: those so far, to which it adds its own.
    """

    def __init__(self, operation: AttentionOp, shape: Shape, inner: int, steps: list[Step]) -> None:
        self._operation = operation
        self._sizes = shape[:-1]
        self._inner = inner
        self._steps = steps

    def add(self, reads: tuple[int, ...]) -> None:
        """Norms, attention, heads beside one another.

        Args:
            reads: steps that make queries, keys and values together, or queries, and keys and values together.
        """
        if len(reads) == 1:
            source = self._tokens(reads[0])
            query, key, value = (self._heads(source, number, 3) for number in range(3))
        else:
            query = self._heads(self._tokens(reads[0]), 0, 1)
            source = self._tokens(reads[1])
            key, value = (self._heads(source, number, 2) for number in range(2))
        query, key = (self._put(LayerNorm(), one, label=f"{name}_norm") for name, one in (("q", query), ("k", key)))
        made = self._fused(query, key, value) if self._operation.fused else self._written_out(query, key, value)
        last = self._put(Flatten(start_dim=2), self._put(Transpose(dim0=1, dim1=2), made))
        if len(self._sizes) > 1:
            self._put(Unflatten(dim=1, unflattened_size=self._sizes), last)

    def _put(self, layer: Layer, *inputs: int, label: str = "") -> int:
        self._steps.append(Step(layer, inputs, label))
        return len(self._steps) - 1

    def _tokens(self, source: int) -> int:
        """Positions of all axes as one dimension."""
        return self._put(Flatten(start_dim=1, end_dim=-2), source)

    def _heads(self, source: int, number: int, count: int) -> int:
        """Part `number` of `count` that lie beside one another: (heads, tokens, width)."""
        heads = self._operation.num_heads
        width = self._inner // heads
        if count == 1:
            part = self._put(Unflatten(dim=2, unflattened_size=(heads, width)), source)
        elif self._operation.head_first:
            split = self._put(Unflatten(dim=2, unflattened_size=(heads, count * width)), source)
            part = self._put(Narrow(dim=3, start=number * width, length=width), split)
        else:
            taken = self._put(Narrow(dim=2, start=number * self._inner, length=self._inner), source)
            part = self._put(Unflatten(dim=2, unflattened_size=(heads, width)), taken)
        return self._put(Transpose(dim0=1, dim1=2), part)

    def _fused(self, query: int, key: int, value: int) -> int:
        return self._put(ScaledDotProductAttention(), query, key, value, label="attention")

    def _written_out(self, query: int, key: int, value: int) -> int:
        factor = (self._inner // self._operation.num_heads) ** -0.5
        turned = self._put(Transpose(dim0=2, dim1=3), key)
        weights = self._put(Softmax(dim=-1), self._put(MatMul(), self._put(Scale(factor=factor), query), turned))
        if self._operation.dropout:
            weights = self._put(Dropout(p=self._operation.dropout), weights, label="attn_drop")
        return self._put(MatMul(), weights, value)


def padded(padding: Sizes) -> list[Step]:
    """Zeros at the end of each axis of a map with its channels last."""
    sides = tuple([side for size in reversed(padding) for side in (0, size)])
    return [
        Step(ChannelsFirstOrder(), (-1,), "channels_first"),
        Step(of_rank(ZeroPad2d, len(padding))(padding=sides), (0,), "pad"),
        Step(ChannelsLastOrder(), (1,), "channels_last"),
    ]


def cut(size: Sizes, padding: Sizes, last: int) -> list[Step]:
    """The map of some size again, without what was added."""
    steps: list[Step] = []
    for axis, (length, added) in enumerate(zip(size, padding, strict=True), 1):
        if added:
            steps.append(Step(Narrow(dim=axis, start=0, length=length), (last + len(steps),), f"cut{axis}"))
    return steps
