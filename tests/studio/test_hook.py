"""The wheel's build hook: npm makes the page where it is there, an editable install never runs it, nothing needs it."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("hatchling", reason="it builds wheels")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's sources, and an npm that notes what it is told and makes what it should."""
    web = tmp_path / "archlab" / "studio" / "web"
    web.mkdir(parents=True)
    (web / "package.json").write_text("{}")
    programs = tmp_path / "programs"
    programs.mkdir()
    npm = programs / "npm"
    npm.write_text(
        '#!/bin/sh\necho "$*" >> told\n[ "$2" = "$FAILS" ] && echo "no page today" >&2 && exit 1\n'
        "[ $1 = run ] && mkdir -p $(echo $2 | sed s/build/dist/)\nexit 0\n"
    )
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("ARCHLAB_NO_PAGE", raising=False)
    return tmp_path


def built(clone: Path, version: str = "standard") -> tuple[list[str], list[str], list[str]]:
    """What npm was told, what the wheel has beside its sources, and what was said."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    said: list[str] = []
    hook = object.__new__(module.PageHook)
    hook._BuildHookInterface__root = str(clone)
    hook._BuildHookInterface__app = SimpleNamespace(display_warning=said.append)
    data: dict[str, Any] = {"artifacts": []}
    hook.initialize(version, data)
    told = clone / "archlab" / "studio" / "web" / "told"
    return told.read_text().splitlines() if told.exists() else [], data["artifacts"], said


def test_npm_makes_the_page(clone: Path) -> None:
    told, artifacts, said = built(clone)
    assert told == ["ci --no-audit --no-fund", "run build", "run runtime"]
    assert artifacts == ["/archlab/studio/web/dist/**", "/archlab/studio/web/runtime/**"]
    assert said == []


def test_an_editable_install_never_runs_it(clone: Path) -> None:
    assert built(clone, "editable") == ([], [], [])


def test_it_can_be_left_out(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHLAB_NO_PAGE", "1")
    assert built(clone) == ([], [], [])


def test_without_npm_the_wheel_is_without_the_page(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(clone))
    told, artifacts, (said,) = built(clone)
    assert (told, artifacts) == ([], [])
    assert said.startswith("npm is not there")


def test_where_npm_fails_its_words_are_told(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILS", "runtime")
    told, artifacts, (said,) = built(clone)
    assert told[-1] == "run runtime"
    assert artifacts == ["/archlab/studio/web/dist/**"]
    assert "no page today" in said
