"""Help while a text is written: what can be written, where a word is defined, and its form."""

from __future__ import annotations

from archlab.config.format import format_config
from archlab.diagnostics.place import Source, printable
from archlab.diagnostics.problem import ConfigError
from archlab.editor.completion import complete
from archlab.editor.renaming import word_at
from archlab.editor.snapshot import Snapshot
from archlab.layers import find_layer
from archlab.studio.forms import At, Whole
from archlab.studio.positions import Row, column_at, column_of, stretch
from archlab.studio.texts import UNNAMED


def completed(asked: At, snapshot: Snapshot) -> Row:
    """What can be written at a position, and the columns of the word that it takes the place of."""
    source = snapshot.source
    column = column_at(source.line(asked.line), asked.column)
    found = complete(source.text, asked.line, column, source.folder, snapshot.mended.document)
    if found is None:
        return {"start": asked.column, "end": asked.column, "offers": []}
    return {
        "start": column_of(source, asked.line, found.start),
        "end": column_of(source, asked.line, found.end),
        "offers": [
            {"label": offer.label, "kind": offer.kind, "detail": offer.detail or _about(offer.label, offer.kind),
             "insert": offer.insert}
            for offer in found.offers
        ],
    }  # fmt: skip


def _about(label: str, kind: str) -> str:
    """The first line of what a layer type says of itself."""
    cls = find_layer(label) if kind == "type" else None
    return "" if cls is None else (cls.__doc__ or "").strip().partition("\n")[0]


def defined(asked: At, snapshot: Snapshot) -> Row:
    """Where the word at a position is defined in this text."""
    word = word_at(snapshot, asked.line, column_at(snapshot.source.line(asked.line), asked.column))
    return {"line": None} if word is None else stretch(word.place)


def formatted(asked: Whole) -> Row:
    """The text as `archlab fmt` writes it; what is wrong with it where it cannot."""
    try:
        return {"text": format_config(Source(UNNAMED, asked.text))}
    except ConfigError as error:
        return {"text": None, "message": printable(error.problems[0].message)}
