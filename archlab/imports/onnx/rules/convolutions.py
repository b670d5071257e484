"""Convolutions and products with matrices."""

from __future__ import annotations

from archlab.imports.builder import Owned
from archlab.imports.onnx.net import Net, owned
from archlab.imports.onnx.propagate import Value
from archlab.imports.onnx.rules.rule import Rule, axes_count, is_even, padded, per_axis, sides_of
from archlab.imports.onnx.source import Node
from archlab.imports.unsaid import UnsaidError


def _weight(net: Net, node: Node, dimensions: int) -> Value:
    """The weights, of so many dimensions.

    Raises:
        UnsaidError: if they come from an input, or their sizes are not known.
    """
    value = net.value(node, 1)
    if value is None or not value.constant or value.sizes is None or len(value.sizes) != dimensions:
        raise UnsaidError("its weights come from an input")
    return value


def conv(net: Net, node: Node, bias: Owned | None = None) -> None:
    """Conv: PyTorch's, with a padding in front where it is not even."""
    rank = axes_count(net, node)
    weight = _weight(net, node, rank + 2)
    assert weight.sizes is not None
    value, kernel, sides = net.data(node), weight.sizes[2:], sides_of(net, node, weight.sizes[2:])
    if per_axis(node, "kernel_shape", rank, 0) not in (kernel, (0,) * rank):
        raise UnsaidError("its kernel_shape is not that of its weights")
    net.at(node, weight)
    if not is_even(sides):
        value, sides = padded(net, value, sides), [(0, 0)] * rank
    options = {
        "out_channels": weight.sizes[0],
        "kernel_size": kernel,
        "stride": per_axis(node, "strides", rank),
        "padding": tuple([before for before, _ in sides]),
        "dilation": per_axis(node, "dilations", rank),
        "groups": node.integer("group", 1),
    }
    _put_conv(net, node, f"conv{rank}d", options, value, bias)


def conv_transpose(net: Net, node: Node, bias: Owned | None = None) -> None:
    """ConvTranspose: what its padding takes less behind than in front is PyTorch's output_padding."""
    rank = axes_count(net, node)
    weight = _weight(net, node, rank + 2)
    assert weight.sizes is not None
    if node.text("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or node.integers("output_shape"):
        raise UnsaidError("its padding follows the size of its result")
    groups, further = node.integer("group", 1), per_axis(node, "output_padding", rank, 0)
    sides = sides_of(net, node, weight.sizes[2:])
    options = {
        "out_channels": weight.sizes[1] * groups,
        "kernel_size": weight.sizes[2:],
        "stride": per_axis(node, "strides", rank),
        "padding": tuple([before for before, _ in sides]),
        "output_padding": tuple(
            [more + before - behind for more, (before, behind) in zip(further, sides, strict=True)]
        ),
        "dilation": per_axis(node, "dilations", rank),
        "groups": groups,
    }
    net.at(node, weight)
    _put_conv(net, node, f"conv_transpose{rank}d", options, net.data(node), bias)


def _put_conv(net: Net, node: Node, layer: str, options: dict[str, object], value: int, bias: Owned | None) -> None:
    if bias is None and net.value(node, 2) is not None:
        bias = owned(net.value(node, 2))
    tensors = {"weight": owned(net.value(node, 1))} | ({} if bias is None else {"bias": bias})
    net.put(node, layer, options | {"bias": bias is not None}, (value,), tensors)


def gemm(net: Net, node: Node) -> None:
    """Gemm with constant weights: a linear layer."""
    weight = _weight(net, node, 2)
    if node.number("alpha", 1) != 1 or node.number("beta", 1) != 1 or node.integer("transA", 0):
        raise UnsaidError("it scales or turns what it multiplies")
    matrix = owned(weight, turned=not node.integer("transB", 0))
    features, third = matrix.shape[0], net.value(node, 2)
    net.at(node, weight)
    _linear(net, node, matrix, None if third is None else owned(third, (features,)))


def matmul(net: Net, node: Node, bias: Owned | None = None) -> None:
    """MatMul with constant weights: a linear layer."""
    weight = _weight(net, node, 2)
    net.at(node, weight)
    _linear(net, node, owned(weight, turned=True), bias)


def _linear(net: Net, node: Node, matrix: Owned, bias: Owned | None) -> None:
    tensors = {"weight": matrix} | ({} if bias is None else {"bias": bias})
    options = {"out_features": matrix.shape[0], "bias": bias is not None}
    net.put(node, "linear", options, (net.data(node),), tensors)


RULES: dict[str, Rule] = {"Conv": conv, "ConvTranspose": conv_transpose, "Gemm": gemm, "MatMul": matmul}
BIASED = {"Conv": conv, "ConvTranspose": conv_transpose, "MatMul": matmul}
"""Rules that take a bias from a node behind."""
