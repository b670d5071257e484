"""What can be written at the cursor: types, options, params, blocks, names that can be seen from there, presets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

from archlab.config.schema import known_types, layer_schema
from archlab.config.syntax.expressions import function_names
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence
from archlab.config.tree.document import BLOCK_KEYS, BUILT_IN_NAMES, KEYS, VARIANT_KEYS, Document
from archlab.config.tree.figures import FIGURES, example
from archlab.config.tree.items import COMBINATORS, ITEM_KEYS, MERGES
from archlab.config.tree.presets import preset_names
from archlab.editor.cursor import MARK, Cursor, cursor_at
from archlab.layers import find_layer, types_with_role

Kind = Literal["key", "type", "block", "param", "name", "preset", "value", "function", "file"]
MOST_FILES = 200
_LISTS = ("layers", "body", "shortcut", "paths")
_NAMES = ("true", "false", "null")


class Offer(NamedTuple):
    """Something that can be written.

    Attributes:
        label: as it is shown and written.
        kind: what it is.
        detail: what else is known, in a few words.
        insert: what is written, where that is more than the label.
    """

    label: str
    kind: Kind
    detail: str = ""
    insert: str | None = None


class Completion(NamedTuple):
    """Offers, and the columns of the word that they take the place of."""

    offers: list[Offer]
    start: int
    end: int


def complete(
    text: str, line: int, column: int, folder: Path | None = None, known: Document | None = None
) -> Completion | None:
    """What can be written at a place of a text, which need not be complete.

    Args:
        text: of the config.
        line: from 0.
        column: from 0, in characters.
        folder: of the file, whose other configs `extends` may name.
        known: the text as a document, where it is one, with what it extends.
    """
    cursor = cursor_at(text, line, column)
    if cursor is None:
        return None
    offers = [*(_keys(cursor) if cursor.is_key else _values(cursor, folder))]
    offers += _inherited(cursor, known) if known is not None and known.extends is not None else []
    distinct = {offer.label: offer for offer in offers if MARK not in offer.label}
    return Completion(list(distinct.values()), cursor.start, cursor.end)


def _inherited(cursor: Cursor, known: Document) -> Iterator[Offer]:
    """What comes from the config that is extended."""
    named = [step.key for step in cursor.steps if isinstance(step.key, str)]
    if cursor.is_key:
        if named[:1] == ["layers"] and len(named) == 2:
            yield from [Offer(name, "name", insert=f"{name}: ") for name in sorted(known.names)]
        elif named[:1] in (["params"], ["variants"]) and len(named) == len(cursor.steps):
            yield from [Offer(name, "param", insert=f"{name}: ") for name in known.params]
    elif cursor.text.startswith("$"):
        yield from [Offer(name, "param") for name in known.params]
    elif named[-1:] == ["use"]:
        yield from [Offer(name, "block") for name in known.blocks]
    elif named[0] == "outputs":
        yield from [Offer(name, "name") for name in sorted(known.names)]


# keys


def _keys(cursor: Cursor) -> Iterator[Offer]:
    mapping, _ = cursor.mappings[0]
    written = mapping.entries.keys()
    for name, detail in _known_keys(cursor, mapping):
        if name not in written:
            yield Offer(name, "key", detail, f"{name}: ")


def _known_keys(cursor: Cursor, mapping: Mapping) -> Iterable[tuple[str, str]]:
    around = [step.key for step in cursor.steps[:-1]]
    match around:
        case []:
            return [(key, "") for key in KEYS]
        case ["blocks", str()]:
            return [(key, "") for key in (*BLOCK_KEYS, "extends")]
        case ["variants", str()]:
            return [
                *[(name, "param") for name in _entries(cursor.root, "params")],
                *[(key, "") for key in VARIANT_KEYS],
            ]
        case ["expect"] | ["variants", str(), "expect"]:
            return [(figure, f"e.g. {example(figure)}") for figure in FIGURES]
        case [*_, "first" | "last"]:
            return [(name, "") for name, _ in _arguments(cursor.root, cursor.mappings[1][0])]
    if _is_item(cursor):
        return _item_keys(cursor.root, mapping)
    return []


def _is_item(cursor: Cursor) -> bool:
    """Whether the innermost mapping is an item of a list of layers."""
    around = [step.key for step in cursor.steps[:-1]]
    named = [key for key in around if isinstance(key, str)]
    return bool(around) and isinstance(around[-1], int) and bool(named) and named[-1] in _LISTS


def _item_keys(root: Mapping, item: Mapping) -> list[tuple[str, str]]:
    kind = item.entries.keys() & {"type", "use", "share"}
    own = _arguments(root, item)
    common = [(key, "") for key in ITEM_KEYS if key not in ("type", "use", "share", "with")]
    if not kind:
        return [("type", "a layer"), ("use", "a block"), ("share", "an earlier item's weights"), *common]
    return [*own, *common, ("share", "true: all repetitions have the same weights"), ("with", "other inputs")]


def _arguments(root: Mapping, item: Mapping) -> list[tuple[str, str]]:
    """The options of a layer, or the params of a block."""
    used, kind = _text(item, "use"), _text(item, "type")
    if used:
        block = _block(root, used)
        params = None if block is None else block.entries.get("params")
        return [(name, "param") for name in params.entries] if isinstance(params, Mapping) else []
    if kind in COMBINATORS:
        return [(key, "") for key in COMBINATORS[kind]]
    options = _options(kind)
    return [(name, _about(option)) for name, option in options.items() if name not in ITEM_KEYS or name == "with"]


def _options(layer_type: str) -> dict[str, Any]:
    """The schema of each option of a layer type; none of one that is not known."""
    cls = find_layer(layer_type) if layer_type else None
    if cls is None:
        return {}
    properties: dict[str, Any] = layer_schema(cls)["properties"]
    return properties


def _about(option: dict[str, Any]) -> str:
    default = f"default {option['default']}" if option.get("default") is not None else ""
    described = str(option.get("description", ""))
    return "; ".join([part for part in (described.rstrip("."), default) if part])


# values


def _values(cursor: Cursor, folder: Path | None) -> Iterator[Offer]:
    if cursor.text.startswith("$"):
        yield from _expression(cursor)
        return
    mapping, key = cursor.mappings[0]
    named = [step.key for step in cursor.steps if isinstance(step.key, str)]
    if named == ["extends"] or (len(named) == 3 and named[0] == "blocks" and named[2] == "extends"):
        yield from _bases(folder)
    elif named == ["outputs"]:
        yield from _names_at(cursor.root.entries.get("layers"))
    elif len(named) == 3 and named[0] == "blocks" and named[2] == "outputs":
        yield from _names_at(mapping.entries.get("layers"))
    elif key in ("from", "with", "share"):
        yield from _visible(cursor)
    elif key == "use":
        yield from [Offer(name, "block") for name in _entries(cursor.root, "blocks")]
    elif key == "type":
        yield from _types(cursor)
    elif key in _LISTS and isinstance(cursor.steps[-1].node, Sequence):
        yield Offer("{type: }", "key", "a layer", "{type: }")
        yield Offer("{use: }", "key", "a block", "{use: }")
    else:
        yield from _option_values(mapping, key)
        if _is_inside_layers(named):
            yield from [Offer(f"${name}", "param") for name in _params_here(cursor)]


def _is_inside_layers(named: list[str]) -> bool:
    return bool(named) and (named[0] in ("layers", "blocks", "variants"))


def _types(cursor: Cursor) -> Iterator[Offer]:
    named = [step.key for step in cursor.steps if isinstance(step.key, str)]
    role = {"norm": "norm", "activation": "activation", "scale_activation": "activation"}.get(
        named[-2] if len(named) > 1 else ""
    )
    names = types_with_role(role) if role else (*known_types(), *COMBINATORS)
    yield from [Offer(name, "type") for name in names]


def _option_values(item: Mapping, key: str) -> Iterator[Offer]:
    kind = _text(item, "type")
    if key == "merge" and kind == "branches":
        yield from [Offer(word, "value") for word in MERGES]
    elif key == "shortcut":
        yield from [Offer(word, "value") for word in ("identity", "project", "if_same")]
    elif key in ("norm", "activation", "scale_activation") and kind in COMBINATORS:
        yield from [Offer(name, "type") for name in types_with_role("norm" if key == "norm" else "activation")]
    elif key in ("when", "split") or (key == "share" and "repeat" in item.entries):
        yield from [Offer(word, "value") for word in ("true", "false")]
    else:
        yield from [Offer(word, "value") for word in _words_of(_options(kind).get(key, {}))]


def _words_of(schema: dict[str, Any]) -> Iterator[str]:
    """The words that a schema names."""
    for word in schema.get("enum", ()):
        yield str(word)
    if "const" in schema:
        yield str(schema["const"])
    if schema.get("type") == "boolean":
        yield from ("true", "false")
    for part in schema.get("anyOf", ()):
        yield from _words_of(part)


def _expression(cursor: Cursor) -> Iterator[Offer]:
    """Params, what is built in, and functions; behind a bare `$` params alone."""
    yield from [Offer(name, "param") for name in _params_here(cursor)]
    yield from [Offer(name, "param", "built in") for name in BUILT_IN_NAMES if name not in _NAMES]
    if cursor.text.startswith("$("):
        yield from [Offer(name, "function", insert=f"{name}(") for name in function_names()]


def _bases(folder: Path | None) -> Iterator[Offer]:
    if folder is not None:
        with suppress(OSError):
            paths = islice(folder.glob("*.yaml"), MOST_FILES)
            yield from [Offer(path.name, "file") for path in sorted(paths)]
    yield from [Offer(name, "preset") for name in preset_names()]


# names


def _params_here(cursor: Cursor) -> Iterator[str]:
    """The params that an expression at the cursor sees."""
    yield from _entries(cursor.root, "params")
    named = [step.key for step in cursor.steps if isinstance(step.key, str)]
    if len(named) > 1 and named[0] == "blocks":
        block = _block(cursor.root, named[1])
        params = None if block is None else block.entries.get("params")
        if isinstance(params, Mapping):
            yield from params.entries


def _visible(cursor: Cursor) -> Iterator[Offer]:
    """The earlier items of the lists around the cursor, as far as the block; then what enters it."""
    for step in reversed(cursor.steps):
        if isinstance(step.node, Sequence) and isinstance(step.key, int):
            yield from _names_in(step.node.items[: step.key], cursor.root)
    named = [step.key for step in cursor.steps if isinstance(step.key, str)]
    if named[0] == "blocks" and len(named) > 1:
        block = _block(cursor.root, named[1])
        inputs = None if block is None else block.entries.get("inputs")
        if isinstance(inputs, Sequence):
            yield from [Offer(item.text, "name", "input") for item in inputs.items if isinstance(item, Scalar)]
        return
    yield Offer("input", "name", "the network's input")
    entering = cursor.root.entries.get("input")
    if isinstance(entering, Mapping):
        yield from [Offer(name, "name", "input") for name in entering.entries]


def _names_at(node: Node | None) -> Iterator[Offer]:
    if isinstance(node, Sequence):
        yield from _names_in(node.items, None)


def _names_in(items: list[Node], root: Mapping | None) -> Iterator[Offer]:
    """The names of items; of those with `repeat` all of them, and a block's outputs."""
    for item in items:
        name = _text(item, "name")
        if not name or not isinstance(item, Mapping):
            continue
        yield Offer(name, "name", _text(item, "type") or _text(item, "use"))
        if "repeat" in item.entries:
            yield Offer(f"{name}.*", "name", "all repetitions")
        block = None if root is None else _block(root, _text(item, "use"))
        outputs = None if block is None else block.entries.get("outputs")
        if isinstance(outputs, Sequence):
            yield from [Offer(f"{name}.{o.text}", "name", "output") for o in outputs.items if isinstance(o, Scalar)]


def _entries(root: Mapping, key: str) -> list[str]:
    node = root.entries.get(key)
    return list(node.entries) if isinstance(node, Mapping) else []


def _block(root: Mapping, name: str) -> Mapping | None:
    blocks = root.entries.get("blocks")
    block = blocks.entries.get(name) if isinstance(blocks, Mapping) else None
    return block if isinstance(block, Mapping) else None


def _text(node: Node, key: str) -> str:
    value = node.entries.get(key) if isinstance(node, Mapping) else None
    return value.text if isinstance(value, Scalar) and isinstance(value.value, str) else ""
