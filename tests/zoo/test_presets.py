"""The presets against torchvision's own models and against published figures.

Truth never comes from archlab: parameters, MACs and activations are counted on torchvision's models by torch
(on the meta device, so that nothing is computed), receptive fields are those of Araujo, Norris and Sim,
"Computing Receptive Fields of Convolutional Neural Networks" (Distill, 2019), and of gradient probes.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from functools import partial
from math import sqrt
from typing import Any

import pytest
import torch
from torch import nn
from torchvision import models

from archlab.config.initializers import INITIALIZERS
from archlab.config.syntax.yaml_nodes import Scalar
from archlab.config.tree.targets import open_target
from tests import presets
from tests.presets import analysis
from tests.references import FAMILIES, PUBLISHED_BY_TORCHVISION, REFERENCES, SEGMENTATION, VIDEO, OwnedTensor, truth


def owned_tensors(name: str) -> dict[str, OwnedTensor]:
    graph = analysis(name).graph
    return {
        f"{node.path}.{tensor.name}": OwnedTensor(tensor.name, tensor.shape, tensor.learnable)
        for node in graph.nodes
        for tensor in node.layer.tensors(graph.input_shapes(node))
    }


# -- against the reference models -----------------------------------------------------------------------------


def test_every_variant_has_a_reference() -> None:
    names = [name for family in FAMILIES for name in (family, *open_target(family)[0].variants)]
    assert sorted(names) == sorted(REFERENCES)


RESNETS = [name for name in REFERENCES if name.startswith(("resn", "wide"))]
_PLACES = {make: place for place, make in enumerate(REFERENCES.values())}
ORDERED = sorted(REFERENCES, key=lambda name: (name not in RESNETS, _PLACES[REFERENCES[name]]))
"""Names of one reference side by side, for which it is counted once. With the scope of a module, pytest lets one place
in a list after the other go through all tests, for which lists have the same names at their beginning."""


@pytest.mark.parametrize("name", presets.each(ORDERED), scope="module")
def test_totals_are_those_of_the_reference(name: str) -> None:
    total, reference = analysis(name).total, truth(name)
    assert total.params == reference.params
    assert total.macs == reference.macs
    assert total.activations == reference.activations


@pytest.mark.parametrize("name", presets.each(ORDERED), scope="module")
def test_tensors_come_in_the_order_of_the_state_dict(name: str) -> None:
    ours, theirs = list(owned_tensors(name).values()), list(truth(name).tensors.values())
    # torchvision's ConvNeXt owns layer_scale in the block itself, so that it comes in front of the block's layers.
    for scales in (False, True):
        assert [t for t in ours if (t.name == "layer_scale") is scales] == [
            t for t in theirs if (t.name == "layer_scale") is scales
        ]


@pytest.mark.parametrize("name", [name for name in ORDERED if name in RESNETS], scope="module")
def test_resnet_paths_are_torchvisions(name: str) -> None:
    theirs = [
        path.replace("downsample.0", "shortcut.conv").replace("downsample.1", "shortcut.bn")
        for path in truth(name).tensors
    ]
    assert list(owned_tensors(name)) == theirs


@pytest.mark.parametrize("name", ORDERED, scope="module")
def test_expect_is_the_reference(name: str) -> None:
    document, variant, _ = open_target(name)
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


def distribution(name: str, options: dict[str, Any], tensor: torch.Tensor) -> tuple[str, list[float]]:
    """What an initialiser draws from: a kind and its numbers, whatever the function is called."""
    if name.startswith("kaiming"):
        fan = tensor[0].numel() if options["mode"] == "fan_in" else tensor.numel() // tensor.shape[1]
        std = nn.init.calculate_gain(options["nonlinearity"], options["a"]) / sqrt(fan)
        return ("normal", [0, std]) if name.endswith("normal") else ("uniform", [-sqrt(3) * std, sqrt(3) * std])
    return name, list(options.values())


@pytest.mark.parametrize(
    "name", presets.each([*PUBLISHED_BY_TORCHVISION, *SEGMENTATION, *VIDEO, "googlenet_aux", "inception_v3_aux"])
)
def test_init_is_torchvisions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rules stand in a family's file, for all of its variants, as they do in torchvision's code."""
    calls = InitCalls(monkeypatch)
    make = REFERENCES[name]
    if name.startswith(("googlenet", "inception")):
        model = name.removesuffix("_aux")
        make = partial(models.get_model, model, weights=None, aux_logits=model != name, init_weights=True)
    with torch.device("meta"):
        parameters = dict(make().named_parameters())
    graph = analysis(name).graph
    ours = [
        (tensor.name, graph.initializers(node).get(tensor.name))
        for node in graph.nodes
        for tensor in node.layer.tensors(graph.input_shapes(node))
        if tensor.learnable
    ]
    # torchvision's ConvNeXt owns layer_scale in the block itself, in front of the block's layers.
    initializers = [initializer for _, initializer in sorted(ours, key=lambda pair: pair[0] == "layer_scale")]
    theirs = sorted(parameters, key=lambda path: path.endswith("layer_scale"))
    for initializer, path in zip(initializers, theirs, strict=True):
        parameter = parameters[path]
        made = calls.by_tensor[id(parameter)]
        if not made:  # a layer scale, filled with a number
            assert initializer is None
            continue
        # The first is what the layer's constructor does; a config that names none keeps it.
        ours_call = made[0] if initializer is None else (initializer.type, initializer.options())
        (kind, numbers), (true_kind, true_numbers) = (
            distribution(function, options, parameter) for function, options in (ours_call, made[-1])
        )
        assert kind == true_kind
        assert numbers == pytest.approx(true_numbers, rel=1e-6)


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
    assert field.axes[0] is not None
    assert field.axes[1] is not None
    for axis in (field.axes[0], field.axes[1]):
        assert axis.sizes == [size]
        assert axis.stride == stride
        assert axis.start == -padding


@pytest.mark.parametrize("name", presets.OF_ONE_KIND)
def test_presets_that_are_left_out_have_no_other_kinds_of_layers(name: str) -> None:
    kinds = presets.kinds_with_options(presets.network(name).graph)
    for other in presets.OF_ONE_KIND[name]:
        assert presets.kinds_with_options(presets.network(other).graph) <= kinds, other


def test_kinds_of_layers_of_presets_that_are_left_out_are_in_others_together() -> None:
    left = [param.values[0] for param in presets.each_kind() if not param.marks]
    assert not {*left} & {*presets.IN_OTHERS_TOGETHER}
    found = set().union(*[presets.kinds_with_options(presets.network(str(name)).graph) for name in left])
    for name in presets.IN_OTHERS_TOGETHER:
        assert presets.kinds_with_options(presets.network(name).graph) <= found, name
