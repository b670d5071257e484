"""`weight` on a convolution: the layer whose weight is made anew from others each time."""

from __future__ import annotations

from typing import Any

from archlab.config.syntax.yaml_nodes import Mapping, value_kind
from archlab.config.tree.items import LayerItem
from archlab.config.tree.validation import Places
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import Problems
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import one_of
from archlab.layers import Layer, find_layer

OPTION = "weight"


def with_weight(
    item: LayerItem, cls: type[Layer], values: dict[str, Any], problems: Problems, trail: tuple[str, ...]
) -> tuple[type[Layer], Places] | None:
    """The class that `weight` asks for, and where the options stand; None with a problem.

    Args:
        item: the layer.
        cls: its class.
        values: its arguments, out of which `weight` is taken and into which its options are put.
        problems: the collector.
        trail: through which blocks it came about.
    """
    words: tuple[str, ...] = getattr(cls, "weights", ())
    value = values.pop(OPTION, None) if words else None
    if value is None:
        return cls, item.places
    options = dict(value) if isinstance(value, dict) else {"type": value}
    word = options.pop("type", None)
    node = item.arguments.named[OPTION].node
    inner = Places.of(node) if isinstance(node, Mapping) else Places(item.places.value(OPTION), {}, {})
    rank = f"{cls.rank}d"
    fitting = [name for name in words if find_layer(f"{name}_conv{rank}") is not None]
    if word not in fitting:
        hint = did_you_mean(word, fitting) if isinstance(word, str) else ""
        place = inner.value("type") if isinstance(node, Mapping) else inner.whole
        message = f"'weight' of a {cls.type} is {one_of(fitting)}, not {value_kind(word)}{hint}"
        problems.add(message, Code.WRONG_VALUE, place, trail)
        return None
    made = find_layer(f"{word}_conv{rank}")
    assert made is not None
    own = [name for name in made.model_fields if name not in cls.model_fields]
    strange = [name for name in options if name not in own]
    for name in strange:
        hint = did_you_mean(name, own) or (f"; it has {one_of(own)}" if own else "; it has none")
        problems.add(f"weight: {word} has no option '{name}'{hint}", Code.UNKNOWN_OPTION, inner.key(name), trail)
    values.update(options)
    outer = item.places
    return (
        None if strange else (made, Places(outer.whole, {**inner.keys, **outer.keys}, {**inner.values, **outer.values}))
    )
