"""A sweep on a cluster gives what it gives here, also where a worker is killed in the middle."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from archlab.config.tree.figures import parse_figure_limits
from archlab.diagnostics.problem import ConfigError
from archlab.sweep import remote
from archlab.sweep import work as work_module
from archlab.sweep.engine import Engine
from archlab.sweep.remote import answer, remote_results
from archlab.sweep.run import sweep
from archlab.sweep.work import Question, tasks_of
from tests.sweep.spaces import rows, space
from tests.sweep.test_front import CHAIN

VARY = {"a": "4..24:4", "b": "[4, 8]", "c": "[4, 8, 16]", "e": "0..3", "f": "1..4", "k": "$(3 if a > 8 else 1)"}


@pytest.fixture
def question(monkeypatch: pytest.MonkeyPatch) -> Question:
    monkeypatch.setattr(work_module, "BLOCK_ROWS", 20)
    return Question(space(CHAIN, VARY), limits=tuple(parse_figure_limits("macs <= 3M")))


def test_a_question_can_be_sent(question: Question) -> None:
    tasks = tasks_of(question, Engine(question.space, question.conditions))
    data = pickle.dumps(question)
    found: dict[int, Any] = {}
    for task in pickle.loads(pickle.dumps(tasks)):  # noqa: S301 - our own
        _, designs = pickle.loads(pickle.dumps(answer(data, task)))  # noqa: S301 - our own
        found |= rows(designs)
    assert found == rows(sweep(question, 1))


def test_problems_come_back(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> None:
        from archlab.diagnostics.codes import Code
        from archlab.diagnostics.problem import single_problem

        raise single_problem("they differ", Code.EXPECT)

    monkeypatch.setattr(work_module, "require_equal", wrong)
    tasks = tasks_of(question, Engine(question.space, question.conditions))
    found = answer(pickle.dumps(question), next(task for task in tasks if task.checked))
    with pytest.raises(ConfigError, match="they differ"):
        remote._checked(found)
    with pytest.raises(ConfigError, match=r"a worker has archlab 0\.0\.1, and this is"):
        remote._checked(("0.0.1", found[1]))


@pytest.fixture
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as found:
        yield found


@pytest.mark.filterwarnings("ignore")
def test_with_a_killed_worker(question: Question, cluster: Any) -> None:
    expected = rows(sweep(question, 1))
    tasks = tasks_of(question, Engine(question.space, question.conditions))
    pids = [worker.pid for worker in cluster.workers.values()]
    numbers: list[int] = []
    found: dict[int, Any] = {}
    for number, designs in remote_results(question, tasks, cluster.scheduler_address):
        if len(numbers) == 3:
            os.kill(pids[0], signal.SIGKILL)
        numbers.append(number)
        assert not found.keys() & rows(designs).keys()
        found |= rows(designs)
    assert len(tasks) > 20
    assert sorted(numbers) == list(range(len(tasks)))
    assert found == expected
    assert rows(sweep(question, dask=cluster.scheduler_address)) == expected


@pytest.mark.filterwarnings("ignore")
def test_no_scheduler(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(remote, "PATIENCE", "0.5s")
    with pytest.raises(ConfigError, match=r"--dask tcp://127\.0\.0\.1:9: there is no scheduler"):
        sweep(question, dask="tcp://127.0.0.1:9")
