"""What layers say of inputs that they cannot take, with the numbers worked out by hand: message, hint, option."""

from __future__ import annotations

from typing import Any

import pytest

from archlab.layers import find_layer, layer_types
from archlab.layers.laid import ChannelsLast
from archlab.layers.macro import Macro
from archlab.layers.shape import OF_TWO_AXES, Shape, ShapeError
from tests.chunks import check_each

MAP: Shape = (8, 6, 7)
BEHIND: Shape = ChannelsLast((6, 7, 8))
FLAT: Shape = (12,)

# layer type, options, inputs, message, hint, option
Said = tuple[str, dict[str, Any], tuple[Shape, ...], str, str | None, str | None]
SAID: list[Said] = [
    ("softmax", {"dim": 2}, (FLAT,), "softmax: dim=2 is not a dimension of 12 behind the batch", "1", "dim"),
    ("softmax", {"dim": 0}, (MAP,), "softmax: dim=0 is not a dimension of 8x6x7 behind the batch", "1 to 3", "dim"),
    ("softmin", {"dim": -4}, (MAP,), "softmin: dim=-4 is not a dimension of 8x6x7 behind the batch", "1 to 3", "dim"),
    (
        "log_softmax",
        {"dim": 4},
        (BEHIND,),
        "log_softmax: dim=4 is not a dimension of 6x7x8 behind the batch",
        "1 to 3",
        "dim",
    ),
    ("mean", {"dim": (2, -2)}, (MAP,), "mean: dim=[2, -2] names a dimension twice", None, "dim"),
    (
        "mean",
        {"dim": (1, 2, 3)},
        (MAP,),
        "mean: dim=(1, 2, 3) leaves a sample no dimension",
        "write keepdim: true",
        "dim",
    ),
    ("sum", {"dim": 0}, (MAP,), "sum: dim=0 is not a dimension of 8x6x7 behind the batch", "1 to 3", "dim"),
    (
        "transpose",
        {"dim0": 1, "dim1": 4},
        (MAP,),
        "transpose: dim1=4 is not a dimension of 8x6x7 behind the batch",
        "1 to 3",
        "dim1",
    ),
    (
        "permute",
        {"dims": (1, 0)},
        ((12,),),
        "permute: dims=[1, 0] is no order of the dimensions 0 to 1 of a batch of 12 that begins with the batch, 0",
        None,
        "dims",
    ),
    (
        "unflatten",
        {"dim": 1, "unflattened_size": (3, 2)},
        (MAP,),
        "unflatten: [3, 2] does not multiply to the 8 of dimension 1",
        None,
        "unflattened_size",
    ),
    (
        "unflatten",
        {"dim": 2, "unflattened_size": (3, 2)},
        (MAP,),
        "unflatten: dimension 2 of 8x6x7 holds positions, which [3, 2] would take apart",
        "they are those of a map of 6x7",
        "unflattened_size",
    ),
    (
        "narrow",
        {"dim": 2, "start": 4, "length": 3},
        (MAP,),
        "narrow takes positions 4 to 6 of dimension 2, but the input has 6",
        None,
        "length",
    ),
    (
        "concat",
        {"dim": 2},
        (MAP, (8, 6, 8)),
        "concat needs inputs that differ in their dimension 2 only, but they are 8x6x7 and 8x6x8",
        None,
        None,
    ),
    ("glu", {"dim": 3}, (MAP,), "glu halves dimension 3, whose size is odd: 7", None, "dim"),
    ("prelu", {"num_parameters": 7}, (MAP,), "prelu: num_parameters=7 is neither 1 nor the 8 channels", None, "*"),
    (
        "pixel_shuffle",
        {"upscale_factor": 3},
        (MAP,),
        "pixel_shuffle: upscale_factor=3 needs a multiple of 9 channels, but the input has 8",
        "give the convolution in front of it 9 times the wanted channels",
        "upscale_factor",
    ),
    (
        "pixel_unshuffle",
        {"downscale_factor": 3},
        (MAP,),
        "pixel_unshuffle: downscale_factor=3 does not divide the width of the 8x6x7 map",
        None,
        "downscale_factor",
    ),
    (
        "pixel_unshuffle",
        {"downscale_factor": 7},
        (MAP,),
        "pixel_unshuffle: downscale_factor=7 does not divide the height of the 8x6x7 map",
        None,
        "downscale_factor",
    ),
    ("channel_shuffle", {"groups": 3}, (MAP,), "channel_shuffle: groups=3 does not divide the 8 channels", None, "*"),
    (
        "deform_conv2d",
        {"out_channels": 6, "kernel_size": 3, "groups": 3},
        (MAP,),
        "deform_conv2d: groups=3 does not divide the 8 input channels",
        None,
        "groups",
    ),
    (
        "deform_conv2d",
        {"out_channels": 6, "kernel_size": 3, "groups": 4},
        (MAP,),
        "deform_conv2d: groups=4 does not divide the 6 output channels",
        None,
        "groups",
    ),
    (
        "deform_conv2d",
        {"out_channels": 6, "kernel_size": 3, "offset_groups": 3},
        (MAP,),
        "deform_conv2d: offset_groups=3 does not divide the 8 input channels",
        None,
        "offset_groups",
    ),
    (
        "deform_conv2d_op",
        {"out_channels": 6, "kernel_size": 3},
        (MAP, (17, 4, 5)),
        "deform_conv2d: offsets must be a multiple of 18 x 4x5, but they are 17x4x5",
        None,
        None,
    ),
    (
        "deform_conv2d_op",
        {"out_channels": 6, "kernel_size": 3},
        (MAP, (36, 4, 5), (9, 4, 4)),
        "deform_conv2d: masks must be a multiple of 9 x 4x5, but they are 9x4x4",
        None,
        None,
    ),
    (
        "group_norm",
        {"num_groups": 12},
        (MAP,),
        "group_norm: num_groups=12 does not divide the 8 channels",
        "4 does",
        "num_groups",
    ),
    ("group_norm", {"num_groups": 3}, (MAP,), "group_norm: num_groups=3 does not divide the 8 channels", None, "*"),
    (
        "group_norm",
        {"num_groups": 8},
        ((8, 1, 1),),
        "group_norm: each of the 8 groups of 8x1x1 is a single value, and its mean is itself",
        None,
        "num_groups",
    ),
    (
        "instance_norm2d",
        {},
        ((8, 1, 1),),
        "instance_norm2d: each channel of 8x1x1 is a single value, and its mean is itself",
        "put it in front of the pooling, or use group_norm",
        None,
    ),
    (
        "layer_norm",
        {},
        (MAP,),
        "layer_norm normalises over the last dimension, but its input 8x6x7 has channels first",
        "use layer_norm2d, or put {type: channels_last} in front of it",
        None,
    ),
    (
        "linear",
        {"out_features": 3},
        (MAP,),
        "linear needs a flat input, but its input is 8x6x7",
        "put {type: flatten} in front of it, or {type: channels_last} to work on the channels",
        None,
    ),
    (
        "conv2d",
        {"out_channels": 3, "kernel_size": 3, "padding": "same", "stride": (1, 2)},
        (MAP,),
        "padding 'same' needs stride 1 (as in torch), but stride is 1x2",
        "padding: auto halves the map as 'same' would, with the same padding on both sides; same_tf is TensorFlow's",
        "padding",
    ),
    (
        "conv2d",
        {"out_channels": 3, "kernel_size": 3, "padding": (5, 7), "padding_mode": "reflect"},
        (MAP,),
        "padding_mode 'reflect' can pad an input of 7 by at most 6, but the padding is 7",
        None,
        "padding",
    ),
    (
        "conv2d",
        {"out_channels": 3, "kernel_size": 3, "padding": (7, 0), "padding_mode": "circular"},
        (MAP,),
        "padding_mode 'circular' can pad an input of 6 by at most 6, but the padding is 7",
        None,
        "padding",
    ),
    (
        "conv2d",
        {"out_channels": 3, "kernel_size": (3, 5), "padding": (1, 1), "dilation": (3, 3)},
        (MAP,),
        (
            "conv2d's kernel covers 13 positions (5 with dilation 3) along the width, "
            "but the input has only 7 + 2 of padding"
        ),
        "use a smaller kernel_size, more padding, a larger input, or fewer strides before this layer",
        "kernel_size",
    ),
    (
        "max_pool2d",
        {"kernel_size": (7, 3)},
        (MAP,),
        "max_pool2d's kernel covers 7 positions along the height, but the input has only 6",
        "use a smaller kernel_size, more padding, a larger input, or fewer strides before this layer",
        "kernel_size",
    ),
    (
        "avg_pool2d",
        {"kernel_size": 3, "padding": (0, 2)},
        (MAP,),
        "avg_pool2d: padding=2 is more than half of kernel_size=3",
        "at most 1",
        "padding",
    ),
    (
        "conv_transpose2d",
        {"out_channels": 3, "kernel_size": 3, "stride": (2, 3), "output_padding": (0, 3)},
        (MAP,),
        "conv_transpose2d: output_padding=3 must be smaller than the stride (3) or the dilation (1) along the width",
        "at most 2",
        "output_padding",
    ),
    (
        "conv_transpose2d",
        {"out_channels": 3, "kernel_size": 2, "padding": (4, 0)},
        (MAP,),
        "conv_transpose2d: padding=4 cuts 8 positions off the height, but without padding there are only 7",
        "at most 3",
        "padding",
    ),
    ("add", {}, (MAP, (8, 6, 6)), "add needs inputs of one shape, but they are 8x6x7 and 8x6x6", None, None),
    (
        "add",
        {},
        (MAP, BEHIND),
        "add needs inputs of one shape, but they are 8x6x7 and 6x7x8 (channels last)",
        None,
        None,
    ),
    (
        "concat",
        {},
        (MAP, (3, 6, 6)),
        "concat needs inputs that differ in their channels only, but they are 8x6x7 and 3x6x6",
        None,
        None,
    ),
    (
        "multiply",
        {},
        (MAP, (8, 1, 2)),
        (
            "multiply needs inputs of one shape, or a gate with size 1 where the map is larger, "
            "but they are 8x6x7 and 8x1x2"
        ),
        None,
        None,
    ),
    (
        "narrow",
        {"start": 5, "length": 4},
        (MAP,),
        "narrow takes channels 5 to 8, but the input has 8",
        None,
        "length",
    ),
    (
        "reflection_pad2d",
        {"padding": (0, 7, 0, 0)},
        (MAP,),
        "reflection_pad2d can pad the width of 7 by 6 at most, not 7",
        "it takes the values from the map; zero_pad2d and replication_pad2d pad by any number",
        "padding",
    ),
    (
        "circular_pad2d",
        {"padding": (0, 0, 0, 7)},
        (MAP,),
        "circular_pad2d can pad the height of 6 by 6 at most, not 7",
        "it takes the values from the map; zero_pad2d and replication_pad2d pad by any number",
        "padding",
    ),
    (
        "upsample",
        {"scale_factor": (1, 0.1)},
        (MAP,),
        "upsample: scale_factor=0.1 leaves nothing of the 8x6x7 map's width",
        None,
        "scale_factor",
    ),
    (
        "flatten",
        {"start_dim": 2, "end_dim": 4},
        (MAP,),
        "flatten cannot merge dimensions 2 to 4 of a batch of 8x6x7; dimension 0 is the batch and must stay",
        None,
        "start_dim",
    ),
    (
        "channels_last",
        {},
        (BEHIND,),
        "channels_last: the input 6x7x8 has its channels last already",
        None,
        None,
    ),
    (
        "channels_first",
        {},
        (MAP,),
        "channels_first needs an input that has its channels last, but its input is 8x6x7",
        "it undoes {type: channels_last}",
        None,
    ),
    (
        "batch_norm2d",
        {},
        (FLAT,),
        "batch_norm2d needs a map (channels x height x width), but its input is 12",
        "batch_norm1d and layer_norm normalise features",
        None,
    ),
    (
        "max_pool2d",
        {"kernel_size": 2},
        (FLAT,),
        "max_pool2d needs a map (channels x height x width), but its input is 12",
        "it was flattened before; move this layer in front of the flatten",
        None,
    ),
    (
        "max_pool2d",
        {"kernel_size": 2},
        (BEHIND,),
        "max_pool2d needs channels x height x width, but its input has the channels last: 6x7x8",
        "put {type: channels_first} in front of it",
        None,
    ),
    ("hardtanh", {"min_val": 1.0}, (MAP,), "hardtanh: max_val=1.0 must be above min_val=1.0", None, "max_val"),
    ("rrelu", {"lower": 0.5, "upper": 0.25}, (MAP,), "rrelu: upper=0.25 must be at least lower=0.5", None, "upper"),
    ("celu", {"alpha": 0.0}, (MAP,), "celu: alpha must not be 0, since it is divided by", None, "alpha"),
]


def test_what_is_said() -> None:
    check_each(SAID, check_said)


def check_said(case: Said) -> None:
    layer_type, options, inputs, message, hint, option = case
    cls = find_layer(layer_type)
    assert cls is not None
    layer = cls.model_validate(options)
    with pytest.raises(ShapeError) as caught:
        _ = layer.steps(inputs[0], {}) if isinstance(layer, Macro) else layer.out_shape(inputs)
    said = caught.value
    assert (said.message, said.hint) == (message, hint)
    assert said.option == (next(iter(options)) if option == "*" else option)


def test_which_layers_have_twins_of_one_and_of_three_axes() -> None:
    types = set(layer_types())
    of_two = {name for name in types if "2d" in name}
    alone = {name for name in of_two if not {name.replace("2d", "1d"), name.replace("2d", "3d")} & types}
    assert alone == set(OF_TWO_AXES)
