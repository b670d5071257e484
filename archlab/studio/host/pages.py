"""The files of the page: those that its build has made, and nothing else of the disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".md": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".zip": "application/zip",
    ".whl": "application/zip",
    ".woff2": "font/woff2",
}
"""By ending; no other file is shown."""
MOST_FILES = 2_000


class Page(NamedTuple):
    """A file.

    Attributes:
        path: of it.
        kind: its media type.
    """

    path: Path
    kind: str


def pages_in(folder: Path) -> dict[str, Page]:
    """The files of a folder and below it by their addresses: what is not among them is not there.

    No address is ever made a path, so that no trick in one leads elsewhere. Links are left out.
    """
    found: dict[str, Page] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not (Path(place) / name).is_symlink())
        for name in sorted(names):
            path = Path(place) / name
            kind = KINDS.get(path.suffix)
            if kind is not None and stat.S_ISREG(path.lstat().st_mode) and len(found) < MOST_FILES:
                found["/" + path.relative_to(folder).as_posix()] = Page(path, kind)
    if "/index.html" in found:
        found["/"] = found["/index.html"]
    return found


def address(target: str) -> str | None:
    """The address that a request's target means; None of none. It is decoded once."""
    path = target.partition("?")[0].partition("#")[0]
    try:
        return unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return None
