"""Blocks that use themselves: a recursion ends where the `when` (or the `repeat`) of such a use says so.

A block sees its params and what enters it, nothing else. A use of a block inside a use of the same block with equal
params and inputs of equal shapes therefore comes back to itself for ever, which is told at once. Where params or shapes
change at each turn, the bound on nesting decides.
"""

from __future__ import annotations

from typing import NamedTuple

from archlab.config.expand.file import File
from archlab.config.expand.names import Values
from archlab.config.syntax.expressions import UnknownValueError
from archlab.config.syntax.limits import MAX_BLOCK_DEPTH
from archlab.config.tree.items import UseItem
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError
from archlab.layers.shape import Shape

MOST_NAMED = 6
"""Blocks of a circle that are named in a message."""


class OpenBlock(NamedTuple):
    """A block that the walk stands in.

    Attributes:
        name: of the block.
        given: its arguments, as text.
        file: the config that its use stands in.
        shapes: of what enters; None for what a problem leaves unknown.
    """

    name: str
    given: str
    file: File
    shapes: tuple[Shape | None, ...]


def shapes_of(inputs: Values) -> tuple[Shape | None, ...]:
    """What decides, of the inputs, what a block does with them."""
    return tuple([None if value is None else value.shape for value in inputs])


def check_depth(item: UseItem, name: str, around: tuple[OpenBlock, ...], depth: int, endless: set[str]) -> None:
    """Refuse a use that is nested too deeply.

    Args:
        item: the use.
        name: of its block.
        around: the blocks that it stands in, the outermost first.
        depth: how many blocks and combinators are around.
        endless: blocks that are known to use themselves without end, which one problem tells; gets those found here.

    Raises:
        BadItemError: if it is, and no problem says so yet.
        UnknownValueError: if one does.
    """
    if name in endless:
        raise UnknownValueError
    if depth < MAX_BLOCK_DEPTH:
        return
    place = item.places.value("use")
    circle = _circle(name, around)
    if not circle:
        raise BadItemError(f"blocks are nested deeper than {MAX_BLOCK_DEPTH} levels", Code.TOO_DEEP, place)
    endless.update(circle)
    message = f"the block '{name}' uses itself deeper than {MAX_BLOCK_DEPTH} levels ({_arrows(circle)})"
    hint = "; its use needs a 'when' that becomes false, such as when: $(n > 1) with n: $(n - 1)"
    raise BadItemError(message + hint, Code.RECURSIVE_BLOCK, place)


def check_change(item: UseItem, block: OpenBlock, around: tuple[OpenBlock, ...], endless: set[str]) -> None:
    """Refuse a use of a block in itself in which nothing has changed.

    Args:
        item: the use.
        block: what it opens.
        around: the blocks that it stands in, the outermost first.
        endless: gets the blocks of the circle.

    Raises:
        BadItemError: if it is one.
        UnknownValueError: if it may only seem so, since an earlier problem leaves what enters unknown.
    """
    if block not in around:
        return
    circle = _circle(block.name, around[around.index(block) :])
    endless.update(circle)
    if None in block.shapes:
        raise UnknownValueError
    message = f"the block '{block.name}' uses itself without end ({_arrows(circle)}), with the same params and input"
    hint = "; give that use another param and a 'when' that becomes false, such as n: $(n - 1), when: $(n > 1)"
    raise BadItemError(message + hint, Code.RECURSIVE_BLOCK, item.places.value("use"))


def _circle(name: str, around: tuple[OpenBlock, ...]) -> list[str]:
    """The blocks from the last use of a block to the next; empty where it is not around."""
    names = [block.name for block in around]
    if name not in names:
        return []
    last = len(names) - 1 - names[::-1].index(name)
    return names[last:]


def _arrows(circle: list[str]) -> str:
    shown = circle if len(circle) <= MOST_NAMED else [*circle[: MOST_NAMED - 1], "..."]
    return " -> ".join([*shown, circle[0]])
