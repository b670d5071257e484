"""What of an imported network belongs to the size that it was watched at: found by watching it at another.

A size that is a whole multiple of what enters, both times, becomes a factor. Everything else that differs is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from archlab.diagnostics.words import counted
from archlab.imports.flat import Flat, Item
from archlab.layers.shape import Shape, map_size, shape_text

STEPS = (32, 64, 96)
"""By how much the axes are larger the second time: multiples of what most networks divide their input by."""
_NUMBERS = frozenset({"output", "params", "buffers", "macs", "flops", "activations"})
"""Of an opaque layer: what is told of it, with its size."""
_MOST_NAMED = 4


def other_inputs(inputs: Mapping[str, Shape]) -> list[dict[str, Shape]]:
    """Larger inputs to watch a network at; of several all of them, or the first alone. None without axes is larger."""
    larger = {name: (shape[0], *_larger(shape[1:])) for name, shape in inputs.items()}
    first = next(iter(inputs))
    tried = [larger, {**inputs, first: larger[first]}]
    return [one for number, one in enumerate(tried) if one != inputs and one not in tried[:number]]


def _larger(sizes: Shape) -> Shape:
    return tuple([size + step for size, step in zip(sizes, STEPS, strict=False)])


def with_sizes(flat: Flat, other: Flat) -> Flat:
    """A network whose layers follow its input's size where they can, and what does not, told.

    Args:
        flat: the network.
        other: the same at another size.
    """
    here, there = (" and ".join([shape_text(shape) for shape in one.inputs.values()]) for one in (flat, other))
    if not _are_alike(flat.items, other.items):
        remark = f"at {there} the model has other layers than at {here}: these are those of {here}"
        return replace(flat, remarks=[*flat.remarks, remark])
    pairs = list(zip(flat.items, other.items, strict=True))
    items = [_following(one, _entering(flat, one), two, _entering(other, two)) for one, two in pairs]
    bound = [item.path for item, (_, two) in zip(items, pairs, strict=True) if _differs(item, two)]
    if not bound:
        return replace(flat, items=items)
    names = ", ".join(bound[:_MOST_NAMED]) + (", ..." if len(bound) > _MOST_NAMED else "")
    remark = f"{counted(len(bound), 'layer')} ({names}) {'have' if len(bound) > 1 else 'has'} sizes of {here} alone"
    return replace(flat, items=items, remarks=[*flat.remarks, remark])


def told_alone(flat: Flat, inputs: Mapping[str, Shape], reason: str) -> Flat:
    """A network of which only one size is known, with why."""
    there = " and ".join([shape_text(shape) for shape in inputs.values()])
    return replace(flat, remarks=[*flat.remarks, f"whether it takes other sizes is not known; at {there}: {reason}"])


def _are_alike(items: Sequence[Item], others: Sequence[Item]) -> bool:
    def kinds(one: Sequence[Item]) -> list[Any]:
        return [(item.type, tuple(item.inputs), item.share, sorted(item.options)) for item in one]

    return kinds(items) == kinds(others)


def _entering(flat: Flat, item: Item) -> Shape:
    value = item.inputs[0]
    found = flat.item(value)
    return found.shape if found is not None else list(flat.inputs.values())[value]


def _following(item: Item, entering: Shape, other: Item, entering_other: Shape) -> Item:
    """An item with a factor for a size, where both times it is that."""
    if item.type not in ("upsample", "interpolate") or "size" not in item.options or not _differs(item, other):
        return item
    factors = {_factor(one, shape) for one, shape in ((item, entering), (other, entering_other))}
    factor = factors.pop()
    if factors or factor is None:
        return item
    options: dict[str, Any] = {}
    for name, value in item.options.items():
        options |= {"scale_factor": factor} if name == "size" else {name: value}
    return replace(item, options=options)


def _factor(item: Item, entering: Shape) -> tuple[int, ...] | None:
    """How often the axes that enter go into those that come out; None where they do not."""
    before, behind = map_size(entering) or (), map_size(item.shape) or ()
    if not before or any(size % base for size, base in zip(behind, before, strict=True)):
        return None
    return tuple([size // base for size, base in zip(behind, before, strict=True)])


def _differs(item: Item, other: Item) -> bool:
    """Whether options other than the numbers of an opaque layer belong to a size."""
    own = _NUMBERS if "." in item.type else frozenset[str]()
    if "scale_factor" in item.options and "size" in other.options:
        return False
    return any(value != other.options.get(name) for name, value in item.options.items() if name not in own)
