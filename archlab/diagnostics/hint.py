"""What a problem's message says to write instead, as programs use it."""

from __future__ import annotations

import re

_END = "; "
"""Of what is wrong."""
_QUOTED_OR_END = re.compile(rf"(?<!\w)'[^']*'|{_END}")
_MEANT = re.compile(r"; did you mean '([^']+)'")


def hint_of(message: str) -> str | None:
    """What to write instead: the part behind what is wrong; None where the message says nothing of it."""
    for found in _QUOTED_OR_END.finditer(message):
        if found[0] == _END:
            return message[found.end() :]
    return None


def meant_by(message: str) -> str | None:
    """The word that should stand at the problem's place; None where none is likely."""
    found = _MEANT.search(message)
    return found[1] if found else None
