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
    dims: ClassVar[tuple[int, ...]]

    def torch_arguments(self) -> dict[str, Any]:
        """The order, the batch first."""
        return {"dims": list(self.dims)}

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A view."""
        return VIEW._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One."""
        return (permutation(execution.inputs[0], self.dims),)


class ChannelsLastOrder(_Permute):
    """(C, H, W) to (H, W, C), a view, for `layer_norm` and `linear` over the channels of a map. FLOPs: none."""

    type: ClassVar[str] = "channels_last"
    dims: ClassVar[tuple[int, ...]] = (0, 2, 3, 1)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (H, W, C)."""
        (shape,) = inputs
        if isinstance(shape, ChannelsLast):
            raise ShapeError(f"channels_last: the input {shape_text(shape)} has its channels last already")
        require_map(self.type, shape)
        return ChannelsLast((shape[1], shape[2], shape[0]))


class ChannelsFirstOrder(_Permute):
    """(H, W, C) to (C, H, W), a view: back from `channels_last`. FLOPs: none."""

    type: ClassVar[str] = "channels_first"
    dims: ClassVar[tuple[int, ...]] = (0, 3, 1, 2)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(H, W, C) to (C, H, W)."""
        (shape,) = inputs
        if not isinstance(shape, ChannelsLast):
            raise ShapeError(
                f"channels_first needs an input that has its channels last, but its input is {shape_text(shape)}",
                hint="it undoes {type: channels_last}",
            )
        return (shape[2], shape[0], shape[1])
