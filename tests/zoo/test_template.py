"""`archlab new` and `archlab diff`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import validate

from archlab.analysis.difference import Difference
from archlab.api.load import loads
from archlab.cli.main import main
from archlab.diagnostics.problem import ConfigError
from archlab.graph import Graph
from archlab.report.difference import difference_text
from archlab.zoo.template import starter_config
from tests import presets


@pytest.mark.parametrize("source", ["blank", *presets.each()])
def test_a_starter_is_what_it_starts_from(source: str) -> None:
    mine = loads(starter_config("mine", source), name="mine.yaml")
    assert mine.name == "mine"
    if source != "blank":
        graph, theirs = mine.graph, presets.network(source).graph
        assert [index for _, index in graph.outputs] == [index for _, index in theirs.outputs]
        for ours, other in zip(presets.nodes_of(graph), presets.nodes_of(theirs), strict=True):
            # a starter leaves out what starts a bias that is not there
            assert (ours[0], *ours[2:-1]) == (other[0], *other[2:-1])
        assert initializers(graph) == initializers(theirs)
        assert [node.path for node in graph.nodes] == [node.path for node in theirs.nodes]


def initializers(graph: Graph) -> list[list[object]]:
    """What each tensor of each layer begins with."""
    return [
        [graph.initializers(node).get(tensor.name) for tensor in node.layer.tensors(graph.input_shapes(node))]
        for node in graph.layers
    ]


def test_its_expectations_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for source in ("blank", "resnet101", "efficientnet_b3", "googlenet_aux", "deeplabv3_resnet50"):
        assert main(["new", f"net_{source}", "--from", source]) == 0
    assert main(["validate", "."]) == 0
    assert "variants" not in (tmp_path / "net_resnet101.yaml").read_text()
    assert "Deep Residual" in (tmp_path / "net_resnet101.yaml").read_text()  # comments and descriptions stay


def test_the_schema_that_its_first_line_names_is_there_and_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for source in ("blank", "resnet18"):
        assert main(["new", f"nets/{source}"]) == 1  # no such folder
        assert main(["new", source, "--from", source]) == 0
        line, _, text = (tmp_path / f"{source}.yaml").read_text().partition("\n")
        name = line.removeprefix("# yaml-language-server: $schema=")
        validate(yaml.safe_load(text), json.loads((tmp_path / name).read_text()))
    assert main(["fmt", "--check", "blank.yaml"]) == 0
    assert capsys.readouterr().err.count("wrote archlab.schema.json") == 1
    (tmp_path / "archlab.schema.json").unlink()
    assert main(["new", "bare", "--no-schema"]) == 0
    assert "$schema" not in (tmp_path / "bare.yaml").read_text()
    assert not (tmp_path / "archlab.schema.json").exists()


def test_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mine"]) == 0
    assert main(["new", "mine"]) == 1
    assert "mine.yaml is already there" in capsys.readouterr().err
    assert main(["new", "class"]) == 1
    assert main(["new", "mine2", "--from", "resnet5"]) == 1
    assert "did you mean" in capsys.readouterr().err
    assert not (tmp_path / "mine2.yaml").exists()


def test_the_name_of_a_starter() -> None:
    with pytest.raises(ConfigError, match="is not a name"):
        starter_config("a b", "blank")


BEFORE = """
name: before
input: [3, 16, 16]
blocks:
  unit: {layers: [{type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}, {type: relu}]}
layers:
  - {name: stem, type: conv2d, out_channels: 8, kernel_size: 3}
  - {name: stage, use: unit, repeat: 2}
  - {name: gone, type: sigmoid}
  - {name: head, type: conv2d, out_channels: 4, kernel_size: 1}
"""


def test_equal_networks() -> None:
    same = Difference(loads(BEFORE).analyze(), loads(BEFORE).analyze())
    assert same.changes() == []
    assert all(row["change"] == 0 for row in same.totals() if row["before"])


def test_what_changed() -> None:
    after = BEFORE.replace("name: before", "name: after").replace("repeat: 2", "repeat: 3")
    after = after.replace("  - {name: gone, type: sigmoid}\n", "").replace(
        "kernel_size: 3}\n  - {name: stage", "kernel_size: 5}\n  - {name: stage"
    )
    found = Difference(loads(BEFORE).analyze(), loads(after).analyze()).changes()
    kinds = [(change.kind, change.path) for change in found]
    assert ("added", "stage.2") in kinds
    assert ("removed", "gone") in kinds
    changed = next(change for change in found if change.path == "stem")
    assert changed.details == {"kernel_size": ([3, 3], [5, 5]), "output": ("8x14x14", "8x12x12")}
    assert changed.params == 8 * 3 * (25 - 9)
    totals = {row["figure"]: row for row in Difference(loads(BEFORE).analyze(), loads(after).analyze()).totals()}
    assert sum(change.params for change in found) == totals["params"]["after"] - totals["params"]["before"]
    assert sum(change.macs for change in found) == totals["MACs"]["after"] - totals["MACs"]["before"]


RENAMED = """
name: renamed
input: [3, 16, 16]
layers:
  - {name: first, type: conv2d, out_channels: 8, kernel_size: 3}
  - {name: a, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {name: a_relu, type: relu}
  - {name: b, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {name: b_relu, type: relu}
  - {name: gone, type: sigmoid}
  - {name: head, type: conv2d, out_channels: 4, kernel_size: 1}
"""


def test_layers_of_other_names() -> None:
    found = Difference(loads(BEFORE).analyze(), loads(RENAMED).analyze()).changes()
    assert [(change.kind, change.details) for change in found] == [
        ("changed", {"name": pair})
        for pair in (
            ("stem", "first"),
            *zip(
                ("stage.0.conv", "stage.0.relu", "stage.1.conv", "stage.1.relu"),
                ("a", "a_relu", "b", "b_relu"),
                strict=True,
            ),
        )
    ]


def test_equal_layers_of_other_inputs_are_others() -> None:
    """The second of two equal layers is removed: the first keeps its name, and what read the second is changed."""
    shorter = RENAMED.replace("  - {name: b, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}\n", "")
    shorter = shorter.replace("  - {name: b_relu, type: relu}\n", "")
    found = Difference(loads(BEFORE).analyze(), loads(shorter).analyze()).changes()
    assert [(change.kind, change.path) for change in found] == [
        *(("changed", name) for name in ("first", "a", "a_relu")),
        ("removed", "stage"),
        ("changed", "gone"),
    ]
    assert found[-1].details == {"inputs": ("stage.1.relu", "a_relu")}


WIDE = """
name: wide
params: {{width: {width}, kernel: {kernel}}}
input: [3, {size}, {size}]
layers:
  - {{name: stage, repeat: 4, type: conv2d, out_channels: $width, kernel_size: $kernel, padding: auto,
      activation: relu}}
  - {{type: adaptive_avg_pool2d, output_size: 1}}
  - {{type: flatten}}
  - {{type: linear, out_features: 10}}
"""
AS_IT_IS = {"width": 16, "kernel": 3, "size": 32}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"width": 8}, "~ 11 layers: width x 0.5  (-"),
        ({"width": 24}, "~ 11 layers: width x 1.5  (+"),
        ({"kernel": 5}, "~ 4 layers: kernel_size 3x3 -> 5x5, padding 1x1 -> 2x2  (+"),
        ({"size": 16}, "~ 8 layers: map size x 0.5  (-"),
    ],
)
def test_layers_that_change_alike_are_one_line(other: dict[str, object], said: str) -> None:
    before, after = (loads(WIDE.format(**{**AS_IT_IS, **values})).analyze() for values in ({}, other))
    difference = Difference(before, after)
    text = difference_text(difference)
    assert said in text
    assert "stage.0.conv" in text
    each = difference_text(difference, each=True)
    assert said not in each
    assert all(f"~ {change.path}" in each for change in difference.changes() if list(change.details) != ["name"])


def test_figures_have_units(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "resnet18", "resnet34"]) == 0
    out = capsys.readouterr().out
    assert re.search(r" memory +51\.33 MiB +89\.92 MiB ", out)
    assert re.search(r" params +11,689,512 +21,797,672 ", out)


def test_names_of_shared_layers() -> None:
    text = (
        "{{input: [4, 8, 8], layers: [{{name: {0}, type: conv2d, out_channels: 4, kernel_size: 1}}, {{share: {0}}}]}}"
    )
    before, after = (loads(text.format(name)).analyze() for name in ("one", "two"))
    assert {tuple(change.details) for change in Difference(before, after).changes()} == {("name",)}


def test_the_sum_of_changes_is_the_change_of_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    for pair in (("resnet18", "resnet50"), ("vgg11", "alexnet"), ("densenet121", "densenet169")):
        assert main(["diff", *pair, "--format", "json"]) == 0
        found = json.loads(capsys.readouterr().out)
        totals = {row["figure"]: row["after"] - row["before"] for row in found["totals"] if row["before"]}
        assert sum(change["params"] for change in found["changes"]) == totals["params"]
        assert sum(change["macs"] for change in found["changes"]) == totals["MACs"]


def test_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "resnet18", "resnet34"]) == 0
    out = capsys.readouterr().out
    assert "+ layer1.2  7 layers  (+73,984 params, +231.2 M MACs)" in out
    assert "inputs: layer1.1.relu2 -> layer1.2.relu2" in out
    assert main(["diff", "resnet18", "resnet18"]) == 0
    assert "resnet18 and resnet18 are equal" in capsys.readouterr().out
    assert main(["diff", "torchvision:resnet18", "resnet18"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("resnet18 (torchvision:resnet18) and resnet18 (resnet18) are equal but for names\n")
    assert "~ 22 layers have other names and are otherwise equal\n    layer1.0.relu -> layer1.0.relu1\n" in out
    assert "... and 10 more, all of them in JSON" in out
    assert main(["diff", "resnet18", "no_such"]) == 1
