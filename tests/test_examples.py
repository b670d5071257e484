"""The example networks against plain PyTorch written from their papers: figures, and values with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from math import prod
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models
from torchvision.ops import DeformConv2d

import archlab
from archlab.config.syntax.yaml_nodes import Scalar
from tests.references import Undrawn, alive, passed_over


class Double(nn.Sequential):
    """Two 3x3 convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        layers: list[nn.Module] = []
        for channels in (inputs, outputs):
            layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        super().__init__(*layers)


class UNet(nn.Module):
    """Ronneberger et al. 2015, with padding and batch norm."""

    def __init__(self, up: str = "transposed", kernel: int = 2, width: int = 64) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(5)]
        self.encoders = nn.ModuleList(Double(a, b) for a, b in zip([3, *widths], widths, strict=False))
        decoders: list[nn.Module] = []
        for level in (3, 2, 1, 0):
            wide, narrow = widths[level + 1], widths[level]
            if up == "transposed":
                decoders.append(nn.ConvTranspose2d(wide, narrow, kernel, stride=2, padding=(kernel - 2) // 2))
            else:
                upsample = nn.Upsample(scale_factor=2, mode="bilinear")
                decoders.append(nn.Sequential(upsample, nn.Conv2d(wide, narrow, 1)))
            decoders.append(Double(wide, narrow))
        self.decoders = nn.ModuleList(decoders)
        self.head = nn.Conv2d(width, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for encoder in self.encoders:
            x = encoder(nn.functional.max_pool2d(x, 2) if skips else x)
            skips.append(x)
        for level, (up, double) in enumerate(zip(self.decoders[::2], self.decoders[1::2], strict=True)):
            x = double(torch.cat([up(x), skips[3 - level]], dim=1))
        return self.head(x)  # type: ignore[no-any-return]


def dcgan_generator() -> nn.Module:
    """Radford et al. 2016, as in PyTorch's tutorial."""
    layers: list[nn.Module] = []
    for inputs, outputs, stride, padding in ((100, 512, 1, 0), (512, 256, 2, 1), (256, 128, 2, 1), (128, 64, 2, 1)):
        layers.append(nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False))
        layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh())


def dilated_context(*dilations: int) -> nn.Module:
    """Yu & Koltun 2016, table 1, basic."""
    layers: list[nn.Module] = []
    for dilation in dilations:
        layers += [nn.Conv2d(21, 21, 3, padding=dilation, dilation=dilation), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(21, 21, 1))


class Deformable(nn.Module):
    """Dai et al. 2017 and, with masks, Zhu et al. 2019: 3x3, the offsets made by a convolution of the same geometry."""

    def __init__(self, width: int, stride: int, *, modulated: bool, bound: float | None) -> None:
        super().__init__()
        self.offset = nn.Conv2d(width, 27 if modulated else 18, 3, stride, 1)
        self.conv = DeformConv2d(width, width, 3, stride, 1, bias=False)
        self.bound = bound

    def forward(self, x: Tensor) -> Tensor:
        made = self.offset(x)
        offsets = made[:, :18] if self.bound is None else made[:, :18].clamp(-self.bound, self.bound)
        mask = made[:, 18:].sigmoid() if made.shape[1] == 27 else None
        return self.conv(x, offsets, mask)  # type: ignore[no-any-return]


def deformable_resnet(first: int, *, modulated: bool, bound: float | None = None) -> nn.Module:
    """torchvision's resnet50 with the 3x3 convolutions of stages `first` to 4 replaced."""
    model: nn.Module = models.resnet50()
    for stage in range(first, 5):
        for block in getattr(model, f"layer{stage}"):
            block.conv2 = Deformable(block.conv2.in_channels, block.conv2.stride[0], modulated=modulated, bound=bound)
    return model


DEFORMABLE = partial(deformable_resnet, 2, modulated=True)
YU_KOLTUN = partial(dilated_context, 1, 1, 2, 4, 8, 16, 1)
REFERENCES: dict[str, Callable[..., nn.Module]] = {
    "unet": UNet,
    "unet_transposed": UNet,
    "unet_transposed_k4": partial(UNet, kernel=4),
    "unet_bilinear": partial(UNet, "bilinear"),
    "deformable_resnet": DEFORMABLE,
    "deformable_resnet50_v1": partial(deformable_resnet, 4, modulated=False),
    "deformable_resnet50_v2": DEFORMABLE,
    "deformable_resnet50_bounded": partial(deformable_resnet, 2, modulated=True, bound=4),
    "dcgan_generator": dcgan_generator,
    "dilated_context": YU_KOLTUN,
    "dilated_context_yu_koltun": YU_KOLTUN,
    "dilated_context_gridding": partial(dilated_context, *[2] * 6),
    "dilated_context_hybrid": partial(dilated_context, 1, 2, 5, 1, 2, 5),
}


def _deformable_flops(_x: object, weight: list[int], *_args: object, out_shape: list[int], **_options: object) -> int:
    return 2 * prod(weight) * out_shape[0] * out_shape[2] * out_shape[3]


RULES = {torch.ops.torchvision.deform_conv2d: _deformable_flops}
"""What torch's counter does not know: a product and an addition for each weight and output position."""


@cache
def counted(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> tuple[int, int]:
    """Params and operations of a reference; a family and one of its variants may share theirs."""
    with torch.device("meta"), Undrawn():
        model, image = make().eval(), torch.empty(1, *shape)
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=RULES) as counter:
        passed_over(model)(image)
    return sum(p.numel() for p in model.parameters()), counter.get_total_flops()


@pytest.mark.parametrize("name", REFERENCES)
def test_figures_and_values_are_those_of_plain_pytorch(name: str) -> None:
    """Figures by torch on the meta device, values on a small image: the layers are the same."""
    network = archlab.load(name)
    params, flops = counted(REFERENCES[name], network.graph.input_shape)
    narrow = {"width": 16} if name.startswith("unet") else {}
    model = alive(partial(REFERENCES[name], **narrow))
    for module in model.modules():
        if isinstance(module, Deformable):
            # So that they matter, and the bound too.
            module.get_submodule("offset").get_parameter("bias").data.normal_(std=3)
    small = archlab.load(name, input=(3, 64, 64), **narrow) if name.startswith(("unet", "deformable")) else network
    ours = archlab.build(small, device="meta").eval()
    source, target = model.state_dict(), ours.state_dict()
    assert [tuple(t.shape) for t in source.values()] == [tuple(t.shape) for t in target.values()]
    ours.load_state_dict(dict(zip(target, source.values(), strict=True)), assign=True)
    sample = torch.randn(1, *small.graph.input_shape)
    with torch.no_grad():
        assert torch.equal(ours(sample), model(sample))
    total = network.analyze().total
    assert (total.params, 2 * total.macs) == (params, flops)
    variant = network.variant
    expect = network.document.expect if variant is None else variant.expect
    assert expect is not None
    figures = {key: node.value for key, node in expect.entries.items() if isinstance(node, Scalar)}
    assert figures == {"params": total.params, "macs": total.macs}


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("unet", {"width": 8}),
        ("unet_bilinear", {"width": 8}),
        ("dcgan_generator", {}),
        ("dilated_context", {}),
        ("deformable_resnet50_bounded", {"input": (3, 64, 64)}),
    ],
)
def test_a_training_step(name: str, params: dict[str, Any]) -> None:
    network = archlab.load(name, **params)
    model = archlab.build(network)
    optimizer = torch.optim.Adam(model.parameters())
    before = [p.clone() for p in model.parameters()]
    result = model(torch.randn(2, *network.graph.input_shape))
    result.square().mean().backward()
    optimizer.step()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    assert all(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize(
    ("name", "size", "coverage"),
    [
        ("dilated_context", 67, 1.0),  # table 1 of Yu & Koltun 2016
        ("dilated_context_gridding", 25, 13 / 25),
        ("dilated_context_hybrid", 33, 1.0),
    ],
)
def test_what_the_dilated_stacks_see(name: str, size: int, coverage: float) -> None:
    axis = archlab.load(name).analyze().total.receptive_field.axes[0]
    assert axis is not None
    assert axis.sizes == [size]
    assert axis.coverage == pytest.approx(coverage)
