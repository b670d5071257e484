"""A result as plain data."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
"""Names to numbers, texts and lists of them."""
