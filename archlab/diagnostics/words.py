"""Lists and counts in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice


def listed(known: Iterable[str]) -> str:
    """`a, b, c`, cut after a dozen; `none` for nothing."""
    words = list(islice(known, 13))
    return f"{', '.join(words[:12])}{', ...' if len(words) > 12 else ''}" or "none"


def counted(number: int, noun: str, nouns: str | None = None) -> str:
    """`1 layer`, `12 layers`; `2 axes` where the plural is given."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {nouns or noun + 's'}"


def one_of(known: Iterable[str]) -> str:
    """`a, b or c`."""
    words = list(known)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def all_of(known: Iterable[str]) -> str:
    """`a, b and c`."""
    words = list(known)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
