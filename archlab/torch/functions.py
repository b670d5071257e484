"""Layers that are functions rather than modules: one entry each, from inputs to an fx node."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import fx
from torch.nn import functional

from archlab.layers.base import Layer
from archlab.layers.join import Concat
from archlab.layers.narrow import Narrow
from archlab.layers.permute import Transpose

MakeCall = Callable[[fx.Graph, Layer, list[fx.Node]], fx.Node]


def _fold(function: Callable[..., object]) -> MakeCall:
    """A function of two values over all inputs, from the first on."""

    def make(traced: fx.Graph, _layer: Layer, inputs: list[fx.Node]) -> fx.Node:
        return reduce(lambda left, right: traced.call_function(function, (left, right)), inputs)

    return make


def _add(traced: fx.Graph, _layer: Layer, inputs: list[fx.Node]) -> fx.Node:
    """The sum of two, and the others added to it in place: it is nobody else's yet."""
    first = traced.call_function(operator.add, (inputs[0], inputs[1]))
    return reduce(lambda left, right: traced.call_function(operator.iadd, (left, right)), inputs[2:], first)


def _concat(traced: fx.Graph, layer: Layer, inputs: list[fx.Node]) -> fx.Node:
    assert isinstance(layer, Concat)
    return traced.call_function(torch.cat, (inputs,), {"dim": layer.dim})


def _narrow(traced: fx.Graph, layer: Layer, inputs: list[fx.Node]) -> fx.Node:
    assert isinstance(layer, Narrow)
    if layer.step > 1:
        taken = slice(layer.start, layer.end, layer.step)
        places: Any = (
            (slice(None),) * layer.dim + (taken,) if layer.dim > 0 else (..., taken, *(slice(None),) * ~layer.dim)
        )
        return traced.call_function(operator.getitem, (inputs[0], places))
    return traced.call_function(torch.narrow, (inputs[0], layer.dim, layer.start, layer.length))


def _transpose(traced: fx.Graph, layer: Layer, inputs: list[fx.Node]) -> fx.Node:
    assert isinstance(layer, Transpose)
    return traced.call_function(torch.transpose, (inputs[0], layer.dim0, layer.dim1))


def _attention(traced: fx.Graph, layer: Layer, inputs: list[fx.Node]) -> fx.Node:
    return traced.call_function(functional.scaled_dot_product_attention, tuple(inputs), layer.torch_arguments())


def _reduce(function: Callable[..., object]) -> MakeCall:
    """A function along dimensions, with the layer's options."""

    def make(traced: fx.Graph, layer: Layer, inputs: list[fx.Node]) -> fx.Node:
        return traced.call_function(function, (inputs[0],), layer.torch_arguments())

    return make


def _with_constant(function: Callable[..., object], option: str) -> MakeCall:
    """A function of a value and of one of the layer's options."""
    return lambda traced, layer, inputs: traced.call_function(function, (inputs[0], getattr(layer, option)))


def _of_one(function: Callable[..., object]) -> MakeCall:
    return lambda traced, _layer, inputs: traced.call_function(function, (inputs[0],))


FUNCTIONS: dict[str, MakeCall] = {
    "add": _add,
    "multiply": _fold(operator.mul),
    "subtract": _fold(operator.sub),
    "divide": _fold(operator.truediv),
    "maximum": _fold(torch.maximum),
    "minimum": _fold(torch.minimum),
    "scale": _with_constant(operator.mul, "factor"),
    "shift": _with_constant(operator.add, "value"),
    "pow": _with_constant(torch.pow, "exponent"),
    "square": _of_one(torch.square),
    "abs": _of_one(torch.abs),
    "exp": _of_one(torch.exp),
    "log": _of_one(torch.log),
    "normalize": lambda traced, layer, inputs: traced.call_function(
        functional.normalize,
        (inputs[0],),
        layer.torch_arguments(),
    ),
    "matmul": lambda traced, _layer, inputs: traced.call_function(torch.matmul, tuple(inputs)),
    "scaled_dot_product_attention": _attention,
    "concat": _concat,
    "narrow": _narrow,
    "transpose": _transpose,
    "mean": _reduce(torch.mean),
    "sum": _reduce(torch.sum),
    "amax": _reduce(torch.amax),
    "vector_norm": _reduce(torch.linalg.vector_norm),
}
