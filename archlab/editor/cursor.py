"""Where in a config's tree the cursor stands, also in a text that is not complete.

A mark takes the place of the word at the cursor, what is open there is closed, and the text is read as any other: no
second grammar has to know what YAML is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, parse
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError, Problems, TooManyProblemsError

MARK = "archlab_cursor_mark"
_BEFORE = re.compile(r"[A-Za-z0-9_.*]*\Z")
_AFTER = re.compile(r"[A-Za-z0-9_]*")
_OPENING = {"{": "}", "[": "]", "(": ")"}
_TOKENS = re.compile(r"""(?<![^\s{\[,:(])(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*')|(?:^|(?<=\s))\#[^\n]*|[{}\[\]()]""")


class Step(NamedTuple):
    """One step down the tree.

    Attributes:
        node: a mapping or a list.
        key: of the entry, or the number of the item.
    """

    node: Mapping | Sequence
    key: str | int


class Cursor(NamedTuple):
    """The cursor in the tree.

    Attributes:
        root: the whole tree, with the mark in it.
        steps: from the root down.
        is_key: whether a key is being written; its entry is the last step.
        text: the scalar around the cursor, up to it, the word at the cursor included.
        start: column at which the word begins.
        end: column behind it.
    """

    root: Mapping
    steps: tuple[Step, ...]
    is_key: bool
    text: str
    start: int
    end: int

    @property
    def mappings(self) -> list[tuple[Mapping, str]]:
        """The mappings around the cursor with the key that leads on, the innermost first."""
        found = [(step.node, step.key) for step in reversed(self.steps)]
        return [(node, key) for node, key in found if isinstance(node, Mapping) and isinstance(key, str)]


def cursor_at(text: str, line: int, column: int) -> Cursor | None:
    """Where the cursor stands; None where nothing can be made of the text in front of it."""
    lines = text.split("\n")
    if line >= len(lines):
        return None
    here = lines[line].rstrip("\r")
    before, after = here[:column], here[column:]
    match = _BEFORE.search(before)
    word = "" if match is None else match[0]
    rest = _AFTER.match(after)
    length = 0 if rest is None else rest.end()
    head = "\n".join([*lines[:line], before[: len(before) - len(word)] + MARK])
    for attempt in _attempts(head, after[length:], lines[line + 1 :]):
        found = _find(attempt)
        if found is not None:
            root, steps, is_key, scalar = found
            typed = scalar.partition(MARK)[0] + word
            return Cursor(root, steps, is_key, typed, column - len(word), column + length)
    return None


def _attempts(head: str, after: str, below: list[str]) -> Iterator[str]:
    """Texts with the mark, the most faithful first."""
    tail = "\n".join([after, *below])
    closing = closers(head)
    for colon in ("", ":"):
        yield head + colon + tail
        yield f"{head}{colon}{closing}\n" + "\n".join(below)
        yield head + colon + closing


def closers(text: str) -> str:
    """What closes the brackets that are open at the end of a text."""
    stack: list[str] = []
    for match in _TOKENS.finditer(text):
        token = match[0]
        if token in _OPENING:
            stack.append(_OPENING[token])
        elif stack and token == stack[-1]:
            stack.pop()
    return "".join(reversed(stack))


def _find(text: str) -> tuple[Mapping, tuple[Step, ...], bool, str] | None:
    with suppress(ConfigError, TooManyProblemsError, RecursionError):
        root = parse(Source("", text), Problems())
        if isinstance(root, Mapping):
            found = _search(root, ())
            if found is not None:
                return root, *found
    return None


def _search(node: Node, steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], bool, str] | None:
    """The way to the mark."""
    if isinstance(node, Scalar):
        return (steps, False, node.text) if MARK in node.text else None
    if isinstance(node, Mapping):
        for key, value in node.entries.items():
            here = (*steps, Step(node, key))
            if MARK in key:
                return here, True, key
            found = _search(value, here)
            if found is not None:
                return found
        return None
    for number, value in enumerate(node.items):
        found = _search(value, (*steps, Step(node, number)))
        if found is not None:
            return found
    return None
