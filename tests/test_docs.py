"""What README and docs show is what the commands print; every config in them is valid.

After a change of a report: `pytest tests/test_docs.py --rewrite`, then read the difference.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import archlab
from archlab.api.expect import check_expect
from archlab.diagnostics.problem import Problems
from archlab.layers import layer_types
from tests.chunks import check_each, in_chunks
from tests.command import run

ROOT = Path(__file__).parent.parent
MADE = "problems.md"
"""Its configs are wrong on purpose; a test of its own holds it."""
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.name != MADE)]
LINK = re.compile(r"(?<!`)\]\(([^)#\s][^)\s]*)\)")
SENTENCE = re.compile(r"\s*([-*]|\d+\.)?\s*[A-Z`*\[].*[.:;?!)`*]|\s*(<|\[!?\[|!\[).*")
"""A line of its own, which may be long: a whole sentence, a picture, a badge."""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[tuple[str, str]]:
    return [(path.name, text) for path in PAGES for found, text in BLOCK.findall(path.read_text()) if found == kind]


SWEEPS = [text for _, text in blocks("yaml") if text.startswith("sweep:")]


@pytest.mark.parametrize("text", SWEEPS)
def test_every_sweep_in_the_docs_is_valid(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    status, out, err = run(capsys, "sweep", str(path))
    assert status == 0
    assert out
    assert "are equal in every figure" in err


@pytest.mark.parametrize("configs", in_chunks((page, text) for page, text in blocks("yaml") if text not in SWEEPS))
def test_every_config_in_the_docs_is_valid(configs: list[tuple[str, str]]) -> None:
    check_each(configs, check_config)


def check_config(config: tuple[str, str]) -> None:
    page, text = config
    network = archlab.loads(text, name=page)
    problems = Problems()
    if network.document.expect is not None:
        check_expect(network.document.expect, network.analyze(), problems)
    assert not problems.found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_the_docs_show_is_what_the_commands_print(
    page: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shown_now(match: re.Match[str]) -> str:
        kind, text = match.groups()
        if kind != "console":
            return match.group()
        command = text.splitlines()[0].removeprefix("$ ")
        program, *arguments = shlex.split(command)
        assert program == "archlab"
        _, out, err = run(capsys, *arguments)
        return f"```console\n$ {command}\n{(out + err).strip(chr(10))}\n```"

    monkeypatch.chdir(ROOT)
    text = page.read_text()
    shown = BLOCK.sub(shown_now, text)
    if request.config.getoption("--rewrite"):
        page.write_text(shown)
    assert shown == page.read_text()


TOLD_AS_A_WHOLE = "python.md"
"""Its blocks are one program, which writes files: tests/api runs it in a folder of its own."""


@pytest.mark.parametrize(("page", "code"), [block for block in blocks("python") if block[0] != TOLD_AS_A_WHOLE])
def test_the_python_of_the_docs_runs(page: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("configs", "docs"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)  # some write files
    exec(compile(code, page, "exec"), {"__name__": "__main__"})  # noqa: S102 - our own


def test_the_changelog_names_every_layer() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    activations = {
        name for name in layer_types() if (cls := archlab.layers.find_layer(name)) and cls.role == "activation"
    }
    families = {name for name in layer_types() if "pool" in name or "pad2d" in name}  # named in one word
    # those of one and of three axes go by their twins of two
    named = {re.sub("[13]d$", "2d", name) if name != "batch_norm1d" else name for name in layer_types()}
    assert all(f"`{name}`" in text for name in named - activations - families)


def test_every_page_of_the_docs_has_its_place_on_the_site() -> None:
    pages = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
    assert sorted(_pages(tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"])) == pages


def _pages(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for part in nav if isinstance(nav, list) else nav.values() if isinstance(nav, dict) else ():
        yield from _pages(part)


def test_links_in_pages_lead_somewhere() -> None:
    found = [(page, link) for page in PAGES for link in LINK.findall(page.read_text()) if "://" not in link]
    assert len(found) > 100
    assert [(page.name, link) for page, link in found if not (page.parent / link.partition("#")[0]).exists()] == []


def test_prose_is_a_sentence_a_line_or_at_most_100_columns() -> None:
    wide = []
    for page in (*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"):
        prose = re.sub(r"^\s*```.*?```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL).splitlines()
        lines = [line for line in prose if len(line) > 100 and not line.startswith(("|", "    "))]
        wide += [f"{page.name}: {line}" for line in lines if not SENTENCE.fullmatch(line)]
    assert wide == []
