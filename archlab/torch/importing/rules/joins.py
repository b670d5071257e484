"""Sums, products and the like: of two values, of a value and a number, of a value and a parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.layers.laid import Laid
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import Arguments, Named, Rule, by_name, only_value
from archlab.torch.importing.rules.biases import biased

WithNumber = Callable[[Recorder, int, float, Tensor], None]


def join(layer_type: str, number: WithNumber | None = None, *, swapped: WithNumber | None = None) -> Rule:
    """A function of two values.

    Args:
        layer_type: of the layer.
        number: what it is of a value and a number behind it.
        swapped: what it is of a number and a value behind it.
    """

    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        options = by_name("input other", args, kwargs)
        left, right = options["input"], options["other"]
        if options.get("alpha", 1) != 1 or options.get("rounding_mode") is not None:
            raise UnsaidError("it has further arguments")
        values = recorder.value(left), recorder.value(right)
        if values[0] is not None and values[1] is not None:
            differ = layer_type == "add" and left.shape != right.shape
            recorder.add(layer_type, {"stretch": True} if differ else {}, (values[0], values[1]), result)
        elif number is not None and _is_number(right):
            number(recorder, only_value(recorder, left), float(right), result)
        elif swapped is not None and _is_number(left):
            swapped(recorder, only_value(recorder, right), float(left), result)
        elif values[0] is None and layer_type in _COMMUTATIVE:
            _with_parameter(recorder, layer_type, right, left, result)
        else:
            _with_parameter(recorder, layer_type, left, right, result)

    return rule


def reversed_join(swapped: WithNumber) -> Rule:
    """A number and a value, as Python's operators give them: the value first."""

    def rule(recorder: Recorder, args: Arguments, _kwargs: Named, result: Any) -> None:
        if not _is_number(args[1]):
            raise UnsaidError("it takes what does not come from an input")
        swapped(recorder, only_value(recorder, args[0]), float(args[1]), result)

    return rule


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _with_parameter(recorder: Recorder, layer_type: str, tensor: Any, other: Any, result: Tensor) -> None:
    """A value by a parameter: a number for each channel, or one for all; a sum with one for each position too."""
    value = only_value(recorder, tensor)
    if layer_type == "add" and recorder.tensor_name(other) is None and recorder.made_of(other):
        biased(recorder, value, other, result)
        return
    if layer_type not in _COMMUTATIVE or recorder.tensor_name(other) is None:
        raise UnsaidError(f"{layer_type} with what does not come from an input")
    if layer_type == "add" and other.numel() > 1 and tuple(other.shape) == (1, *tensor.shape[1:]):
        recorder.add("position_embedding", {}, (value,), result, tensors={"pos_embed": other})
        return
    own = {} if other.numel() > 1 else {"per_channel": False}
    if own == {} and _wide_dims(other, tensor) != [_channels_dim(recorder, value)]:
        raise UnsaidError(f"{layer_type} with a parameter of {tuple(other.shape)}, which is no number per channel")
    if layer_type == "add":
        _shifted(recorder, value, other, result)
    else:
        recorder.add("layer_scale", own, (value,), result, tensors={"layer_scale": other})


def _shifted(recorder: Recorder, value: int, shifts: Tensor, result: Tensor) -> None:
    """Shifts behind factors, which are one layer; nobody may read what is between."""
    item = recorder.items[-1] if recorder.items else None
    is_last = value == recorder.first + len(recorder.items) - 1
    if item is None or not is_last or item.type != "layer_scale" or item.share is not None or "bias" in item.options:
        raise UnsaidError("add with a number for each channel, behind no factors")
    factors = recorder.tensor(item.tensors["layer_scale"])
    if (factors.numel() > 1) != (shifts.numel() > 1):
        raise UnsaidError("factors and shifts are not as many")
    recorder.drop(len(recorder.items) - 1)
    tensors = {"layer_scale": factors, "bias": shifts}
    recorder.add("layer_scale", {**item.options, "bias": True}, item.inputs, result, tensors=tensors, path=item.path)


_COMMUTATIVE = ("add", "multiply")


def _wide_dims(other: Tensor, tensor: Tensor) -> list[int]:
    """Along which dimensions of a tensor another one has several elements."""
    first = tensor.dim() - other.dim()
    return [first + dim for dim, size in enumerate(other.shape) if size > 1]


def _channels_dim(recorder: Recorder, value: int) -> int:
    shape = recorder.shape(value)
    return len(shape) if isinstance(shape, Laid) else 1


def constant(layer_type: str, option: str, of: Callable[[float], float] = float) -> WithNumber:
    """A layer with the number as an option; none where it changes nothing."""

    def add(recorder: Recorder, value: int, number: float, result: Tensor) -> None:
        recorder.add(layer_type, {option: of(number)}, (value,), result)

    return add


def number_less(recorder: Recorder, value: int, number: float, result: Tensor) -> None:
    """A number less a value."""
    negative = recorder.add("scale", {"factor": -1.0}, (value,))
    recorder.add("shift", {"value": number}, (negative,), result)


def number_by(recorder: Recorder, value: int, number: float, result: Tensor) -> None:
    """A number by a value."""
    inverse = recorder.add("pow", {"exponent": -1.0}, (value,), result if number == 1 else None)
    if number != 1:
        recorder.add("scale", {"factor": number}, (inverse,), result)


def one(layer_type: str, **options: Any) -> Rule:
    """A function of one value without options of its own."""

    def rule(recorder: Recorder, args: Arguments, _kwargs: Named, result: Any) -> None:
        recorder.add(layer_type, options, (only_value(recorder, args[0]),), result)

    return rule


def power(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    """`pow(input, exponent)`."""
    options = by_name("input exponent", args, kwargs)
    exponent: Any = options.get("exponent", options.get("other"))
    if not _is_number(exponent):
        raise UnsaidError("its exponent is no number")
    recorder.add("pow", {"exponent": float(exponent)}, (only_value(recorder, options["input"]),), result)


SCALE, SHIFT = constant("scale", "factor"), constant("shift", "value")
RULES: dict[str, Rule] = {
    **dict.fromkeys(("add", "iadd", "radd"), join("add", SHIFT, swapped=SHIFT)),
    **dict.fromkeys(("mul", "imul", "rmul", "multiply"), join("multiply", SCALE, swapped=SCALE)),
    **dict.fromkeys(
        ("sub", "isub", "subtract"), join("subtract", constant("shift", "value", lambda n: -n), swapped=number_less)
    ),
    "rsub": reversed_join(number_less),
    **dict.fromkeys(
        ("div", "truediv", "itruediv", "divide", "true_divide"),
        join("divide", constant("scale", "factor", lambda n: 1 / n), swapped=number_by),
    ),
    **dict.fromkeys(("rdiv", "rtruediv"), reversed_join(number_by)),
    "maximum": join("maximum"),
    "minimum": join("minimum"),
    "neg": one("scale", factor=-1.0),
    "negative": one("scale", factor=-1.0),
    "square": one("square"),
    **dict.fromkeys(("abs", "absolute"), one("abs")),
    "exp": one("exp"),
    "log": one("log"),
    "sqrt": one("pow", exponent=0.5),
    "rsqrt": one("pow", exponent=-0.5),
    "reciprocal": one("pow", exponent=-1.0),
    "pow": power,
}
