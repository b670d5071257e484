"""What is asked of a flat network again and again: who reads a value, what a layer type is."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

from archlab.imports.flat import Flat, Item
from archlab.layers import Layer, find_layer
from archlab.layers.activation import InplaceActivation
from archlab.layers.shape import Shape, channels_of

NEVER = 1 << 60
"""The reader of a value that is a result."""


class Facts:
    """A flat network, and what follows from it.

    Attributes:
        flat: it.
        first: the number of its inputs, which is the first item's value.
        readers: items that read a value, by number, in order; a result has `NEVER` too.
        owners: values whose layers are called again.
    """

    def __init__(self, flat: Flat) -> None:
        self.flat = flat
        self.first = len(flat.inputs)
        self.readers: list[list[int]] = [[] for _ in range(self.first + len(flat.items))]
        for number, item in enumerate(flat.items):
            for value in dict.fromkeys(item.inputs):
                self.readers[value].append(number)
        for _, value in flat.outputs:
            self.readers[value].append(NEVER)
        self.owners = {item.share for item in flat.items if item.share is not None}

    @cached_property
    def shapes(self) -> list[Shape]:
        """Of each value."""
        return [*self.flat.inputs.values(), *[item.shape for item in self.flat.items]]

    def channels(self, value: int) -> int | None:
        """Of a value; None where it has none."""
        try:
            return channels_of(self.shapes[value])
        except (ValueError, IndexError, TypeError):
            return None

    def value(self, number: int) -> int:
        """What an item gives."""
        return number + self.first

    def item(self, number: int) -> Item:
        """An item by number."""
        return self.flat.items[number]

    def read_only_in(self, value: int, items: range) -> bool:
        """Whether no item outside of a range reads a value."""
        readers = self.readers[value]
        return not readers or (readers[-1] < items.stop and readers[0] >= items.start)


@cache
def layer_class(layer_type: str) -> type[Layer] | None:
    """The class of a type; None of an opaque layer."""
    return None if "." in layer_type else find_layer(layer_type)


def default_of(layer_type: str, option: str) -> Any:
    """The default of an option, as a config has it; None where there is none."""
    cls = layer_class(layer_type)
    if cls is None or option not in cls.model_fields or cls.model_fields[option].is_required():
        return None
    return plain_options(layer_type, {option: cls.model_fields[option].default})[option]


@cache
def has_inplace(layer_type: str) -> bool:
    """Whether a type is an activation that may overwrite its input."""
    cls = layer_class(layer_type)
    return cls is not None and issubclass(cls, InplaceActivation)


def plain(value: Any) -> Any:
    """A value as YAML has it: lists, and one number where all axes have the same."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if not isinstance(value, tuple | list):
        return value
    return [plain(part) for part in value]


def plain_options(layer_type: str, options: dict[str, Any]) -> dict[str, Any]:
    """Options as a config has them: one number for all axes where they are equal."""
    cls = layer_class(layer_type)
    if cls is None or not cls.rank:
        return {name: plain(value) for name, value in options.items()}
    found: dict[str, Any] = {}
    for name, value in options.items():
        given = plain(value)
        is_even = isinstance(given, list) and len(given) == cls.rank and len(set(map(repr, given))) == 1
        found[name] = given[0] if is_even and not isinstance(given[0], list) else given
    return found
