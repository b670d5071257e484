"""A sweep: every design of a space, or a sample of them, with limits, on several processes or a cluster."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from archlab.sweep.engine import BLOCK_ROWS, Engine
from archlab.sweep.figures import Designs, joined
from archlab.sweep.journal import Journal
from archlab.sweep.table import EXAMPLES
from archlab.sweep.work import Question, Task, done, tasks_of

Report = Callable[[int, int], None]
"""Told of the tasks done and of all."""


def sweep(
    question: Question,
    processes: int | None = None,
    report: Report | None = None,
    resume: Path | None = None,
    dask: str | None = None,
) -> Designs:
    """The designs that are asked for, within the limits, in the order of their numbers.

    Args:
        question: what is asked.
        processes: how many; by default one for each processor.
        report: told how far it is.
        dask: the address of a scheduler, whose workers do it instead.
        resume: the file that the result will be written to: what is done is kept beside it until all is.

    Raises:
        ConfigError: where a design is not what the plain analysis says of it.
    """
    question.require_few()
    engine = Engine(question.space, question.conditions)
    tasks = tasks_of(question, engine)
    journal = None if resume is None else Journal(resume, question.text)
    found: dict[int, Designs] = {} if journal is None else dict(journal.done)
    open_tasks = [number for number in range(len(tasks)) if number not in found]
    waiting = [tasks[number] for number in open_tasks]
    if dask is None:
        parts = results(question, engine, waiting, processes)
    else:
        from archlab.sweep.remote import remote_results

        parts = remote_results(question, waiting, dask)
    for place, part in parts:
        number = open_tasks[place]
        found[number] = part
        if journal is not None:
            journal.add(number, part)
        if report is not None:
            report(len(found), len(tasks))
    designs = joined([found[number] for number in sorted(found)])
    if journal is not None:
        journal.close()
    return replace(designs, problems=sorted(designs.problems, key=lambda pair: pair[0])[:EXAMPLES])


def results(
    question: Question, engine: Engine, tasks: Sequence[Task], processes: int | None
) -> Iterator[tuple[int, Designs]]:
    """What each task gives, in order, by its number."""
    count = min(processes or processors(), len(tasks))
    if count < 2 or "fork" not in multiprocessing.get_all_start_methods() or question.count < BLOCK_ROWS:
        yield from enumerate(done(task, engine, question) for task in tasks)
        return
    global _INHERITED  # noqa: PLW0603 - a config's compiled expressions cannot be sent, but are inherited
    _INHERITED = engine, question
    try:
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(count, mp_context=context) as pool:
            yield from enumerate(pool.map(_inherited, tasks, chunksize=max(1, len(tasks) // (count * 8))))
    finally:
        _INHERITED = None


_INHERITED: tuple[Engine, Question] | None = None


def _inherited(task: Task) -> Designs:
    assert _INHERITED is not None
    engine, question = _INHERITED
    return done(task, engine, question)


def processors() -> int:
    """How many there are for this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
