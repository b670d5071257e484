"""Limits, samples, processes, and sweeps that go on where they ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from archlab.api.load import loads
from archlab.config.tree.figures import parse_figure_limits
from archlab.diagnostics.problem import ConfigError
from archlab.sweep import run as run_module
from archlab.sweep import work as work_module
from archlab.sweep.engine import Engine
from archlab.sweep.run import sweep
from archlab.sweep.stage import Stage, stage_of
from archlab.sweep.work import Question, done, tasks_of
from tests.sweep.spaces import rows, space
from tests.sweep.test_front import CHAIN

VARY = {"a": "4..12:4", "b": "[4, 8]", "c": "[4, 8, 16]", "e": "0..3", "f": "1..4"}


def test_limits_are_those_of_check() -> None:
    of = space(CHAIN, VARY)
    every = rows(sweep(Question(of), 1))
    limits = "macs >= 400k and macs < 2M and receptive_field >= 20 and memory.params <= 20 kB"
    found = rows(sweep(Question(of, limits=tuple(parse_figure_limits(limits))), 1))
    kept = {
        number: row
        for number, row in every.items()
        if 400_000 <= row.sums[2] < 2_000_000
        and row.sums[5] <= 20_000
        and all(axis is not None and axis[0] >= 20 for axis in row.seen)
    }
    assert 0 < len(kept) < len(every)
    assert found == kept


def test_a_limit_on_the_training_step_is_looked_at_last() -> None:
    of = space(CHAIN, {"a": "4..12:4", "e": "0..2"})
    peaks = {}
    for number in range(of.size):
        training = loads(CHAIN, **of.settings_of(of.digits(number))[0]).analyze().training
        assert training is not None
        peaks[number] = training.peak
    middle = sorted(peaks.values())[4]
    found = sweep(Question(of, limits=tuple(parse_figure_limits(f"memory.training_peak <= {middle} B"))), 1)
    assert set(found.numbers) == {number for number, peak in peaks.items() if peak <= middle}


def test_a_sample_has_the_figures_of_the_whole() -> None:
    of = space(CHAIN, VARY)
    every = rows(sweep(Question(of), 1))
    sample = rows(sweep(Question(of, sample=50, seed=3), 1))
    assert len(sample) == 50
    assert sample.items() <= every.items()
    assert sample == rows(sweep(Question(of, sample=50, seed=3), 1))
    assert sample != rows(sweep(Question(of, sample=50, seed=4), 1))
    assert rows(sweep(Question(of, sample=10_000), 1)) == every


def test_a_sample_of_a_space_that_nobody_can_list() -> None:
    of = space(CHAIN, dict.fromkeys("abc", "4..9000") | {"e": "0..30", "f": "0..30"})
    assert of.size > 6 * 10**14
    found = sweep(Question(of, sample=30), 1)
    assert len(found) == 30
    assert found.checked == 20


def test_several_processes_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "BLOCK_ROWS", 20)
    monkeypatch.setattr(work_module, "BLOCK_ROWS", 20)
    question = Question(space(CHAIN, VARY))
    assert len(tasks_of(question, Engine(question.space, question.conditions))) > 10
    assert rows(sweep(question, 2)) == rows(sweep(question, 1))


def test_a_difference_ends_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever part is wrong, in whatever figure."""
    right = stage_of

    def wrong(*given: object) -> object:
        found = right(*given)  # type: ignore[arg-type]
        return found._replace(activations=found.activations + 1) if isinstance(found, Stage) else found

    monkeypatch.setattr("archlab.sweep.engine.stage_of", wrong)
    with pytest.raises(ConfigError, match=r"a=4, .*: the parts do not give what the whole gives: activations "):
        sweep(Question(space(CHAIN, VARY)), 1)


def test_every_sweep_compares_twenty_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(work_module, "require_equal", lambda _space, number, *_: asked.append(number))
    designs = sweep(Question(space(CHAIN, VARY)), 1)
    assert designs.checked == len(asked) == len(set(asked)) == 20


def test_a_sweep_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "BLOCK_ROWS", 20)
    monkeypatch.setattr(work_module, "BLOCK_ROWS", 20)
    question, target = Question(space(CHAIN, VARY)), tmp_path / "a.csv"
    expected = rows(sweep(question, 1))
    tasks = len(tasks_of(question, Engine(question.space, question.conditions)))
    made: list[int] = []

    def some(task: object, engine: object, asked: object) -> object:
        if len(made) == 7:
            raise KeyboardInterrupt
        made.append(1)
        return done(task, engine, asked)  # type: ignore[arg-type]

    monkeypatch.setattr(run_module, "done", some)
    with pytest.raises(KeyboardInterrupt):
        sweep(question, 1, resume=target)
    journal = tmp_path / "a.csv.part"
    with journal.open("a") as file:
        file.write('{"task": 40, "numb')  # as a process leaves it that is killed
    again: list[int] = []

    def rest(task: object, engine: object, asked: object) -> object:
        again.append(1)
        return done(task, engine, asked)  # type: ignore[arg-type]

    monkeypatch.setattr(run_module, "done", rest)
    assert rows(sweep(question, 1, resume=target)) == expected
    assert len(again) == tasks - 7
    assert not journal.exists()


def test_a_journal_of_another_sweep_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv.part").write_text('{"sweep": "other"}\n')
    with pytest.raises(ConfigError, match=r"a\.csv\.part is of another sweep"):
        sweep(Question(space(CHAIN, VARY)), 1, resume=tmp_path / "a.csv")
