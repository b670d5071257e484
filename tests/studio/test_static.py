"""The studio's page in Chromium with Python in the browser itself: the folder of `archlab studio --export`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archlab.api.load import load
from archlab.studio.built import PAGE
from archlab.studio.export.folder import export
from archlab.studio.export.runtime import RUNTIME
from tests.chromium import NEEDED
from tests.studio.page import (
    BROKEN,
    CONFIG,
    HOSTILE,
    CommandLine,
    Visit,
    assert_equal,
    make_link,
    static_host,
)

pytestmark = [
    NEEDED,
    pytest.mark.skipif(not (PAGE / "index.html").is_file(), reason="the page is not built: npm run build"),
    pytest.mark.skipif(not (RUNTIME / "pyodide").is_dir(), reason="Pyodide is not there: npm run runtime"),
]


@pytest.fixture(scope="module")
def opened(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """One page for all: Python takes seconds to load."""
    folder = tmp_path_factory.mktemp("static") / "studio"
    export(folder)
    with static_host(folder) as url:
        context = browser.new_context(
            viewport={"width": 1280, "height": 800}, permissions=["clipboard-read", "clipboard-write"]
        )
        yield Visit(context.new_page(), url)
        context.close()


@pytest.fixture
def visit(opened: Visit) -> Visit:
    opened.write(CONFIG)
    opened.page.select_option("#variant", "")
    opened.settle()
    return opened


@pytest.fixture
def command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    return CommandLine(capsys, tmp_path)


def test_it_opens_with_a_preset(opened: Visit) -> None:
    analysis = load("resnet50").analyze()
    assert opened.exact("params") == analysis.total.params
    assert opened.exact("memory.inference_peak") == analysis.total.memory.inference_peak
    assert opened.count(".presets li") > 40
    assert opened.elsewhere() == []
    assert opened.said == []


def test_typing_changes_hints_and_totals(visit: Visit, command_line: CommandLine) -> None:
    before = visit.hints()
    assert_equal(visit, command_line.totals(CONFIG))
    visit.page.click(".cm-line:has-text('out_features')")
    visit.page.keyboard.press("End")
    visit.page.keyboard.press("ArrowLeft")
    visit.page.keyboard.type("00")
    visit.settle()
    assert_equal(visit, command_line.totals(CONFIG.replace("out_features: 10", "out_features: 1000")))
    assert visit.hints() != before


def test_problems_fixes_and_completion(visit: Visit) -> None:
    visit.write(BROKEN)
    assert visit.is_stale()
    visit.page.click(".problems .fix")
    visit.settle()
    assert visit.text() == CONFIG
    visit.type_at_end("  - {type: adaptive_av")
    visit.page.wait_for_selector(".cm-tooltip-autocomplete li")
    visit.page.keyboard.press("Escape")


def test_pictures_difference_and_files(visit: Visit) -> None:
    visit.open_tab("diagram")
    visit.until("document.querySelector('.diagram img').naturalWidth > 100")
    visit.open_tab("field")
    visit.page.wait_for_selector("svg.field .seen")
    visit.page.click("header >> text=Keep this version")
    visit.write(CONFIG.replace("out_features: 10", "out_features: 20"))
    visit.page.wait_for_selector(".changes tr[data-key=params] td:last-child:not(:empty)")
    for words, start in (("(.py)", "import"), ("(.json)", "{"), ("report (.md)", "#")):
        visit.page.click("button:has-text('Download')")
        with visit.page.expect_download() as found:
            visit.page.click(f"#files >> text={words}")
        assert start in Path(found.value.path()).read_text(encoding="utf-8")[:2000]
    assert visit.page.is_hidden("button:text-is('Save')")
    assert visit.elsewhere() == []


def test_a_link_is_opened(visit: Visit) -> None:
    link = make_link(visit.origin, CONFIG.replace("name: small", "name: other"), "wide", {"act": "silu"})
    visit.page.evaluate(f"location.hash = {json.dumps(link.partition('#')[2])}")
    visit.until("document.querySelector('.name').textContent.includes('wide')")
    assert visit.page.input_value("#param-act") == "silu"
    visit.page.click("text=as in the text")
    visit.page.select_option("#variant", "narrow")
    visit.settle()


def test_names_of_strangers_stay_text(visit: Visit) -> None:
    visit.write(CONFIG.replace("name: small", f"name: '{HOSTILE}'").replace("name: fc", f"name: '{HOSTILE}'"))
    for name in ("layers", "field", "memory", "diagram", "difference"):
        visit.open_tab(name)
        visit.page.wait_for_timeout(300)
    assert HOSTILE in visit.page.inner_text("body")
    assert visit.page.evaluate("document.querySelectorAll('img:not(.diagram img), script:not([src])').length") == 0
    assert visit.said == []


def test_what_takes_too_long_is_stopped_and_the_next_text_works(visit: Visit, command_line: CommandLine) -> None:
    # 31,200 layers: just below the most that a network may have
    item = "  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, repeat: 26}"
    text = "\n".join(["name: long", "input: [8, 64, 64]", "layers:", *[item] * 1_200, ""])
    visit.page.evaluate("text => navigator.clipboard.writeText(text)", text)
    visit.page.focus(".cm-content")
    visit.page.keyboard.press("Control+A")
    visit.page.keyboard.press("Control+V")
    visit.page.click(".status button:text-is('Stop')")
    visit.page.wait_for_selector("text=It was stopped")
    visit.write(CONFIG)
    visit.page.wait_for_selector(".overview:not(.stale)")
    assert_equal(visit, command_line.totals(CONFIG))


def test_a_folder_that_is_not_whole_says_so(browser: Any, tmp_path: Path) -> None:
    folder = tmp_path / "studio"
    export(folder)
    (folder / "pyodide" / "pyodide.asm.wasm").unlink()
    with static_host(folder) as url:
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector(".status .bad")
        assert "Python could not be started" in page.inner_text(".status .bad")
        page.close()
