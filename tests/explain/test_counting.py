"""The rules of counting tools against the tools themselves, where they are installed.

fvcore and FlopCounterMode always are; `pip install torchinfo ptflops thop calflops deepspeed torchscan` (calflops needs
transformers, deepspeed einops) runs the others.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from functools import cache
from importlib import import_module
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

import archlab
from archlab.cli.main import main
from archlab.explain.counting import TOOLS, Counting, count
from archlab.layers import layer_types
from archlab.torch.build import build
from tests import presets
from tests.chunks import check_each, in_chunks
from tests.references import Undrawn

NETWORKS = ["resnet50", "alexnet", "vgg16_bn", "mobilenet_v2"]
OTHERS = ["convnext_tiny", "efficientnet_b0", "shufflenet_v2_x0_5", "unet_bilinear"]
Numbers = dict[str, int]


def flop_counter(model: nn.Module, x: Tensor) -> Numbers:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model(x)
    return {"FlopCounterMode": counter.get_total_flops()}


def fvcore(model: nn.Module, x: Tensor) -> Numbers:
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(model, x)
    analysis.unsupported_ops_warnings(enabled=False).uncalled_modules_warnings(enabled=False)
    return {"fvcore": int(analysis.total())}


def torchinfo(model: nn.Module, x: Tensor) -> Numbers:
    torchinfo = pytest.importorskip("torchinfo")
    return {"torchinfo": torchinfo.summary(model, input_data=x, verbose=0).total_mult_adds}


def ptflops(model: nn.Module, x: Tensor) -> Numbers:
    ptflops = pytest.importorskip("ptflops")
    found: Numbers = {}
    for backend in ("pytorch", "aten"):
        macs, _ = ptflops.get_model_complexity_info(
            model, tuple(x.shape[1:]), as_strings=False, print_per_layer_stat=False, backend=backend
        )
        found[f"ptflops {backend}"] = macs
    return found


def thop(model: nn.Module, x: Tensor) -> Numbers:
    thop = pytest.importorskip("thop")
    return {"thop": int(thop.profile(model, (x,), verbose=False)[0])}


def deepspeed(model: nn.Module, x: Tensor) -> Numbers:
    profiler = pytest.importorskip("deepspeed.profiling.flops_profiler", exc_type=ImportError).FlopsProfiler(model)
    profiler.start_profile()
    model(x)
    found = {"DeepSpeed FLOPs": profiler.get_total_flops(), "DeepSpeed MACs": profiler.get_total_macs()}
    profiler.end_profile()
    return found


def calflops(model: nn.Module, x: Tensor) -> Numbers:
    calflops = pytest.importorskip("calflops.flops_counter", exc_type=ImportError)
    flops, macs, _ = calflops.calculate_flops(
        model, input_shape=tuple(x.shape), output_as_string=False, print_results=False, print_detailed=False
    )
    return {"calflops FLOPs": flops, "calflops MACs": macs}


def torchscan(model: nn.Module, x: Tensor) -> Numbers:
    torchscan = pytest.importorskip("torchscan")
    totals = torchscan.crawl_module(model, tuple(x.shape[1:]))["totals"]
    return {"torchscan FLOPs": totals["module_flops"]["known_value"], "torchscan MACs": totals["macs"]["known_value"]}


PARTS = {
    "flop_counter": "torch",
    "deepspeed": "deepspeed.profiling.flops_profiler",
    "calflops": "calflops.flops_counter",
}
"""Modules that have what counts, where that is not the package, as which each function above is called."""


def is_there(tool: str) -> bool:
    """Whether it is installed, with what it needs itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import_module(PARTS.get(tool, tool))
        except ImportError:
            return False
    return True


TOOLS_RUN = (flop_counter, fvcore, torchinfo, ptflops, thop, deepspeed, calflops, torchscan)
RUNS = [run for run in TOOLS_RUN if is_there(run.__name__)]
"""The tools that are installed: of the others one test says that they are not, and not each of two hundred."""
RUNNERS = [pytest.param(run, id=run.__name__) for run in RUNS]


@pytest.mark.parametrize("tool", [run.__name__ for run in TOOLS_RUN])
def test_a_tool_is_there(tool: str) -> None:
    if not is_there(tool):
        pytest.skip(f"{tool} is not installed: nothing is compared with it")


SLIDING_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)


def as_written(model: nn.Module) -> nn.Module:
    """Square kernels of pools as one number, as one writes them; torchscan counts these differently."""
    for module in model.modules():
        kernel: Any = getattr(module, "kernel_size", None)
        if isinstance(module, SLIDING_POOLS) and isinstance(kernel, tuple) and len(set(kernel)) == 1:
            module.kernel_size = kernel[0]
    return model.eval()


def measure(
    run: Callable[[nn.Module, Tensor], Numbers], model: nn.Module, shape: tuple[int, ...], batch: int = 1
) -> Numbers:
    with warnings.catch_warnings(), torch.no_grad(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        return run(as_written(model), torch.zeros(batch, *shape))


def predicted(counting: Counting, names: Numbers) -> Numbers:
    return {row.tool.name: row.total for row in counting.tools if row.tool.name in names}


def check_with_each(
    network: archlab.Network, runs: Sequence[Callable[[nn.Module, Tensor], Numbers]] = RUNS, batch: int = 1
) -> None:
    """Every tool that is there counts as predicted: of a small network, which is made once for all of them."""
    model, counting = build(network), count(network.analyze(batch=batch))
    for run in runs:
        measured = measure(run, copied(model), network.graph.input_shape, batch)
        assert predicted(counting, measured) == measured, run.__name__


@cache
def built(network: archlab.Network) -> nn.Module:
    """Made once for all tools, of which each gets a copy: some leave hooks and buffers behind."""
    return zeros(build(network, device="meta"))


@cache
def torchvisions(name: str) -> nn.Module:
    """The same of torchvision."""
    with torch.device("meta"), Undrawn():
        model: nn.Module = torchvision.models.get_model(name)
    return zeros(model)


def copied(model: nn.Module) -> nn.Module:
    """With hooks and buffers of its own; the tensors that it has are those of the other, and no tool changes them."""
    return deepcopy(model, {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())})


def zeros(model: nn.Module) -> nn.Module:
    """What is counted does not depend on the weights: all tensors are one memory of zeros, which takes no filling."""
    memory = torch.zeros(max(tensor.numel() for tensor in model.parameters()))
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            setattr(module, name, nn.Parameter(memory[: parameter.numel()].view(parameter.shape)))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, torch.zeros(buffer.shape, dtype=buffer.dtype))
    return model


@pytest.mark.parametrize("run", RUNNERS)
@pytest.mark.parametrize("name", [*NETWORKS, *OTHERS])
def test_the_zoo(name: str, run: Callable[[nn.Module, Tensor], Numbers]) -> None:
    """Plain ones, and gates, channels behind, shuffles, interpolation: with a smaller image, for time."""
    network = smaller(name)
    measured = measure(run, copied(built(network)), network.graph.input_shape)
    assert predicted(count(network.analyze()), measured) == measured


@cache
def smaller(name: str) -> archlab.Network:
    return archlab.load(name, input=(3, 64, 64))


@pytest.mark.parametrize("run", RUNNERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_torchvisions_models(name: str, run: Callable[[nn.Module, Tensor], Numbers]) -> None:
    """Its MobileNetV2 pools with a function, which no tool that hooks modules sees; else all is as predicted."""
    network = smaller(name)
    measured = measure(run, copied(torchvisions(name)), network.graph.input_shape)
    expected = predicted(count(network.analyze()), measured)
    if name == "mobilenet_v2":
        pooled, left = 1280 * 2 * 2, 1280
        unseen = {"thop": pooled + left, "ptflops pytorch": pooled}
        unseen |= dict.fromkeys(("torchscan FLOPs", "torchscan MACs"), pooled + left)
        expected = {tool: number - unseen.get(tool, 0) for tool, number in expected.items()}
    assert measured == expected


LAYERS = [
    "conv2d, out_channels: 6, kernel_size: 3, groups: 2",
    "conv2d, out_channels: 6, kernel_size: 3, stride: 2, bias: false",
    "conv2d, out_channels: 4, kernel_size: 3, padding: same",
    "conv2d, out_channels: 4, kernel_size: 3, padding: auto, dilation: 2, padding_mode: circular",
    "batch_norm2d, affine: false",
    "batch_norm2d, bias: false",
    "batch_norm2d, track_running_stats: false",
    "batch_norm2d, track_running_stats: false, affine: false",
    "local_response_norm, size: 5",
    "max_pool2d, kernel_size: 3",
    "max_pool2d, kernel_size: [3, 2]",
    "avg_pool2d, kernel_size: 2",
    "adaptive_avg_pool2d, output_size: 4",
    "adaptive_avg_pool2d, output_size: [5, 3]",
    "adaptive_avg_pool2d, output_size: [9, 11]",
    "adaptive_avg_pool2d, output_size: [18, 22]",
    "adaptive_max_pool2d, output_size: [4, 5]",
    "dropout",
    "dropout, p: 0.0",
    "dropout2d",
    "prelu",
    "prelu, num_parameters: 4",
    "softmax, dim: 1",
    "softmax, dim: -1",
    "softmax2d",
    *(f"{name}" for name in layer_types() if name in {
        "relu", "relu6", "leaky_relu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish", "hardswish",
        "hardsigmoid", "hardtanh", "sigmoid", "log_sigmoid", "tanh", "tanhshrink", "softplus", "softsign", "softshrink",
        "hardshrink",
    }),
    "threshold, threshold: 0.1, value: 0.0",
    "softmin, dim: 1",
    "log_softmax, dim: 1",
    "glu, dim: 1",
    "zero_pad2d, padding: 2",
    "identity",
    *(text for text in (
        "conv_transpose2d, out_channels: 6, kernel_size: 4, stride: 2, padding: 1, output_padding: 1",
        "conv_transpose2d, out_channels: 6, kernel_size: 3, groups: 2, bias: false",
        "upsample, size: [12, 20]",
        "upsample, scale_factor: 2",
        "upsample, scale_factor: 2, mode: bilinear",
        "upsample, scale_factor: 2, mode: bicubic",
        "deform_conv2d, out_channels: 6, kernel_size: 3, padding: 1",
        "deform_conv2d, out_channels: 6, kernel_size: 3, padding: 1, modulated: true",
        "upsample, size: 20, mode: nearest-exact",
        "lp_pool2d, norm_type: 2.0, kernel_size: 2",
        "instance_norm2d",
        "instance_norm2d, affine: true",
        "instance_norm2d, affine: true, track_running_stats: true",
        "layer_norm2d",
        "layer_norm2d, bias: false",
        "layer_norm2d, elementwise_affine: false",
        "layer_scale",
        "layer_scale, bias: true",
        "blur_pool2d",
        *(f"conv2d, out_channels: 4, kernel_size: 3, weight: {word}" for word in ("standardized", "weight_norm")),
        "conv2d, out_channels: 4, kernel_size: 3, weight: scaled_standardized",
        "conv2d, out_channels: 4, kernel_size: 3, weight: spectral_norm",
        "efficient_channel_attention",
        "efficient_channel_attention, kernel_size: 5",
        "scale, factor: 2",
        "pad_channels, after: 2",
        "normalize",
        "rms_norm2d",
        "rms_norm2d, elementwise_affine: false",
        "global_response_norm",
        "filter_response_norm2d",
        "filter_response_norm2d, apply_tlu: false",
        "evo_norm2d_s0, groups: 2",
        "evo_norm2d_s0, apply_act: false",
        "evo_norm2d_b0",
        "evo_norm2d_b0, apply_act: false",
        "squeeze_excitation, squeeze_channels: 2",
        "stochastic_depth, p: 0.2, mode: row",
        "reflection_pad2d, padding: 2",
        "channel_shuffle, groups: 2",
        "pixel_shuffle, upscale_factor: 2",
        "global_avg_pool2d",
        "group_norm, num_groups: 2",
        "group_norm, num_groups: 2, affine: false",
        "depthwise_conv2d, kernel_size: 3",
        "depthwise_separable_conv2d, out_channels: 6, kernel_size: 3",
    ) if text.partition(",")[0] in layer_types()),
]  # fmt: skip


@pytest.mark.parametrize("texts", in_chunks(LAYERS))
def test_one_layer(texts: list[str]) -> None:
    """Between two convolutions, since some tools want parameters."""
    check_each(texts, lambda text: check_with_each(between_convolutions(text)))


def between_convolutions(text: str) -> archlab.Network:
    plain = "{type: conv2d, out_channels: 4, kernel_size: 1}"
    return archlab.loads(
        f"input: [3, 9, 11]\nlayers:\n  - {plain}\n  - {{type: {text}}}\n  - {plain}\n  - {{type: flatten}}\n"
        "  - {type: linear, out_features: 5}"
    )


@pytest.mark.parametrize(
    "text",
    [
        *(f"conv2d, out_channels: 4, kernel_size: 3, weight: {word}" for word in ("standardized", "weight_norm")),
        *("conv2d, out_channels: 4, kernel_size: 3", "batch_norm2d", "efficient_channel_attention"),
        *("filter_response_norm2d", "evo_norm2d_s0, groups: 2", "evo_norm2d_b0"),
    ],
)
def test_several_samples(text: str) -> None:
    """What is done to a weight, or to running statistics, is done once."""
    runs = [run for run in RUNS if run not in (ptflops, torchscan)]  # which take a sample's shape
    check_with_each(between_convolutions(text), runs, batch=3)


TOKENS = "{type: flatten, start_dim: 2}, {type: transpose, dim0: 1, dim1: 2}"
OTHERS_BEHIND_A_CONVOLUTION = {
    "weighted_add": "{type: relu, name: b}, {type: weighted_add, with: [a], normalization: fast}",
    "joins": "{type: subtract, with: [a]}, {type: divide, with: [a]}, {type: maximum, with: [a]}",
    "rms_norm": f"{TOKENS}, {{type: rms_norm}}",
    "layer_norm": f"{TOKENS}, {{type: layer_norm}}",
    "attention": f"{TOKENS}, {{type: class_token}}, {{type: position_embedding}}, "
    "{type: self_attention, num_heads: 2}",
    "attention, written out": f"{TOKENS}, {{type: self_attention, num_heads: 2, fused: false}}",
    "windows": "{type: channels_last}, "
    "{type: self_attention, num_heads: 2, window_size: 4, shift_size: 2, relative_position: true}",
    "windows, written out": "{type: channels_last}, "
    "{type: self_attention, num_heads: 2, window_size: 4, relative_position: true, fused: false}",
    "global_response_norm": "{type: channels_last}, {type: global_response_norm}",
    "layer_scale": "{type: channels_last}, {type: layer_scale, bias: true}",
}


@pytest.mark.parametrize("name", OTHERS_BEHIND_A_CONVOLUTION)
def test_layers_of_other_values(name: str) -> None:
    network = archlab.loads(
        "input: [3, 8, 8]\nlayers: [{name: a, type: conv2d, out_channels: 4, kernel_size: 1}, "
        f"{OTHERS_BEHIND_A_CONVOLUTION[name]}]"
    )
    check_with_each(network)


OTHER_RANKS = {
    1: [
        "conv1d, out_channels: 6, kernel_size: 3, groups: 2, stride: 2",
        "conv1d, out_channels: 4, kernel_size: 3, padding: same, bias: false",
        "conv_transpose1d, out_channels: 6, kernel_size: 4, stride: 2, padding: 1, output_padding: 1",
        "batch_norm1d",
        "batch_norm1d, affine: false",
        "instance_norm1d",
        "instance_norm1d, affine: true",
        "max_pool1d, kernel_size: 3",
        "avg_pool1d, kernel_size: 2",
        "adaptive_avg_pool1d, output_size: 4",
        "adaptive_max_pool1d, output_size: 5",
        "global_avg_pool1d",
        "lp_pool1d, norm_type: 2.0, kernel_size: 2",
        "upsample, scale_factor: 2",
        "upsample, scale_factor: 2, mode: linear",
        "upsample, size: 20",
        "local_response_norm, size: 3",
        "reflection_pad1d, padding: 2",
        "dropout1d",
        "squeeze_excitation, squeeze_channels: 2",
        "depthwise_separable_conv1d, out_channels: 6, kernel_size: 3",
        "group_norm, num_groups: 2",
    ],
    3: [
        "conv3d, out_channels: 6, kernel_size: [1, 2, 3], groups: 2, stride: [1, 2, 1]",
        "conv3d, out_channels: 4, kernel_size: 3, padding: same, bias: false",
        "conv_transpose3d, out_channels: 6, kernel_size: 4, stride: 2, padding: 1, output_padding: 1",
        "batch_norm3d",
        "batch_norm3d, affine: false",
        "instance_norm3d",
        "instance_norm3d, affine: true",
        "max_pool3d, kernel_size: 3",
        "max_pool3d, kernel_size: [3, 2, 2]",
        "avg_pool3d, kernel_size: 2",
        "adaptive_avg_pool3d, output_size: [2, 3, 3]",
        "adaptive_max_pool3d, output_size: [2, 5, 4]",
        "global_avg_pool3d",
        "lp_pool3d, norm_type: 2.0, kernel_size: 2",
        "upsample, scale_factor: 2",
        "upsample, scale_factor: 2, mode: trilinear",
        "upsample, size: [5, 9, 20]",
        "local_response_norm, size: 3",
        "replication_pad3d, padding: 2",
        "dropout3d",
        "squeeze_excitation, squeeze_channels: 2",
        "depthwise_separable_conv3d, out_channels: 6, kernel_size: 3",
    ],
}
"""By number of axes."""


@pytest.mark.parametrize("rank", OTHER_RANKS)
def test_one_layer_of_one_and_of_three_axes(rank: int) -> None:
    check_each(OTHER_RANKS[rank], lambda text: check_with_each(between_layers_of(rank, text)))


def between_layers_of(rank: int, text: str) -> archlab.Network:
    plain = f"{{type: conv{rank}d, out_channels: 4, kernel_size: 1}}"
    size = {1: [11], 3: [6, 9, 11]}[rank]
    return archlab.loads(
        f"input: {[3, *size]}\nlayers:\n  - {plain}\n  - {{type: {text}}}\n  - {plain}\n  - {{type: flatten}}\n"
        "  - {type: linear, out_features: 5}\n  - {type: batch_norm1d}"
    )


def test_joins_are_seen_by_none() -> None:
    network = archlab.loads(
        "input: [3, 8, 8]\nlayers:\n  - {name: a, type: conv2d, out_channels: 3, kernel_size: 1}\n"
        "  - {type: add, with: [a]}\n  - {type: multiply, with: [a]}\n  - {type: concat, with: [a]}"
    )
    check_with_each(network, (flop_counter, fvcore))


@pytest.mark.parametrize("name", NETWORKS)
def test_terms_and_columns_add_up(name: str) -> None:
    analysis = presets.network(name).analyze(batch=2)
    counting = count(analysis)
    for row in counting.tools:
        assert sum(row.by_group().values()) == row.total == sum(term.value for term in row.terms)
    assert sum(counting.own.values()) == analysis.total.flops - 2 * analysis.total.macs
    single = count(presets.analysis(name))
    assert [row.total for row in counting.tools] == [2 * row.total for row in single.tools]


def test_what_archlab_leaves_out() -> None:
    counting = count(archlab.load("alexnet").analyze())
    assert {(row.type, row.layers) for row in counting.uncounted} == {("flatten", 1), ("dropout", 2)}
    assert counting.bias == sum(
        row.value
        for tool in counting.tools
        if tool.tool.name == "torchinfo"
        for row in tool.terms
        if row.group == "bias"
    )


def test_versions_are_those_installed() -> None:
    """A new version of a tool may count by other rules."""
    from importlib.metadata import PackageNotFoundError, version

    for tool in TOOLS:
        try:
            installed = version(tool.package)
        except PackageNotFoundError:
            continue
        if tool.package != "torch":
            assert installed == tool.version


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "resnet50", "--counting"]) == 0
    printed = capsys.readouterr().out
    assert all(number in printed for number in ("8,178,368,512", "4,111,512,576", "4,089,238,376", "4,133,742,592"))


@pytest.mark.skipif("channels_last" not in layer_types(), reason="no such layer yet")
def test_channels_last() -> None:
    network = archlab.loads(
        "input: [3, 6, 5]\nlayers:\n  - {type: conv2d, out_channels: 4, kernel_size: 1}\n  - {type: channels_last}\n"
        "  - {type: layer_norm}\n  - {type: linear, out_features: 8}\n  - {type: gelu}\n  - {type: channels_first}"
    )
    check_with_each(network)
