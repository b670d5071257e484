"""Darknet's layers with a state, and its unshared convolution: opaque, but their params and MACs are known."""

from __future__ import annotations

from math import prod

from archlab.imports.darknet.network import Network
from archlab.imports.darknet.section import Section


def rnn(network: Network, section: Section) -> None:
    """`[rnn]`: three connected layers: of the input, of the state, of the output."""
    inputs, hidden, output = prod(network.shape), section.integer("hidden", 1), section.integer("output", 1)
    _connected(network, section, [(inputs, hidden), (hidden, hidden), (hidden, output)], output)


def gru(network: Network, section: Section) -> None:
    """`[gru]`: three gates, each of a connected layer of the input and one of the state."""
    output = section.integer("output", 1)
    _connected(network, section, [(prod(network.shape), output), (output, output)] * 3, output)


def lstm(network: Network, section: Section) -> None:
    """`[lstm]`: four gates, each of a connected layer of the input and one of the state."""
    output = section.integer("output", 1)
    _connected(network, section, [(prod(network.shape), output), (output, output)] * 4, output)


def _connected(network: Network, section: Section, layers: list[tuple[int, int]], output: int) -> None:
    if min(min(pair) for pair in layers) < 1:
        raise section.problem(f"[{section.kind}] takes sizes from 1")
    norm = section.integer("batch_normalize", 0) != 0
    macs = sum(entering * leaving for entering, leaving in layers)
    learned = sum(leaving for _, leaving in layers)
    network.add_opaque(
        section,
        section.kind,
        (output,),
        params=macs + learned * (2 if norm else 1),
        buffers=2 * learned if norm else 0,
        macs=macs,
        reads="global",
    )


def crnn(network: Network, section: Section) -> None:
    """`[crnn]`: three convolutions: of the input, of the state, of the output."""
    channels, height, width = network.require_map(section)
    size, groups = section.integer("size", 3), section.integer("groups", 1)
    hidden, output = section.integer("hidden", 1), section.integer("output", 1)
    padding = size // 2 if section.integer("pad", 0) else section.integer("padding", 0)
    if section.integer("stride", 1) != 1 or section.integer("dilation", 1) != 1 or 2 * padding != size - 1:
        raise section.problem("[crnn] is read with stride 1 and a padding that keeps the map")
    if min(size, groups, hidden, output) < 1 or channels % groups or hidden % groups:
        raise section.problem("[crnn] takes sizes from 1, and groups that divide the channels")
    pairs = [(channels, hidden), (hidden, hidden), (hidden, output)]
    weights = sum(entering // groups * leaving * size * size for entering, leaving in pairs)
    learned = sum(leaving for _, leaving in pairs)
    norm = section.integer("batch_normalize", 0) != 0
    network.add_opaque(
        section,
        "crnn",
        (output, height, width),
        params=weights + learned * (2 if norm else 1),
        buffers=2 * learned if norm else 0,
        macs=weights * height * width,
    )


def local(network: Network, section: Section) -> None:
    """`[local]`: a convolution with other weights at each position."""
    channels, height, width = network.require_map(section)
    filters, size, stride = (section.integer(name, 1) for name in ("filters", "size", "stride"))
    if min(filters, size, stride) < 1:
        raise section.problem("[local] takes sizes from 1")
    padded = section.integer("pad", 0) != 0
    first = 1 if padded else size
    rows, columns = (height - first) // stride + 1, (width - first) // stride + 1
    if min(rows, columns) < 1:
        raise section.problem(f"[local] has windows of {size}, and the map is {height}x{width}")
    weights = size * size * channels * filters * rows * columns
    window = {"kernel_size": size, "stride": stride, "padding": size // 2 if padded else 0}
    network.add_opaque(
        section,
        "local",
        (filters, rows, columns),
        params=weights + filters * rows * columns,
        macs=weights,
        reads=window,
    )
