"""Built models read back: the numbers of what they were built from, through PyTorch and no config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import archlab
from tests import presets

AXES = Path(__file__).parents[1] / "axes"
FILES = (str(AXES / "one.yaml"), str(AXES / "three.yaml"))
PRESETS = (
    *("alexnet", "resnet18", "googlenet", "densenet121", "mobilenet_v3_small", "shufflenet_v2_x1_0", "squeezenet1_1"),
    *("unet", "s3d", "retinanet", "convnext_tiny"),
)
FIGURES = ("params", "buffers", "macs", "flops", "activations", "memory", "receptive_field")


def without_names(figure: Any) -> Any:
    """A figure without the layers that it names: joins of a built model are called otherwise."""
    if not isinstance(figure, dict):
        return figure
    return {key: without_names(value) for key, value in figure.items() if "layer" not in key}


@pytest.mark.parametrize("path", FILES, ids=lambda path: Path(path).stem)
def test_a_built_model_has_the_numbers_of_its_config(path: str) -> None:
    comes_back(archlab.load(path))


@pytest.mark.parametrize("name", PRESETS)
def test_a_built_preset_has_the_numbers_of_its_config(name: str) -> None:
    comes_back(presets.shallow(name))


@pytest.mark.whole
@pytest.mark.parametrize("name", PRESETS)
def test_a_whole_preset_has_the_numbers_of_its_config(name: str) -> None:
    comes_back(presets.network(name))


def comes_back(network: archlab.Network) -> None:
    """Build a network and read it."""
    model = archlab.build(network, device="meta")
    back = archlab.from_module(model, {node.path: tuple(node.shape) for node in network.graph.inputs})
    before, behind = (one.analyze().to_dict() for one in (network, back))
    for name in FIGURES:
        assert without_names(before["total"][name]) == without_names(behind["total"][name])
    assert [output["shape"] for output in before["outputs"]] == [output["shape"] for output in behind["outputs"]]
