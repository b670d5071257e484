"""Whether two graphs are one: types, options, edges, sharing and results, whatever things are called.

Each layer gets an identity, made of its type, its options as PyTorch takes them (in-place flags too), the identities of
what it reads in order, and whose weights it has. Layers that are alike in all of that are counted in file order, so
that no two of a graph have one identity: equal sets of identities are a one-to-one map that keeps every edge.
The order of independent branches does not count, nor do the two terms of a sum or factors of a product, whose values
are the same either way; and an `identity` is the value that it hands on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from archlab.graph.graph import Graph, Node
from archlab.layers.base import Layer
from archlab.layers.describe import own_options

_COMMUTATIVE = ("add", "multiply")
TRANSPARENT = "identity"
"""The layer that hands on its input."""


def identities(graph: Graph) -> list[str]:
    """An identity for every node, by index; that of what it hands on for an `identity`."""
    found: list[str] = []
    counts: Counter[str] = Counter()
    modules: dict[str, str] = {}
    layers: dict[int, str] = {}
    for node in graph.nodes:
        if node.layer.type == TRANSPARENT:
            found.append(found[node.inputs[0]])
            continue
        if id(node.layer) not in layers:
            layers[id(node.layer)] = _layer_text(node.layer)
        owner = None if node.shares is None else modules.get(node.shares, "?")
        said = "|".join([layers[id(node.layer)], *_read(node, found), f"weights of {owner}", str(tuple(node.shape))])
        digest = blake2b(said.encode(), digest_size=12).hexdigest()
        found.append(f"{digest}.{counts[digest]}")
        counts[digest] += 1
        modules.setdefault(node.path, found[-1])
    return found


def fingerprint(graph: Graph) -> str:
    """A hash that two graphs have in common only where they are one."""
    own = identities(graph)
    outputs = [f"{label}={own[index]}" if graph.output_form == "dict" else own[index] for label, index in graph.outputs]
    inputs = [node.path if len(graph.inputs) > 1 else "" for node in graph.inputs]
    said = "\n".join([graph.output_form, *inputs, *outputs, *sorted(set(own))])
    return blake2b(said.encode(), digest_size=16).hexdigest()


def _read(node: Node, found: Sequence[str]) -> list[str]:
    read = [found[index] for index in node.inputs]
    return sorted(read) if node.layer.type in _COMMUTATIVE and len(read) == 2 else read


def _layer_text(layer: Layer) -> str:
    """Type and options as PyTorch takes them."""
    arguments = own_options(layer) if layer.role == "opaque" else layer.torch_arguments()
    return f"{layer.type}({', '.join([f'{name}={_plain(value)!r}' for name, value in sorted(arguments.items())])})"


def _plain(value: Any) -> Any:
    """Lists and tuples alike; the order of a mapping does not count."""
    if isinstance(value, dict):
        return sorted((name, repr(_plain(inner))) for name, inner in value.items())
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value
