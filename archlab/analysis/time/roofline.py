"""A bound for each layer's time: the roofline model.

Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model": a layer takes as long as
its arithmetic at the device's peak rate, or as long as moving its bytes at the device's bandwidth, whichever is
longer. The bytes are those of reading its inputs and parameters and of writing its output once; views move nothing.

A layer that reads all of this from memory and does all of its arithmetic cannot be faster. It is where a cache still
holds what it reads, or where a convolution is computed with fewer multiplications (Winograd).
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from archlab.analysis.facts import DTYPE_BYTES
from archlab.analysis.result import Analysis, LayerReport
from archlab.analysis.time.device import Device
from archlab.layers.shape import Shape


class LayerTime(NamedTuple):
    """One layer's lower bound.

    Attributes:
        layer: with its numbers.
        moved: bytes from and to memory.
        compute: seconds of arithmetic at the peak rate.
        memory: seconds of moving the bytes.
    """

    layer: LayerReport
    moved: int
    compute: float
    memory: float

    @property
    def seconds(self) -> float:
        """The larger of the two."""
        return max(self.compute, self.memory)

    @property
    def bound(self) -> str:
        """Which of the two it is: `compute` or `memory`; empty for a view."""
        if not self.seconds:
            return ""
        return "compute" if self.compute > self.memory else "memory"

    @property
    def intensity(self) -> float | None:
        """FLOPs for each byte moved; None for a view."""
        return self.layer.flops / self.moved if self.moved else None


def roofline(analysis: Analysis, device: Device) -> list[LayerTime]:
    """The lower bound of every layer's forward pass.

    Args:
        analysis: with batch and dtype.
        device: on which.

    Raises:
        ConfigError: if the device has no rate for the dtype.
    """
    rate, bandwidth = device.operations_per_second(analysis.dtype), device.bytes_per_second
    times: list[LayerTime] = []
    for layer in analysis.layers:
        moved = moved_bytes(analysis, layer)
        times.append(LayerTime(layer, moved, layer.flops / rate, moved / bandwidth))
    return times


def moved_bytes(analysis: Analysis, layer: LayerReport) -> int:
    """Bytes that a layer reads and writes: its inputs, its parameters and its output, once each; none of a view."""
    deployment = analysis.graph.deployment
    if layer.storage in {"view", "eval_identity"} or not layer.node.inputs:
        return 0
    if deployment is not None and layer.node.path in deployment.fused:
        return 0  # computed before anything is written
    read = [] if layer.node.layer.role == "source" else layer.node.inputs
    shapes = [*[_read(analysis, index) for index in read], layer.node.shape]
    elements = sum([prod(shape) for shape in shapes]) * analysis.batch + layer.shared
    size = DTYPE_BYTES[analysis.dtype]
    if deployment is not None:
        return elements * size + analysis.weight_bytes(layer).total
    return (elements + layer.params + layer.buffers) * size


def _read(analysis: Analysis, index: int) -> Shape:
    """The shape of what is read of a node: a padding that the reader does itself moves no zeros."""
    node, deployment = analysis.graph.nodes[index], analysis.graph.deployment
    if deployment is not None and node.path in deployment.padded:
        return _read(analysis, node.inputs[0])
    return node.shape
