"""The presets against torchvision's own models and against published figures.

Truth never comes from archlab: parameters, MACs and activations are counted on torchvision's models by torch
(on the meta device, so that nothing is computed), receptive fields are those of Araujo, Norris and Sim,
"Computing Receptive Fields of Convolutional Neural Networks" (Distill, 2019), and of gradient probes.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from archlab import api
from archlab.analysis import Analysis
from archlab.config.init import INITIALIZERS
from archlab.config.yaml_nodes import Scalar

FAMILIES = ("alexnet", "mobilenet_v1", "mobilenet_v2", "resnet", "resnext", "vgg")

# -- the reference models -------------------------------------------------------------------------------------


def alexnet_slim() -> Any:
    """TF-Slim's alexnet_v2: conv1 without padding, so that 5x5 positions are left for the classifier."""
    model = models.alexnet()
    model.features[0].padding = (0, 0)
    model.avgpool = nn.AdaptiveAvgPool2d(5)
    model.classifier[1] = nn.Linear(256 * 5 * 5, 4096)
    return model


def resnet50_caffe() -> Any:
    """The original ResNet-50: the first 1x1 convolution of a stage halves the map."""
    model = models.resnet50()
    for stage in (model.layer2, model.layer3, model.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    return model


def resnet_slim(name: str) -> Any:
    """TF-Slim's resnet_v1: the last unit of each stage but the fourth halves the map; its shortcut has no params."""
    model = getattr(models, name)()
    model.maxpool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    for stage in (model.layer2, model.layer3, model.layer4):
        stage[0].conv2.stride = stage[0].downsample[0].stride = (1, 1)
    for stage in (model.layer1, model.layer2, model.layer3):
        stage[-1].conv2.stride = (2, 2)
        stage[-1].downsample = nn.MaxPool2d(1, stride=2)
    return model


def mobilenet_v1(width_mult: float = 1.0, *, tf_same: bool = False) -> nn.Module:
    """Table 1 of Howard et al. 2017."""
    layers: list[nn.Module] = []

    def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        padding = kernel // 2
        if tf_same and stride == 2:
            layers.append(nn.ZeroPad2d((0, 1, 0, 1)))
            padding = 0
        layers.append(nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False))
        layers.extend([nn.BatchNorm2d(outputs), nn.ReLU()])

    widths = [int(width * width_mult) for width in (32, 64, *[128] * 2, *[256] * 2, *[512] * 6, *[1024] * 2)]
    convolution(3, widths[0], 3, stride=2)
    for block, (inputs, outputs) in enumerate(pairwise(widths), 1):
        convolution(inputs, inputs, 3, stride=2 if block in {2, 4, 6, 12} else 1, groups=inputs)
        convolution(inputs, outputs, 1)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 1000))


PUBLISHED_BY_TORCHVISION = (
    *("alexnet", "mobilenet_v2"),
    *("vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"),
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "wide_resnet101_2"),
    *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
)

REFERENCES: dict[str, Callable[[], Any]] = {
    **{name: getattr(models, name) for name in PUBLISHED_BY_TORCHVISION},
    "vgg": models.vgg16,
    "resnet": models.resnet50,
    "resnext": models.resnext50_32x4d,
    "alexnet_v2_slim": alexnet_slim,
    "resnet50_caffe": resnet50_caffe,
    "resnet50_slim": partial(resnet_slim, "resnet50"),
    "resnet101_slim": partial(resnet_slim, "resnet101"),
    "resnet152_slim": partial(resnet_slim, "resnet152"),
    "mobilenet_v2_1_4": partial(models.mobilenet_v2, width_mult=1.4),
    "mobilenet_v2_0_75": partial(models.mobilenet_v2, width_mult=0.75),
    "mobilenet_v2_0_5": partial(models.mobilenet_v2, width_mult=0.5),
    "mobilenet_v2_0_35": partial(models.mobilenet_v2, width_mult=0.35),
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v1_1_0": mobilenet_v1,
    "mobilenet_v1_0_75": partial(mobilenet_v1, 0.75),
    "mobilenet_v1_0_5": partial(mobilenet_v1, 0.5),
    "mobilenet_v1_0_25": partial(mobilenet_v1, 0.25),
    "mobilenet_v1_slim": partial(mobilenet_v1, tf_same=True),
}
"""Every family and variant, and the PyTorch model that it describes."""


class OwnedTensor(NamedTuple):
    name: str
    shape: tuple[int, ...]
    learnable: bool


class Truth(NamedTuple):
    params: int
    macs: int
    activations: int
    tensors: dict[str, OwnedTensor]
    """By their names in the state dict, in its order."""


@cache
def truth(name: str) -> Truth:
    with torch.device("meta"):
        model: nn.Module = REFERENCES[name]().eval()
        image = torch.empty(1, 3, 224, 224)
    outputs: list[int] = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output.numel()))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(image)
    learnable = dict(model.named_parameters())
    return Truth(
        params=sum(parameter.numel() for parameter in learnable.values()),
        macs=counter.get_total_flops() // 2,
        activations=sum(outputs),
        tensors={
            path: OwnedTensor(path.rpartition(".")[2], tuple(tensor.shape), path in learnable)
            for path, tensor in model.state_dict().items()
        },
    )


@cache
def analysis(name: str) -> Analysis:
    return api.load(name).analyze()


def owned_tensors(name: str) -> dict[str, OwnedTensor]:
    graph = analysis(name).graph
    return {
        f"{node.path}.{tensor.name}": OwnedTensor(tensor.name, tensor.shape, tensor.learnable)
        for node in graph.nodes
        for tensor in node.layer.tensors(graph.input_shapes(node))
    }


# -- against the reference models -----------------------------------------------------------------------------


def test_every_variant_has_a_reference() -> None:
    names = [name for family in FAMILIES for name in (family, *api.open_target(family)[0].variants)]
    assert sorted(names) == sorted(REFERENCES)


@pytest.mark.parametrize("name", REFERENCES)
def test_totals_are_those_of_the_reference(name: str) -> None:
    total, reference = analysis(name).total, truth(name)
    assert total.params == reference.params
    assert total.macs == reference.macs
    assert total.activations == reference.activations


@pytest.mark.parametrize("name", REFERENCES)
def test_tensors_come_in_the_order_of_the_state_dict(name: str) -> None:
    assert list(owned_tensors(name).values()) == list(truth(name).tensors.values())


@pytest.mark.parametrize("name", [name for name in REFERENCES if name.startswith(("res", "wide"))])
def test_resnet_paths_are_torchvisions(name: str) -> None:
    theirs = [
        path.replace("downsample.0", "shortcut.conv").replace("downsample.1", "shortcut.bn")
        for path in truth(name).tensors
    ]
    assert list(owned_tensors(name)) == theirs


@pytest.mark.parametrize("name", REFERENCES)
def test_expect_is_the_reference(name: str) -> None:
    document, variant, _ = api.open_target(name)
    expect = document.expect if variant is None else variant.expect
    assert expect is not None
    figures = {key: node.value for key, node in expect.entries.items() if isinstance(node, Scalar)}
    assert figures == {"params": truth(name).params, "macs": truth(name).macs}


class InitCalls:
    """Stands in for the functions of `torch.nn.init` and notes what each parameter is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.by_tensor: defaultdict[int, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        for name in INITIALIZERS:
            signature = inspect.signature(getattr(nn.init, f"{name}_"))
            monkeypatch.setattr(nn.init, f"{name}_", partial(self._note, name, signature))

    def _note(self, name: str, signature: inspect.Signature, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        options = dict(bound.arguments)
        tensor = options.pop("tensor")
        if name == "constant":
            name = {0: "zeros", 1: "ones"}[options.pop("val")]
        options.pop("generator", None)
        self.by_tensor[id(tensor)].append((name, options))


@pytest.mark.parametrize("name", ["alexnet", "mobilenet_v2", "resnet18", "resnet50", "resnext50_32x4d", "vgg16_bn"])
def test_init_is_torchvisions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = InitCalls(monkeypatch)
    with torch.device("meta"):
        parameters = list(REFERENCES[name]().parameters())
    graph = analysis(name).graph
    ours = [
        graph.init.get(node.layer.type, {}).get(tensor.name)
        for node in graph.nodes
        for tensor in node.layer.tensors(graph.input_shapes(node))
        if tensor.learnable
    ]
    for initializer, parameter in zip(ours, parameters, strict=True):
        made = calls.by_tensor[id(parameter)]
        # The first is what the layer's constructor does; a config that names none keeps it.
        assert made[-1] == (made[0] if initializer is None else (initializer.type, initializer.options()))


# -- against published figures --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params", "macs", "activations"),
    [
        ("alexnet", 61_100_840, 714_188_480, 494_184),
        ("mobilenet_v2", 3_504_872, 300_774_272, 6_679_112),
        ("resnet18", 11_689_512, 1_814_073_344, 2_484_712),
        ("resnet50", 25_557_032, 4_089_184_256, 11_114_984),
        ("resnext50_32x4d", 25_028_904, 4_230_479_872, 14_401_512),
        ("vgg11", 132_863_336, 7_609_090_048, 7_435_240),
        ("vgg16_bn", 138_365_992, 15_470_264_320, 13_556_712),
        ("wide_resnet50_2", 68_883_240, 11_398_021_120, 14_401_512),
    ],
)
def test_published_figures(name: str, params: int, macs: int, activations: int) -> None:
    total = analysis(name).total
    assert (total.params, total.macs, total.activations) == (params, macs, activations)


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v1_1_0", "mobilenet_v1_slim"])
def test_mobilenet_v1_figures(name: str) -> None:
    total = analysis(name).total
    assert (total.params, total.macs) == (4_231_976, 568_740_352)


@pytest.mark.parametrize(
    ("name", "size", "stride", "padding"),
    [
        # Araujo et al., Distill 2019: the networks of TF-Slim
        ("alexnet_v2_slim", 195, 32, 64),
        ("vgg16", 212, 32, 90),
        ("mobilenet_v1_slim", 315, 32, 126),
        ("resnet50_slim", 483, 32, 239),
        ("resnet101_slim", 1027, 32, 511),
        ("resnet152_slim", 1507, 32, 751),
        # the same with padding 1 on every 3x3
        ("mobilenet_v1", 315, 32, 157),
        # gradient probes of torchvision's models
        ("alexnet", 195, 32, 66),
        ("resnet18", 435, 32, 217),
        ("resnet50", 427, 32, 213),
        ("resnet101", 971, 32, 485),
        ("resnet152", 1451, 32, 725),
        ("resnext50_32x4d", 427, 32, 213),
        ("mobilenet_v2", 491, 32, 245),
        # closed form
        ("resnet50_caffe", 483, 32, 241),
    ],
)
def test_receptive_field(name: str, size: int, stride: int, padding: int) -> None:
    field = analysis(name).total.receptive_field
    assert field.height is not None
    assert field.width is not None
    for axis in (field.height, field.width):
        assert axis.sizes == [size]
        assert axis.stride == stride
        assert axis.start == -padding
