"""Layers that an installed package registers, with a made-up distribution on the path."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import archlab
from archlab.api.load import loads
from archlab.config.schema import config_schema
from archlab.diagnostics.problem import ConfigError
from archlab.layers import fault_of, find_layer, registered_types
from archlab.torch.build import build
from archlab.torch.source import to_source
from archlab.torch.verify import verify
from archlab.torch.verify_field import verify_receptive_field

MODULE = """
from torch import nn


class Blur(nn.Module):
    def __init__(self, channels, width=3):
        super().__init__()
        self.weight = nn.Conv2d(channels, channels, width, padding=width // 2, groups=channels, bias=False).weight
        self.width = width

    def forward(self, x):
        return nn.functional.conv2d(x, self.weight, padding=self.width // 2, groups=x.shape[1])
"""
LAYERS = '''
from typing import ClassVar

from pydantic import Field

from archlab.layers import Layer
from archlab.layers.base import Cost, TensorSpec
from archlab.layers.geometry import Window


class MyBlur(Layer):
    """A depthwise filter."""

    type: ClassVar[str] = "my_blur"
    alias: ClassVar[str] = "blur"
    torch_class: ClassVar[str] = "made_up_layers.Blur"
    role: ClassVar[str] = "weighted"

    width: int = Field(3, description="Taps along each axis.")

    def inferred(self, inputs):
        return {"channels": inputs[0][0]}

    def reads(self, inputs, output):
        return ((Window(self.width, 1, self.width // 2),) * 2,)

    def tensors(self, inputs):
        return (TensorSpec("weight", (inputs[0][0], 1, self.width, self.width)),)

    def cost(self, inputs, output):
        return Cost(output[0] * output[1] * output[2] * self.width**2)


class MyNorm(Layer):
    """A norm."""

    type: ClassVar[str] = "my_norm"
    alias: ClassVar[str] = "norm"
    role: ClassVar[str] = "norm"
    torch_class: ClassVar[str] = "BatchNorm2d"

    def inferred(self, inputs):
        return {"num_features": inputs[0][0], "affine": False, "track_running_stats": False}


class Fails(MyBlur):
    type: ClassVar[str] = "fails"

    def cost(self, inputs, output):
        return Cost(1 // 0)


class Unmade(MyBlur):
    type: ClassVar[str] = "unmade"
    torch_class: ClassVar[str] = "made_up_layers.Nothing"


class Function(MyBlur):
    type: ClassVar[str] = "function"
    torch_class: ClassVar[str] = ""


class Other(MyBlur):
    type: ClassVar[str] = "another"
'''
ENTRIES = """[archlab.layers]
my_blur = made_up_layers:MyBlur
my_norm = made_up_layers:MyNorm
fails = made_up_layers:Fails
unmade = made_up_layers:Unmade
function = made_up_layers:Function
misnamed = made_up_layers:Other
no_layer = made_up_layers:Blur
missing = made_up_layers:Missing
absent = no_such_module:Layer
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an installed distribution, on the path."""
    _install(tmp_path, "made-up", ENTRIES)
    (tmp_path / "made_up_layers.py").write_text(MODULE + LAYERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "made_up_layers", raising=False)
    return tmp_path


def _install(folder: Path, name: str, entries: str) -> None:
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)


CONFIG = """input: [3, 16, 16]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, norm: my_norm, activation: relu}
  - {name: own, type: my_blur, width: 5, init: {weight: ones}}
"""


@pytest.mark.usefixtures("site")
def test_a_registered_layer_is_a_layer_as_any() -> None:
    network = loads(CONFIG)
    total = network.analyze().total
    assert total.params == 3 * 8 * 9 + 8 * 25
    assert total.macs == 256 * (3 * 8 * 9 + 8 * 25)
    assert total.opaque is None
    assert [axis.sizes for axis in total.receptive_field.axes if axis is not None] == [[7], [7]]
    assert verify(network).ok
    assert verify_receptive_field(network).ok
    assert build(network).get_parameter("own.weight").eq(1).all()
    assert "from made_up_layers import Blur" in to_source(network.graph)


@pytest.mark.usefixtures("site")
def test_schema_and_hints_know_it() -> None:
    with pytest.raises(ConfigError, match="did you mean 'my_blur'"):
        loads("input: [3, 8, 8]\nlayers:\n  - {type: my_blurr}\n")
    with pytest.raises(ConfigError, match="did you mean 'width'"):
        loads("input: [3, 8, 8]\nlayers:\n  - {type: my_blur, widht: 3}\n")
    assert config_schema()["definitions"]["my_blur"]["properties"]["width"]["description"] == "Taps along each axis."
    assert set(registered_types()) == {"my_blur", "my_norm", "fails", "unmade"}


FAULTS = {
    "function": "made_up_layers:Function of made-up has no 'torch_class', so that it cannot be built",
    "misnamed": "made_up_layers:Other of made-up has the type 'another', and is registered as 'misnamed'",
    "no_layer": "made_up_layers:Blur of made-up is no subclass of archlab.layers.Layer",
    "missing": "made_up_layers:Missing of made-up cannot be imported: AttributeError",
    "absent": "no_such_module:Layer of made-up cannot be imported: ModuleNotFoundError: No module named",
}


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_one_is_told_where_it_is_used(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(f"input: [3, 8, 8]\nlayers:\n  - {{type: {name}}}\n")
    (problem,) = caught.value.problems
    assert problem.message.startswith(f"the layer type '{name}' is of no use: {FAULTS[name]}")
    assert problem.place is not None
    assert problem.place.line == 2


@pytest.mark.usefixtures("site")
def test_methods_that_fail_are_told_where_it_is_used() -> None:
    with pytest.raises(ConfigError, match="fails, of made_up_layers: its cost fails: ZeroDivisionError"):
        loads("input: [3, 8, 8]\nlayers:\n  - {type: fails}\n")
    network = loads("input: [3, 8, 8]\nlayers:\n  - {type: unmade}\n")
    with pytest.raises(ConfigError, match="made_up_layers has no 'Nothing'"):
        build(network)


def test_archlabs_own_names_cannot_be_registered(site: Path) -> None:
    _install(site, "greedy", "[archlab.layers]\nconv2d = made_up_layers:Blur\ngreedy = made_up_layers:MyBlur\n")
    sys.path.insert(0, str(site / "elsewhere"))  # looked up once for each search path
    try:
        own = find_layer("conv2d")
        assert own is not None
        assert own.__module__ == "archlab.layers.conv"
        assert fault_of("greedy") == "greedy registers 'conv2d' too, which is archlab's own"
        assert find_layer("my_blur") is not None
    finally:
        sys.path.remove(str(site / "elsewhere"))


def test_it_is_not_looked_up_without_need(site: Path) -> None:
    script = (
        "import sys, archlab\narchlab.load('resnet50').analyze()\n"
        "assert 'archlab.layers.registered' not in sys.modules and 'archlab.layers.opaque' not in sys.modules\n"
        "assert 'made_up_layers' not in sys.modules\n"
    )
    path = f"{Path(archlab.__file__).parents[1]}:{site}"
    subprocess.run([sys.executable, "-c", script], check=True, env={"PYTHONPATH": path})


def test_the_command_line_finds_it(site: Path) -> None:
    """In a process of its own, which does not wait for PyTorch: nothing is built."""
    (site / "made_up_layers.py").write_text(LAYERS)
    (site / "net.yaml").write_text(CONFIG)
    path = f"{Path(archlab.__file__).parents[1]}:{site}"
    command = [sys.executable, "-m", "archlab", "analyze", str(site / "net.yaml"), "--format", "json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={"PYTHONPATH": path})
    assert json.loads(done.stdout)["layers"][-1]["type"] == "my_blur"
