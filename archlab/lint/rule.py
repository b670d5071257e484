"""What a design rule is, what it looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from archlab.analysis import Analysis
from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.config.tree.document import Document
from archlab.diagnostics.codes import RuleName
from archlab.diagnostics.place import Place
from archlab.graph import Graph, Node
from archlab.layers.geometry import AxisReads
from archlab.layers.shape import Shape


class Reader(NamedTuple):
    """A layer that reads a value, and how.

    Attributes:
        node: the layer.
        reads: what one of its units reads of the value, along each axis.
    """

    node: Node
    reads: AxisReads


@dataclass(frozen=True, eq=False)
class Subject:
    """A network as rules see it.

    Attributes:
        analysis: its numbers.
        document: its config.
        resized: the network for another input shape; None where it cannot take that.
    """

    analysis: Analysis
    document: Document
    resized: Callable[[Shape], Graph | None]

    @property
    def graph(self) -> Graph:
        """Its layers."""
        return self.analysis.graph

    @cached_property
    def reads(self) -> list[tuple[AxisReads, ...]]:
        """For every node, what one of its units reads of each input."""
        return reads_of(self.graph)

    @cached_property
    def readers(self) -> list[list[Reader]]:
        """For every node, the layers that read its value."""
        return readers_of(self.graph, self.reads)

    @cached_property
    def results(self) -> frozenset[int]:
        """The nodes whose values the network returns."""
        return frozenset([index for _, index in self.graph.outputs])

    def field(self, node: Node) -> ReceptiveField | None:
        """What its units see; None of the first input."""
        return self.analysis.layers[node.index - 1].receptive_field if node.index else None


def reads_of(graph: Graph) -> list[tuple[AxisReads, ...]]:
    """For every node, what one of its units reads of each input."""
    return graph.asked_once(lambda node, inputs: node.layer.reads(inputs, node.shape) if node.inputs else ())


def readers_of(graph: Graph, reads: list[tuple[AxisReads, ...]]) -> list[list[Reader]]:
    """For every node, the layers that read its value."""
    found: list[list[Reader]] = [[] for _ in graph.nodes]
    for node in graph.layers:
        for source, read in zip(node.inputs, reads[node.index], strict=True):
            found[source].append(Reader(node, read))
    return found


class Finding(NamedTuple):
    """What a rule remarks.

    Attributes:
        message: what is so, then what may be done.
        place: where it stands.
        trail: through which blocks it came about.
    """

    message: str
    place: Place | None
    trail: tuple[str, ...] = ()


def at(node: Node, message: str) -> Finding:
    """A remark about a layer."""
    return Finding(f"'{node.path}': {message}", node.place, node.trail)


@dataclass(frozen=True, slots=True)
class Rule:
    """A design rule.

    Attributes:
        name: its id, which switches it off.
        reason: why it matters, in a sentence or two.
        source: who says so.
        triggers: a config in which it finds something.
        passes: the same, mended.
        find: what it finds in a network.
    """

    name: RuleName
    reason: str
    source: str
    triggers: str
    passes: str
    find: Callable[[Subject], Iterator[Finding]]
