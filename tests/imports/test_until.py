"""Results wanted instead of a file's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from archlab.api.imported import load_foreign
from archlab.diagnostics.problem import ConfigError
from archlab.imports.targets import ImportOptions
from tests.command import run

DARKNET = """[net]
width=32
height=32
channels=3

[convolutional]
batch_normalize=1
filters=4
size=3
stride=2
pad=1
activation=leaky

[convolutional]
filters=8
size=1
stride=1
activation=linear

[maxpool]
size=2
stride=2
"""


class Heads(nn.Module):
    """A trunk and two heads, of which one reads the other."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.one, self.two = nn.Conv2d(4, 5, 1), nn.Conv2d(5, 6, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.two(self.one(self.trunk(x)))
        return found


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("until") / "net.pt2"
    torch.export.save(torch.export.export(Heads().eval(), (torch.zeros(2, 3, 8, 8),)), path)
    return path


def test_modules_of_a_program(program: Path) -> None:
    graph = load_foreign(str(program), ImportOptions(until="trunk,one")).graph
    assert [node.path for node in graph.layers] == ["trunk.0", "trunk.1", "one"]
    assert [(label, graph.nodes[value].path) for label, value in graph.outputs] == [
        ("trunk", "trunk.1"),
        ("one", "one"),
    ]
    assert graph.output_form == "dict"


def test_what_is_behind_is_left_out(program: Path) -> None:
    graph = load_foreign(str(program), ImportOptions(until="trunk.0")).graph
    assert [node.path for node in graph.layers] == ["trunk.0"]
    assert graph.output_form == "single"


def test_sections_of_darknet(tmp_path: Path) -> None:
    path = tmp_path / "net.cfg"
    path.write_text(DARKNET)
    whole = load_foreign(str(path), ImportOptions()).graph
    names = [node.path for node in whole.layers]
    cut = load_foreign(str(path), ImportOptions(until=names[-2])).graph
    assert [node.path for node in cut.layers] == names[:-1]


def test_nodes_of_onnx(tmp_path: Path) -> None:
    weight = onnx.numpy_helper.from_array(np.ones((4, 3, 1, 1), np.float32), "w")
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["a"], name="/stem/conv/Conv"),
        onnx.helper.make_node("Relu", ["a"], ["b"], name="/stem/act/Relu"),
        onnx.helper.make_node("Sigmoid", ["b"], ["y"], name="/head/Sigmoid"),
    ]
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", channels, 8, 8])
        for name, channels in (("x", 3), ("y", 4))
    ]
    graph = onnx.helper.make_graph(nodes, "net", ends[:1], ends[1:], [weight])
    path = tmp_path / "net.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9), path)
    cut = load_foreign(str(path), ImportOptions(until="stem")).graph
    assert [node.layer.type for node in cut.layers] == ["conv2d", "relu"]


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("trnk", "the file has no layer or module 'trnk'; did you mean 'trunk'?"),
        ("raw", "what a file's head decodes is not known; name the layers or modules"),
        ("nothing_like_it", "it has trunk, trunk.0, trunk.1, one and others"),
    ],
)
def test_what_there_is_not(program: Path, until: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_foreign(str(program), ImportOptions(until=until))
    assert words in str(caught.value)


def test_the_command(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "import", str(program), "--until", "one")
    assert status == 0
    assert "name: one" in out
    assert "two" not in out
    assert "3 layers" in err
