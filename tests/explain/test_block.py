"""Blocks: every line evaluates, the sums are the analysis', and the parts are all of its layers."""

from __future__ import annotations

import json

import pytest

import archlab
from archlab.explain import Block, BlockExplanation, explain_block, find_block
from tests.command import run
from tests.explain.test_layer import value
from tests.random_networks import random_network


def checked(block: Block) -> BlockExplanation:
    """Its explanation, each line and sum compared."""
    explanation = explain_block(block)
    for section in explanation.sections:
        for step in section.steps:
            if step.numbers and not isinstance(step.result, str | float):
                assert value(step.numbers) == step.result, (block.path, section.key, step)
    for key, figure, name in (("params", "params", "params"), ("cost", "macs", "MACs"), ("cost", "flops", "FLOPs")):
        found = explanation.section(key)
        assert found is not None
        total = sum(getattr(report, figure) for report in block.reports)
        is_bound = any(figure in report.unknown for report in block.reports)
        wanted = f"at least {total:,}" if is_bound and total else "unknown" if is_bound else total
        assert [step.result for step in found.steps if step.name == name] == [wanted] * bool(wanted or name == "FLOPs")
        kinds = [
            step.result
            for step in found.steps
            if step.name not in ("params", "MACs", "FLOPs") and isinstance(step.result, int)
        ]
        if kinds and figure != "flops":
            assert sum(kinds) == total
    assert sum(len(part.names) * len(part.reports) for part in block.parts) == len(block.reports)
    return explanation


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2", "densenet121", "unet", "convnext_tiny", "wavenet"])
def test_every_block_of_a_network(name: str) -> None:
    analysis = archlab.load(name).analyze(batch=2)
    paths = {report.node.path for report in analysis.layers}
    blocks = {".".join(path.split(".")[:end]) for path in paths for end in range(1, path.count(".") + 1)}
    grown = 0
    for path in sorted(blocks - paths)[:60]:
        block = find_block(analysis, path)
        assert block is not None
        explanation = checked(block)
        last = analysis.layers[block.leaving[-1] - 1].receptive_field.axes
        field = explanation.section("receptive_field")
        assert field is not None
        for step in field.steps:
            if step.numbers:
                assert step.result in {axis.sizes[-1] for axis in last if axis is not None}
                grown += 1
    assert grown


@pytest.mark.parametrize("seed", range(20))
def test_blocks_of_random_networks(seed: int) -> None:
    analysis = random_network(seed).analyze()
    for head in {report.node.path.split(".")[0] for report in analysis.layers if "." in report.node.path}:
        block = find_block(analysis, head)
        assert block is not None
        checked(block)


def test_a_stage_of_resnet50(capsys: pytest.CaptureFixture[str]) -> None:
    """The sizes of He et al. 2016, table 1; 91 of Araujo et al. 2019's recurrence."""
    status, out, _ = run(capsys, "explain", "resnet50", "layer2", "--format", "json")
    data = json.loads(out)
    assert status == 0
    assert [value["shape"] for value in (*data["inputs"], *data["outputs"])] == [[1, 256, 56, 56], [1, 512, 28, 28]]
    parts = next(section["parts"] for section in data["sections"] if section["key"] == "parts")
    assert [part["names"] for part in parts] == [["0"], ["1", "2", "3"]]
    field = next(section for section in data["sections"] if section["key"] == "receptive_field")
    assert [step["result"] for step in field["steps"]] == ["35", 91, "4 before, 8 behind it"]


def test_what_is_no_block() -> None:
    assert find_block(archlab.load("resnet18").analyze(), "layer9") is None


def test_what_is_not_declared_is_unknown() -> None:
    text = """
input: [3, 8, 8]
layers:
  - name: one
    use: pair
  - name: other
    use: alone
blocks:
  pair:
    layers:
      - {type: conv2d, out_channels: 3, kernel_size: 3, padding: 1}
      - {type: my.Module, output: same, reads: pointwise}
  alone:
    layers: [{type: my.Module, output: same, params: 7}, {type: relu}]
"""
    analysis = archlab.loads(text).analyze()
    found = [find_block(analysis, path) for path in ("one", "other")]
    said = []
    for block in found:
        assert block is not None
        explanation = explain_block(block)
        said.append({step.name: step.result for section in explanation.sections for step in section.steps})
    assert (said[0]["params"], said[0]["MACs"]) == ("at least 84", "at least 5,184")
    assert (said[1]["params"], said[1]["MACs"]) == (7, "unknown")
    assert said[1]["size"] == "unknown"
