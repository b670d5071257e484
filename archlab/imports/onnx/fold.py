"""Arithmetic of shapes: operators on small constants, computed; never more than a bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from archlab.imports.onnx.source import MALFORMED, Node
from archlab.imports.unsaid import UnsaidError

MOST_FOLDED = 1 << 16
"""Elements of a constant that is computed."""

Array = np.ndarray[Any, Any]
Rule = Callable[[Node, Sequence[Array | None]], Array]


def folded(node: Node, inputs: Sequence[Array | None]) -> Array | None:
    """What an operator makes of constants; None where it is not computed.

    Args:
        node: it.
        inputs: values; None for one that is left out.
    """
    rule = RULES.get(node.op)
    if rule is None:
        return None
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(rule(node, inputs))
    except (UnsaidError, *MALFORMED):
        return None  # what is wrong with it is said where the value is needed
    return result if result.size <= MOST_FOLDED else None


def _first(inputs: Sequence[Array | None]) -> Array:
    return _input(inputs, 0)


def _input(inputs: Sequence[Array | None], number: int) -> Array:
    found = inputs[number] if number < len(inputs) else None
    if found is None:
        raise UnsaidError("an input is left out")
    return found


def _require(sizes: Sequence[int]) -> None:
    if prod([max(0, int(size)) for size in sizes]) > MOST_FOLDED or min(sizes, default=0) < 0:
        raise UnsaidError("it is too large")


def _each(function: Callable[..., Any]) -> Rule:
    """A function of one value, element by element."""
    return lambda _node, inputs: np.asarray(function(_first(inputs)))


def _pair(function: Callable[..., Any]) -> Rule:
    """A function of two values, stretched to one another."""

    def rule(_node: Node, inputs: Sequence[Array | None]) -> Array:
        left, right = _first(inputs), _input(inputs, 1)
        _require(np.broadcast_shapes(left.shape, right.shape))
        return np.asarray(function(left, right))

    return rule


def _divided(left: Array, right: Array) -> Array:
    """Whole numbers are divided towards zero, as C does."""
    if not np.issubdtype(left.dtype, np.integer):
        return np.asarray(left / right)
    quotient = np.abs(left) // np.abs(right)
    return np.asarray(np.where((left < 0) != (right < 0), -quotient, quotient).astype(left.dtype))


def axes_of(node: Node, inputs: Sequence[Array | None], number: int = 1) -> tuple[int, ...] | None:
    """Axes, which are an attribute in older files and an input in later ones."""
    if number < len(inputs) and inputs[number] is not None:
        return tuple([int(axis) for axis in np.ravel(inputs[number])])  # type: ignore[arg-type]
    return node.integers("axes")


def _cast(node: Node, inputs: Sequence[Array | None]) -> Array:
    from onnx import helper

    return np.asarray(_first(inputs).astype(helper.tensor_dtype_to_np_dtype(node.integer("to", 1))))


def _concat(node: Node, inputs: Sequence[Array | None]) -> Array:
    parts = [_input(inputs, number) for number in range(len(inputs))]
    _require([sum(part.size for part in parts)])
    return np.concatenate(parts, node.integer("axis", 0))


def _gather(node: Node, inputs: Sequence[Array | None]) -> Array:
    data, indices, axis = _first(inputs), _input(inputs, 1), node.integer("axis", 0)
    _require([indices.size, *[size for number, size in enumerate(data.shape) if number != axis % data.ndim]])
    return np.take(data, indices, axis)


def _slice(node: Node, inputs: Sequence[Array | None]) -> Array:
    data = _first(inputs)
    starts, ends = np.ravel(_input(inputs, 1)), np.ravel(_input(inputs, 2))
    axes = axes_of(node, inputs, 3) or tuple(range(len(starts)))
    steps = np.ravel(inputs[4]) if len(inputs) > 4 and inputs[4] is not None else np.ones(len(starts), int)
    index = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        behind = None if step < 0 and end < -data.shape[axis] else int(end)
        index[axis] = slice(int(start), behind, int(step))
    return data[tuple(index)]


def _squeeze(node: Node, inputs: Sequence[Array | None]) -> Array:
    axes = axes_of(node, inputs)
    return np.squeeze(_first(inputs), axes)


def _unsqueeze(node: Node, inputs: Sequence[Array | None]) -> Array:
    return np.expand_dims(_first(inputs), axes_of(node, inputs) or ())


def _reshape(node: Node, inputs: Sequence[Array | None]) -> Array:
    data, wanted = _first(inputs), [int(size) for size in np.ravel(_input(inputs, 1))]
    keep = not node.integer("allowzero", 0)
    sizes = [data.shape[number] if size == 0 and keep else size for number, size in enumerate(wanted)]
    return data.reshape(sizes)


def _filled(node: Node, inputs: Sequence[Array | None]) -> Array:
    from onnx import numpy_helper

    sizes = [int(size) for size in np.ravel(_first(inputs))]
    _require([*sizes, 1])
    value = node.attributes.get("value")
    array = np.zeros(1, np.float32) if value is None else numpy_helper.to_array(value)
    return np.full(sizes, np.ravel(array)[0], array.dtype)


def _expand(_node: Node, inputs: Sequence[Array | None]) -> Array:
    data, sizes = _first(inputs), [int(size) for size in np.ravel(_input(inputs, 1))]
    _require([*sizes, 1])
    shape = np.broadcast_shapes(data.shape, tuple(sizes))
    _require([*shape, 1])
    return np.broadcast_to(data, shape)


def _tile(_node: Node, inputs: Sequence[Array | None]) -> Array:
    data, repeats = _first(inputs), [int(size) for size in np.ravel(_input(inputs, 1))]
    _require([*repeats, data.size])
    return np.tile(data, repeats)


def _range(_node: Node, inputs: Sequence[Array | None]) -> Array:
    start, end, step = [np.ravel(_input(inputs, number))[0] for number in range(3)]
    _require([int(abs((end - start) / step)) + 1])
    return np.arange(start, end, step, dtype=_first(inputs).dtype)


def _where(_node: Node, inputs: Sequence[Array | None]) -> Array:
    parts = [_input(inputs, number) for number in range(3)]
    _require([*np.broadcast_shapes(*[part.shape for part in parts]), 1])
    return np.where(*parts)


def _reduced(function: Callable[..., Any]) -> Rule:
    def rule(node: Node, inputs: Sequence[Array | None]) -> Array:
        return np.asarray(
            function(_first(inputs), axis=axes_of(node, inputs), keepdims=bool(node.integer("keepdims", 1)))
        )

    return rule


def _constant(node: Node, _inputs: Sequence[Array | None]) -> Array:
    from onnx import numpy_helper

    value = node.attributes.get("value")
    if value is not None:
        _require([*value.dims, 1])
        return numpy_helper.to_array(value)
    for name, kind in (("value_int", np.int64), ("value_float", np.float32)):
        if name in node.attributes:
            return np.asarray(node.attributes[name], kind)
    for name, kind in (("value_ints", np.int64), ("value_floats", np.float32)):
        if name in node.attributes:
            return np.asarray(node.attributes[name], kind)
    raise UnsaidError("it is no tensor")


RULES: dict[str, Rule] = {
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Identity": lambda _node, inputs: _first(inputs),
    "Cast": _cast,
    "Concat": _concat,
    "Gather": _gather,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Transpose": lambda node, inputs: np.transpose(_first(inputs), node.integers("perm")),
    "Expand": _expand,
    "Tile": _tile,
    "Range": _range,
    "Where": _where,
    "Add": _pair(np.add),
    "Sub": _pair(np.subtract),
    "Mul": _pair(np.multiply),
    "Div": _pair(_divided),
    "Mod": _pair(np.mod),
    "Pow": _pair(lambda left, right: np.power(left.astype(float), right).astype(left.dtype)),
    "Min": _pair(np.minimum),
    "Max": _pair(np.maximum),
    "Equal": _pair(np.equal),
    "Greater": _pair(np.greater),
    "GreaterOrEqual": _pair(np.greater_equal),
    "Less": _pair(np.less),
    "LessOrEqual": _pair(np.less_equal),
    "And": _pair(np.logical_and),
    "Or": _pair(np.logical_or),
    "Not": _each(np.logical_not),
    "Neg": _each(np.negative),
    "Abs": _each(np.abs),
    "Floor": _each(np.floor),
    "Ceil": _each(np.ceil),
    "Round": _each(np.round),
    "Sqrt": _each(np.sqrt),
    "Reciprocal": _each(np.reciprocal),
    "ReduceProd": _reduced(np.prod),
    "ReduceSum": _reduced(np.sum),
    "ReduceMax": _reduced(np.max),
    "ReduceMin": _reduced(np.min),
}
