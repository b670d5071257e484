"""What a problem's hint says, as an edit of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from archlab.config.syntax.yaml_nodes import Mapping
from archlab.diagnostics.hint import meant_by
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import Problem
from archlab.editor.snapshot import Snapshot
from archlab.editor.tree import item_at, tree_of

_QUOTED = re.compile(r"'([^']{1,80})'")
_OPTION = re.compile(r"; write ([a-z_0-9]+): ([A-Za-z0-9_.]+)(?=[\s,;]|$)")
_IN_FRONT = re.compile(r"; put (\{type: [a-z_0-9]+\}) in front of it")
_LEAVE_OUT = re.compile(r"(?:; leave out|; remove) '([a-z_]+)(?:: [a-z]+)?'$")
_AS_NUMBER = re.compile(r"; write (-?[0-9][0-9.]*[A-Za-z]*|null|true|false)$")


class Action(NamedTuple):
    """An edit that mends a problem.

    Attributes:
        title: what it does.
        place: the text that it takes away.
        text: what it puts there.
    """

    title: str
    place: Place
    text: str


def actions(problem: Problem, snapshot: Snapshot) -> list[Action]:
    """What the hints of a problem say, as far as it can be done in this text."""
    if problem.place is None or problem.place.source != snapshot.source:  # another file's, or told of an earlier text
        return []
    return list(_actions(problem.message, problem.place, snapshot))


def _actions(message: str, place: Place, snapshot: Snapshot) -> Iterator[Action]:
    meant, wrong = meant_by(message), _QUOTED.search(message)
    if meant and wrong:
        stretch = _word_in(place, wrong[1])
        if stretch is not None:
            yield Action(f"Change to {meant}", stretch, meant)
    root = tree_of(snapshot.source)
    item = None if root is None else item_at(root, place.line, place.column)
    option = _OPTION.search(message)
    if option and item is not None:
        yield from _set(item, option[1], option[2])
    in_front = _IN_FRONT.search(message)
    if in_front and item is not None:
        yield from _put_in_front(item, in_front[1])
    left_out = _LEAVE_OUT.search(message)
    if left_out and item is not None and left_out[1] in item.entries:
        yield from _remove(item, left_out[1])
    number = _AS_NUMBER.search(message)
    if number and place.line == place.end_line and item is not None and place != item.place:
        yield Action(f"Write {number[1]}", place, number[1])


def _word_in(place: Place, word: str) -> Place | None:
    """The word in a stretch of text, where it stands there once."""
    if place.line != place.end_line:
        return None
    written = place.source.line(place.line)[place.column : place.end_column]
    found = list(re.finditer(rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])", written))
    return place.within(found[0].start(), len(word)) if len(found) == 1 else None


def _set(item: Mapping, key: str, value: str) -> Iterator[Action]:
    """Give an option a value, written or not."""
    title = f"Write {key}: {value}"
    written = item.entries.get(key)
    if written is not None:
        yield Action(title, written.place, value)
        return
    last = list(item.entries.values())[-1].place
    line, column = last.end_line, last.end_column
    here = Place(last.source, line, column, line, column)
    yield Action(title, here, f", {key}: {value}" if _is_flow(item) else f"\n{' ' * item.place.column}{key}: {value}")


def _is_flow(item: Mapping) -> bool:
    """Whether it is written as `{...}`."""
    return item.place.source.line(item.place.line)[item.place.column : item.place.column + 1] == "{"


def _put_in_front(item: Mapping, text: str) -> Iterator[Action]:
    """A line in front of an item that has a line of its own."""
    place = item.place
    before = place.source.line(place.line)[: place.column]
    if before.strip() == "-":
        start = Place(place.source, place.line, 0, place.line, 0)
        yield Action(f"Put {text} in front", start, f"{before}{text}\n")


def _remove(item: Mapping, key: str) -> Iterator[Action]:
    """Take an option away, with the comma in front of it; only where it is written on one line of its item."""
    start, value = item.keys[key], item.entries[key].place
    if not _is_flow(item) or start.line != value.end_line:
        return
    before = start.source.line(start.line)[: start.column]
    comma = re.search(r",\s*\Z", before)
    if comma:
        stretch = Place(start.source, start.line, comma.start(), start.line, value.end_column)
        yield Action(f"Remove {key}", stretch, "")
