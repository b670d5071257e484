"""What a rule is, and what several of them ask of a node."""

from __future__ import annotations

from collections.abc import Callable

from archlab.imports.onnx.net import Net
from archlab.imports.onnx.source import Node
from archlab.imports.unsaid import UnsaidError
from archlab.layers.uneven_padding import same_sides

Rule = Callable[[Net, Node], None]
Pair = tuple[int, int]


def axes_count(net: Net, node: Node) -> int:
    """How many axes the map has that enters a node.

    Raises:
        UnsaidError: if it is no map.
    """
    rank = len(net.sizes(node)) - 2
    if rank not in (1, 2, 3):
        raise UnsaidError(f"a tensor of {rank + 2} dimensions is no map")
    return rank


def per_axis(node: Node, name: str, rank: int, default: int = 1) -> tuple[int, ...]:
    """An attribute with a number for each axis.

    Raises:
        UnsaidError: if it has others.
    """
    found = node.integers(name) or (default,) * rank
    if len(found) != rank:
        raise UnsaidError(f"its {name} are not {rank} numbers")
    return found


def sides_of(net: Net, node: Node, kernel: tuple[int, ...]) -> list[Pair]:
    """The padding in front of and behind each axis.

    Raises:
        UnsaidError: if it cannot be read.
    """
    rank, auto = len(kernel), node.text("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        strides, dilations = per_axis(node, "strides", rank), per_axis(node, "dilations", rank)
        found = [same_sides(*one) for one in zip(net.sizes(node)[2:], kernel, strides, dilations, strict=True)]
        return found if auto == "SAME_UPPER" else [(behind, before) for before, behind in found]
    pads = node.integers("pads") if auto == "NOTSET" else None
    pads = pads or (0,) * (2 * rank)
    if len(pads) != 2 * rank or auto not in ("NOTSET", "VALID"):
        raise UnsaidError("its padding cannot be read")
    return list(zip(pads[:rank], pads[rank:], strict=True))


def padded(net: Net, value: int, sides: list[Pair]) -> int:
    """A value with zeros around it, as a layer of its own; the value itself where there are none.

    Raises:
        UnsaidError: if archlab has no such padding.
    """
    if not any(map(any, sides)):
        return value
    return net.build(f"zero_pad{len(sides)}d", {"padding": last_first(sides)}, (value,))


def last_first(sides: list[Pair]) -> tuple[int, ...]:
    """Paddings as PyTorch lists them: those of the last axis first."""
    return tuple([size for pair in reversed(sides) for size in pair])


def is_even(sides: list[Pair]) -> bool:
    """Whether there is as much padding in front as behind."""
    return all(before == behind for before, behind in sides)
