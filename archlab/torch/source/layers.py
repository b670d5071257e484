"""How one layer is written in PyTorch: a module, or an expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, NamedTuple

from archlab.layers.base import Layer
from archlab.layers.shape import Shape
from archlab.torch.source.text import Atom, Bracket, Expression, Infix, call

REQUIRED = object()
"""Stands for the default of an argument without one."""

POSITIONAL = frozenset(
    {"in_channels", "out_channels", "in_features", "out_features", "num_features", "normalized_shape"}
    | {"output_size", "padding", "size", "dims"}
)
"""Arguments that are written without their name, where they come first in the call."""

DEFAULT_DIFFERS = frozenset({("Softmax", "dim"), ("Softmin", "dim"), ("LogSoftmax", "dim")})
"""Class and argument where the config's default is not PyTorch's, so that it is always written."""


class Argument(NamedTuple):
    """An argument of a PyTorch class."""

    name: str
    value: Any
    default: Any
    """PyTorch's own, or `REQUIRED`."""
    positional: bool


def layer_arguments(layer: Layer, inputs: tuple[Shape, ...]) -> list[Argument]:
    """The arguments of a layer's class, the inferred ones first."""
    if layer.role == "opaque":
        return [Argument(name, value, REQUIRED, positional=False) for name, value in layer.torch_arguments().items()]
    fields = type(layer).model_fields
    short = _short if layer.rank else _as_it_is
    found: list[Argument] = []
    for name, value in (layer.inferred(inputs) | layer.torch_arguments()).items():
        field = fields.get(name)
        known = field is not None and not field.is_required() and (layer.torch_class, name) not in DEFAULT_DIFFERS
        default = short(field.default) if known and field is not None else REQUIRED
        leading = all(argument.positional for argument in found)
        found.append(Argument(name, short(value), default, leading and name in POSITIONAL))
    return found


def _short(value: Any) -> Any:
    """Equal numbers as one: `(3, 3)` as `3`. `(None, None)` stays, since no class takes a lone None for it."""
    if isinstance(value, tuple) and len(set(value)) == 1 and value[0] is not None:
        return value[0]
    return value


def _as_it_is(value: Any) -> Any:
    """Of a layer for any number of axes, whose tuples need not be values of each axis."""
    return value


FURTHER_INPUTS = {"deform_conv2d_op": ("offsets", "masks"), "attention_op": ("keys",)}
"""What a module's inputs after the first are called, by layer type."""

Operands = tuple[Expression, ...]
Function = Callable[[Operands, Mapping[str, str]], Expression]
"""From the inputs, and the layer's arguments as text, to the expression."""


def _infix(operator: str) -> Function:
    return lambda operands, _: Infix(operator, operands)


def _nested(function: str) -> Function:
    """A function of two values over all inputs, from the first on."""
    return lambda operands, _: reduce(lambda left, right: call(function, (left, right)), operands)


def _concat(operands: Operands, arguments: Mapping[str, str]) -> Expression:
    joined = Bracket("[", tuple([("", operand) for operand in operands]), "]")
    return call("torch.cat", (joined,), {"dim": Atom(arguments["dim"])})


def _narrow(operands: Operands, arguments: Mapping[str, str]) -> Expression:
    if "step" in arguments:
        start, length, step = (arguments[name] for name in ("start", "length", "step"))
        places = [Atom(arguments["dim"]), Atom(start), Atom(f"{start} + {length} * {step}"), Atom(step)]
        return call("torch.ops.aten.slice", (*operands, *places))
    return call("torch.narrow", (*operands, *[Atom(arguments[name]) for name in ("dim", "start", "length")]))


def _transpose(operands: Operands, arguments: Mapping[str, str]) -> Expression:
    return call("torch.transpose", (*operands, Atom(arguments["dim0"]), Atom(arguments["dim1"])))


def _reduction(function: str) -> Function:
    """A function along dimensions."""

    def make(operands: Operands, arguments: Mapping[str, str]) -> Expression:
        plain = {"keepdim": "False", "ord": "2"}  # PyTorch's own defaults
        written = {name: Atom(value) for name, value in arguments.items() if plain.get(name) != value}
        return call(function, operands, written)

    return make


FUNCTIONS: dict[str, Function] = {
    "add": _infix("+"),
    "multiply": _infix("*"),
    "subtract": _infix("-"),
    "divide": _infix("/"),
    "maximum": _nested("torch.maximum"),
    "minimum": _nested("torch.minimum"),
    "scale": lambda operands, arguments: Infix("*", (*operands, Atom(arguments["factor"]))),
    "shift": lambda operands, arguments: Infix("+", (*operands, Atom(arguments["value"]))),
    "pow": lambda operands, arguments: call("torch.pow", (*operands, Atom(arguments["exponent"]))),
    "square": lambda operands, _: call("torch.square", operands),
    "normalize": lambda operands, arguments: call(
        "nn.functional.normalize", operands, {name: Atom(value) for name, value in arguments.items()}
    ),
    "abs": lambda operands, _: call("torch.abs", operands),
    "exp": lambda operands, _: call("torch.exp", operands),
    "log": lambda operands, _: call("torch.log", operands),
    "matmul": lambda operands, _: call("torch.matmul", operands),
    "scaled_dot_product_attention": lambda operands, arguments: call(
        "nn.functional.scaled_dot_product_attention", operands, {name: Atom(value) for name, value in arguments.items()}
    ),
    "concat": _concat,
    "narrow": _narrow,
    "transpose": _transpose,
    "mean": _reduction("torch.mean"),
    "sum": _reduction("torch.sum"),
    "amax": _reduction("torch.amax"),
    "vector_norm": _reduction("torch.linalg.vector_norm"),
}
"""Layer types that are not modules: how each is written."""
