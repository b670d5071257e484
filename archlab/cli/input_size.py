"""`--input`: sizes as text, understood with the config's own input in view."""

from __future__ import annotations

import re

from archlab.config.expand.inputs import GivenInput
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence
from archlab.config.tree.document import Document, Variant
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.diagnostics.words import counted
from archlab.layers.shape import AXIS_NAMES, shape_text, shape_words

EXAMPLE = "channels x height x width, such as --input 3x224x224 (or channels x length: 1x16000)"


def input_shape(text: str | None, document: Document, variant: Variant | None) -> GivenInput | None:
    """The sizes of `3x224x224`, or of several inputs: `image=3x96x96,t=640`; None if the option was not given.

    Raises:
        ConfigError: if it is no such text, or sizes in another order or number than the config's input.
    """
    if text is None:
        return None
    node = document.input if variant is None or variant.input is None else variant.input
    if "=" not in text:
        first = next(iter(node.entries.values()), None) if isinstance(node, Mapping) else node
        return _shape(text, _own_sizes(first))
    known = node.entries if isinstance(node, Mapping) else {}
    parts = [part.partition("=") for part in text.split(",")]
    return {name.strip(): _shape(sizes.strip(), _own_sizes(known.get(name.strip()))) for name, _, sizes in parts}


def plain_shape(text: str | None) -> GivenInput | None:
    """The sizes of `3x224x224`, or of several inputs, where there is no config to compare them with.

    Raises:
        ConfigError: if it is no such text.
    """
    if text is None:
        return None
    if "=" not in text:
        return _shape(text, ())
    parts = [part.partition("=") for part in text.split(",")]
    return {name.strip(): _shape(sizes.strip(), ()) for name, _, sizes in parts}


def _shape(text: str, own: tuple[int | None, ...]) -> tuple[int, ...]:
    parts = text.lower().split("x")
    if not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts):
        raise _wrong(text, "is no list of sizes", _numbers(text), own)
    shape = tuple(int(part) for part in parts)
    if len(own) > 1 and len(shape) == len(own) + 1:
        raise _wrong(text, f"has {counted(len(shape), 'number')}, but the batch has an option of its own", shape, own)
    if len(own) > 1 and len(shape) < len(own):
        raise _wrong(text, f"has {counted(len(shape), 'number')}", shape, own)
    if len(shape) - 1 not in (0, *AXIS_NAMES):
        raise _wrong(text, f"has {counted(len(shape), 'number')}", shape, own)
    if len(own) > 2 and len(shape) == len(own) and shape[0] != own[0] == shape[-1]:
        raise _wrong(text, "has its channels last", shape, own)
    return shape


def _own_sizes(node: Node | None) -> tuple[int | None, ...]:
    """Those of the config; None for a size that is no plain number."""
    items = node.items if isinstance(node, Sequence) else []
    values = [item.value if isinstance(item, Scalar) else None for item in items]
    return tuple(value if type(value) is int else None for value in values)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in re.findall(r"\d{1,9}", text, re.ASCII))


def _wrong(text: str, what: str, shape: tuple[int, ...], own: tuple[int | None, ...]) -> ConfigError:
    rank = len(own) - 1
    meant = _meant(shape, own) if rank in AXIS_NAMES else None
    batch = f" --batch {shape[0]}" if len(shape) == len(own) + 1 and shape[0] > 1 else ""
    hint = f"write {EXAMPLE}" if meant is None else f"write {shape_words(rank)}: --input {shape_text(meant)}{batch}"
    return single_problem(f"--input {text} {what}; {hint}", Code.BAD_INPUT)


def _meant(shape: tuple[int, ...], own: tuple[int | None, ...]) -> tuple[int, ...] | None:
    """Channels first, those of the config where none are given; None if it cannot be told."""
    channels, rank = own[0], len(own) - 1
    sizes = shape[1:] if len(shape) == len(own) + 1 else shape
    if 0 in sizes or len(sizes) not in (1, rank, rank + 1):
        return None
    if len(sizes) == rank + 1:
        is_last = channels is not None and sizes[0] != channels == sizes[-1]
        return (sizes[-1], *sizes[:-1]) if is_last else sizes
    return None if channels is None else (channels, *(sizes if len(sizes) == rank else sizes * rank))
