"""The studio's export, its Python run by node: the same answers as here, with nothing asked elsewhere.

Needs node, and what `npm run runtime --prefix archlab/studio/web` brings.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import pytest

from archlab.config.tree.presets import preset_files
from archlab.diagnostics.problem import ConfigError
from archlab.report.rows import analysis_dict
from archlab.studio import built
from archlab.studio.answer import answer
from archlab.studio.export.byte_code import add_byte_code
from archlab.studio.export.folder import Exported, export
from archlab.studio.export.runtime import RUNTIME, WHEELS, YAML, pure
from archlab.studio.export.wheel import wheel_name, write_wheel
from tests.presets import TARGETS, analysis

SCRIPT = Path(__file__).with_name("browser_python.mjs")
MOST_BYTES = 20_000_000
"""Of a whole export."""

needs_runtime = pytest.mark.skipif(
    shutil.which("node") is None or not (RUNTIME / "pyodide" / "pyodide.asm.wasm").is_file(),
    reason="node is not there, or 'npm run runtime' has not brought Pyodide",
)


def made_page(folder: Path) -> Path:
    """A built page, so that these tests need no npm."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>studio</title>")
    (folder / "assets" / "index.js").write_text("0")
    return folder


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = made_page(tmp_path / "page")
    monkeypatch.setattr(built, "PAGE", folder)
    return folder


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Exported]:
    """An export, and what was said of it."""
    place = tmp_path_factory.mktemp("export")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(built, "PAGE", made_page(place / "page"))
        return place / "studio", export(place / "studio")


def in_browser(folder: Path, calls: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Answers of the export's Python, with times in milliseconds."""
    asked, answered = folder.parent / "calls.json", folder.parent / "answers.json"
    asked.write_text(json.dumps(calls))
    command = ["node", str(SCRIPT), str(folder), str(asked), str(answered)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(answered.read_text())
    return found


@cache
def texts() -> dict[str, tuple[str, str]]:
    """By network: the text of its family, as the page has it, and its variant."""
    found: dict[str, tuple[str, str]] = {}
    for row in answer("hello", {})["presets"]:
        text = answer("preset", {"name": row["name"]})["text"]
        found |= {variant: (text, variant) for variant in row["variants"]}
        found.setdefault(row["name"], (text, ""))
    return found


@needs_runtime
def test_totals_of_all_presets_are_those_of_the_command_line(exported: tuple[Path, Exported]) -> None:
    folder, said = exported
    assert said.size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < MOST_BYTES
    assert said.compiled
    calls = [("check", {"text": texts()[name][0], "variant": texts()[name][1]}) for name in TARGETS]
    found = in_browser(folder, calls)
    assert found["python"].startswith("3.14")
    heavy = {"torch", "numpy", "pandas", "rich", "pygls", "lsprotocol", "matplotlib", "jinja2"}
    assert not heavy & set(found["modules"])
    assert len(found["answers"]) == len(TARGETS) > 100
    for name, got in zip(TARGETS, found["answers"], strict=True):
        totals = {row["key"]: row["value"] for row in got["answer"]["totals"]}
        expected = analysis_dict(analysis(name))["total"]
        memory = expected["memory"]
        assert got["answer"]["name"] == name
        assert totals == {
            **{key: expected[key] for key in ("params", "buffers", "macs", "flops", "activations")},
            "memory.params": memory["params"],
            "memory.inference_peak": memory["inference_peak"],
            **({} if memory["training_peak"] is None else {"memory.training_peak": memory["training_peak"]}),
            "receptive_field": expected["receptive_field"]["size"],
        }, name


@needs_runtime
def test_all_answers_are_those_of_this_python(exported: tuple[Path, Exported]) -> None:
    """Times apart; and what needs another package says so."""
    text = texts()["resnet18"][0]
    broken = text.replace("kernel_size: 7", "kernal_size: 7")
    shown = {"text": text, "variant": "resnet18"}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("hello", {}),
        ("preset", {"name": "unet"}),
        ("check", {**shown, "validate": True}),
        ("check", {"text": broken}),
        ("check", {"text": text, "set": {"d1": 1}}),
        ("complete", {**shown, "line": 59, "column": 30}),
        ("hover", {**shown, "line": 59, "column": 15}),
        ("definition", {**shown, "line": 63, "column": 28}),
        ("format", {"text": text}),
        ("diagram", {**shown, "theme": "dark"}),
        ("field_picture", shown),
        ("difference", {**shown, "kept": {"text": text}}),
        *[("download", {**shown, "kind": kind}) for kind in ("yaml", "py", "md", "csv", "json")],
    ]
    elsewhere: list[tuple[str, dict[str, Any]]] = [("download", {**shown, "kind": kind}) for kind in ("html", "report")]
    found = in_browser(exported[0], [*calls, *elsewhere])["answers"]
    for (method, request), got in zip(calls, found, strict=False):
        here = json.loads(json.dumps(answer(method, request)))
        for one in (here, got["answer"]):
            one.pop("timing", None)
        assert got["answer"] == here, method
        assert "error" not in here
    page, report = [got["answer"] for got in found[len(calls) :]]
    assert "archlab[report]" in page["error"]
    assert report["name"] == "resnet18.md"


@needs_runtime
@pytest.mark.usefixtures("page")
def test_without_node_an_export_has_no_byte_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not export(tmp_path / "studio").compiled
    with zipfile.ZipFile(tmp_path / "studio" / "wheels" / wheel_name()) as wheel:
        assert not [name for name in wheel.namelist() if name.endswith(".pyc")]


def test_byte_code_is_added_to_the_files_that_are_needed(tmp_path: Path) -> None:
    """And Python takes it without a look at the source."""
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("some/__init__.py", "")
        made.writestr("some/one.py", "NUMBER = 1")
        made.writestr("some/two.py", "NUMBER = 2")
    add_byte_code(tmp_path, {"some/one.py", "another/one.py"})
    with zipfile.ZipFile(wheel) as found:
        names = [name for name in found.namelist() if name.endswith(".pyc")]
        found.extractall(tmp_path / "site")
    assert names == [cache_from_source("some/one.py")]
    (tmp_path / "site" / "some" / "one.py").write_text("NUMBER = 3")
    (tmp_path / "site" / "some" / "two.py").write_text("NUMBER = 4")
    code = "from some import one, two; print(one.NUMBER, two.NUMBER)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path / "site", capture_output=True, text=True, check=True)
    assert done.stdout == "1 4\n"


@needs_runtime
def test_an_export_takes_the_place_of_an_earlier_one_and_of_nothing_else(
    tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # byte code takes its time
    folder = tmp_path / "studio"
    export(folder, {"text": "archlab: 1\n"})
    host = json.loads((folder / "host.json").read_text())
    assert host["hello"]["text"] == "archlab: 1\n"
    assert host["hello"]["presets"] == answer("hello", {})["presets"]
    assert all((folder / wheel).is_file() for wheel in host["wheels"])
    assert json.loads((folder / "pyodide" / "pyodide-lock.json").read_text())["packages"] == {}
    assert "Mozilla Public License 2.0" in (folder / "pyodide" / "NOTICE.txt").read_text()
    (page / "assets" / "index.js").rename(page / "assets" / "other.js")
    export(folder)
    assert [path.name for path in (folder / "assets").iterdir()] == ["other.js"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("x")
    with pytest.raises(ConfigError, match="would be lost"):
        export(mine)
    with pytest.raises(ConfigError, match="is a file"):
        export(mine / "thesis.tex")
    assert [path.name for path in mine.iterdir()] == ["thesis.tex"]


def test_the_wheel_is_archlab_without_what_no_browser_needs(tmp_path: Path) -> None:
    wheel = tmp_path / wheel_name()
    write_wheel(wheel)
    again = tmp_path / "again.whl"
    write_wheel(again)
    assert wheel.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(wheel) as entries:
        names = entries.namelist()
    assert {"archlab/studio/answer.py", "archlab/configs/resnet.yaml", "archlab/zoo/template.yaml"} <= set(names)
    assert not [name for name in names if name.startswith(("archlab/cli/", "archlab/mcp/", "archlab/studio/host/"))]
    assert not [name for name in names if "node_modules" in name or name.endswith(".pyc")]
    assert sum(name.startswith("archlab/configs/") for name in names) == len(preset_files())


def test_wheels_of_others_are_of_one_version_and_hash() -> None:
    for wheel in (*WHEELS, YAML):
        assert len(wheel.sha256) == 64
        assert wheel.requirement == f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n"


def test_of_a_wheel_with_a_compiled_part_the_python_and_the_licence_are_kept(tmp_path: Path) -> None:
    old, new = tmp_path / "old.whl", tmp_path / "new.whl"
    info = "pyyaml-6.0.dist-info"
    with zipfile.ZipFile(old, "w") as wheel:
        for name in ("yaml/__init__.py", "yaml/_yaml.so", "_yaml/__init__.py", f"{info}/METADATA", f"{info}/RECORD"):
            wheel.writestr(name, name)
        wheel.writestr(f"{info}/licenses/LICENSE", "MIT")
    pure(old, new)
    with zipfile.ZipFile(new) as wheel:
        assert wheel.namelist() == [f"{info}/METADATA", f"{info}/licenses/LICENSE", "yaml/__init__.py"]
        assert wheel.read("yaml/__init__.py") == b"yaml/__init__.py"
