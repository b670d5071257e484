"""Python text for source generation: names, literals, and calls laid out in lines.

The layout is that of Black and of `ruff format`: a bracket that does not fit on its line has one item per
line and a trailing comma. Nothing that a config's author wrote gets into the text but through `class_name`,
`string_literal` and `plain_text`.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

WIDTH = 100
INDENT = "    "
MAX_CLASS_NAME = 60
MAX_TITLE = 70

MAX_NAME = 30
"""Longer labels are not made part of the names of variables and arguments, so that lines stay short."""

NAMES_OF_MODULE = frozenset({"self", "torch", "nn", "Tensor", "OrderedDict", "Any"})
"""What generated code refers to; no class, argument or variable may hide it."""


def class_name(text: str) -> str:
    """Any text as a class name: `resnet50` as `ResNet50`, `mobilenet_v2` as `MobileNetV2`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Za-z0-9]+", plain)
    joined = "_".join(word[0].upper() + word[1:] for word in words)
    joined = re.sub(r"_(?!\d)|(?<!\d)_", "", joined)[:MAX_CLASS_NAME]  # v2_0_5 keeps its numbers apart
    joined = re.sub(r"(?<=[A-Za-z])net(?![a-z])", "Net", joined)
    if not joined:
        return "Network"
    return joined if joined[0].isalpha() else f"Net{joined}"


class NamePool:
    """Hands out names that differ from one another, and from those that generated code refers to.

    Attributes:
        taken: the names in use.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = set(taken)
        self._last_number: dict[str, int] = {}

    def take(self, wanted: str) -> str:
        """The name, or the name with a number from 2 on; in use from now on."""
        name = wanted
        while name in self.taken or name in NAMES_OF_MODULE or keyword.iskeyword(name):
            number = self._last_number[wanted] = self._last_number.get(wanted, 1) + 1
            name = f"{wanted}{number}"
        self.taken.add(name)
        return name


def plain_text(text: str) -> str:
    """A title that is safe inside a docstring: one line, without quotes, backslashes and invisible characters."""
    safe = "".join({'"': "'", "\\": "/"}.get(char, char) if char.isprintable() else "?" for char in text)
    return safe if len(safe) <= MAX_TITLE else f"{safe[: MAX_TITLE - 3]}..."


def string_literal(text: str) -> str:
    """A string in double quotes, where it holds none itself."""
    written = repr(text)
    return written if '"' in written else f'"{written[1:-1]}"'


def literal(value: Any) -> str:
    """A number, flag, string, tuple or None as Python text."""
    if isinstance(value, str):
        return string_literal(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
    return repr(value)


class Expression:
    """A piece of an expression: its text on one line, or laid out in several."""

    def flat(self) -> str:
        """The text on one line."""
        raise NotImplementedError

    def broken(self, before: str, after: str, indent: str) -> list[str]:
        """The text in several lines, with what stands before and after it."""
        return [f"{indent}{before}{self.flat()}{after}"]


@dataclass(slots=True, frozen=True)
class Atom(Expression):
    """A name or a literal."""

    text: str

    def flat(self) -> str:
        """The text."""
        return self.text


@dataclass(slots=True, frozen=True)
class Bracket(Expression):
    """Items between brackets: `f(a, key=b)`, `[a, b]`, `{"key": a}`. Each item has its key in front, or ''."""

    opening: str
    items: tuple[tuple[str, Expression], ...]
    closing: str

    def flat(self) -> str:
        """On one line."""
        return f"{self.opening}{', '.join(key + item.flat() for key, item in self.items)}{self.closing}"

    def broken(self, before: str, after: str, indent: str) -> list[str]:
        """Plain arguments on a line of their own if they fit there, else one item per line.

        A lone call as the only item gets no comma behind it, as in Black.
        """
        lines = [f"{indent}{before}{self.opening}"]
        inner = f"{indent}{INDENT}{', '.join(key + item.flat() for key, item in self.items)}"
        is_call = len(self.opening) > 1
        if is_call and len(inner) <= WIDTH and all(isinstance(item, Atom) for _, item in self.items):
            return [*lines, inner, f"{indent}{self.closing}{after}"]
        comma = "" if len(self.items) == 1 and isinstance(self.items[0][1], Bracket) else ","
        for key, item in self.items:
            lines += layout(item, key, comma, indent + INDENT)
        return [*lines, f"{indent}{self.closing}{after}"]


@dataclass(slots=True, frozen=True)
class Infix(Expression):
    """Operands with an operator between them. The operands are names or calls, so that no parentheses are needed."""

    operator: str
    operands: tuple[Expression, ...]

    def flat(self) -> str:
        """On one line."""
        return f" {self.operator} ".join(operand.flat() for operand in self.operands)

    def broken(self, before: str, after: str, indent: str) -> list[str]:
        """In parentheses, one operand per line."""
        inner = indent + INDENT
        lines = [f"{indent}{before}("]
        for number, operand in enumerate(self.operands):
            lines += layout(operand, f"{self.operator} " if number else "", "", inner)
        return [*lines, f"{indent}){after}"]


@dataclass(slots=True, frozen=True)
class Row(Expression):
    """Several names with commas: what a function returns, or what its results are assigned to."""

    items: tuple[Expression, ...]

    def flat(self) -> str:
        """On one line; without parentheses, unless it is a row of one."""
        if len(self.items) == 1:
            return f"({self.items[0].flat()},)"
        return ", ".join(item.flat() for item in self.items)

    def broken(self, before: str, after: str, indent: str) -> list[str]:
        """In parentheses, one per line."""
        return Bracket("(", tuple(("", item) for item in self.items), ")").broken(before, after, indent)


@dataclass(slots=True, frozen=True)
class Repeated(Expression):
    """`*[element for variable in range(times)]`: equal items of a list."""

    element: Expression
    variable: str
    times: int

    def flat(self) -> str:
        """On one line."""
        return f"*[{self.element.flat()} {self._loop}]"

    def broken(self, before: str, after: str, indent: str) -> list[str]:
        """Element and loop on lines of their own."""
        inner = indent + INDENT
        return [
            f"{indent}{before}*[",
            *layout(self.element, "", "", inner),
            f"{inner}{self._loop}",
            f"{indent}]{after}",
        ]

    @property
    def _loop(self) -> str:
        return f"for {self.variable} in range({self.times})"


def call(function: str, positional: tuple[Expression, ...], named: Mapping[str, Expression] | None = None) -> Bracket:
    """A function call."""
    keywords = [(f"{key}=", item) for key, item in (named or {}).items()]
    return Bracket(f"{function}(", (*[("", item) for item in positional], *keywords), ")")


def assignment(target: Expression, value: Expression, indent: str) -> list[str]:
    """`target = value`, with brackets around the one or the other where both do not fit on the first line."""
    lines = layout(value, f"{target.flat()} = ", "", indent)
    if len(lines[0]) <= WIDTH:
        return lines
    if isinstance(target, Row):
        *names, closing = target.broken("", "", indent)
        return [*names, *layout(value, f"{closing.strip()} = ", "", indent)]
    return [f"{indent}{target.flat()} = (", *layout(value, "", "", indent + INDENT), f"{indent})"]


def layout(expression: Expression, before: str, after: str, indent: str) -> list[str]:
    """An expression with what stands around it: on one line if it fits."""
    line = f"{indent}{before}{expression.flat()}{after}"
    return [line] if len(line) <= WIDTH else expression.broken(before, after, indent)
