"""From the mapping of a file to its `Document`, collecting problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from archlab.config.syntax.limits import MAX_PARAMS
from archlab.config.syntax.naming import name_fault
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, kind
from archlab.config.tree.argument import Argument
from archlab.config.tree.document import (
    BLOCK_KEYS,
    BUILT_IN_NAMES,
    EXTENDING_BLOCK_KEYS,
    KEYS,
    LANGUAGE_VERSION,
    VARIANT_KEYS,
    Block,
    Document,
    Variant,
    is_identifier,
)
from archlab.config.tree.items import ITEM_KEYS, BrokenItem, Item, Layers, ShareItem, all_items
from archlab.config.tree.overrides import read_overrides
from archlab.config.tree.reader import ItemReader, Written
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import Problems, single_problem
from archlab.diagnostics.suggest import closest, did_you_mean
from archlab.diagnostics.words import listed

MAX_TITLE_LENGTH = 100
"""Characters of a network's name."""

LoadBase = Callable[[Source, Node], Document | None]
"""What `extends` names, from the text that it stands in."""
_NodeT = TypeVar("_NodeT", bound=Node)


def _as_name(stem: str) -> str:
    """A network's name from that of its file, which may hold anything."""
    return "".join(letter if letter.isprintable() else "_" for letter in stem)[:MAX_TITLE_LENGTH]


def _is_bare_layer(node: Node) -> bool:
    """Whether a mapping is an item that stands where a list of items should."""
    return isinstance(node, Mapping) and ("type" in node.entries or "use" in node.entries)


class DocumentReader:
    """Reads the top level of one file into a `Document`, collecting problems."""

    def __init__(
        self,
        root: Mapping,
        source: Source,
        default_name: str,
        problems: Problems,
        load_base: LoadBase,
        *,
        block: str = "",
    ) -> None:
        """Prepare to read.

        Args:
            root: the mapping.
            source: the text it stands in.
            default_name: of the network.
            problems: the collector.
            load_base: loads what a block extends.
            block: of the block whose mapping it is; empty for a whole file.
        """
        self._load_base = load_base
        self._block_name = block
        self._root = root
        self._source = source
        self._default_name = default_name
        self._problems = problems

    def read(self, base: Document | None) -> Document:
        """The document, on top of the one it extends.

        Args:
            base: the document that `extends` names.
        """
        self._check_keys()
        entries, keys = self._root.entries, self._root.keys
        name, description = self._name(), self._text("description") or ""
        init, expect = self._typed("init", Mapping), self._typed("expect", Mapping)
        blocks = {**base.blocks, **self._blocks()} if base else self._blocks()
        params = {**base.params, **self._params(base)} if base else self._params(None)
        written, layers = self._written(base), base.layers if base else None
        if written is not None:
            layers = ItemReader(written.replaced).layers(written.node)
        variants = self._variants(params)
        outputs = entries.get("outputs", base.outputs if base else None)
        items = _items([block.layers for block in blocks.values()] + ([layers] if layers else []))
        is_inherited = outputs is not None and "outputs" not in entries
        document = Document(
            source=self._source,
            name=name,
            place=self._root.place,
            description=description,
            extends=keys["extends"] if base else None,
            input=entries.get("input", base.input if base else None),
            params=params,
            variants=variants,
            blocks=blocks,
            layers=layers,
            written=written or (base.written if base else None),
            names=frozenset([item.name for item in items if item.name is not None]),
            shares=_share(items)
            or any(block.library is not None and block.library.shares for block in blocks.values()),
            outputs=outputs,
            outputs_inherited=keys.get("layers", keys["extends"]) if is_inherited else None,
            init=init or (base.init if base else None),
            expect=expect,
        )
        self._check_complete(document)
        return document

    def _add(self, message: str, code: Code, place: Place) -> None:
        self._problems.add(message, code, place)

    def _check_keys(self) -> None:
        known = EXTENDING_BLOCK_KEYS if self._block_name else KEYS
        whose = f"block '{self._block_name}', which extends a config," if self._block_name else "a config"
        for key, place in self._root.keys.items():
            if key not in known:
                hint = did_you_mean(key, known) or f"; the keys are {', '.join(known)}"
                self._add(f"{whose} has no key '{key}'{hint}", Code.UNKNOWN_KEY, place)
        version = self._root.entries.get("archlab")
        if version is not None and not (isinstance(version, Scalar) and version.value == LANGUAGE_VERSION):
            self._add(
                f"'archlab' is the version of the language and must be {LANGUAGE_VERSION}, not {kind(version)}",
                Code.VERSION,
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
            self._add(f"{what} is empty; write its content, or leave it out", Code.WRONG_TYPE, node.place)
        else:
            word = {"Mapping": "a mapping (name: value)", "Sequence": "a list", "Scalar": "a single value"}
            hint = "; put a dash in front of each layer: - {type: conv2d, ...}" if _is_bare_layer(node) else ""
            self._add(f"{what} must be {word[wanted.__name__]}, not {kind(node)}{hint}", Code.WRONG_TYPE, node.place)
        return None

    def _name(self) -> str:
        name = self._text("name")
        if name is None:
            return _as_name(self._default_name)
        if 0 < len(name) <= MAX_TITLE_LENGTH and name.isprintable():
            return name
        self._add(
            f"'name' must be 1 to {MAX_TITLE_LENGTH} printable characters, without marks that only turn or hide others",
            Code.BAD_NAME,
            self._root.entries["name"].place,
        )
        return _as_name(self._default_name)

    def _text(self, key: str) -> str | None:
        node = self._typed(key, Scalar)
        if node is None:
            return None
        if not isinstance(node.value, str):
            self._add(f"'{key}' must be a text, not {kind(node)}; put it in quotes", Code.WRONG_TYPE, node.place)
            return None
        return node.value

    def _check_count(self, params: Mapping, owner: str) -> None:
        if len(params.entries) > MAX_PARAMS:
            message = f"{owner} has {len(params.entries):,} params; at most {MAX_PARAMS} are allowed"
            raise single_problem(message, Code.TOO_LARGE, params.place)

    def _check_identifier(self, what: str, name: str, place: Place) -> bool:
        if not is_identifier(name):
            self._add(
                f"{what} '{name}' is not a name; use letters, digits and _, and begin with a letter",
                Code.BAD_NAME,
                place,
            )
            return False
        return True

    def _check_param_name(self, name: str, place: Place) -> bool:
        if name in BUILT_IN_NAMES or name in VARIANT_KEYS:
            self._add(f"'{name}' already has a meaning; give the param another name", Code.BAD_NAME, place)
            return False
        return self._check_identifier("the param", name, place)

    def _params(self, base: Document | None) -> dict[str, Argument]:
        params = self._typed("params", Mapping)
        if params is None:
            return {}
        own_layers = isinstance(self._root.entries.get("layers"), Sequence)
        self._check_count(params, "the file")
        may_declare = base is None or own_layers or "blocks" in self._root.entries
        found: dict[str, Argument] = {}
        for name, node in params.entries.items():
            place = params.keys[name]
            if base is not None and not may_declare and name not in base.params:
                hint = did_you_mean(name, base.params) or f"; it has {listed(base.params)}"
                self._add(f"the extended config has no param '{name}'{hint}", Code.UNKNOWN_PARAM, place)
            elif self._check_param_name(name, place):
                found[name] = Argument(node)
        return found

    def _blocks(self) -> dict[str, Block]:
        blocks = self._typed("blocks", Mapping)
        found: dict[str, Block] = {}
        for name, node in blocks.entries.items() if blocks else ():
            assert blocks is not None
            place = blocks.keys[name]
            mapping = self._expect(node, Mapping, f"block '{name}'")
            if mapping is None or not self._check_identifier("the block", name, place):
                continue
            extends = "extends" in mapping.entries
            block = self._network_block(name, mapping, place) if extends else self._block(name, mapping, place)
            if block is not None:
                found[name] = block
        return found

    def _block(self, name: str, mapping: Mapping, place: Place) -> Block | None:
        for key, key_place in mapping.keys.items():
            if key not in BLOCK_KEYS:
                hint = did_you_mean(key, BLOCK_KEYS) or f"; it has {', '.join(BLOCK_KEYS)}"
                self._add(f"block '{name}' has no key '{key}'{hint}", Code.UNKNOWN_KEY, key_place)
        params = self._block_params(name, mapping.entries.get("params"))
        inputs = self._block_inputs(name, mapping.entries.get("inputs"))
        outputs = self._words(f"'outputs' of block '{name}'", mapping.entries.get("outputs"))
        layers = mapping.entries.get("layers")
        if layers is None:
            self._add(f"block '{name}' needs 'layers'", Code.MISSING, place)
            return None
        sequence = self._expect(layers, Sequence, f"'layers' of block '{name}'")
        init = mapping.entries.get("init")
        init = None if init is None else self._expect(init, Mapping, f"'init' of block '{name}'")
        return (
            None
            if sequence is None
            else Block(name, place, params, ItemReader().layers(sequence), inputs, outputs, init)
        )

    def _network_block(self, name: str, mapping: Mapping, place: Place) -> Block | None:
        """A block that is the network of another config, up to the last of its outputs."""
        base = self._load_base(self._source, mapping.entries["extends"])
        if base is None:
            return None
        reader = DocumentReader(mapping, self._source, name, self._problems, self._load_base, block=name)
        own = reader.read(base)
        if own.layers is None:
            return None
        references = own.outputs
        if isinstance(references, Mapping):
            references = Sequence(list(references.entries.values()), references.place)
        outputs = self._words(f"'outputs' of block '{name}'", references) if _is_given(references) else ()
        inherited = mapping.keys["extends"] if outputs and "outputs" not in mapping.entries else None
        layers = _up_to(own.layers, outputs)
        params = mapping.entries.get("params")
        values = frozenset(params.entries) if isinstance(params, Mapping) else frozenset()
        library = replace(own, source=base.source)
        inputs = own.input.keys if isinstance(own.input, Mapping) and own.input.keys else {"input": place}
        return Block(name, place, own.params, layers, dict(inputs), outputs, own.init, library, inherited, values)

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
                self._add(f"the name '{word.text}' {fault}", Code.BAD_NAME, word.place)
            inputs[word.text] = word.place
        return inputs

    def _words(self, what: str, node: Node | None) -> tuple[Scalar, ...]:
        """A name or a list of different names."""
        if node is None:
            return ()
        words: dict[str, Scalar] = {}
        for item in node.items if isinstance(node, Sequence) else [node]:
            if not isinstance(item, Scalar) or not isinstance(item.value, str):
                self._add(f"{what} are names such as [x, skip], not {kind(item)}", Code.WRONG_TYPE, item.place)
            elif item.text in words:
                self._add(f"{what} name '{item.text}' twice", Code.DUPLICATE_NAME, item.place)
            else:
                words[item.text] = item
        return tuple(words.values())

    def _check_block_param(self, name: str, place: Place) -> bool:
        if name in ITEM_KEYS:
            self._add(f"'{name}' is a key of every item; give the param another name", Code.BAD_NAME, place)
            return False
        return self._check_param_name(name, place)

    def _written(self, base: Document | None) -> Written | None:
        """The layers that the file itself writes, or that it makes of those it extends."""
        node = self._root.entries.get("layers")
        if node is None:
            return None
        if base is not None and base.layers is not None and base.written is not None and isinstance(node, Mapping):
            return Written(
                base.written.node, {**base.written.replaced, **read_overrides(base.layers, node, self._problems)}
            )
        sequence = self._expect(node, Sequence, "'layers'")
        return None if sequence is None else Written(sequence, {})

    def _variants(self, params: dict[str, Argument]) -> dict[str, Variant]:
        variants = self._typed("variants", Mapping)
        found: dict[str, Variant] = {}
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
                found[name] = self._variant(name, mapping, place, params)
        return found

    def _variant(self, name: str, mapping: Mapping, place: Place, params: dict[str, Argument]) -> Variant:
        assignments: dict[str, Argument] = {}
        expect: Mapping | None = None
        for key, value in mapping.entries.items():
            if key == "expect":
                expect = self._expect(value, Mapping, "'expect'")
            elif key in params:
                assignments[key] = Argument(value)
            elif key not in VARIANT_KEYS:
                hint = did_you_mean(key, [*params, *VARIANT_KEYS]) or f"; declared are {listed(params)}"
                message = f"variant '{name}' sets '{key}', which is not a param{hint}"
                self._add(message, Code.UNKNOWN_PARAM, mapping.keys[key])
        entries = mapping.entries
        return Variant(name, place, assignments, entries.get("input"), entries.get("outputs"), expect)

    def _check_complete(self, own: Document) -> None:
        meant = {closest(key, KEYS) for key in self._root.entries if key not in KEYS}
        values = {"input": own.input, "layers": own.layers}
        missing = [key for key, value in values.items() if value is None and key not in {*self._root.entries, *meant}]
        if missing:
            examples = {"input": "input: [3, 224, 224]", "layers": "layers: [{type: relu}]"}
            what = " and ".join(f"'{key}'" for key in missing)
            example = ", ".join(examples[key] for key in missing)
            self._add(f"the config needs {what}, for example {example}", Code.MISSING, self._start())
        if own.layers is not None and not own.layers.items:
            self._add("'layers' is empty; a network needs at least one layer", Code.MISSING, own.layers.place)

    def _start(self) -> Place:
        place = self._root.place
        return Place(place.source, place.line, place.column, place.line, place.column + 1)


def _share(items: list[Item | BrokenItem]) -> bool:
    """Whether any of them shares its weights."""
    return any(isinstance(item, ShareItem) or (isinstance(item, Item) and item.shares) for item in items)


def _is_given(node: Node | None) -> bool:
    """Whether a key has a value, null being none."""
    return node is not None and not (isinstance(node, Scalar) and node.value is None)


def _up_to(layers: Layers, outputs: tuple[Scalar, ...]) -> Layers:
    """A list up to the last item that an output needs; all of it where there are none, or one is unknown."""
    heads = {output.text.partition(".")[0] for output in outputs}
    last = -1
    for number, item in enumerate(layers.items):
        found = heads & _own_names(item)
        if found:
            heads -= found
            last = number
    return Layers(layers.items[: last + 1], layers.place) if outputs and not heads else layers


def _own_names(item: Item | BrokenItem) -> set[str]:
    """What references can name of an item of a list: its name, or those in it where it has none."""
    if item.name is not None:
        return {item.name}
    return {inner.name for part in item.lists for inner in all_items(part) if inner.name is not None}


def _items(lists: list[Layers]) -> list[Item | BrokenItem]:
    """All of them, those inside others too."""
    return [item for layers in lists for item in all_items(layers)]
