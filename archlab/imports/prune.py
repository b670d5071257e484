"""Items that no result needs are left out, and what that leaves unused is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from archlab.diagnostics.words import counted
from archlab.imports.flat import Flat, Item
from archlab.imports.parts import whole_name


def pruned(flat: Flat, params: Mapping[str, int]) -> Flat:
    """A flat network without what is computed in vain.

    Args:
        flat: it.
        params: elements of the source's parameters, by name.
    """
    first = len(flat.inputs)
    needed = {value for _, value in flat.outputs}
    for number in range(len(flat.items) - 1, -1, -1):
        if number + first in needed:
            needed.update(flat.items[number].inputs)
    kept = [number for number in range(len(flat.items)) if number + first in needed]
    values = {value: value for value in range(first)} | {old + first: new + first for new, old in enumerate(kept)}
    items = [_renumbered(item, values) for item in _with_owners(flat, kept)]
    vain = sum(_takes_weights(flat, items, number) for number in set(range(len(flat.items))).difference(kept))
    outputs = [(label, values[value]) for label, value in flat.outputs]
    told = (
        [f"what is computed in vain is left out: {counted(vain, 'call')} of layers that are called again"]
        if vain
        else []
    )
    remarks = [*flat.remarks, *told, *_unused(items, params)]
    if not items:  # a config has at least one layer
        shapes = list(flat.inputs.values())
        items = [Item(f"identity{n}", "identity", {}, (value,), shapes[value]) for n, (_, value) in enumerate(outputs)]
        outputs = [(label, first + number) for number, (label, _) in enumerate(outputs)]
    return replace(flat, items=items, outputs=outputs, remarks=remarks)


def _takes_weights(flat: Flat, kept: Sequence[Item], number: int) -> bool:
    """Whether a call that is left out has weights of those that are kept."""
    item = flat.items[number]
    owner = item if item.share is None else flat.items[item.share - len(flat.inputs)]
    names = set(owner.tensors.values())
    return any(not names.isdisjoint(one.tensors.values()) for one in kept)


def _with_owners(flat: Flat, kept: list[int]) -> list[Item]:
    """The items that are kept; of a layer whose first call is not the next one has the weights."""
    first, heirs, items, there = len(flat.inputs), dict[int, int](), list[Item](), set(kept)
    for number in kept:
        item = flat.items[number]
        owner = None if item.share is None else heirs.get(item.share, item.share)
        if owner is None or owner - first in there:
            items.append(replace(item, share=owner))
            continue
        whole = flat.items[owner - first]
        heirs[owner] = number + first
        items.append(replace(item, share=None, path=whole.path, options=whole.options, tensors=whole.tensors))
    return items


def _renumbered(item: Item, values: Mapping[int, int]) -> Item:
    share = None if item.share is None else values[item.share]
    return replace(item, inputs=tuple([values[value] for value in item.inputs]), share=share)


def _unused(items: list[Item], params: Mapping[str, int]) -> list[str]:
    used = {whole_name(name) for item in items for name in item.tensors.values()}
    left = {name: size for name, size in params.items() if name not in used}
    if not left:
        return []
    modules = list(dict.fromkeys(name.partition(".")[0] for name in left))
    names = ", ".join(modules[:4]) + (", ..." if len(modules) > 4 else "")
    return [f"{sum(left.values()):,} params in {counted(len(left), 'tensor')} take no part ({names})"]
