"""A network after expansion: primitive layers in order, with shapes, paths and source positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from typing import Any, Literal, Protocol, TypeVar

from archlab.diagnostics.place import Place
from archlab.graph.deployment import Deployment
from archlab.layers.base import Layer
from archlab.layers.room import NOTHING
from archlab.layers.runtime import FUSED, ONE_PASS, VIEW, Runtime
from archlab.layers.shape import Shape

Answer = TypeVar("Answer")
OutputForm = Literal["single", "tuple", "dict"]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One primitive layer at one place in the network."""

    index: int
    layer: Layer
    inputs: tuple[int, ...]
    """Indices of earlier nodes; empty for the input node."""
    shape: Shape
    """The output's shape, without batch."""
    path: str = ""
    """The submodule's name in PyTorch, e.g. `layer1.0.conv1`."""
    place: Place | None = None
    trail: tuple[str, ...] = ()
    """Through which blocks it came about, for messages."""
    zero_init: bool = False
    """Whether its tensors start at zero."""
    init: Mapping[str, Any] | None = None
    """Initialisers of the layer or its block, by tensor; they go before the graph's. None for PyTorch's own."""
    shares: str | None = None
    """The path of an earlier layer whose module this is once more; None where it has one of its own."""

    @property
    def module(self) -> str:
        """The path of its submodule in PyTorch, weights and all."""
        return self.path if self.shares is None else self.shares


def renumbered(nodes: Sequence[Node]) -> tuple[list[Node], dict[int, int]]:
    """Some of a graph's nodes as a graph of their own, and their new indices by the old ones."""
    number = {node.index: position for position, node in enumerate(nodes)}
    made = [replace(node, index=number[node.index], inputs=tuple([number[i] for i in node.inputs])) for node in nodes]
    return made, number


@dataclass
class Graph:
    """A network: node 0 is the input, every node reads earlier nodes only.

    What is asked of its layers is asked once, when all nodes are there.
    """

    name: str
    nodes: list[Node]
    outputs: list[tuple[str, int]]
    """Label and node index of each result."""
    output_form: OutputForm = "single"
    """What the built model returns: one tensor, a tuple, or a dictionary by label."""
    variant: str | None = None
    init: Mapping[str, Any] = field(default_factory=dict)
    """Initialisers by layer type (see `config.init`)."""
    deployment: Deployment | None = None
    """What was done to it, where it is as it is deployed (`graph.deploy`)."""

    def initializers(self, node: Node) -> dict[str, Any]:
        """Tensor name to initialiser of a node; what is not in it keeps PyTorch's own."""
        found = {**self.init.get(node.layer.type, {}), **(node.init or {})}
        return {tensor: initializer for tensor, initializer in found.items() if initializer is not None}

    def repeats(self) -> frozenset[int]:
        """The nodes that have no weights of their own, by index: an earlier one has called their module."""
        if all(node.shares is None for node in self.nodes):
            return frozenset()
        known: set[str] = set()
        found: set[int] = set()
        for node in self.nodes:
            if node.module in known:
                found.add(node.index)
            known.add(node.module)
        return frozenset(found)

    @property
    def input_shape(self) -> Shape:
        """The input's shape, without batch."""
        return self.nodes[0].shape

    @property
    def inputs(self) -> list[Node]:
        """The network's inputs, which stand in front of all layers; the first is `nodes[0]`."""
        return list(takewhile(lambda node: not node.inputs, self.nodes))

    @property
    def layers(self) -> list[Node]:
        """Every node but the first input; further inputs are told like layers."""
        return self.nodes[1:]

    @cached_property
    def alike(self) -> list[int]:
        """For each node, the index of the first one with the same layer and input shapes."""
        first: dict[tuple[int, tuple[Shape, ...]], int] = {}
        shapes = [node.shape for node in self.nodes]
        return [
            first.setdefault((id(node.layer), tuple([shapes[i] for i in node.inputs])), node.index)
            for node in self.nodes
        ]

    @cached_property
    def runtimes(self) -> list[Runtime]:
        """How PyTorch runs every node's layer, in order; of a deployed network, how a runtime on a device does."""
        found = self.asked_once(lambda node, inputs: node.layer.runtime(inputs, node.shape))
        return (
            found
            if self.deployment is None
            else [self._on_device(*pair) for pair in zip(self.nodes, found, strict=True)]
        )

    def _on_device(self, node: Node, runtime: Runtime) -> Runtime:
        """Without what is PyTorch's own: positions of maxima, copies that are padded."""
        assert self.deployment is not None
        if node.path in self.deployment.fused:
            return FUSED
        if node.path in self.deployment.scaled:
            return ONE_PASS
        if node.path in self.deployment.padded:
            return VIEW
        operators = None if node.layer.role == "weighted" else runtime.operators
        return runtime._replace(workspace=NOTHING, operators=operators)

    def asked_once(self, ask: Callable[[Node, tuple[Shape, ...]], Answer]) -> list[Answer]:
        """The answer of every node, in order; nodes that share a layer and its input shapes share an answer.

        Args:
            ask: of a node and the shapes that it reads.
        """
        answers: list[Answer] = []
        for node, first in zip(self.nodes, self.alike, strict=True):
            answers.append(answers[first] if first < node.index else ask(node, self.input_shapes(node)))
        return answers

    def input_shapes(self, node: Node) -> tuple[Shape, ...]:
        """The shapes that a node reads."""
        return tuple([self.nodes[i].shape for i in node.inputs])


class HasGraph(Protocol):
    """A network in any form that knows its graph."""

    @property
    def graph(self) -> Graph:
        """The network's layers."""


def graph_of(network: Graph | HasGraph) -> Graph:
    """The graph of a network, which may be one itself."""
    return network if isinstance(network, Graph) else network.graph
