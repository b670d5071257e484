"""Initial weights as a config's `init` says, in the order of the nodes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode

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


DRAWS = {Tensor.normal_, Tensor.uniform_, nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_}
"""What modules draw their initial weights with, as a mode sees it: the others of `nn.init` call the first two."""


class Undrawn(TorchFunctionMode):
    """Modules made under it leave what they would draw as memory holds it, and set the rest: weights are to come."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Calls anything but what draws, which gives back its tensor."""
        if func in DRAWS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))
