"""The top level of a config: its keys, what it extends, its params and variants."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, TypeVar

from archlab.config.syntax.limits import MAX_PARAMS
from archlab.config.syntax.naming import name_fault
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, kind
from archlab.config.tree.argument import Argument
from archlab.config.tree.items import ITEM_KEYS, Layers, all_items
from archlab.config.tree.reader import ItemReader, Replaced
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import Problems, single_problem
from archlab.diagnostics.suggest import closest, did_you_mean
from archlab.diagnostics.words import listed

LANGUAGE_VERSION = 1

KEYS = (
    *("archlab", "name", "description", "extends", "input", "params", "variants"),
    *("blocks", "layers", "outputs", "init", "expect"),
)
VARIANT_KEYS = ("input", "outputs", "expect")
"""What a variant may carry besides its assignments; no param can have these names."""

BLOCK_KEYS = ("description", "params", "inputs", "layers", "outputs", "init")
BUILT_IN_NAMES = ("in_channels", "in_size", "block_in", "block_in_size", "input_size", "index", "true", "false", "null")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
MAX_TITLE_LENGTH = 100
"""Characters of a network's name."""
_NodeT = TypeVar("_NodeT", bound=Node)

Params = dict[str, Any]
Override = Callable[[Layers, Mapping], Replaced]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A reusable list of layers with params, and with inputs and outputs of its own where it has several.

    Attributes:
        name: as items use it.
        place: where it is defined.
        params: default values; one that is null is required.
        layers: the items.
        inputs: names of what enters: the line above, then what `with` names.
        outputs: names of what comes out; the last layer where there are none.
        init: initialisers of the layers in it, by layer type.
    """

    name: str
    place: Place
    params: dict[str, Argument]
    layers: Layers
    inputs: dict[str, Place]
    outputs: tuple[Scalar, ...]
    init: Mapping | None


@dataclass(slots=True)
class Variant:
    """Named assignments of declared params."""

    name: str
    assignments: dict[str, Node]
    keys: dict[str, Place]
    place: Place
    input: Node | None = None
    outputs: Node | None = None
    expect: Mapping | None = None


@dataclass(slots=True)
class Document:
    """A config as written, with `extends` applied; nothing is expanded yet."""

    source: Source
    name: str
    place: Place
    description: str = ""
    extends: Place | None = None
    """Where it names the config that it extends."""
    input: Node | None = None
    params: dict[str, Node] = field(default_factory=dict)
    variants: dict[str, Variant] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)
    names: AbstractSet[str] = frozenset()
    """Of all items, for hints."""
    layers: Layers | None = None
    written: Sequence | None = None
    """The layers as YAML, for a config that extends this one."""
    replaced: Replaced = field(default_factory=dict)
    """Items of `written` that stand there with other arguments."""
    outputs: Node | None = None
    outputs_inherited: Place | None = None
    """Where the extending file can mend outputs that are the extended one's; None where they are its own."""
    init: Mapping | None = None
    expect: Mapping | None = None


def is_identifier(name: str) -> bool:
    """Whether a word can name a param, block or variant."""
    return _IDENTIFIER.match(name) is not None


def _as_name(stem: str) -> str:
    """A network's name from that of its file, which may hold anything."""
    return "".join(letter if letter.isprintable() else "_" for letter in stem)[:MAX_TITLE_LENGTH]


def _is_bare_layer(node: Node) -> bool:
    """Whether a mapping is an item that stands where a list of items should."""
    return isinstance(node, Mapping) and ("type" in node.entries or "use" in node.entries)


class DocumentReader:
    """Reads the top level of one file into a `Document`, collecting problems."""

    def __init__(self, root: Mapping, source: Source, default_name: str, problems: Problems) -> None:
        self._root = root
        self._source = source
        self._default_name = default_name
        self._problems = problems
        self._items = ItemReader().layers

    def read(self, base: Document | None, override_layers: Override) -> Document:
        """The document, on top of the one it extends.

        Args:
            base: the document that `extends` names.
            override_layers: finds the items of the base that a mapping gives new arguments by their names.
        """
        self._check_keys()
        own = Document(self._source, self._name(), self._root.place, description=self._text("description"))
        if base is not None:
            own.extends = self._root.keys["extends"]
            own.input, own.outputs, own.init = base.input, base.outputs, base.init
            own.params, own.blocks = dict(base.params), dict(base.blocks)
            own.layers, own.written, own.replaced = base.layers, base.written, base.replaced
        own.input = self._root.entries.get("input", own.input)
        own.outputs = self._root.entries.get("outputs", own.outputs)
        if own.outputs is not None and "outputs" not in self._root.entries:
            own.outputs_inherited = self._root.keys.get("layers", self._root.keys["extends"])
        own.init = self._typed("init", Mapping) or own.init
        own.expect = self._typed("expect", Mapping)
        self._read_blocks(own)
        self._read_params(own, base)
        self._read_layers(own, base, override_layers)
        self._read_variants(own)
        self._check_complete(own)
        lists = [block.layers for block in own.blocks.values()] + ([own.layers] if own.layers else [])
        own.names = {item.name for layers in lists for item in all_items(layers) if item.name is not None}
        return own

    def _add(self, message: str, code: str, place: Place) -> None:
        self._problems.add(message, code, place)

    def _check_keys(self) -> None:
        for key, place in self._root.keys.items():
            if key not in KEYS:
                hint = did_you_mean(key, KEYS) or f"; the keys are {', '.join(KEYS)}"
                self._add(f"a config has no key '{key}'{hint}", "unknown-key", place)
        version = self._root.entries.get("archlab")
        if version is not None and not (isinstance(version, Scalar) and version.value == LANGUAGE_VERSION):
            self._add(
                f"'archlab' is the version of the language and must be {LANGUAGE_VERSION}, not {kind(version)}",
                "version",
                version.place,
            )

    def _typed(self, key: str, wanted: type[_NodeT]) -> _NodeT | None:
        """The value of a key, if it is there and of the wanted form."""
        node = self._root.entries.get(key)
        return None if node is None else self._expect(node, wanted, f"'{key}'")

    def _expect(self, node: Node, wanted: type[_NodeT], what: str) -> _NodeT | None:
        if isinstance(node, wanted):
            return node
        if isinstance(node, Scalar) and node.value is None and wanted is not Scalar:
            self._add(f"{what} is empty; write its content, or leave it out", "wrong-type", node.place)
        else:
            word = {"Mapping": "a mapping (name: value)", "Sequence": "a list", "Scalar": "a single value"}
            hint = "; put a dash in front of each layer: - {type: conv2d, ...}" if _is_bare_layer(node) else ""
            self._add(f"{what} must be {word[wanted.__name__]}, not {kind(node)}{hint}", "wrong-type", node.place)
        return None

    def _name(self) -> str:
        name = self._text("name") or _as_name(self._default_name)
        if len(name) <= MAX_TITLE_LENGTH and name.isprintable():
            return name
        place = self._root.entries["name"].place if "name" in self._root.entries else self._root.place
        self._add(
            f"'name' must be 1 to {MAX_TITLE_LENGTH} printable characters, without marks that only turn or hide others",
            "bad-name",
            place,
        )
        return _as_name(self._default_name)

    def _text(self, key: str) -> str:
        node = self._typed(key, Scalar)
        if node is None:
            return ""
        if not isinstance(node.value, str):
            self._add(f"'{key}' must be a text, not {kind(node)}; put it in quotes", "wrong-type", node.place)
            return ""
        return node.value

    def _check_count(self, params: Mapping, owner: str) -> None:
        if len(params.entries) > MAX_PARAMS:
            message = f"{owner} has {len(params.entries):,} params; at most {MAX_PARAMS} are allowed"
            raise single_problem(message, "too-large", params.place)

    def _check_identifier(self, what: str, name: str, place: Place) -> bool:
        if not is_identifier(name):
            self._add(
                f"{what} '{name}' is not a name; use letters, digits and _, and begin with a letter", "bad-name", place
            )
            return False
        return True

    def _check_param_name(self, name: str, place: Place) -> bool:
        if name in BUILT_IN_NAMES or name in VARIANT_KEYS:
            self._add(f"'{name}' already has a meaning; give the param another name", "bad-name", place)
            return False
        return self._check_identifier("the param", name, place)

    def _read_params(self, own: Document, base: Document | None) -> None:
        params = self._typed("params", Mapping)
        if params is None:
            return
        own_layers = isinstance(self._root.entries.get("layers"), Sequence)
        self._check_count(params, "the file")
        may_declare = base is None or own_layers or "blocks" in self._root.entries
        for name, node in params.entries.items():
            place = params.keys[name]
            if not may_declare and name not in own.params:
                hint = did_you_mean(name, own.params) or f"; it has {listed(own.params)}"
                self._add(f"the extended config has no param '{name}'{hint}", "unknown-param", place)
            elif self._check_param_name(name, place):
                own.params[name] = node

    def _read_blocks(self, own: Document) -> None:
        blocks = self._typed("blocks", Mapping)
        for name, node in blocks.entries.items() if blocks else ():
            assert blocks is not None
            place = blocks.keys[name]
            mapping = self._expect(node, Mapping, f"block '{name}'")
            if mapping is None or not self._check_identifier("the block", name, place):
                continue
            block = self._block(name, mapping, place)
            if block is not None:
                own.blocks[name] = block

    def _block(self, name: str, mapping: Mapping, place: Place) -> Block | None:
        for key, key_place in mapping.keys.items():
            if key not in BLOCK_KEYS:
                hint = did_you_mean(key, BLOCK_KEYS) or f"; it has {', '.join(BLOCK_KEYS)}"
                self._add(f"block '{name}' has no key '{key}'{hint}", "unknown-key", key_place)
        params = self._block_params(name, mapping.entries.get("params"))
        inputs = self._block_inputs(name, mapping.entries.get("inputs"))
        outputs = self._words(f"'outputs' of block '{name}'", mapping.entries.get("outputs"))
        layers = mapping.entries.get("layers")
        if layers is None:
            self._add(f"block '{name}' needs 'layers'", "missing", place)
            return None
        sequence = self._expect(layers, Sequence, f"'layers' of block '{name}'")
        init = mapping.entries.get("init")
        init = None if init is None else self._expect(init, Mapping, f"'init' of block '{name}'")
        return None if sequence is None else Block(name, place, params, self._items(sequence), inputs, outputs, init)

    def _block_params(self, name: str, declared: Node | None) -> dict[str, Argument]:
        if declared is None or (isinstance(declared, Scalar) and declared.value is None):
            return {}
        params = self._expect(declared, Mapping, f"'params' of block '{name}'")
        if params is None:
            return {}
        self._check_count(params, f"block '{name}'")
        return {
            key: Argument(value)
            for key, value in params.entries.items()
            if self._check_block_param(key, params.keys[key])
        }

    def _block_inputs(self, name: str, declared: Node | None) -> dict[str, Place]:
        inputs: dict[str, Place] = {}
        for word in self._words(f"'inputs' of block '{name}'", declared):
            fault = name_fault(word.text)
            if fault is not None:
                self._add(f"the name '{word.text}' {fault}", "bad-name", word.place)
            inputs[word.text] = word.place
        return inputs

    def _words(self, what: str, node: Node | None) -> tuple[Scalar, ...]:
        """A name or a list of different names."""
        if node is None:
            return ()
        words: dict[str, Scalar] = {}
        for item in node.items if isinstance(node, Sequence) else [node]:
            if not isinstance(item, Scalar) or not isinstance(item.value, str):
                self._add(f"{what} are names such as [x, skip], not {kind(item)}", "wrong-type", item.place)
            elif item.text in words:
                self._add(f"{what} name '{item.text}' twice", "duplicate-name", item.place)
            else:
                words[item.text] = item
        return tuple(words.values())

    def _check_block_param(self, name: str, place: Place) -> bool:
        if name in ITEM_KEYS:
            self._add(f"'{name}' is a key of every item; give the param another name", "bad-name", place)
            return False
        return self._check_param_name(name, place)

    def _read_layers(self, own: Document, base: Document | None, override: Override) -> None:
        node = self._root.entries.get("layers")
        if node is None:
            return
        if base is not None and base.layers is not None and isinstance(node, Mapping):
            own.replaced = {**base.replaced, **override(base.layers, node)}
        else:
            sequence = self._expect(node, Sequence, "'layers'")
            if sequence is None:
                return
            own.written, own.replaced = sequence, {}
        assert own.written is not None
        own.layers = ItemReader(own.replaced).layers(own.written) if own.replaced else self._items(own.written)

    def _read_variants(self, own: Document) -> None:
        variants = self._typed("variants", Mapping)
        for name, node in variants.entries.items() if variants else ():
            assert variants is not None
            place = variants.keys[name]
            if not self._check_identifier("the variant", name, place):
                continue
            if isinstance(node, Scalar) and node.value is None:
                mapping: Mapping | None = Mapping({}, {}, node.place)
            else:
                mapping = self._expect(node, Mapping, f"variant '{name}'")
            if mapping is not None:
                own.variants[name] = self._variant(name, mapping, place, own)

    def _variant(self, name: str, mapping: Mapping, place: Place, own: Document) -> Variant:
        variant = Variant(name, {}, mapping.keys, place)
        for key, value in mapping.entries.items():
            if key == "input":
                variant.input = value
            elif key == "outputs":
                variant.outputs = value
            elif key == "expect":
                variant.expect = self._expect(value, Mapping, "'expect'")
            elif key in own.params:
                variant.assignments[key] = value
            else:
                known = [*own.params, *VARIANT_KEYS]
                hint = did_you_mean(key, known) or f"; declared are {listed(own.params)}"
                message = f"variant '{name}' sets '{key}', which is not a param{hint}"
                self._add(message, "unknown-param", mapping.keys[key])
        return variant

    def _check_complete(self, own: Document) -> None:
        meant = {closest(key, KEYS) for key in self._root.entries if key not in KEYS}
        values = {"input": own.input, "layers": own.layers}
        missing = [key for key, value in values.items() if value is None and key not in {*self._root.entries, *meant}]
        if missing:
            examples = {"input": "input: [3, 224, 224]", "layers": "layers: [{type: relu}]"}
            what = " and ".join(f"'{key}'" for key in missing)
            example = ", ".join(examples[key] for key in missing)
            self._add(f"the config needs {what}, for example {example}", "missing", self._start())
        if own.layers is not None and not own.layers.items:
            self._add("'layers' is empty; a network needs at least one layer", "missing", own.layers.place)

    def _start(self) -> Place:
        place = self._root.place
        return Place(place.source, place.line, place.column, place.line, place.column + 1)
