"""What a network's weights take where they are stored: in memory, or in the flash of a device.

A deployed int8 network is stored as TensorFlow Lite stores it (its quantization specification, and what its converter
writes): weights of convolutions, linear layers and products in int8, with a float32 scale and an int64 zero point for
each output channel; their biases in int32, with as many scales and zero points; any other tensor in int8 with one pair
of its own. Names, shapes and the operators of the file come on top, and so does the program that runs it.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from archlab.analysis.facts import DTYPE_BYTES, Facts
from archlab.graph import Graph, Node
from archlab.layers.base import TensorSpec
from archlab.layers.shape import Shape

BIAS_BYTES = 4
PAIR_BYTES = 4 + 8
"""A scale in float32 and a zero point in int64 (the `QuantizationParameters` of TensorFlow Lite's schema)."""


class WeightBytes(NamedTuple):
    """What a layer's tensors take.

    Attributes:
        params: of its learnable tensors.
        buffers: of its others.
        quantization: scales and zero points of both.
    """

    params: int
    buffers: int
    quantization: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self)


def weight_bytes(graph: Graph, facts: list[Facts], dtype: str) -> list[WeightBytes]:
    """What the tensors of every node take, in order; of a module that several call, those of the first one.

    Args:
        graph: the network.
        facts: of its nodes.
        dtype: of its parameters.
    """
    size = DTYPE_BYTES[dtype]
    if graph.deployment is None or dtype != "int8":
        return [
            WeightBytes(fact.params * size, (fact.buffers - fact.fixed_buffers) * size + fact.fixed_buffer_bytes)
            for fact in facts
        ]
    repeats = graph.repeats()
    found = graph.asked_once(_quantized)
    return [WeightBytes(0, 0) if index in repeats else one for index, one in enumerate(found)]


def _quantized(node: Node, inputs: tuple[Shape, ...]) -> WeightBytes:
    macs = node.layer.cost(inputs, node.shape).macs
    params = buffers = quantization = 0
    for tensor in node.layer.tensors(inputs):
        size = _tensor_bytes(tensor, is_product=macs > 0)
        if tensor.learnable:
            params += size
        else:
            buffers += size
        if tensor.dtype is None:
            quantization += PAIR_BYTES * (_pairs(node, tensor) if macs else 1)
    return WeightBytes(params, buffers, quantization)


def _tensor_bytes(tensor: TensorSpec, *, is_product: bool) -> int:
    if tensor.dtype is not None:
        return tensor.elements * DTYPE_BYTES[tensor.dtype]
    return tensor.elements * (BIAS_BYTES if is_product and len(tensor.shape) == 1 else 1)


def _pairs(node: Node, tensor: TensorSpec) -> int:
    """Scales of a tensor: one for each output channel."""
    if len(tensor.shape) == 1 or node.layer.role != "weighted":
        return prod(tensor.shape[:1])
    return int(getattr(node.layer, "out_channels", tensor.shape[0]))  # of a transposed one they are not in front
