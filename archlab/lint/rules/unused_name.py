"""Params and blocks that nothing names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archlab.config.syntax.yaml_nodes import Node
from archlab.config.tree.dependence import words_in
from archlab.config.tree.document import Block, Document
from archlab.config.tree.items import Item, Layers, UseItem, all_items
from archlab.diagnostics.codes import RuleName
from archlab.lint.rule import Finding, Rule, Subject


def _find(subject: Subject) -> Iterator[Finding]:
    document = subject.document
    used = _used_blocks(document, [document.layers])
    for name, block in document.blocks.items():
        if name not in used and block.place.source is document.source:
            yield Finding(f"nothing uses the block '{name}'; leave it out", block.place)
    words = _words([document.layers, *[block.layers for block in document.blocks.values()]], _top_level(document))
    for name, default in document.params.items():
        if name not in words and default.place.source is document.source:
            yield Finding(f"no expression names the param '{name}'; use it or leave it out", default.place)
    inherited = set().union(*[_own_words(block) - block.params.keys() for block in document.blocks.values()])
    for name, block in document.blocks.items():
        if name in used and block.library is None and block.place.source is document.source:
            yield from _unused_params(block, inherited)


def _unused_params(block: Block, inherited: set[str]) -> Iterator[Finding]:
    """The params of a block that it does not name, nor any block that may be used in it and see them (`inherited`)."""
    words = _own_words(block) | inherited
    for name, default in block.params.items():
        if name not in words:
            message = f"nothing in the block '{block.name}' names its param '{name}'; use it or leave it out"
            yield Finding(message, default.place)


def _own_words(block: Block) -> set[str]:
    return _words(
        [block.layers], [*[param.node for param in block.params.values()], *([block.init] if block.init else [])]
    )


def _used_blocks(document: Document, lists: Iterable[Layers | None]) -> set[str]:
    """The blocks that lists of layers use, and those that these use; all of them where a name is worked out."""
    waiting, found = list(lists), set[str]()
    while waiting:
        layers = waiting.pop()
        for item in all_items(layers) if layers is not None else ():
            if not isinstance(item, UseItem):
                continue
            names = document.blocks.keys() if item.target.dynamic else {item.target.constant} & document.blocks.keys()
            waiting += [document.blocks[name].layers for name in names - found]
            found |= names
    return found


def _top_level(document: Document) -> list[Node]:
    """What may hold expressions beside layers."""
    nodes: list[Node | None] = [document.input, document.outputs, document.init]
    nodes += [param.node for param in document.params.values()]
    for block in document.blocks.values():
        nodes += [*[param.node for param in block.params.values()], block.init]
    for variant in document.variants.values():
        nodes += [variant.input, variant.outputs, *[given.node for given in variant.assignments.values()]]
    return [node for node in nodes if node is not None]


def _words(lists: Iterable[Layers | None], further: Iterable[Node]) -> set[str]:
    items = [item.node for layers in lists if layers is not None for item in layers.items if isinstance(item, Item)]
    return set().union(*[words_in(node) for node in [*items, *further]])


RULE = Rule(
    RuleName("unused-name", "A param or a block of the config is named by nothing."),
    "A reader takes it for something that matters, and setting it changes nothing.",
    "as for unused variables: Kernighan and Pike 1999, The Practice of Programming",
    """\
input: [3, 16, 16]
params: {width: 8, depth: 3}
blocks: {spare: {layers: [{type: relu}]}}
layers: [{type: conv2d, out_channels: $width, kernel_size: 3}]
""",
    """\
input: [3, 16, 16]
params: {width: 8, depth: 3}
blocks: {unit: {layers: [{type: conv2d, out_channels: $width, kernel_size: 3}]}}
layers: [{use: unit, repeat: $depth}]
""",
    _find,
)
