"""The top level of a config as a tree: its keys, what it extends, its params, variants, blocks and layers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar
from archlab.config.tree.argument import Argument
from archlab.config.tree.items import Layers
from archlab.config.tree.reader import Written
from archlab.diagnostics.place import Place, Source

LANGUAGE_VERSION = 1

KEYS = (
    *("archlab", "name", "description", "extends", "input", "params", "variants"),
    *("blocks", "layers", "outputs", "init", "expect"),
)
VARIANT_KEYS = ("input", "outputs", "expect")
"""What a variant may carry besides its assignments; no param can have these names."""

BLOCK_KEYS = ("description", "params", "inputs", "layers", "outputs", "init")
EXTENDING_BLOCK_KEYS = ("extends", "description", "params", "blocks", "layers", "outputs", "init")
"""Keys of a block that is the network of another config."""
BUILT_IN_NAMES = ("in_channels", "in_size", "block_in", "block_in_size", "input_size", "index", "true", "false", "null")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
Params = dict[str, Any]


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
        library: what its layers see, where it is the network of another config.
        outputs_inherited: where it can be mended that the outputs are the other config's; None where they are its own.
        values: the params whose values the block itself says, not the other config.
    """

    name: str
    place: Place
    params: dict[str, Argument]
    layers: Layers
    inputs: dict[str, Place]
    outputs: tuple[Scalar, ...]
    init: Mapping | None
    library: Document | None = None
    outputs_inherited: Place | None = None
    values: frozenset[str] = frozenset()


class Variant(NamedTuple):
    """Named assignments of declared params.

    Attributes:
        name: as targets say it.
        place: where it is defined.
        assignments: values by param.
        input: its own, if any.
        outputs: its own, if any.
        expect: its figures, if any.
    """

    name: str
    place: Place
    assignments: dict[str, Argument]
    input: Node | None
    outputs: Node | None
    expect: Mapping | None


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A config as written, with `extends` applied; nothing is expanded yet.

    Attributes:
        source: its text.
        name: of the network.
        place: the whole text.
        description: what it says of itself.
        extends: where it names the config that it extends.
        input: the input's shape.
        params: default values; one that is null has none.
        variants: by name.
        blocks: by name.
        layers: the items.
        written: the same, for a config that extends this one.
        names: of all items, for hints.
        shares: whether any item shares its weights.
        outputs: names of the results.
        outputs_inherited: where the extending file can mend outputs that are the extended one's; None where they are
            its own.
        init: initialisers, by layer type.
        expect: figures.
    """

    source: Source
    name: str
    place: Place
    description: str
    extends: Place | None
    input: Node | None
    params: dict[str, Argument]
    variants: dict[str, Variant]
    blocks: dict[str, Block]
    layers: Layers | None
    written: Written | None
    names: frozenset[str]
    shares: bool
    outputs: Node | None
    outputs_inherited: Place | None
    init: Mapping | None
    expect: Mapping | None


def is_identifier(name: str) -> bool:
    """Whether a word can name a param, block or variant."""
    return _IDENTIFIER.match(name) is not None
