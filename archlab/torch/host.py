"""What this machine can hold and do: networks that it never could are refused before PyTorch tries."""

from __future__ import annotations

import os

import torch

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.graph import Graph, Node

MOST_MACS = 10**12
"""Of a forward pass on a processor: minutes."""
ELEMENT_BYTES = 4
"""Of a weight in float32."""


def physical_memory() -> int | None:
    """Bytes of memory that this machine has; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def require_memory(needed: int, what: str, node: Node | None = None) -> None:
    """Refuse what does not fit into this machine's memory.

    Args:
        needed: bytes.
        what: takes them, in the plural.
        node: the layer that takes the most of it.

    Raises:
        ConfigError: with both sizes, at the layer.
    """
    there = physical_memory()
    if there is None or needed <= there:
        return
    most = "" if node is None else f", the most of them those of '{node.path}'"
    raise single_problem(
        f"{what} take {needed:,} bytes{most}; this machine's memory has {there:,}",
        Code.TOO_LARGE,
        None if node is None else node.place,
    )


def require_room(graph: Graph, device: torch.device) -> None:
    """Refuse a network whose parameters and buffers do not fit into the memory of a processor.

    Args:
        graph: the network.
        device: where they are made; only a processor's memory is known.

    Raises:
        ConfigError: naming its largest layer.
    """
    if device.type != "cpu" or not graph.layers:
        return
    elements = [sum(one.elements for one in node.layer.tensors(graph.input_shapes(node))) for node in graph.layers]
    largest = max(range(len(elements)), key=elements.__getitem__)
    require_memory(ELEMENT_BYTES * sum(elements), "the parameters and buffers", graph.layers[largest])


def require_time(macs: int) -> None:
    """Refuse a forward pass that takes a processor minutes.

    Args:
        macs: multiply-accumulates.

    Raises:
        ConfigError: with the bound.
    """
    if macs > MOST_MACS:
        raise single_problem(
            f"a forward pass takes {macs:,} multiply-accumulates; on a processor at most {MOST_MACS:,} are run: choose "
            "another device, or 'meta', which works out shapes only",
            Code.TOO_LARGE,
        )
