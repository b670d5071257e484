"""Darknet's `.cfg` files: sections of `key=value` lines, a layer each.

Source: `parser.c` of AlexeyAB's darknet, https://github.com/AlexeyAB/darknet, which reads pjreddie's files too.
"""

from __future__ import annotations

from archlab.imports.darknet.read import read_darknet

__all__ = ["read_darknet"]
