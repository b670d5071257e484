"""The folder that any web server can show: the page, Pyodide, the wheels, and a file that tells the page of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.requirements import MissingRequirementError
from archlab.studio.answer import answer
from archlab.studio.built import NOTEBOOK, WEB, page_folder
from archlab.studio.export.runtime import RUNTIME
from archlab.studio.export.wheel import wheel_name, write_wheel
from archlab.studio.positions import Row

HOST_FILE = "host.json"
KIND = "pyodide"
LOCK = "pyodide-lock.json"
MOST_SECONDS = 300
"""For byte code."""


class Exported(NamedTuple):
    """What was written.

    Attributes:
        files: how many.
        size: bytes of all.
        compiled: whether byte code is in it, with which Python begins sooner; that needs Node.js.
    """

    files: int
    size: int
    compiled: bool


def export(target: Path, start: Row | None = None) -> Exported:
    """Write the folder, whole or not at all.

    Args:
        target: a folder that is not there yet, is empty, or was exported before.
        start: the text and the variant that the page begins with; None for its own choice.

    Raises:
        ConfigError: if the folder holds anything else, or cannot be written.
        MissingRequirementError: where the page or what it needs has not been built, with what to run.
    """
    page = page_folder()
    _require_runtime()
    _check(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".archlab-", dir=target.resolve().parent) as place:
            made = Path(place) / "studio"
            compiled = _write(made, page, start or {})
            found = [path.stat().st_size for path in made.rglob("*") if path.is_file()]
            _put(made, target.resolve(), Path(place) / "before")
    except OSError as error:
        raise single_problem(f"cannot write {target}: {error.strerror or error}", Code.UNWRITABLE) from None
    return Exported(len(found), sum(found), compiled)


def _put(made: Path, target: Path, before: Path) -> None:
    """Have the new folder stand where the old one stood, which comes back where that cannot be."""
    if target.exists():
        target.rename(before)
    try:
        made.rename(target)
    except OSError:
        if before.exists():
            before.rename(target)
        raise


def _require_runtime() -> None:
    if (RUNTIME / "pyodide" / LOCK).is_file() and any((RUNTIME / "wheels").glob("*.whl")):
        return
    what = "the Python that the exported page runs (Pyodide, with wheels) is not there"
    if (WEB / "package.json").is_file():
        lines = f"npm ci --prefix {WEB} && npm run runtime --prefix {WEB}"
        raise MissingRequirementError(f"{what}; with Node.js 20 or newer, run: {lines}")
    raise MissingRequirementError(f"{what}, since npm was not there when this archlab's wheel was built")


def _check(target: Path) -> None:
    """Refuse to write over anything but an earlier export."""
    try:
        if not target.exists():
            return
        if not target.is_dir():
            raise single_problem(f"{target} is a file; give a folder: --export DIR", Code.UNWRITABLE)
        is_ours = KIND in (target / HOST_FILE).read_text(encoding="utf-8") if (target / HOST_FILE).is_file() else False
        if any(target.iterdir()) and not (is_ours and (target / "pyodide").is_dir()):
            raise single_problem(
                f"{target} holds other files, which would be lost; give a folder that is new or empty", Code.UNWRITABLE
            )
    except OSError as error:
        raise single_problem(f"cannot write {target}: {error.strerror or error}", Code.UNWRITABLE) from None


def _write(made: Path, page: Path, start: Row) -> bool:
    """The files; whether byte code is among them."""
    shutil.copytree(page, made, ignore=shutil.ignore_patterns(HOST_FILE, NOTEBOOK, "*.map"))
    pyodide, wheels = made / "pyodide", made / "wheels"
    shutil.copytree(RUNTIME / "pyodide", pyodide)
    lock = json.loads((pyodide / LOCK).read_text(encoding="utf-8"))
    # without packages, there is nothing that could be asked of another server
    (pyodide / LOCK).write_text(json.dumps({**lock, "packages": {}}), encoding="utf-8")
    shutil.copytree(RUNTIME / "wheels", wheels)
    write_wheel(wheels / wheel_name())
    compiled = _add_byte_code(made)
    host = {
        "kind": KIND,
        "pyodide": "pyodide/",
        "wheels": [f"wheels/{path.name}" for path in sorted(wheels.glob("*.whl"))],
        "hello": {**answer("hello", {}), **start},
    }
    (made / HOST_FILE).write_text(json.dumps(host), encoding="utf-8")
    (made / ".nojekyll").touch()  # GitHub's pages leave out nothing then
    return compiled


def _add_byte_code(made: Path) -> bool:
    """Whether node could do it; the wheels are whole without."""
    node = shutil.which("node")
    if node is None:
        return False
    command = [node, str(Path(__file__).with_name("byte_code.mjs")), str(made)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=MOST_SECONDS, check=False)  # noqa: S603 - our own
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
