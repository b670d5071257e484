"""Two values and more, or a value and a constant."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, prod

from archlab.imports.builder import Owned
from archlab.imports.onnx.net import Net, owned
from archlab.imports.onnx.propagate import Value
from archlab.imports.onnx.rules.rule import Rule
from archlab.imports.onnx.source import Node, tidy
from archlab.imports.unsaid import UnsaidError


def _join(layer: str) -> Rule:
    """Of two values; of a value and a constant, as `_with_constant` says."""

    def rule(net: Net, node: Node) -> None:
        left, right = net.value(node, 0), net.value(node, 1)
        if left is None or right is None:
            raise UnsaidError("an input is left out")
        if not left.constant and not right.constant:
            net.put(node, layer, {}, (net.data(node, 0), net.data(node, 1)))
        else:
            _with_constant(net, node, right if right.constant else left, is_first=left.constant)

    return rule


def _with_constant(net: Net, node: Node, constant: Value, *, is_first: bool) -> None:
    value = net.data(node, 1 if is_first else 0)
    sizes = net.sizes(node, 1 if is_first else 0)
    if prod(net.result(node)) != prod(sizes):
        raise UnsaidError("a constant stretches it")
    number = constant.number
    if number is None or (constant.weight is not None and prod(constant.sizes or ()) > 1):
        _with_channels(net, node, constant, value, sizes)
        return
    if not isfinite(number):
        raise UnsaidError("its constant is not finite")
    number = tidy(number)
    steps = _STEPS_BEHIND[node.op](number) if is_first else _STEPS[node.op](number)
    for layer, option, given in steps[:-1]:
        value = net.build(layer, {option: given}, (value,))
    layer, option, given = steps[-1]
    net.put(node, layer, {option: given}, (value,))


Steps = list[tuple[str, str, float]]


def _divided(number: float) -> Steps:
    if not number:
        raise UnsaidError("it divides by zero")
    return [("scale", "factor", 1 / number)]


_STEPS: dict[str, Callable[[float], Steps]] = {
    "Add": lambda number: [("shift", "value", number)],
    "Sub": lambda number: [("shift", "value", -number)],
    "Mul": lambda number: [("scale", "factor", number)],
    "Div": _divided,
}
"""A value and a number behind it."""
_STEPS_BEHIND: dict[str, Callable[[float], Steps]] = {
    "Add": _STEPS["Add"],
    "Mul": _STEPS["Mul"],
    "Sub": lambda number: [("scale", "factor", -1.0), ("shift", "value", number)],
    "Div": lambda number: [("pow", "exponent", -1.0), ("scale", "factor", number)],
}
"""A number and a value behind it."""


def _with_channels(net: Net, node: Node, constant: Value, value: int, sizes: tuple[int, ...]) -> None:
    """A factor for each channel, or a learned map that is added to tokens."""
    shape = constant.sizes or ()
    if node.op == "Mul":
        for places in ((sizes[1], *(1,) * (len(sizes) - 2)), (sizes[-1],)):
            if prod(shape) == prod(places) and shape[-len(places) :] == places:
                net.at(node, constant)
                net.put(node, "layer_scale", {}, (value,), {"layer_scale": owned(constant, places)})
                return
    if node.op == "Add" and len(sizes) == 3 and shape in (sizes[1:], (1, *sizes[1:])):
        net.at(node, constant)
        table = owned(constant, (1, *sizes[1:]))
        net.put(node, "position_embedding", {}, (value,), {"pos_embed": table})
        return
    raise UnsaidError(f"{node.op} with a constant of {list(shape)}")


def _several(layer: str) -> Rule:
    """Of any number of values."""

    def rule(net: Net, node: Node) -> None:
        values = [net.data(node, number) for number in range(len(node.inputs))]
        if len(values) == 1:
            net.bind(node.outputs[0], values[0])
        else:
            net.put(node, layer, {}, values)

    return rule


def _bounded(layer: str) -> Rule:
    """Max and Min: of values; with a number, the functions that have one bound."""

    def rule(net: Net, node: Node) -> None:
        numbers = [value.number for value in map(net.facts.value, node.inputs) if value is not None and value.constant]
        if layer == "maximum" and len(node.inputs) == 2 and numbers == [0.0]:
            net.put(node, "relu", {}, (net.data(node, 0 if net.number(node.inputs[0]) is not None else 1),))
            return
        _several(layer)(net, node)

    return rule


def _concat(net: Net, node: Node) -> None:
    sizes = net.result(node)
    axis = node.integer("axis", 1) % len(sizes)
    if axis == 0:
        raise UnsaidError("it puts samples behind one another")
    first = net.value(node, 0)
    if len(node.inputs) == 2 and axis == 1 and first is not None and first.constant:
        _class_token(net, node, first)
        return
    values = [net.data(node, number) for number in range(len(node.inputs))]
    if len(values) == 1:
        net.bind(node.outputs[0], values[0])
    else:
        net.put(node, "concat", {"dim": axis}, values)


def _class_token(net: Net, node: Node, token: Value) -> None:
    """Tokens of the file's in front of others, the same for every sample."""
    sizes = None if token.weight is None else token.weight.sizes
    if token.weight is None or sizes is None or len(sizes) != 3 or sizes[0] != 1:
        raise UnsaidError("it joins a constant")
    tensors = {"class_token": Owned(token.weight.name, sizes)}
    net.at(node, token)
    net.put(node, "class_token", {"num_tokens": sizes[1]}, (net.data(node, 1),), tensors)


RULES: dict[str, Rule] = {
    "Add": _join("add"),
    "Sub": _join("subtract"),
    "Mul": _join("multiply"),
    "Div": _join("divide"),
    "Sum": _several("add"),
    "Max": _bounded("maximum"),
    "Min": _bounded("minimum"),
    "Concat": _concat,
}
