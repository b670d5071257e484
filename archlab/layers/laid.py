"""Values whose dimensions do not lie as channels, then axes: what each dimension holds, and how that changes.

A map is channels, then its axes; a flat value is features. Anything else, such as a map with its channels last, tokens
(positions merged into one dimension) or groups of channels, is a `Laid`: each dimension has a *role*, the axes that it
holds. Positions stay known through permutations, merging and splitting, so that receptive fields stay exact.
"""

from __future__ import annotations

from math import prod
from typing import Self

Role = tuple[int, ...]
"""The axes of the map that a dimension holds, the outermost first; empty for channels and features."""
CHANNELS: Role = ()


class Laid(tuple[int, ...]):  # noqa: SLOT001 - a tuple has no room for slots
    """The shape of a value that is no map with its channels first, and no flat one.

    Unequal to a plain shape of the same numbers, since layers answer differently for it.

    Attributes:
        roles: what each dimension holds.
        positions: the size of each axis of the map; 1 for an axis that no dimension holds.
        extra: entries in front of the positions in a dimension of merged axes that stand for none (class tokens).
    """

    roles: tuple[Role, ...]
    positions: tuple[int, ...]
    extra: int
    _hash: int

    def __new__(
        cls, sizes: tuple[int, ...], roles: tuple[Role, ...], positions: tuple[int, ...], extra: int = 0
    ) -> Self:
        """The sizes of the dimensions, with what they hold."""
        made = super().__new__(cls, sizes)
        made.roles, made.positions, made.extra = roles, positions, extra
        made._hash = hash((tuple(sizes), roles, positions, extra))
        return made

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Laid)
            and tuple.__eq__(self, other)
            and (self.roles, self.positions, self.extra) == (other.roles, other.positions, other.extra)
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        return laid, (tuple(self), self.roles, self.positions, self.extra)

    @property
    def channels(self) -> int:
        """How many channels it has, in whatever dimensions."""
        return prod([size for size, role in zip(self, self.roles, strict=True) if not role])


class ChannelsLast(Laid):
    """The shape of a map as (*axes, channels), which is what `channels_last` gives."""

    def __new__(cls, sizes: tuple[int, ...]) -> Self:
        """Axes, then channels."""
        roles = (*[(axis,) for axis in range(len(sizes) - 1)], CHANNELS)
        return super().__new__(cls, sizes, roles, tuple(sizes[:-1]))


def laid(
    sizes: tuple[int, ...], roles: tuple[Role, ...], positions: tuple[int, ...], extra: int = 0
) -> tuple[int, ...]:
    """A shape from its sizes and what they hold: a plain one where it is a map with its channels first, or flat."""
    axes = tuple([(axis,) for axis in range(len(positions))])
    if roles in ((CHANNELS, *axes), (CHANNELS,)):
        return tuple(sizes)
    return ChannelsLast(sizes) if roles == (*axes, CHANNELS) else Laid(sizes, roles, positions, extra)


def roles_of(shape: tuple[int, ...]) -> tuple[Role, ...]:
    """What each dimension holds, of any shape."""
    return shape.roles if isinstance(shape, Laid) else (CHANNELS, *[(axis,) for axis in range(len(shape) - 1)])


def positions_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes of the axes, of any shape; empty for a flat one."""
    return shape.positions if isinstance(shape, Laid) else shape[1:]


def extra_of(shape: tuple[int, ...]) -> int:
    """Entries that stand for no position."""
    return shape.extra if isinstance(shape, Laid) else 0


def permuted(shape: tuple[int, ...], order: tuple[int, ...]) -> tuple[int, ...]:
    """The dimensions in another order."""
    roles = roles_of(shape)
    return laid(
        tuple([shape[dim] for dim in order]),
        tuple([roles[dim] for dim in order]),
        positions_of(shape),
        extra_of(shape),
    )


def merged(shape: tuple[int, ...], first: int, last: int) -> tuple[int, ...]:
    """Dimensions `first` to `last` made one. Axes merged with channels are positions no more: their size is 1 then.

    A single channel in front of axes is none to be merged with, where other dimensions are left: 1x6x5 as 6x5.
    """
    roles, positions = roles_of(shape), positions_of(shape)
    inside = roles[first : last + 1]
    if last - first + 1 < len(shape) and any(inside):
        inside = tuple([role for dim, role in enumerate(inside, first) if role or shape[dim] > 1])
    axes = tuple([axis for role in inside for axis in role])
    in_order = all(role for role in inside) and axes == tuple(range(axes[0], axes[0] + len(axes)))
    if not in_order:
        positions, axes = without_positions(positions, axes), CHANNELS
    sizes = (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :])
    made = (*roles[:first], axes, *roles[last + 1 :])
    return laid(sizes, made, positions, extra_of(shape) if any(made) else 0)


def without_positions(positions: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes of the axes where some have no positions any more."""
    return tuple([1 if axis in axes else size for axis, size in enumerate(positions)])


def lost_axes(before: tuple[int, ...], first: int, last: int) -> tuple[int, ...]:
    """The axes whose positions are merged with channels, or out of order."""
    after = merged(before, first, last)
    held = {axis for role in roles_of(after) for axis in role}
    return tuple([axis for role in roles_of(before) for axis in role if axis not in held])


def split(shape: tuple[int, ...], dim: int, sizes: tuple[int, ...]) -> tuple[int, ...] | None:
    """A dimension made several. None where that takes an axis apart, so that its positions would be lost."""
    roles = roles_of(shape)
    axes = roles[dim]
    made: tuple[Role, ...]
    extra = 0 if axes else extra_of(shape)
    if not axes:
        made = (CHANNELS,) * len(sizes)
    elif tuple([positions_of(shape)[axis] for axis in axes]) == sizes and not extra_of(shape):
        made = tuple([(axis,) for axis in axes])
    elif tuple([positions_of(shape)[axis] for axis in axes]) == without_ones(sizes) and not extra_of(shape):
        held = iter(axes)
        made = tuple([(next(held),) if size > 1 else CHANNELS for size in sizes])
    elif len(without_ones(sizes)) <= 1:
        whole = sizes.index(max(sizes))
        made = tuple([axes if number == whole else CHANNELS for number in range(len(sizes))])
        extra = extra_of(shape)
    else:
        return None
    return laid(
        (*shape[:dim], *sizes, *shape[dim + 1 :]), (*roles[:dim], *made, *roles[dim + 1 :]), positions_of(shape), extra
    )


def without_ones(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes above 1."""
    return tuple([size for size in sizes if size > 1])


def reduced(shape: tuple[int, ...], dims: tuple[int, ...], *, keepdim: bool) -> tuple[int, ...]:
    """Dimensions summed up: gone, or of size 1."""
    roles, gone = roles_of(shape), tuple([axis for dim in dims for axis in roles_of(shape)[dim]])
    positions = without_positions(positions_of(shape), gone)
    kept = [dim for dim in range(len(shape)) if keepdim or dim not in dims]
    sizes = tuple([1 if dim in dims else shape[dim] for dim in kept])
    extra = extra_of(shape) if any(len(roles[dim]) > 1 for dim in kept if dim not in dims) else 0
    return laid(sizes, tuple([roles[dim] for dim in kept]), positions, extra)


def unit_index(shape: tuple[int, ...], unit: tuple[int, ...]) -> tuple[int | slice, ...]:
    """Where one position's values lie in a value of a shape, over all of its channels.

    Args:
        shape: of the value.
        unit: the position along each axis.
    """
    sizes, index = positions_of(shape), list[int | slice]()
    for role in roles_of(shape):
        at = 0
        for axis in role:
            at = at * sizes[axis] + unit[axis]
        index.append(at + (extra_of(shape) if len(role) > 1 else 0) if role else slice(None))
    return tuple(index)


def row_index(shape: tuple[int, ...], axis: int, unit: int) -> tuple[slice | list[int], ...]:
    """Where the values at one place along an axis lie, at all places along the others and over all channels."""
    sizes, index = positions_of(shape), list[slice | list[int]]()
    for role in roles_of(shape):
        if axis not in role:
            index.append(slice(None))
            continue
        inner = prod([sizes[other] for other in role[role.index(axis) + 1 :]])
        extra = extra_of(shape) if len(role) > 1 else 0
        count = prod([sizes[other] for other in role])
        index.append([extra + at for at in range(count) if at // inner % sizes[axis] == unit])
    return tuple(index)
