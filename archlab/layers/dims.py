"""Dimensions as PyTorch counts them: the batch is 0, the channels of a map 1, and negative ones from behind."""

from __future__ import annotations

from archlab.layers.geometry import IDENTITY, WHOLE, AxisReads, pointwise
from archlab.layers.laid import roles_of
from archlab.layers.shape import Shape, ShapeError, axis_count, shape_text


def dim_index(layer: str, dim: int, shape: Shape, option: str = "dim") -> int:
    """A dimension as an index into a shape without batch.

    Raises:
        ShapeError: if there is no such dimension, or it is the batch.
    """
    rank = len(shape) + 1
    found = dim + rank if dim < 0 else dim
    if not 1 <= found < rank:
        raise ShapeError(
            f"{layer}: {option}={dim} is not a dimension of {shape_text(shape)} behind the batch",
            option=option,
            hint=f"1 to {rank - 1}" if rank > 2 else "1",
        )
    return found - 1


def mixing(shape: Shape, dims: tuple[int, ...]) -> AxisReads:
    """The reads of a layer that mixes all values along dimensions (indices into the shape): the whole of their axes."""
    roles, rank = roles_of(shape), axis_count(shape)
    mixed = {axis for dim in dims for axis in roles[dim]}
    return tuple([WHOLE if axis in mixed else IDENTITY for axis in range(rank)]) if mixed else pointwise(rank)
