"""Formula lines, with the numbers put in, evaluate to the analysis' numbers; on random layers and on the topics."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fractions import Fraction
from math import ceil, floor

import pytest

import archlab
from archlab.cli.main import main
from archlab.diagnostics.problem import ConfigError
from archlab.explain import Explanation, explain_layer
from archlab.explain.section import Step
from archlab.layers import layer_types
from archlab.layers.shape import AXIS_NAMES, axis_count, channels_of, map_size
from tests.chunks import check_each, in_chunks
from tests.random_networks import random_network


def value(numbers: str) -> Fraction:
    """A line of numbers, as Python reads it; whole numbers divide to fractions, so that nothing is rounded."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", numbers).replace(" x ", " * ").replace("^", "**")
    assert re.fullmatch(r"[\d\s.()*/+\-a-z]*", text), text
    text = re.sub(r"(?<![\w.])(\d+(?:\.\d+)?)", r"F('\1')", text)
    return Fraction(eval(text, {"F": Fraction, "floor": floor, "ceil": ceil}))  # noqa: S307 - our own lines


def check_lines(explanation: Explanation) -> int:
    """How many lines were checked against the analysis; each evaluates to its result."""
    checked = 0
    for section in explanation.sections:
        for step in section.steps:
            if step.numbers and not isinstance(step.result, str | float):
                assert value(step.numbers) == step.result, (section.key, step)
                checked += 1
    return checked


def results(explanation: Explanation, key: str) -> dict[str, object]:
    section = explanation.section(key)
    assert section is not None
    return {step.name: step.result for step in section.steps}


def steps(explanation: Explanation, key: str) -> dict[str, Step]:
    section = explanation.section(key)
    assert section is not None
    return {step.name: step for step in section.steps}


@pytest.mark.parametrize("seeds", in_chunks(range(60), 10))
def test_every_line_of_random_layers_evaluates_to_the_analysis(seeds: list[int]) -> None:
    check_each(seeds, check_random_layers)


def check_random_layers(seed: int) -> None:
    analysis = random_network(seed).analyze(batch=1 + seed % 3)
    checked = 0
    for report in analysis.layers:
        if not report.node.inputs:
            continue
        explanation = explain_layer(analysis, report.node.path)
        if report.node.layer.role == "opaque":
            continue
        checked += check_lines(explanation)
        cost = results(explanation, "cost")
        assert cost.get("MACs", 0) == report.macs
        assert cost["FLOPs"] == report.flops
        params = [step.result for step in explanation.sections[1].steps if step.name != "params"]
        if report.node.shares is None:  # else they are counted there, once
            assert sum(p for p in params if isinstance(p, int)) == report.params
        _check_size(explanation)
        _check_field(explanation)
    assert checked > 10


def _check_size(explanation: Explanation) -> None:
    shape = explanation.subject.output
    if axis_count(shape) == 0:
        return
    sizes, names = map_size(shape), AXIS_NAMES[axis_count(shape)]
    assert sizes is not None
    said = results(explanation, "size")
    if explanation.subject.layer.type == "flatten":
        assert said.get("out", shape[-1]) in shape  # of one axis nothing is merged
    elif "out" in said:
        assert {said["out"]} == set(sizes)
    else:
        expected = {"channels": channels_of(shape), **dict(zip(names, sizes, strict=True))}
        for name, result in said.items():  # `out height and width` where they are alike
            if name.startswith("out ("):  # of several axes merged, such as those of tokens
                assert result in shape
                continue
            assert {result} == {expected[word] for word in name.removeprefix("out ").split(" and ")}, name


def _check_field(explanation: Explanation) -> None:
    field = explanation.subject.report.receptive_field
    said = results(explanation, "receptive_field")
    for axis, name in zip(field.axes, AXIS_NAMES[len(field.axes)], strict=True):
        for key in ("size", "stride", "start"):
            result = said.get(f"{key} ({name})", said.get(key))
            if axis is not None and result is not None and not isinstance(result, str):
                assert result == {"size": axis.sizes[-1], "stride": axis.stride, "start": axis.start}[key]


@pytest.mark.parametrize("name", ["resnet50", "alexnet", "vgg16_bn", "mobilenet_v2", "resnext50_32x4d"])
def test_every_layer_of_the_zoo(name: str) -> None:
    analysis = archlab.load(name).analyze()
    for report in analysis.layers:
        check_lines(explain_layer(analysis, report.node.path))


def layer(text: str, shape: tuple[int, ...] = (8, 14, 14), path: str = "it") -> Explanation:
    network = archlab.loads(f"input: {list(shape)}\nlayers:\n{text}")
    explanation = explain_layer(network.analyze(), path)
    check_lines(explanation)
    return explanation


def test_grouped() -> None:
    found = layer("  - {name: it, type: conv2d, out_channels: 16, kernel_size: 3, groups: 4}")
    assert results(found, "grouped")["share"] == Fraction(1, 4)
    full = layer("  - {name: it, type: conv2d, out_channels: 16, kernel_size: 3}")
    assert results(found, "grouped")["ungrouped MACs"] == full.subject.report.macs
    assert full.section("grouped") is None


def test_depthwise_separable_at_both_layers() -> None:
    text = (
        "  - {name: it, type: conv2d, out_channels: 8, kernel_size: 3, groups: 8, padding: 1}\n"
        "  - {type: batch_norm2d}\n  - {type: relu}\n"
        "  - {name: mix, type: conv2d, out_channels: 32, kernel_size: 1}\n"
    )
    full = layer("  - {name: it, type: conv2d, out_channels: 32, kernel_size: 3, padding: 1}").subject.report.macs
    for path in ("it", "mix"):
        said = results(layer(text, path=path), "depthwise_separable")
        assert said["share"] == Fraction(1, 32) + Fraction(1, 9)
        assert said["full convolution"] == full


def test_dilated() -> None:
    found = layer("  - {name: it, type: conv2d, out_channels: 4, kernel_size: 3, dilation: 2}")
    said = results(found, "dilated")
    assert (said["effective kernel"], said["taps read"]) == (5, Fraction(9, 25))
    section = found.section("dilated")
    assert section is not None
    assert "Gridding: of its receptive field only 60.0%" in section.notes[-1]


def test_dilation_behind_other_layers_has_no_holes() -> None:
    text = (
        "  - {type: conv2d, out_channels: 4, kernel_size: 3}\n"
        "  - {name: it, type: conv2d, out_channels: 4, kernel_size: 3, dilation: 2}"
    )
    section = layer(text).section("dilated")
    assert section is not None
    assert section.notes[-1].startswith("No gridding")


@pytest.mark.skipif("conv_transpose2d" not in layer_types(), reason="no such layer yet")
@pytest.mark.parametrize(("kernel", "word"), [(4, "no checkerboard"), (3, "Uneven: outputs get 1 to 2")])
def test_transposed(kernel: int, word: str) -> None:
    text = f"  - {{name: it, type: conv_transpose2d, out_channels: 4, kernel_size: {kernel}, stride: 2, padding: 1}}"
    section = layer(text).section("transposed")
    assert section is not None
    assert section.steps[0].result == Fraction(kernel, 2)
    assert word in section.notes[-1]


@pytest.mark.skipif("deform_conv2d" not in layer_types(), reason="no such layer yet")
def test_deformable() -> None:
    network = archlab.loads(
        "input: [8, 14, 14]\nlayers:\n  - {name: it, type: deform_conv2d, out_channels: 4, kernel_size: 3, padding: 1}"
    )
    analysis = network.analyze()
    path = next(r.node.path for r in analysis.layers if r.node.layer.others == "offsets")
    said = results(explain_layer(analysis, path), "deformable")
    assert said["offset channels"] == 18
    assert said["offset parameters"] == analysis.total.params - analysis.layers[-1].params


def test_an_unknown_layer_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "resnet50", "layer1.0.conv4"]) == 1
    assert "did you mean 'layer1.0.conv" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"did you mean 'layer1\.1'"):
        explain_layer(archlab.load("resnet50").analyze(), "layer11")


def test_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["features.conv1"], [], ["--counting"]):
        for form in ("table", "json", "markdown"):
            assert main(["explain", "alexnet", *arguments, "--format", form]) == 0
            printed = capsys.readouterr().out
            assert max(map(len, printed.splitlines())) <= 130 or form == "json"
            if form == "json":
                assert json.loads(printed)["name"] == "alexnet"


def test_sections_by_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "resnet50", "conv1", "--section", "cost", "--section", "params", "--format", "json"]) == 0
    assert [section["key"] for section in json.loads(capsys.readouterr().out)["sections"]] == ["params", "cost"]
    assert main(["explain", "resnet50", "conv1", "--section", "coat"]) == 1
    assert "did you mean 'cost'?" in capsys.readouterr().err
    assert main(["explain", "resnet50", "layer1", "--section", "matrix"]) == 1
    assert "it has ends, parts, params, cost, receptive_field" in capsys.readouterr().err


def test_long_sums_stay_within_the_width(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "vgg16", "features"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 110


def test_a_deployed_layer_has_its_folded_bias(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "resnet18", "conv1", "--deploy", "--format", "json"]) == 0
    steps = json.loads(capsys.readouterr().out)["sections"][1]["steps"]
    assert [step["result"] for step in steps] == [9408, 64, 9472]


@pytest.mark.parametrize(
    "wrong", [["--section", "cost"], ["-o", "x.csv"], ["--format", "csv"], ["--counting", "conv1"]]
)
def test_wrong_usage(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["explain", "alexnet", *wrong])
    assert stop.value.code == 2
    assert capsys.readouterr().out == ""


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from archlab.cli.main import main\n"
        "main(['explain', 'alexnet']); main(['explain', 'alexnet', '--counting'])\n"
        "main(['explain', 'alexnet', 'avgpool'])\n"
        "print([m for m in ('torch', 'numpy', 'pandas', 'rich') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr.strip() == "[]"
