"""Layers that stand for several, and blocks of new layers, against torchvision's, value for value."""

from __future__ import annotations

import warnings
from math import inf

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import ops
from torchvision.models.convnext import CNBlock

from archlab.api.load import loads
from archlab.api.network import Network
from archlab.diagnostics.problem import ConfigError
from archlab.layers import find_layer, layer_types
from archlab.layers.geometry import largest_reach
from archlab.layers.laid import ChannelsLast
from archlab.layers.shape import ShapeError
from archlab.torch.build import build
from archlab.torch.verify import verify


def network(layers: str, size: str = "[8, 12, 10]") -> Network:
    return loads(f"input: {size}\nlayers:\n{layers}")


def with_weights_of(network: Network, module: nn.Module) -> nn.Module:
    """The built network with a module's weights, which come in the same order."""
    model = build(network)
    ours, theirs = model.state_dict(), module.state_dict()
    assert [tuple(t.shape) for t in ours.values()] == [tuple(t.shape) for t in theirs.values()]
    model.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    return model.eval()


def randomise(module: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            tensor.data.uniform_(0.1, 1.0)
    return module.eval()


SAMPLE = torch.randn(2, 8, 12, 10, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("options", "theirs"),
    [
        ("squeeze_channels: 3", ops.SqueezeExcitation(8, 3)),
        (
            "squeeze_channels: 2, activation: silu, scale_activation: hardsigmoid",
            ops.SqueezeExcitation(8, 2, nn.SiLU, nn.Hardsigmoid),
        ),
    ],
)
def test_squeeze_excitation(options: str, theirs: nn.Module) -> None:
    net = network(f"- {{type: squeeze_excitation, {options}}}")
    assert torch.equal(with_weights_of(net, randomise(theirs))(SAMPLE), theirs(SAMPLE))
    paths = [node.path for node in net.graph.layers]
    assert paths == ["se.avgpool", "se.fc1", "se.activation", "se.fc2", "se.scale_activation", "se.mul"]
    field = net.analyze().layers[-1].receptive_field
    assert field.context
    assert not field.is_global
    assert verify(net).ok


CONVNEXT_BLOCK = """
- type: residual
  body:
    - {type: depthwise_conv2d, kernel_size: 7, padding: 3}
    - {type: channels_last}
    - {type: layer_norm, eps: 1.0e-6}
    - {type: linear, out_features: $(4 * in_channels)}
    - {type: gelu}
    - {type: linear, out_features: $(in_channels // 4)}
    - {type: channels_first}
    - {type: layer_scale, init_value: 0.1}
    - {type: stochastic_depth, p: 0.2, mode: row}
"""


def test_convnext_block() -> None:
    theirs = randomise(CNBlock(8, 0.1, 0.2))
    net = network(CONVNEXT_BLOCK)
    model = build(net)
    ours = model.state_dict()
    scale, *rest = theirs.state_dict().values()  # theirs is a parameter of the block itself, and so comes first
    model.load_state_dict(dict(zip(ours, [*rest, scale], strict=True)))
    assert torch.equal(model.eval()(SAMPLE), theirs(SAMPLE))
    assert verify(net).ok
    field = net.analyze().layers[-1].receptive_field
    assert field.axes[0] is not None
    assert field.axes[0].sizes == [7]


def test_layer_scale_starts_at_its_value_and_stochastic_depth_drops_in_training() -> None:
    model = build(network("- {type: layer_scale, init_value: 0.25}\n- {type: stochastic_depth, p: 1.0, mode: batch}"))
    assert torch.equal(model(SAMPLE), torch.zeros_like(SAMPLE))
    assert torch.equal(model.eval()(SAMPLE), SAMPLE * 0.25)


@pytest.mark.parametrize("options", ["", ", depth_multiplier: 2", ", stride: 2, dilation: 2, bias: true"])
def test_depthwise_separable(options: str) -> None:
    net = network(
        "- {type: depthwise_separable_conv2d, out_channels: 6, kernel_size: 3, padding: auto, "
        f"norm: batch_norm2d, activation: relu6{options}}}"
    )
    mult, stride, dilation = 1 + ("multiplier" in options), 1 + ("stride" in options), 1 + ("dilation" in options)
    bias = "bias" in options
    theirs = nn.Sequential(
        nn.Conv2d(8, 8 * mult, 3, stride, dilation, dilation, groups=8, bias=bias),
        nn.BatchNorm2d(8 * mult),
        nn.ReLU6(),
        nn.Conv2d(8 * mult, 6, 1, bias=bias),
        nn.BatchNorm2d(6),
        nn.ReLU6(),
    )
    assert torch.equal(with_weights_of(net, randomise(theirs))(SAMPLE), theirs(SAMPLE))
    assert [node.path for node in net.graph.layers] == ["depthwise", "bn1", "relu1", "pointwise", "bn2", "relu2"]
    assert verify(net).ok


class Deformable(nn.Module):
    """The second version as it is usually written: one convolution for offsets and masks."""

    def __init__(self, *, modulated: bool, bound: float | None) -> None:
        super().__init__()
        self.modulated, self.bound = modulated, bound
        self.offset = nn.Conv2d(8, 2 * 9 * (3 if modulated else 2), 3, 2, 2, 2)
        self.conv = ops.DeformConv2d(8, 6, 3, 2, 2, 2, groups=2)

    def forward(self, x: Tensor) -> Tensor:
        values = self.offset(x)
        offset = values[:, :36]
        if self.bound is not None:
            offset = offset.clamp(-self.bound, self.bound)
        mask = values[:, 36:].sigmoid() if self.modulated else None
        result: Tensor = self.conv(x, offset, mask)
        return result


@pytest.mark.parametrize("modulated", [False, True])
@pytest.mark.parametrize("bound", [None, 1.5])
def test_deform_conv2d(bound: float | None, *, modulated: bool) -> None:
    net = network(
        "- {type: deform_conv2d, out_channels: 6, kernel_size: 3, stride: 2, padding: auto, dilation: 2, groups: 2, "
        f"offset_groups: 2, modulated: {str(modulated).lower()}, max_offset: {bound or 'null'}}}"
    )
    theirs = randomise(Deformable(modulated=modulated, bound=bound))
    assert torch.equal(with_weights_of(net, theirs)(SAMPLE), theirs(SAMPLE))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        assert verify(net).ok
    operation = net.graph.layers[-1].layer
    reads = operation.reads(net.graph.input_shapes(net.graph.layers[-1]), net.graph.layers[-1].shape)[0]
    assert largest_reach(reads) == (bound or inf)
    assert net.analyze().layers[-1].receptive_field.adaptive


def test_deform_conv2d_starts_as_a_convolution() -> None:
    model = build(network("- {type: deform_conv2d, out_channels: 6, kernel_size: 3, padding: 1}")).eval()
    state = model.state_dict()
    assert not state["dcn.offset.weight"].any()
    assert not state["dcn.offset.bias"].any()
    expected = functional.conv2d(SAMPLE, state["dcn.conv.weight"], state["dcn.conv.bias"], padding=1)
    assert torch.allclose(model(SAMPLE), expected, atol=1e-5)


def test_the_parts_are_not_offered() -> None:
    assert "deform_conv2d_op" not in layer_types()
    assert find_layer("deform_conv2d_op") is not None
    with pytest.raises(ConfigError, match="reads its offsets too"):
        network("- {type: deform_conv2d_op, out_channels: 6, kernel_size: 3}")


@pytest.mark.parametrize("kind", ["avg", "max"])
def test_global_pooling(kind: str) -> None:
    net = network(f"- {{type: global_{kind}_pool2d}}")
    pool = nn.AdaptiveAvgPool2d(1) if kind == "avg" else nn.AdaptiveMaxPool2d(1)
    assert torch.equal(build(net)(SAMPLE), pool(SAMPLE))
    assert [node.path for node in net.graph.layers] == [f"{kind}pool"]


VALUES = {
    "conv_transpose2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, output_padding: 1, groups: 2": (
        nn.ConvTranspose2d(8, 4, 3, 2, 1, 1, groups=2)
    ),
    "upsample, scale_factor: 2": nn.Upsample(scale_factor=2),
    "interpolate, size: [7, 31], mode: bilinear": nn.Upsample((7, 31), mode="bilinear"),
    "upsample, scale_factor: [1.5, 2], mode: bicubic, align_corners: true": nn.Upsample(
        scale_factor=(1.5, 2.0), mode="bicubic", align_corners=True
    ),
    "group_norm, num_groups: 4": nn.GroupNorm(4, 8),
    "instance_norm2d, affine: true": nn.InstanceNorm2d(8, affine=True),
    "layer_norm2d, eps: 1.0e-6": nn.Sequential(
        ops.Permute([0, 2, 3, 1]), nn.LayerNorm(8, 1e-6), ops.Permute([0, 3, 1, 2])
    ),
    "pixel_shuffle, upscale_factor: 2": nn.PixelShuffle(2),
    "pixel_unshuffle, downscale_factor: 2": nn.PixelUnshuffle(2),
    "channel_shuffle, groups: 4": nn.ChannelShuffle(4),
    "lp_pool2d, norm_type: 2, kernel_size: 2": nn.LPPool2d(2, 2),
    "constant_pad2d, padding: [1, 2, 3, 4], value: 0.5": nn.ConstantPad2d((1, 2, 3, 4), 0.5),
    "reflection_pad2d, padding: [1, 2, 3, 4]": nn.ReflectionPad2d((1, 2, 3, 4)),
    "replication_pad2d, padding: 2": nn.ReplicationPad2d(2),
    "circular_pad2d, padding: [1, 2, 3, 4]": nn.CircularPad2d((1, 2, 3, 4)),
}


@pytest.mark.parametrize("layer", VALUES)
def test_values(layer: str) -> None:
    net = network(f"- {{type: {layer}}}")
    theirs = randomise(VALUES[layer])
    assert torch.equal(with_weights_of(net, theirs)(SAMPLE), theirs(SAMPLE))
    assert verify(net).ok


def test_shapes_with_channels_last_are_no_maps() -> None:
    shape = ChannelsLast((4, 4, 4))
    assert shape != (4, 4, 4)
    assert shape != (4, 4, 4)
    assert shape == ChannelsLast((4, 4, 4))
    assert len({shape, (4, 4, 4), ChannelsLast((4, 4, 4))}) == 2


NEEDS_CHANNELS_FIRST = {
    "conv2d": {"out_channels": 2, "kernel_size": 1},
    "conv_transpose2d": {"out_channels": 2, "kernel_size": 1},
    "max_pool2d": {"kernel_size": 2},
    "adaptive_avg_pool2d": {"output_size": 1},
    "batch_norm2d": {},
    "layer_norm2d": {},
    "group_norm": {"num_groups": 2},
    "upsample": {"scale_factor": 2.0},
    "zero_pad2d": {"padding": 1},
    "pixel_shuffle": {"upscale_factor": 2},
    "channel_shuffle": {"groups": 2},
    "dropout2d": {},
    "softmax2d": {},
    "concat": {},
}


@pytest.mark.parametrize("layer_type", NEEDS_CHANNELS_FIRST)
def test_refused_with_channels_last(layer_type: str) -> None:
    cls = find_layer(layer_type)
    assert cls is not None
    layer = cls.model_validate(NEEDS_CHANNELS_FIRST[layer_type])
    shapes = (ChannelsLast((4, 4, 4)),) * (2 if layer_type == "concat" else 1)
    with pytest.raises(ShapeError) as caught:
        layer.out_shape(shapes)
    assert "channels last" in caught.value.message
    assert "channels_first" in str(caught.value.hint)


@pytest.mark.parametrize("layer_type", ["add", "multiply", "subtract", "divide", "maximum", "minimum"])
def test_joins_of_channels_last(layer_type: str) -> None:
    cls = find_layer(layer_type)
    assert cls is not None
    shape = ChannelsLast((4, 4, 4))
    assert isinstance(cls().out_shape((shape, shape)), ChannelsLast)
    with pytest.raises(ShapeError):
        cls().out_shape((shape, (4, 4, 4)))
    with pytest.raises(ShapeError):
        cls().out_shape(((4, 4, 4), shape))
