"""The best design within limits, beside brute force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archlab.analysis.entropy import structure
from archlab.api.load import load, loads
from archlab.config.tree.figures import parse_figure_limits
from archlab.diagnostics.problem import ConfigError
from archlab.sweep import fit as fit_module
from archlab.sweep.fit import fit, used
from archlab.sweep.run import sweep
from archlab.sweep.work import Question
from tests.command import run
from tests.sweep.spaces import rows, space
from tests.sweep.test_front import CHAIN

VARY = {"a": "4..12:4", "b": "[4, 8]", "c": "[4, 8, 16]", "e": "0..3", "f": "1..4"}


def question(limits: str, target: str = CHAIN, vary: dict[str, str] = VARY, **more: Any) -> Question:
    return Question(space(target, vary), limits=tuple(parse_figure_limits(limits)), **more)


@pytest.fixture(scope="module")
def mobilenets() -> dict[float, tuple[int, int]]:
    """By width: MACs and params, from the plain analysis of each."""
    found = {}
    for step in range(5, 31):
        width = step * 0.05
        total = load("mobilenet_v2", width_mult=round(width, 2)).analyze().total
        found[round(width, 2)] = (total.macs, total.params)
    return found


@pytest.mark.parametrize("budget", [100, 200, 300])
def test_mobilenet_v2_within_so_many_macs(budget: int, mobilenets: dict[float, tuple[int, int]]) -> None:
    asked = question(f"macs <= {budget}M", "mobilenet_v2", {"width_mult": "0.25..1.5:0.05"})
    fitted = fit(asked, "params", 1)
    within = [(params, -macs, -width) for width, (macs, params) in mobilenets.items() if macs <= budget * 1_000_000]
    params, macs, width = max(within)
    assert fitted.is_exact
    assert fitted.designs.columns["params"][0] == params
    assert fitted.settings == ({"width_mult": -width}, None)
    (one,) = used(fitted, asked.limits)
    assert one.value == -macs
    assert one.share == pytest.approx(-macs / budget / 1_000_000)


@pytest.mark.parametrize("goal", ["params", "macs", "receptive_field", "activations"])
@pytest.mark.parametrize("limits", ["macs <= 1M", "memory.inference_peak <= 90 kB and macs >= 300k", "params <= 3k"])
def test_the_front_gives_the_same(goal: str, limits: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = question(limits)
    listed = fit(asked, goal, 1)
    monkeypatch.setattr(fit_module, "MOST_FITTED", 0)
    by_front = fit(asked, goal, 1)
    assert "by their front" in by_front.how
    assert by_front.is_exact
    first, other = listed.designs, by_front.designs
    if goal == "receptive_field":
        assert first.seen[0] == other.seen[0]
    else:
        assert first.columns[goal][0] == other.columns[goal][0]


def test_the_largest_param_and_input() -> None:
    asked = question("memory.inference_peak <= 90 kB", CHAIN, {"a": "4..12:4", "e": "0..2", "input": "16..64:8"})
    every = rows(sweep(asked, 1))
    for goal in ("a", "input"):
        fitted = fit(asked, goal, 1)
        best = asked.space.chosen(fitted.designs.numbers[0])[goal]
        assert best == max(asked.space.chosen(number)[goal] for number in every)


def test_a_sample_says_that_it_is_one() -> None:
    fitted = fit(question("macs <= 2M", sample=30), "params", 1)
    assert not fitted.is_exact
    assert fitted.how == "the best of 30 drawn at random of 288 designs; there may be a better one"


def test_nothing_is_within_the_limits() -> None:
    least = min(row.sums[2] for row in rows(sweep(Question(space(CHAIN, VARY)), 1)).values())
    with pytest.raises(ConfigError, match=f"none of 288 designs is within macs <= 1k; the least macs is {least:,}"):
        fit(question("macs <= 1k"), "params", 1)


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    given = ["fit", "mobilenet_v2", "--vary", "width_mult=0.25..1:0.25", "--vary", "input=96,128"]
    given += [
        "--set",
        "num_classes=10",
        "--where",
        "macs <= 60M and memory.inference_peak <= 8MiB",
        "--maximize",
        "params",
    ]
    status, out, err = run(capsys, *given)
    assert status == 0
    assert out.startswith(
        "--set num_classes=10 --set width_mult=0.75 --input 3x96x96\nparams: the best of all 8 designs\n"
    )
    assert "8 designs were analysed as a whole too" in err
    found = json.loads(run(capsys, *given, "--format", "json")[1])
    assert found["settings"] == {"num_classes": 10, "width_mult": 0.75}
    assert found["runners_up"][0]["width_mult"] == 0.5
    path = tmp_path / "best.yaml"
    assert run(capsys, *given, "-o", str(path))[0] == 0
    total = load(path).analyze().total
    assert (total.macs, total.params) == (found["best"]["macs"], found["best"]["params"])
    assert run(capsys, "validate", str(path))[0] == 0
    assert run(capsys, "check", str(path))[1].count("<=") == 2


def test_a_config_of_a_file_is_named_from_where_it_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a b").mkdir()
    net, path = tmp_path / "a b" / "net.yaml", tmp_path / "best.yaml"
    net.write_text(CHAIN)
    given = ["fit", str(net), "--vary", "a=4..8", "--maximize", "a", "-o"]
    assert run(capsys, *given, str(path))[0] == 0
    assert load(path).analyze().total.macs == load(net, a=8).analyze().total.macs
    (tmp_path / "other").mkdir()
    status, _, err = run(capsys, *given, str(tmp_path / "other" / "best.yaml"))
    assert status == 1
    assert f"write it to {net.parent / 'best.yaml'}" in err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "give what should be large: --maximize receptive_field"),
        (["--maximize", "parms"], 1, "there is no 'parms' to maximize; did you mean 'params'?"),
        (["--maximize", "block"], 1, "there is no 'block' to maximize"),
        (
            ["--maximize", "params", "--where", "macs <= 1"],
            1,
            "none of 2 designs is within macs <= 1; the least macs is",
        ),
    ],
)
def test_problems(arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    found, out, err = run(capsys, "fit", "resnet18", "--vary", "d1=1..2", *arguments)
    assert (found, out) == (status, "")
    assert message in err


def test_what_is_no_number_has_no_largest_value() -> None:
    with pytest.raises(ConfigError, match="'block' has no largest value: 'basic' is no number"):
        fit(Question(space("resnet18", {"block": "[basic, bottleneck]"})), "block", 1)


def test_the_largest_entropy(capsys: pytest.CaptureFixture[str]) -> None:
    asked = question("macs <= 500k and params <= 3k")
    scores = {
        number: structure(loads(CHAIN, **asked.space.settings_of(asked.space.digits(number))[0]).graph)
        for number in sweep(asked, 1).numbers
    }
    bound = sorted(one.depth_to_width for one in scores.values())[len(scores) // 2]
    for most in (None, bound):
        fitted = fit(asked, "entropy", 1, most_depth=most)
        within = [one.entropy for one in scores.values() if most is None or one.depth_to_width <= most]
        assert fitted.scores[0].entropy == max(within)
        assert fitted.scores[0] == scores[fitted.designs.numbers[0]]
    with pytest.raises(ConfigError, match="no design within the limits has a depth of at most 1e-05 for its width"):
        fit(asked, "entropy", 1, most_depth=1e-5)
    given = ["fit", "resnet18", "--vary", "d1=1..2", "--maximize", "entropy", "--depth-to-width", "1"]
    found = json.loads(run(capsys, *given, "--format", "json")[1])
    assert found["best"]["d1"] == 2
    assert found["best"]["entropy"] == pytest.approx(structure(load("resnet18", d1=2).graph).entropy)
    assert run(capsys, *given[:-3], "params", *given[-2:])[0] == 2
    assert run(capsys, *given[:-1], "0")[0] == 2


def test_too_many_designs_to_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_module, "MOST_SCORED", 10)
    with pytest.raises(ConfigError, match="the entropy of at most 10 is worked out"):
        fit(question("macs <= 2M"), "entropy", 1)
