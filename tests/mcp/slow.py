"""A call that goes on for long: a search in all of a large space."""

from __future__ import annotations

from typing import Any

_TEXT = """name: slow
input: [3, 64, 64]
params: {a: 1, b: 1, c: 1, d: 1}
layers:
  - {type: conv2d, out_channels: $(a + b), kernel_size: 1}
  - {type: conv2d, out_channels: $(c + d), kernel_size: 1}
"""
SLOW: dict[str, Any] = {
    "text": _TEXT,
    "vary": dict.fromkeys("abcd", "1..55"),
    "maximize": "entropy",
    "where": ["params <= 9999999"],
}
"""Arguments of `fit`."""
