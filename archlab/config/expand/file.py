"""What a config shows to the blocks in it: the network's own config, or one that a block extends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archlab.config.tree.document import Block


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """One config with values for its params. Two are never equal, since what is in them may differ.

    Attributes:
        blocks: by name.
        params: what every block sees: the params and `input_size`.
        names: of all items, for hints.
        shown: its name in trails; empty for the network's own.
    """

    blocks: Mapping[str, Block]
    params: Mapping[str, Any]
    names: frozenset[str]
    shown: str = ""


NO_FILE = File({}, {}, frozenset())
