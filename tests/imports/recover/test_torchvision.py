"""torchvision's models as short configs: equal to the flat ones, and to torchvision's own outputs."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

import archlab
from archlab.api.imported import network_of
from archlab.api.load import loads
from archlab.api.network import Network
from archlab.graph.fingerprint import fingerprint
from archlab.imports.recover import recovered_config
from archlab.torch.importing.flatten import flatten
from archlab.torch.initialize import Undrawn
from tests.references import REGNETS, alive, few_features, regnet

LINES = {
    "alexnet": 20,
    "densenet121": 45,
    "googlenet": 60,
    "mnasnet1_0": 32,
    "regnet_y_400mf": 32,
    "resnet18": 30,
    "resnet50": 30,
    "squeezenet1_1": 32,
    "vgg11_bn": 30,
    "wide_resnet50_2": 30,
}
"""Models, and the lines that their config may have."""
LIKE_OTHERS = ("vgg11_bn", "wide_resnet50_2")
"""Of AlexNet's and ResNet-50's modules."""
SIZE = 96
"""Of the image: the smallest maps have 2 x 2 positions."""
NUMBERS = ("params", "buffers", "macs", "flops", "activations")


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.whole] if name in LIKE_OTHERS else []) for name in LINES],
)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(name: str) -> nn.Module:
    """With all parameters and running statistics drawn: what starts at zero hides mistakes."""
    return alive(partial(made, name))


def made(name: str) -> nn.Module:
    """torchvision's model; AlexNet with fewer features."""
    if name in REGNETS:
        return regnet(name)
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    return few_features(model) if isinstance(model, torchvision.models.AlexNet) else model


@pytest.fixture(scope="module")
def flat(name: str, model: nn.Module) -> Any:
    return flatten(model, {"input": (3, SIZE, SIZE)}, name=name, origin=f"torchvision:{name}")


@pytest.fixture(scope="module")
def recovered(flat: Any) -> Any:
    return recovered_config(flat)


@pytest.fixture(scope="module")
def listed(flat: Any) -> Network:
    """The flat network."""
    return network_of(flat)


@pytest.fixture(scope="module")
def short(recovered: Any) -> Network:
    """The network of the short config."""
    return loads(recovered.text)


def test_the_graph_is_the_flat_ones_in_few_lines(name: str, recovered: Any, listed: Network, short: Network) -> None:
    assert not recovered.fallbacks
    assert recovered.text.count("\n") <= LINES[name]
    assert fingerprint(short.graph) == fingerprint(listed.graph)


def test_all_numbers_are_the_flat_ones(listed: Network, short: Network) -> None:
    ours, theirs = (network.analyze().to_dict()["total"] for network in (short, listed))
    for number in NUMBERS:
        assert ours[number] == theirs[number]
    for number in ("inference_peak", "training_peak"):
        assert ours["memory"][number] == theirs["memory"][number]
    for number in ("size", "stride", "start", "coverage"):
        assert ours["receptive_field"][number] == theirs["receptive_field"][number]


def test_outputs_are_torchvisions_bit_by_bit(model: nn.Module, flat: Any, recovered: Any, short: Network) -> None:
    with Undrawn():  # all of its weights are copied, as is asserted below
        built = archlab.build(short).eval()
    theirs, ours = model.state_dict(), built.state_dict()
    found: dict[str, str] = {}
    for path, number in recovered.names.items():
        for tensor, source in flat.items[number].tensors.items():
            if f"{path}.{tensor}" in ours:
                found[f"{path}.{tensor}"] = source
    assert found.keys() == ours.keys()
    built.load_state_dict({ours_name: theirs[source] for ours_name, source in found.items()})
    image = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.equal(built(image), model(image))
