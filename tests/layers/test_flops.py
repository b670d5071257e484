"""The table of elementwise work in docs/numbers.md, counted anew.

An activation's formula is evaluated with numbers that count what is done to them, by the rule of that page: each
addition, subtraction, multiplication, division, comparison, minimum, maximum, exp, log, tanh, erf and root counts one.
That it is the formula of its layer is checked against PyTorch's values. All else is arithmetic by hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from archlab.layers import find_layer, layer_types, types_with_role
from archlab.layers.base import Layer
from archlab.layers.laid import ChannelsLast, Laid
from archlab.layers.macro import Macro
from archlab.layers.shape import Shape
from archlab.torch.build import make_module
from tests.chunks import check_each, in_chunks


class Counted:
    """A number that counts the operations on it and on what comes of it."""

    done = 0

    def __init__(self, value: float) -> None:
        self.value = value

    @classmethod
    def one(cls, value: float) -> Counted:
        cls.done += 1
        return cls(value)

    def __add__(self, other: Counted | float) -> Counted:
        return self.one(self.value + plain(other))

    def __sub__(self, other: Counted | float) -> Counted:
        return self.one(self.value - plain(other))

    def __mul__(self, other: Counted | float) -> Counted:
        return self.one(self.value * plain(other))

    def __truediv__(self, other: Counted | float) -> Counted:
        return self.one(self.value / plain(other))

    def __pow__(self, other: float) -> Counted:
        return self.one(self.value**other)

    def __neg__(self) -> Counted:
        return self.one(-self.value)

    def __gt__(self, other: float) -> bool:
        Counted.done += 1
        return self.value > other

    def __lt__(self, other: float) -> bool:
        Counted.done += 1
        return self.value < other


Number = Counted | float


def plain(number: Number) -> float:
    return number.value if isinstance(number, Counted) else number


def function(of: Callable[[float], float]) -> Callable[[Counted], Counted]:
    return lambda x: Counted.one(of(x.value))


exp, log, tanh, erf = function(math.exp), function(math.log), function(math.tanh), function(math.erf)
size = function(abs)


def larger(x: Number, y: Number) -> Counted:
    return Counted.one(max(plain(x), plain(y)))


def smaller(x: Number, y: Number) -> Counted:
    return Counted.one(min(plain(x), plain(y)))


def one_over(x: Counted) -> Counted:
    return Counted.one(1 / x.value)


def sigmoid(x: Counted) -> Counted:
    return one_over(exp(-x) + 1)


def leaky(x: Counted) -> Counted:
    return x if x > 0 else x * 0.3


def softplus(x: Counted) -> Counted:
    sharp = x * 2
    return x if sharp > 20 else log(exp(sharp) + 1) / 2


def shrunk(x: Counted) -> Counted:
    if x > 0.5:
        return x - 0.5
    return x + 0.5 if x < -0.5 else Counted(0.0)


def kept_outside(x: Counted) -> Counted:
    return x if x > 0.5 or x < -0.5 else Counted(0.0)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
TANH_SCALE = math.sqrt(2 / math.pi)

FORMULAS: list[tuple[str, dict[str, Any], int, Callable[[Counted], Number]]] = [
    ("relu", {}, 1, lambda x: larger(0, x)),
    ("relu6", {}, 2, lambda x: smaller(larger(0, x), 6)),
    ("leaky_relu", {"negative_slope": 0.3}, 2, leaky),
    ("rrelu", {"lower": 0.3, "upper": 0.3}, 2, leaky),
    ("prelu", {"init": 0.3}, 2, leaky),
    ("elu", {"alpha": 0.7}, 4, lambda x: x if x > 0 else (exp(x) - 1) * 0.7),
    ("selu", {}, 5, lambda x: (x if x > 0 else (exp(x) - 1) * SELU_ALPHA) * SELU_SCALE),
    ("celu", {"alpha": 0.7}, 7, lambda x: larger(0, x) + smaller(0, (exp(x / 0.7) - 1) * 0.7)),
    ("gelu", {}, 5, lambda x: x * 0.5 * (erf(x / math.sqrt(2)) + 1)),
    ("gelu", {"approximate": "tanh"}, 8, lambda x: x * 0.5 * (tanh((x + x**3 * 0.044715) * TANH_SCALE) + 1)),
    ("silu", {}, 5, lambda x: x * sigmoid(x)),
    ("mish", {}, 5, lambda x: x * tanh(log(exp(x) + 1))),
    ("hardswish", {}, 5, lambda x: x * smaller(larger(0, x + 3), 6) / 6),
    ("hardsigmoid", {}, 4, lambda x: smaller(larger(0, x + 3), 6) / 6),
    ("hardtanh", {}, 2, lambda x: smaller(larger(-1, x), 1)),
    ("sigmoid", {}, 4, sigmoid),
    ("log_sigmoid", {}, 5, lambda x: log(sigmoid(x))),
    ("tanh", {}, 1, tanh),
    ("tanhshrink", {}, 2, lambda x: x - tanh(x)),
    ("softplus", {"beta": 2.0}, 6, softplus),
    ("softsign", {}, 3, lambda x: x / (size(x) + 1)),
    ("softshrink", {}, 3, shrunk),
    ("hardshrink", {}, 2, kept_outside),
    ("threshold", {"threshold": 0.4, "value": 2.0}, 1, lambda x: x if x > 0.4 else 2.0),
]
SAMPLES = [-4.0, -3.0, -0.6, -0.2, 0.0, 0.3, 0.7, 2.0, 3.5, 6.5]


def make(layer_type: str, **options: Any) -> Layer:
    cls = find_layer(layer_type)
    assert cls is not None
    return cls.model_validate(options)


def flops(layer_type: str, options: dict[str, Any], *inputs: Shape) -> int:
    layer = make(layer_type, **options)
    return layer.cost(inputs, layer.out_shape(inputs)).elementwise


@pytest.mark.parametrize(("layer_type", "options", "per_element", "formula"), FORMULAS)
def test_an_activation_counts_its_formula(
    layer_type: str, options: dict[str, Any], per_element: int, formula: Callable[[Counted], Number]
) -> None:
    module = make_module(make(layer_type, **options), ((1,),))
    assert module is not None
    theirs = module.eval()(torch.tensor(SAMPLES)[:, None]).flatten().tolist()
    most = 0
    for sample, value in zip(SAMPLES, theirs, strict=True):
        Counted.done = 0
        assert plain(formula(Counted(sample))) == pytest.approx(value, abs=1e-5), sample
        most = max(most, Counted.done)
    assert most == per_element
    for shape in ((30,), (3, 5, 2), ChannelsLast((5, 2, 3))):
        assert flops(layer_type, options, shape) == 30 * per_element


MAP = (6, 4, 5)
TABLE: list[tuple[str, dict[str, Any], tuple[Shape, ...], int]] = [
    # maximum, difference, exp, sum, quotient: 5; softmin turns the sign first; a log instead of the quotient
    ("softmax", {"dim": 1}, (MAP,), 5 * 120),
    ("softmin", {"dim": 1}, (MAP,), 6 * 120),
    ("log_softmax", {"dim": 2}, (MAP,), 5 * 120),
    ("softmax2d", {}, (MAP,), 5 * 120),
    # a sigmoid of one half and the product with the other
    ("glu", {"dim": 1}, (MAP,), 5 * 60),
    # the bias
    ("conv2d", {"out_channels": 7, "kernel_size": (2, 3)}, (MAP,), 7 * 3 * 3),
    ("conv2d", {"out_channels": 7, "kernel_size": (2, 3), "bias": False}, (MAP,), 0),
    ("conv_transpose2d", {"out_channels": 7, "kernel_size": (2, 3)}, (MAP,), 7 * 5 * 7),
    ("conv_transpose2d", {"out_channels": 7, "kernel_size": (2, 3), "bias": False}, (MAP,), 0),
    ("linear", {"out_features": 7}, ((5,),), 7),
    ("linear", {"out_features": 7, "bias": False}, ((5,),), 0),
    ("linear", {"out_features": 7}, (ChannelsLast((4, 5, 6)),), 4 * 5 * 7),
    # one multiplication and one addition remain in eval mode
    ("batch_norm2d", {}, (MAP,), 2 * 120),
    ("batch_norm2d", {"affine": False}, (MAP,), 2 * 120),
    ("instance_norm2d", {"track_running_stats": True, "affine": True}, (MAP,), 2 * 120),
    # a square, 2 additions, times alpha / size, plus k, a power, a quotient
    ("local_response_norm", {"size": 3}, (MAP,), 7 * 120),
    # the mean's addition, the deviation, its square, their addition, times the inverse deviation; scale; shift
    ("group_norm", {"num_groups": 2}, (MAP,), 7 * 120),
    ("group_norm", {"num_groups": 2, "bias": False}, (MAP,), 6 * 120),
    ("group_norm", {"num_groups": 2, "affine": False}, (MAP,), 5 * 120),
    ("instance_norm2d", {}, (MAP,), 5 * 120),
    ("instance_norm2d", {"affine": True}, (MAP,), 7 * 120),
    ("instance_norm2d", {"affine": True, "bias": False}, (MAP,), 6 * 120),
    ("layer_norm", {}, (ChannelsLast((4, 5, 6)),), 7 * 120),
    ("layer_norm", {"bias": False}, ((6,),), 6 * 6),
    ("layer_norm2d", {"elementwise_affine": False}, (MAP,), 5 * 120),
    # a window of 2 x 3: 5 comparisons; 5 additions and a division; a power for each input and 8 for each output
    ("max_pool2d", {"kernel_size": (2, 3)}, (MAP,), 6 * 2 * 1 * 5),
    ("avg_pool2d", {"kernel_size": (2, 3), "stride": 1}, (MAP,), 6 * 3 * 3 * 6),
    ("lp_pool2d", {"norm_type": 2.0, "kernel_size": (2, 3)}, (MAP,), 120 + 6 * 2 * 1 * 8),
    # windows of 2 and 2 rows, and of 2, 3 and 2 columns (0-1, 1-3, 3-4): 4 x 7 elements
    ("adaptive_avg_pool2d", {"output_size": (2, 3)}, (MAP,), 6 * 4 * 7),
    ("adaptive_max_pool2d", {"output_size": (2, 3)}, (MAP,), 6 * (4 * 7 - 2 * 3)),
    ("adaptive_avg_pool2d", {"output_size": 1}, (MAP,), 120),
    ("adaptive_max_pool2d", {"output_size": 1}, (MAP,), 120 - 6),
    # a weighted sum of 4 values: 4 products and 3 additions; of 16: 16 and 15
    ("upsample", {"scale_factor": 2}, (MAP,), 0),
    ("upsample", {"scale_factor": 2, "mode": "nearest-exact"}, (MAP,), 0),
    ("upsample", {"size": (7, 9), "mode": "bilinear"}, (MAP,), 7 * 6 * 7 * 9),
    ("upsample", {"size": (7, 9), "mode": "bicubic"}, (MAP,), 31 * 6 * 7 * 9),
    ("interpolate", {"size": (7, 9), "mode": "bilinear"}, (MAP,), 7 * 6 * 7 * 9),
    # 4 products, 3 additions, the offset's addition for each of 6 x 6 x 9 samples, the mask; the bias
    ("deform_conv2d_op", {"out_channels": 7, "kernel_size": (2, 3)}, (MAP, (12, 3, 3)), 8 * 6 * 6 * 9 + 63),
    (
        "deform_conv2d_op",
        {"out_channels": 7, "kernel_size": (2, 3), "bias": False},
        (MAP, (12, 3, 3), (6, 3, 3)),
        9 * 6 * 6 * 9,
    ),
    ("layer_scale", {}, (MAP,), 120),
    ("add", {}, (MAP, MAP), 120),
    ("add", {}, (MAP, MAP, MAP), 240),
    ("multiply", {}, (MAP, (6, 1, 1)), 120),
    ("multiply", {}, ((6, 1, 1), MAP, (1, 4, 5)), 240),
    *((name, {}, (MAP, (6, 1, 1), MAP), 240) for name in ("subtract", "divide", "maximum", "minimum")),
    # three products, two sums; softmax of 3; ReLU of 3, 2 additions, eps, 3 quotients: counted as 3 n + 1
    ("weighted_add", {}, (MAP, MAP, MAP), 5 * 120),
    ("weighted_add", {"normalization": "softmax"}, (MAP, MAP, MAP), 5 * 120 + 15),
    ("weighted_add", {"normalization": "fast"}, (MAP, MAP, MAP), 5 * 120 + 10),
    *((name, {}, (MAP,), 120) for name in ("square", "abs", "exp", "log")),
    ("pow", {"exponent": 0.5}, (MAP,), 120),
    ("scale", {"factor": 2.0}, (MAP,), 120),
    ("shift", {"value": 2.0}, (MAP,), 120),
    ("pad_channels", {"after": 2}, (MAP,), 0),
    ("layer_scale", {"per_channel": False, "bias": True}, (MAP,), 240),
    # a square, its addition, the product, the scale; of 20 positions: the division, eps, the inverse root
    ("rms_norm", {}, (ChannelsLast((4, 5, 6)),), 4 * 120 + 3 * 20),
    ("rms_norm", {"elementwise_affine": False}, ((6,),), 3 * 6 + 3),
    ("rms_norm2d", {}, (MAP,), 4 * 120 + 3 * 20),
    # a square, its addition, the division; of 20 positions: the root, the comparison
    ("normalize", {}, (MAP,), 3 * 120 + 2 * 20),
    ("normalize", {"dim": -1}, (MAP,), 3 * 120 + 2 * 24),
    # a square, its addition, the product, scale, shift, sum; of 6 channels: the root, the mean's addition, the division
    ("global_response_norm", {}, (MAP,), 6 * 120 + 3 * 6),
    ("filter_response_norm2d", {}, (MAP,), 6 * 120 + 3 * 6),
    ("filter_response_norm2d", {"apply_tlu": False}, (MAP,), 5 * 120 + 3 * 6),
    # variance 4; v, sigmoid 4, the product, the division, scale, shift; of 2 groups: the division, eps, the root
    ("evo_norm2d_s0", {"groups": 2}, (MAP,), 13 * 120 + 3 * 2),
    ("evo_norm2d_s0", {"apply_act": False}, (MAP,), 2 * 120),
    ("evo_norm2d_b0", {}, (MAP,), 10 * 120 + 5 * 6),
    ("evo_norm2d_b0", {"apply_act": False}, (MAP,), 2 * 120),
    ("blur_pool2d", {}, (MAP,), 0),
    ("channel_conv", {}, ((6, 1, 1),), 0),
    # 20 queries of 6 channels scaled; 2 heads x 20 x 20 scores of softmax; of 20 queries and 5 keys from elsewhere
    ("attention_op", {"num_heads": 2}, (ChannelsLast((4, 5, 18)),), 120 + 5 * 2 * 400),
    ("attention_op", {"num_heads": 2}, (ChannelsLast((4, 5, 6)), ChannelsLast((5, 1, 12))), 120 + 5 * 2 * 100),
    # 24 queries in windows of 6, or of 2 x 2 that are shifted; a bias, a mask for each score
    ("window_attention_op", {"num_heads": 2, "window_size": (2, 3)}, (ChannelsLast((4, 6, 18)),), 144 + 5 * 2 * 144),
    (
        "window_attention_op",
        {"num_heads": 2, "window_size": 2, "shift_size": 1, "relative_position": True},
        (ChannelsLast((4, 6, 18)),),
        144 + 7 * 2 * 24 * 4,
    ),
    # a sum for each element of 6 x 20 by 20 x 6, which are MACs; a scale of 20 x 6, softmax of 20 x 20 scores
    ("matmul", {}, (Laid((6, 20), ((), (0, 1)), (4, 5)), Laid((20, 6), ((0, 1), ()), (4, 5))), 0),
    ("scaled_dot_product_attention", {}, (Laid((20, 6), ((0, 1), ()), (4, 5)),) * 3, 20 * 6 + 5 * 400),
    ("relative_position_bias", {"size": (2, 3)}, (Laid((4, 6, 6), ((), (), ()), (1, 1)),), 4 * 6 * 6),
    ("position_embedding", {}, (MAP,), 120),
    ("unfold", {"kernel_size": (2, 3)}, (MAP,), 0),
    # an addition for each of 6 x 6 values of 3 x 3 windows
    ("fold", {"output_size": 4, "kernel_size": (2, 2)}, (Laid((24, 9), ((), (0, 1)), (3, 3)),), 24 * 9),
    ("relative_positions", {"size": (2, 3)}, (MAP,), 0),
    (
        "relative_position_scores",
        {"size": (2, 3)},
        (Laid((4, 6, 6), ((), (), ()), (1, 1)), Laid((15, 4), ((), ()), (1, 1))),
        4 * 6 * 6,
    ),
    (
        "relative_position_scores",
        {"size": (2, 3), "relative": "distance"},
        (Laid((4, 6, 6), ((), (), ()), (1, 1)), Laid((6, 4), ((), ()), (1, 1))),
        4 * 6 * 6,
    ),
    ("constant", {"shape": (6, 1, 1), "learnable": True}, (MAP,), 0),
    ("relative_to_absolute", {}, (ChannelsLast((4, 5, 9)),), 0),
    ("relative_rows", {"queries": 4, "keys": 2}, (Laid((7, 6), ((), ()), (1, 1)),), 0),
    ("sine_positions", {"num_pos_feats": 4}, (MAP,), 0),
    ("class_token", {}, (Laid((20, 6), ((0, 1), ()), (4, 5)),), 0),
    # what only moves values
    ("concat", {}, (MAP, MAP), 0),
    ("narrow", {"start": 1, "length": 2}, (MAP,), 0),
    # 4 x 5 values of each of 6 channels: 19 additions and a division; 19 comparisons; 20 squares, 19 additions, a root
    ("mean", {"dim": (2, 3)}, (MAP,), 6 * 20),
    ("sum", {"dim": (2, 3)}, (MAP,), 6 * 19),
    ("amax", {"dim": (-1, -2), "keepdim": True}, (MAP,), 6 * 19),
    ("vector_norm", {"dim": (2, 3)}, (MAP,), 6 * 40),
    ("vector_norm", {"dim": 1, "ord": 1}, (MAP,), 20 * 11),
    ("permute", {"dims": (0, 2, 1, 3)}, (MAP,), 0),
    ("transpose", {"dim0": 1, "dim1": 2}, (MAP,), 0),
    ("unflatten", {"dim": 1, "unflattened_size": (2, 3)}, (MAP,), 0),
    ("flatten", {}, (MAP,), 0),
    ("identity", {}, (MAP,), 0),
    ("as_map", {}, (Laid((6, 4, 5), ((), (), ()), (1, 1)),), 0),
    ("as_channels", {}, (MAP,), 0),
    ("dropout", {}, (MAP,), 0),
    ("dropout2d", {}, (MAP,), 0),
    ("stochastic_depth", {"p": 0.5, "mode": "row"}, (MAP,), 0),
    ("pixel_shuffle", {"upscale_factor": 1}, (MAP,), 0),
    ("pixel_unshuffle", {"downscale_factor": 1}, (MAP,), 0),
    ("channel_shuffle", {"groups": 2}, (MAP,), 0),
    ("channels_last", {}, (MAP,), 0),
    ("channels_first", {}, (ChannelsLast((4, 5, 6)),), 0),
    *((f"{how}_pad2d", {"padding": 1}, (MAP,), 0) for how in ("zero", "reflection", "replication", "circular")),
    ("constant_pad2d", {"padding": 1, "value": 2.0}, (MAP,), 0),
]

LINE, VOLUME = (6, 7), (6, 2, 3, 4)
AXES_TABLE: list[tuple[str, dict[str, Any], tuple[Shape, ...], int]] = [
    ("conv1d", {"out_channels": 5, "kernel_size": 3}, (LINE,), 5 * 5),
    ("blur_pool1d", {}, (LINE,), 0),
    ("blur_pool3d", {}, (VOLUME,), 0),
    ("conv3d", {"out_channels": 5, "kernel_size": (1, 2, 3)}, (VOLUME,), 5 * 2 * 2 * 2),
    ("conv_transpose1d", {"out_channels": 5, "kernel_size": 3}, (LINE,), 5 * 9),
    ("conv_transpose3d", {"out_channels": 5, "kernel_size": 2}, (VOLUME,), 5 * 3 * 4 * 5),
    ("batch_norm1d", {}, (LINE,), 2 * 42),
    ("batch_norm1d", {}, ((6,),), 2 * 6),
    ("batch_norm3d", {}, (VOLUME,), 2 * 144),
    ("instance_norm1d", {"affine": True}, (LINE,), 7 * 42),
    ("instance_norm3d", {}, (VOLUME,), 5 * 144),
    ("group_norm", {"num_groups": 2}, ((6,),), 7 * 6),
    ("local_response_norm", {"size": 3}, (LINE,), 7 * 42),
    # windows of 3: 2 comparisons; of 2 x 3 x 2: 11 additions and a division; a power and 3 + 2 for each output
    ("max_pool1d", {"kernel_size": 3}, (LINE,), 6 * 2 * 2),
    ("max_pool3d", {"kernel_size": (2, 3, 2)}, (VOLUME,), 6 * 1 * 1 * 2 * 11),
    ("avg_pool1d", {"kernel_size": 3}, (LINE,), 6 * 2 * 3),
    ("avg_pool3d", {"kernel_size": (2, 3, 2)}, (VOLUME,), 6 * 1 * 1 * 2 * 12),
    ("lp_pool1d", {"norm_type": 2.0, "kernel_size": 3}, (LINE,), 42 + 6 * 2 * 5),
    ("lp_pool3d", {"norm_type": 2.0, "kernel_size": (2, 3, 2)}, (VOLUME,), 144 + 6 * 1 * 1 * 2 * 14),
    # 7 positions into 3 (0-2, 2-4, 4-6): 9 elements; 2 x 3 x 4 into one: all
    ("adaptive_avg_pool1d", {"output_size": 3}, (LINE,), 6 * 9),
    ("adaptive_avg_pool3d", {"output_size": 1}, (VOLUME,), 144),
    ("adaptive_max_pool1d", {"output_size": 3}, (LINE,), 6 * (9 - 3)),
    ("adaptive_max_pool3d", {"output_size": 1}, (VOLUME,), 144 - 6),
    # a weighted sum of 2 values; of 8
    ("upsample", {"size": 9, "mode": "linear"}, (LINE,), 3 * 6 * 9),
    ("upsample", {"size": (3, 4, 5), "mode": "trilinear"}, (VOLUME,), 15 * 6 * 60),
    *(
        (f"{how}_pad{axes}d", {"padding": 1, **more}, (shape,), 0)
        for how, more in (
            ("zero", {}), ("constant", {"value": 2.0}), ("reflection", {}), ("replication", {}), ("circular", {})
        )
        for axes, shape in ((1, LINE), (3, VOLUME))
    ),
    ("dropout1d", {}, (LINE,), 0),
    ("dropout3d", {}, (VOLUME,), 0),
]  # fmt: skip
"""The same rules along one axis and along three."""


@pytest.mark.parametrize("rows", in_chunks([*TABLE, *AXES_TABLE], 80))
def test_the_table(rows: list[tuple[str, dict[str, Any], tuple[Shape, ...], int]]) -> None:
    check_each(rows, check_row)


def check_row(row: tuple[str, dict[str, Any], tuple[Shape, ...], int]) -> None:
    layer_type, options, inputs, expected = row
    assert flops(layer_type, options, *inputs) == expected


def test_every_layer_has_its_line() -> None:
    covered = {name for name, *_ in (*FORMULAS, *TABLE, *AXES_TABLE)}
    primitives = {
        name for name in layer_types() if (cls := find_layer(name)) is not None and not issubclass(cls, Macro)
    }
    assert primitives <= covered
    assert set(types_with_role("activation")) <= covered
