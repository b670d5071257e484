"""The presets, each read and analysed once for all tests of a process; networks and analyses never change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from archlab.analysis import Analysis
from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.graph import Graph
from archlab.layers.describe import own_options
from archlab.zoo.rows import preset_targets
from tests.shallow import SHALLOW

TARGETS = preset_targets()
"""Every network of the zoo by name."""
OF_ONE_KIND: dict[str, tuple[str, ...]] = {
    "convnext_tiny": ("convnext_small", "convnext_base", "convnext_large"),
    "convnextv2_atto": (
        *("convnextv2_femto", "convnextv2_pico", "convnextv2_nano", "convnextv2_tiny"),
        *("convnextv2_base", "convnextv2_large", "convnextv2_huge"),
    ),
    "deeplabv3_resnet50": ("deeplabv3_resnet101",),
    "densenet121": ("densenet161", "densenet169", "densenet201"),
    "dm_nfnet_f0": ("dm_nfnet_f1", "dm_nfnet_f2", "dm_nfnet_f3", "dm_nfnet_f4", "dm_nfnet_f5", "dm_nfnet_f6"),
    "eca_nfnet_l0": ("eca_nfnet_l1", "eca_nfnet_l2"),
    "efficientnet_b2": ("efficientnet_b1", "efficientnet_b3", "efficientnet_b4"),
    "efficientnet_b5": ("efficientnet_b6", "efficientnet_b7"),
    "efficientnet_v2_s": ("efficientnet_v2_m", "efficientnet_v2_l"),
    "fcn_resnet50": ("fcn_resnet101",),
    "hourglass_2": ("hourglass_8",),
    "hrnet_w18": ("hrnet_w30", "hrnet_w32", "hrnet_w40", "hrnet_w44", "hrnet_w48", "hrnet_w64"),
    "mnasnet0_5": ("mnasnet0_75", "mnasnet1_0", "mnasnet1_3"),
    "mobilenet_v1_1_0": ("mobilenet_v1_0_75", "mobilenet_v1_0_5", "mobilenet_v1_0_25"),
    "mobilenet_v2": ("mobilenet_v2_1_4", "mobilenet_v2_0_75", "mobilenet_v2_0_5", "mobilenet_v2_0_35"),
    "mobilevit_s": ("mobilevit_xs",),
    "regnet_x_800mf": ("regnet_x_400mf", "regnet_x_1_6gf", "regnet_x_3_2gf", "regnet_x_16gf", "regnet_x_32gf"),
    "regnet_y_800mf": (
        *("regnet_y_400mf", "regnet_y_1_6gf", "regnet_y_3_2gf", "regnet_y_8gf", "regnet_y_16gf", "regnet_y_128gf"),
    ),
    "res2net50_26w_4s": ("res2net101_26w_4s",),
    "resnest26d": ("resnest50d", "resnest101e", "resnest200e", "resnest269e"),
    "resnet18": ("resnet34",),
    "resnet50": ("resnet101", "resnet152", "wide_resnet50_2", "wide_resnet101_2", "resnet50_caffe"),
    "resnet50_slim": ("resnet101_slim", "resnet152_slim"),
    "resnext50_32x4d": ("resnext101_32x8d", "resnext101_64x4d"),
    "se_resnet50": ("se_resnet101", "se_resnet152"),
    "shufflenet_v1_g2": ("shufflenet_v1_g3", "shufflenet_v1_g4", "shufflenet_v1_g8"),
    "vgg11": ("vgg13", "vgg16", "vgg19"),
    "vgg11_bn": ("vgg13_bn", "vgg16_bn", "vgg19_bn"),
    "yolov3": ("yolov3_608",),
}
"""Networks whose layers, with what each reads, are all in a smaller one: deeper, wider, or of a larger image."""
IN_OTHERS_TOGETHER = (
    *("efficientnet_b0", "efficientnet_b2", "fcn_resnet50", "googlenet", "inception_v3", "mobilenet_v1_1_0"),
    *("mobilenet_v3_large", "mobilevit_s", "nfnet_l0", "regnet_x_800mf", "regnet_x_8gf"),
    *("regnet_y_800mf", "regnet_y_32gf", "resnest26d", "resnext50_32x4d", "senet154", "shufflenet_v1_g1", "vgg11"),
    "vgg11_bn",
)
"""Networks whose layers, with what each reads, are all in some of those that are left."""
_LIKE_OTHERS = frozenset(name for names in OF_ONE_KIND.values() for name in names)


def is_like_others(name: str) -> bool:
    """Whether only `pytest --whole` builds it."""
    return name in _LIKE_OTHERS


def each(names: Iterable[str] = TARGETS) -> list[ParameterSet]:
    """Networks for a test that builds them; those like others, or under a second name, are for `pytest --whole`."""
    return [
        pytest.param(name, marks=[pytest.mark.whole] if name in _LIKE_OTHERS or name not in TARGETS else [])
        for name in names
    ]


def each_kind(names: Iterable[str] = TARGETS) -> list[ParameterSet]:
    """Networks for a test of layers as such, which holds nothing against another model of the same name."""
    whole = {*_LIKE_OTHERS, *IN_OTHERS_TOGETHER}
    return [pytest.param(name, marks=[pytest.mark.whole] if name in whole else []) for name in names]


@cache
def network(name: str) -> Network:
    """A preset or variant as it is written."""
    return load(name)


@cache
def analysis(name: str) -> Analysis:
    """Its numbers under the default conditions."""
    return network(name).analyze()


def nodes_of(graph: Graph) -> list[tuple[Any, ...]]:
    """Everything about each node of a graph but for its place in a text; layers by their type and options."""
    return [
        (n.index, n.path, n.layer.type, repr(n.layer), n.inputs, n.shape, n.shares, n.zero_init, n.init)
        for n in graph.nodes
    ]


_SIDES: dict[str, int | None] = {
    "googlenet_aux": 96,
    "inception_v3": 96,
    "alexnet": 64,
    "alexnet_v2_slim": 224,
    **dict.fromkeys(("dcgan_generator", "inception_v3_aux", "ssd300_vgg16", "tcn", "wavenet")),
    **dict.fromkeys(("unet3d", "unet3d_valid", "s3d", "r3d_18", "mc3_18", "r2plus1d_18")),
}
"""Of the image where 64 are too few; what is no image of two axes stays as it is, and what takes no other size."""


@cache
def shallow(name: str, side: int | None = 64) -> Network:
    """A preset with a small image, and fewer repetitions, stages or features; all kinds of layers are there."""
    side = _SIDES.get(name, side) if side == 64 else side
    size = None if side is None else (3, side, side)
    found = loads(f"extends: {name}\n{SHALLOW.get(name, '')}", name=name, input=size)
    assert set(_kinds(found.graph)) == set(_kinds(network(name).graph))
    return found


def _kinds(graph: Graph) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Types of layers, with those that they read."""
    return ((node.layer.type, tuple([graph.nodes[at].layer.type for at in node.inputs])) for node in graph.nodes)


SIZES = {
    *("out_channels", "out_features", "groups", "num_groups", "squeeze_channels", "normalized_shape"),
    *("output_size", "size", "divisor", "factor", "p"),
}
"""Options that say how wide or large a layer is, or how likely: not what it does."""


def kinds_with_options(graph: Graph) -> set[tuple[object, ...]]:
    """Types of layers with what they do and what they read, whatever their width."""
    return {
        (
            *(node.layer.type, *(graph.nodes[at].layer.type for at in node.inputs)),
            getattr(node.layer, "groups", 1) > 1,
            *((name, repr(value)) for name, value in own_options(node.layer).items() if name not in SIZES),
        )
        for node in graph.nodes
    }
