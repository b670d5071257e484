"""What the layers of a block depend on, read from its tree, and so in what two uses of it may differ.

A param that stands in nothing but options of dropout, activations and the like changes neither which layers there are
nor their shapes. A block in which nothing names or compares shapes has the same layers for all that they can take.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from unicodedata import normalize

from archlab.config.syntax.expressions import is_expression
from archlab.config.syntax.yaml_nodes import Node, Scalar, Sequence
from archlab.config.tree.argument import Argument
from archlab.config.tree.document import Block
from archlab.config.tree.items import BranchesItem, BrokenItem, Call, Item, LayerItem, Path, ResidualItem, all_items
from archlab.layers import find_layer
from archlab.layers.base import Layer
from archlab.layers.macro import Macro

SHAPE_NAMES = frozenset({"in_channels", "in_size", "block_in", "block_in_size"})
"""What expressions call the shapes that enter."""
_OF_ITEMS = frozenset({"in_channels", "in_size", "index"})
"""Names whose values are an item's own."""
_WORD = re.compile(r"[^\W\d]\w*")


class Dependence(NamedTuple):
    """What the layers of a block depend on.

    Attributes:
        options: params that stand only in options of layers that are pointwise whatever their options.
        items: these layers, by the identity of their places.
        shapes: whether which layers there are, or their options, may depend on the shapes that enter.
    """

    options: frozenset[str]
    items: dict[int, LayerItem]
    shapes: bool


def dependence(block: Block) -> Dependence:
    """What a block's layers depend on; in doubt, on everything, as where blocks inside see its params."""
    if block.library is not None:
        return Dependence(frozenset(), {}, shapes=True)
    structural = _names(block.params.values())
    free: list[LayerItem] = []
    shapes = False
    for item in all_items(block.layers):
        cls = _layer_class(item)
        if isinstance(item, LayerItem) and cls is not None and _is_free(item, cls):
            free.append(item)
        else:
            shapes |= _looks_at_shapes(item, cls)
            structural |= _names(_own_arguments(item))
        structural |= _names(_conditions(item))
    named = {item: _names(item.single.named.values()) for item in free}
    options = frozenset(block.params) - structural
    return Dependence(
        options,
        {id(item.place): item for item, names in named.items() if names & options},
        shapes or not SHAPE_NAMES.isdisjoint(structural.union(*named.values())),
    )


def _layer_class(item: Item | BrokenItem) -> type[Layer] | None:
    """The class of a layer that is written plainly; classes of other packages are made where the walk meets them."""
    if not isinstance(item, LayerItem) or item.target.dynamic or "." in item.target.constant:
        return None
    return find_layer(item.target.constant)


def _is_free(item: LayerItem, cls: type[Layer]) -> bool:
    """Whether an item's options decide neither which layers there are, nor shapes, nor a shortcut around it."""
    keeps = cls.out_shape is Layer.out_shape and cls.reads is Layer.reads
    if not keeps or cls.role == "norm" or cls.attachments or issubclass(cls, Macro):
        return False
    options = item.single.named
    return item.repeat is None and "init" not in options and _OF_ITEMS.isdisjoint(_names(options.values()))


def _looks_at_shapes(item: Item | BrokenItem, cls: type[Layer] | None) -> bool:
    """Whether an item compares or divides shapes itself; of a block inside it is not known."""
    if isinstance(item, BranchesItem):
        return item.split is not None
    return cls is None or issubclass(cls, Macro) or _pads_by_size(item)


def _pads_by_size(item: Item | BrokenItem) -> bool:
    """Whether a convolution's padding is, or may be, one that depends on the size of its input."""
    if not isinstance(item, Call):
        return False
    every = [part.named.get("padding") for part in (item.arguments, item.opening, item.closing, item.single)]
    return any(padding is not None and (padding.dynamic or padding.constant == "same_tf") for padding in every)


def _own_arguments(item: Item | BrokenItem) -> Iterator[Argument]:
    if isinstance(item, Call):
        yield item.target
        for arguments in (item.arguments, item.opening, item.closing, item.single):
            yield from arguments.named.values()
    elif isinstance(item, ResidualItem):
        yield from item.attached.values()
        if isinstance(item.shortcut, Argument):
            yield item.shortcut
    elif isinstance(item, BranchesItem):
        paths = [path for path in item.paths if isinstance(path, Path)]
        conditions = [argument for path in paths for argument in (path.when, path.repeat)]
        yield from (argument for argument in (item.merge, item.split, *conditions) if argument is not None)


def _conditions(item: Item | BrokenItem) -> Iterator[Argument]:
    if isinstance(item, Item):
        yield from (argument for argument in (item.repeat, item.when) if argument is not None)


def arguments_in(item: Item | BrokenItem) -> Iterator[Argument]:
    """Whatever of an item may hold an expression, that of items inside left out."""
    yield from _own_arguments(item)
    yield from _conditions(item)
    if isinstance(item, Item) and item.shares is not None:
        yield item.shares


def _names(arguments: Iterable[Argument]) -> set[str]:
    return set().union(*[words_in(argument.node) for argument in arguments if argument.dynamic])


def words_in(node: Node) -> set[str]:
    """The words in its expressions, as Python reads them: a full-width letter is the plain one."""
    if isinstance(node, Scalar):
        return set(_WORD.findall(normalize("NFKC", node.text))) if is_expression(node.text) else set()
    children = node.items if isinstance(node, Sequence) else node.entries.values()
    return set().union(*map(words_in, children))
