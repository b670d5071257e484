"""A text that is no YAML for the moment, without the line that is being typed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archlab.diagnostics.place import Place

MOST_LINES = 4
"""Lines that are tried: a bracket that is not closed is noticed below its line."""
_ITEM = re.compile(r"\s*- ")


def without_a_line(broken: Place) -> Iterator[str]:
    """Texts in which an item of which nothing is known stands in place of a line, or nothing; all others stay.

    Args:
        broken: where the text cannot be read.
    """
    lines = broken.source.lines
    for number in range(min(broken.line, len(lines) - 1), max(-1, broken.line - MOST_LINES), -1):
        item = _ITEM.match(lines[number])
        for instead in ([f"{item[0]}{{}}"] if item else []) + [""]:  # an item may stand where none can
            yield "\n".join([*lines[:number], instead, *lines[number + 1 :]])
