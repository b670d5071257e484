"""A text's YAML tree and the mappings in it at a place."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, parse
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import ConfigError, Problems, TooManyProblemsError

ITEM_WORDS = frozenset(("type", "use", "share"))


@lru_cache(maxsize=4)  # each of many problems looks for its item
def tree_of(source: Source) -> Mapping | None:
    """The tree, which nobody changes; None where the text is no mapping."""
    with suppress(ConfigError, TooManyProblemsError):
        root = parse(source, Problems())
        return root if isinstance(root, Mapping) else None
    return None


def holds(place: Place, line: int, column: int) -> bool:
    """Whether a position is in a stretch of text, its end included."""
    return (place.line, place.column) <= (line, column) <= (place.end_line, place.end_column)


def way_to(node: Node, line: int, column: int) -> list[tuple[Node, str | int]]:
    """From a node down to the innermost one at a position, each with the key or number that leads on."""
    way: list[tuple[Node, str | int]] = []
    while not isinstance(node, Scalar):
        inner = _inner(node, line, column)
        if inner is None:
            break
        key, child = inner
        way.append((node, key))
        node = child
    return way


def _inner(node: Mapping | Sequence, line: int, column: int) -> tuple[str | int, Node] | None:
    if isinstance(node, Mapping):
        for key, value in node.entries.items():
            place = node.keys[key]
            if holds(place, line, column) or holds(value.place, line, column):
                return key, value
        return None
    return next(((n, item) for n, item in enumerate(node.items) if holds(item.place, line, column)), None)


def item_at(root: Mapping, line: int, column: int) -> Mapping | None:
    """The innermost item of a list of layers at a position."""
    nodes = [node for node, _ in way_to(root, line, column)]
    nodes += [_end(nodes[-1], line, column)] if nodes else []
    return next((node for node in reversed(nodes) if isinstance(node, Mapping) and ITEM_WORDS & node.keys.keys()), None)


def _end(node: Node, line: int, column: int) -> Node:
    """The node that the last step of a way leads to."""
    inner = None if isinstance(node, Scalar) else _inner(node, line, column)
    return node if inner is None else inner[1]
