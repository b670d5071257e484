"""Values in another shape or order, parts of them, and paddings."""

from __future__ import annotations

from math import prod

from archlab.imports.onnx.net import Net
from archlab.imports.onnx.rules.rule import Rule, last_first
from archlab.imports.onnx.source import Node, tidy
from archlab.imports.unsaid import UnsaidError
from archlab.imports.views import view_steps

MOST_PARTS = 1024
"""Of a split."""


def _reshape(net: Net, node: Node) -> None:
    """Reshape, Flatten, Squeeze, Unsqueeze: merged and split dimensions."""
    value, before, behind = net.data(node), net.sizes(node), net.result(node)
    if prod(before) != prod(behind):
        raise UnsaidError("it has other elements")
    _view(net, node.outputs[0], value, behind[1:])


def _view(net: Net, name: str, value: int, sizes: tuple[int, ...]) -> None:
    for layer, options in view_steps(tuple(net.shape(value)), sizes):
        value = net.build(layer, options, (value,))
    if tuple(net.shape(value)) != sizes:
        raise UnsaidError(f"it gives {tuple(net.shape(value))}, and the source {sizes}")
    net.bind(name, value)


def _transpose(net: Net, node: Node) -> None:
    count = len(net.sizes(node))
    order = node.integers("perm") or tuple(reversed(range(count)))
    if sorted(order) != list(range(count)) or order[0] != 0:
        raise UnsaidError("it does not leave the samples in front")
    if order == tuple(range(count)):
        net.bind(node.outputs[0], net.data(node))
    else:
        net.put(node, "permute", {"dims": order}, (net.data(node),))


def _depth_to_space(net: Net, node: Node) -> None:
    if node.text("mode", "DCR") != "CRD":
        raise UnsaidError("it counts the places in a pixel before the channels, PyTorch's pixel_shuffle behind them")
    net.put(node, "pixel_shuffle", {"upscale_factor": node.integer("blocksize", 1)}, (net.data(node),))


def _whole_numbers(net: Net, node: Node, number: int) -> tuple[int, ...] | None:
    """A constant list of whole numbers; None where it is left out.

    Raises:
        UnsaidError: if it is not known.
    """
    value = net.value(node, number)
    if value is None:
        return None
    if value.array is None or value.array.dtype.kind not in "iu":
        raise UnsaidError("what says its places is not known")
    return tuple([int(one) for one in value.array.ravel()])


def _slice(net: Net, node: Node) -> None:
    """Parts of dimensions, one after the other."""
    starts, ends = _whole_numbers(net, node, 1) or (), _whole_numbers(net, node, 2) or ()
    axes = _whole_numbers(net, node, 3) or tuple(range(len(starts)))
    steps = _whole_numbers(net, node, 4) or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or any(step != 1 for step in steps):
        raise UnsaidError("it takes every second place, or goes backwards")
    net.result(node)
    value, sizes = net.data(node), net.sizes(node)
    for axis, start, end in zip(axes, starts, ends, strict=True):
        dim = axis % len(sizes)
        first, behind, _ = slice(start, end).indices(sizes[dim])
        if (first, behind) != (0, sizes[dim]):
            value = _narrow(net, value, dim, first, behind - first)
    if tuple(net.shape(value)) != net.result(node)[1:]:
        raise UnsaidError("its places cannot be told")
    net.bind(node.outputs[0], value)


def _narrow(net: Net, value: int, dim: int, start: int, length: int) -> int:
    if dim == 0:
        raise UnsaidError("it takes some of the samples")
    return net.build("narrow", {"dim": dim, "start": start, "length": length}, (value,))


def _split(net: Net, node: Node) -> None:
    sizes, value = net.sizes(node), net.data(node)
    axis = node.integer("axis", 0) % len(sizes)
    if len(node.outputs) > MOST_PARTS:
        raise UnsaidError("it has too many parts")
    start = 0
    for number, name in enumerate(node.outputs):
        if not name:
            raise UnsaidError("a part of it has no name")
        length = net.result(node, number)[axis]
        net.bind(name, _narrow(net, value, axis, start, length) if length != sizes[axis] else value)
        start += length


def _gather(net: Net, node: Node) -> None:
    """One place along a dimension, or several in a row."""
    indices, sizes = net.value(node, 1), net.sizes(node)
    places = _whole_numbers(net, node, 1)
    axis = node.integer("axis", 0) % len(sizes)
    if not places or indices is None or len(indices.sizes or ()) > 1:
        raise UnsaidError("it takes places from a table")
    first = places[0] % sizes[axis]
    if [place % sizes[axis] for place in places] != list(range(first, first + len(places))):
        raise UnsaidError("it takes places that are not in a row")
    value = net.data(node)
    if len(places) != sizes[axis]:
        value = _narrow(net, value, axis, first, len(places))
    _view(net, node.outputs[0], value, net.result(node)[1:])


_PADS = {"constant": "constant_pad", "reflect": "reflection_pad", "edge": "replication_pad", "wrap": "circular_pad"}


def _pad(net: Net, node: Node) -> None:
    """Around the axes of a map; with zeros also around its channels."""
    sizes, value = net.sizes(node), net.data(node)
    count, pads, axes = len(sizes), _whole_numbers(net, node, 1) or (), _whole_numbers(net, node, 3)
    dims = tuple(range(count)) if axes is None else tuple([axis % count for axis in axes])
    if len(pads) != 2 * len(dims):
        raise UnsaidError("its padding cannot be read")
    sides = dict(zip(dims, zip(pads[: len(dims)], pads[len(dims) :], strict=True), strict=True))
    filling = net.value(node, 2)
    number = 0.0 if filling is None else filling.number
    layer = _PADS.get(node.text("mode", "constant"))
    if layer is None or number is None or any(sides.get(0, ())):
        raise UnsaidError("it pads samples, or with what is not known")
    around = [sides.get(dim, (0, 0)) for dim in range(2, count)]
    options: dict[str, object] = {"padding": last_first(around)}
    if layer == "constant_pad":
        layer = "constant_pad" if number else "zero_pad"
        options |= {"value": tidy(number)} if number else {}
    if any(sides.get(1, ())):
        if layer != "zero_pad" or any(map(any, around)):
            raise UnsaidError("it pads channels")
        before, behind = sides[1]
        net.put(node, "pad_channels", {"before": before, "after": behind}, (value,))
    elif not any(map(any, around)):
        net.bind(node.outputs[0], value)
    else:
        net.put(node, f"{layer}{count - 2}d", options, (value,))


def _expand(net: Net, node: Node) -> None:
    """Only where nothing is stretched."""
    if net.result(node) != net.sizes(node):
        raise UnsaidError("it stretches a value")
    net.bind(node.outputs[0], net.data(node))


RULES: dict[str, Rule] = {
    "Reshape": _reshape,
    "Flatten": _reshape,
    "Squeeze": _reshape,
    "Unsqueeze": _reshape,
    "Transpose": _transpose,
    "DepthToSpace": _depth_to_space,
    "Slice": _slice,
    "Split": _split,
    "Gather": _gather,
    "Pad": _pad,
    "Expand": _expand,
    "Tile": _expand,
}
