"""What a unit really sees: gradients of a built network whose layers are made linear and positive."""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from archlab.api.network import Network
from archlab.torch.build import build
from archlab.torch.trace import PATH


class _LinearMaxPool(nn.Module):
    """Reads what max pooling reads, all of it: a depthwise convolution of ones over the same windows."""

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = _pair(self.pool.kernel_size), _pair(self.pool.stride)
        padding, dilation = _pair(self.pool.padding), _pair(self.pool.dilation)
        height, width = self.pool(x).shape[2:]
        channels = x.shape[1]
        weight = torch.ones(channels, 1, *kernel, dtype=x.dtype)
        extra = [kernel[i] * dilation[i] + stride[i] for i in (0, 1)]  # room for a window over the edge
        x = functional.pad(x, (padding[1], padding[1] + extra[1], padding[0], padding[0] + extra[0]))
        y = functional.conv2d(x, weight, stride=stride, dilation=dilation, groups=channels)
        return y[:, :, :height, :width]


def _pair(value: object) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


class _LinearRun(fx.Interpreter):
    """Runs the network and keeps every layer's output."""

    def __init__(self, model: fx.GraphModule) -> None:
        super().__init__(model)
        self.outputs: dict[str, Tensor] = {}

    def run_node(self, n: fx.Node) -> object:
        result = super().run_node(n)
        if PATH in n.meta:
            self.outputs[n.meta[PATH]] = result
        return result


def _positive(model: fx.GraphModule) -> None:
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.MaxPool2d):
            model.set_submodule(name, _LinearMaxPool(module))
        elif isinstance(module, nn.BatchNorm2d | nn.ReLU | nn.Sigmoid):
            model.set_submodule(name, nn.Identity())
    for parameter in model.parameters():
        nn.init.ones_(parameter)


class Probe:
    """Gradient probes of one network."""

    def __init__(self, network: Network) -> None:
        model = build(network).double()
        _positive(model)
        model.eval()
        self.input = torch.ones(1, *network.graph.input_shape, dtype=torch.float64, requires_grad=True)
        run = _LinearRun(model)
        run.run(self.input)
        self.outputs = run.outputs

    def positions(self, path: str, row: int, column: int) -> tuple[set[int], set[int]]:
        """The rows and columns of the input that one unit of a layer reads."""
        unit = self.outputs[path][0, :, row, column].sum()
        (gradient,) = torch.autograd.grad(unit, self.input, retain_graph=True)
        read = gradient[0].abs().sum(0) > 0
        rows = {int(i) for i in read.any(1).nonzero()}
        columns = {int(i) for i in read.any(0).nonzero()}
        return rows, columns
