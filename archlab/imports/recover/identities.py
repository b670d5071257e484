"""Layers that hand on what enters them are left out."""

from __future__ import annotations

from dataclasses import replace

from archlab.graph.fingerprint import TRANSPARENT
from archlab.imports.flat import Flat, Item


def without_identities(flat: Flat) -> Flat:
    """A flat network whose items read what an `identity` in front of them hands on."""
    first = len(flat.inputs)
    numbers = list(range(first))
    items: list[Item] = []
    for item in flat.items:
        inputs = tuple([numbers[value] for value in item.inputs])
        if item.type == TRANSPARENT:
            numbers.append(inputs[0])
            continue
        share = None if item.share is None else numbers[item.share]
        numbers.append(first + len(items))
        items.append(replace(item, inputs=inputs, share=share))
    outputs = [(label, numbers[value]) for label, value in flat.outputs]
    return replace(flat, items=items, outputs=outputs)
