"""Predicted memory against live storages, counted while the built model runs, and against published figures."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from archlab.analysis import Analysis
from archlab.analysis.conditions import Conditions
from archlab.analysis.facts import collect_facts
from archlab.analysis.memory.training import training_memory
from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.diagnostics.problem import ConfigError
from archlab.torch.build import build
from archlab.torch.storages import Loss, count_inference, count_model, count_training
from tests import presets
from tests.chunks import check_each, in_chunks
from tests.random_networks import random_network
from tests.references import REFERENCES, Undrawn
from tests.torch.course import differences


def counted_step(batch: int, optimizer: str = "sgd", **options: Any) -> Conditions:
    """A step as it is while a dispatch mode counts storages: gradients are then not added in place."""
    return Conditions(batch, optimizer=optimizer, adds_in_place=False, **options)


def predicted_training(network: Network, conditions: Conditions) -> int:
    return training_memory(network.graph, collect_facts(network.graph), conditions).peak


def is_exact(network: Network, conditions: Conditions, *, device: str = "meta") -> bool:
    return predicted_training(network, conditions) == count_training(network, conditions, device=device).peak


def predicted_inference(network: Network, batch: int, **options: Any) -> int:
    analysis = Analysis(network.graph, Conditions(batch, adds_in_place=False, **options))
    assert analysis.inference.peak == analysis.total.memory.inference_peak
    return analysis.inference.peak


@pytest.mark.parametrize("name", presets.each_kind())
def test_inference_of_every_preset_to_the_byte(name: str) -> None:
    """With few repetitions; `pytest --whole` has all as they are."""
    check_inference(presets.shallow(name, None))


@pytest.mark.whole
@pytest.mark.parametrize("name", presets.TARGETS)
def test_inference_of_every_preset_as_it_is(name: str) -> None:
    check_inference(presets.network(name))


def check_inference(network: Network) -> None:
    attends = any(node.layer.type.endswith("attention_op") for node in network.graph.nodes)
    batch, device = (1, "cpu") if attends else (8, "meta")  # which has no fused kernel
    assert predicted_inference(network, batch) == count_inference(network, Conditions(batch), device=device).peak


TRAINED = (
    *("alexnet", "vgg11_bn", "resnet50", "resnext50_32x4d", "mobilenet_v2", "mobilenet_v3_large", "densenet121"),
    *("googlenet_aux", "efficientnet_b0", "convnext_tiny", "shufflenet_v2_x1_0", "regnet_y_400mf", "mnasnet0_5"),
    *("squeezenet1_1", "hrnet_w18", "unet_bilinear", "dcgan_generator", "xception", "res2net50_26w_4s"),
    *("lraspp_mobilenet_v3_large", "deformable_resnet50_bounded", "inception_v3"),
)


WITH_STATE = ("alexnet", "densenet121", "mobilenet_v3_large", "deformable_resnet50_bounded", "googlenet_aux")
"""What an optimizer keeps depends on params alone: `pytest --whole` trains all of them with each."""


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        pytest.param(name, optimizer, marks=[pytest.mark.whole] if is_long else [])
        for name in TRAINED
        for optimizer in ("sgd", "momentum", "adam")
        for is_long in [name == "hrnet_w18" or (optimizer != "sgd" and name not in WITH_STATE)]
    ],
)
def test_training_to_the_byte(name: str, optimizer: str) -> None:
    """All the highs of a step, of which the peak is one."""
    assert not differences(presets.shallow(name), counted_step(2, optimizer), training=True)


@pytest.mark.whole
@pytest.mark.parametrize("name", TRAINED)
def test_training_of_whole_networks_to_the_byte(name: str) -> None:
    assert is_exact(presets.network(name), counted_step(2))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", ["resnet18", "densenet121", "shufflenet_v2_x0_5", "squeezenet1_1", "unet"])
def test_half_precision_to_the_byte(name: str, dtype: str) -> None:
    network = presets.shallow(name, 224)
    predicted = predicted_inference(network, 2, dtype=dtype)
    assert predicted == count_inference(network, Conditions(2, dtype)).peak
    assert is_exact(network, counted_step(2, "adam", dtype=dtype))


@pytest.mark.parametrize(
    "name", ["alexnet", "resnet50", "convnext_tiny", "deformable_resnet50_v1", "shufflenet_v2_x1_0", "unet_bilinear"]
)
def test_channels_last_to_the_byte(name: str) -> None:
    """Weights and input in that memory format: other copies of weights' gradients, and of maps that are flattened."""
    conditions = counted_step(2, "momentum", channels_last=True)
    for training in (False, True):
        assert not differences(presets.shallow(name), conditions, training=training)


AUTOCAST = (
    *("resnet50", "mobilenet_v2", "densenet121", "convnext_tiny", "efficientnet_b0", "squeezenet1_1", "unet_bilinear"),
    *("googlenet_aux", "shufflenet_v2_x1_0", "mobilenet_v3_large", "alexnet", "hrnet_w18", "regnet_y_400mf"),
)


@pytest.mark.parametrize("name", AUTOCAST)
def test_mixed_precision_to_the_byte(name: str) -> None:
    """Copies of weights and inputs, values and gradients of two precisions, on a CPU with CUDA's lists."""
    network = presets.shallow(name, 32 if name == "unet_bilinear" else 64)  # whose convolutions are all of large maps
    assert not differences(network, counted_step(1, "adam", autocast="bfloat16"), training=True)


CHECKPOINTED = (
    *(("resnet50", "layer*.*"), ("resnet50", "layer*"), ("densenet121", "block*.*"), ("vgg11_bn", "*")),
    *(("unet", "*"), ("googlenet", "*"), ("inception_v3", "*"), ("squeezenet1_1", "fire*")),
    pytest.param("hrnet_w18", "*", marks=pytest.mark.whole),
    *(("deeplabv3_resnet50", "*"), ("shufflenet_v2_x1_0", "*"), ("convnext_tiny", "stage*.*")),
)


@pytest.mark.parametrize(("name", "blocks"), CHECKPOINTED)
def test_checkpoints_to_the_byte(name: str, blocks: str) -> None:
    assert not differences(presets.shallow(name), counted_step(2, "momentum", checkpoint=[blocks]), training=True)


@pytest.mark.parametrize(
    ("name", "optimizer", "blocks"),
    [
        *(("efficientnet_b0", "sgd", "stage*.*"), ("convnext_tiny", "sgd", "stage*.*")),
        ("mobilenet_v3_large", "momentum", "*"),
    ],
)
def test_checkpoints_of_broadcast_products(name: str, optimizer: str, blocks: str) -> None:
    """What was kept of a product is freed before its gate's gradient is summed up: the peak of large images."""
    assert is_exact(presets.shallow(name, 224), counted_step(2, optimizer, checkpoint=[blocks]))


def test_checkpoints_under_autocast() -> None:
    """The copies of weights are made again with the values."""
    conditions = counted_step(2, autocast="bfloat16", checkpoint=["block*.*"])
    assert not differences(presets.shallow("densenet121"), conditions, training=True)


def test_optimizers_that_take_each_parameter_by_itself() -> None:
    network = load("vgg11")
    conditions = counted_step(1, "adamw", foreach=False)
    counted = count_training(network, conditions)
    assert "div" in counted.operator
    assert predicted_training(network, conditions) == counted.peak


# torchvision's models at batch 8: parameters, buffers, input, optimizer's state and live storages at the peak of
# `model(x).sum().backward(); optimizer.step()` on a CPU, without a name for the result.
PUBLISHED = (
    ("resnet50", "sgd", 840_166_896),
    ("resnet50", "momentum", 942_395_024),
    ("resnet50", "adam", 1_044_623_796),
    ("mobilenet_v2", "sgd", 649_025_256),
    ("mobilenet_v2", "momentum", 663_044_744),
    ("mobilenet_v2", "adam", 677_064_864),
    ("densenet121", "sgd", 1_082_754_832),
    ("densenet121", "adam", 1_146_587_136),
    ("vgg16", "sgd", 1_665_586_248),
    ("vgg16", "momentum", 2_219_016_424),
    ("vgg16", "adam", 3_040_623_360),
)
RESULT = 8 * 1000 * 4
"""Bytes of the result, which a step holds here."""


@pytest.mark.parametrize(("name", "optimizer", "published"), PUBLISHED)
def test_published_peaks_of_training(name: str, optimizer: str, published: int) -> None:
    predicted = predicted_training(presets.network(name), counted_step(8, optimizer, foreach=False)) - RESULT
    assert 0 <= published - predicted <= 2 * 4 * 4  # scalars: the loss, its gradient


# -- layer by layer -------------------------------------------------------------------------------------------

PADDED = ("reflect", "replicate", "circular")
INPLACE = (
    *("relu", "relu6", "leaky_relu", "rrelu", "elu", "selu", "celu", "silu", "mish", "hardswish", "hardsigmoid"),
    *("hardtanh", "threshold, threshold: 0.1, value: 0"),
)
LAYERS = (
    "conv2d, out_channels: 8, kernel_size: 3",
    "conv2d, out_channels: 8, kernel_size: 4, padding: same",
    "conv2d, out_channels: 8, kernel_size: 3, groups: 2, bias: false",
    *(f"conv2d, out_channels: 8, kernel_size: 3, padding: 1, padding_mode: {mode}" for mode in PADDED),
    *(
        f"conv2d, out_channels: 8, kernel_size: 3, weight: {word}"
        for word in ("standardized", "scaled_standardized", "weight_norm", "spectral_norm")
    ),
    "conv_transpose2d, out_channels: 8, kernel_size: 2, stride: 2",
    "depthwise_separable_conv2d, out_channels: 8, kernel_size: 3",
    "deform_conv2d, out_channels: 8, kernel_size: 3",
    "deform_conv2d, out_channels: 8, kernel_size: 3, modulated: true, bias: false",
    "max_pool2d, kernel_size: 3, stride: 1, padding: 1",
    "avg_pool2d, kernel_size: 2",
    "lp_pool2d, norm_type: 2, kernel_size: 2",
    "lp_pool2d, norm_type: 3, kernel_size: 3, stride: 1",
    "adaptive_avg_pool2d, output_size: 3",
    "adaptive_avg_pool2d, output_size: 1",
    "adaptive_max_pool2d, output_size: 5",
    *(f"upsample, scale_factor: 2, mode: {mode}" for mode in ("nearest", "bilinear", "bicubic")),
    "pixel_shuffle, upscale_factor: 2",
    "pixel_unshuffle, downscale_factor: 2",
    "channel_shuffle, groups: 2",
    "zero_pad2d, padding: -1",
    "constant_pad2d, padding: 1, value: 2",
    *(f"{kind}_pad2d, padding: 1" for kind in ("reflection", "replication", "circular")),
    "batch_norm2d",
    "batch_norm2d, affine: false",
    "batch_norm2d, track_running_stats: false",
    "local_response_norm, size: 3",
    "group_norm, num_groups: 2",
    "instance_norm2d",
    "instance_norm2d, affine: true",
    "instance_norm2d, affine: true, track_running_stats: true",
    "layer_norm2d",
    "squeeze_excitation, squeeze_channels: 4",
    "layer_scale",
    "layer_scale, bias: true",
    "layer_scale, per_channel: false, bias: true",
    *("normalize", "rms_norm2d", "global_response_norm", "evo_norm2d_b0", "evo_norm2d_b0, apply_act: false"),
    *("filter_response_norm2d", "filter_response_norm2d, apply_tlu: false", "evo_norm2d_s0, groups: 4"),
    *(f"blur_pool2d, pad_mode: {mode}" for mode in ("reflect", "replicate", "circular", "constant")),
    "efficient_channel_attention",
    *(
        "scale, factor: 2",
        "shift, value: 1",
        "pow, exponent: 3",
        "square",
        "abs",
        "exp",
        "log",
        "pad_channels, after: 3",
    ),
    "stochastic_depth, p: 0.2, mode: row",
    "stochastic_depth, p: 0, mode: batch",
    *(f"dropout, p: {p}" for p in (0, 0.5, 1)),
    "dropout, inplace: true",
    "dropout2d",
    "identity",
    *(f"{name}{tail}" for name in INPLACE for tail in ("", ", inplace: true")),
    *("prelu, num_parameters: 8", "gelu", "sigmoid", "log_sigmoid", "tanh", "tanhshrink", "softplus", "softsign"),
    *("softshrink", "hardshrink", "softmax", "softmin", "log_softmax", "softmax2d", "glu, dim: 1"),
    *(f"{kind}, dim: [2, 3], keepdim: true" for kind in ("mean", "sum", "amax", "vector_norm", "vector_norm, ord: 1")),
)
SEVERAL = {
    "columns": "[{type: unfold, kernel_size: 3, stride: 2}, {type: sigmoid},"
    " {type: fold, output_size: 12, kernel_size: 3, stride: 2}]",
    "channels last": "[{type: channels_last}, {type: layer_norm}, {type: linear, out_features: 8}, {type: gelu},"
    " {type: channels_first}]",
    "slices": "[{name: a, type: narrow, start: 0, length: 4}, {from: first, type: narrow, start: 4, length: 4},"
    " {type: relu}, {type: concat, with: [a]}]",
    "sum of three": "[{name: a, type: sigmoid}, {from: first, type: tanh}, {type: add, with: [a, first]}]",
    "product of three": "[{name: a, type: sigmoid}, {from: first, type: tanh}, {type: multiply, with: [a, first]}]",
    "gate": "[{type: conv2d, out_channels: 1, kernel_size: 1, activation: sigmoid}, {type: multiply, with: [first]}]",
    "in place over a slice": "[{type: narrow, start: 2, length: 4}, {type: elu, inplace: true}]",
    "in place over half": "[{type: narrow, start: 0, length: 4}, {type: silu, inplace: true}, {type: layer_norm2d}]",
    **{
        f"{kind} of three": "[{name: a, type: sigmoid}, {from: first, type: tanh}, {type: %s, with: [a, first]}]" % kind  # noqa: UP031
        for kind in ("subtract", "divide", "maximum", "minimum", "weighted_add")
    },
    "stretched": "[{type: conv2d, out_channels: 1, kernel_size: 1}, {type: subtract, with: [first]},"
    " {type: divide, with: [first]}]",
    **{
        f"weights by {kind}": "[{type: tanh}, {type: weighted_add, with: [first], normalization: %s}]" % kind  # noqa: UP031
        for kind in ("softmax", "fast")
    },
    "rms of channels last": "[{type: channels_last}, {type: rms_norm}, {type: channels_first}]",
    "twice the same": "[{type: add, with: [first]}, {name: b, type: relu}, {type: multiply, with: [b]}]",
}


EACH = (*(f"{{type: {layer}}}" for layer in LAYERS), *SEVERAL.values())


def around(layers: str) -> Network:
    return loads(
        "input: [4, 12, 12]\nlayers:\n"
        "  - {name: first, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}\n"
        f"  - {{type: branches, paths: [{layers}]}}\n"
        "  - {type: conv2d, out_channels: 3, kernel_size: 1}\n"
    )


@pytest.mark.parametrize("several", in_chunks(EACH))
def test_each_layer_on_a_cpu(several: list[str]) -> None:
    """All the highs of a run, of which the peak is one."""
    check_each(several, check_on_a_cpu)


def check_on_a_cpu(layers: str) -> None:
    for training in (False, True):
        assert not differences(around(layers), counted_step(2), training=training)


PEAK_ONLY = ("squeeze_excitation", "efficient_channel_attention")
"""With channels last other highs than the peak may differ: what lies in which order is copied elsewhere."""


@pytest.mark.parametrize("several", in_chunks(EACH))
def test_each_layer_with_channels_last(several: list[str]) -> None:
    check_each(several, check_with_channels_last)


def check_with_channels_last(layers: str) -> None:
    conditions, peak_only = counted_step(2, channels_last=True), any(name in layers for name in PEAK_ONLY)
    for training in (False, True):
        assert not differences(around(layers), conditions, training=training, peak_only=peak_only)


CPU_CANNOT = ("deform_conv2d", "local_response_norm", "rms_norm}")
"""Their kernels for CPUs (of the second its pooling) take no bfloat16; the last warns of a weight in float32."""
APPROXIMATE = {
    "instance_norm2d": 0.01,  # a CPU has its statistics in bfloat16 where it has no parameters
}
"""By how much the prediction may differ: these say so (`Runtime.autocast_doubt`)."""


@pytest.mark.parametrize(
    "several", in_chunks(layers for layers in EACH if not any(name in layers for name in CPU_CANNOT))
)
def test_each_layer_in_mixed_precision(several: list[str]) -> None:
    check_each(several, check_in_mixed_precision)


def check_in_mixed_precision(layers: str) -> None:
    network, conditions = around(layers), counted_step(2, autocast="bfloat16")
    within = max([share for name, share in APPROXIMATE.items() if name in layers], default=0)
    if within:
        counted = count_training(network, conditions, device="cpu").peak
        assert predicted_training(network, conditions) == pytest.approx(counted, rel=within)
    else:
        peak_only = any(name in layers for name in ("padding: same", "layer_scale"))
        assert not differences(network, conditions, training=True, peak_only=peak_only)


def in_block(layers: str) -> Network:
    """The layers between two convolutions, checkpointed."""
    return loads(
        "input: [4, 12, 12]\nlayers:\n"
        "  - {name: first, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}\n"
        "  - {name: inner, type: branches, paths: [[{type: conv2d, out_channels: 8, kernel_size: 1},"
        f" {layers}]]}}\n"
        "  - {type: conv2d, out_channels: 3, kernel_size: 1}\n"
    )


@pytest.mark.parametrize("several", in_chunks(f"{{type: {layer}}}" for layer in LAYERS))
def test_each_layer_in_a_checkpoint(several: list[str]) -> None:
    check_each(several, check_in_a_checkpoint)


def check_in_a_checkpoint(layers: str) -> None:
    assert is_exact(in_block(layers), counted_step(2, checkpoint=["inner"]), device="cpu")


def test_a_checkpoint_holds_its_inputs_while_it_runs_though_nothing_in_it_needs_a_gradient() -> None:
    network = loads(
        """
        input: [8, 12, 12]
        layers:
          - {type: sigmoid}
          - {type: branches, name: inner, paths: [[{type: tanh}, {type: sigmoid}]]}
          - {type: avg_pool2d, kernel_size: 4}
          - {type: conv2d, out_channels: 2, kernel_size: 1}
        """
    )
    conditions = counted_step(2, checkpoint=["inner"])
    assert not differences(network, conditions, training=True)
    assert predicted_training(network, conditions) > predicted_training(network, counted_step(2))


def test_a_small_transposed_convolution_along_three_axes() -> None:
    """A CPU's kernel for one sample in one group hands out a storage of its input's size, which is not counted."""
    network = loads("input: [8, 4, 4, 4]\nlayers: [{type: conv_transpose3d, out_channels: 2, kernel_size: 2}]")
    for training in (False, True):
        assert not differences(network, counted_step(1), training=training)
    result = build(network.graph).eval()(torch.rand(1, 8, 4, 4, 4))
    assert result.nbytes == 2 * 5**3 * 4
    assert result.untyped_storage().nbytes() in (result.nbytes, 8 * 4**3 * 4)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("kind", ["rms_norm", "layer_scale", "layer_norm"])
def test_factors_of_features_at_a_batch_of_one(kind: str, batch: int) -> None:
    """There is a sum over the batch though there is one sample, since the factors have no dimension for it."""
    network = loads(f"input: [8]\nlayers: [{{type: {kind}}}, {{type: linear, out_features: 4}}]")
    assert not differences(network, counted_step(batch), training=True)


@pytest.mark.parametrize("kernel", [1, 3, 4])
def test_the_gradient_of_a_weight_norm_behind_channels_that_lie_last_is_copied(kernel: int) -> None:
    """The convolution gives it in the order of its input, and the norm takes it in that of its filters."""
    network = loads(
        f"""
        input: [8, 2, 2]
        layers:
          - {{type: conv2d, out_channels: 8, kernel_size: 1, norm: layer_norm2d}}
          - {{type: conv2d, out_channels: 8, kernel_size: {kernel}, padding: same, weight: weight_norm, repeat: 2}}
        """
    )
    for channels_last in (False, True):
        conditions = counted_step(3, channels_last=channels_last)
        assert is_exact(network, conditions, device="cpu")


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("behind", ["conv2d, out_channels: 4, kernel_size: 1", "amax, dim: 2, keepdim: true",
                                    "vector_norm, dim: [2, 3], keepdim: true", "relu"])  # fmt: skip
def test_the_gradient_of_positions_with_channels_last(behind: str, batch: int) -> None:
    """That of one sample is handed on where it lies as the positions do, and copied once where it does not."""
    network = loads(
        f"""
        input: [8, 6, 6]
        layers:
          - {{type: conv2d, out_channels: 8, kernel_size: 1}}
          - {{name: positions, type: position_embedding}}
          - {{name: end, type: {behind}}}
        outputs: [positions, end]
        """
    )
    assert not differences(network, counted_step(batch, channels_last=True), training=True)


@pytest.mark.parametrize("seeds", in_chunks(range(80), 10))
def test_random_networks(seeds: list[int]) -> None:
    drawn = {seed: random_network(seed).graph.layers for seed in seeds}
    known = [seed for seed, layers in drawn.items() if all(node.layer.role != "opaque" for node in layers)]
    assert len(known) > len(seeds) // 2  # of layers of one's own the memory is a lower bound
    check_each(known, check_random_network)


def check_random_network(seed: int) -> None:
    network = random_network(seed)
    assert predicted_inference(network, 3) == count_inference(network, Conditions(3), device="cpu").peak
    conditions = counted_step(3, "momentum")
    assert is_exact(network, conditions, device="cpu")


# -- without a watcher -------------------------------------------------------------------------------------------

THREE_READERS = """
input: [8]
layers:
  - {type: linear, out_features: 4096}
  - type: branches
    merge: add
    paths: [{type: linear, out_features: 8}, {type: linear, out_features: 8}, {type: linear, out_features: 8}]
  - {type: linear, out_features: 8}
"""


def test_gradients_are_added_in_place_where_nobody_watches() -> None:
    """Against the allocations that the profiler records; linear layers take nothing inside themselves."""
    network = loads(THREE_READERS)
    model, sample = build(network), torch.zeros(512, 8)
    live = sum(tensor.nbytes for tensor in (*model.parameters(), sample))
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        result = model(sample)
        Loss.apply(result).backward()
    changes = [e.nbytes() for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    peak = max(accumulate(changes, initial=live))
    predicted = training_memory(network.graph, collect_facts(network.graph), Conditions(512, optimizer="sgd")).peak
    assert peak - predicted == 2 * 4  # the loss and its gradient
    assert predicted < 0.8 * predicted_training(network, counted_step(512))


# -- beside torchvision's ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["resnet50", "mobilenet_v2", "densenet121", "googlenet", "efficientnet_b0", "convnext_tiny", "regnet_y_400mf"],
)
def test_built_models_need_no_more_than_torchvision_s(name: str) -> None:
    with torch.device("meta"), Undrawn():
        model = REFERENCES[name]().eval()
    sample = torch.zeros(8, 3, 224, 224, device="meta")
    assert count_inference(presets.network(name), Conditions(8)).peak <= count_model(model, sample).peak


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="device"):
        count_inference(load("alexnet"), Conditions(), device="cuda:17")


@pytest.mark.parametrize("wants_gradient", [False, True])
def test_max_pool1d_makes_no_positions_where_no_gradient_is_wanted(wants_gradient: bool) -> None:  # noqa: FBT001
    """Against the allocations that the profiler records, since a dispatch mode that watches changes what is made."""
    network = loads("input: [4, 64]\nlayers: [{type: max_pool1d, kernel_size: 2}]")
    module, sample = build(network.graph).eval(), torch.rand(1, 4, 64, requires_grad=wants_gradient)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        result = module(sample)
    del result
    changes = [e.nbytes() for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    taken = max(accumulate(changes))
    assert taken == 4 * 32 * (4 + 8 * wants_gradient)
    if not wants_gradient:
        memory = network.analyze().total.memory
        assert memory.inference_peak == 4 * 64 * 4 + taken
