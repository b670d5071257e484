"""The text of a `.cfg` file: sections, each with its options and their places."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import ConfigError, Problem

MOST_SECTIONS = 8_192
_HEAD = re.compile(r"\[\s*([A-Za-z_0-9]+)\s*\]\s*(?:[#;].*)?")
_INTEGER = re.compile(r"\s*([+-]?\d{1,9})(?!\d)")
_NUMBER = re.compile(r"\s*([+-]?(?:\d{1,9}(?:\.\d{0,20})?|\.\d{1,20}))(?:[eE][+-]?\d{1,2})?")


@dataclass
class Section:
    """A section.

    Attributes:
        kind: `convolutional`.
        place: of its head.
        values: its options as written.
        places: of the values.
    """

    kind: str
    place: Place
    values: dict[str, str] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def text(self, name: str, default: str) -> str:
        """An option as written."""
        return self.values.get(name, default)

    def integer(self, name: str, default: int) -> int:
        """An option that is a whole number; as Darknet does, what stands behind the digits is not looked at.

        Raises:
            ConfigError: if it is none.
        """
        if name not in self.values:
            return default
        found = _INTEGER.match(self.values[name])
        if found is None:
            raise self.problem(f"'{name}' is a whole number, not '{self.values[name]}'", name)
        return int(found[1])

    def number(self, name: str, default: float) -> float:
        """An option that is a number.

        Raises:
            ConfigError: if it is none.
        """
        if name not in self.values:
            return default
        found = _NUMBER.match(self.values[name])
        if found is None:
            raise self.problem(f"'{name}' is a number, not '{self.values[name]}'", name)
        return float(found[0])

    def integers(self, name: str) -> list[int]:
        """An option that is a list of whole numbers, with commas between.

        Raises:
            ConfigError: if it is missing, or one of them is none.
        """
        if name not in self.values:
            raise self.problem(f"[{self.kind}] must say '{name}'")
        found = [_INTEGER.match(part) for part in self.values[name].split(",")]
        if None in found:
            raise self.problem(f"'{name}' is a list of whole numbers, not '{self.values[name]}'", name)
        return [int(one[1]) for one in found if one is not None]

    def problem(self, message: str, name: str | None = None) -> ConfigError:
        """What is wrong with an option, or with the section."""
        place = self.place if name is None else self.places.get(name, self.place)
        return ConfigError([Problem(message, Code.WRONG_VALUE, place)])


def read_sections(source: Source) -> list[Section]:
    """The sections of a text.

    Raises:
        ConfigError: at a line that is none of a section, or if there are too many.
    """
    found: list[Section] = []
    for number, line in enumerate(source.lines):
        text = line.strip()
        if not text or text[0] in "#;" or text[0] == "\0":
            continue
        place = Place(source, number, len(line) - len(line.lstrip()), number, len(line.rstrip()))
        if text[0] == "[":
            head = _HEAD.fullmatch(text)
            if head is None:
                raise _wrong("this is no head of a section, as [convolutional]", place)
            if len(found) == MOST_SECTIONS:
                raise _wrong(f"there are more than {MOST_SECTIONS:,} sections", place, Code.TOO_LARGE)
            found.append(Section(head[1].lower(), place))
            continue
        name, equals, value = text.partition("=")
        if not found:
            raise _wrong("a .cfg file of Darknet begins with [net]", place)
        if not equals:
            raise _wrong("this is neither a section nor key=value", place)
        value = re.split(r"[#;]", value, maxsplit=1)[0].strip()
        found[-1].values[name.strip()] = value
        found[-1].places[name.strip()] = place
    return found


def _wrong(message: str, place: Place, code: Code = Code.WRONG_VALUE) -> ConfigError:
    return ConfigError([Problem(message, code, place)])
