"""Many small cases in few tests: of a case of a few milliseconds pytest would take as much again to handle it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import pytest
from _pytest.mark.structures import ParameterSet

Case = TypeVar("Case")


def in_chunks(cases: Iterable[Case], size: int = 25) -> list[ParameterSet]:
    """Arguments for `pytest.mark.parametrize`: so many cases each, in their order."""
    whole = list(cases)
    return [
        pytest.param(whole[first : first + size], id=f"{first}-{min(first + size, len(whole)) - 1}")
        for first in range(0, len(whole), size)
    ]


def check_each(cases: Sequence[Case], check: Callable[[Case], None]) -> None:
    """Check every case, whatever others gave, and fail with all that is wrong, named by its case.

    A case that is skipped is wrong too: what cannot be checked is left out of the list.
    """
    assert cases
    failures = []
    for case in cases:
        try:
            check(case)
        except (Exception, pytest.fail.Exception, pytest.skip.Exception):  # noqa: BLE001 - what a test would tell
            failures.append(f"{case!r}\n{traceback.format_exc()}")
    if failures:
        pytest.fail(f"{len(failures)} of {len(cases)} cases:\n" + "\n".join(failures), pytrace=False)
