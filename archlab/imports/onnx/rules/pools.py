"""Pooling and reductions."""

from __future__ import annotations

from archlab.imports.onnx.fold import axes_of
from archlab.imports.onnx.net import Net
from archlab.imports.onnx.rules.rule import Pair, Rule, axes_count, is_even, padded, per_axis, sides_of
from archlab.imports.onnx.source import Node
from archlab.imports.unsaid import UnsaidError


def _max_pool(net: Net, node: Node) -> None:
    """MaxPool: what hangs over the end is padding of PyTorch's ceil_mode, since nothing there is ever the largest."""
    if any(node.outputs[1:]):
        raise UnsaidError("it gives places too")
    rank = axes_count(net, node)
    kernel = per_axis(node, "kernel_shape", rank, 0)
    sides = sides_of(net, node, kernel)
    options = {
        "kernel_size": kernel,
        "stride": per_axis(node, "strides", rank),
        "padding": tuple([before for before, _ in sides]),
        "dilation": per_axis(node, "dilations", rank),
        "ceil_mode": bool(node.integer("ceil_mode", 0)) or not is_even(sides),
    }
    net.put(node, f"max_pool{rank}d", options, (net.data(node),))


def _avg_pool(net: Net, node: Node) -> None:
    rank = axes_count(net, node)
    kernel = per_axis(node, "kernel_shape", rank, 0)
    if per_axis(node, "dilations", rank) != (1,) * rank:
        raise UnsaidError("it has a dilation")
    value, sides = net.data(node), sides_of(net, node, kernel)
    counts, ceil = bool(node.integer("count_include_pad", 0)), bool(node.integer("ceil_mode", 0))
    if counts and not is_even(sides):
        value, sides = padded(net, value, sides), [(0, 0)] * rank
    elif not is_even(sides):
        ceil = True  # the mean of what is there, as far as a window hangs over
    options = {
        "kernel_size": kernel,
        "stride": per_axis(node, "strides", rank),
        "padding": tuple([before for before, _ in sides]),
        "ceil_mode": ceil,
        "count_include_pad": counts or not any(map(any, sides)),
    }
    net.put(node, f"avg_pool{rank}d", options, (value,))


def _lp_pool(net: Net, node: Node) -> None:
    rank = axes_count(net, node)
    kernel = per_axis(node, "kernel_shape", rank, 0)
    sides: list[Pair] = sides_of(net, node, kernel)
    if any(map(any, sides)) or per_axis(node, "dilations", rank) != (1,) * rank:
        raise UnsaidError("it has a padding or a dilation")
    options = {"norm_type": node.integer("p", 2), "kernel_size": kernel, "stride": per_axis(node, "strides", rank)}
    options["ceil_mode"] = bool(node.integer("ceil_mode", 0))
    net.put(node, f"lp_pool{rank}d", options, (net.data(node),))


def _global(kind: str) -> Rule:
    def rule(net: Net, node: Node) -> None:
        rank = axes_count(net, node)
        net.put(node, f"adaptive_{kind}_pool{rank}d", {"output_size": (1,) * rank}, (net.data(node),))

    return rule


def _reduce(layer: str, **options: int) -> Rule:
    """Along some dimensions; a mean along all axes of a map that leaves them is an adaptive pooling."""

    def rule(net: Net, node: Node) -> None:
        arrays = [None if value is None else value.array for value in map(net.facts.value, node.inputs)]
        count, axes = len(net.sizes(node)), axes_of(node, arrays)
        keep = bool(node.integer("keepdims", 1))
        if not axes:
            raise UnsaidError("it is over all dimensions, samples among them")
        dims = tuple(sorted({axis % count for axis in axes}))
        if layer in _POOLS and keep and dims == tuple(range(2, count)) and count in (3, 4, 5):
            rank = count - 2
            kind = _POOLS[layer]
            net.put(node, f"adaptive_{kind}_pool{rank}d", {"output_size": (1,) * rank}, (net.data(node),))
            return
        net.put(
            node, layer, {"dim": dims[0] if len(dims) == 1 else dims, "keepdim": keep, **options}, (net.data(node),)
        )

    return rule


_POOLS = {"mean": "avg", "amax": "max"}

RULES: dict[str, Rule] = {
    "MaxPool": _max_pool,
    "AveragePool": _avg_pool,
    "LpPool": _lp_pool,
    "GlobalAveragePool": _global("avg"),
    "GlobalMaxPool": _global("max"),
    "ReduceMean": _reduce("mean"),
    "ReduceSum": _reduce("sum"),
    "ReduceMax": _reduce("amax"),
    "ReduceL1": _reduce("vector_norm", ord=1),
    "ReduceL2": _reduce("vector_norm", ord=2),
}
