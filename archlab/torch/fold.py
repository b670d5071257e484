"""The deployed model of a network: the same values with batch norms folded into what stands in front of them.

Batch norm in eval mode is y = (x - mean) / sqrt(var + eps) * weight + bias: a scale and a shift of each channel.
Behind a convolution the scale goes into its weight, along the output channels, and both into its bias. All of it is
computed in float64 and rounded once.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, fx, nn

from archlab.graph import Graph, Node
from archlab.graph.deploy import deploy
from archlab.torch.build import build
from archlab.torch.modules import ScaledStdConv2d, StdConv2d

State = dict[str, Tensor]


class Affine(NamedTuple):
    """A scale and a shift of each channel, in float64."""

    scale: Tensor
    shift: Tensor


def fold(model: nn.Module, graph: Graph) -> tuple[fx.GraphModule, Graph]:
    """A built model as it is deployed, in eval mode, and its graph.

    Args:
        model: of the network, with its weights.
        graph: the network, as it is written.
    """
    deployed = deploy(graph)
    made = build(deployed)
    kinds = [tensor.dtype for tensor in model.parameters() if tensor.is_floating_point()]
    made.to(kinds[0] if kinds else torch.float32)
    made.load_state_dict(folded_state(model, graph, deployed))
    return made.eval(), deployed


@torch.no_grad()
def folded_state(model: nn.Module, graph: Graph, deployed: Graph) -> State:
    """The weights of the deployed network, from those of the one as it is written.

    Args:
        model: with the weights.
        graph: the network, as it is written.
        deployed: the same as it is deployed.
    """
    deployment = deployed.deployment
    assert deployment is not None
    modules = {node.path: node.module for node in graph.nodes}
    norms = {front: modules[norm] for norm, front in deployment.folded.items()}
    made_once = set(deployment.made_once)
    state: State = {}
    for node in deployed.layers:
        if not node.layer.torch_class:
            continue
        module = model.get_submodule(node.module)
        if node.path in deployment.scaled:
            own = _scale_and_shift(module, len(node.shape) - 1)
        elif node.path in norms:
            own = _folded(node, module, affine(model.get_submodule(norms[node.path])))
        elif node.path in made_once:
            own = {"weight": weight_of(module), **_bias(module)}
        else:
            own = dict(module.state_dict())
        state |= {f"{node.module}.{name}": tensor for name, tensor in own.items()}
    return state


def affine(norm: nn.Module) -> Affine:
    """What a batch norm does in eval mode."""
    assert isinstance(norm, nn.modules.batchnorm._BatchNorm)  # noqa: SLF001 - the class of all ranks
    assert norm.running_mean is not None
    assert norm.running_var is not None
    mean, variance = norm.running_mean.double(), norm.running_var.double()
    scale = (variance + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.double()
    shift = -mean * scale
    return Affine(scale, shift if norm.bias is None else shift + norm.bias.double())


def _scale_and_shift(norm: nn.Module, axes: int) -> State:
    scale, shift = affine(norm)
    dtype = norm.running_mean.dtype if isinstance(norm.running_mean, Tensor) else torch.float32
    sizes = (-1, *(1,) * axes)
    return {"layer_scale": scale.reshape(sizes).to(dtype), "bias": shift.reshape(sizes).to(dtype)}


def _folded(node: Node, module: nn.Module, norm: Affine) -> State:
    """A convolution or a linear layer with the batch norm behind it."""
    weight = weight_of(module)
    scaled = weight.double() * _along_outputs(norm.scale, weight, node)
    bias = _bias(module).get("bias")
    shift = norm.shift if bias is None else norm.shift + bias.double() * norm.scale
    return {"weight": scaled.to(weight.dtype), "bias": shift.to(weight.dtype)}


def _along_outputs(scale: Tensor, weight: Tensor, node: Node) -> Tensor:
    """Factors of the output channels, in a shape that multiplies a weight."""
    ones = (1,) * (weight.dim() - 2)
    if not node.layer.torch_class.startswith("ConvTranspose"):
        return scale.reshape(-1, 1, *ones)
    # (in_channels, out_channels / groups, ...): the groups lie along the inputs
    groups = scale.numel() // weight.shape[1]
    return (
        scale.reshape(groups, 1, -1, *ones).expand(-1, weight.shape[0] // groups, *[-1] * (1 + len(ones))).flatten(0, 1)
    )


def weight_of(module: nn.Module) -> Tensor:
    """The weight that a convolution or a linear layer multiplies with, which it may make anew each time."""
    weight = module.weight
    assert isinstance(weight, Tensor)
    if not isinstance(module, StdConv2d | ScaledStdConv2d):
        return weight.detach()
    rows = weight.double().reshape(1, weight.shape[0], -1)
    gain = None
    if isinstance(module, ScaledStdConv2d):
        gain = (module.gain.double() * module.scale).flatten()
    made = nn.functional.batch_norm(rows, None, None, gain, training=True, momentum=0.0, eps=module.eps)
    return made.reshape_as(weight).to(weight.dtype).detach()


def _bias(module: nn.Module) -> State:
    bias = module.bias
    return {"bias": bias.detach()} if isinstance(bias, Tensor) else {}
