"""Where the built page is, and what to run where it is not."""

from __future__ import annotations

from pathlib import Path

from archlab.diagnostics.requirements import MissingRequirementError

WEB = Path(__file__).parent / "web"
"""The page's sources, in a clone."""
PAGE = WEB / "dist"
"""What their build makes; a wheel that was built with npm has it."""


def page_folder() -> Path:
    """The folder of the built page.

    Raises:
        MissingRequirementError: where it has not been built, with what to run.
    """
    if (PAGE / "index.html").is_file():
        return PAGE
    if (WEB / "package.json").is_file():
        lines = f"npm ci --prefix {WEB} && npm run build --prefix {WEB}"
        raise MissingRequirementError(f"the studio's page is not built; with Node.js 20 or newer, run: {lines}")
    raise MissingRequirementError(
        "this archlab was installed without the studio's page, since npm was not there when its wheel was built; "
        "install a wheel that has it, or build one from a clone with Node.js 20 or newer: pip install ."
    )
