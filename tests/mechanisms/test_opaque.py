"""Layers of one's own: what is declared of them counts, what is not is told, and built models hold them to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

import archlab
from archlab.analysis.conditions import Conditions
from archlab.analysis.time.device import device_names, load_device
from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.config.dump import expanded_config
from archlab.diagnostics.problem import ConfigError
from archlab.report.rows import analysis_dict, layer_rows, network_row
from archlab.report.table import analysis_table, comparison_table
from archlab.torch.build import build
from archlab.torch.source import to_source
from archlab.torch.verify import verify
from archlab.torch.verify_field import verify_receptive_field
from archlab.torch.verify_memory import verify_memory
from archlab.torch.verify_projection import verify_projective_field
from tests.command import run
from tests.mechanisms.equality import FOLDER

CONFIG = FOLDER / "opaque.yaml"
HERE = "tests.mechanisms.opaque_modules"


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.block = Conv2dNormActivation(8, 16, stride=2)
        self.lstm, self.fc = nn.LSTM(16, 8, batch_first=True), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Any:
        x = self.block(self.conv(x)).flatten(2).transpose(1, 2)
        return self.fc(self.lstm(x)[0])


def _given(type_name: str, options: str, shape: str = "[4, 8, 8]") -> Network:
    return loads(f"input: {shape}\nlayers:\n  - {{name: own, type: {type_name}, {options}}}\n")


def test_it_is_the_model_by_hand() -> None:
    network, model = load(str(CONFIG)), ByHand().eval()
    total = network.analyze().total
    assert total.params == sum(parameter.numel() for parameter in model.parameters())
    built = build(network).eval()
    assert list(built.state_dict()) == list(model.state_dict())
    built.load_state_dict(model.state_dict())
    sample = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(built(sample), model(sample))
    assert network.graph.nodes[-1].shape[:] == (256, 4)
    for report in (
        verify(network, batch=2),
        verify_receptive_field(network),
        verify_projective_field(network),
        verify_memory(network, Conditions()),
    ):
        assert report.ok, report.render()


def test_what_is_not_declared_is_told() -> None:
    report = analysis_dict(load(str(CONFIG)).analyze())
    by_path = {layer["path"]: layer for layer in report["layers"]}
    assert by_path["lstm"]["macs"] is by_path["lstm"]["flops"] is by_path["lstm"]["buffers"] is None
    assert by_path["lstm"]["params"] == 832
    assert by_path["lstm"]["opaque"] is True
    assert "opaque" not in by_path["conv"]
    assert by_path["block"]["macs"] == 9 * 8 * 16 * 256
    assert report["total"]["opaque"] == {
        "layers": 2,
        "params": 2016,
        "buffers": 33,
        "macs": 294912,
        "flops": 589824,
        "activations": 0,
        "unknown": ["buffers", "macs", "flops", "activations", "memory"],
    }
    assert report["total"]["receptive_field"]["unknown"] is True
    assert by_path["block"]["receptive_field"]["size"] == [5, 5]
    json.dumps(report)


def test_declared_activations_are_those_of_the_convolutions_in_it() -> None:
    text = CONFIG.read_text(encoding="utf-8")
    network = loads(text.replace("    buffers: 33\n", "    buffers: 33\n    activations: $(16 * 256)\n"))
    counted: list[int] = []
    built = build(network).eval()
    for module in built.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda _module, _inputs, output: counted.append(output.numel()))
    built(torch.rand(2, 3, 32, 32))
    assert len(counted) == 3
    assert network.analyze(batch=2).total.activations == sum(counted)


def test_tables_mark_it() -> None:
    analysis = load(str(CONFIG)).analyze()
    table = analysis_table(analysis, None)
    assert "torch.nn.LSTM (opaque) input_size=16" in table
    assert "params          2,276 (+ at least 33 in buffers), of it 2.016 k in 2 opaque layers" in table
    assert "MACs            at least 524,288, of it 294.9 k in 1 opaque layer, without 1 opaque layer" in table
    assert "memory          at least " in table
    assert ">= 524.3 k" in comparison_table([analysis], load_device(device_names()[0]))
    assert network_row(analysis)["opaque_layers"] == 2
    assert "opaque_layers" not in network_row(archlab.load("resnet18").analyze())
    assert "opaque" not in analysis_dict(archlab.load("resnet18").analyze())["total"]
    assert next(row for row in layer_rows(analysis) if row["path"] == "lstm")["macs"] is None


def test_nothing_is_imported_until_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sign = tmp_path / "imported"
    (tmp_path / "loud.py").write_text(f"open({str(sign)!r}, 'w').close()\nraise SystemExit('run')\n")
    config = tmp_path / "net.yaml"
    config.write_text("input: [3, 8, 8]\nlayers:\n  - {type: loud.Module, output: same, reads: pointwise}\n")
    monkeypatch.syspath_prepend(tmp_path)
    for command in (
        "analyze",
        "validate",
        "compare",
        "expand",
        "diagram",
        "explain",
        "receptive-field",
        "memory",
        "time",
    ):
        status, out, err = run(capsys, command, str(config))
        assert status == 0, (command, err)
        assert not sign.exists(), command
        assert command != "analyze" or "loud.Module (opaque)" in out
    status, out, err = run(capsys, "verify", str(config))
    assert status == 1
    assert "net.yaml:3:5: 'module': loud cannot be imported: SystemExit: run" in out + err
    assert sign.exists()


FAULTS = {
    "type: no.such.Package, output: same": "'own': no.such cannot be imported: ModuleNotFoundError: No module named",
    f"type: {HERE}.Nothing, output: same": f"{HERE} has no 'Nothing'",
    f"type: {HERE}.function, output: same": f"{HERE}.function is no class of torch.nn.Module",
    f"type: {HERE}.Plain, output: same, args: {{width: 3}}": f"{HERE}.Plain does not take its 'args': TypeError:",
    f"type: {HERE}.Broken, output: same": f"{HERE}.Broken does not take its 'args': RuntimeError: out of order",
}


@pytest.mark.parametrize("item", FAULTS)
def test_what_cannot_be_built_is_told_at_its_line(item: str) -> None:
    network = loads(f"input: [4, 8, 8]\nlayers:\n  - {{name: own, {item}}}\n")
    with pytest.raises(ConfigError) as caught:
        build(network)
    (problem,) = caught.value.problems
    assert FAULTS[item] in problem.message
    assert problem.place is not None
    assert problem.place.line == 2


RUNS = {
    f"type: {HERE}.Several, output: same": "returns 2 values; write which is wanted, result: 0 for the first",
    f"type: {HERE}.Several, output: same, result: 2": "returns 2 values, of which 'result: 2' is no tensor",
    f"type: {HERE}.Plain, output: same, result: 0": "returns a Tensor, of which 'result: 0' is no tensor",
    f"type: {HERE}.Fails, output: same": "does not run on 1x4x8x8: ValueError: never",
    "type: torch.nn.LSTM, args: {input_size: 3, hidden_size: 2}, output: [2, 2]": "does not run on 1x4x8x8: ",
}


@pytest.mark.parametrize("item", RUNS)
def test_what_does_not_run_is_told_at_its_line(item: str) -> None:
    network = loads(f"input: [4, 8, 8]\nlayers:\n  - {{name: own, {item}}}\n")
    with pytest.raises(ConfigError, match="own") as caught:
        verify(network)
    assert RUNS[item] in caught.value.problems[0].message


def test_verify_tells_what_is_declared_wrong() -> None:
    wrong = _given(f"{HERE}.Plain", "output: [4, 9, 9], params: 3")
    assert "own: output 1x4x9x9, but running it finds 1x4x8x8" in verify(wrong).render()
    wrong = _given(f"{HERE}.Plain", "output: same, params: 5, buffers: 1, macs: 7")
    report = verify(wrong).render()
    assert "own: params 5, but its module finds 148" in report
    assert "own: buffers 1, but its module finds 0" in report
    assert f"own: MACs 7, but FlopCounterMode finds {9216:,}" in report


def test_verify_finds_what_is_not_declared() -> None:
    report = verify(_given(f"{HERE}.Plain", "output: same"))
    assert report.ok
    assert "own: not declared, and found: params: 148, buffers: 0, macs: 9216" in report.render()


def test_verify_tells_reads_that_are_wrong() -> None:
    right = _given(f"{HERE}.Plain", "output: same, reads: {kernel_size: 3, padding: 1}")
    wrong = _given(f"{HERE}.Plain", "output: same, reads: pointwise")
    assert verify_receptive_field(right).ok
    assert verify_receptive_field(_given(f"{HERE}.Plain", "output: same, reads: unknown")).ok
    assert not verify_receptive_field(
        _given(f"{HERE}.Plain", "output: same, reads: {kernel_size: [5, 3], padding: [2, 1]}")
    ).ok
    assert wrong.analyze().total.receptive_field.axes[0] is not None


def test_source_calls_it() -> None:
    text = to_source(
        loads(
            "input: [4, 8, 8]\nblocks:\n  b:\n    params: {w: }\n    layers:\n"
            "      - {type: HERE.Plain, args: {width: $w}, output: same}\n      - {type: relu}\nlayers:\n"
            "  - {use: b, w: 1}\n  - {use: b, w: 2}\n"
            "  - {name: two, type: HERE.Several, output: same, result: 1}\n".replace("HERE", HERE)
        ).graph
    )
    assert f"\nimport {HERE}\nimport torch\n" in text
    assert f"{HERE}.Plain(width=width)" in text
    assert "self.two(x)[1]" in text
    compile(text, "net.py", "exec")


def test_several_inputs_and_weights_again() -> None:
    network = loads(
        "input: [4, 8, 8]\nlayers:\n  - {name: a, type: conv2d, out_channels: 4, kernel_size: 1}\n"
        f"  - {{name: own, type: {HERE}.Mixed, with: [input], output: same, reads: pointwise, params: 4, macs: 0}}\n"
        "  - {name: again, share: own, with: [a]}\n"
    )
    total = network.analyze().total
    assert total.params == 4 * 4 + 4 + 4
    assert verify(network).ok
    model = build(network).eval()
    namespace: dict[str, Any] = {"__name__": "made"}
    exec(to_source(network.graph), namespace)  # noqa: S102 - the source that archlab writes
    source = namespace["Network"]() if "Network" in namespace else namespace["Config"]()
    source.load_state_dict(model.state_dict())
    sample = torch.rand(1, 4, 8, 8)
    assert torch.equal(source.eval()(sample), model(sample))


def test_it_expands_to_the_same() -> None:
    network = load(str(CONFIG))
    again = loads(expanded_config(network.graph))
    before, after = (analysis_dict(one.analyze())["total"] for one in (network, again))
    assert before == after


def test_weights_of_other_code_go_into_it() -> None:
    torch.manual_seed(1)
    state = {f"module.{name}": value for name, value in ByHand().state_dict().items()}
    built = build(load(str(CONFIG)), weights=state)
    assert torch.equal(built.state_dict()["lstm.weight_hh_l0"], state["module.lstm.weight_hh_l0"])


MARKED = {
    ("explain", "lstm"): "MACs        = unknown",
    ("explain", "block"): "MACs        = 294,912",
    ("explain", "--counting"): "opaque",
    ("diagram",): "LSTM (opaque)",
    ("memory",): "at least ",
    ("time",): "not known: buffers, MACs",
    ("receptive-field",): "no estimate (a layer on the way does not say what it reads)",
    ("receptive-field", "--projective"): "at most",
    ("diff", "resnet18"): ">= 524,288",
    ("compare", "resnet18"): ">= 524.3 k",
    ("compare", "resnet18", "--format", "csv"): "buffers macs flops activations memory",
    ("analyze", "--format", "markdown"): "of it 2.016 k in 2 opaque layers",
    ("analyze", "--format", "csv"): ",832,,,,,",
    ("expand",): "expect: {params: 2276}",
}


@pytest.mark.parametrize("words", MARKED, ids=" ".join)
def test_every_form_marks_it(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    command, *more = words
    _, out, err = run(capsys, command, str(CONFIG), *more)
    assert MARKED[words] in out, out + err


def test_there_is_a_bound_on_different_classes() -> None:
    items = [f"  - {{type: my.M{number}, output: same}}\n" for number in range(257)]
    loads("input: [3, 8, 8]\nlayers:\n" + "".join(items[:256]))
    with pytest.raises(ConfigError, match="layers of more than 256 other packages' classes") as caught:
        loads("input: [3, 8, 8]\nlayers:\n" + "".join(items))
    assert [problem.code for problem in caught.value.problems] == ["too-large"]


def test_a_checkpointed_block_may_hold_one() -> None:
    network = loads(
        "input: [4, 8, 8]\nblocks:\n  b:\n    layers:\n      - {type: conv2d, out_channels: 4, kernel_size: 1}\n"
        f"      - {{type: {HERE}.Several, output: same, result: 1}}\n      - {{type: {HERE}.Plain, output: same}}\n"
        "layers:\n  - {name: s, use: b, repeat: 2}\n"
    )
    plain, checkpointed = build(network), build(network, checkpoint=["s.*"])
    checkpointed.load_state_dict(plain.state_dict())
    sample = torch.rand(1, 4, 8, 8)
    for model in (plain, checkpointed):
        model(sample).sum().backward()
    gradients = [[one.grad for one in model.parameters()] for model in (plain, checkpointed)]
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True) if a is not None and b is not None)
