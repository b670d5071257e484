"""DeepMAD's entropy beside the convolutions of torchvision's models."""

from __future__ import annotations

from math import log, prod

import pytest
import torch
import torchvision
from torch import nn

from archlab.analysis.entropy import structure
from archlab.api.load import load, loads


def of_model(model: nn.Module) -> tuple[int, float, int]:
    """Convolutions on maps, from the modules and the shapes that really come out of them."""
    found: list[tuple[float, tuple[int, ...]]] = []

    def seen(module: nn.Conv2d, _inputs: object, output: torch.Tensor) -> None:
        if max(output.shape[2:]) > 1:
            width = module.in_channels * prod(module.kernel_size) / module.groups
            found.append((log(width), tuple(output.shape[1:])))

    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(seen)
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, 64, 64))
    return len(found), sum(logs for logs, _ in found), prod(found[-1][1])


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "mobilenet_v3_small", "vgg11", "squeezenet1_1"])
def test_it_is_that_of_the_real_convolutions(name: str) -> None:
    with torch.device("meta"):
        model = torchvision.models.get_model(name)
    layers, logs, elements = of_model(model.to_empty(device="cpu"))
    found = structure(load(name, input=(3, 64, 64)).graph)
    assert (found.layers, found.elements) == (layers, elements)
    assert found.logs == pytest.approx(logs)
    assert found.entropy == pytest.approx(log(elements) * logs)
    mean = 2 ** (logs / log(2) / layers)
    assert found.depth_to_width == pytest.approx(layers / mean)


def test_a_network_without_convolutions_has_none() -> None:
    found = structure(loads("archlab: 1\ninput: [8]\nlayers: [{type: linear, out_features: 4}]\n").graph)
    assert (found.entropy, found.depth_to_width) == (0, 0)
