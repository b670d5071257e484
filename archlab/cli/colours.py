"""Errors in colour, where a person reads them: place, caret and code apart from the sentence."""

from __future__ import annotations

import os
import re
import sys

RED, CYAN, BOLD, PLAIN = "\x1b[1;31m", "\x1b[36m", "\x1b[1m", "\x1b[0m"
_HEAD = r"(?P<place>\S+:\d+:\d+: )?(?P<text>.*)(?P<code>  \[[a-z-]+\])"
_CARET = r"(?P<margin> *\| *)(?P<mark>\^~*)"


def has_colours() -> bool:
    """Whether stderr is a terminal that shows colours, and nobody objects (https://no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured_error(program: str, message: str) -> str:
    """`archlab analyze: error: ...`."""
    error = f"{RED}error:{PLAIN}" if has_colours() else "error:"
    return f"{program}: {error} {message}"


def coloured_problems(text: str) -> str:
    """Problems as `Problem.render` writes them."""
    return "\n".join(map(_coloured, text.split("\n"))) if has_colours() else text


def _coloured(line: str) -> str:
    caret = re.fullmatch(_CARET, line)
    if caret:
        return f"{caret['margin']}{RED}{caret['mark']}{PLAIN}"
    head = re.fullmatch(_HEAD, line)
    if head is None:
        return line
    place = f"{BOLD}{head['place']}{PLAIN}" if head["place"] else ""
    return f"{place}{RED if not place else ''}{head['text']}{'' if place else PLAIN}{CYAN}{head['code']}{PLAIN}"
