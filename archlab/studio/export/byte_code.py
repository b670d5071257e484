"""Adds byte code to wheels, so that a browser's Python need not compile at every start what the first numbers need.

`byte_code.mjs` runs it in the very Python that will read it, with the wheels unpacked. Of what is needed later the
source is enough: byte code of everything would be a fifth of the export.
"""

from __future__ import annotations

import json
import py_compile
import sys
import zipfile
from importlib.util import cache_from_source
from pathlib import Path
from tempfile import TemporaryDirectory

STAMP = (1980, 1, 1, 0, 0, 0)
"""Time of all entries, so that equal contents are equal files."""
PRESET = "resnet"


def needed() -> set[str]:
    """The files that the first numbers of a network are worked out by, from the folder of archlab's package."""
    from archlab.studio.door import ask

    told = json.loads(ask("preset", json.dumps({"name": PRESET})))
    ask("check", json.dumps({"text": told["text"]}))
    base = Path(sys.modules["archlab"].__file__ or "").parents[1]
    files = [Path(getattr(module, "__file__", None) or "") for module in [*sys.modules.values()]]
    return {path.relative_to(base).as_posix() for path in files if path.suffix == ".py" and base in path.parents}


def add_byte_code(folder: Path, files: set[str]) -> None:
    """Add it to the wheels of a folder.

    Args:
        folder: of the wheels.
        files: whose byte code is added.
    """
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as old:
            contents = {entry.filename: old.read(entry) for entry in old.infolist()}
        own = sorted(files & contents.keys())
        if own:
            contents |= {cache_from_source(name): _compiled(name, contents[name]) for name in own}
            _write(wheel, contents)


def _compiled(name: str, source: bytes) -> bytes:
    """The byte code of a file, which Python takes without a look at the source."""
    with TemporaryDirectory() as place:
        path, made = Path(place) / "source.py", Path(place) / "made.pyc"
        path.write_bytes(source)
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(path), str(made), dfile=name, doraise=True, invalidation_mode=mode)
        return made.read_bytes()


def _write(wheel: Path, contents: dict[str, bytes]) -> None:
    with TemporaryDirectory() as place:
        made = Path(place) / "made"
        with zipfile.ZipFile(made, "w") as new:
            for name, content in sorted(contents.items()):
                new.writestr(zipfile.ZipInfo(name, STAMP), content, zipfile.ZIP_DEFLATED, 9)
        wheel.write_bytes(made.read_bytes())
