"""What a part of the benchmark hands back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Section:
    """One table, with the remarks that belong to it."""

    name: str
    title: str
    header: list[str]
    rows: list[list[str]] = field(default_factory=list)
    """Cells as printed."""
    records: list[dict[str, Any]] = field(default_factory=list)
    """The same as numbers, for `--json`."""
    remarks: list[str] = field(default_factory=list)
    """How it was measured."""
    skipped: list[str] = field(default_factory=list)
    """What is missing here, and why."""
    failed: list[str] = field(default_factory=list)
    """What should have worked and did not."""
