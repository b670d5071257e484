"""The weight that a layer multiplies positions with."""

from __future__ import annotations

from math import prod

from archlab.layers.base import Layer
from archlab.layers.shape import Shape

_NAMES = ("weight", "parametrizations.weight.original", "parametrizations.weight.original1")
"""Of a weight as it is, and of what one of the same shape is made of."""


def weight_of(layer: Layer, inputs: tuple[Shape, ...]) -> Shape:
    """Its shape; empty where a layer has none, or does not multiply each position with all of it."""
    if layer.role != "weighted":
        return ()
    found = next((t.shape for t in layer.tensors(inputs) if t.name in _NAMES), ())
    if len(found) < 3:
        return found
    output = layer.out_shape(inputs)
    macs = layer.cost(inputs, output).macs
    return found if macs in {prod(found) * prod(shape[1:]) for shape in (inputs[0], output)} else ()
