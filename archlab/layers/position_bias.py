"""A learned bias for how queries and keys lie to one another, added to the scores of attention."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, Literal

from pydantic import Field

from archlab.layers.attention_operators import AttentionTape
from archlab.layers.base import Cost, Layer, TensorSpec
from archlab.layers.fields import Positive
from archlab.layers.operators import Operator, whole
from archlab.layers.permute import Dimensions
from archlab.layers.room import KEEPS_NOTHING, NOTHING
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, ShapeError, shape_text
from archlab.layers.strides import contiguous


class RelativePositionBias(Layer):
    """A learned number for each head and relative position, added to scores (Liu et al. 2021, Graham et al. 2021).

    (..., heads, queries, keys), unchanged; keys are the positions of a map, row by row, and queries all of them or
    every so many along each axis. FLOPs: 1 per score.
    """

    type: ClassVar[str] = "relative_position_bias"
    alias: ClassVar[str] = "position_bias"
    torch_class: ClassVar[str] = "archlab.torch.modules.RelativePositionBias"

    size: Dimensions = Field(description="Positions of the keys along each axis, as [14, 14].")
    relative: Literal["query", "key", "distance"] = Field(
        "query",
        description="What the table is of: the query's place less the key's (Swin), (places, heads); the key's less "
        "the query's (MaxViT of TensorFlow), (heads, *places); distances without a sign (LeViT), (heads, places).",
    )
    stride: Positive = Field(1, description="Queries are every so many positions along each axis.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(..., heads, queries, keys), unchanged."""
        (shape,) = inputs
        if min(self.size) < 1:
            raise ShapeError("relative_position_bias: sizes must be 1 or more", option="size")
        if len(shape) < 3:
            raise ShapeError(
                f"relative_position_bias needs scores (heads, queries, keys), but its input is {shape_text(shape)}"
            )
        wanted = prod(self._queries), prod(self.size)
        if tuple(shape[-2:]) != wanted:
            raise ShapeError(
                f"relative_position_bias: {shape_text(self.size)} keys and queries of stride {self.stride} are "
                f"{shape_text(wanted)} scores, but its input is {shape_text(shape)}",
                option="size",
            )
        return shape

    @property
    def _queries(self) -> tuple[int, ...]:
        return tuple([-(-axis // self.stride) for axis in self.size])

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """num_heads."""
        return {"num_heads": inputs[0][-3]}

    def torch_arguments(self) -> dict[str, Any]:
        """The size, and what differs from the defaults."""
        further: dict[str, Any] = {} if self.relative == "query" else {"relative": self.relative}
        return {"size": list(self.size), **further, **({"stride": self.stride} if self.stride > 1 else {})}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """relative_position_bias_table: (places, heads), or with the heads in front. Buffer: the index into it."""
        heads, sides = inputs[0][-3], tuple([2 * axis - 1 for axis in self.size])
        table = {"query": (prod(sides), heads), "key": (heads, *sides), "distance": (heads, prod(self.size))}
        pairs = (prod(self._queries) * prod(self.size),)
        return (
            TensorSpec("relative_position_bias_table", table[self.relative]),
            TensorSpec("relative_position_index", pairs, learnable=False, dtype="int64", persistent=False),
        )

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """One addition for each score."""
        return Cost(elementwise=prod(output))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The table's entries for all pairs, and a sum."""
        return Runtime(operators=self._operators, autocast="parameters")

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        tape = AttentionTape(execution)
        table, (heads, queries, keys) = execution.learned[0], execution.output[-3:]
        zeros = whole(prod(table)) if execution.run.watched else NOTHING
        sizes = (queries * keys, heads) if self.relative == "query" else (heads, queries * keys)
        gathered = Operator(
            contiguous(sizes),
            (),
            training=KEEPS_NOTHING._replace(backward=zeros),
            learns=(prod(table),),
            computes="params",
        )
        made, lead = tape.put(gathered), (1,) * (len(execution.output) - 2)
        if self.relative == "query":
            last = len(lead) + 2
            split = tape.reshaped((*lead, queries, keys, heads), made)
            made = tape.permuted((*range(last - 2), last, last - 2, last - 1), split)
        else:
            made = tape.reshaped((*lead, heads, queries, keys), made)
        tape.sum(-1, made)
        return tape.ended()
