"""Every layer against its PyTorch namesake: arguments, defaults, shapes, tensors, MACs, values refused."""

from __future__ import annotations

import inspect
import re
from math import prod
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archlab.layers import FAMILIES, Layer, find_layer, layer_types, types_with_role
from archlab.layers.laid import ChannelsLast, Laid
from archlab.layers.shape import Shape, ShapeError
from archlab.torch.build import make_module, module_class
from tests.chunks import check_each, in_chunks

MODULE_TYPES = [name for name in layer_types() if (cls := find_layer(name)) is not None and cls.torch_class]

# Torch's arguments that a config does not have, and why.
LEFT_OUT = {
    "queries": "inferred",
    "keys": "inferred",
    "in_channels": "inferred",
    "in_features": "inferred",
    "num_features": "inferred",
    "num_channels": "inferred",
    "num_axes": "inferred",
    "num_inputs": "inferred",
    "num_heads": "inferred",
    "channels": "inferred",
    "channels_last": "inferred",
    "normalized_shape": "inferred",
    "shape": "inferred",
    "size": "inferred",
    "dims": "what channels_last and channels_first are",
    "recompute_scale_factor": "the scale factor is taken as it is, as torch does by default",
    "device": "chosen when building",
    "dtype": "chosen when building",
    "return_indices": "changes the number of results",
    "min_value": "a deprecated alias",
    "max_value": "a deprecated alias",
}
# Defaults that differ on purpose: torch warns about its own.
OTHER_DEFAULTS = {("softmax", "dim"), ("softmin", "dim"), ("log_softmax", "dim")}


def make(layer_type: str, **options: Any) -> Layer:
    cls = find_layer(layer_type)
    assert cls is not None
    return cls.model_validate(options)


def test_the_table_of_families_names_every_layer_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archlab.layers._classes", {})
    for names in FAMILIES.values():
        for name in names:
            cls = find_layer(name)
            assert cls is not None
            assert cls.type == name
            assert cls.alias.isidentifier()
            assert cls.__doc__


@pytest.mark.parametrize("types", in_chunks(MODULE_TYPES, 40))
def test_arguments_and_defaults_are_torchs(types: list[str]) -> None:
    check_each(types, check_arguments)


def check_arguments(layer_type: str) -> None:
    cls = find_layer(layer_type)
    assert cls is not None
    parameters = inspect.signature(module_class(cls.torch_class).__init__).parameters
    theirs = {name: p for name, p in parameters.items() if name != "self" and p.kind is not p.VAR_KEYWORD}
    for name, field in cls.model_fields.items():
        if name in theirs and not field.is_required() and (layer_type, name) not in OTHER_DEFAULTS:
            default = theirs[name].default
            ours = field.default
            if isinstance(ours, tuple) and isinstance(default, int):
                assert ours == (default,) * len(ours), name
            elif not (name == "stride" and ours is None):  # pooling: torch's None means the kernel size too
                assert ours == default, name
    missing = set(theirs) - set(cls.model_fields) - set(LEFT_OUT) - {"args", "kwargs"}
    if layer_type.startswith("conv_transpose"):
        missing -= {"padding_mode"}  # torch takes zeros only
    assert not missing or layer_type in {"flatten", "identity"}, missing


def each(rank: int, low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    """A number for each axis."""
    return st.tuples(*[st.integers(low, high)] * rank)


ranks = st.sampled_from([1, 2, 2, 3])
LONGEST = {1: 40, 2: 17, 3: 9}
"""By number of axes."""


BATCH_NORM_HAS_BIAS = "bias" in inspect.signature(nn.BatchNorm2d.__init__).parameters  # in newer versions


def maps_of(rank: int) -> st.SearchStrategy[Shape]:
    return st.tuples(st.integers(1, 12), *[st.integers(1, LONGEST[rank])] * rank)


maps = maps_of(2)
maps_of_any_rank = ranks.flatmap(maps_of)


@st.composite
def conv_options(draw: st.DrawFn, of: st.SearchStrategy[int] = ranks) -> tuple[Shape, dict[str, Any]]:
    groups, rank = draw(st.integers(1, 3)), draw(of)
    shape = (groups * draw(st.integers(1, 3)), *draw(maps_of(rank))[1:])
    padding = draw(st.one_of(each(rank, 0, 4), st.sampled_from(["same", "valid", "auto"])))
    return shape, {
        "out_channels": groups * draw(st.integers(1, 3)),
        "kernel_size": draw(each(rank, 1, 5)),
        "stride": draw(each(rank, 1, 3)),
        "padding": padding,
        "dilation": draw(each(rank, 1, 3)),
        "groups": groups,
        "bias": draw(st.booleans()),
        "padding_mode": draw(st.sampled_from(["zeros", "zeros", "reflect", "replicate", "circular"])),
    }


@st.composite
def pool_options(draw: st.DrawFn) -> tuple[Shape, str, dict[str, Any]]:
    rank = draw(ranks)
    name = draw(st.sampled_from([f"max_pool{rank}d", f"avg_pool{rank}d"]))
    options: dict[str, Any] = {
        "kernel_size": draw(each(rank, 1, 5)),
        "stride": draw(st.one_of(st.none(), each(rank, 1, 4))),
        "padding": draw(each(rank, 0, 3)),
        "ceil_mode": draw(st.booleans()),
    }
    if name.startswith("max"):
        options["dilation"] = draw(each(rank, 1, 3))
    else:
        options["count_include_pad"] = draw(st.booleans())
    return draw(maps_of(rank)), name, options


def torch_output(layer: Layer, shape: Shape) -> torch.Tensor | None:
    """What torch gives for a batch of two, or None if it refuses or gives an empty map, which archlab never does."""
    try:
        module = make_module(layer, (shape,))
        assert module is not None
        output: torch.Tensor = module.eval()(torch.zeros(2, *shape))
    except (RuntimeError, ValueError, AssertionError, IndexError):
        return None
    return output if output.numel() else None


def check_equal(layer: Layer, shape: Shape) -> bool:
    """Shapes, tensors and MACs; both refuse or neither. Says whether the layer took the input."""
    theirs = torch_output(layer, shape)
    try:
        ours = layer.out_shape((shape,))
    except ShapeError:
        assert theirs is None, f"archlab refuses what torch takes: {layer!r} on {shape}"
        return False
    assert theirs is not None, f"torch refuses what archlab takes: {layer!r} on {shape}"
    assert tuple(ours) == tuple(theirs.shape[1:])
    module = make_module(layer, (shape,))
    assert module is not None
    state = [(name, tuple(tensor.shape)) for name, tensor in module.state_dict().items()]
    assert [(tensor.name, tensor.shape) for tensor in layer.tensors((shape,)) if tensor.persistent] == state
    with FlopCounterMode(display=False) as counter:
        module.eval()(torch.zeros(1, *shape))
    assert layer.cost((shape,), ours).macs * 2 == counter.get_total_flops()
    return True


relaxed = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.filter_too_much])


@relaxed
@given(conv_options())
def test_convolution(drawn: tuple[Shape, dict[str, Any]]) -> None:
    shape, options = drawn
    check_equal(make(f"conv{len(shape) - 1}d", **options), shape)


@relaxed
@given(pool_options())
def test_pooling(drawn: tuple[Shape, str, dict[str, Any]]) -> None:
    shape, name, options = drawn
    check_equal(make(name, **options), shape)


@relaxed
@given(maps_of_any_rank, st.sampled_from(["adaptive_avg_pool", "adaptive_max_pool"]), st.data())
def test_adaptive_pooling(shape: Shape, name: str, data: st.DataObject) -> None:
    rank = len(shape) - 1
    size = st.one_of(st.none(), st.integers(1, 20)) if rank > 1 else st.integers(1, 20)  # torch: no lone None
    options = {"output_size": data.draw(st.one_of(st.integers(1, 20), st.tuples(*[size] * rank)))}
    assert check_equal(make(f"{name}{rank}d", **options), shape)


PADS = ("zero", "constant", "reflection", "replication", "circular")


@relaxed
@given(st.sampled_from(PADS), maps_of_any_rank, st.data())
def test_padding(name: str, shape: Shape, data: st.DataObject) -> None:
    rank = len(shape) - 1
    padding = data.draw(st.tuples(*[st.integers(-4, 4)] * (2 * rank)))
    if name not in ("zero", "constant"):
        # torch takes values from parts that were cut off, and for some batch sizes it cannot
        sides = [padding[2 * axis : 2 * axis + 2] for axis in range(rank)]
        left = [shape[rank - axis] + sum(min(side, 0) for side in sides[axis]) for axis in range(rank)]
        assume(min(left) >= 1 and all(max(sides[axis]) <= left[axis] for axis in range(rank)))
    value = {"value": 0.5} if name == "constant" else {}
    check_equal(make(f"{name}_pad{rank}d", padding=padding, **value), shape)


@st.composite
def transpose_options(draw: st.DrawFn) -> tuple[Shape, dict[str, Any]]:
    groups, rank = draw(st.integers(1, 3)), draw(ranks)
    shape = (groups * draw(st.integers(1, 3)), *draw(each(rank, 1, 9 if rank < 3 else 5)))
    return shape, {
        "out_channels": groups * draw(st.integers(1, 3)),
        "kernel_size": draw(each(rank, 1, 5)),
        "stride": draw(each(rank, 1, 4)),
        "padding": draw(each(rank, 0, 4)),
        "output_padding": draw(each(rank, 0, 3)),
        "dilation": draw(each(rank, 1, 3)),
        "groups": groups,
        "bias": draw(st.booleans()),
    }


@relaxed
@given(transpose_options())
def test_transposed_convolution(drawn: tuple[Shape, dict[str, Any]]) -> None:
    shape, options = drawn
    check_equal(make(f"conv_transpose{len(shape) - 1}d", **options), shape)


FACTORS = st.one_of(st.sampled_from([1, 2, 3, 4, 0.5, 1.5, 1 / 3, 2 / 3, 0.7, 1.1]), st.floats(0.1, 4.0))


MODES = ["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear"]


@st.composite
def upsample_options(draw: st.DrawFn) -> tuple[Shape, dict[str, Any]]:
    rank = draw(ranks)
    options: dict[str, Any] = {"mode": draw(st.sampled_from(MODES))}
    align_corners = draw(st.sampled_from([None, None, True, False]))
    if align_corners is not None:
        options["align_corners"] = align_corners
    given = draw(st.sampled_from(["size", "size", "scale_factor", "scale_factor", "both", "neither"]))
    if given in ("size", "both"):
        most = 30 if rank < 3 else 12
        options["size"] = draw(st.one_of(st.integers(1, most), each(rank, 1, most)))
    if given in ("scale_factor", "both"):
        options["scale_factor"] = draw(st.one_of(FACTORS, st.tuples(*[FACTORS] * rank)))
    return draw(maps_of(rank)), options


@relaxed
@given(upsample_options())
def test_upsample(drawn: tuple[Shape, dict[str, Any]]) -> None:
    shape, options = drawn
    check_equal(make("upsample", **options), shape)


@relaxed
@given(maps_of_any_rank, st.data(), st.booleans())
def test_lp_pool(shape: Shape, data: st.DataObject, ceil_mode: bool) -> None:  # noqa: FBT001
    rank = len(shape) - 1
    kernel, stride = data.draw(each(rank, 1, 5)), data.draw(st.one_of(st.none(), each(rank, 1, 4)))
    layer = make(f"lp_pool{rank}d", norm_type=2.0, kernel_size=kernel, stride=stride, ceil_mode=ceil_mode)
    check_equal(layer, shape)


@relaxed
@given(st.integers(1, 4), maps, st.sampled_from(["pixel_shuffle", "pixel_unshuffle", "channel_shuffle"]))
def test_shuffles(number: int, shape: Shape, name: str) -> None:
    option = {"pixel_shuffle": "upscale_factor", "pixel_unshuffle": "downscale_factor"}.get(name, "groups")
    check_equal(make(name, **{option: number}), shape)


@relaxed
@given(
    st.sampled_from(["group_norm", "instance_norm", "batch_norm", "layer_norm2d", "layer_norm"]),
    maps_of_any_rank,
    st.data(),
    st.integers(1, 4),
)
def test_norms(name: str, shape: Shape, data: st.DataObject, groups: int) -> None:
    name += f"{len(shape) - 1}d" if name in ("instance_norm", "batch_norm") else ""
    if name in ("group_norm", "batch_norm1d"):
        shape = data.draw(st.sampled_from([shape, shape[:1]]))  # of features too
    fields = find_layer(name).model_fields  # type: ignore[union-attr]
    options: dict[str, Any] = {"num_groups": groups} if name == "group_norm" else {}
    names = [key for key in ("affine", "elementwise_affine", "track_running_stats") if key in fields]
    if "bias" in fields and (BATCH_NORM_HAS_BIAS or name.startswith("layer")):
        names.append("bias")
    for key in names:
        options[key] = data.draw(st.booleans())
    if name == "group_norm":
        assume(prod(shape) != groups)  # torch refuses it for a batch of one only
    if name == "layer_norm":
        shape = data.draw(st.sampled_from([shape[:1], ChannelsLast(shape)]))
    # A batch of one has a single value of each channel, of which torch takes no statistics.
    assume("batch" not in name or prod(shape[1:]) > 1 or options.get("track_running_stats", True))
    check_equal(make(name, **options), shape)


@relaxed
@given(maps_of_any_rank, st.integers(-5, 5), st.integers(-5, 5))
def test_flatten(shape: Shape, start: int, end: int) -> None:
    dims = len(shape) + 1
    assume(start not in {0, -dims} and end not in {0, -dims})  # the batch: torch would merge it, archlab never does
    check_equal(make("flatten", start_dim=start, end_dim=end), shape)


OTHERS: list[tuple[str, dict[str, Any], Shape]] = [
    ("linear", {"out_features": 7}, (5,)),
    ("linear", {"out_features": 7, "bias": False}, (5,)),
    ("batch_norm2d", {}, (6, 4, 5)),
    ("batch_norm2d", {"affine": False}, (6, 4, 5)),
    *([("batch_norm2d", {"bias": False}, (6, 4, 5))] if BATCH_NORM_HAS_BIAS else []),
    ("batch_norm2d", {"track_running_stats": False}, (6, 4, 5)),
    ("local_response_norm", {"size": 5}, (6, 4, 5)),
    ("group_norm", {"num_groups": 4}, (6, 4, 5)),
    ("linear", {"out_features": 7}, ChannelsLast((4, 5, 6))),
    ("channels_last", {}, (6, 4, 5)),
    ("channels_first", {}, ChannelsLast((4, 5, 6))),
    ("softmax", {"dim": 3}, ChannelsLast((4, 5, 6))),
    ("softmax", {"dim": -1}, ChannelsLast((4, 5, 6))),
    ("glu", {}, ChannelsLast((4, 5, 6))),
    ("gelu", {}, ChannelsLast((4, 5, 6))),
    ("layer_scale", {"init_value": 0.5}, (6, 4, 5)),
    ("layer_scale", {}, (6, 4)),
    ("unfold", {"kernel_size": (3, 2), "stride": (2, 1), "padding": 1}, (6, 5, 7)),
    ("unfold", {"kernel_size": 2, "dilation": (2, 1)}, (6, 5, 7)),
    ("fold", {"output_size": (5, 7), "kernel_size": (3, 2), "stride": 2}, Laid((12, 6), ((), (0, 1)), (2, 3))),
    ("fold", {"output_size": 4, "kernel_size": 3, "padding": 1, "dilation": 1}, (18, 16)),
    ("relative_positions", {"size": (2, 3), "spacing": "swin"}, (6, 4, 5)),
    ("relative_to_absolute", {}, ChannelsLast((4, 5, 11))),
    ("relative_rows", {"queries": 4, "keys": 2}, Laid((7, 6), ((), ()), (1, 1))),
    ("constant", {"shape": (5, 2)}, (6, 4)),
    ("constant", {"shape": (6, 1, 1), "learnable": True}, (6, 4, 5)),
    ("constant", {"shape": (1, 6)}, Laid((20, 6), ((0, 1), ()), (4, 5))),
    ("sine_positions", {"num_pos_feats": 4}, (6, 4)),
    ("sine_positions", {"num_pos_feats": 6, "normalize": True, "scale": 3.0}, (6, 4, 5)),
    ("sine_positions", {"num_pos_feats": 2, "temperature": 20.0}, (6, 4, 5, 3)),
    ("sine_positions", {"num_pos_feats": 4, "start": 0, "interleave": False}, (6, 4, 5)),
    ("layer_scale", {"bias": True}, (6,)),
    ("layer_scale", {"per_channel": False, "bias": True}, (6, 4, 5)),
    ("layer_scale", {"bias": True}, ChannelsLast((4, 5, 6))),
    ("pad_channels", {"before": 1, "after": 2}, (6, 4)),
    ("pad_channels", {"after": 2}, (6,)),
    ("rms_norm", {}, (6,)),
    ("rms_norm", {"elementwise_affine": False}, ChannelsLast((4, 5, 6))),
    ("rms_norm2d", {}, (6, 4, 5)),
    ("global_response_norm", {}, (6, 4)),
    ("global_response_norm", {}, (6, 4, 3, 2)),
    ("global_response_norm", {}, ChannelsLast((4, 5, 6))),
    ("filter_response_norm2d", {"apply_tlu": False}, (6, 4, 5)),
    ("evo_norm2d_s0", {"groups": 3}, (6, 4, 5)),
    ("evo_norm2d_s0", {"groups": 4, "apply_act": False}, (6, 4, 5)),
    ("evo_norm2d_b0", {}, (6, 4, 5)),
    ("channel_conv", {"kernel_size": 5}, (6, 1, 1)),
    *(
        ("blur_pool2d", {"filt_size": size, "stride": stride, "pad_mode": mode}, (6, 9, 7))
        for size, stride, mode in ((2, 1, "reflect"), (5, 2, "replicate"), (4, 3, "circular"), (7, 2, "constant"))
    ),
    ("blur_pool2d", {"filt_size": 9}, (6, 3, 7)),
    ("blur_pool1d", {}, (6, 9)),
    ("blur_pool3d", {}, (6, 5, 4, 3)),
    ("layer_scale", {}, (6, 4, 3, 2)),
    ("permute", {"dims": (0, 3, 1, 2)}, (6, 4, 5)),
    ("permute", {"dims": (0, -1, 2, 1)}, (6, 4, 5)),
    ("unflatten", {"dim": 1, "unflattened_size": (2, 3)}, (6, 4, 5)),
    ("unflatten", {"dim": -3, "unflattened_size": (-1, 2)}, (6, 4, 5)),
    ("unflatten", {"dim": 1, "unflattened_size": (4, 2)}, (6, 4, 5)),
    ("softmax", {"dim": 1}, ChannelsLast((4, 5, 6))),
    ("glu", {"dim": 1}, ChannelsLast((4, 5, 6))),
    ("channels_last", {}, (6, 4)),
    ("channels_last", {}, (6, 4, 3, 2)),
    ("channels_first", {}, ChannelsLast((4, 6))),
    ("channels_first", {}, ChannelsLast((4, 3, 2, 6))),
    ("linear", {"out_features": 7}, ChannelsLast((4, 6))),
    ("local_response_norm", {"size": 5}, (6, 4)),
    ("local_response_norm", {"size": 5}, (6, 4, 3, 2)),
    ("channel_shuffle", {"groups": 2}, (6, 4)),
    ("channel_shuffle", {"groups": 2}, (6, 4, 3, 2)),
    ("softmax", {"dim": 2}, (6, 4)),
    ("glu", {"dim": 4}, (6, 4, 3, 2)),
    ("dropout1d", {}, (6, 4)),
    ("dropout3d", {}, (6, 4, 3, 2)),
    ("stochastic_depth", {"p": 0.5, "mode": "batch"}, (6, 4, 5)),
    ("dropout", {}, (6, 4, 5)),
    ("dropout2d", {"p": 0.2}, (6, 4, 5)),
    ("identity", {}, (6,)),
    ("as_map", {}, (6, 4, 5)),
    ("as_channels", {}, (6, 4, 5)),
    ("prelu", {"num_parameters": 6}, (6, 4, 5)),
    ("prelu", {"num_parameters": 5}, (6, 4, 5)),
    ("glu", {"dim": 1}, (6, 4, 5)),
    ("glu", {}, (6, 4, 5)),
    ("glu", {}, (6, 4, 6)),
    ("hardtanh", {"min_val": 1.0, "max_val": -1.0}, (6, 4, 5)),
    ("threshold", {"threshold": 0.1, "value": 20.0}, (6, 4, 5)),
    ("softmax", {"dim": 3}, (6, 4, 5)),
    ("softmax", {"dim": 4}, (6, 4, 5)),
]


@pytest.mark.parametrize("others", in_chunks(OTHERS, 45))
def test_other_layers(others: list[tuple[str, dict[str, Any], Shape]]) -> None:
    check_each(others, check_other)


def check_other(other: tuple[str, dict[str, Any], Shape]) -> None:
    layer_type, options, shape = other
    check_equal(make(layer_type, **options), shape)


@pytest.mark.parametrize("layer_type", types_with_role("activation"))
def test_activations(layer_type: str) -> None:
    required: dict[str, dict[str, Any]] = {"threshold": {"threshold": 0.1, "value": 20.0}}
    layer = make(layer_type, **required.get(layer_type, {}))
    assert check_equal(layer, (6, 4, 4))
    assert layer.cost(((6, 4, 4),), layer.out_shape(((6, 4, 4),))).elementwise > 0


def test_a_layer_that_overwrites_says_so() -> None:
    for layer_type in types_with_role("activation"):
        cls = find_layer(layer_type)
        assert cls is not None
        if "inplace" in cls.model_fields:
            required: dict[str, Any] = {"threshold": 0.1, "value": 20.0} if layer_type == "threshold" else {}
            layer = make(layer_type, inplace=True, **required)
            assert layer.runtime(((3, 4, 4),), (3, 4, 4)).storage == "inplace"
            module = make_module(layer, ((3, 4, 4),))
            assert module is not None
            x = torch.ones(1, 3, 4, 4)
            assert module(x).data_ptr() == x.data_ptr()


REQUIRED: dict[str, dict[str, Any]] = {
    "conv2d": {"out_channels": 2, "kernel_size": 1},
    "conv_transpose2d": {"out_channels": 2, "kernel_size": 1},
    "linear": {"out_features": 2},
    "max_pool2d": {"kernel_size": 2},
    "avg_pool2d": {"kernel_size": 2},
    "lp_pool2d": {"norm_type": 2.0, "kernel_size": 2},
    "adaptive_avg_pool2d": {"output_size": 1},
    "adaptive_max_pool2d": {"output_size": 1},
    "local_response_norm": {"size": 3},
    "group_norm": {"num_groups": 2},
    "zero_pad2d": {"padding": 1},
    "constant_pad2d": {"padding": 1, "value": 0.5},
    "reflection_pad2d": {"padding": 1},
    "replication_pad2d": {"padding": 1},
    "circular_pad2d": {"padding": 1},
    "threshold": {"threshold": 0.1, "value": 2.0},
    "upsample": {"size": 6},
    "interpolate": {"size": 6},
    "pixel_shuffle": {"upscale_factor": 2},
    "pixel_unshuffle": {"downscale_factor": 2},
    "channel_shuffle": {"groups": 2},
    "stochastic_depth": {"p": 0.5, "mode": "row"},
    "evo_norm2d_s0": {"groups": 2},
    "permute": {"dims": (0, 2, 1, 3)},
    "unflatten": {"dim": 1, "unflattened_size": (2, 2)},
    "relative_position_bias": {"size": (2, 3)},
    "unfold": {"kernel_size": 2},
    "fold": {"output_size": 3, "kernel_size": 2},
    "relative_positions": {"size": (2, 3)},
    "relative_rows": {"queries": 3, "keys": 3},
    "relative_position_scores": {"size": (2, 3)},
    "constant": {"shape": (4, 1, 1)},
    "sine_positions": {"num_pos_feats": 4},
}
"""Options without which a layer cannot be made."""

FITTING: dict[str, Shape] = {
    "linear": (4,),
    "layer_norm": (4,),
    "rms_norm": (4,),
    "channels_first": ChannelsLast((6, 6, 4)),
    "class_token": Laid((6, 4), ((0, 1), ()), (2, 3)),
    "fold": Laid((12, 4), ((), (0, 1)), (2, 2)),
    "relative_to_absolute": ChannelsLast((4, 3, 7)),
    "relative_rows": Laid((5, 6), ((), ()), (1, 1)),
}
"""Inputs for layers that take no map of channels x height x width."""


@pytest.mark.parametrize("types", in_chunks([name for name in MODULE_TYPES if name != "relative_position_scores"], 40))
def test_storage_is_what_torch_does_in_eval_mode(types: list[str]) -> None:
    check_each(types, check_storage)


def check_storage(layer_type: str) -> None:
    cls = find_layer(layer_type)
    assert cls is not None
    layer = make(layer_type, **REQUIRED.get(re.sub("[13]d$", "2d", layer_type), {}))
    shape = FITTING.get(layer_type, (4, *(6,) * (cls.rank or 2)))
    module = make_module(layer, (shape,))
    assert module is not None
    x = torch.zeros(2, *shape)
    shares = module.eval()(x).data_ptr() == x.data_ptr()
    assert shares == (layer.runtime((shape,), layer.out_shape((shape,))).storage != "new")


@pytest.mark.parametrize(
    ("layer_type", "options"),
    [
        ("conv2d", {"out_channels": 0, "kernel_size": 1}),
        ("conv2d", {"out_channels": 8, "kernel_size": 0}),
        ("conv2d", {"out_channels": 8, "kernel_size": (3, 3, 3)}),
        ("conv2d", {"out_channels": 8, "kernel_size": True}),
        ("conv2d", {"out_channels": 8.0, "kernel_size": 3}),
        ("conv2d", {"out_channels": 8, "kernel_size": 3, "padding": "full"}),
        ("conv2d", {"out_channels": 8, "kernel_size": 3, "in_channels": 3}),
        ("conv2d", {"out_channels": 10**12, "kernel_size": 3}),
        ("dropout", {"p": 1.5}),
        ("upsample", {"size": 0}),
        ("upsample", {"scale_factor": 0}),
        ("upsample", {"scale_factor": float("inf")}),
        ("upsample", {"scale_factor": 65_537}),
        ("upsample", {"scale_factor": (1, 0)}),
        ("upsample", {"scale_factor": (1, 2, 3, 4)}),
        ("upsample", {"scale_factor": 2, "mode": "cubic"}),
        ("conv1d", {"out_channels": 8, "kernel_size": (3, 3)}),
        ("conv3d", {"out_channels": 8, "kernel_size": (3, 3)}),
        ("zero_pad3d", {"padding": (1, 2, 3, 4)}),
        ("avg_pool1d", {"kernel_size": 2, "divisor_override": 3}),
        ("conv_transpose2d", {"out_channels": 8, "kernel_size": 2, "padding": "same"}),
        ("stochastic_depth", {"p": 0.1, "mode": "column"}),
        ("deform_conv2d", {"out_channels": 8, "kernel_size": 3, "max_offset": -1.0}),
        ("lp_pool2d", {"norm_type": 0.0, "kernel_size": 2}),
        ("zero_pad2d", {"padding": (1, 2)}),
        *(("adaptive_avg_pool2d", {"output_size": size}) for size in (0, (3, 0), (None, 0), (3, True), (1, 2, 3))),
        ("relu", {"inplace": 1}),
        ("batch_norm2d", {"eps": float("nan")}),
        *((name, {"eps": -0.5}) for name in ("batch_norm2d", "instance_norm2d", "layer_norm", "layer_norm2d")),
        ("group_norm", {"num_groups": 2, "eps": -0.5}),
        *((name, {"momentum": value}) for name in ("batch_norm2d", "instance_norm2d") for value in (-0.5, 1.5)),
        *((name, {"p": value}) for name in ("dropout", "dropout2d") for value in (-0.5, 1.5)),
        *(("stochastic_depth", {"p": value, "mode": "row"}) for value in (-0.5, 1.5)),
        ("softshrink", {"lambd": -0.5}),
        ("avg_pool2d", {"kernel_size": 2, "divisor_override": 0}),
        ("narrow", {"start": -1, "length": 2}),
        ("narrow", {"start": 0, "length": 0}),
        ("mean", {"dim": ()}),
        ("mean", {"dim": 1.5}),
        ("vector_norm", {"dim": 1, "ord": 3}),
        ("permute", {"dims": 3}),
        ("unflatten", {"dim": 1, "unflattened_size": 4}),
        ("lp_pool2d", {"norm_type": -0.5, "kernel_size": 2}),
        ("deform_conv2d", {"out_channels": 8, "kernel_size": 3, "max_offset": 0.0}),
    ],
)
def test_wrong_options_are_refused(layer_type: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make(layer_type, **options)


def test_options_at_their_bounds() -> None:
    for name in ("batch_norm2d", "instance_norm2d"):
        for options in ({"eps": 0.0}, {"momentum": 0.0}, {"momentum": 1.0}):
            make(name, **options)
    for p in (0, 1):
        make("dropout", p=p)
        make("stochastic_depth", p=p, mode="batch")
    make("softshrink", lambd=0.0)
    make("narrow", start=0, length=1)
    make("avg_pool2d", kernel_size=2, divisor_override=1)


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
def test_the_dimension_that_torch_takes_where_none_is_given(name: str) -> None:
    """It warns, and takes the channels of a batch of maps or of flat values."""
    function = getattr(torch.nn.functional, name)
    for shape in ((5,), (3, 4, 2)):
        x = torch.rand(2, *shape)
        with pytest.warns(UserWarning, match="Implicit dimension choice"):
            theirs = function(x)
        module = make_module(make(name), (shape,))
        assert module is not None
        assert torch.equal(module(x), theirs)


def test_the_largest_scale_factor() -> None:
    assert make("upsample", scale_factor=65_536).out_shape(((1, 1, 2),)) == (1, 65_536, 131_072)
