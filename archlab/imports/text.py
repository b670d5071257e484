"""A flat network as a config that lists its layers one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from archlab.config.expand.inputs import ONLY
from archlab.config.syntax.limits import MAX_LISTED_NODES
from archlab.config.syntax.naming import MAX_NAME_LENGTH, name_fault
from archlab.config.tree.document import Document
from archlab.config.tree.targets import read_document
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import Problems
from archlab.imports.flat import Flat, Item

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_WIDE = 1 << 20
"""No item is broken over lines."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A config of a flat network.

    Attributes:
        text: YAML.
        paths: names of its items to their paths in the source, in dots.
    """

    text: str
    paths: Mapping[str, str]


def flat_config(flat: Flat) -> Listed:
    """A flat network as a config, an item for each call."""
    names = value_names(flat)
    first = len(flat.inputs)
    lines = [*comments(flat), "archlab: 1", f"name: {flow(flat.name)}", f"input: {flow(inputs_of(flat))}", "layers:"]
    lines += [f"  - {flow(_item(flat, number, names))}" for number in range(first, first + len(flat.items))]
    outputs = _outputs(flat, names)
    if outputs is not None:
        lines.append(f"outputs: {flow(outputs)}")
    return Listed(
        "\n".join(lines) + "\n",
        {name: item.path for name, item in zip(names[first:], flat.items, strict=True) if item.path},
    )


def read_listed(listed: Listed, flat: Flat) -> tuple[Document, Problems]:
    """The document of a list; it may have more values than a config from elsewhere, since archlab wrote it.

    Raises:
        ConfigError: if the language refuses the network.
    """
    return read_document(Source(f"<{flat.origin}>", listed.text), flat.name, most=MAX_LISTED_NODES)


def comments(flat: Flat) -> list[str]:
    """Where it came from, and what is to be known of it."""
    return [f"# {_one_line(text)}" for text in (f"imported from {flat.origin}", *flat.remarks)]


def _one_line(text: str) -> str:
    """A text of others as a comment cannot leave its line."""
    return "".join(char if char.isprintable() else " " for char in text)


def inputs_of(flat: Flat) -> Any:
    """The only input's shape, or those of several by name."""
    several = {name: list(shape) for name, shape in flat.inputs.items()}
    return several if list(several) != [ONLY] else several[ONLY]


def value_names(flat: Flat) -> list[str]:
    """A name for each value: its path with `_` for `.`, numbered where two would be alike."""
    names = list(flat.inputs)
    taken = {"input", *names}
    for item in flat.items:
        name = _fresh(plain_name(item.path), taken)
        taken.add(name)
        names.append(name)
    return names


def plain_name(path: str) -> str:
    """A path of the source as a word that can name an item."""
    word = "".join(char if char.isascii() and char.isalnum() else "_" for char in path).strip("_")
    word = word[-(MAX_NAME_LENGTH - 12) :].strip("_")
    return word if name_fault(word) is None else f"layer_{word}".rstrip("_")


def output_labels(names: Iterable[str]) -> list[str]:
    """What outputs can be called, each differently, from what a source calls them: any text, or none."""
    labels: dict[str, None] = {}
    for name in names:
        word = "".join(char if char.isprintable() else "_" for char in name) or "output"
        fits = len(word) <= MAX_NAME_LENGTH and word not in labels
        labels[word if fits else _fresh(word[: MAX_NAME_LENGTH - 12], labels)] = None
    return list(labels)


def _fresh(base: str, taken: Iterable[str]) -> str:
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def _item(flat: Flat, value: int, names: list[str]) -> dict[str, Any]:
    item = flat.item(value)
    assert item is not None
    found: dict[str, Any] = {"name": names[value]}
    if item.share is None:
        found["type"] = item.type
    else:
        found["share"] = names[item.share]
    above = value - 1 if value > len(flat.inputs) else 0
    first, *others = item.inputs
    if first != above:
        found["from"] = names[first]
    if others:
        found["with"] = [names[other] for other in others]
    return found if item.share is not None else found | written_options(item)


def written_options(item: Item) -> dict[str, Any]:
    """Options as plain YAML: lists, where equal values of all axes are one."""
    return {name: _plain(value) for name, value in item.options.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value


def _outputs(flat: Flat, names: list[str]) -> Any:
    """`outputs`, where it is not just the last layer."""
    if flat.output_form == "dict":
        return {label: names[value] for label, value in flat.outputs}
    if flat.output_form == "tuple":
        return [names[value] for _, value in flat.outputs]
    (_, value), *_ = flat.outputs
    return None if value == len(names) - 1 else names[value]


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_NO_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that a reader may take for something else than text, in lower case."""


def flow(value: Any) -> str:
    """A value as YAML in one line."""
    composed = _composed(value) if isinstance(value, dict | list) else None
    return _dumped(value) if composed is None else composed


def _composed(value: Any) -> str | None:
    """PyYAML's text of a value, which takes it a tenth of a millisecond for each; None where that is not plain.

    Thousands of items are mappings of a few names, words and numbers. A list that stands in one twice is written twice,
    where PyYAML refers to the first.
    """
    if isinstance(value, dict):
        parts = [_composed(inner) for inner in value.values()]
        if None in parts or not all(_is_word(key) for key in value):
            return None
        return f"{{{', '.join([f'{key}: {part}' for key, part in zip(value, parts, strict=True)])}}}"
    if isinstance(value, list):
        parts = [_composed(inner) for inner in value]
        return None if None in parts else f"[{', '.join([part for part in parts if part is not None])}]"
    if _is_word(value):
        return str(value)
    if isinstance(value, str):
        is_short = len(value) < 100 and value.isascii() and value.isprintable()
        return _dumped([value])[1:-1] if is_short else None
    return str(value) if type(value) is int else _dumped([value])[1:-1]


def _is_word(value: Any) -> bool:
    return type(value) is str and _WORD.fullmatch(value) is not None and value.lower() not in _NO_TEXT


def _dumped(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_DUMPER, default_flow_style=True, sort_keys=False, width=_WIDE, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")
