"""YAML text to nodes that know where they stand.

The parser's *events* are read rather than its trees: that keeps a position on every node, resolves
scalars by YAML 1.2's core schema (`yes`, `on` and `1_000` are strings, `010` is ten), finds duplicate
keys, and bounds depth and size before anything is built.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import Any

import yaml

from archlab.config.syntax.limits import MAX_DIGITS, MAX_STRING_LENGTH, MAX_YAML_DEPTH, MAX_YAML_NODES
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import ConfigError, Problem, Problems, single_problem

LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

ScalarValue = str | int | float | bool | None


@dataclass(slots=True, eq=False)
class Scalar:
    """A single value."""

    value: ScalarValue
    text: str
    plain: bool
    """Written without quotes."""
    place: Place


@dataclass(slots=True, eq=False)
class Sequence:
    """A list."""

    items: list[Node]
    place: Place


@dataclass(slots=True, eq=False)
class Mapping:
    """Keys and values in the order of the text."""

    entries: dict[str, Node]
    keys: dict[str, Place]
    place: Place


Node = Scalar | Sequence | Mapping


def kind(node: Node) -> str:
    """What a node is, in words for a message."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    return value_kind(node.value)


def value_kind(value: object) -> str:
    """What a value is, in words for a message."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text '{value}'" if len(value) <= 60 else f"the text '{value[:57]}...'"
    return "a mapping" if isinstance(value, dict) else "a list"


# YAML 1.2 core schema, section 10.3.2
_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")


def resolve_plain(text: str) -> ScalarValue:
    """The value of an unquoted scalar.

    Raises:
        ValueError: for numbers that are infinite, not a number, or too long.
    """
    first = text[:1]
    if first.isalpha() and first not in "nNtTfF":  # most scalars are words
        return text
    if len(text) <= MAX_DIGITS and text.isdigit() and text.isascii():  # and most others small numbers
        return int(text)
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    number = _number(text)
    return text if number is None else number


def _number(text: str) -> int | float | None:
    based = _BASED.match(text)
    if based or _INTEGER.match(text):
        if len(text.lstrip("+-").lstrip("0")) > MAX_DIGITS:
            raise ValueError(f"the number {text[:20]}... is too large")
        return int(text, 0) if based else int(text)
    if _FLOAT.match(text):
        value = float(text)
        if isfinite(value):
            return value
        raise ValueError(f"the number {text[:20]} is too large")
    if _NOT_FINITE.match(text):
        raise ValueError(f"{text} is not a finite number")
    return None


def parse(source: Source, problems: Problems, most: int = MAX_YAML_NODES) -> Node:
    """The one document of a YAML text.

    Problems that leave the tree usable (duplicate keys, huge numbers) are collected.

    Args:
        source: the text.
        problems: the collector.
        most: values that it may have, with every alias written out.

    Raises:
        ConfigError: if there is no tree to go on with.
    """
    try:
        return _Builder(source, problems, most).build()
    except UnicodeEncodeError:
        raise single_problem(f"{source.name} holds characters that are no text", Code.YAML_SYNTAX) from None
    except yaml.YAMLError as error:
        raise ConfigError([*problems.found, _syntax_problem(source, error)]) from None


def _syntax_problem(source: Source, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    detail = str(getattr(error, "problem", None) or error).split("\n", maxsplit=1)[0]
    place = None
    if mark is not None:
        line, column = _visible_mark(source, mark.line, mark.column)
        place = Place(source, line, column, line, column + 1)
    return Problem(f"not valid YAML: {detail}{_syntax_hint(source, place)}", Code.YAML_SYNTAX, place)


def _visible_mark(source: Source, line: int, column: int) -> tuple[int, int]:
    """libyaml marks the end of the text one line too far; step back to something one can see."""
    last = source.text.count("\n")
    while line > 0 and (line > last or not source.line(line).strip()):
        line, column = line - 1, len(source.line(line - 1))
    return line, min(column, len(source.line(line)))


def _syntax_hint(source: Source, place: Place | None) -> str:
    if place is None:
        return ""
    line = source.line(place.line)
    return _line_hint(line) or _item_hint(line, source.line(place.line - 1) if place.line else "")


def _line_hint(line: str) -> str:
    """What is wrong with a line by itself."""
    if line.lstrip(" ").startswith("\t"):
        return "; indent with spaces, not tabs"
    if "${" in line:
        return "; write expressions as $(...), since braces mean a mapping in YAML"
    if "$(" in line and "[" in line[line.index("$(") :]:
        return "; inside {...}, put an expression with a comma or a bracket in quotes"
    bare = re.search(r"(?:: |[,\[]) *(>=? *[0-9.]+ *[A-Za-z]*)", line)
    if bare is not None:
        return f"; put what begins with '>' in quotes, as '{bare.group(1).strip()}': it begins a block of text in YAML"
    return ""


def _item_hint(line: str, before: str) -> str:
    """What is wrong with an item's line below another."""
    if line.lstrip().startswith("{") and before.lstrip().startswith("- "):
        return "; put a dash in front of the item, as on the line above"
    if re.match(r"\s*- \w+:", before) and _indent(line) > before.index("-") + 2:
        return f"; the keys of an item begin in one column, here column {before.index('-') + 3}"
    return ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


class _Open:
    """A collection that is being read."""

    __slots__ = ("anchor", "height", "key", "key_place", "node", "size")

    def __init__(self, node: Sequence | Mapping, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: str | None = None
        self.key_place: Place | None = None
        self.size = 1
        self.height = 1
        """Levels from it down to its deepest value so far."""


class _Builder:
    """Builds nodes from events with an explicit stack, so that depth never meets Python's recursion limit."""

    def __init__(self, source: Source, problems: Problems, most: int) -> None:
        self._source = source
        self._problems = problems
        self._most = most
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._resolved: dict[str, ScalarValue] = {}
        """The values of unquoted texts so far."""
        self._root: Node | None = None
        self._documents = 0

    def build(self) -> Node:
        for event in yaml.parse(self._source.text, Loader=LOADER):
            if type(event) is yaml.ScalarEvent:  # most of them are
                self._on_scalar(event)
            else:
                self._on_event(event)
        if self._root is None:
            start = Place(self._source, 0, 0, 0, 1)
            raise single_problem(
                "the file is empty; a config needs at least 'input' and 'layers'", Code.EMPTY_FILE, start
            )
        return self._root

    def _on_event(self, event: Any) -> None:
        kind_of = type(event)
        if kind_of is yaml.MappingStartEvent or kind_of is yaml.SequenceStartEvent:
            self._open(event, is_mapping=kind_of is yaml.MappingStartEvent)
        elif kind_of is yaml.MappingEndEvent or kind_of is yaml.SequenceEndEvent:
            self._close(event)
        elif kind_of is yaml.AliasEvent:
            self._alias(event)
        elif kind_of is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                raise single_problem(
                    "a config is one YAML document; remove this second '---'",
                    Code.SEVERAL_DOCUMENTS,
                    self._place(event),
                )

    def _place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        return Place(self._source, start.line, start.column, end.line, end.column)

    def _untagged(self, event: Any, place: Place) -> None:
        if event.tag is not None and event.tag != "!":
            message = f"YAML tags such as {event.tag} are not part of a config; remove it"
            raise single_problem(message, Code.YAML_TAG, place)

    def _on_scalar(self, event: Any) -> None:
        start, end = event.start_mark, event.end_mark
        place = Place(self._source, start.line, start.column, end.line, end.column)
        if event.tag is not None:
            self._untagged(event, place)
        text: str = event.value
        plain = not event.style
        value: ScalarValue = text
        if plain:
            value = self._resolved[text] if text in self._resolved else self._resolve(text, place)
        if len(text) > MAX_STRING_LENGTH and isinstance(value, str):
            self._problems.add(
                f"a text of {len(text)} characters; at most {MAX_STRING_LENGTH} are allowed", Code.LONG_TEXT, place
            )
            value = text = text[:50]
        self._close_value(Scalar(value, text, plain, place), event.anchor, 1, 0)

    def _resolve(self, text: str, place: Place) -> ScalarValue:
        """What an unquoted text stands for: worked out once, since few texts stand in a config once only."""
        try:
            value = self._resolved[text] = resolve_plain(text)
        except ValueError as error:
            self._problems.add(f"{error}; write a finite number of reasonable size", Code.HUGE_NUMBER, place)
            return 1
        return value

    def _open(self, event: Any, *, is_mapping: bool) -> None:
        place = self._place(event)
        self._untagged(event, place)
        if len(self._stack) >= MAX_YAML_DEPTH:
            raise single_problem(f"nested deeper than {MAX_YAML_DEPTH} levels", Code.TOO_DEEP, place)
        if self._stack and isinstance(self._stack[-1].node, Mapping) and self._stack[-1].key is None:
            what = "a mapping" if is_mapping else "a list"
            hint = "; write expressions as $(...), not ${...} or {{...}}" if is_mapping else ""
            raise single_problem(f"{what} cannot be a key{hint}", Code.BAD_KEY, place)
        node: Sequence | Mapping = Mapping({}, {}, place) if is_mapping else Sequence([], place)
        self._stack.append(_Open(node, event.anchor))

    def _close(self, event: Any) -> None:
        opened = self._stack.pop()
        start, end = opened.node.place, event.end_mark
        # A block collection ends where the next token starts; keep the marker on its first line.
        opened.node.place = Place(self._source, start.line, start.column, end.line, end.column)
        self._close_value(opened.node, opened.anchor, opened.size, opened.height)

    def _alias(self, event: Any) -> None:
        place = self._place(event)
        if event.anchor not in self._anchors:
            raise single_problem(f"there is no anchor '&{event.anchor}' above", Code.UNKNOWN_ANCHOR, place)
        node, size, height = self._anchors[event.anchor]
        if len(self._stack) + height > MAX_YAML_DEPTH:
            raise single_problem(
                f"nested deeper than {MAX_YAML_DEPTH} levels (aliases written out)", Code.TOO_DEEP, place
            )
        self._close_value(node, None, size, height)

    def _close_value(self, node: Node, anchor: str | None, size: int, height: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, size, height)
        if not self._stack:
            self._root = node
            return
        top = self._stack[-1]
        top.size += size
        if height >= top.height:
            top.height = height + 1
        if top.size > self._most:
            raise single_problem(
                f"more than {self._most:,} YAML values (aliases written out)", Code.TOO_LARGE, node.place
            )
        parent = top.node
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif top.key is None:
            if not isinstance(node, Scalar):
                raise single_problem("only plain words can be keys", Code.BAD_KEY, node.place)
            top.key, top.key_place = node.text, node.place
        else:
            self._entry(top, parent, node)

    def _entry(self, top: _Open, mapping: Mapping, node: Node) -> None:
        key, place = top.key, top.key_place
        top.key = None
        assert key is not None
        assert place is not None
        if key in mapping.entries:
            first = mapping.keys[key].line + 1
            message = f"the key '{printable_key(key)}' is written twice (first on line {first})"
            self._problems.add(message, Code.DUPLICATE_KEY, place)
            return
        mapping.entries[key] = node
        mapping.keys[key] = place


def printable_key(key: str) -> str:
    """A key for a message: short."""
    return key if len(key) <= 60 else key[:57] + "..."
