"""Darknet's pools: the padding, `size - 1` in all, goes half in front (rounded down), the rest behind."""

from __future__ import annotations

from typing import Any

from archlab.imports.darknet.network import Network
from archlab.imports.darknet.section import Section


def max_pool(network: Network, section: Section) -> None:
    """`[maxpool]`: what is padded is never the largest."""
    _pool(network, section, "max_pool2d", "maxpool", {})


def local_avg_pool(network: Network, section: Section) -> None:
    """`[local_avgpool]`: the mean of what is there."""
    _pool(network, section, "avg_pool2d", "avgpool", {"count_include_pad": False})


def _pool(network: Network, section: Section, layer_type: str, word: str, options: dict[str, Any]) -> None:
    for name in ("maxpool_depth", "antialiasing"):
        if section.integer(name, 0):
            raise section.problem(f"[{section.kind}] with '{name}' is not read", name)
    stride = section.integer("stride", 1)
    strides = section.integer("stride_y", stride), section.integer("stride_x", stride)
    size = section.integer("size", stride)
    padding = section.integer("padding", size - 1)
    if size < 1 or min(strides) < 1 or padding < 0:
        raise section.problem(f"[{section.kind}] takes a size and a stride from 1, and a padding from 0")
    sizes = network.require_map(section)[1:]
    sides = [_sides(extent, size, step, padding) for extent, step in zip(sizes, strides, strict=True)]
    options = {"kernel_size": size, "stride": strides, **options}
    if all(_is_ceil(extent, size, step, side) for extent, step, side in zip(sizes, strides, sides, strict=True)):
        network.add(section, layer_type, word, {**options, "ceil_mode": any(behind > 0 for _, behind in sides)})
        return
    front = padding // 2
    if 2 * front <= size and all(_is_even(*one, size, front) for one in zip(sizes, strides, sides, strict=True)):
        network.add(section, layer_type, word, {**options, "padding": front})
        return
    if layer_type != "max_pool2d":
        raise section.problem(f"[{section.kind}] with this padding is no layer of archlab's")
    # The greatest of a window that reaches beyond the border stays what it is if the border is said once more.
    (top, bottom), (left, right) = sides
    edges = [max(0, edge) for edge in (left, right, top, bottom)]
    network.add(section, "replication_pad2d", "pad", {"padding": edges})
    network.add(section, layer_type, word, options)


def _sides(extent: int, size: int, stride: int, padding: int) -> tuple[int, int]:
    """What is padded in front, and what the last window reads behind the map; below zero where it ends before."""
    count = (extent + padding - size) // stride + 1
    front = padding // 2
    return front, (count - 1) * stride + size - extent - front


def _is_ceil(extent: int, size: int, stride: int, side: tuple[int, int]) -> bool:
    """Whether PyTorch's rounding up, without padding, gives the same windows."""
    front, behind = side
    count = (extent + behind - size) // stride + 1
    rounded = -((size - extent) // stride) + 1
    if (rounded - 1) * stride >= extent:
        rounded -= 1
    return front == 0 and rounded == count


def _is_even(extent: int, stride: int, side: tuple[int, int], size: int, front: int) -> bool:
    """Whether as much behind as in front gives the same windows."""
    count = (extent + front + side[1] - size) // stride + 1
    return (extent + 2 * front - size) // stride + 1 == count


def avg_pool(network: Network, section: Section) -> None:
    """`[avgpool]`: the mean of each channel."""
    network.require_map(section)
    network.add(section, "adaptive_avg_pool2d", "avgpool", {"output_size": 1})
