"""Parts of networks: what is kept, what they give, and names that are none."""

from __future__ import annotations

import pytest
import torch

from archlab.api.load import load
from archlab.diagnostics.problem import ConfigError
from archlab.graph.subgraph import cut
from archlab.torch.build import build


def test_the_values_are_those_of_the_whole_network() -> None:
    network = load("resnet18", input=(3, 64, 64))
    whole = build(network).eval()
    part = build(network, weights=whole.state_dict(), outputs=["layer2", "layer3.0", "maxpool"]).eval()
    seen: dict[str, torch.Tensor] = {}
    for name, label in (("layer2.1.relu2", "layer2"), ("layer3.0.relu2", "layer3.0"), ("maxpool", "maxpool")):
        whole.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, label=label: seen.__setitem__(label, output.clone())
        )
    sample = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        whole(sample)
        found = part(sample)
    assert list(found) == ["layer2", "layer3.0", "maxpool"]
    assert all(torch.equal(found[label], seen[label]) for label in found)


def test_nothing_that_is_not_needed_is_kept() -> None:
    graph = cut(load("resnet18").graph, ["layer2"])
    paths = [node.path for node in graph.nodes]
    assert paths[-1] == "layer2.1.relu2"
    assert not any(path.startswith(("layer3", "layer4", "fc")) for path in paths)
    assert [node.index for node in graph.nodes] == list(range(len(paths)))
    before = cut(load("resnet18").graph, ["layer2.0.conv1"])
    assert not any(node.path.startswith("layer2.0.shortcut") for node in before.nodes)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (["layer5"], "no layer 'layer5'; did you mean 'layer"),
        (["layer1", "layer1"], "'layer1' is there twice"),
        ([], "name at least one layer"),
        ([""], "no layer ''"),
        (["layer1."], "no layer 'layer1.'; did you mean"),
    ],
)
def test_names_that_are_none(outputs: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        cut(load("resnet18").graph, outputs)
    assert message in str(caught.value)
