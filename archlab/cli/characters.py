"""Streams that cannot show every character: what is written in its place.

A bar stays a bar (`#`), a rule a rule (`-`), an accented letter its letter; anything else becomes `?`.
"""

from __future__ import annotations

import codecs
import os
import sys
from io import TextIOWrapper
from unicodedata import normalize

DRAWN = {
    **dict.fromkeys("\u2500\u2501\u2550\u2504\u2508\u2574\u2576\u2578\u257a\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    **dict.fromkeys("\u2502\u2503\u2551\u2506\u250a\u2575\u2577", "|"),
    **dict.fromkeys("\u2588\u2589\u258a\u258b\u258c\u2593\u2592", "#"),
    **dict.fromkeys("\u258d\u258e\u258f", "."),
    **dict.fromkeys("\u2018\u2019", "'"),
    **dict.fromkeys("\u201c\u201d", '"'),
    **{chr(code): "+" for code in range(0x250C, 0x254C)},
    "\u00d7": "x",
    "\u00b7": ".",
    "\u2026": "...",
    "\u2192": "->",
    "\u2190": "<-",
    "\u2193": "v",
    "\u2191": "^",
    "\u2264": "<=",
    "\u2265": ">=",
}
"""What archlab and its libraries draw with, in ASCII."""
_TABLE = str.maketrans(DRAWN)
HANDLER = "archlab.plain"


def prepare_streams() -> None:
    """Let stdout and stderr write what they can show, and something near it for the rest."""
    codecs.register_error(HANDLER, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def shown(text: str) -> str:
    """A text as the locale shows it: without drawn characters where that is `C` by name, names as they are.

    Python writes UTF-8 there. That keeps names whole in a pipe, but is no reason to draw.
    """
    return text.translate(_TABLE) if _is_plain_locale() else text


def _is_plain_locale() -> bool:
    named = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "")
    return named in ("C", "POSIX")


def _plain(error: UnicodeError) -> tuple[str, int]:
    """The handler for characters that an encoding has not."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join([_near(letter) for letter in text]), error.end


def _near(letter: str) -> str:
    if letter in DRAWN:
        return DRAWN[letter]
    base = normalize("NFKD", letter).encode("ascii", "ignore").decode("ascii")
    return base if base.isprintable() and base else "?"
