"""A sweep on the workers of a Dask cluster: the same pieces of work, wherever they are done.

Each piece is sent with all that it needs, so that one whose worker has died is done by another; its result counts once.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, Problem, single_problem
from archlab.diagnostics.requirements import require
from archlab.sweep.engine import Engine
from archlab.sweep.figures import Designs
from archlab.sweep.work import Question, Task, done
from archlab.version import __version__

PATIENCE = "20s"
"""For the scheduler's answer."""
RETRIES = 5
"""Of a piece of work whose worker has died."""

_engines: dict[bytes, tuple[Engine, Question]] = {}
"""In a worker: that of the last question, whose parts are known from piece to piece."""

Answer = tuple[str, Designs | list[Problem]]
"""The worker's version of archlab, and what it has found."""


def remote_results(question: Question, tasks: Sequence[Task], address: str) -> Iterator[tuple[int, Designs]]:
    """What each piece of work gives, as it comes, by its number.

    Args:
        question: what is asked.
        tasks: the pieces.
        address: of the scheduler: `tcp://host:8786`.

    Raises:
        ConfigError: if there is no scheduler, a worker has another version, or a design is not what it should be.
        MissingRequirementError: without the extra `dask`.
    """
    require("distributed", "dask", "a sweep on a cluster")
    from distributed import Client, as_completed

    data = pickle.dumps(question)
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise single_problem(f"--dask {address}: there is no scheduler: {error}", Code.UNREADABLE) from None
    with client, client.as_current():
        futures = {
            client.submit(answer, data, task, pure=False, retries=RETRIES): number for number, task in enumerate(tasks)
        }
        for future, found in as_completed(futures, with_results=True):
            yield futures[future], _checked(found)


def _checked(found: Answer) -> Designs:
    version, designs = found
    if version != __version__:
        message = f"a worker has archlab {version}, and this is {__version__}; all must have one version"
        raise single_problem(message, Code.VERSION)
    if not isinstance(designs, Designs):
        raise ConfigError(designs)
    return designs


def answer(data: bytes, task: Task) -> Answer:
    """In a worker: what a piece of work gives."""
    known = _engines.get(data)
    if known is None:
        question: Question = pickle.loads(data)  # noqa: S301 - from the client, as the whole call is
        _engines.clear()
        known = _engines[data] = Engine(question.space, question.conditions), question
    engine, question = known
    try:
        return __version__, done(task, engine, question)
    except ConfigError as error:
        return __version__, error.problems
