"""What a command found: the forms that its result can take, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

Text = Callable[[], str]
Table = Callable[[bool], str]
"""Of whether it goes to a person's terminal."""
Draw = Callable[[Path], None]
"""Writes a file by itself."""
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Report(NamedTuple):
    """A command's result.

    Attributes:
        texts: by form: json, csv, markdown, html, latex, ...
        table: for people, whose terminal may show colours.
        files: forms that are no text: workbooks and pictures.
        beside: what is drawn besides the result, into which file.
        prose: of the texts, those for people, which a terminal may break between words.
        notes: what is said on stderr.
        ok: whether nothing is wrong with the input.
    """

    texts: Mapping[str, Text] = _NOTHING
    table: Table | None = None
    files: Mapping[str, Draw] = _NOTHING
    beside: Mapping[Path, Draw] = _NOTHING
    prose: Sequence[str] = ()
    notes: Sequence[str] = ()
    ok: bool = True


def text_report(text: str, *, notes: Sequence[str] = (), ok: bool = True) -> Report:
    """A result of one form."""
    return Report({"text": lambda: text}, notes=notes, ok=ok)
