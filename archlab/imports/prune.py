"""Items that no result needs are left out, and what that leaves unused is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archlab.diagnostics.words import counted
from archlab.imports.flat import Flat, Item


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
            item = flat.items[number]
            needed.update(item.inputs)
            if item.share is not None:
                needed.add(item.share)
    kept = [number for number in range(len(flat.items)) if number + first in needed]
    values = {value: value for value in range(first)} | {old + first: new + first for new, old in enumerate(kept)}
    items = [_renumbered(flat.items[number], values) for number in kept]
    outputs = [(label, values[value]) for label, value in flat.outputs]
    remarks = [*flat.remarks, *_unused(items, params)]
    if not items:  # a config has at least one layer
        shapes = list(flat.inputs.values())
        items = [Item(f"identity{n}", "identity", {}, (value,), shapes[value]) for n, (_, value) in enumerate(outputs)]
        outputs = [(label, first + number) for number, (label, _) in enumerate(outputs)]
    return replace(flat, items=items, outputs=outputs, remarks=remarks)


def _renumbered(item: Item, values: Mapping[int, int]) -> Item:
    share = None if item.share is None else values[item.share]
    return replace(item, inputs=tuple([values[value] for value in item.inputs]), share=share)


def _unused(items: list[Item], params: Mapping[str, int]) -> list[str]:
    used = {name for item in items for name in item.tensors.values()}
    left = {name: size for name, size in params.items() if name not in used}
    if not left:
        return []
    modules = list(dict.fromkeys(name.partition(".")[0] for name in left))
    names = ", ".join(modules[:4]) + (", ..." if len(modules) > 4 else "")
    return [f"{sum(left.values()):,} params in {counted(len(left), 'tensor')} take no part ({names})"]
