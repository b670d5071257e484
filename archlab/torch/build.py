"""A graph to a `torch.fx.GraphModule` whose submodules carry the nodes' paths.

The generated `forward` is plain code, one line a node: it compiles with `torch.compile` without breaks and
exports with `torch.export`. Each value is released after its last use.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from importlib import import_module

from archlab.diagnostics.requirements import require

require("torch", "torch", "building a model")

import torch
from torch import fx, nn

from archlab.graph import Graph, HasGraph, graph_of
from archlab.graph.segments import find_segments
from archlab.graph.subgraph import cut
from archlab.layers.base import Layer
from archlab.torch.host import require_room
from archlab.torch.initialize import Undrawn, initialize
from archlab.torch.opaque import is_foreign_module, make_foreign
from archlab.torch.trace import trace
from archlab.torch.weights import Weights, load_weights
from archlab.torch.weights_map import WeightsMap


def build(
    network: Graph | HasGraph,
    *,
    device: str | torch.device | None = None,
    weights: Weights | None = None,
    weights_map: WeightsMap | None = None,
    partial: bool = False,
    outputs: Sequence[str] | None = None,
    checkpoint: Sequence[str] = (),
) -> fx.GraphModule:
    """The PyTorch model of a network, with freshly initialised weights, in training mode.

    Args:
        network: a network or its graph.
        device: where the weights are made; `meta` makes none.
        weights: a state dict with the same tensors, a file that holds one, or
            `torchvision:ResNet50_Weights.IMAGENET1K_V2`; matched by names and shapes (see `archlab.torch.matching`).
            No initial weights are drawn then, unless with `partial`.
        weights_map: names of the state dict to the network's, or a YAML file of them, where they are known (see
            `archlab.torch.weights_map`).
        partial: keep fresh weights where those given do not fit, instead of refusing.
        outputs: layers or blocks whose values are wanted; the model then has nothing that these do not need.
        checkpoint: blocks, or patterns such as `layer*.*`, that keep only their inputs for the backward pass and
            compute the rest again (activation checkpointing); nothing else changes, running statistics included.

    Returns:
        A module that takes (batch, channels, *axes) and returns one tensor, a tuple or a dictionary
        as the config's `outputs` says; with `outputs`, a dictionary by their names.

    Raises:
        ConfigError: if there is no such output or block, the weights do not fit, or the memory is too small.
    """
    whole = graph_of(network)
    graph = whole if outputs is None else cut(whole, outputs)
    made_on = torch.device(device) if device is not None else torch.get_default_device()
    require_room(graph, made_on)
    is_drawn = made_on.type != "meta" and (weights is None or partial)
    # As a context, a device has every call of PyTorch go through Python once more: a tenth of the time.
    with nullcontext() if made_on == torch.get_default_device() else made_on:
        root = nn.Module()
        repeats = graph.repeats()
        for node in graph.layers:
            if node.index not in repeats:
                inputs = graph.input_shapes(node)
                foreign = is_foreign_module(node.layer)
                with nullcontext() if is_drawn or foreign else Undrawn():
                    module = make_foreign(node, inputs) if foreign else make_module(node.layer, inputs)
                if module is not None:
                    _attach(root, node.module, module)
    traced = trace(graph, root, find_segments(graph, checkpoint))
    model = fx.GraphModule(root, traced, class_name=_class_name(graph.name))
    if is_drawn:
        initialize(model, graph)
    if weights is not None:
        own_map = getattr(network, "weights_map", None)
        found = load_weights(model, whole, weights, partial=partial, weights_map=weights_map, own_map=own_map)
        for text in found.warnings():
            warnings.warn(text, stacklevel=2)
    return model


def make_module(layer: Layer, inputs: tuple[tuple[int, ...], ...]) -> nn.Module | None:
    """The PyTorch module of a layer, or None if it is a function."""
    if not layer.torch_class:
        return None
    module = module_class(layer.torch_class)(**layer.inferred(inputs), **layer.torch_arguments())
    assert isinstance(module, nn.Module)
    return module


def module_class(name: str) -> type[nn.Module]:
    """The class that a layer names: in `torch.nn`, or anywhere by its full path (`torchvision.ops.StochasticDepth`)."""
    package, _, word = name.rpartition(".")
    if not package:
        found = getattr(nn, name)
    else:
        if package.startswith("torchvision"):
            require("torchvision", "torch", f"building {word}")
        found = getattr(import_module(package), word)
    assert issubclass(found, nn.Module)
    return found  # type: ignore[no-any-return]


def _attach(root: nn.Module, path: str, module: nn.Module) -> None:
    """Put a module at its path, with plain modules as the levels between."""
    *scopes, name = path.split(".")
    parent = root
    for scope in scopes:
        if not hasattr(parent, scope):
            parent.add_module(scope, nn.Module())
        parent = parent.get_submodule(scope)
    parent.add_module(name, module)


def _class_name(name: str) -> str:
    """A Python identifier from a network's name, which may hold anything."""
    word = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
    return word if word[:1].isalpha() else f"Network_{word}"
