"""How messages write an argument: as Python's, or as whoever calls the library has it.

A message names an argument by its name in Python (`batch=2`). The command line, which knows the same argument as
`--batch 2`, says so around what it calls; nothing below it knows an option's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Spelling:
    """Arguments as in Python.

    Attributes:
        layers: where the layers of a network are listed.
    """

    layers = "the analysis' layers"

    def argument(self, name: str, value: object = None) -> str:
        """An argument, with a value where one is given."""
        return name if value is None else f"{name}={value}"

    def param(self, name: str) -> str:
        """How a config's param gets a value."""
        return f"{name}=..."


_current: ContextVar[Spelling] = ContextVar("spelling")
_PYTHON = Spelling()


def argument(name: str, value: object = None) -> str:
    """An argument as the caller writes it: `batch=2`."""
    return spelling().argument(name, value)


def spelling() -> Spelling:
    """The caller's."""
    return _current.get(_PYTHON)


@contextmanager
def spelled(chosen: Spelling) -> Iterator[None]:
    """Write arguments so in what follows."""
    token = _current.set(chosen)
    try:
        yield
    finally:
        _current.reset(token)
