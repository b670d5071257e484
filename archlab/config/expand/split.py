"""`split` of branches: each path takes channels of its own.

split: true             # as many for each, as `torch.chunk`
split: [16, 8, 8]       # so many for each, as `torch.split`
split: [-1, 8, 8]       # -1 takes the rest
"""

from __future__ import annotations

from typing import Any

from archlab.config.expand.environment import Environment
from archlab.config.expand.names import Value
from archlab.config.expand.walk import Walk
from archlab.config.syntax.yaml_nodes import value_kind
from archlab.config.tree.items import BranchesItem
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError
from archlab.layers.laid import roles_of
from archlab.layers.narrow import Narrow
from archlab.layers.shape import channels_of, shape_text

REST = -1


def split(walk: Walk, item: BranchesItem, value: Value, parts: int, env: Environment) -> list[Value]:
    """What enters each path.

    Args:
        walk: the expansion.
        item: the branches.
        value: what enters them.
        parts: how many paths there are.
        env: what is visible there.

    Raises:
        BadItemError: if the channels cannot be shared so.
    """
    written = None if item.split is None else walk.evaluate(item.split.bounded(), env)
    if written is None or written is False:
        return [value] * parts
    if written is not True:
        _check_form(item, written, parts)
    if value is None:
        return [None] * parts
    if roles_of(value.shape)[0]:
        message = f"'split' shares out the channels, but the input {shape_text(value.shape)} has them behind"
        raise BadItemError(f"{message}; put {{type: channels_first}} in front of it", Code.SHAPE, item.place)
    channels = channels_of(value.shape)
    sizes = _even(item, channels, parts) if written is True else _listed(item, channels, list(written))
    starts: list[Value] = []
    position = 0
    for size in sizes:
        node = walk.add(Narrow(start=position, length=size), (value,), item, env)
        if node is None:
            return [None] * parts
        position += size
        starts.append(node)
    return starts


def _check_form(item: BranchesItem, written: Any, parts: int) -> None:
    """Refuse what is no list of channels, one for each path.

    Raises:
        BadItemError: if it is not.
    """
    place = item.places.value("split")
    if not isinstance(written, tuple | list):
        message = f"'split' is true, false or the channels of each path such as [16, 8, -1], not {value_kind(written)}"
        raise BadItemError(message, Code.WRONG_VALUE, place)
    for size in written:
        if isinstance(size, bool) or not isinstance(size, int) or (size < 1 and size != REST):
            message = f"'split' lists channels, at least 1 each (or -1 for the rest), not {value_kind(size)}"
            raise BadItemError(message, Code.WRONG_VALUE, place)
    if len(written) != parts:
        message = f"'split' lists the channels of {len(written)} paths, but there are {parts}"
        raise BadItemError(message, Code.WRONG_VALUE, place)
    if list(written).count(REST) > 1:
        raise BadItemError("'split' can give the rest (-1) to one path only", Code.WRONG_VALUE, place)


def _even(item: BranchesItem, channels: int, parts: int) -> list[int]:
    share, rest = divmod(channels, parts)
    if rest or not share:
        message = f"split shares {channels} channels among {parts} paths, which does not divide"
        hint = "; list the channels of each: split: [..., -1]"
        raise BadItemError(message + hint, Code.SHAPE, item.places.value("split"))
    return [share] * parts


def _listed(item: BranchesItem, channels: int, sizes: list[int]) -> list[int]:
    taken = sum(size for size in sizes if size != REST)
    if REST in sizes:
        if taken >= channels:
            message = f"split takes {taken} of {channels} channels, which leaves none for the rest (-1)"
            raise BadItemError(message, Code.SHAPE, item.places.value("split"))
        return [channels - taken if size == REST else size for size in sizes]
    if taken != channels:
        message = f"split takes {taken} channels, but {channels} enter; one path can take the rest: -1"
        if channels % taken == 0:
            message += f". Shares in this ratio are {[size * (channels // taken) for size in sizes]}"
        raise BadItemError(message, Code.SHAPE, item.places.value("split"))
    return sizes
