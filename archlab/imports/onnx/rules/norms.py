"""Norms that have an operator."""

from __future__ import annotations

from archlab.imports.builder import Owned
from archlab.imports.onnx.net import Net, owned
from archlab.imports.onnx.propagate import Value
from archlab.imports.onnx.rules.rule import Rule, axes_count
from archlab.imports.onnx.source import Node
from archlab.imports.unsaid import UnsaidError


def _batch_norm(net: Net, node: Node) -> None:
    """BatchNormalization in inference mode; its momentum is one less PyTorch's."""
    if node.integer("training_mode", 0) and any(node.outputs[1:]):
        raise UnsaidError("it gives statistics too")
    rank = max(1, len(net.sizes(node)) - 2)
    options = {"eps": node.number("epsilon", 1e-5), "momentum": round(1 - node.number("momentum", 0.9), 6)}
    tensors = {name: owned(net.value(node, number)) for number, name in enumerate(_BATCH_NORM, 1)}
    net.at(node, net.value(node, 1))
    net.put(node, f"batch_norm{rank}d", options, (net.data(node),), tensors)


_BATCH_NORM = ("weight", "bias", "running_mean", "running_var")


def _instance_norm(net: Net, node: Node) -> None:
    """InstanceNormalization; without scale and shift where they change nothing and no module is named by them."""
    weight, bias = net.value(node, 1), net.value(node, 2)
    plain = _is_neutral(weight, 1) and _is_neutral(bias, 0)
    options = {"eps": node.number("epsilon", 1e-5), "affine": not plain}
    net.at(node, None if plain else weight)
    tensors = {} if plain else {"weight": owned(weight), "bias": owned(bias)}
    net.put(node, f"instance_norm{axes_count(net, node)}d", options, (net.data(node),), tensors)


def _is_neutral(value: Value | None, number: int) -> bool:
    if value is None:
        return True
    is_named = value.weight is not None and value.weight.name.endswith((".weight", ".bias"))
    return value.number == number and not is_named


def _layer_norm(net: Net, node: Node) -> None:
    """LayerNormalization over the last dimension."""
    sizes = net.sizes(node)
    if node.integer("axis", -1) % len(sizes) != len(sizes) - 1 or any(node.outputs[1:]):
        raise UnsaidError("it is over several dimensions")
    weight, bias = net.value(node, 1), net.value(node, 2)
    plain = _is_neutral(weight, 1) and _is_neutral(bias, 0)
    net.at(node, None if plain else weight)
    tensors = {} if plain else _affine(weight, bias, sizes[-1:])
    options = {
        "eps": node.number("epsilon", 1e-5),
        "elementwise_affine": not plain,
        "bias": plain or "bias" in tensors,
    }
    net.put(node, "layer_norm", options, (net.data(node),), tensors)


def _affine(weight: Value | None, bias: Value | None, sizes: tuple[int, ...]) -> dict[str, Owned]:
    return {"weight": owned(weight, sizes)} | ({} if bias is None else {"bias": owned(bias, sizes)})


def _group_norm(net: Net, node: Node) -> None:
    """GroupNormalization, whose scale and shift are one for each channel since version 21."""
    sizes = net.sizes(node)
    options = {"num_groups": node.integer("num_groups", 1), "eps": node.number("epsilon", 1e-5)}
    net.at(node, net.value(node, 1))
    net.put(node, "group_norm", options, (net.data(node),), _affine(net.value(node, 1), net.value(node, 2), sizes[1:2]))


def _rms_norm(net: Net, node: Node) -> None:
    sizes = net.sizes(node)
    if node.integer("axis", -1) % len(sizes) != len(sizes) - 1:
        raise UnsaidError("it is over several dimensions")
    net.at(node, net.value(node, 1))
    tensors = {"weight": owned(net.value(node, 1), sizes[-1:])}
    net.put(node, "rms_norm", {"eps": node.number("epsilon", 1e-5)}, (net.data(node),), tensors)


def _local_response_norm(net: Net, node: Node) -> None:
    """LRN; an odd size only, where both place the window alike."""
    size = node.integer("size", 1)
    if size % 2 == 0:
        raise UnsaidError("its size is even")
    options = {"size": size, "alpha": node.number("alpha", 1e-4), "beta": node.number("beta", 0.75)}
    net.put(node, "local_response_norm", options | {"k": node.number("bias", 1)}, (net.data(node),))


RULES: dict[str, Rule] = {
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "LayerNormalization": _layer_norm,
    "GroupNormalization": _group_norm,
    "RMSNormalization": _rms_norm,
    "LRN": _local_response_norm,
}
