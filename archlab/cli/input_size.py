"""`--input`: sizes as text, understood with the config's own input in view."""

from __future__ import annotations

import re

from archlab.config.syntax.yaml_nodes import Scalar, Sequence
from archlab.config.tree.document import Document, Variant
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.layers.shape import MAP_RANK, shape_text

EXAMPLE = "channels x height x width, such as --input 3x224x224"


def input_shape(text: str | None, document: Document, variant: Variant | None) -> tuple[int, ...] | None:
    """The sizes of `3x224x224`; None if the option was not given.

    Raises:
        ConfigError: if it is no such text, or sizes in another order or number than the config's input.
    """
    if text is None:
        return None
    own = _own_sizes(document, variant)
    parts = text.lower().split("x")
    if not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts):
        raise _wrong(text, "is no list of sizes", _numbers(text), own)
    shape = tuple(int(part) for part in parts)
    if len(shape) in (2, MAP_RANK + 1) or (len(shape) == 1 and len(own) == MAP_RANK):
        what = {1: "is one number", 2: "has 2 numbers", 4: "has four numbers, but the batch has an option of its own"}
        raise _wrong(text, what[len(shape)], shape, own)
    if len(shape) == MAP_RANK and len(own) == MAP_RANK and shape[0] != own[0] == shape[2]:
        raise _wrong(text, "has its channels last", shape, own)
    return shape


def _own_sizes(document: Document, variant: Variant | None) -> tuple[int | None, ...]:
    """The config's input; None for a size that is no plain number."""
    node = document.input if variant is None or variant.input is None else variant.input
    items = node.items if isinstance(node, Sequence) else []
    values = [item.value if isinstance(item, Scalar) else None for item in items]
    return tuple(value if type(value) is int else None for value in values)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in re.findall(r"\d{1,9}", text, re.ASCII))


def _wrong(text: str, what: str, shape: tuple[int, ...], own: tuple[int | None, ...]) -> ConfigError:
    meant = _meant(shape, own)
    batch = f" --batch {shape[0]}" if len(shape) == MAP_RANK + 1 and shape[0] > 1 else ""
    hint = f"write {EXAMPLE}" if meant is None else f"write channels, height, width: --input {shape_text(meant)}{batch}"
    return single_problem(f"--input {text} {what}; {hint}", Code.BAD_INPUT)


def _meant(shape: tuple[int, ...], own: tuple[int | None, ...]) -> tuple[int, ...] | None:
    """Channels first, those of the config where none are given; None if it cannot be told."""
    channels = own[0] if len(own) == MAP_RANK and own[0] is not None else None
    sizes = shape[1:] if len(shape) == MAP_RANK + 1 else shape
    if 0 in sizes or len(sizes) not in (1, 2, MAP_RANK):
        return None
    if len(sizes) == MAP_RANK:
        return (sizes[2], *sizes[:2]) if channels is not None and sizes[0] != channels == sizes[2] else sizes
    return None if channels is None else (channels, sizes[0], sizes[-1])
