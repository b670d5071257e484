"""Functions of one value, element by element or along a dimension."""

from __future__ import annotations

from math import inf

from archlab.imports.onnx.net import Net, owned
from archlab.imports.onnx.patterns.products import is_torch_hard_sigmoid
from archlab.imports.onnx.propagate import FLOATS
from archlab.imports.onnx.rules.rule import Rule
from archlab.imports.onnx.source import Node, tidy
from archlab.imports.unsaid import UnsaidError


def _plain(layer: str, **options: tuple[str, float]) -> Rule:
    """A layer with options by the operator's names of them, and their defaults."""

    def rule(net: Net, node: Node) -> None:
        found = {name: node.number(attribute, default) for name, (attribute, default) in options.items()}
        net.put(node, layer, found, (net.data(node),))

    return rule


def _same(net: Net, node: Node) -> None:
    """What changes nothing."""
    net.result(node)
    net.bind(node.outputs[0], net.data(node))


def _dropout(net: Net, node: Node) -> None:
    """Changes nothing where nothing is trained."""
    if len(node.outputs) > 1 and node.outputs[1]:
        raise UnsaidError("it gives a mask")
    _same(net, node)


def _cast(net: Net, node: Node) -> None:
    """From fractions to fractions: a matter of precision."""
    value = net.value(node, 0)
    if value is None or value.kind.type not in FLOATS or node.integer("to", 1) not in FLOATS:
        raise UnsaidError("it makes whole numbers")
    _same(net, node)


def _hard_sigmoid(net: Net, node: Node) -> None:
    """PyTorch's, or clip(alpha * x + beta, 0, 1) in its steps: Keras' and Paddle's have another alpha."""
    if is_torch_hard_sigmoid(node):
        net.put(node, "hardsigmoid", {}, (net.data(node),))
        return
    scaled = net.build("scale", {"factor": node.number("alpha", 0.2)}, (net.data(node),))
    shifted = net.build("shift", {"value": node.number("beta", 0.5)}, (scaled,))
    net.put(node, "hardtanh", {"min_val": 0.0, "max_val": 1.0}, (shifted,))


def _clip(net: Net, node: Node) -> None:
    """Clip: relu, relu6, hardtanh, by its bounds."""
    lower, upper = _bound(net, node, 1, -inf), _bound(net, node, 2, inf)
    if upper == inf:
        layer, options = ("relu", {}) if lower == 0 else ("threshold", {"threshold": lower, "value": lower})
        if lower == -inf:
            _same(net, node)
            return
    elif (lower, upper) == (0, 6):
        layer, options = "relu6", {}
    elif lower > -inf:
        layer, options = "hardtanh", {"min_val": lower, "max_val": upper}
    else:
        raise UnsaidError("it has an upper bound only")
    net.put(node, layer, options, (net.data(node),))


def _bound(net: Net, node: Node, number: int, default: float) -> float:
    value = net.value(node, number)
    if value is None:
        return default
    if value.number is None:
        raise UnsaidError("its bounds are not known")
    return tidy(value.number)


def _prelu(net: Net, node: Node) -> None:
    """PRelu with one slope, or one for each channel."""
    slope, sizes = net.value(node, 1), net.sizes(node)
    if slope is None or slope.sizes is None:
        raise UnsaidError("its slopes are not known")
    count = 1
    for size in slope.sizes:
        count *= size
    places = (sizes[1], *(1,) * (len(sizes) - 2))
    if count != 1 and slope.sizes[-len(places) :] != places:
        raise UnsaidError("its slopes are not one for each channel")
    net.at(node, slope)
    net.put(node, "prelu", {"num_parameters": count}, (net.data(node),), {"weight": owned(slope, (count,))})


def _gelu(net: Net, node: Node) -> None:
    net.put(node, "gelu", {"approximate": node.text("approximate", "none")}, (net.data(node),))


def _swish(net: Net, node: Node) -> None:
    if node.number("alpha", 1) != 1:
        raise UnsaidError("its alpha is not 1")
    net.put(node, "silu", {}, (net.data(node),))


def _softmax(layer: str) -> Rule:
    """Along a dimension; before version 13 along all from one on."""

    def rule(net: Net, node: Node) -> None:
        sizes = net.sizes(node)
        axis = node.integer("axis", net.softmax_axis) % len(sizes)
        if net.softmax_axis == 1 and any(size != 1 for size in sizes[axis + 1 :]):
            raise UnsaidError("it is over several dimensions")
        net.put(node, layer, {"dim": axis}, (net.data(node),))

    return rule


def _threshold(net: Net, node: Node) -> None:
    net.put(node, "threshold", {"threshold": node.number("alpha", 1), "value": 0.0}, (net.data(node),))


def _power(exponent: float) -> Rule:
    def rule(net: Net, node: Node) -> None:
        net.put(node, "pow", {"exponent": exponent}, (net.data(node),))

    return rule


def _pow(net: Net, node: Node) -> None:
    exponent = net.value(node, 1)
    if exponent is None or exponent.number is None:
        raise UnsaidError("its exponent is not known")
    if exponent.number == 2:
        net.put(node, "square", {}, (net.data(node),))
    else:
        net.put(node, "pow", {"exponent": tidy(exponent.number)}, (net.data(node),))


def _negative(net: Net, node: Node) -> None:
    net.put(node, "scale", {"factor": -1.0}, (net.data(node),))


RULES: dict[str, Rule] = {
    "Abs": _plain("abs"),
    "Cast": _cast,
    "Celu": _plain("celu", alpha=("alpha", 1.0)),
    "Clip": _clip,
    "Dropout": _dropout,
    "Elu": _plain("elu", alpha=("alpha", 1.0)),
    "Exp": _plain("exp"),
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _plain("hardswish"),
    "Identity": _same,
    "LeakyRelu": _plain("leaky_relu", negative_slope=("alpha", 0.01)),
    "Log": _plain("log"),
    "LogSoftmax": _softmax("log_softmax"),
    "Mish": _plain("mish"),
    "Neg": _negative,
    "PRelu": _prelu,
    "Pow": _pow,
    "Reciprocal": _power(-1.0),
    "Relu": _plain("relu"),
    "Selu": _plain("selu"),
    "Sigmoid": _plain("sigmoid"),
    "Softmax": _softmax("softmax"),
    "Softplus": _plain("softplus"),
    "Softsign": _plain("softsign"),
    "Sqrt": _power(0.5),
    "Swish": _swish,
    "Tanh": _plain("tanh"),
    "ThresholdedRelu": _threshold,
}
