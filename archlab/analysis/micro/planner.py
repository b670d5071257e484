"""Where TensorFlow Lite Micro puts buffers: its `GreedyMemoryPlanner`, rule by rule.

From `tensorflow/lite/micro/memory_planner/greedy_memory_planner.cc` of tensorflow/tflite-micro, and `CreatePlan` of
`micro_allocator.cc`: sizes are rounded up to 16 bytes; buffers are placed the largest first, of equal ones the one that
was added last; each goes to the lowest offset where it fits between the buffers already placed that are alive at the
same time, and behind the last of them if there is no gap.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from typing import NamedTuple

ALIGNMENT = 16
"""Bytes (`MicroArenaBufferAlignment`)."""


class Buffer(NamedTuple):
    """Memory that is needed for some time.

    Attributes:
        size: bytes.
        first: the step in which it is made; 0 is before the first operator.
        last: the last step in which it is needed.
    """

    size: int
    first: int
    last: int


def aligned(size: int) -> int:
    """Bytes rounded up to what the planner counts in."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def planned_offsets(buffers: Sequence[Buffer]) -> list[int]:
    """Where each buffer is put, in bytes from the arena's start.

    Args:
        buffers: in the order in which the interpreter adds them.
    """
    sizes = [aligned(buffer.size) for buffer in buffers]
    order = sorted(range(len(buffers)), key=lambda index: (-sizes[index], -index))
    offsets = [0] * len(buffers)
    placed: list[tuple[int, int, int]] = []  # by offset, then as they came
    for turn, index in enumerate(order):
        offsets[index] = _gap(buffers, sizes, placed, index)
        insort(placed, (offsets[index], turn, index))
    return offsets


def _gap(buffers: Sequence[Buffer], sizes: list[int], placed: list[tuple[int, int, int]], index: int) -> int:
    """The lowest offset that is free as long as a buffer is needed."""
    wanted, candidate = buffers[index], 0
    for offset, _, other in placed:
        found = buffers[other]
        if found.first > wanted.last or wanted.first > found.last:
            continue
        if offset - candidate >= sizes[index]:
            break
        candidate = max(candidate, offset + sizes[other])
    return candidate


def arena_bytes(buffers: Sequence[Buffer]) -> int:
    """The size of the arena: the end of the buffer that ends last."""
    ends = [offset + aligned(buffer.size) for offset, buffer in zip(planned_offsets(buffers), buffers, strict=True)]
    return max(ends, default=0)
