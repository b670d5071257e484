"""Texts from configs inside of spreadsheets and Markdown: what is a name there stays a name."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

_FORMULA = re.compile(r"""(^|[;|\t\r\n])(?=[\s"']*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|[\t\r\n']|'\s*$)""")
"""Where a formula could begin: at the start of a cell, or behind what some spreadsheets take for the next one."""
_HARMLESS = re.compile(r"[+-]?[\d.,/]*\Z")
_MARKS = re.compile(r"[\\`*\[\]~|$]|(?<![^\W_])_|_(?![^\W_])|(?<=www)\.|:(?=//)|(?<=\w)@(?=\w)")
"""What means something in Markdown; `_` between letters does not."""

_MOST_KNOWN = 10_000
"""Texts whose form is remembered: those in a column are often the same."""


def spreadsheet_text(value: object) -> object:
    """A cell that no spreadsheet takes for a formula: an apostrophe goes in front of a text that begins as one.

    So begin `=`, `+`, `-`, `@` and their full-width forms, also behind white space, tabs and line ends. A text that
    begins with an apostrophe gets one more, so that taking one off gives it back. So does what follows `;`,
    `|` or a tab, where some spreadsheets begin another cell. Numbers stay numbers.
    """
    return _harmless(value) if isinstance(value, str) else value


@lru_cache(_MOST_KNOWN)
def _harmless(text: str) -> str:
    return text if _HARMLESS.match(text) else _FORMULA.sub(r"\1'", text)


@lru_cache(_MOST_KNOWN)
def markdown_text(text: str) -> str:
    """A text on one line of Markdown whose characters mean themselves: no markup, no HTML, no links."""
    return _MARKS.sub(r"\\\g<0>", escape(" ".join(text.splitlines()), quote=False))
