"""The built model of any target: `archlab.build` and `archlab.verify`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.api.load import load
from archlab.api.network import Network
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.graph import Graph
from archlab.graph.subgraph import cut

if TYPE_CHECKING:
    import torch
    from torch import fx

    from archlab.torch.verify import Verification
    from archlab.torch.weights import Weights
    from archlab.torch.weights_map import WeightsMap


def build(
    network: Network | Graph | str | Path,
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
        network: a network, its graph, or a target as `archlab.load` takes it: a YAML path, a preset. What
            `network.deploy()` gives is built as it is deployed, in eval mode, its batch norms folded.
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
        ConfigError: if there is no such target, output or block, or the weights do not fit.
        MissingRequirementError: without the extra `torch`.
    """
    from archlab.torch.build import build as build_graph

    found = load(network) if isinstance(network, str | Path) else network
    written = found.written if isinstance(found, Network) else None
    if written is not None and checkpoint:
        raise single_problem("checkpoint is for training, and a deployed model is not trained", Code.WRONG_VALUE)
    model = build_graph(
        found if written is None else written,
        device=device,
        weights=weights,
        weights_map=weights_map,
        partial=partial,
        outputs=outputs,
        checkpoint=checkpoint,
    )
    if written is None:
        return model
    from archlab.torch.fold import fold

    return fold(model, written.graph if outputs is None else cut(written.graph, outputs))[0]


def verify(network: Network | str | Path, *, batch: int = 1, device: str = "cpu") -> Verification:
    """Build a network, run it in eval mode, and compare every layer with its predicted numbers.

    Args:
        network: what to verify, or a target as `archlab.load` takes it.
        batch: number of samples.
        device: where to run; `meta` computes shapes without values, and leaves fvcore out.

    Raises:
        ConfigError: if there is no such target or device, or PyTorch does not run the batch.
        MissingRequirementError: without the extra `torch`.
    """
    from archlab.torch.verify import verify as verify_network

    return verify_network(load(network) if isinstance(network, str | Path) else network, batch=batch, device=device)
