"""A built network made linear and positive, so that a gradient shows exactly what a unit reads.

Activations and norms become the identity, every maximum a sum, weights are positive: no path can cancel
another, and a position has a gradient if and only if some path reaches it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from archlab.graph import Graph, Node
from archlab.layers.geometry import POINTWISE
from archlab.torch.build import PATH, build


class LinearRun(fx.Interpreter):
    """Runs the linear form of a network and keeps every layer's output.

    Attributes:
        input: the sample, of ones, with a gradient.
        outputs: by path.
    """

    def __init__(self, graph: Graph, *, device: str = "cpu") -> None:
        model = build(graph, device="meta").to_empty(device=device).double().eval()
        super().__init__(model)
        self._layers = {node.path: node for node in graph.layers}
        self._graph = graph
        self.outputs: dict[str, Tensor] = {}
        self.input = torch.ones(1, *graph.input_shape, dtype=torch.float64, device=device, requires_grad=True)
        _make_positive(model)
        self.run(self.input)

    def run_node(self, n: fx.Node) -> Any:
        """Keep the output of the layer's last call."""
        result = super().run_node(n)
        if PATH in n.meta:
            self.outputs[n.meta[PATH]] = result
        return result

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The linear form of one layer."""
        node = self._layers[str(target)]
        if self._is_elementwise(node):
            return args[0]
        module = self.fetch_attr(target)
        if isinstance(module, nn.MaxPool2d):
            return _sum_pool(module, args[0])
        if isinstance(module, nn.AdaptiveMaxPool2d | nn.LPPool2d):
            return _mean_like(module, args[0])
        if not node.layer.exact_reads:  # the regular grid: offsets of zero, which still hang on their input
            args = (args[0], args[1] * 0, *args[2:])
        return super().call_module(target, args, kwargs)

    def _is_elementwise(self, node: Node) -> bool:
        reads = node.layer.reads(self._graph.input_shapes(node), node.shape)
        return node.layer.role in ("activation", "norm") and reads[0] is POINTWISE and len(node.inputs) == 1


def _make_positive(model: nn.Module) -> None:
    """Random positive weights, scaled so that values neither grow nor vanish with depth."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        random = torch.rand(parameter.shape, generator=generator, dtype=torch.float64).add_(0.5)
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
        parameter.data.copy_(random.div_(fan_in))
    for buffer in model.buffers():
        buffer.data.fill_(1)


def _sum_pool(pool: nn.MaxPool2d, x: Tensor) -> Tensor:
    """The sum over the windows of a max pooling: a depthwise convolution of ones."""
    kernel, stride, padding, dilation = (
        _pair(value) for value in (pool.kernel_size, pool.stride, pool.padding, pool.dilation)
    )
    height, width = pool(x).shape[2:]
    ones = torch.ones(x.shape[1], 1, *kernel, dtype=x.dtype, device=x.device)
    room = [kernel[axis] * dilation[axis] + stride[axis] for axis in (0, 1)]  # a last window may hang over the edge
    x = functional.pad(x, (padding[1], padding[1] + room[1], padding[0], padding[0] + room[0]))
    sums = functional.conv2d(x, ones, stride=stride, dilation=dilation, groups=x.shape[1])
    return sums[:, :, :height, :width]


def _mean_like(module: nn.AdaptiveMaxPool2d | nn.LPPool2d, x: Tensor) -> Tensor:
    if isinstance(module, nn.AdaptiveMaxPool2d):
        return functional.adaptive_avg_pool2d(x, module.output_size)
    return functional.avg_pool2d(x, module.kernel_size, module.stride, ceil_mode=module.ceil_mode)


def _pair(value: Any) -> tuple[int, int]:
    return (value[0], value[1]) if isinstance(value, tuple) else (value, value)
