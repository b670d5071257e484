"""The counting tools: for each class of `torch.nn` that a tool knows, coefficients over counted terms.

Read from the tools' sources at the versions named, never fitted; `tests/explain/test_counting.py` runs the
tools. A key is a class, or a class and what makes the tool treat it differently (`variants`): the longest
key that fits counts. A class that is not listed counts nothing. Functions (`+`, `*`, `torch.cat`) are seen by
none of them: those that patch `torch.add` do not see the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from archlab.layers.base import Layer
from archlab.layers.shape import AXIS_NAMES, Shape, axis_count

Coefficients = dict[str, int]
Rule = dict[str, Coefficients]


@dataclass(frozen=True, slots=True)
class Tool:
    """One number that a tool prints.

    Attributes:
        name: of the tool, and of the number where it prints several.
        version: that was read and tested.
        unit: MACs or FLOPs, whatever the tool calls them.
        how: how it finds the layers and what is peculiar.
        source: where the rule stands in it.
        rule: class to quantity to coefficient.
        package: to install.
    """

    name: str
    version: str
    unit: str
    how: str
    source: str
    rule: Mapping[str, Coefficients]
    package: str

    def coefficients(self, layer: Layer, inputs: tuple[Shape, ...]) -> Coefficients:
        """The rule for a layer with inputs of these shapes."""
        return next((self.rule[key] for key in keys(layer, inputs) if key in self.rule), {})


def class_name(layer: Layer) -> str:
    """Of the layer's module, without its package; empty for a function, and for an opaque layer."""
    if layer.role == "opaque":
        return ""
    return layer.torch_class.rpartition(".")[-1]


def keys(layer: Layer, inputs: tuple[Shape, ...]) -> Iterator[str]:
    """The rule's keys that fit a layer, the most exact first."""
    words = list(variants(layer, inputs))
    for length in range(len(words), -1, -1):
        for chosen in combinations(words, length):
            yield " ".join([class_name(layer), *chosen])


def variants(layer: Layer, inputs: tuple[Shape, ...]) -> Iterator[str]:
    """What beside its class decides how a layer is counted."""
    if getattr(layer, "affine", False) or getattr(layer, "elementwise_affine", False):
        yield "affine"
    if not getattr(layer, "track_running_stats", True):
        yield "untracked"
    if getattr(layer, "padding", None) == "same":
        yield "same"
    if hasattr(layer, "scale_factor"):
        yield str(getattr(layer, "mode", ""))
        yield "size" if getattr(layer, "size", None) is not None else "scale"
        yield f"{axis_count(inputs[0])}d"
    if getattr(layer, "p", 1) == 0:
        yield "p=0"
    if layer.others == "offsets" and len(inputs) > 2:
        yield "modulated"
    if getattr(layer, "fused", False):
        yield "fused"
    if getattr(layer, "apply_act", False):
        yield "act"


def _each(names: str, **coefficients: int) -> Rule:
    return dict.fromkeys(names.split(), coefficients)


def _every_rank(rule: Rule) -> Rule:
    """A rule in which `ConvNd` stands for `Conv1d`, `Conv2d` and `Conv3d`."""
    ranks = {key: AXIS_NAMES if "Nd" in key else (2,) for key in rule}
    return {key.replace("Nd", f"{rank}d"): counted for key, counted in rule.items() for rank in ranks[key]}


def _by_rank(name: str, counted: Callable[[int], Coefficients]) -> Rule:
    """What depends on the number of axes."""
    return {name.replace("Nd", f"{rank}d"): counted(rank) for rank in AXIS_NAMES}


_CONVS = "ConvNd ConvTransposeNd Linear"
_POOLS = "MaxPoolNd AvgPoolNd AdaptiveMaxPoolNd AdaptiveAvgPoolNd"
_LRN_FUNCTIONS: Rule = {"LocalResponseNorm": {"inputs": 4, "channel_padding": 1}}
"""F.local_response_norm is made of two `mul`, an `add` and an average pool over padded channels, all patched."""

_LP_FUNCTIONS: Rule = {"LPPoolNd": {"inputs": 1, "outputs": 2}}
"""F.lp_pool2d is made of an `avg_pool2d`, a `relu` and a `mul`, all patched; so are its twins."""

_STATISTICS: Rule = {
    **_each("GroupNorm InstanceNormNd LayerNorm LayerNorm2d", inputs=4),
    **{f"{name} affine": {"inputs": 5} for name in ("GroupNorm", "InstanceNormNd", "LayerNorm", "LayerNorm2d")},
}
"""Norms that take the sample's own statistics."""

_OWN_CONVS = "BlurPool ChannelConv StdConv2d ScaledStdConv2d WeightNormConvNd SpectralNormConvNd"
"""Modules of archlab's own that call a convolution, which is seen by what intercepts operators or patches functions."""
_FILTER_NORMS: Rule = {
    "StdConv2d": {"macs": 1, "made_weights": 4},
    "ScaledStdConv2d": {"macs": 1, "made_weights": 5},
}
"""The filters' batch norm is seen too."""

_ADDED_METHOD: Rule = {
    "FilterResponseNorm2d": {"channels": 1},
    "EvoNorm2dS0 act": {"groups": 1},
    "EvoNorm2dB0 act": {"channels": 1, "running": 1},
}
"""`torch.Tensor.add` is patched, the operator `+` is not: the norms that add eps to a statistic by the method are seen
with that alone."""


def _written_out_attention(macs: int) -> Rule:
    """As products of matrices it is seen by what intercepts operators; a CPU's fused kernel is not."""
    return {**_each("Attention WindowAttention", macs=macs), "Attention fused": {}, "WindowAttention fused": {}}


FLOP_COUNTER: Rule = {**_written_out_attention(2), **_every_rank(_each(f"{_CONVS} {_OWN_CONVS}", macs=2))}

FVCORE: Rule = _every_rank(
    {
        **_each(f"ConvNd ConvTransposeNd Linear {_OWN_CONVS}", macs=1),
        **_written_out_attention(1),
        **_FILTER_NORMS,
        "ConvNd same": {},  # aten::_convolution_mode, which has no handle
        "BatchNormNd": {"inputs": 1},
        "BatchNormNd affine": {"inputs": 2},
        "BatchNormNd untracked": {"inputs": 4},
        "BatchNormNd affine untracked": {"inputs": 5},
        **_STATISTICS,
        "AdaptiveAvgPool2d": {"inputs": 1},
        "Upsample nearest 2d": {"outputs": 1},
        "Upsample bilinear": {"outputs": 4},
    }
)

TORCHINFO: Rule = _every_rank(
    {
        **_each("ConvNd ConvTransposeNd DeformConv2d StdConv2d ScaledStdConv2d", output_macs=1, bias=1),
        "ChannelConv": {"output_macs": 1},
        **_each(
            "Linear LayerScale WeightedAdd RMSNorm RMSNorm2d GlobalResponseNorm FilterResponseNorm2d "
            "EvoNorm2dS0 EvoNorm2dB0",
            weight_params=1,
            bias_params=1,
        ),
        "WindowAttention": {"bias_table": 1},
        **_each("BatchNormNd GroupNorm InstanceNormNd LayerNorm LayerNorm2d PReLU", params=1),
    }
)

PTFLOPS: Rule = _every_rank(
    {
        **_each(_CONVS, macs=1, bias=1),
        "DeformConv2d": {"macs": 1, "bias": 1, "taps": 24},
        "DeformConv2d modulated": {"macs": 1, "bias": 1, "taps": 25},
        **_each("BatchNormNd GroupNorm InstanceNormNd LayerNorm", inputs=1),
        **{key: {"inputs": 2} for key in ("BatchNormNd affine", "GroupNorm affine", "InstanceNormNd affine")},
        **_each("ReLU PReLU ELU GELU", inputs=2),
        **_each("ReLU6 LeakyReLU SiLU Softmax Softmax2d", inputs=1),
        **_each(_POOLS, inputs=2),
        "Upsample": {"outputs": 2},
        **_ADDED_METHOD,
        "EvoNorm2dB0 act": {"channels": 2},  # the running ones of the one sample
        **_LRN_FUNCTIONS,
        **_LP_FUNCTIONS,
    }
)

PTFLOPS_ATEN: Rule = {
    **_written_out_attention(1),
    **_every_rank(_each(f"{_CONVS} {_OWN_CONVS}", macs=1, bias=1)),
}

THOP: Rule = _every_rank(
    {
        **_each("ConvNd ConvTransposeNd", output_macs=1),
        "Linear": {"macs": 1},
        **_each("BatchNormNd InstanceNormNd LayerNorm", inputs=2),
        **{key: {"inputs": 4} for key in ("BatchNormNd affine", "InstanceNormNd affine", "LayerNorm affine")},
        "PReLU": {"inputs": 1},
        "Softmax": {"inputs": 3, "rows": -1},
        "AvgPoolNd": {"outputs": 1},
        "AdaptiveAvgPoolNd": {"inputs": 1, "outputs": 1},
        "Upsample nearest": {"outputs": 1},
        "Upsample linear": {"outputs": 5},
        "Upsample bilinear": {"outputs": 11},
        "Upsample bicubic": {"outputs": 259},
    }
)

DEEPSPEED: Rule = _every_rank(
    {
        "Linear": {"macs": 2},
        **_each(_OWN_CONVS, macs=2, bias=1),
        **_each("Attention WindowAttention", macs=2),
        "StdConv2d": {"macs": 2, "bias": 1, "made_weights": 4},
        "ScaledStdConv2d": {"macs": 2, "bias": 1, "made_weights": 5},
        **_each("ConvNd ConvTransposeNd", macs=2, bias=1),
        "BatchNormNd": {"inputs": 1},
        "BatchNormNd affine": {"inputs": 2},
        "BatchNormNd untracked": {"inputs": 4},
        "BatchNormNd affine untracked": {"inputs": 5},
        **_STATISTICS,
        **_each("ReLU PReLU ELU LeakyReLU SiLU GELU Softmax Softmax2d", inputs=1),
        **_each(_POOLS, inputs=1),
        "Upsample scale": {"outputs": 1},
        "Upsample size": {"size_as_written": 1},
        **_ADDED_METHOD,
        **_LRN_FUNCTIONS,
        **_LP_FUNCTIONS,
    }
)
DEEPSPEED_MACS: Rule = _every_rank(_each(f"{_CONVS} {_OWN_CONVS} Attention WindowAttention", macs=1))

CALFLOPS: Rule = _every_rank(
    {
        **DEEPSPEED,
        **_each("Attention WindowAttention", macs=0),  # neither the operator @ nor the fused function is patched
        "ConvTransposeNd": {"divided_macs": 2, "shrunk_bias": 1},
        "Upsample scale": {"inputs": 1},
    }
)
CALFLOPS_MACS: Rule = _every_rank(
    {**_each(f"ConvNd Linear {_OWN_CONVS}", macs=1), "ConvTransposeNd": {"divided_macs": 1}}
)

TORCHSCAN: Rule = _every_rank(
    {
        **_each("ConvNd Linear StdConv2d ScaledStdConv2d", macs=2, outputs=-1, bias=1),
        "ChannelConv": {"all_channel_macs": 2, "outputs": -1},
        **_by_rank("ConvTransposeNd", lambda rank: {"output_macs": 2, "outputs": -1, "bias": 1, "layers": 8 * rank}),
        "BatchNormNd": {"inputs": 2, "channels": 2},
        "BatchNormNd affine": {"inputs": 4, "channels": 2},
        **_each("LayerNorm LayerNorm2d", inputs=6, vectors=2, affine=1),
        "ReLU": {"inputs": 1},
        "ReLU6": {"inputs": 2},
        **_each("Sigmoid LeakyReLU", inputs=4),
        **_each("Tanh ELU", inputs=6),
        "MaxPoolNd": {"kernel_as_written": 1, "outputs": -1},
        **_by_rank("AvgPoolNd", lambda rank: {"kernel_as_written": 1, "outputs": rank - 1}),
        "AdaptiveMaxPoolNd": {"adaptive_kernel": 1, "outputs": -1},
        **_by_rank("AdaptiveAvgPoolNd", lambda rank: {"adaptive_kernel": 1, "outputs": rank - 1}),
        "Dropout": {"inputs": 1},
        "Dropout p=0": {},
    }
)
TORCHSCAN_MACS: Rule = _every_rank(
    {
        **_each("ConvNd Linear StdConv2d ScaledStdConv2d", macs=1),
        "ChannelConv": {"all_channel_macs": 1},
        **_by_rank("ConvTransposeNd", lambda rank: {"output_macs": 1, "layers": 4 * rank}),
        "BatchNormNd": {"inputs": 1},
        "BatchNormNd affine": {"inputs": 2},
        **{name: counted for name, counted in TORCHSCAN.items() if "Pool" in name},
    }
)

TOOLS: tuple[Tool, ...] = (
    Tool(
        "FlopCounterMode",
        "torch 2.14.1",
        "FLOPs",
        "Intercepts operators. Convolutions and matrix products only, two operations for each multiply-accumulate. "
        "Fused attention counts on a GPU, not on a CPU.",
        "torch/utils/flop_counter.py",
        FLOP_COUNTER,
        "torch",
    ),
    Tool(
        "fvcore",
        "0.1.5.post20221221",
        "MACs",
        "Traces operators; calls a multiply-accumulate one flop. Batch norm as a scale and a shift, adaptive average "
        "pooling of two axes; no other pooling, no activation, no bias. Convolutions with padding 'same' are not seen.",
        "fvcore/nn/flop_count.py, jit_handles.py",
        FVCORE,
        "fvcore",
    ),
    Tool(
        "torchinfo",
        "1.8.0",
        "MACs",
        "Parameters times output positions where the class name contains 'Conv', else the number of parameters. So "
        "batch norm counts its 2 parameters a channel, not its elements; transposed convolutions count too much.",
        "torchinfo/layer_info.py, calculate_macs",
        TORCHINFO,
        "torchinfo",
    ),
    Tool(
        "ptflops pytorch",
        "0.7.5",
        "MACs",
        "Hooks on modules, and patched functions. A module that calls a patched function is counted twice: ReLU and "
        "pooling, not ReLU6, which calls F.hardtanh. Pooling counts its input. Always one sample.",
        "ptflops/pytorch_ops.py, pytorch_engine.py",
        PTFLOPS,
        "ptflops",
    ),
    Tool(
        "ptflops aten",
        "0.7.5",
        "MACs",
        "Intercepts operators. Convolutions and matrix products with their bias, nothing else. Always one sample.",
        "ptflops/aten_ops.py",
        PTFLOPS_ATEN,
        "ptflops",
    ),
    Tool(
        "thop",
        "0.1.1-2209072238",
        "MACs",
        "Hooks on modules. No bias, but batch norm at 4 an element: 2 for normalising, doubled for scale and shift. "
        "ReLU counts 0, max pooling 0. Transposed convolutions count each output position.",
        "thop/vision/basic_hooks.py, calc_func.py",
        THOP,
        "thop",
    ),
    Tool(
        "DeepSpeed FLOPs",
        "0.19.8",
        "FLOPs",
        "Patches torch.nn.functional. Bias of convolutions, not of linear layers; pooling counts its input; ReLU6 is "
        "not seen, since it calls F.hardtanh.",
        "deepspeed/profiling/flops_profiler/profiler.py",
        DEEPSPEED,
        "deepspeed",
    ),
    Tool(
        "DeepSpeed MACs", "0.19.8", "MACs", "The same run, multiply-accumulates only.", "as above", DEEPSPEED_MACS,
        "deepspeed",
    ),
    Tool(
        "calflops FLOPs",
        "0.3.2",
        "FLOPs",
        "A copy of DeepSpeed's profiler of 2023: grouped transposed convolutions are divided by the groups twice. "
        "It stops with an error at an upsample with a factor for each axis.",
        "calflops/pytorch_ops.py",
        CALFLOPS,
        "calflops",
    ),
    Tool(
        "calflops MACs", "0.3.2", "MACs", "The same run, multiply-accumulates only.", "as above", CALFLOPS_MACS,
        "calflops",
    ),
    Tool(
        "torchscan FLOPs",
        "0.2.0",
        "FLOPs",
        "Hooks on modules. A sum of n products has n - 1 additions; batch norm 4 an element and 2 a channel; a pool's "
        "kernel_size written as one number k counts k, not k x k; dropout draws a number an element even in eval mode.",
        "torchscan/modules/flops.py",
        TORCHSCAN,
        "torchscan",
    ),
    Tool(
        "torchscan MACs",
        "0.2.0",
        "MACs",
        "Multiply-accumulates, batch norm at 2 an element, and pooling as if it multiplied.",
        "torchscan/modules/macs.py",
        TORCHSCAN_MACS,
        "torchscan",
    ),
)  # fmt: skip
