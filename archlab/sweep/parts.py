"""Where a network can be cut into parts, one behind the other, that nothing but one value leads through.

The items of a config's top level are cut wherever no later one names an earlier one. Each part is then a function of
the params that stand in it and of the value that enters it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from archlab.config.expand.inputs import ONLY
from archlab.config.syntax.yaml_nodes import Mapping as MappingNode
from archlab.config.syntax.yaml_nodes import Node, Scalar
from archlab.config.tree.argument import Argument, Arguments
from archlab.config.tree.dependence import arguments_in, words_in
from archlab.config.tree.document import Block, Document, Params, Variant
from archlab.config.tree.items import BrokenItem, Call, Item, Layers, ShareItem, UseItem, all_items

Blocks = Mapping[str, Block]


@dataclass(frozen=True, slots=True, eq=False)
class Repetition:
    """A part that is one item several times, each time a part of its own.

    Attributes:
        item: which.
        count: how many times.
        blocks: that it may use.
    """

    item: Call
    count: Argument
    blocks: Blocks

    @property
    def is_indexed(self) -> bool:
        """Whether its arguments may differ from one time to the next beyond the first and the last."""
        return "index" in _words_of(arguments_in(self.item))

    def values(self, index: int, count: int, params: Params) -> Values:
        """What it is used with, the layer or block first.

        Args:
            index: which time.
            count: of how many.
            params: values of the config's.

        Raises:
            BadItemError: where an expression has none.
            UnknownValueError: likewise.
        """
        scope = {**params, "index": index}
        named = self.item.arguments_of(index, count).named
        return self.item.target.value(scope), {name: argument.value(scope) for name, argument in named.items()}

    def once(self, index: int, count: int, values: Values) -> Part:
        """One time of so many, with these values."""
        target, given = values
        named = self.item.arguments_of(index, count).named
        arguments = Arguments.of({name: argument.settled(given[name]) for name, argument in named.items()})
        own = replace(
            self.item,
            repeat=None,
            target=self.item.target.settled(target),
            arguments=arguments,
            opening=arguments,
            closing=arguments,
            single=arguments,
        )
        alone = Layers((own,), self.item.place)
        return Part(alone, frozenset(_words(alone, self.blocks)), is_last=False)


Values = tuple[Any, dict[str, Any]]
"""Of an item: its layer type or block, and its arguments."""
_OF_VALUES = frozenset({"in_channels", "in_size", "block_in", "block_in_size", "input_size"})
"""Names whose values depend on what enters."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some items of the top level.

    Attributes:
        layers: the items.
        words: that stand in their expressions, and in those of the blocks that they use.
        is_last: whether it gives the network's results.
        outputs: these as the config names them, if it does.
        repetition: what it is made of, where it is one item several times.
    """

    layers: Layers
    words: frozenset[str]
    is_last: bool = True
    outputs: Node | None = None
    repetition: Repetition | None = None


def parts_of(document: Document, variant: Variant | None) -> list[Part]:
    """The parts of a network in order; a single one where it cannot be cut."""
    assert document.layers is not None
    outputs = variant.outputs if variant is not None and variant.outputs is not None else document.outputs
    outputs = None if isinstance(outputs, Scalar) and outputs.value is None else outputs
    items = document.layers.items
    written = variant.input if variant is not None and variant.input is not None else document.input
    whole = isinstance(written, MappingNode) or any(isinstance(item, BrokenItem) for item in all_items(document.layers))
    cuts = [] if whole else [at for at in range(1, len(items)) if at not in _joined(items, outputs)]
    bounds = [0, *cuts, len(items)]
    found: list[Part] = []
    for start, stop in pairwise(bounds):
        layers = Layers(items[start:stop], document.layers.place)
        last = outputs if stop == len(items) else None
        words = _words(layers, document.blocks) | (frozenset() if last is None else words_in(last))
        is_last = stop == len(items)
        repetition = None if is_last or len(layers.items) > 1 else _repetition(layers, document.blocks)
        found.append(Part(layers, frozenset(words), is_last, last, repetition))
    return found


def merged(parts: list[Part], knobs: Callable[[frozenset[str]], tuple[int, ...]]) -> list[Part]:
    """Neighbours that the same knobs change as one part: nothing is analysed more often, and fewer parts are.

    Args:
        parts: in order.
        knobs: of the words of a part.
    """
    found: list[Part] = []
    for part in parts:
        if found and knobs(found[-1].words) == knobs(part.words):
            before = found.pop()
            layers = Layers((*before.layers.items, *part.layers.items), part.layers.place)
            found.append(Part(layers, before.words | part.words, part.is_last, part.outputs))
        else:
            found.append(part)
    return found


def _repetition(layers: Layers, blocks: Blocks) -> Repetition | None:
    """What an item that is repeated is made of, where each time sees nothing of the others."""
    (item,) = layers.items
    if not isinstance(item, Call) or item.repeat is None or item.when is not None or item.shares is not None:
        return None
    if item.others or item.source is not None or not _OF_VALUES.isdisjoint(_words_of(arguments_in(item))):
        return None
    return Repetition(item, item.repeat, blocks)


def _joined(items: tuple[Item | BrokenItem, ...], outputs: Node | None) -> set[int]:
    """Where it cannot be cut: in front of the items of these numbers."""
    first: dict[str, int] = {}
    joined: set[int] = set()
    for number, item in enumerate(items):
        for word in _named_in(item):
            if word in first:
                joined.update(range(first[word] + 1, number + 1))
            elif word == ONLY:
                joined.update(range(number + 1))
        if item.name is not None:
            joined.update(range(first.setdefault(item.name, number) + 1, number + 1))
    for word in _texts(outputs):
        head = word.partition(".")[0]
        if head in first or head == ONLY:
            joined.update(range(first.get(head, -1) + 1, len(items)))
    return joined


def _named_in(item: Item | BrokenItem) -> Iterator[str]:
    """What an item and those inside it name: other items of the top level, or one another."""
    for inner in _with_inner(item):
        if isinstance(inner, Item):
            references = [inner.source, *inner.others, inner.original if isinstance(inner, ShareItem) else None]
            yield from [reference.text.partition(".")[0] for reference in references if reference is not None]


def _with_inner(item: Item | BrokenItem) -> Iterator[Item | BrokenItem]:
    yield item
    for part in item.lists:
        yield from all_items(part)


def _texts(node: Node | None) -> Iterator[str]:
    if node is None:
        return
    if isinstance(node, Scalar):
        yield node.text
        return
    for child in node.entries.values() if isinstance(node, MappingNode) else node.items:
        yield from _texts(child)


def _words(layers: Layers, blocks: Blocks) -> set[str]:
    """The words in the expressions of items and of all that they use."""
    found: set[str] = set()
    seen: set[int] = set()
    _gather(layers, blocks, found, seen)
    return found


def _gather(layers: Layers, blocks: Blocks, found: set[str], seen: set[int]) -> None:
    for item in all_items(layers):
        found |= _words_of(arguments_in(item))
        if isinstance(item, UseItem):
            for block in _used(item, blocks):
                if id(block) not in seen:
                    seen.add(id(block))
                    _gather_block(block, blocks, found, seen)


def _gather_block(block: Block, blocks: Blocks, found: set[str], seen: set[int]) -> None:
    found |= _words_of(block.params.values())
    if block.init is not None:
        found |= words_in(block.init)
    _gather(block.layers, blocks if block.library is None else block.library.blocks, found, seen)


def _used(item: UseItem, blocks: Blocks) -> list[Block]:
    """The block; any of them where an expression says which."""
    if item.target.dynamic:
        return list(blocks.values())
    block = blocks.get(str(item.target.constant))
    return [] if block is None else [block]


def _words_of(arguments: Iterable[Argument]) -> set[str]:
    return set().union(*[words_in(argument.node) for argument in arguments if argument.dynamic])
