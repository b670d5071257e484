"""The counting tools: for each class of `torch.nn` that a tool knows, coefficients over counted terms.

Read from the tools' sources at the versions named, never fitted; `tests/explain/test_counting.py` runs the
tools. A key is a class, or a class and what makes the tool treat it differently (`variants`): the longest
key that fits counts. A class that is not listed counts nothing. Functions (`+`, `*`, `torch.cat`) are seen by
none of them: those that patch `torch.add` do not see the operator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from archlab.layers.base import Layer

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

    def coefficients(self, layer: Layer, inputs: int) -> Coefficients:
        """The rule for a layer with so many inputs."""
        return next((self.rule[key] for key in keys(layer, inputs) if key in self.rule), {})


def class_name(layer: Layer) -> str:
    """Of the layer's module, without its package; empty for a function."""
    return layer.torch_class.rpartition(".")[-1]


def keys(layer: Layer, inputs: int) -> Iterator[str]:
    """The rule's keys that fit a layer, the most exact first."""
    words = list(variants(layer, inputs))
    for length in range(len(words), -1, -1):
        for chosen in combinations(words, length):
            yield " ".join([class_name(layer), *chosen])


def variants(layer: Layer, inputs: int) -> Iterator[str]:
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
    if getattr(layer, "p", 1) == 0:
        yield "p=0"
    if layer.others == "offsets" and inputs > 2:
        yield "modulated"


def _each(names: str, **coefficients: int) -> Rule:
    return dict.fromkeys(names.split(), coefficients)


_CONVS = "Conv2d ConvTranspose2d Linear"
_POOLS = "MaxPool2d AvgPool2d AdaptiveMaxPool2d AdaptiveAvgPool2d"
_LRN_FUNCTIONS: Rule = {"LocalResponseNorm": {"inputs": 4, "channel_padding": 1}}
"""F.local_response_norm is made of two `mul`, an `add` and an `avg_pool3d` over padded channels, all patched."""

_LP_FUNCTIONS: Rule = {"LPPool2d": {"inputs": 1, "outputs": 2}}
"""F.lp_pool2d is made of an `avg_pool2d`, a `relu` and a `mul`, all patched."""

_STATISTICS: Rule = {
    **_each("GroupNorm InstanceNorm2d LayerNorm LayerNorm2d", inputs=4),
    **{f"{name} affine": {"inputs": 5} for name in ("GroupNorm", "InstanceNorm2d", "LayerNorm", "LayerNorm2d")},
}
"""Norms that take the sample's own statistics."""

FLOP_COUNTER: Rule = _each(_CONVS, macs=2)

FVCORE: Rule = {
    **_each("Conv2d ConvTranspose2d Linear", macs=1),
    "Conv2d same": {},  # aten::_convolution_mode, which has no handle
    "BatchNorm2d": {"inputs": 1},
    "BatchNorm2d affine": {"inputs": 2},
    "BatchNorm2d untracked": {"inputs": 4},
    "BatchNorm2d affine untracked": {"inputs": 5},
    **_STATISTICS,
    "AdaptiveAvgPool2d": {"inputs": 1},
    "Upsample nearest": {"outputs": 1},
    "Upsample bilinear": {"outputs": 4},
}

TORCHINFO: Rule = {
    **_each("Conv2d ConvTranspose2d DeformConv2d", output_macs=1, bias=1),
    "Linear": {"weight_params": 1, "bias_params": 1},
    **_each("BatchNorm2d GroupNorm InstanceNorm2d LayerNorm LayerNorm2d PReLU", params=1),
}

PTFLOPS: Rule = {
    **_each(_CONVS, macs=1, bias=1),
    "DeformConv2d": {"macs": 1, "bias": 1, "taps": 24},
    "DeformConv2d modulated": {"macs": 1, "bias": 1, "taps": 25},
    **_each("BatchNorm2d GroupNorm InstanceNorm2d LayerNorm", inputs=1),
    **{key: {"inputs": 2} for key in ("BatchNorm2d affine", "GroupNorm affine", "InstanceNorm2d affine")},
    **_each("ReLU PReLU ELU GELU", inputs=2),
    **_each("ReLU6 LeakyReLU SiLU Softmax Softmax2d", inputs=1),
    **_each(_POOLS, inputs=2),
    "Upsample": {"outputs": 2},
    **_LRN_FUNCTIONS,
    **_LP_FUNCTIONS,
}

PTFLOPS_ATEN: Rule = _each(_CONVS, macs=1, bias=1)

THOP: Rule = {
    **_each("Conv2d ConvTranspose2d", output_macs=1),
    "Linear": {"macs": 1},
    **_each("BatchNorm2d InstanceNorm2d LayerNorm", inputs=2),
    **{key: {"inputs": 4} for key in ("BatchNorm2d affine", "InstanceNorm2d affine", "LayerNorm affine")},
    "PReLU": {"inputs": 1},
    "Softmax": {"inputs": 3, "rows": -1},
    "AvgPool2d": {"outputs": 1},
    "AdaptiveAvgPool2d": {"inputs": 1, "outputs": 1},
    "Upsample nearest": {"outputs": 1},
    "Upsample bilinear": {"outputs": 11},
    "Upsample bicubic": {"outputs": 259},
}

DEEPSPEED: Rule = {
    "Linear": {"macs": 2},
    **_each("Conv2d ConvTranspose2d", macs=2, bias=1),
    "BatchNorm2d": {"inputs": 1},
    "BatchNorm2d affine": {"inputs": 2},
    "BatchNorm2d untracked": {"inputs": 4},
    "BatchNorm2d affine untracked": {"inputs": 5},
    **_STATISTICS,
    **_each("ReLU PReLU ELU LeakyReLU SiLU GELU Softmax Softmax2d", inputs=1),
    **_each(_POOLS, inputs=1),
    "Upsample scale": {"outputs": 1},
    "Upsample size": {"positions": 1},
    **_LRN_FUNCTIONS,
    **_LP_FUNCTIONS,
}
DEEPSPEED_MACS: Rule = _each(_CONVS, macs=1)

CALFLOPS: Rule = {
    **DEEPSPEED,
    "ConvTranspose2d": {"divided_macs": 2, "shrunk_bias": 1},
    "Upsample scale": {"inputs": 1},
}
CALFLOPS_MACS: Rule = {**_each("Conv2d Linear", macs=1), "ConvTranspose2d": {"divided_macs": 1}}

TORCHSCAN: Rule = {
    **_each("Conv2d Linear", macs=2, outputs=-1, bias=1),
    "ConvTranspose2d": {"output_macs": 2, "outputs": -1, "bias": 1, "layers": 16},
    "BatchNorm2d": {"inputs": 2, "channels": 2},
    "BatchNorm2d affine": {"inputs": 4, "channels": 2},
    **_each("LayerNorm LayerNorm2d", inputs=6, vectors=2, affine=1),
    "ReLU": {"inputs": 1},
    "ReLU6": {"inputs": 2},
    **_each("Sigmoid LeakyReLU", inputs=4),
    **_each("Tanh ELU", inputs=6),
    "MaxPool2d": {"kernel_as_written": 1, "outputs": -1},
    "AvgPool2d": {"kernel_as_written": 1, "outputs": 1},
    "AdaptiveMaxPool2d": {"adaptive_kernel": 1, "outputs": -1},
    "AdaptiveAvgPool2d": {"adaptive_kernel": 1, "outputs": 1},
    "Dropout": {"inputs": 1},
    "Dropout p=0": {},
}
TORCHSCAN_MACS: Rule = {
    **_each("Conv2d Linear", macs=1),
    "ConvTranspose2d": {"output_macs": 1, "layers": 8},
    "BatchNorm2d": {"inputs": 1},
    "BatchNorm2d affine": {"inputs": 2},
    **{name: TORCHSCAN[name] for name in _POOLS.split()},
}

TOOLS: tuple[Tool, ...] = (
    Tool(
        "FlopCounterMode",
        "torch 2.14.1",
        "FLOPs",
        "Intercepts operators. Convolutions and matrix products only, two operations for each multiply-accumulate.",
        "torch/utils/flop_counter.py",
        FLOP_COUNTER,
        "torch",
    ),
    Tool(
        "fvcore",
        "0.1.5.post20221221",
        "MACs",
        "Traces operators; calls a multiply-accumulate one flop. Batch norm as a scale and a shift, adaptive average "
        "pooling; no other pooling, no activation, no bias. Convolutions with padding 'same' are not seen.",
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
        "A copy of DeepSpeed's profiler of 2023: grouped transposed convolutions are divided by the groups twice.",
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
