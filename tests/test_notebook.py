"""The notebook in docs/ runs, and shows what it shows. After a change: `pytest tests/test_notebook.py --rewrite`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent.parent / "docs/tour.ipynb"
pytestmark = pytest.mark.skipif(
    find_spec("nbclient") is None or find_spec("ipykernel") is None, reason="the extra 'notebook' is not installed"
)


def texts(path: Path) -> Iterator[str]:
    """What the cells print, and the plain form of what they show."""
    for cell in json.loads(path.read_text())["cells"]:
        for output in cell.get("outputs", ()):
            assert output["output_type"] != "error", output
            yield "".join(output.get("text") or output["data"].get("text/plain", ""))


def test_the_notebook_shows_what_it_shows(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    own = tmp_path / NOTEBOOK.name
    shutil.copy(NOTEBOOK, own)
    command = [sys.executable, "-m", "jupyter", "execute", "--inplace", str(own)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    if pytestconfig.getoption("--rewrite"):
        shutil.copy(own, NOTEBOOK)
    found = list(texts(own))
    assert len(found) > 10
    assert found == list(texts(NOTEBOOK))
