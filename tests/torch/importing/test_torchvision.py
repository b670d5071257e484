"""Models of torchvision: figures as PyTorch counts them, and results with the same weights, bit by bit."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision import models

from tests.torch.importing.held import difference, held, numbers, randomise

NAMES = (
    *("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "mnasnet0_5"),
    *("mobilenet_v2", "mobilenet_v3_small", "regnet_y_400mf", "resnet18", "shufflenet_v2_x1_0", "squeezenet1_0"),
    *("deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large", "quantized_resnet18"),
    *[pytest.param(name, marks=pytest.mark.whole) for name in ("resnext50_32x4d", "vgg11_bn", "fcn_resnet50")],
)


def made(name: str) -> nn.Module:
    """A model without fetched weights."""
    arguments = {"weights_backbone": None} if name.startswith(("fcn", "deeplab", "lraspp")) else {}
    model: nn.Module = models.get_model(name, weights=None, **arguments)
    if isinstance(model, models.AlexNet):
        # Its own 4,096 features have 59 million weights, and show no more than these.
        for place, sizes in ((1, (9216, 64)), (4, (64, 64)), (6, (64, 10))):
            model.classifier[place] = nn.Linear(*sizes)
    return model


@pytest.mark.filterwarnings("ignore:The default weight initialization of")
@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_the_network(name: str) -> None:
    torch.manual_seed(0)
    model = made(name)
    randomise(model)
    size = 128 if name == "inception_v3" else 64
    one = held(model, (3, size, size))
    assert not one.opaque, one.flat.remarks
    for what, (ours, theirs) in numbers(one).items():
        assert ours == theirs, what
    assert difference(one) == 0
