"""Brings what the exported page needs to run Python in a browser: Pyodide, and the wheels that archlab needs.

    npm run runtime --prefix archlab/studio/web

runs it after `npm ci`, which brings Pyodide by its lock file; the wheels are fetched by pip, each of one version and
held to its SHA-256. It is run as a file, before archlab is installed, and imports nothing of it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

WEB = Path(__file__).resolve().parents[1] / "web"
RUNTIME = WEB / "runtime"
PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
"""Of its npm package."""
NOTICE = """Pyodide {version}: Mozilla Public License 2.0. Its source: https://github.com/pyodide/pyodide
In it CPython {python} with its standard library: PSF License Agreement, https://docs.python.org/3/license.html
The wheels beside this folder hold their own licences.
"""
PLATFORM = "pyemscripten_2026_0_wasm32"
"""Of Pyodide 314, in the tags of wheels."""
PYTHON = "3.14"
STAMP = (1980, 1, 1, 0, 0, 0)
"""Time of all entries, so that equal contents are equal files."""


class Locked(NamedTuple):
    """A wheel of one version.

    Attributes:
        name: of the package.
        version: of it.
        sha256: of the wheel.
        platform: that it is for.
    """

    name: str
    version: str
    sha256: str
    platform: str = PLATFORM

    @property
    def requirement(self) -> str:
        """As pip reads it."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n"


WHEELS = (
    Locked("typing-extensions", "4.16.0", "481caa481374e813c1b176ada14e97f1f67a4539ce9cfeb3f350d78d6370c2e8"),
    Locked("annotated-types", "0.8.0", "f072f4d804ea359e4eaf198b1af7a8b0943881a87f31bb764f8bf219bb9419e0"),
    Locked("typing-inspection", "0.4.5", "bc210535442b39e1bf2805e0c7a17dfd6a4ace760c84c7f7d16245d23a6b1c39"),
    Locked("pydantic-core", "2.50.5", "b2910ec0fa5aeb9bef70156f2b79f4783978fdcfaa7b2f1b5d1814458d2e79a1"),
    Locked("pydantic", "2.14.4", "653a2ad9f6d8858529c77c72717d0ea991d6c6837fe683246b2f4b2bbfc3fadc"),
)
YAML = Locked(
    "pyyaml",
    "6.0.4",
    "50588147ab2c6a59b5f990a4905db80899a6c2bd197e046a6201f1e67587e794",
    "manylinux2014_x86_64",
)
"""It has no wheel for Pyodide, and needs no compiled part: the Python of another platform's is kept."""
YAML_PYTHON = "3.13"


class RuntimeFilesError(Exception):
    """What is needed cannot be had, with the reason in plain words."""


def bring() -> None:
    """Make the folder anew.

    Raises:
        RuntimeFilesError: if something is not there or cannot be fetched; the old folder is left as it is then.
    """
    with tempfile.TemporaryDirectory(dir=WEB, prefix=".runtime-") as made:
        folder = Path(made) / "runtime"
        _copy_pyodide(folder / "pyodide")
        _fetch(folder / "wheels")
        shutil.rmtree(RUNTIME, ignore_errors=True)
        folder.rename(RUNTIME)


def _copy_pyodide(folder: Path) -> None:
    source = WEB / "node_modules" / "pyodide"
    folder.mkdir(parents=True)
    for name in PYODIDE:
        if not (source / name).is_file():
            raise RuntimeFilesError(f"{source / name} is not there; run: npm ci --prefix {WEB}")
        shutil.copyfile(source / name, folder / name)
    version = json.loads((source / "package.json").read_text(encoding="utf-8"))["version"]
    (folder / "NOTICE.txt").write_text(NOTICE.format(version=version, python=PYTHON), encoding="utf-8")


def _fetch(folder: Path) -> None:
    folder.mkdir()
    _download(folder, WHEELS, PYTHON)
    with tempfile.TemporaryDirectory() as place:
        _download(Path(place), [YAML], YAML_PYTHON)
        (wheel,) = Path(place).glob("*.whl")
        pure(wheel, folder / f"{YAML.name}-{YAML.version}-py3-none-any.whl")


def _download(folder: Path, wheels: tuple[Locked, ...] | list[Locked], python: str) -> None:
    """Fetch wheels of one platform, held to their hashes."""
    requirements = folder / "requirements.txt"
    requirements.write_text("".join([wheel.requirement for wheel in wheels]), encoding="utf-8")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    options += ["--platform", wheels[0].platform, "--python-version", python, "--dest", str(folder)]
    told = ""
    for pip in _pips():
        command = [*pip, "download", *options, "--requirement", str(requirements)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
        if done.returncode == 0:
            requirements.unlink()
            return
        told = (done.stderr.strip().splitlines() or [""])[-1]
    raise RuntimeFilesError(f"pip cannot fetch the wheels of the browser's Python: {told or 'there is no pip'}")


def _pips() -> Iterator[list[str]]:
    """Ways to run pip."""
    yield [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        found = shutil.which(name)
        if found:
            yield [found]


def pure(wheel: Path, target: Path) -> None:
    """The Python of a wheel without what is compiled, and its licence."""
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            folder, _, rest = name.partition("/")
            kept = folder == "yaml" and name.endswith(".py")
            if kept or (folder.endswith(".dist-info") and ("METADATA" in rest or "LICENSE" in rest)):
                new.writestr(zipfile.ZipInfo(name, STAMP), old.read(name), zipfile.ZIP_DEFLATED)


def main() -> int:
    """Bring it, and say what could not be had."""
    os.environ.pop("PYTHONPATH", None)  # pip must not see the packages of an isolated build
    try:
        bring()
    except RuntimeFilesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
