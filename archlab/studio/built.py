"""Where the built page is, and what to run where it is not."""

from __future__ import annotations

from pathlib import Path

from archlab.diagnostics.requirements import MissingRequirementError

WEB = Path(__file__).parent / "web"
"""The page's sources, in a clone."""
PAGE = WEB / "dist"
"""What their build makes; a wheel that was built with npm has it."""
NOTEBOOK = "notebook.js"
"""Beside the page: the same for notebooks, in one file."""


def page_folder() -> Path:
    """The folder of the built page.

    Raises:
        MissingRequirementError: where it has not been built, with what to run.
    """
    return _built(PAGE / "index.html", "the studio's page").parent


def notebook_file() -> Path:
    """The file that shows the studio in a notebook.

    Raises:
        MissingRequirementError: where it has not been built, with what to run.
    """
    return _built(PAGE / NOTEBOOK, "what shows a network in a notebook")


def _built(file: Path, what: str) -> Path:
    if file.is_file():
        return file
    if (WEB / "package.json").is_file():
        lines = f"npm ci --prefix {WEB} && npm run build --prefix {WEB}"
        raise MissingRequirementError(f"{what} is not built; with Node.js 20 or newer, run: {lines}")
    raise MissingRequirementError(
        f"this archlab was installed without {what}, since npm was not there when its wheel was built; "
        "install a wheel that has it, or build one from a clone with Node.js 20 or newer: pip install ."
    )
