"""Models of torchvision: figures as PyTorch counts them, and results with the same weights, bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from torch import nn
from torchvision import models

from tests.references import REGNETS, alive, few_features, regnet
from tests.torch.importing.held import Held, difference, held, numbers
from tests.torch.importing.shallow import SHALLOW

NAMES = (
    *("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "mnasnet0_5"),
    *("mobilenet_v2", "mobilenet_v3_small", "regnet_y_400mf", "resnet18", "shufflenet_v2_x1_0", "squeezenet1_0"),
    *("deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large", "quantized_resnet18"),
    *[pytest.param(name, marks=pytest.mark.whole) for name in ("resnext50_32x4d", "vgg11_bn", "fcn_resnet50")],
)


FEWER = [name for name in SHALLOW if name in NAMES]
"""Of the default run; `test_exported` has the others."""


def made(name: str) -> nn.Module:
    """A model without fetched weights."""
    if name in REGNETS:
        return regnet(name)
    arguments = {"weights_backbone": None} if name.startswith(("fcn", "deeplab", "lraspp")) else {}
    model: nn.Module = models.get_model(name, weights=None, **arguments)
    return few_features(model) if isinstance(model, models.AlexNet) else model


@pytest.mark.filterwarnings("ignore:The default weight initialization of")
@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_the_network(name: str) -> None:
    is_the_network(name, SHALLOW.get(name, partial(made, name)))


@pytest.mark.whole
@pytest.mark.parametrize("name", FEWER)
def test_a_whole_model_is_the_network(name: str) -> None:
    """As many blocks as there are; the one with fewer has all kinds of layers, with the types that they read."""
    assert kinds(is_the_network(name, partial(made, name))) <= kinds(held(SHALLOW[name](), (3, 64, 64)))


def kinds(one: Held) -> set[tuple[str, ...]]:
    """Each layer's type, and which types it reads."""
    nodes = one.network.graph.nodes
    layers = one.network.graph.layers
    return {(node.layer.type, *dict.fromkeys(nodes[place].layer.type for place in node.inputs)) for node in layers}


def is_the_network(name: str, make: Callable[[], nn.Module]) -> Held:
    """Hold a model against what it is imported as."""
    size = 128 if name == "inception_v3" else 64
    one = held(alive(make), (3, size, size))
    assert not one.opaque, one.flat.remarks
    for what, (ours, theirs) in numbers(one).items():
        assert ours == theirs, what
    assert difference(one) == 0
    return one
