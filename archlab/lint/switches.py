"""Rules that a config switches off by comments: `# lint: off gridding, even-kernel`, and why, if anything.

At the end of the line on which an item begins, or on a line of its own above it, a comment is for that item; in front
of the file's first key it is for the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import Problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed

_COMMENT = re.compile(r"(?:^|\s)#\s*lint:\s*off\b\s*(?P<names>[a-z-]+(?:\s*,\s*[a-z-]+)*)?")
_NAME = re.compile(r"[a-z-]+")


class Switch(NamedTuple):
    """A comment.

    Attributes:
        line: on which it stands, from 0.
        names: of the rules, with their places.
        place: of the whole comment.
        whole_file: whether it stands in front of the first key.
        own_line: whether nothing else stands on its line.
    """

    line: int
    names: dict[str, Place]
    place: Place
    whole_file: bool
    own_line: bool


def switches(source: Source) -> list[Switch]:
    """The comments of a text."""
    return list(_read(source)) if "lint:" in source.text else []


def _read(source: Source) -> Iterator[Switch]:
    head = True
    for number, line in enumerate(source.lines):
        own_line = line.lstrip().startswith("#")
        head = head and (own_line or not line.strip() or line.startswith("---"))
        found = _COMMENT.search(line)
        if found is None:
            continue
        whole = Place(source, number, 0, number, len(line))
        start = max(found.start("names"), 0)
        names = {
            name.group(): whole.within(start + name.start(), len(name.group()))
            for name in _NAME.finditer(found["names"] or "")
        }
        yield Switch(number, names, whole.within(found.start(), len(line) - found.start()), head, own_line)


def is_off(rule: str, place: Place | None, known: list[Switch]) -> bool:
    """Whether a text's comments switch a rule off at a place in it, or, without one, everywhere."""
    return any(rule in switch.names and (switch.whole_file or _is_at(switch, place)) for switch in known)


def _is_at(switch: Switch, place: Place | None) -> bool:
    return place is not None and place.line == switch.line + switch.own_line


def switch_problems(known: list[Switch], rules: Collection[str]) -> list[Problem]:
    """What is wrong with comments: rules that there are not, or none at all."""
    found = [
        Problem(f"there is no rule '{name}'{did_you_mean(name, rules)}", Code.WRONG_VALUE, place)
        for switch in known
        for name, place in switch.names.items()
        if name not in rules
    ]
    message = f"'lint: off' names no rule; there are {listed(rules)}"
    return found + [Problem(message, Code.MISSING, switch.place) for switch in known if not switch.names]
