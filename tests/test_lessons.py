"""The lessons in docs/learn: their pictures are what the commands beside them draw, and what they say is so.

After a change of the drawings: `pytest tests/test_lessons.py --rewrite`, then look at them.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import archlab
from tests.command import run
from tests.test_docs import BLOCK, ROOT

FOLDER = ROOT / "docs" / "learn"
LESSONS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
LARGEST = 200_000
"""Bytes of a picture."""
_IMAGE = re.compile(r"!\[([^\]]+)\]\(([^)]+)\)")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)#]+)(#[^)]*)?\)")


def commands(page: Path) -> list[list[str]]:
    """The arguments of those that draw."""
    blocks = [text for kind, text in BLOCK.findall(page.read_text()) if kind == "sh"]
    lines = [shlex.split(line) for text in blocks for line in text.splitlines()]
    assert all(line[0] == "archlab" for line in lines)
    return [line[1:] for line in lines]


@pytest.mark.parametrize("page", LESSONS, ids=lambda path: path.stem)
def test_the_pictures_are_what_the_commands_draw(
    page: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn: set[str] = set()
    for arguments in commands(page):
        name = arguments[arguments.index("-o") + 1]
        assert run(capsys, *arguments)[:2] == (0, "")
        drawn.add(name)
        made = (tmp_path / name).read_text()
        if request.config.getoption("--rewrite"):
            (FOLDER / name).write_text(made)
        assert made == (FOLDER / name).read_text(), name
        assert len(made) < LARGEST
    shown = [(alt, name) for alt, name in _IMAGE.findall(page.read_text()) if not name.startswith("../")]
    assert {name for _, name in shown} == drawn
    assert any("--animate" in arguments for arguments in commands(page))
    assert all(len(alt) > 10 for alt, _ in shown)


@pytest.mark.parametrize("page", LESSONS, ids=lambda path: path.stem)
def test_every_lesson_has_its_parts(page: Path) -> None:
    text = page.read_text()
    assert re.search(r"^\*.+\?\*$", text, re.MULTILINE)
    heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert heads == ["The idea", "In a real network", "Exercise"]
    assert text.count("<details><summary>Answer</summary>") == text.count("</details>") == 1
    assert f"({page.name})" in (FOLDER / "README.md").read_text()


def test_no_picture_is_left_over() -> None:
    drawn = {arguments[arguments.index("-o") + 1] for page in LESSONS for arguments in commands(page)}
    assert {path.name for path in FOLDER.glob("*.svg")} == drawn


@pytest.mark.parametrize("page", [*LESSONS, FOLDER / "README.md"], ids=lambda path: path.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target, _ in _LINK.findall(page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_what_the_lessons_say() -> None:
    """Numbers in sentences, those that no command beside them prints."""
    alexnet = archlab.load("alexnet").analyze()
    parts = {
        name: [r for r in alexnet.layers if r.node.path.startswith(f"{name}.")] for name in ("features", "classifier")
    }
    params = sum(report.params for report in parts["classifier"])
    macs = sum(report.macs for report in parts["features"])
    assert round(100 * params / alexnet.total.params) == 96
    assert round(100 * macs / alexnet.total.macs) == 92
    assert round(alexnet.total.params / 1e6) == 61
    assert 3 * 224 * 224 == 150_528
    assert round(150_528 * 64 * 112 * 112 / 1e9) == 121
    resnet, vgg = archlab.load("resnet50").analyze().total, archlab.load("vgg16").analyze().total
    assert resnet.params < vgg.params
    assert resnet.macs < vgg.macs
    wide = archlab.loads(
        "input: [512, 28, 28]\nlayers: [{type: conv2d, out_channels: 512, kernel_size: 3, padding: 1, bias: false}]"
    )
    assert round(100 * wide.analyze().total.macs / resnet.macs) == 45
    assert wide.analyze().total.macs in [
        r.macs for r in archlab.load("vgg16").analyze().layers if "stage4" in r.node.path
    ]
    stack = archlab.load(FOLDER / "stack.yaml").analyze().layers[-1].receptive_field.axes[0]
    assert stack is not None
    assert (stack.sizes, stack.start) == ([15], -7)
    hybrid = archlab.load("dilated_context_hybrid").analyze()
    gridding = archlab.load("dilated_context_gridding").analyze()
    fields = [analysis.total.receptive_field.axes[0] for analysis in (hybrid, gridding)]
    assert [(field.sizes, field.coverage == 1) for field in fields if field] == [([33], True), ([25], False)]
