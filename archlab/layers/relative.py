"""Attention by how far keys lie from queries along one axis: vectors for each pair, scores for each pair."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.base import Layer, TensorSpec
from archlab.layers.fields import Positive
from archlab.layers.geometry import AxisReads, everything
from archlab.layers.laid import CHANNELS, laid, positions_of, roles_of
from archlab.layers.operators import FIRST, Operator, whole
from archlab.layers.room import KEEPS_NOTHING, NOTHING, SHARES, Training
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, ShapeError, shape_text
from archlab.layers.strides import contiguous


class RelativeToAbsolute(Layer):
    """Scores of each query for relative places made those for its keys (Bello et al. 2019; BoTNet, HaloNet).

    (..., queries, 2 keys - 1) to (..., queries, keys): for its key j query i has entry j - i + keys - 1. FLOPs: none.
    """

    type: ClassVar[str] = "relative_to_absolute"
    alias: ClassVar[str] = "absolute"
    torch_class: ClassVar[str] = "archlab.torch.modules.RelativeToAbsolute"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(..., queries, 2 keys - 1) to (..., queries, keys)."""
        (shape,) = inputs
        places, keys = shape[-1], (shape[-1] + 1) // 2
        if len(shape) < 2 or roles_of(shape)[-1] or places % 2 == 0 or shape[-2] > keys:
            raise ShapeError(
                "relative_to_absolute needs queries and an odd number of scores for each, 2 x keys - 1, of as many "
                f"keys as queries or more, but its input is {shape_text(shape)}"
            )
        extra = getattr(shape, "extra", 0)
        return laid((*shape[:-1], keys), roles_of(shape), positions_of(shape), extra)

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """queries and keys."""
        return {"queries": inputs[0][-2], "keys": (inputs[0][-1] + 1) // 2}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """index: (queries, keys), a buffer that no state dict has."""
        sizes = (inputs[0][-2], (inputs[0][-1] + 1) // 2)
        return (TensorSpec("index", sizes, learnable=False, dtype="int64", persistent=False),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Entries are copied."""
        return Runtime(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """`gather` keeps its input for its sizes; what is watched adds to the zeros of a gradient out of place."""
        zeros = whole(execution.inputs[0].elements) if execution.run.watched else NOTHING
        training = Training(backward=zeros)
        return (Operator(contiguous(execution.sizes), (FIRST,), training=training, layout="shape"),)


class RelativeRows(Layer):
    """A row for each query and key by how far they lie apart along one axis (Li et al. 2022, MViT V2; SAM).

    Rows (places, channels) to (queries, keys, channels); there are 2 max(queries, keys) - 1 places, of the query's
    place less the key's, from -(keys - 1) on; the places of the fewer lie further apart. FLOPs: none.
    """

    type: ClassVar[str] = "relative_rows"
    alias: ClassVar[str] = "pairs"
    torch_class: ClassVar[str] = "archlab.torch.modules.RelativeRows"

    queries: Positive = Field(description="How many queries there are along the axis.")
    keys: Positive = Field(description="How many keys.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(places, channels) to (queries, keys, channels)."""
        (shape,) = inputs
        places = 2 * max(self.queries, self.keys) - 1
        if len(shape) != 2 or shape[0] != places:
            raise ShapeError(
                f"relative_rows: {self.queries} queries and {self.keys} keys need {places} rows of channels, but its "
                f"input is {shape_text(shape)}",
                option="queries",
            )
        sizes = (self.queries, self.keys, shape[-1])
        return laid(sizes, (CHANNELS,) * len(sizes), (1,) * len(positions_of(shape)))

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Rows stand at no position: all of them, where they do."""
        return (everything(len(positions_of(inputs[0]))),)

    def torch_arguments(self) -> dict[str, Any]:
        """Queries and keys."""
        return {"queries": self.queries, "keys": self.keys}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """index: (queries x keys,), a buffer that no state dict has."""
        return (TensorSpec("index", (self.queries * self.keys,), learnable=False, dtype="int64", persistent=False),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Rows are copied, and seen in two dimensions."""
        return Runtime(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        batch, queries, keys, width = execution.sizes
        rows = Operator(contiguous((batch, queries * keys, width)), (FIRST,), training=KEEPS_NOTHING, layout="shape")
        return (rows, Operator(contiguous(execution.sizes), (0,), "view", SHARES))
