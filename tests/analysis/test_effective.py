"""The estimate of effective fields against PyTorch's gradients, closed forms and theory."""

from __future__ import annotations

import operator
import time
from math import comb, sqrt
from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from archlab.analysis.effective import EffectiveField, Weights, effective_field, hand_back
from archlab.analysis.facts import collect_facts
from archlab.analysis.receptive_field import last_spatial, receptive_fields
from archlab.api import Network, load, loads
from archlab.layers.geometry import Window
from archlab.torch.build import PATH, build


def estimate(network: Network, path: str | None = None, unit: tuple[int, int] | None = None) -> EffectiveField:
    graph = network.graph
    facts = collect_facts(graph)
    fields = receptive_fields(graph, facts)
    index = last_spatial(fields) if path is None else next(n.index for n in graph.layers if n.path == path)
    _, height, width = graph.nodes[index].shape
    found = effective_field(graph, facts, fields, index, unit or (height // 2, width // 2))
    assert found is not None
    return found


class MeanRun(fx.Interpreter):
    """A built network in which every unit is the mean of what it reads, written with PyTorch's own layers."""

    def __init__(self, network: Network) -> None:
        self.model = build(network).double().eval()
        super().__init__(self.model)
        for module in self.model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.constant_(module.weight, 1 / module.weight[0].numel())
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if target is operator.add:
            return (args[0] + args[1]) / 2
        if target is operator.mul:
            return args[0]  # the gate is the second input in these networks
        return super().call_function(target, args, kwargs)

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        module = self.fetch_attr(target)
        x: Tensor = args[0]
        if isinstance(module, nn.BatchNorm2d | nn.ReLU | nn.Sigmoid):
            return x
        if isinstance(module, nn.MaxPool2d):
            kernel = torch.ones(x.shape[1], 1, module.kernel_size, module.kernel_size, dtype=x.dtype)
            sums = functional.conv2d(x, kernel, stride=module.stride, padding=module.padding, groups=x.shape[1])
            return sums / kernel[0].numel()
        if isinstance(module, nn.ConvTranspose2d):
            kernel = torch.ones(1, 1, *module.kernel_size, dtype=x.dtype)
            options: dict[str, Any] = {"stride": module.stride, "padding": module.padding}
            mean = x.mean(1, keepdim=True)
            paths = functional.conv_transpose2d(torch.ones_like(mean), kernel, **options)
            spread = functional.conv_transpose2d(mean, kernel, **options) / paths
            return spread.expand(-1, module.out_channels, -1, -1)
        return super().call_module(target, args, kwargs)

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if n.meta.get(PATH) is not None:
            self.outputs[n.meta[PATH]] = result
        return result

    def marginals(self, path: str, unit: tuple[int, int], shape: tuple[int, ...]) -> list[list[float]]:
        """Share of every row and every column of the input in the unit."""
        self.outputs: dict[str, Tensor] = {}
        image = torch.zeros(1, *shape, dtype=torch.float64, requires_grad=True)
        self.run(image)
        (gradient,) = torch.autograd.grad(self.outputs[path][0, :, unit[0], unit[1]].sum(), image)
        plane = gradient[0].sum(0)
        plane = plane / plane.sum()
        return [plane.sum(1).tolist(), plane.sum(0).tolist()]


CONV = "{type: conv2d, out_channels: 6, padding: auto, kernel_size: "
NETWORKS = {
    "chain": f"- {CONV}3}}\n- {CONV}[5, 2], stride: [2, 3]}}\n- {CONV}3, dilation: [1, 4]}}\n- {CONV}4, dilation: 2}}",
    "pools": f"- {CONV}7, stride: 2, norm: batch_norm2d, activation: relu}}\n"
    f"- {{type: max_pool2d, kernel_size: 3, stride: 2, padding: 1}}\n- {CONV}3}}\n"
    "- {type: avg_pool2d, kernel_size: 2}",
    "residual": f"- {CONV}3}}\n- type: residual\n  body: [{CONV}3}}, {CONV}5}}]\n"
    f"- type: residual\n  shortcut: project\n  body: [{CONV}3, stride: 2}}]\n- {CONV}3}}",
    "inception": "- type: branches\n  paths:\n  - [{type: conv2d, out_channels: 2, kernel_size: [1, 7], padding: [0, 3]}]\n"
    "  - [{type: conv2d, out_channels: 5, kernel_size: [7, 1], padding: [3, 0]}]\n"
    f"  - [{{type: max_pool2d, kernel_size: 3, stride: 1, padding: 1}}]\n- {CONV}3}}",
    "gate": f"- {CONV}5}}\n- type: branches\n  merge: multiply\n  paths:\n"
    "  - []\n  - [{type: adaptive_avg_pool2d, output_size: 1}, {type: sigmoid}]\n" + f"- {CONV}3}}",
    "adaptive": f"- {CONV}3}}\n- {{type: adaptive_avg_pool2d, output_size: [40, 25]}}\n- {CONV}3}}",
    "whole": f"- {CONV}3, padding: 0}}\n- {{type: adaptive_avg_pool2d, output_size: [1, 31]}}\n"
    "- {type: conv2d, out_channels: 2, kernel_size: [1, 3]}",
    "u-net": f"- {{name: a, {CONV[1:]}3}}\n- {{type: max_pool2d, kernel_size: 2}}\n- {CONV}3}}\n"
    "- {type: conv_transpose2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, output_padding: 1}\n"
    f"- {{type: concat, with: [a]}}\n- {CONV}3}}",
    "transposed kernel 4": f"- {CONV}3}}\n- {{type: conv_transpose2d, out_channels: 4, kernel_size: 4, stride: 2, padding: 1}}",
}


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_the_gradients_of_a_network_of_means(name: str) -> None:
    network = loads(f"input: [3, 62, 64]\nlayers:\n{NETWORKS[name]}")
    if name == "u-net":
        pytest.skip("output_padding") if False else None
    node = network.graph.layers[-1]
    run = MeanRun(network)
    for unit in {(node.shape[1] // 2, node.shape[2] // 2), (node.shape[1] // 2 - 1, node.shape[2] // 2 + 1)}:
        unit = (max(0, unit[0]), unit[1])
        found = estimate(network, node.path, unit)
        expected = run.marginals(node.path, unit, network.graph.input_shape)
        for axis in (0, 1):
            assert found[axis].inside == pytest.approx(1)
            row = [0.0] * network.graph.input_shape[1 + axis]
            for position, weight in enumerate(found[axis].weights, found[axis].first):
                row[position] = weight
            assert row == pytest.approx(expected[axis], abs=1e-14), (unit, axis)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_equals_the_gradients_of_a_preset(name: str) -> None:
    network = load(name, input=(3, 576, 576), width=4)
