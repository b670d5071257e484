"""A network as a runtime on a device runs it, after training: batch norms folded, nothing left that only trains.

Batch norm in eval mode is a scale and a shift of each channel. Behind a convolution, a transposed one or a linear layer
whose output nobody else reads, both go into its weight and bias (Jacob et al. 2018, "Quantization and Training of
Neural Networks for Efficient Integer-Arithmetic-Only Inference", section 3.2), and the values stay the same.
Elsewhere it stays as a scale and a shift. Dropout, stochastic depth and identities go. A weight that is made anew from
others each time is made once. An elementwise activation is computed where its input lies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from archlab.graph.deployment import Deployment
from archlab.graph.graph import Graph, Node
from archlab.layers.activation import Activation
from archlab.layers.base import Layer
from archlab.layers.batch_norm import BatchNormNd
from archlab.layers.conv import Conv2d, ConvNd
from archlab.layers.conv_transpose import ConvTransposeNd
from archlab.layers.deform import DeformConv2dOp
from archlab.layers.identity import Identity
from archlab.layers.instance_norm import InstanceNormNd
from archlab.layers.linear import Linear
from archlab.layers.padding import ConstantPadNd, FilledPadNd
from archlab.layers.parametrized_conv import ParametrizedConvNd
from archlab.layers.ranks import of_rank
from archlab.layers.scale import LayerScale

FOLDING = (ConvNd, ConvTransposeNd, DeformConv2dOp, Linear)
"""What takes a batch norm behind it: each output channel is a sum of its own."""


def deploy(graph: Graph) -> Graph:
    """The same network as it is deployed; as it is where it is deployed already.

    Args:
        graph: the network.
    """
    return graph if graph.deployment is not None else _Deployer(graph).deployed()


class _Deployer:
    """Decides layer by layer, then writes the graph anew."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._calls = Counter(node.module for node in graph.nodes)
        self._results = {index for _, index in graph.outputs}
        self._source = _sources(graph)
        """For each node, the one whose value stands for its own: itself but for those that are left out."""
        self._readers = Counter(
            self._source[source]
            for node in graph.nodes
            if self._source[node.index] == node.index
            for source in node.inputs
        )
        self._made: dict[tuple[int, str], Layer] = {}
        self.folded: dict[str, str] = {}
        self.scaled: dict[str, str] = {}
        self.kept: dict[str, str] = {}
        self._norm_of: dict[int, int] = {}

    def deployed(self) -> Graph:
        """The graph."""
        graph = self._graph
        removed = tuple([node.path for node in graph.nodes if self._source[node.index] != node.index])
        for node in graph.nodes:
            if _is_batch_norm(node.layer) and self._source[node.index] == node.index:
                self._fold(node)
        nodes, number = self._written()
        outputs = [(label, number[self._final(index)]) for label, index in graph.outputs]
        fused = _fused(replace(graph, nodes=nodes, outputs=outputs))
        nodes = [self._in_place(node) if node.index in fused else node for node in nodes]
        deployment = Deployment(
            self.folded,
            self.scaled,
            tuple([node.path for node in graph.nodes if isinstance(node.layer, ParametrizedConvNd)]),
            removed,
            frozenset(nodes[index].path for index in fused),
            self.kept,
            _padded(nodes, {index for _, index in outputs}),
        )
        return replace(graph, nodes=nodes, outputs=outputs, deployment=deployment)

    def _fold(self, norm: Node) -> None:
        """Into what stands in front of it, or kept, with the reason."""
        assert isinstance(norm.layer, BatchNormNd)
        if not norm.layer.track_running_stats:
            self.kept[norm.path] = "it takes the statistics of each batch"
            return
        front = self._graph.nodes[self._source[norm.inputs[0]]]
        reason = self._obstacle(norm, front)
        if reason:
            self.scaled[norm.path] = reason
        else:
            self.folded[norm.path] = front.path
            self._norm_of[front.index] = norm.index

    def _obstacle(self, norm: Node, front: Node) -> str:
        """Why a batch norm does not go into what stands in front of it; empty where it does."""
        if not isinstance(front.layer, FOLDING):
            return f"'{front.path}' in front of it is no convolution and no linear layer"
        if isinstance(front.layer, Linear) and len(front.shape) > 1:
            return f"its channels are not the features of '{front.path}'"
        if self._readers[front.index] > 1 or self._is_result(front.index):
            return f"others read '{front.path}' too"
        if self._calls[front.module] > 1:
            return f"'{front.module}' is called several times"
        return f"'{norm.module}' is called several times" if self._calls[norm.module] > 1 else ""

    def _is_result(self, index: int) -> bool:
        return any(self._source[result] == index for result in self._results)

    def _final(self, index: int) -> int:
        """The node that has a value now."""
        source = self._source[index]
        path = self._graph.nodes[source].path
        return self._source[self._graph.nodes[source].inputs[0]] if path in self.folded else source

    def _written(self) -> tuple[list[Node], dict[int, int]]:
        """The nodes that stay, and their indices by the old ones."""
        number: dict[int, int] = {}
        nodes: list[Node] = []
        for node in self._graph.nodes:
            if self._source[node.index] != node.index or node.path in self.folded:
                continue
            inputs = tuple([number[self._final(source)] for source in node.inputs])
            number[node.index] = len(nodes)
            nodes.append(replace(self._changed(node), index=len(nodes), inputs=inputs))
        return nodes, number

    def _changed(self, node: Node) -> Node:
        if node.path in self.scaled:
            return replace(node, layer=self._once(node.layer, "scale", _scale_and_shift), init=None, zero_init=False)
        layer = node.layer
        if isinstance(layer, ParametrizedConvNd):
            layer = self._once(layer, "plain", _plain)
        if node.index in self._norm_of:
            layer = self._once(layer, "bias", lambda given: given.model_copy(update={"bias": True}))
        return node if layer is node.layer else replace(node, layer=layer, init=None)

    def _in_place(self, node: Node) -> Node:
        """An activation of its own, so that no fact of it is taken for that of an equal one in new memory."""
        return replace(node, layer=self._once(node.layer, "in place", _in_place))

    def _once(self, layer: Layer, what: str, make: Callable[[Layer], Layer]) -> Layer:
        """What becomes of a layer: one object for all nodes that share it."""
        key = (id(layer), what)
        if key not in self._made:
            self._made[key] = make(layer)
        return self._made[key]


def _is_batch_norm(layer: Layer) -> bool:
    return isinstance(layer, BatchNormNd) and not isinstance(layer, InstanceNormNd)


def _sources(graph: Graph) -> list[int]:
    found: list[int] = []
    for node, runtime in zip(graph.nodes, graph.runtimes, strict=True):
        gone = runtime.storage == "eval_identity" or isinstance(node.layer, Identity)
        found.append(found[node.inputs[0]] if gone else node.index)
    return found


def _fused(graph: Graph) -> set[int]:
    """The elementwise activations whose input nobody else needs, nor a view of it."""
    readers = Counter(source for node in graph.nodes for source in node.inputs)
    needed = {index for _, index in graph.outputs} | {node.index for node in graph.inputs}
    found: set[int] = set()
    free: list[bool] = []
    for node, runtime in zip(graph.nodes, graph.runtimes, strict=True):
        layer = node.layer
        if isinstance(layer, Activation) and layer.is_elementwise and free[node.inputs[0]]:
            found.add(node.index)
        alone = readers[node.index] == 1 and node.index not in needed
        own = runtime.storage == "new" or node.index in found
        free.append(alone and (own or free[node.inputs[0]]))
    return found


def _padded(nodes: list[Node], results: set[int]) -> frozenset[str]:
    """The paddings with zeros that one convolution alone reads, which pads with zeros itself or not at all."""
    readers: dict[int, list[Node]] = {}
    for node in nodes:
        for source in node.inputs:
            readers.setdefault(source, []).append(node)
    found: set[str] = set()
    for node in nodes:
        reading = readers.get(node.index, [])
        pads = isinstance(node.layer, FilledPadNd) and not isinstance(node.layer, ConstantPadNd)
        if not pads or node.index in results or len(reading) != 1:
            continue
        layer = reading[0].layer
        if isinstance(layer, ConvNd) and layer.padding_mode == "zeros" and min(getattr(node.layer, "padding", ())) >= 0:
            found.add(node.path)
    return frozenset(found)


def _scale_and_shift(_norm: Layer) -> Layer:
    return LayerScale(init_value=1.0, bias=True)


def _plain(layer: Layer) -> Layer:
    """The convolution with a weight of its own."""
    assert isinstance(layer, ParametrizedConvNd)
    options: dict[str, Any] = {name: getattr(layer, name) for name in ConvNd.model_fields}
    return of_rank(Conv2d, layer.rank)(**options)


def _in_place(layer: Layer) -> Layer:
    update = {"inplace": True} if "inplace" in type(layer).model_fields else {}
    return layer.model_copy(update=update)
