"""The page's text with all that is known of it, kept for the questions that follow about the same text."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError
from archlab.editor.snapshot import Snapshot
from archlab.studio.forms import RequestError, Shown

MOST_KEPT = 4
"""Texts whose numbers are kept: what is shown, what it is compared with, and those before."""
UNNAMED = "config.yaml"
"""The text's name where it is no file's."""


def snapshot_of(asked: Shown, file: Path | None) -> Snapshot:
    """The snapshot of a text.

    Args:
        asked: the text, its variant, and values of its params.
        file: that it is to become, beside which other configs may be extended; None for none.
    """
    settings = json.dumps(asked.set, sort_keys=True)
    if file is not None and "extends" in asked.text:  # what it extends may be another by now
        return _snapshot(asked.text, asked.variant, settings, file)
    return _kept(asked.text, asked.variant, settings, file)


def _snapshot(text: str, variant: str, settings: str, file: Path | None) -> Snapshot:
    if file is None:
        return Snapshot(Source(UNNAMED, text), variant, settings=json.loads(settings))
    whole = Snapshot.of(file, text, variant)
    return Snapshot(whole.source, variant, whole.unsaved, json.loads(settings))


_kept = lru_cache(maxsize=MOST_KEPT)(_snapshot)


def analysed(snapshot: Snapshot) -> Snapshot:
    """The same, where its network has numbers.

    Raises:
        ConfigError: with what is wrong with it.
        RequestError: if its numbers take too long.
    """
    if snapshot.network is None:
        raise ConfigError(snapshot.problems)
    if snapshot.analysis is None:
        raise RequestError("the numbers of this network take too long to be worked out; make it smaller")
    return snapshot
