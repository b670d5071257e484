"""What goes into a built model: a tensor for each of the network's inputs, in order."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from archlab.graph import Graph


def samples(graph: Graph, batch: int, make: Callable[..., Tensor]) -> tuple[Tensor, ...]:
    """A tensor for each input.

    Args:
        graph: the network.
        batch: number of samples.
        make: of sizes: `torch.zeros`, or `torch.randn` on a device.
    """
    return tuple([make(batch, *node.shape) for node in graph.inputs])
