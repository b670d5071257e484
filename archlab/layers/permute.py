"""Dimensions in another order, and one dimension made several: views, without work."""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from archlab.layers.base import Layer
from archlab.layers.dims import dim_index
from archlab.layers.laid import ChannelsLast, permuted, split
from archlab.layers.operators import Operator, permutation, reshape
from archlab.layers.runtime import VIEW, Execution, Runtime
from archlab.layers.shape import Shape, ShapeError, map_size, require_map, shape_text


def _whole_numbers(value: Any) -> tuple[int, ...]:
    if isinstance(value, tuple | list) and value and all(type(number) is int for number in value):
        return tuple(value)
    raise PydanticCustomError("numbers", "must be a list of whole numbers")


_NUMBERS = {"type": "array", "items": {"type": "integer"}, "minItems": 1}


class _Permute(Layer):
    """What the orders of dimensions share: a view, without work."""

    torch_class: ClassVar[str] = "torchvision.ops.Permute"
    alias: ClassVar[str] = "permute"

    def order(self, count: int) -> tuple[int, ...]:
        """The order of so many dimensions, the batch first."""
        raise NotImplementedError

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, Any]:
        """dims: the order, the batch first."""
        return {"dims": list(self.order(len(inputs[0]) + 1))}

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A view."""
        return VIEW._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One."""
        (source,) = execution.inputs
        return (permutation(source, self.order(len(source.sizes))),)


class ChannelsLastOrder(_Permute):
    """(C, *axes) to (*axes, C), a view, for `layer_norm` and `linear` over the channels of a map. FLOPs: none."""

    type: ClassVar[str] = "channels_last"

    def order(self, count: int) -> tuple[int, ...]:
        """(0, 2, 3, 1) of four."""
        return (0, *range(2, count), 1)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes) to (*axes, C)."""
        (shape,) = inputs
        if isinstance(shape, ChannelsLast):
            raise ShapeError(f"channels_last: the input {shape_text(shape)} has its channels last already")
        require_map(self.type, shape)
        return permuted(shape, (*range(1, len(shape)), 0))


class ChannelsFirstOrder(_Permute):
    """(*axes, C) to (C, *axes), a view: back from `channels_last`. FLOPs: none."""

    type: ClassVar[str] = "channels_first"

    def order(self, count: int) -> tuple[int, ...]:
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


Dimensions = Annotated[tuple[int, ...], BeforeValidator(_whole_numbers), WithJsonSchema(_NUMBERS)]


class Permute(_Permute):
    """The dimensions in another order (`torch.permute`), the batch staying first: a view. FLOPs: none."""

    type: ClassVar[str] = "permute"

    dims: Dimensions = Field(description="All dimensions in their new order, the batch (0) first.")

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, Any]:
        """Nothing."""
        return {}

    def torch_arguments(self) -> dict[str, Any]:
        """The order, as a list."""
        return {"dims": list(self.dims)}

    def order(self, count: int) -> tuple[int, ...]:
        """As written."""
        return tuple([dim + count if dim < 0 else dim for dim in self.dims])

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The sizes in the new order."""
        (shape,) = inputs
        order, count = self.order(len(shape) + 1), len(shape) + 1
        if sorted(order) != list(range(count)) or order[0] != 0:
            raise ShapeError(
                f"permute: dims={list(self.dims)} is no order of the dimensions 0 to {count - 1} of a batch of "
                f"{shape_text(shape)} that begins with the batch, 0",
                option="dims",
            )
        return permuted(shape, tuple([dim - 1 for dim in order[1:]]))


class Transpose(_Permute):
    """Two dimensions exchanged (`torch.transpose`): a view. FLOPs: none."""

    type: ClassVar[str] = "transpose"
    torch_class: ClassVar[str] = ""
    alias: ClassVar[str] = "transpose"

    dim0: int = Field(description="One dimension; 1 is the channels of a map, or the tokens behind them.")
    dim1: int = Field(description="The other.")

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, Any]:
        """Nothing."""
        return {}

    def order(self, count: int) -> tuple[int, ...]:
        """All as they are but two."""
        order = list(range(count))
        first, second = self.dim0 % count, self.dim1 % count
        order[first], order[second] = second, first
        return tuple(order)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The two sizes exchanged."""
        (shape,) = inputs
        for option, dim in (("dim0", self.dim0), ("dim1", self.dim1)):
            dim_index(self.type, dim, shape, option)
        return permuted(shape, tuple([dim - 1 for dim in self.order(len(shape) + 1)[1:]]))


class Unflatten(Layer):
    """One dimension made several, as `flatten` merges them: a view. FLOPs: none.

    Positions stay known where merged axes become those that they were: (C, H * W) to (C, H, W).
    """

    type: ClassVar[str] = "unflatten"
    alias: ClassVar[str] = "unflatten"
    torch_class: ClassVar[str] = "Unflatten"
    runs: ClassVar[Runtime] = VIEW

    dim: int = Field(description="The dimension; 1 is the first behind the batch.")
    unflattened_size: Dimensions = Field(
        description="Sizes of the new dimensions; one of them may be -1: what is left."
    )

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The dimension's size as the product of others."""
        (shape,) = inputs
        dim = dim_index(self.type, self.dim, shape)
        sizes = self._sizes(shape[dim])
        found = split(shape, dim, sizes)
        if found is None:
            raise ShapeError(
                f"unflatten: dimension {self.dim} of {shape_text(shape)} holds positions, which {list(sizes)} would "
                "take apart",
                option="unflattened_size",
                hint=f"they are those of a map of {shape_text(map_size(shape) or ())}",
            )
        return found

    def _sizes(self, size: int) -> tuple[int, ...]:
        known = prod([given for given in self.unflattened_size if given != -1])
        open_ones = self.unflattened_size.count(-1)
        fits = known > 0 and open_ones <= 1 and min(self.unflattened_size) >= -1 and size % known == 0
        sizes = tuple([size // known if given == -1 else given for given in self.unflattened_size]) if fits else ()
        if prod(sizes) != size or not sizes:
            raise ShapeError(
                f"unflatten: {list(self.unflattened_size)} does not multiply to the {size} of dimension {self.dim}",
                option="unflattened_size",
            )
        return sizes

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A view."""
        return self.runs._replace(operators=_reshaped)


def _reshaped(_runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
    return (reshape(execution.inputs[0], execution.sizes),)
