"""One layer by itself in place of a target: `conv2d kernel_size=3 stride=2`, as a config of that layer alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from archlab.cli.output import UsageError

if TYPE_CHECKING:
    from archlab.layers.base import Layer

_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SIZES = re.compile(r"\d+(x\d+)+", re.ASCII)
_LIST = re.compile(r"[\w.+-]+(,[\w.+-]+)+", re.ASCII)
SIZES = {0: (7, 7), 1: (12,), 2: (7, 7), 3: (5, 5, 5)}
"""By number of axes: of the input, where none is given."""
FLAT = ("linear", "batch_norm1d")
"""Layers that are shown with a flat value first."""


class Single(NamedTuple):
    """A layer by itself.

    Attributes:
        text: as a config.
        assumed: what was not given and is taken, in words.
    """

    text: str
    assumed: str


def is_layer_type(word: str) -> bool:
    """Whether a target is no target but the type of a layer."""
    from archlab.layers import find_layer

    return _WORD.fullmatch(word) is not None and find_layer(word) is not None


def no_layer_type(word: str, option: str) -> str:
    """What is wrong with a target behind which options of a layer stand."""
    from archlab.diagnostics.suggest import did_you_mean
    from archlab.layers import layer_types

    hint = did_you_mean(word, layer_types()) or "; archlab schema knows them all"
    return f"'{option}' is an option of a layer, but there is no layer type '{word}'{hint}"


def no_target(word: str) -> str:
    """What is wrong with a word that is neither a network nor a layer type."""
    from archlab.config.tree.presets import preset_names
    from archlab.diagnostics.suggest import did_you_mean
    from archlab.layers import layer_types

    hint = did_you_mean(word, [*layer_types(), *preset_names()]) or "; see archlab presets and docs/layers.md"
    return f"there is no preset and no layer type '{word}'{hint}"


def single_layer(layer_type: str, options: Sequence[str], *, has_input: bool) -> Single:
    """The config of one layer.

    Args:
        layer_type: such as conv2d.
        options: `name=value` each, the value as in a config; `3x5` and `3,5` are lists.
        has_input: whether the size of the input is given; else one is taken.

    Raises:
        UsageError: for what is no `name=value`.
    """
    from archlab.layers import find_layer

    known = find_layer(layer_type)
    assert known is not None
    given = dict([_option(layer_type, option) for option in options])
    channels = _channels(given)
    assumed: dict[str, str] = {}
    for name in ("out_channels", "out_features"):
        if name in known.model_fields and name not in given and known.model_fields[name].is_required():
            assumed[name] = str(channels)
    lines = [f"{name}: {value}" for name, value in {**assumed, **given}.items()]
    shape = _input(known, channels)
    words = [f"{name}={value}" for name, value in assumed.items()]
    if not has_input:
        words.append(f"--input {'x'.join(map(str, shape))}")
    item = "\n    ".join([f"name: {layer_type}", f"type: {layer_type}", *lines])
    text = f"name: {layer_type}\ninput: {list(shape)}\nlayers:\n  - {item}\n"
    return Single(text, " and ".join(words))


def _option(layer_type: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not _WORD.fullmatch(name) or not value.strip() or not value.isprintable():
        raise UsageError(f"behind the layer type {layer_type} stand options such as kernel_size=3, not '{text}'")
    if name == "name":
        raise UsageError(f"a layer by itself is called {layer_type}: leave '{text}' out")
    if _SIZES.fullmatch(value):
        return name, f"[{value.replace('x', ', ')}]"
    return name, f"[{value.replace(',', ', ')}]" if _LIST.fullmatch(value) else value


def _channels(given: dict[str, str]) -> int:
    """As many as there are groups."""
    groups = given.get("groups", given.get("num_groups", "1"))
    return int(groups) if groups.isascii() and groups.isdigit() and 0 < len(groups) < 5 and int(groups) else 1


def _input(known: type[Layer], channels: int) -> tuple[int, ...]:
    if known.type in FLAT:
        return (8,)
    return (channels, *SIZES[known.rank])
