"""A built network made linear and positive, so that a gradient shows exactly what a unit reads.

Activations and norms become the identity, every maximum and product a sum, weights are positive: no path can cancel
another, and a position has a gradient if and only if some path reaches it.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torch.nn.modules.pooling import _AdaptiveMaxPoolNd, _LPPoolNd, _MaxPoolNd

from archlab.graph import Graph, Node
from archlab.layers.geometry import is_pointwise
from archlab.torch.build import build
from archlab.torch.modules import Attention, ScaledStdConv2d, StdConv2d, WindowAttention
from archlab.torch.opaque import require_declared
from archlab.torch.trace import PATH

_AS_SUMS = frozenset({operator.mul, operator.sub, operator.truediv, torch.maximum, torch.minimum})
"""Functions of two values, each of which the result depends on."""

_OF_ONE = frozenset({torch.pow, torch.square, torch.abs, torch.exp, torch.log, functional.normalize})
"""Functions of each element."""

NOISE = 1e-11
"""Of an interpolation's weights in double precision: those that are not zero are above 1e-10."""

MOST_VALUES = 2**18
"""Of all layers and samples of a run. Beyond it the time goes into the work, and not into calls of PyTorch."""


class LinearRun(fx.Interpreter):
    """Runs the linear form of a network and keeps every layer's output.

    Args:
        graph: the network.
        gates: by node, the inputs that count as constants, since what they see is context.
        device: where to run.
        probes: how many parts of a layer's value are asked for. There are as many samples, all alike, so that one
            backward pass answers for each; fewer in large networks.

    Attributes:
        input: the samples, of ones, with a gradient.
        outputs: by path, of all samples.
    """

    def __init__(
        self, graph: Graph, gates: Mapping[int, frozenset[int]], *, device: str = "cpu", probes: int = 1
    ) -> None:
        has_opaque = any(node.layer.role == "opaque" for node in graph.layers)
        built = build(graph, device=device) if has_opaque else build(graph, device="meta").to_empty(device=device)
        require_declared(built, graph)
        model = built.double().eval()
        _hold_gates(model, graph, gates)
        super().__init__(model)
        self._layers = {node.path: node for node in graph.layers}
        self._graph = graph
        self.outputs: dict[str, Tensor] = {}
        # A module of somebody else may do anything with several samples.
        most = 1 if has_opaque else MOST_VALUES // sum(prod(node.shape) for node in graph.nodes)
        ones = partial(torch.ones, dtype=torch.float64, device=device)
        samples = max(1, min(probes, most))
        self.input = ones(samples, *graph.input_shape, requires_grad=True)
        _make_positive(model)
        self.run(self.input, *[ones(samples, *node.shape) for node in graph.inputs[1:]])

    def reached(self, path: str, parts: Sequence[Any]) -> list[Tensor]:
        """For each part of a layer's value, whether each position of the input has a gradient, in any channel.

        Args:
            path: of the layer.
            parts: indices into the value of one sample.
        """
        output = self.outputs[path]
        found: list[Tensor] = []
        for first in range(0, len(parts), len(output)):
            several = parts[first : first + len(output)]
            gradient = self._gradient(output, several)
            flags = torch.zeros_like(self.input) if gradient is None else gradient
            found += flags[: len(several)].ne(0).any(1)
        return found

    def _gradient(self, output: Tensor, parts: Sequence[Any]) -> Tensor | None:
        """Of the sum over each part in a sample of its own; None where the output does not depend on the input."""
        if not output.requires_grad:
            return None
        chosen = torch.zeros_like(output)
        for sample, part in enumerate(parts):
            chosen[sample][part] = 1
        (gradient,) = torch.autograd.grad(output, self.input, chosen, retain_graph=True, allow_unused=True)
        return gradient

    def run_node(self, n: fx.Node) -> Any:
        """Keep the output of the layer's last call."""
        result = super().run_node(n)
        if PATH in n.meta:
            self.outputs[n.meta[PATH]] = result
        return result

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The linear form of one layer."""
        node = self._layers[str(target)]
        module = self.fetch_attr(target)
        if isinstance(module, nn.GLU):  # half of the channels gate the other half
            return sum(args[0].chunk(2, module.dim))
        if self._is_elementwise(node):
            return args[0]
        made = _of_module(module, args)
        if made is not None:
            return made
        if node.layer.others == "offsets":  # the regular grid: no offsets, and masks that leave everything as it is
            args = (args[0], torch.zeros_like(args[1]), *map(torch.ones_like, args[2:]))
        if isinstance(module, StdConv2d | ScaledStdConv2d):  # the filters themselves, which are positive
            convolved: Tensor = nn.Conv2d.forward(module, args[0])
            return convolved
        return super().call_module(target, args, kwargs)

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Products and the like as sums: linear in all inputs, and values do not square from block to block."""
        if target in _OF_ONE:
            return args[0] if kwargs.get("dim", 1) == 1 else args[0] + args[0].mean(kwargs["dim"], keepdim=True)
        if target in (torch.amax, torch.linalg.vector_norm):
            target, kwargs = torch.sum, {name: value for name, value in kwargs.items() if name != "ord"}
        if target is torch.matmul:
            return _mixed(*args)
        if target is functional.scaled_dot_product_attention:
            query, key, value = args
            return query.mean(-1, keepdim=True) + _mixed(key.mean(-1, keepdim=True).mT, value)
        return super().call_function(operator.add if target in _AS_SUMS else target, args, kwargs)

    def _is_elementwise(self, node: Node) -> bool:
        reads = node.layer.reads(self._graph.input_shapes(node), node.shape)
        return node.layer.role in ("activation", "norm") and is_pointwise(reads[0]) and len(node.inputs) == 1


def _of_module(module: object, args: tuple[Any, ...]) -> Tensor | None:
    """The linear form of a module that is not linear itself; None of others."""
    if isinstance(module, _MaxPoolNd):
        return _sum_pool(module, args[0])
    if isinstance(module, nn.Upsample):
        return _interpolated(module, args[0])
    if isinstance(module, _AdaptiveMaxPoolNd | _LPPoolNd):
        return _mean_like(module, args[0])
    if isinstance(module, WindowAttention):
        return _attended_in_windows(module, args[0])
    return _attended(module, *args) if isinstance(module, Attention) else None


def _mixed(left: Tensor, right: Tensor) -> Tensor:
    """A product of matrices: what is summed over, of both."""
    return left.mean(-1, keepdim=True) + right.mean(-2, keepdim=True)


def _attended_in_windows(module: WindowAttention, x: Tensor) -> Tensor:
    """The same inside of each window, among the positions that are not masked."""
    query, key, value = module.windows(x)
    if module.shift_size is None:
        return module.joined(query + (key + value).mean(2, keepdim=True), x.shape[0])
    seen = (module.mask() == 0).to(x)
    share = seen / seen.sum(-1, keepdim=True)
    return module.joined(query + share[:, None].repeat(x.shape[0], 1, 1, 1) @ (key + value), x.shape[0])


def _attended(module: Attention, x: Tensor, keys: Tensor | None = None) -> Tensor:
    """The query and the mean over the keys, and over their values."""
    if keys is None:
        query, key, value = module.parts(x, 3)
    else:
        query = x.reshape(x.shape[0], -1, module.num_heads, x.shape[-1] // module.num_heads).transpose(1, 2)
        key, value = module.parts(keys, 2)
    made: Tensor = query + (key + value).mean(2, keepdim=True)
    return made.transpose(1, 2).reshape(*x.shape[:-1], -1)


def _hold_gates(model: fx.GraphModule, graph: Graph, gates: Mapping[int, frozenset[int]]) -> None:
    """Cut the gradient off where a product reads a gate."""
    traced = model.graph
    calls = {call.meta[PATH]: call for call in traced.nodes if PATH in call.meta}
    for index, numbers in gates.items():
        call = calls[graph.nodes[index].path]
        for number in range(len(graph.nodes[index].inputs) - 1, -1, -1):  # a product of three is two of two
            place = min(number, 1)
            if number in numbers:
                with traced.inserting_before(call):
                    call.update_arg(place, traced.call_method("detach", (call.args[place],)))
            if number > 1:
                (before, _) = call.args
                assert isinstance(before, fx.Node)
                call = before
    model.recompile()


def _make_positive(model: nn.Module) -> None:
    """Random positive weights, scaled so that values neither grow nor vanish with depth."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        random = torch.rand(parameter.shape, generator=generator, dtype=torch.float64).add_(0.5)
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
        parameter.data.copy_(random.div_(fan_in))
    for buffer in model.buffers():
        buffer.data.fill_(1)


_CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_ADAPTIVE = {1: functional.adaptive_avg_pool1d, 2: functional.adaptive_avg_pool2d, 3: functional.adaptive_avg_pool3d}
_MEANS = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}


def _sum_pool(pool: _MaxPoolNd, x: Tensor) -> Tensor:
    """The sum over the windows of a max pooling: a depthwise convolution of ones."""
    rank = x.dim() - 2
    kernel, stride, padding, dilation = (
        _each(value, rank) for value in (pool.kernel_size, pool.stride, pool.padding, pool.dilation)
    )
    sizes = pool(x).shape[2:]
    ones = torch.ones(x.shape[1], 1, *kernel, dtype=x.dtype, device=x.device)
    room = [k * d + s for k, d, s in zip(kernel, dilation, stride, strict=True)]  # a last window may hang over the edge
    sides = [(before, before + more) for before, more in zip(padding, room, strict=True)]
    x = functional.pad(x, [side for pair in reversed(sides) for side in pair])
    sums: Tensor = _CONVOLUTIONS[rank](x, ones, stride=stride, dilation=dilation, groups=x.shape[1])
    return sums[(slice(None), slice(None), *map(slice, sizes))]


def _interpolated(module: nn.Upsample, x: Tensor) -> Tensor:
    """The interpolation as a matrix along each axis, without rounding's traces of weights that are zero.

    Bicubic weights below zero count as positive, so that they cancel nothing.
    """
    made = x
    for dim in range(2, x.dim()):
        made = (made.movedim(dim, -1) @ _weights(module, x, dim).mT).movedim(-1, dim)
    return made


def _weights(module: nn.Upsample, x: Tensor, dim: int) -> Tensor:
    """Output by input positions along a dimension: what a map gives that is 1 at one of them and 0 at all others.

    Nearest neighbours are those of single precision: in double precision, over one axis, PyTorch rounds otherwise.
    """
    size = x.shape[dim]
    dtype = torch.float32 if module.mode.startswith("nearest") else x.dtype
    maps = torch.eye(size, dtype=dtype, device=x.device).reshape(
        1, size, *[size if other == dim else 1 for other in range(2, x.dim())]
    )
    result = module(maps.expand(1, size, *x.shape[2:]))
    weights: Tensor = result.movedim(dim, 2).flatten(3)[0, :, :, 0].mT.abs() if x.dim() > 3 else result[0].mT.abs()
    return weights.where(weights > NOISE, 0).to(x.dtype)


def _mean_like(module: _AdaptiveMaxPoolNd | _LPPoolNd, x: Tensor) -> Tensor:
    rank = x.dim() - 2
    options: dict[str, Any] = vars(module)
    if isinstance(module, _AdaptiveMaxPoolNd):
        adaptive: Tensor = _ADAPTIVE[rank](x, options["output_size"])
        return adaptive
    mean: Tensor = _MEANS[rank](x, options["kernel_size"], options["stride"], ceil_mode=module.ceil_mode)
    return mean


def _each(value: Any, rank: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,) * rank
