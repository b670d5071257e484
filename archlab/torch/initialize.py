"""Initial weights as a config's `init` says, in the order of the nodes."""

from __future__ import annotations

import torch
from torch import fx, nn

from archlab.graph import Graph


def initialize(model: fx.GraphModule, graph: Graph) -> None:
    """Apply `init`, of layers and of layer types; all else keeps PyTorch's own initialisation."""
    with torch.no_grad():
        repeats = graph.repeats()
        for node in graph.layers:
            if node.index in repeats:
                continue
            if node.zero_init:
                for owned in model.get_submodule(node.module).parameters():
                    nn.init.zeros_(owned)
                continue
            if not node.layer.torch_class:
                continue
            for tensor, initializer in graph.initializers(node).items():
                parameter = getattr(model.get_submodule(node.module), tensor, None)
                if parameter is not None:
                    getattr(nn.init, f"{initializer.type}_")(parameter, **initializer.options())
