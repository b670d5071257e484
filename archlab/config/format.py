"""`archlab fmt`: one way to write a config. Comments stay, and so does every value as it is written.

Top-level keys and the keys of an item stand in one order; flow collections have one spacing and are broken where a line
would be too long; comments behind neighbouring lines are aligned. What a config means does not change.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from archlab.config.syntax.yaml_nodes import LOADER, Mapping, Node, Scalar, Sequence, parse
from archlab.config.tree.document import KEYS
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import Problems, single_problem

WIDTH = 120
ITEM_KEYS_FIRST = ("name", "type", "use", "from", "with")
ITEM_KEYS_LAST = (
    "norm",
    "activation",
    "scale_activation",
    "init",
    "repeat",
    "first",
    "last",
    "when",
    "shortcut",
    "body",
    "paths",
)
SHORTCUT_BEHIND = (*[key for key in ITEM_KEYS_LAST if key != "shortcut"], "shortcut")
_MOST_PADDING = 40
"""Columns that a comment may be moved to the right to stand under its neighbours."""


def format_config(source: Source) -> str:
    """The formatted text; formatting it again changes nothing. Its lines end as most of them did.

    Raises:
        ConfigError: if it is not YAML, or uses what cannot be formatted: anchors, tags, block scalars.
    """
    end = _line_end(source.text)
    text = _formatted(Source(source.name, source.text.replace("\r\n", "\n"), source.folder))
    return text if end == "\n" else text.replace("\n", end)


def _line_end(text: str) -> str:
    """`CR LF` where more lines end so than with `LF` alone."""
    return "\r\n" if 2 * text.count("\r\n") > text.count("\n") else "\n"


def _formatted(source: Source) -> str:
    _refuse_unusual(source)
    root = parse(source, problems := Problems())
    problems.raise_if_any()
    if not isinstance(root, Mapping):
        raise single_problem("a config is a mapping", Code.WRONG_TYPE, root.place)
    text = _Printer(source, root).text()
    _check_nothing_lost(source, root, text)
    return text


def _refuse_unusual(source: Source) -> None:
    unusual = (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken, yaml.DirectiveToken, yaml.DocumentStartToken)
    try:
        for token in yaml.scan(source.text, Loader=LOADER):
            is_block = isinstance(token, yaml.ScalarToken) and token.style in {"|", ">"}
            if is_block or isinstance(token, unusual):
                mark = token.start_mark
                place = Place(source, mark.line, mark.column, mark.line, mark.column + 1)
                raise single_problem(
                    "fmt leaves files with anchors, tags, `---` and block scalars alone", Code.FORMAT, place
                )
    except yaml.YAMLError:
        return  # the parser says it better


def _check_nothing_lost(source: Source, before: Mapping, text: str) -> None:
    """Refuse a result that means something else: a net under this module's own mistakes."""
    after = parse(Source(source.name, text, source.folder), problems := Problems())
    same = not problems.found and _value(before) == _value(after)
    kept = sorted(_Comments(source, before).texts()) == sorted(_Comments(Source("", text), after).texts())
    if not (same and kept):
        raise single_problem("fmt cannot write this file without losing something; it is left as it is", Code.FORMAT)


def _value(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.text, node.plain
    if isinstance(node, Sequence):
        return [_value(item) for item in node.items]
    return {key: _value(value) for key, value in node.entries.items()}


class _Comments:
    """The comments of a text, by line."""

    def __init__(self, source: Source, root: Node) -> None:
        self.own: dict[int, str] = {}
        """Comments that have a line to themselves."""
        self.behind: dict[int, str] = {}
        """Comments behind something."""
        scalars: dict[int, list[tuple[int, int]]] = {}
        for place in sorted(_scalar_places(root), key=lambda place: (place.line, place.column)):
            for line in range(place.line, place.end_line + 1):
                start = place.column if line == place.line else 0
                end = place.end_column if line == place.end_line else len(source.line(line))
                scalars.setdefault(line, []).append((start, end))
        for number, text in enumerate(source.lines):
            at = _comment_start(text, scalars.get(number, []))
            if at is not None:
                where = self.behind if text[:at].strip() else self.own
                where[number] = text[at:].rstrip()

    def texts(self) -> list[str]:
        """All of them."""
        return [*self.own.values(), *self.behind.values()]


def _comment_start(line: str, scalars: list[tuple[int, int]]) -> int | None:
    """Where a comment begins: at the first `#` behind a space that is in no scalar.

    Args:
        line: of the text.
        scalars: first column and the one behind the last of each scalar, in order.
    """
    at, number = line.find("#"), 0
    while at >= 0:
        while number < len(scalars) and scalars[number][1] <= at:
            number += 1
        is_text = number < len(scalars) and scalars[number][0] <= at
        if not is_text and (at == 0 or line[at - 1] in " \t"):
            return at
        at = line.find("#", at + 1)
    return None


def _scalar_places(node: Node) -> list[Place]:
    if isinstance(node, Scalar):
        return [node.place]
    if isinstance(node, Sequence):
        return [place for item in node.items for place in _scalar_places(item)]
    return [*node.keys.values(), *[place for value in node.entries.values() for place in _scalar_places(value)]]


@dataclass(slots=True)
class _Line:
    """A line of the result."""

    text: str
    comment: str = ""


@dataclass(slots=True)
class _Printer:
    source: Source
    root: Mapping
    _lines: list[_Line] = field(default_factory=list)
    _comments: _Comments = field(init=False)
    _used: set[int] = field(default_factory=set)
    """Lines whose own comment is written."""

    def __post_init__(self) -> None:
        self._comments = _Comments(self.source, self.root)

    def text(self) -> str:
        self._mapping(self.root, 0, _ordered(list(self.root.entries), KEYS, ()))
        for line in sorted(set(self._comments.own) - self._used):  # behind the last value
            self._lines.append(_Line(self._comments.own[line]))
        return "\n".join(_aligned(self._lines)) + "\n"

    # -- block style ----------------------------------------------------------------------------------------------

    def _mapping(self, node: Mapping, indent: int, keys: list[str], *, first_prefix: str | None = None) -> None:
        for number, key in enumerate(keys):
            if first_prefix is not None and number == 0:  # behind a dash, whose comments are written
                prefix = first_prefix
            else:
                prefix = " " * indent
                self._before(node.keys[key].line, indent)
            self._entry(prefix + self._raw(node.keys[key]) + ":", node.keys[key], node.entries[key], indent)

    def _entry(self, head: str, key: Place, value: Node, indent: int) -> None:
        """`key: value`, the value on lines of its own where it is in block style."""
        if isinstance(value, Scalar):
            self._scalar(head, key, value, indent)
        elif self._is_flow(value):
            self._flow_lines(head + " ", value, key.line)
        else:
            self._lines.append(_Line(head, self._comments.behind.get(key.line, "")))
            if isinstance(value, Mapping):
                self._mapping(value, indent + 2, _keys(value))
            else:
                self._sequence(value, indent + 2)

    def _sequence(self, node: Sequence, indent: int) -> None:
        for item in node.items:
            self._before(item.place.line, indent)
            self._sequence_item(item, " " * indent + "- ", indent + 2)

    def _sequence_item(self, item: Node, prefix: str, indent: int) -> None:
        if isinstance(item, Scalar):
            self._lines.append(
                _Line(prefix + self._raw(item.place), self._comments.behind.get(item.place.end_line, ""))
            )
        elif self._is_flow(item):
            self._flow_lines(prefix, item, item.place.line)
        elif isinstance(item, Mapping):
            self._mapping(item, indent, _keys(item), first_prefix=prefix)
        else:
            for number, part in enumerate(item.items):
                if number:
                    self._before(part.place.line, indent)
                dash = prefix + "- " if number == 0 else " " * indent + "- "
                self._sequence_item(part, dash, indent + 2)

    def _scalar(self, head: str, key: Place, value: Scalar, indent: int) -> None:
        comment = self._comments.behind.get(value.place.end_line, "")
        raw = self._raw(value.place)
        if not raw:  # nothing is written: null
            self._lines.append(_Line(head, self._comments.behind.get(key.line, "")))
            return
        lines = [f"{head} {raw}"] if not value.plain else _wrapped(head, raw.split(), indent + 2)
        self._lines += [_Line(line) for line in lines[:-1]]
        self._lines.append(_Line(lines[-1], comment))

    # -- flow style -----------------------------------------------------------------------------------------------

    def _flow_lines(self, head: str, node: Node, key_line: int) -> None:
        """A flow collection behind a key or a dash; one with comments inside stays as it is."""
        place = node.place
        inside = [line for line in range(key_line, place.end_line) if line in self._comments.behind]
        inside += [line for line in range(place.line, place.end_line + 1) if line in self._comments.own]
        if inside:
            self._verbatim(head, place)
            return
        comment = self._comments.behind.get(place.end_line, "")
        lines = self._flow(node, head)
        self._lines += [_Line(line) for line in lines[:-1]]
        self._lines.append(_Line(lines[-1], comment))

    def _verbatim(self, head: str, place: Place) -> None:
        first = self.source.line(place.line)[place.column :].rstrip()
        self._lines.append(_Line(head + first if place.line != place.end_line else head + self._raw(place)))
        for line in range(place.line + 1, place.end_line + 1):
            self._lines.append(_Line(self.source.line(line).rstrip()))
            self._used.add(line)

    def _flow(self, node: Node, head: str) -> list[str]:
        """A flow collection, filled into lines that begin behind its bracket."""
        whole = head + self._inline(node)
        if len(whole) <= WIDTH or isinstance(node, Scalar):
            return [whole]
        opening, closing = ("{", "}") if isinstance(node, Mapping) else ("[", "]")
        indent = " " * (len(head) + 1)
        lines = [head + opening]
        parts = self._parts(node)
        for number, part in enumerate(parts):
            tail = closing if number == len(parts) - 1 else ","
            line = lines[-1] + ("" if lines[-1].endswith(opening) and len(lines) == 1 else " ") + part + tail
            if len(line) > WIDTH:
                lines.append(indent + part + tail)
            else:
                lines[-1] = line
        return lines

    def _parts(self, node: Mapping | Sequence) -> list[str]:
        if isinstance(node, Sequence):
            return [self._inline(item) for item in node.items]
        return [self._pair(node, key) for key in _keys(node)]

    def _pair(self, node: Mapping, key: str) -> str:
        value = self._inline(node.entries[key])
        return f"{self._raw(node.keys[key])}: {value}" if value else f"{self._raw(node.keys[key])}: "

    def _inline(self, node: Node) -> str:
        if isinstance(node, Scalar):
            return " ".join(self._raw(node.place).split()) if node.plain else self._raw(node.place)
        opening, closing = ("{", "}") if isinstance(node, Mapping) else ("[", "]")
        return opening + ", ".join(self._parts(node)) + closing

    # -- text -----------------------------------------------------------------------------------------------------

    def _is_flow(self, node: Node) -> bool:
        empty = not (node.items if isinstance(node, Sequence) else isinstance(node, Mapping) and node.entries)
        return empty or self.source.line(node.place.line).startswith(("{", "["), node.place.column)

    def _raw(self, place: Place) -> str:
        """As it is written, on one line."""
        if place.line == place.end_line:
            return self.source.line(place.line)[place.column : place.end_column].strip()
        parts = [self.source.line(place.line)[place.column :]]
        parts += [self.source.line(line) for line in range(place.line + 1, place.end_line)]
        parts.append(self.source.line(place.end_line)[: place.end_column])
        return " ".join([part.strip() for part in parts if part.strip()])

    def _before(self, line: int, indent: int) -> None:
        """What stands in front of a line: comments of their own, and one blank line where there were some."""
        start = line
        while start > 0 and (start - 1 in self._comments.own or not self.source.line(start - 1).strip()):
            start -= 1
        blank = False
        for number in range(start, line):
            if number in self._comments.own and number not in self._used:
                if blank and self._lines:
                    self._lines.append(_Line(""))
                self._lines.append(_Line(" " * indent + self._comments.own[number]))
                self._used.add(number)
                blank = False
            elif number not in self._comments.own:
                blank = True
        if blank and self._lines:
            self._lines.append(_Line(""))


def _keys(node: Mapping) -> list[str]:
    """In the order of an item, if it is one."""
    if "type" not in node.entries and "use" not in node.entries:
        return list(node.entries)
    last = SHORTCUT_BEHIND if _is_shortcut_behind(node) else ITEM_KEYS_LAST
    return _ordered(list(node.entries), ITEM_KEYS_FIRST, last)


def _is_shortcut_behind(node: Mapping) -> bool:
    """Whether a shortcut's layers stand behind the body's, which is the order of the modules."""
    written = [key for key in node.entries if key in ("shortcut", "body")]
    return written == ["body", "shortcut"] and isinstance(node.entries["shortcut"], Sequence)


def _ordered(keys: list[str], first: tuple[str, ...], last: tuple[str, ...]) -> list[str]:
    front = [key for key in first if key in keys]
    back = [key for key in last if key in keys]
    return [*front, *[key for key in keys if key not in front and key not in back], *back]


def _wrapped(head: str, words: list[str], indent: int) -> list[str]:
    """Words behind a key, on further lines where they do not fit; the first one stays beside it."""
    lines = [f"{head} {words[0]}"]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append(" " * indent + word)
        else:
            lines[-1] += " " + word
    return lines


def _aligned(lines: list[_Line]) -> list[str]:
    """The lines with their comments, those of neighbours under one another."""
    result: list[str] = []
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and lines[end].comment:
            end += 1
        run = lines[start:end]
        column = max([len(line.text) for line in run], default=0) + 2
        for line in run:
            padding = column - len(line.text)
            fits = padding <= _MOST_PADDING and column + len(line.comment) <= WIDTH
            result.append(line.text + " " * (padding if fits else 2) + line.comment)
        if end == start:
            result.append(lines[start].text)
            end += 1
        start = end
    return result
