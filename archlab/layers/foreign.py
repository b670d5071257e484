"""Layers of other packages: whatever goes wrong in them is told as what is wrong with the layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from archlab.layers.base import Layer
from archlab.layers.macro import Macro, Step
from archlab.layers.shape import Shape, ShapeError, axis_count

MOST_LETTERS = 200
"""Of another package's own message."""


def is_foreign(cls: type[Layer]) -> bool:
    """Whether a class is another package's, so that it may do anything."""
    return not cls.__module__.startswith("archlab.")


def checked_shape(layer: Layer, inputs: tuple[Shape, ...]) -> Shape:
    """What another package's layer gives, with everything that analyses will ask of it asked once.

    Raises:
        ShapeError: if it cannot take the inputs, or its methods fail.
    """
    shape = _asked(layer, "out_shape", lambda: _as_shape(layer.out_shape(inputs)))
    _asked(layer, "reads", lambda: _require_reads(layer, inputs, shape))
    _asked(layer, "tensors", lambda: sum([tensor.elements for tensor in layer.tensors(inputs)]))
    _asked(layer, "inferred", lambda: dict(layer.inferred(inputs)))
    _asked(layer, "cost", lambda: layer.cost(inputs, shape).macs + layer.cost(inputs, shape).elementwise)
    _asked(layer, "runtime", lambda: layer.runtime(inputs, shape).refused(1, training=True))
    return shape


def expanded(layer: Macro, shape: Shape, attached: Mapping[str, Layer]) -> list[Step]:
    """The primitives that a macro stands for, whosever it is.

    Raises:
        ShapeError: if it cannot take the input, or fails.
    """
    if not is_foreign(type(layer)):
        return layer.steps(shape, attached)
    return _asked(layer, "steps", lambda: layer.steps(shape, attached))


Answer = TypeVar("Answer")


def _asked(layer: Layer, what: str, ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except ShapeError:
        raise
    except Exception as error:  # noqa: BLE001 - it is other people's code
        reason = f"{layer.type}, of {type(layer).__module__}: its {what} fails: {error_text(error)}"
        raise ShapeError(reason) from None


def _as_shape(found: object) -> Shape:
    if isinstance(found, tuple) and found and all(type(size) is int and size > 0 for size in found):
        return found
    raise TypeError(f"{found!r} is no shape"[:MOST_LETTERS])


def _require_reads(layer: Layer, inputs: tuple[Shape, ...], shape: Shape) -> None:
    reads, axes = layer.reads(inputs, shape), axis_count(shape)
    if len(reads) != len(inputs) or (axes and any(len(one) != axes for one in reads)):
        raise ValueError("it must say for each input what is read along each axis")


def error_text(error: BaseException) -> str:
    """Another package's error, in a line."""
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 3]}..."
