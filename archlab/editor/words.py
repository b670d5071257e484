"""The words that a config defines and names again: blocks, params, names of items. For definitions and renaming."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from archlab.config.syntax.expressions import names_in
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence
from archlab.config.tree.document import VARIANT_KEYS
from archlab.config.tree.items import ITEM_KEYS
from archlab.diagnostics.place import Place

Kind = Literal["block", "param", "name", "variant", "input"]
_LISTS = ("body", "shortcut", "paths")


@dataclass(eq=False)
class Word:
    """Something that a config defines.

    Attributes:
        kind: what it is.
        name: how it is called.
        place: where it is defined.
        whole: what belongs to it, its definition among it.
        item: of a name, the item that has it.
        uses: where it is named again; None among them for a use that cannot be pointed at.
    """

    kind: Kind
    name: str
    place: Place
    whole: Place
    item: Mapping | None = None
    uses: list[Place | None] = field(default_factory=list)

    @property
    def places(self) -> list[Place]:
        """The definition and every use that can be pointed at, each once: an alias is no second text."""
        found = [self.place, *[place for place in self.uses if place is not None]]
        return list({place[1:]: place for place in found}.values())


Scope = dict[str, Word]


class Words:
    """All words of one file, found in its tree once.

    Attributes:
        found: in the order of their definitions.
        blocks: by name.
        params: the file's, by name.
    """

    def __init__(self, root: Mapping) -> None:
        self.found: list[Word] = []
        self.blocks: Scope = {}
        self.params: Scope = {}
        self._block_params: dict[str, Scope] = {}
        self._block_names: dict[str, Scope] = {}
        self._lists: dict[int, Scope] = {}
        self._inner_names: list[tuple[Word, Scalar]] = []
        """References that go on behind a name, to what is in its item."""
        entries = root.entries
        self._define_top(root)
        for key in ("input", "init", "expect", "params"):
            self._expressions(entries.get(key), self.params)
        self._variants(entries.get("variants"))
        blocks = entries.get("blocks")
        if isinstance(blocks, Mapping):
            for name, block in blocks.entries.items():
                if isinstance(block, Mapping):
                    self._block(name, block)
        names = self._inputs(entries.get("input"))
        self._layers(entries.get("layers"), self.params, [names])
        self._references(entries.get("outputs"), [self._scope_of(entries.get("layers")), names])
        for word, reference in self._inner_names:  # once all blocks are known
            self._follow(word, reference)

    def at(self, line: int, column: int) -> Word | None:
        """The word at a position, its definition or a use of it."""
        for word in self.found:
            for place in word.places:
                if place.line == line and place.column <= column <= place.end_column:
                    return word
        return None

    def _define(self, kind: Kind, name: str, place: Place, whole: Place) -> Word:
        word = Word(kind, name, place, whole)
        self.found.append(word)
        return word

    def _define_top(self, root: Mapping) -> None:
        params, blocks = root.entries.get("params"), root.entries.get("blocks")
        if isinstance(params, Mapping):
            self.params = self._param_scope(params)
        if isinstance(blocks, Mapping):
            for name, block in blocks.entries.items():
                self.blocks[name] = self._define("block", name, blocks.keys[name], block.place)
                own = block.entries.get("params") if isinstance(block, Mapping) else None
                self._block_params[name] = self._param_scope(own) if isinstance(own, Mapping) else {}

    def _param_scope(self, params: Mapping) -> Scope:
        return {
            name: self._define("param", name, params.keys[name], value.place) for name, value in params.entries.items()
        }

    def _variants(self, node: Node | None) -> None:
        if not isinstance(node, Mapping):
            return
        for name, variant in node.entries.items():
            self._define("variant", name, node.keys[name], variant.place)
            if isinstance(variant, Mapping):
                for key, value in variant.entries.items():
                    if key in self.params and key not in VARIANT_KEYS:
                        self.params[key].uses.append(variant.keys[key])
                    self._expressions(value, self.params)

    def _inputs(self, node: Node | None) -> Scope:
        """Several inputs of a network, or those of a block."""
        if isinstance(node, Mapping):
            return {name: self._define("input", name, place, place) for name, place in node.keys.items()}
        if isinstance(node, Sequence) and all(
            isinstance(item, Scalar) and isinstance(item.value, str) and "$" not in item.text for item in node.items
        ):
            scalars = [item for item in node.items if isinstance(item, Scalar)]
            return {item.text: self._define("input", item.text, item.place, item.place) for item in scalars}
        return {}

    def _block(self, name: str, block: Mapping) -> None:
        seen = {**self.params, **self._block_params[name]}
        self._expressions(block.entries.get("params"), seen)
        self._expressions(block.entries.get("init"), seen)
        inputs = self._inputs(block.entries.get("inputs"))
        layers = block.entries.get("layers")
        self._layers(layers, seen, [inputs])
        self._references(block.entries.get("outputs"), [self._scope_of(layers), inputs])
        self._block_names[name] = {**inputs, **self._scope_of(layers)}

    def _scope_of(self, node: Node | None) -> Scope:
        return self._lists.get(id(node), {})

    def _layers(self, node: Node | None, params: Scope, around: list[Scope]) -> None:
        """A list of items; a mapping there gives other arguments to the items of another file."""
        if isinstance(node, Mapping):
            self._expressions(node, params)
        if not isinstance(node, Sequence) or id(node) in self._lists:
            return
        own: Scope = {}
        self._lists[id(node)] = own
        for item in node.items:
            if isinstance(item, Mapping):
                self._item_of(own, item, params, around)

    def _item_of(self, own: Scope, item: Mapping, params: Scope, around: list[Scope]) -> None:
        """An item of a list, and the name that it gives to what comes behind it."""
        self._item(item, params, [own, *around])
        name = item.entries.get("name")
        if isinstance(name, Scalar) and isinstance(name.value, str):
            word = own[name.value] = self._define("name", name.value, name.place, item.place)
            word.item = item

    def _item(self, item: Mapping, params: Scope, scopes: list[Scope]) -> None:
        used = item.entries.get("use")
        block = used.text if isinstance(used, Scalar) else ""
        if isinstance(used, Scalar) and block in self.blocks:
            self.blocks[block].uses.append(_whole_text(used))
        elif block.startswith("$"):  # it may be any of them
            for word in self.blocks.values():
                word.uses.append(None)
        for key, value in item.entries.items():
            if key in ("from", "with") or (key == "share" and not _is_boolean(value)):
                self._references(value, scopes)
            elif key in _LISTS:
                self._inner(key, value, params, scopes)
            elif key not in ("name", "use", "type"):
                self._argument(item, key, block)
                if key in ("first", "last") and isinstance(value, Mapping):
                    for own in value.entries:
                        self._argument(value, own, block)
                self._expressions(value, params)
            else:
                self._expressions(value, params)

    def _argument(self, mapping: Mapping, key: str, block: str) -> None:
        """An argument of a use names a param of its block."""
        if block.startswith("$"):
            for params in self._block_params.values():
                if key in params:
                    params[key].uses.append(None)
        param = self._block_params.get(block, {}).get(key)
        if param is not None and key not in ITEM_KEYS:
            param.uses.append(mapping.keys[key])

    def _inner(self, key: str, value: Node, params: Scope, scopes: list[Scope]) -> None:
        if key != "paths" or not isinstance(value, Sequence):
            self._layers(value, params, scopes)
            return
        for path in value.items:
            if isinstance(path, Mapping) and "layers" in path.entries and not {"type", "use"} & path.entries.keys():
                self._layers(path.entries["layers"], params, scopes)
                for own in ("when", "repeat"):
                    self._expressions(path.entries.get(own), params)
            elif isinstance(path, Mapping):  # a path of one layer
                self._item_of({}, path, params, scopes)
            else:
                self._layers(path, params, scopes)

    def _references(self, node: Node | None, scopes: list[Scope]) -> None:
        """Names of earlier items, each alone, in a list, or by label."""
        nodes = list(node.entries.values()) if isinstance(node, Mapping) else []
        nodes = list(node.items) if isinstance(node, Sequence) else nodes or ([node] if node is not None else [])
        for reference in nodes:
            if not isinstance(reference, Scalar) or not isinstance(reference.value, str):
                continue
            head = reference.value.partition(".")[0]
            word = next((scope[head] for scope in scopes if head in scope), None)
            if word is not None:
                place = _whole_text(reference)
                word.uses.append(None if place is None else place.within(0, len(head)))
                if head != reference.value:
                    self._inner_names.append((word, reference))

    def _follow(self, word: Word, reference: Scalar) -> None:
        """The names behind the first of `stacks.0.maps`: numbers and stars are repetitions."""
        whole = _whole_text(reference)
        found: Word | None = word
        offset = 0
        for part in reference.text.split("."):
            if offset and not (part.isdecimal() or part == "*"):
                found = self._inside(found).get(part)
                if found is None:
                    return
                found.uses.append(None if whole is None else whole.within(offset, len(part)))
            offset += len(part) + 1

    def _inside(self, word: Word | None) -> Scope:
        """The names in an item: those of its block, or of its own lists."""
        item = None if word is None else word.item
        if item is None:
            return {}
        used = item.entries.get("use")
        if isinstance(used, Scalar):
            return self._block_names.get(used.text, {})
        found: Scope = {}
        for key in _LISTS:
            value = item.entries.get(key)
            found |= self._scope_of(value)
            for path in value.items if isinstance(value, Sequence) else ():
                found |= self._scope_of(path)
        return found

    def _expressions(self, node: Node | None, params: Scope) -> None:
        """The params that expressions name."""
        if isinstance(node, Mapping):
            for value in node.entries.values():
                self._expressions(value, params)
        elif isinstance(node, Sequence):
            for value in node.items:
                self._expressions(value, params)
        elif isinstance(node, Scalar):
            for name, place in named_in(node):
                if name in params:
                    params[name].uses.append(place)


def _is_boolean(node: Node) -> bool:
    return isinstance(node, Scalar) and (isinstance(node.value, bool) or node.text.startswith("$"))


def _whole_text(node: Scalar) -> Place | None:
    """Where a scalar's own text stands, without quotes; None where it is not written as it reads."""
    place = node.place
    if place.line != place.end_line:
        return None
    written = place.source.line(place.line)[place.column : place.end_column]
    at = 0 if node.plain else 1
    return place.within(at, len(node.text)) if written[at : at + len(node.text)] == node.text else None


def named_in(node: Scalar) -> Iterator[tuple[str, Place | None]]:
    """The names in an expression, each with its place."""
    whole = _whole_text(node)
    for name, offset in names_in(node.text):
        yield name, None if whole is None else whole.within(offset, len(name))
