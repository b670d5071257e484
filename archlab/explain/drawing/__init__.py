"""A layer drawn: its kernel over its input, one output unit and what it reads; as a picture, moving, or as a page."""

from __future__ import annotations
