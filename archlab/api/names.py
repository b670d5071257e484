"""Networks of one name, told apart by what they are of: their file, the values of their params, their input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, Protocol, TypeVar

from archlab.config.expand.inputs import GivenInput
from archlab.config.tree.document import Document
from archlab.graph import Graph
from archlab.layers.shape import shape_text


class Named(Protocol):
    """A network with its config."""

    graph: Graph
    document: Document
    settings: Mapping[str, Any]
    given_input: GivenInput | None


N = TypeVar("N", bound=Named)


def told_apart(networks: Sequence[N]) -> list[N]:
    """The networks, those of one name with names that say what they are of; those that are given stay as they are."""
    distinct = {id(network): network for network in networks}
    counts = Counter([network.graph.name for network in distinct.values()])
    renamed: dict[int, N] = {}
    for identity, network in distinct.items():
        alike = [other for other in distinct.values() if other.graph.name == network.graph.name]
        parts = _parts(network, alike) if counts[network.graph.name] > 1 else []
        renamed[identity] = _called(network, f"{network.graph.name} ({', '.join(parts)})") if parts else network
    return [renamed[id(network)] for network in networks]


def _parts(network: N, alike: Sequence[N]) -> list[str]:
    """What a network is that not all others of its name are."""
    told = [_said(other) for other in alike]
    mine = _said(network)
    parts = [text for text in mine if not all(text in other for other in told)]
    return parts or (["as written"] if any(other != mine for other in told) else [])


def _said(network: Named) -> list[str]:
    given = network.given_input
    shapes = given.values() if isinstance(given, Mapping) else [] if given is None else [given]
    return [
        network.document.source.name,
        *[f"{name}={value}" for name, value in network.settings.items()],
        *[f"input {shape_text(tuple(shape))}" for shape in shapes],
        *(["deployed"] if network.graph.deployment is not None else []),
    ]


def _called(network: N, name: str) -> N:
    found = copy(network)
    found.graph = copy(network.graph)
    found.graph.name = name
    return found
