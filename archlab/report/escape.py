"""Texts from configs inside of spreadsheets and Markdown: what is a name there stays a name."""

from __future__ import annotations

import re
from html import escape

_FORMULA = re.compile(r"""(^|[;|\t\r\n])(?=[\s"']*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|[\t\r\n']|'\s*$)""")
"""Where a formula could begin: at the start of a cell, or behind what some spreadsheets take for the next one."""
_HARMLESS = re.compile(r"[+-]?[\d.,/]*\Z")
_MARKS = re.compile(r"[\\`*\[\]~|$]|(?<![^\W_])_|_(?![^\W_])|(?<=www)\.|:(?=//)|(?<=\w)@(?=\w)")
"""What means something in Markdown; `_` between letters does not."""


def spreadsheet_text(value: object) -> object:
    """A cell that no spreadsheet takes for a formula: an apostrophe goes in front of a text that begins as one.

    So begin `=`, `+`, `-`, `@` and their full-width forms, also behind white space, tabs and line ends. A text that
    begins with an apostrophe gets one more, so that taking one off gives it back. So does what follows `;`,
    `|` or a tab, where some spreadsheets begin another cell. Numbers stay numbers.
    """
    if not isinstance(value, str) or _HARMLESS.match(value):
        return value
    return _FORMULA.sub(r"\1'", value)


def markdown_text(text: str) -> str:
    """A text on one line of Markdown whose characters mean themselves: no markup, no HTML, no links."""
    return _MARKS.sub(r"\\\g<0>", escape(" ".join(text.splitlines()), quote=False))
