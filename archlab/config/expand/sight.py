"""What the layers of a block look at, read from its text: what else two of its expansions may differ in.

A param that stands in nothing but options of dropout, activations and the like cannot change which layers there
are, nor their shapes; a block in which no condition, repetition or expression looks at channels or sizes has the
same layers for every input that they can take.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archlab.config.syntax.expressions import is_expression, mentioned_names
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence
from archlab.config.tree.document import ITEM_KEYS, Block
from archlab.config.tree.items import COMBINATORS
from archlab.layers import find_layer
from archlab.layers.base import Layer
from archlab.layers.macro import Macro

SHAPE_NAMES = frozenset({"in_channels", "in_size", "block_in", "block_in_size"})
"""What expressions call the shapes that enter."""

_STRUCTURAL_KEYS = frozenset({*ITEM_KEYS, "init"})
"""Keys whose values decide more than a layer's options."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a block's layers look at."""

    options: frozenset[str]
    """Params of the block that stand only in options of layers that are pointwise whatever their options."""
    items: frozenset[int]
    """The layers in which those stand, by the identity of their nodes."""
    shapes: bool
    """Whether which layers there are, or what their options are, may depend on the shapes that enter."""


def look(block: Block) -> Sight:
    """Read what a block looks at; in doubt, that it looks at everything."""
    reader = _Reader()
    for default in block.params.values():
        reader.structural |= _names(default)
    reader.read_list(block.layers)
    options = frozenset(block.params) - reader.structural
    items = frozenset([key for key, names in reader.layers.items() if names & options])
    mentioned = reader.structural.union(*reader.layers.values())
    return Sight(options, items, reader.shapes or not SHAPE_NAMES.isdisjoint(mentioned))


class _Reader:
    def __init__(self) -> None:
        self.structural: set[str] = set()
        self.layers: dict[int, set[str]] = {}
        """The names in a layer's options."""
        self.shapes = False

    def read_list(self, layers: Sequence) -> None:
        for node in layers.items:
            if isinstance(node, Mapping):
                self._read_item(node)
            else:
                self._read_unclear(node)

    def _read_item(self, node: Mapping) -> None:
        kind = node.entries.get("type")
        name = kind.value if isinstance(kind, Scalar) else None
        if name in COMBINATORS:
            self._read_combinator(node, str(name))
            return
        cls = find_layer(name) if isinstance(name, str) else None
        if cls is None or "use" in node.entries:
            self._read_unclear(node)
            return
        self.shapes |= issubclass(cls, Macro)
        names: set[str] = set()
        for key, value in node.entries.items():
            structural = key in _STRUCTURAL_KEYS or not _is_pointwise(cls)
            (self.structural if structural else names).update(_names(value))
        self.layers[id(node)] = names

    def _read_combinator(self, node: Mapping, name: str) -> None:
        # a residual compares shapes, and a split divides channels
        self.shapes |= name == "residual" or "split" in node.entries
        for key, value in node.entries.items():
            if isinstance(value, Sequence) and key in ("body", "shortcut"):
                self.read_list(value)
            elif isinstance(value, Sequence) and key == "paths":
                for path in value.items:
                    self.read_list(path if isinstance(path, Sequence) else Sequence([path], path.place))
            else:
                self.structural |= _names(value)

    def _read_unclear(self, node: Node) -> None:
        """A use of another block, or a mistake."""
        self.structural |= _names(node)
        self.shapes = True


def _is_pointwise(cls: type[Layer]) -> bool:
    """Whether its options decide neither shapes nor what a shortcut around it needs."""
    keeps = cls.out_shape is Layer.out_shape and cls.reads is Layer.reads
    return keeps and cls.role != "norm" and not cls.attachments and not issubclass(cls, Macro)


def _names(node: Node) -> set[str]:
    return {name for text in _texts(node) if is_expression(text) for name in mentioned_names(text)}


def _texts(node: Node) -> Iterator[str]:
    if isinstance(node, Scalar):
        yield node.text
    else:
        for child in node.items if isinstance(node, Sequence) else node.entries.values():
            yield from _texts(child)
