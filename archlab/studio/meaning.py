"""What is shown where the pointer rests."""

from __future__ import annotations

from archlab.editor.hover import hover
from archlab.editor.snapshot import Snapshot
from archlab.studio.forms import At
from archlab.studio.positions import Row, column_at, stretch


def hovered(asked: At, snapshot: Snapshot) -> Row:
    """What is known of what stands at a position, as Markdown."""
    found = hover(snapshot, asked.line, column_at(snapshot.source.line(asked.line), asked.column))
    return {"markdown": None} if found is None else {"markdown": found.text, **stretch(found.place)}
