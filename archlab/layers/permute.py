"""The channels behind the spatial axes, and in front again."""

from __future__ import annotations

from typing import Any, ClassVar

from archlab.layers.base import Layer
from archlab.layers.operators import Operator, permutation
from archlab.layers.runtime import VIEW, Execution, Runtime
from archlab.layers.shape import ChannelsLast, Shape, ShapeError, require_map, shape_text


class _Permute(Layer):
    """What the orders of dimensions share: a view, without work."""

    torch_class: ClassVar[str] = "torchvision.ops.Permute"
    alias: ClassVar[str] = "permute"

    def dims(self, count: int) -> tuple[int, ...]:
        """The order of so many dimensions, the batch first."""
        raise NotImplementedError

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, Any]:
        """dims: the order, the batch first."""
        return {"dims": list(self.dims(len(inputs[0]) + 1))}

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A view."""
        return VIEW._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One."""
        (source,) = execution.inputs
        return (permutation(source, self.dims(len(source.sizes))),)


class ChannelsLastOrder(_Permute):
    """(C, *axes) to (*axes, C), a view, for `layer_norm` and `linear` over the channels of a map. FLOPs: none."""

    type: ClassVar[str] = "channels_last"

    def dims(self, count: int) -> tuple[int, ...]:
        """(0, 2, 3, 1) of four."""
        return (0, *range(2, count), 1)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes) to (*axes, C)."""
        (shape,) = inputs
        if isinstance(shape, ChannelsLast):
            raise ShapeError(f"channels_last: the input {shape_text(shape)} has its channels last already")
        require_map(self.type, shape)
        return ChannelsLast((*shape[1:], shape[0]))


class ChannelsFirstOrder(_Permute):
    """(*axes, C) to (C, *axes), a view: back from `channels_last`. FLOPs: none."""

    type: ClassVar[str] = "channels_first"

    def dims(self, count: int) -> tuple[int, ...]:
        """(0, 3, 1, 2) of four."""
        return (0, count - 1, *range(1, count - 1))

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(*axes, C) to (C, *axes)."""
        (shape,) = inputs
        if not isinstance(shape, ChannelsLast):
            raise ShapeError(
                f"channels_first needs an input that has its channels last, but its input is {shape_text(shape)}",
                hint="it undoes {type: channels_last}",
            )
        return (shape[-1], *shape[:-1])
