"""archlab itself as a wheel for a browser, made of the installed package: what the page asks needs no more."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from archlab.config.tree.presets import preset_files
from archlab.version import __version__

PACKAGE = Path(__file__).resolve().parents[2]
LEFT_OUT = (
    "cli",
    "mcp",
    "studio/host",
    "studio/export",
    "studio/web",
    "editor/server.py",
    "editor/protocol.py",
    "configs",
)
"""What no browser needs; the presets come from where they are."""
KINDS = (".py", ".yaml", ".css", ".js", ".html", ".j2", ".typed")
STAMP = (1980, 1, 1, 0, 0, 0)
"""Time of all entries, so that equal contents are equal files."""


def wheel_name() -> str:
    """Of the file."""
    return f"archlab-{__version__}-py3-none-any.whl"


def write_wheel(target: Path) -> None:
    """Write it."""
    with zipfile.ZipFile(target, "w") as wheel:
        for name, path in _entries():
            wheel.writestr(zipfile.ZipInfo(name, STAMP), path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
        info = f"archlab-{__version__}.dist-info/METADATA"
        about = f"Metadata-Version: 2.1\nName: archlab\nVersion: {__version__}\n"
        wheel.writestr(zipfile.ZipInfo(info, STAMP), about, zipfile.ZIP_DEFLATED)


def _entries() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*")):
        inside = path.relative_to(PACKAGE).as_posix()
        if path.suffix in KINDS and path.is_file() and not _is_left_out(inside):
            yield f"archlab/{inside}", path
    for path in preset_files():
        yield f"archlab/configs/{path.name}", path


def _is_left_out(inside: str) -> bool:
    return any(inside == part or inside.startswith(f"{part}/") for part in LEFT_OUT)
