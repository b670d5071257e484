"""Copied expansions of blocks are what another walk over the block would give."""

from __future__ import annotations

from itertools import count

import pytest

from archlab.api import load, loads
from archlab.config import blocks
from archlab.config.names import Value, Values
from archlab.config.naming import PathScope
from archlab.config.replay import Copier
from archlab.graph import Graph
from archlab.zoo import preset_targets


def described(graph: Graph) -> list[tuple[object, ...]]:
    """Everything about each node; layers by their type and options."""
    return [
        (n.index, n.path, n.layer.type, repr(n.layer), n.inputs, n.shape, n.place, n.trail, n.zero_init)
        for n in graph.nodes
    ]


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many nodes each copy has."""
    sizes: list[int] = []

    plain = Copier.copy

    def counted(copier: Copier, scope: PathScope) -> tuple[dict[str, Value], Values]:
        sizes.append(len(copier.expansion.nodes))
        return plain(copier, scope)

    monkeypatch.setattr(Copier, "copy", counted)
    return sizes


@pytest.mark.parametrize("name", preset_targets())
def test_copies_equal_walks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_copies = described(load(name).graph)
    unique = count()
    monkeypatch.setattr(blocks, "replay_key", lambda *_: (next(unique),))
    assert described(load(name).graph) == with_copies


def test_only_uses_that_are_alike_are_copied(copied: list[int]) -> None:
    graph = loads("""
        input: [4, 16, 16]
        blocks:
          unit:
            params: {width: 4, scale: 1}
            layers:
              - {type: conv2d, out_channels: $(width * scale), kernel_size: 3, padding: 1, norm: batch_norm2d}
        layers:
          - {use: unit, repeat: 4}
          - {use: unit, repeat: 3, width: 8}
          - {use: unit, repeat: 2, width: 8, scale: true}
          - {use: unit, repeat: 2, width: 8, scale: 1}
    """).graph
    # the first with 8 sees 4 channels; each item is a line of its own in the trail
    assert copied == [2] * (3 + 1 + 1 + 1)
    assert [node.shape[0] for node in graph.layers] == [4] * 8 + [8] * 14
