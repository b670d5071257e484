"""Precisions under autocast against PyTorch's own lists for CUDA, in the header that comes with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as everyone calls it

from archlab.layers import find_layer, layer_types
from archlab.layers.macro import Macro
from archlab.layers.precision import Autocast, under_autocast
from archlab.torch.autocast import AS_INPUTS, FLOAT32, GIVES_FLOAT32, cuda_lists_on_cpu

HEADER = Path(torch.__file__).parent / "include" / "ATen" / "autocast_mode.h"

OPERATORS = {
    "conv2d": "conv2d",
    "conv_transpose2d": "conv_transpose2d",
    "linear": "linear",
    "prelu": "prelu",
    "layer_norm": "layer_norm",
    "layer_norm2d": "layer_norm",
    "group_norm": "group_norm",
    "softplus": "softplus",
    "softmax": "softmax",
    "softmin": "softmax",
    "softmax2d": "softmax",
    "log_softmax": "log_softmax",
    "lp_pool2d": "pow",
    "blur_pool2d": "conv2d",
    "square": "pow",
    "pow": "pow",
    "exp": "exp",
    "log": "log",
    "sum": "sum",
    "vector_norm": "linalg_vector_norm",
    "normalize": "linalg_vector_norm",
    "local_response_norm": "pow",
    "upsample": "upsample_bilinear2d",
    "interpolate": "upsample_nearest2d",
    "matmul": "matmul",
    "scaled_dot_product_attention": "scaled_dot_product_attention",
}
"""Layer type to the operator that decides, for all layers with a precision of their own; of two axes for its twins."""


def operator_of(layer_type: str) -> str:
    """The operator that decides."""
    twin = re.sub("[13]d$", "2d", layer_type)
    operator = OPERATORS.get(layer_type, OPERATORS.get(twin, layer_type))
    return operator if twin == layer_type else operator.replace("2d", layer_type[-2:])


def listed(macro: str) -> set[str]:
    """The operators of a list."""
    text = HEADER.read_text().split(f"#define {macro}(_)", 1)[1].split("\n\n", 1)[0]
    return set(re.findall(r"_\((\w+)", text))


@pytest.mark.skipif(not HEADER.exists(), reason="this PyTorch comes without its headers")
def test_layers_follow_the_lists_of_pytorch() -> None:
    lower = listed("AT_FORALL_LOWER_PRECISION_FP")
    float32 = listed("AT_FORALL_FP32") | listed("AT_FORALL_FP32_SET_OPT_DTYPE")
    assert {"conv2d", "linear"} <= lower
    assert {"layer_norm", "softmax"} <= float32
    found: dict[str, Autocast] = {}
    for name in layer_types():
        cls = find_layer(name)
        assert cls is not None
        operator = operator_of(name)
        to: Autocast = "lower" if operator in lower else "float32" if operator in float32 else "inputs"
        to = "float32 result" if operator in GIVES_FLOAT32 else to
        if not issubclass(cls, Macro) and cls.runs.autocast != "parameters":  # made of several operators
            assert cls.runs.autocast == to, name
            found[name] = to
    own = {name for name, to in found.items() if to != "inputs"}
    assert own == {name for name in found if {name, re.sub("[13]d$", "2d", name)} & set(OPERATORS)}


@pytest.mark.skipif(not HEADER.exists(), reason="this PyTorch comes without its headers")
def test_the_emulation_follows_them_too() -> None:
    float32 = listed("AT_FORALL_FP32") | listed("AT_FORALL_FP32_SET_OPT_DTYPE")
    assert {name.partition(".")[0] for name in FLOAT32} <= float32
    assert {name.partition(".")[0] for name in GIVES_FLOAT32} <= listed("AT_FORALL_FP32_SET_OPT_DTYPE")
    assert not set(AS_INPUTS) & float32


def test_the_emulation_knows_every_operator_that_a_cpu_alone_computes_in_float32() -> None:
    """Poolings and paddings of any number of axes, as PyTorch has them registered."""
    kinds = ("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool", "reflection_pad", "replication_pad")
    names = [f"{kind}{rank}d" for kind in kinds for rank in (1, 2, 3)]

    def listed_for(key: str) -> set[str]:
        return {name for name in names if torch._C._dispatch_has_kernel_for_dispatch_key(f"aten::{name}", key)}

    assert listed_for("AutocastCPU") <= {*AS_INPUTS, "avg_pool3d"}
    assert not listed_for("AutocastCUDA")
    upsamplings = {name for name in listed("AT_FORALL_FP32") if "upsample" in name and not name.endswith("_aa")}
    assert upsamplings <= set(FLOAT32)


def test_cuda_s_lists_on_a_cpu() -> None:
    x = torch.ones(2, 4, 8, 8, dtype=torch.bfloat16)

    def precisions() -> list[torch.dtype]:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            values = (F.layer_norm(x, (8,)), F.interpolate(x, scale_factor=2), F.pad(x, (1, 1, 1, 1), mode="reflect"))
        return [value.dtype for value in values]

    with cuda_lists_on_cpu():
        assert precisions() == [torch.float32, torch.float32, torch.bfloat16]
    assert precisions() == [torch.bfloat16, torch.bfloat16, torch.float32]


def test_a_deformable_convolution_computes_in_float32_and_gives_what_its_input_is_in() -> None:
    """torchvision's `deform_conv2d_autocast` casts what it reads to float32, and the result back."""
    cls = find_layer("deform_conv2d_op")
    assert cls is not None
    precision = under_autocast(cls.runs.autocast, (2, 4), 2)
    assert (precision.output, precision.compute) == (2, 4)
    assert (precision.copies_inputs, precision.copies_params) == (True, False)
