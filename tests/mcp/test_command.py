"""`archlab mcp` before it serves: its options, and who lacks the extra."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.command import run


def test_who_lacks_the_extra_is_told_the_line_that_installs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "archlab.diagnostics.requirements.find_spec", lambda name: None if name.startswith("mcp") else find(name)
    )
    status, out, err = run(capsys, "mcp")
    assert (status, out) == (1, "")
    assert err == 'archlab: the server for agents needs mcp, which is not installed: pip install "archlab[mcp]"\n'


def test_wrong_options(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, _, err = run(capsys, "mcp", "--folder", "/")
    assert status == 2
    assert "/ is the whole disk; give the folder of the configs: --folder DIR" in err
    status, _, err = run(capsys, "mcp", "--folder", str(tmp_path / "none"))
    assert status == 2
    assert "is no folder" in err
    status, _, err = run(capsys, "mcp", "--time-limit", "0")
    assert status == 2
    assert "must be a number of seconds from 0.1 to 3600, not '0'" in err
