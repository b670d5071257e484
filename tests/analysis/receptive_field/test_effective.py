"""The estimate of effective fields against PyTorch's gradients, closed forms and theory."""

from __future__ import annotations

import operator
from math import comb, sqrt
from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from archlab.analysis.facts import collect_facts
from archlab.analysis.receptive_field.effective import EffectiveField, Weights, effective_field, hand_back
from archlab.analysis.receptive_field.fields import receptive_fields
from archlab.analysis.receptive_field.growth import effective_growth
from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.layers import find_layer
from archlab.layers.geometry import Window
from archlab.torch.build import build
from archlab.torch.trace import PATH


def estimate(network: Network, path: str | None = None, unit: tuple[int, int] | None = None) -> EffectiveField:
    graph = network.graph
    facts = collect_facts(graph)
    fields = receptive_fields(graph, facts)
    last = network.analyze().total.receptive_field_index
    index = last if path is None else next(n.index for n in graph.layers if n.path == path)
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
            size = module.kernel_size if isinstance(module.kernel_size, tuple) else (module.kernel_size,) * 2
            kernel = torch.ones(x.shape[1], 1, *size, dtype=x.dtype)
            sums = functional.conv2d(x, kernel, stride=module.stride, padding=module.padding, groups=x.shape[1])
            return sums / kernel[0].numel()
        if isinstance(module, nn.ConvTranspose2d):
            kernel = torch.ones(1, 1, *module.kernel_size, dtype=x.dtype)
            options: dict[str, Any] = {"stride": module.stride, "padding": module.padding}
            options["output_padding"] = module.output_padding
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
    "inception": "- type: branches\n  paths:\n"
    "  - [{type: conv2d, out_channels: 2, kernel_size: [1, 7], padding: [0, 3]}]\n"
    "  - [{type: conv2d, out_channels: 5, kernel_size: [7, 1], padding: [3, 0]}]\n"
    f"  - [{{type: max_pool2d, kernel_size: 3, stride: 1, padding: 1}}]\n- {CONV}3}}",
    "gate": f"- {CONV}5}}\n- type: branches\n  merge: multiply\n  paths:\n"
    "  - []\n  - [{type: adaptive_avg_pool2d, output_size: 1}, {type: sigmoid}]\n" + f"- {CONV}3}}",
    "adaptive": f"- {CONV}3}}\n- {{type: adaptive_avg_pool2d, output_size: [40, 25]}}\n- {CONV}3}}",
    "whole": "- {type: conv2d, out_channels: 6, kernel_size: 3}\n- {type: adaptive_avg_pool2d, output_size: [1, 31]}\n"
    "- {type: conv2d, out_channels: 2, kernel_size: [1, 3]}",
    "u-net": f"- {{name: a, {CONV[1:]}3}}\n- {{type: max_pool2d, kernel_size: 2}}\n- {CONV}3}}\n"
    "- {type: conv_transpose2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, output_padding: 1}\n"
    f"- {{type: concat, with: [a]}}\n- {CONV}3}}",
    "join beside a join": f"- {CONV}3}}\n- type: residual\n  shortcut: project\n"
    f"  body: [{{type: branches, paths: [[{CONV}3}}], [{CONV}5}}]]}}]",
    "pooled beside a path": f"- type: branches\n  paths:\n  - [{CONV}5}}]\n"
    "  - [{type: adaptive_avg_pool2d, output_size: 1}, {type: upsample, size: [62, 64]}]\n" + f"- {CONV}3}}",
    "transposed kernel 4": f"- {CONV}3}}\n"
    "- {type: conv_transpose2d, out_channels: 4, kernel_size: 4, stride: 2, padding: 1}",
}


SQUARE = {
    "a wide kernel behind what sees everything": "- type: branches\n  merge: add\n  paths:\n"
    f"  - [{CONV}5}}]\n"
    "  - [{type: adaptive_avg_pool2d, output_size: 1}, {type: conv2d, out_channels: 6, kernel_size: 1},"
    " {type: upsample, size: 40}]\n" + f"- {CONV}[3, 7]}}",
    "a wide kernel in front": f"- {CONV}[3, 5]}}\n- {CONV}3}}",
    "rows first": f"- {{type: adaptive_avg_pool2d, output_size: [20, 40]}}\n- {CONV}3}}\n"
    f"- {{type: upsample, size: 40}}\n- {CONV}3}}",
}
"""Of square maps at their ends, where the axes must not be taken for one another."""


@pytest.mark.parametrize("name", [*NETWORKS, *SQUARE])
def test_equals_the_gradients_of_a_network_of_means(name: str) -> None:
    layers, size = (SQUARE[name], "40, 40") if name in SQUARE else (NETWORKS[name], "62, 64")
    network = loads(f"input: [3, {size}]\nlayers:\n{layers}")
    node = network.graph.layers[-1]
    run = MeanRun(network)
    for unit in ((node.shape[1] // 2, node.shape[2] // 2), (max(0, node.shape[1] // 2 - 1), node.shape[2] // 2 + 1)):
        found = estimate(network, node.path, unit)
        expected = run.marginals(node.path, unit, network.graph.input_shape)
        for axis in (0, 1):
            assert found.axes[axis].inside == pytest.approx(1)
            row = [0.0] * network.graph.input_shape[1 + axis]
            for position, weight in enumerate(found.axes[axis].weights, found.axes[axis].first):
                row[position] = weight
            assert row == pytest.approx(expected[axis], abs=1e-14), (unit, axis)


NARROW_RESNET18 = """
extends: resnet18
layers:
  {conv1: {out_channels: 4}, layer1: {width: 4}, layer2: {width: 8}, layer3: {width: 16}, layer4: {width: 32}}
"""
"""All channels have the same mean, however many there are."""


def test_equals_the_gradients_of_resnet18() -> None:
    network = loads(NARROW_RESNET18, input=(3, 448, 448))  # large enough for the whole field of 435
    found = estimate(network, "layer4.1.relu2", (7, 7))
    rows, columns = MeanRun(network).marginals("layer4.1.relu2", (7, 7), (3, 448, 448))
    first = found.axes[0].first
    assert (first, len(found.axes[0].weights), found.axes[0].span) == (7, 435, (7, 441))
    assert found.axes[0] is found.axes[1]
    for marginal in (rows, columns):
        assert list(found.axes[0].weights) == pytest.approx(marginal[first : first + 435], abs=1e-12)


def chain(count: int, kernel: int, *, more: str = "") -> Network:
    layer = f"{{type: conv2d, out_channels: 1, kernel_size: {kernel}, padding: auto, repeat: {count}{more}}}"
    return loads(f"input: [1, 64, 64]\nlayers:\n- {layer}")


def test_kernels_of_two_give_binomials() -> None:
    weights = estimate(chain(9, 2)).axes[0].weights
    assert list(weights) == pytest.approx([comb(9, k) / 2**9 for k in range(10)], abs=1e-16)


def test_the_deviation_grows_with_the_root_of_the_depth() -> None:
    """Luo et al. 2016: sqrt(n (k^2 - 1) / 12) for n layers of kernel k, while the theoretical size grows with n."""
    for count in (1, 10, 100, 2000):
        axis = estimate(chain(count, 3)).axes[0]
        assert axis.std == pytest.approx(sqrt(2 * count / 3), rel=1e-9)
        assert axis.span[1] - axis.span[0] + 1 == 2 * count + 1
    assert axis.size == pytest.approx(2 * 1.96 * axis.std, abs=2)  # a Gaussian by now
    assert estimate(chain(10, 5, more=", dilation: 3")).axes[0].std == pytest.approx(sqrt(10 * 9 * 2), rel=1e-12)


def test_the_deviation_of_a_network_without_joins() -> None:
    """Variances of uniform windows add up, each at the stride in front of it."""
    jump, variance = 1, 0.0
    for kernel, stride in [(3, 1), (3, 1), (2, 2)] * 2 + [(3, 1), (3, 1), (3, 1), (2, 2)] * 3:
        variance += jump**2 * (kernel**2 - 1) / 12
        jump *= stride
    assert estimate(load("vgg16"), "features.maxpool5").axes[0].std == pytest.approx(sqrt(variance), rel=1e-12)


def test_the_interval_is_the_smallest_that_holds_95_percent() -> None:
    axis = estimate(chain(40, 3)).axes[0]
    first, last = axis.interval
    held = {wide: sum(axis.weights[first - axis.first - wide : last - axis.first + 1 + wide]) for wide in (0, -1)}
    assert held[0] >= 0.95 > held[-1]
    assert (axis.size, axis.ratio, first + last) == (last - first + 1, axis.size / 81, sum(axis.span))


def test_weight_in_the_padding_is_told() -> None:
    corner = estimate(chain(1, 3), "conv", (0, 31)).axes[0]
    assert corner.first == -1
    assert corner.inside == pytest.approx(2 / 3)
    assert corner.mean == pytest.approx(0)


def test_the_area_of_equal_weights_is_their_number() -> None:
    field = estimate(chain(1, 7))
    assert field.area == pytest.approx(49)
    assert field.axes[0] is field.axes[1]  # worked out once


@pytest.mark.parametrize(("layers", "estimates"), [(200, 200), (201, 101), (401, 134)])
def test_growth_is_told_of_two_hundred_layers_at_most(layers: int, estimates: int) -> None:
    """Every second of 201, every third of 401, and always the last one."""
    network = loads(f"input: [1, 2, 2]\nlayers: [{{type: conv2d, out_channels: 1, kernel_size: 1, repeat: {layers}}}]")
    found = list(effective_growth(network.graph.layers, network.analyze().estimator))
    assert (len(found), found[-1][0]) == (estimates, layers)


def test_what_reads_nothing_or_too_much_has_no_estimate() -> None:
    wide = chain(3, 3, more=", dilation: 40000")
    facts = collect_facts(wide.graph)
    assert effective_field(wide.graph, facts, receptive_fields(wide.graph, facts), 3, (0, 0)) is None
    assert hand_back(Weights(0, [1.0]), Window(stride=1 << 20), 5) == Weights(0, [1.0])
    assert hand_back(Weights(0, [1.0, 1.0]), Window(stride=1 << 20), 5) is None


def test_offsets_of_a_deformable_convolution_have_no_weight() -> None:
    if find_layer("deform_conv2d") is None:
        pytest.skip("no deformable convolution")
    item = "{type: TYPE, out_channels: 2, kernel_size: 3, padding: 1}"
    plain, deformable = (
        loads("input: [1, 32, 32]\nlayers: [" + item.replace("TYPE", name) + "]")
        for name in ("conv2d", "deform_conv2d")
    )
    assert estimate(plain).axes[0].weights == estimate(deformable).axes[0].weights


def test_a_flat_layer_weighs_everything_alike() -> None:
    network = loads("input: [1, 5, 8]\nlayers: [{type: flatten}, {type: linear, out_features: 2}]")
    facts = collect_facts(network.graph)
    found = effective_field(network.graph, facts, receptive_fields(network.graph, facts), 2, (0, 0))
    assert found is not None
    assert list(found.axes[0].weights) == pytest.approx([1 / 5] * 5)
    assert found.area == pytest.approx(40)
