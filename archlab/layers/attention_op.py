"""The operation of attention over queries, keys and values, by itself."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.attention_operators import AttentionTape
from archlab.layers.base import Cost, Layer, Others
from archlab.layers.describe import own_options
from archlab.layers.dims import mixing
from archlab.layers.fields import Positive, Probability
from archlab.layers.geometry import AxisReads, everything, pointwise
from archlab.layers.laid import roles_of
from archlab.layers.operators import Operator
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, ShapeError, axis_count, of_kind, shape_text
from archlab.layers.softmax import Softmax


def require_tokens(layer: str, shape: Shape) -> None:
    """Refuse anything but tokens: positions in front, channels in the last dimension.

    Raises:
        ShapeError: for a map with its channels first, and for flat values.
    """
    if len(shape) == 1:
        raise ShapeError(
            f"{layer} needs tokens (positions x channels), but its input is flat: {shape_text(shape)}",
            hint="put it in front of the flatten",
        )
    if roles_of(shape)[-1]:
        raise ShapeError(
            f"{layer} needs tokens (positions x channels), but its input {shape_text(shape)} has its channels first",
            hint="put {type: channels_last} in front of it, or flatten and transpose",
        )


HALF_DOUBT = "is up to half too small: without a kernel for it PyTorch computes this attention in float32, by copies"
"""Of training as a whole in half precision, where the fused function has no kernel on a CPU."""


class AttentionOp(Layer):
    """The operation of the attention layers: softmax(Q K^T / sqrt(width)) V for each head (Vaswani et al. 2017).

    Inputs: queries, keys and values beside one another (..., 3 x heads x width); or queries (..., heads x width) and
    from elsewhere keys and values (..., 2 x heads x width). Output: (..., heads x width). MACs: 2 x queries x keys x
    heads x width. FLOPs beyond them: 1 for each element of the queries (the scale) and 5 for each score (softmax).
    """

    type: ClassVar[str] = "attention_op"
    alias: ClassVar[str] = "attention"
    torch_class: ClassVar[str] = "archlab.torch.modules.Attention"
    others: ClassVar[Others] = "optional"

    num_heads: Positive = Field(description="Heads, each with its own part of the channels.")
    fused: bool = Field(default=True, description="By `scaled_dot_product_attention`, rather than written out.")
    dropout: Probability = Field(0.0, description="Probability of leaving out a weight, in training.")
    head_first: bool = Field(default=False, description="Queries, keys and values of a head lie together.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(..., 3 x inner) to (..., inner); with keys and values from elsewhere (..., inner), unchanged."""
        queries = inputs[0]
        require_tokens(self.type, queries)
        parts = 1 if len(inputs) > 1 else 3
        if queries[-1] % (parts * self.num_heads):
            raise ShapeError(
                f"{self.type}: {queries[-1]} channels are not {parts} x {self.num_heads} heads of one width",
                option="num_heads",
            )
        if len(inputs) > 1:
            require_tokens(self.type, inputs[1])
            if inputs[1][-1] != 2 * queries[-1] or len(inputs) > 2:
                raise ShapeError(
                    f"{self.type}: keys and values need {2 * queries[-1]} channels, but they are "
                    f"{' and '.join(map(shape_text, inputs[1:]))}"
                )
        return of_kind(queries, (*queries[:-1], queries[-1] // parts))

    def torch_arguments(self) -> dict[str, Any]:
        """Those that differ from the defaults, and the number of heads."""
        return {"num_heads": self.num_heads, **{k: v for k, v in own_options(self).items() if k != "num_heads"}}

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """All positions; with keys and values from elsewhere all of those, and the query's own."""
        if len(inputs) == 1:
            return (mixing(inputs[0], tuple(range(len(inputs[0]) - 1))),)
        rank = axis_count(output)
        return (pointwise(rank), everything(rank))

    def key_count(self, inputs: tuple[Shape, ...]) -> int:
        """How many keys a query meets."""
        return prod(inputs[-1][:-1])

    def scores(self, inputs: tuple[Shape, ...]) -> int:
        """Elements of the matrices between queries and keys, of all heads."""
        return self.num_heads * prod(inputs[0][:-1]) * self.key_count(inputs)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """MACs: scores and sums of values. The scale; the softmax."""
        scores = self.scores(inputs)
        width = output[-1] // self.num_heads
        return Cost(2 * scores * width, prod(output) + Softmax.flops_per_element * scores)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The CPU's fused kernel, which does not drop weights; else several operators."""
        doubt = HALF_DOUBT if self.fused and self.dropout else ""
        return Runtime(autocast="lower", operators=self._operators, half_doubt=doubt)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """Views of queries, keys and values; the attention; the heads beside one another."""
        tape = AttentionTape(execution)
        if len(execution.inputs) == 1:
            query, key, value = tape.parts(3, self.num_heads, head_first=self.head_first)
        else:
            query = tape.heads_of(self.num_heads)
            key, value = tape.parts(2, self.num_heads, -2, head_first=self.head_first)
        dropped = self.dropout if execution.run.training else 0.0
        if not self.fused:
            result = tape.written_out(query, key, value, dropped)
        else:
            result = tape.by_math(query, key, value, dropped) if dropped else tape.fused(query, key, value)
        tape.merged(execution.sizes, result)
        return tape.ended(query, key, value, result)
