"""Builds the studio's page into a wheel, where npm is there; a wheel without it is whole otherwise.

An editable install never runs it: there `npm run build --prefix archlab/studio/web` makes the page when it is wanted.
`ARCHLAB_NO_PAGE=1` leaves it out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = "archlab/studio/web"
MADE = ("dist", "runtime")
"""What npm makes: the page, and the Python that its export runs."""
STEPS = (("ci", "--no-audit", "--no-fund"), ("run", "build"), ("run", "runtime"))


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs npm, and adds what it has made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the wheel is made.

        Args:
            version: of the build: `editable` or `standard`.
            build_data: what is added to.
        """
        if version == "editable" or os.environ.get("ARCHLAB_NO_PAGE"):
            return
        web = Path(self.root) / WEB
        if (web / "package.json").is_file():  # else it was built where the wheel comes from
            self._build(web)
        build_data["artifacts"] += [f"/{WEB}/{name}/**" for name in MADE if (web / name).is_dir()]

    def _build(self, web: Path) -> None:
        npm = shutil.which("npm")
        if npm is None:
            self.app.display_warning("npm is not there: this wheel is without the page of archlab studio")
            return
        for step in STEPS:
            done = subprocess.run([npm, *step], cwd=web, capture_output=True, text=True, check=False)  # noqa: S603
            if done.returncode:
                told = (done.stderr or done.stdout).strip()[:2000]
                self.app.display_warning(f"npm {' '.join(step)} failed: archlab studio may lack its page\n{told}")
                return
