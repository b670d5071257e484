"""What a problem's message says to write instead, as programs use it."""

from __future__ import annotations

import re

_MEANT = re.compile(r"; did you mean '([^']+)'\?")


def hint_of(message: str) -> str | None:
    """What to write instead: the part behind what is wrong; None where the message says nothing of it."""
    _, semicolon, hint = message.partition("; ")
    return hint if semicolon else None


def meant_by(message: str) -> str | None:
    """The word that should stand at the problem's place; None where none is likely."""
    found = _MEANT.search(message)
    return found[1] if found else None
