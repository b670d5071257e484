"""The studio's page in Chromium, with Python behind HTTP on this machine; `test_static.py` has it in the browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archlab.api.load import load, loads
from archlab.studio.built import PAGE
from archlab.studio.host.server import Studio
from tests.chromium import NEEDED
from tests.studio.page import (
    BROKEN,
    CONFIG,
    HOSTILE,
    CommandLine,
    Visit,
    assert_equal,
    local_host,
    make_link,
    read_link,
)

pytestmark = [
    NEEDED,
    pytest.mark.skipif(not (PAGE / "index.html").is_file(), reason="the page is not built: npm run build"),
]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    path = tmp_path_factory.mktemp("studio") / "small.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    with local_host(PAGE, path) as studio:
        yield studio


@pytest.fixture
def file(studio: Studio) -> Path:
    assert studio.edited is not None
    studio.edited.path.write_text(CONFIG, encoding="utf-8")
    return studio.edited.path


@pytest.fixture
def visit(browser: Any, studio: Studio, file: Path) -> Iterator[Visit]:
    assert file.is_file()
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, permissions=["clipboard-read", "clipboard-write"]
    )
    yield Visit(context.new_page(), studio.url)
    context.close()


@pytest.fixture
def command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    return CommandLine(capsys, tmp_path)


def test_it_opens_with_the_numbers_and_asks_nobody_else(visit: Visit, command_line: CommandLine) -> None:
    assert_equal(visit, command_line.totals(CONFIG))
    assert visit.page.title() == "archlab studio"
    assert "token" not in visit.page.url
    assert visit.text() == CONFIG
    visit.open_tab("diagram")
    visit.page.wait_for_selector(".diagram img[src^='blob:']")
    visit.until("document.querySelector('.diagram img').naturalWidth > 100")
    visit.open_tab("field")
    visit.page.wait_for_selector("svg.field")
    for name in ("memory", "difference", "presets"):
        visit.open_tab(name)
    assert visit.elsewhere() == []
    assert visit.said == []


def test_the_page_loaded_again_still_knows_its_token(visit: Visit) -> None:
    visit.page.reload()
    visit.settle()
    assert visit.totals()["params"]


def test_typing_changes_hints_and_totals(visit: Visit, command_line: CommandLine) -> None:
    before = visit.hints()
    assert any("16x32x32" in hint and "x2" not in hint for hint in before)
    visit.page.click(".cm-line:has-text('out_features')")
    visit.page.keyboard.press("End")
    visit.page.keyboard.press("ArrowLeft")
    visit.page.keyboard.type("00")
    visit.settle()
    text = CONFIG.replace("out_features: 10", "out_features: 1000")
    assert visit.text() == text
    assert_equal(visit, command_line.totals(text))
    assert visit.hints() != before
    assert any("1000" in hint and "params" in hint for hint in visit.hints())
    assert visit.page.text_content(".line-numbers").startswith("line 18: 1000")
    assert visit.said == []


def test_hints_show_what_is_chosen(visit: Visit) -> None:
    assert any("params" in hint for hint in visit.hints())
    visit.page.click("button:text-is('Hints')")
    for part in ("params", "macs", "receptive_field", "peak"):
        visit.page.uncheck(f"#hints input[value={part}]")
    visit.settle()
    assert visit.hints()[-1] == "10"
    visit.page.reload()
    visit.settle()
    assert visit.hints()[-1] == "10"


def test_hints_are_no_text(visit: Visit) -> None:
    visit.page.focus(".cm-content")
    visit.page.keyboard.press("Control+A")
    visit.page.keyboard.press("Control+C")
    assert visit.page.evaluate("navigator.clipboard.readText()") == CONFIG
    assert visit.count(".cm-archlab-hint") >= 6


def test_a_broken_text_has_a_placed_problem_and_earlier_numbers(visit: Visit) -> None:
    good = visit.totals()
    visit.page.click(".cm-line:has-text('name: pool')")
    visit.page.keyboard.press("Home")
    for _ in range(BROKEN.splitlines()[15].index("nal_size") - 1):
        visit.page.keyboard.press("ArrowRight")
    visit.page.keyboard.press("Delete")
    visit.page.keyboard.type("a")
    visit.settle()
    assert visit.problems()[0].startswith("max_pool2d has no option 'kernal_size'; did you mean 'kernel_size'?")
    assert visit.page.inner_text(".problems .place") == "16:36"
    assert visit.is_stale()
    assert "earlier numbers" in visit.page.inner_text(".overview .mark")
    assert visit.totals() == good
    assert visit.count(".cm-lintRange-error") == 1
    assert visit.count(".cm-archlab-earlier") > 0
    assert any("16x32x32" in hint for hint in visit.hints())  # those in front of the problem go on
    visit.write("layers: [")
    assert visit.count(".problems li.error") == 1
    assert visit.count(".field") == 2  # params stay while nothing is known of the text
    visit.write(CONFIG)
    assert not visit.is_stale()
    assert visit.count(".problems li.error") == 0
    assert visit.count(".cm-archlab-earlier") == 0


@pytest.mark.parametrize("way", ["button", "key", "tooltip"])
def test_a_fix_mends_it(visit: Visit, way: str) -> None:
    visit.write(BROKEN)
    if way == "button":
        visit.page.click(".problems .fix")
    elif way == "key":
        visit.page.click(".problems .place")
        assert visit.page.text_content(".line-numbers").startswith("line 16")
        visit.page.keyboard.press("Control+.")
    else:
        visit.page.hover(".cm-lintRange-error")
        visit.page.click(".cm-diagnosticAction")
    visit.settle()
    assert visit.text() == CONFIG
    assert not visit.is_stale()


def test_it_completes(visit: Visit) -> None:
    visit.type_at_end("  - {type: adaptive_av")
    visit.page.wait_for_selector(".cm-tooltip-autocomplete li")
    labels = visit.page.query_selector_all(".cm-tooltip-autocomplete li .cm-completionLabel")
    assert "adaptive_avg_pool1d" in [label.inner_text() for label in labels]
    visit.page.wait_for_timeout(150)  # it takes no key before it has been seen for a moment
    visit.page.keyboard.press("Enter")
    assert "- {type: adaptive_avg_pool" in visit.text()


def test_it_tells_and_leads(visit: Visit) -> None:
    visit.page.click(".cm-line:has-text('name: two')")
    visit.page.keyboard.press("Home")
    for _ in range(len("{name: two, use: un")):
        visit.page.keyboard.press("ArrowRight")
    visit.page.keyboard.press("Control+k")
    visit.page.keyboard.press("Control+i")
    visit.page.wait_for_selector(".cm-archlab-hover")
    assert "3,520 params" in visit.page.inner_text(".cm-archlab-hover")
    visit.page.keyboard.press("Escape")
    assert visit.count(".cm-archlab-hover") == 0
    visit.page.keyboard.press("F12")
    visit.until("document.querySelector('.line-numbers').textContent.startsWith('line 9')")


def test_hovering_tells_formulas(visit: Visit) -> None:
    visit.page.hover(".cm-line:has-text('name: fc') >> text=linear")
    visit.page.wait_for_selector(".cm-archlab-hover")
    assert "linear" in visit.page.inner_text(".cm-archlab-hover")


def test_it_formats(visit: Visit) -> None:
    visit.write(CONFIG.replace("{width: 8, act: relu}", "{width:    8,act: relu}"))
    visit.page.click("button:has-text('Format')")
    visit.until("document.querySelector('.file').textContent === 'small.yaml'")  # as it was: not changed
    assert visit.text() == CONFIG


def test_a_preset_takes_the_place_of_the_text_and_undo_brings_it_back(visit: Visit) -> None:
    visit.page.click("button:has-text('Start from')")
    visit.page.fill("#preset-filter", "resnet50 deep residual")
    assert visit.count(".presets li") == 1
    visit.page.click(".presets .variant:has-text('resnet101')")
    visit.until("document.querySelector('.name').textContent === 'resnet101'")
    visit.settle()
    total = load("resnet101").analyze().total
    assert visit.exact("params") == total.params
    assert visit.exact("macs") == total.macs
    visit.page.focus(".cm-content")
    visit.page.keyboard.press("Control+z")
    visit.settle()
    assert visit.text() == CONFIG


def test_a_variant_is_chosen(visit: Visit, command_line: CommandLine) -> None:
    names = visit.page.eval_on_selector("#variant", "one => [...one.options].map(({value}) => value)")
    assert names == ["", "wide", "narrow"]
    for variant in ("narrow", "wide", ""):
        visit.page.select_option("#variant", variant)
        visit.settle()
        assert_equal(visit, command_line.totals(CONFIG, variant=variant))
        assert visit.page.input_value("#variant") == variant


def test_sliders_give_params_other_values(visit: Visit, command_line: CommandLine) -> None:
    slider = visit.page.locator(".field:has-text('width') input[type=range]")
    slider.focus()
    for _ in range(3):
        visit.page.keyboard.press("ArrowRight")
    visit.settle()
    width = int(slider.input_value())
    assert width > 8
    assert_equal(visit, command_line.totals(CONFIG, "--set", f"width={width}"))
    assert visit.page.input_value("#param-width") == str(width)
    visit.page.fill("#param-width", "24")
    visit.settle()
    assert_equal(visit, command_line.totals(CONFIG, "--set", "width=24"))
    assert visit.text() == CONFIG  # the text is as it was
    visit.page.click("text=as in the text")
    visit.settle()
    assert_equal(visit, command_line.totals(CONFIG))
    visit.page.fill("#param-width", "0")
    visit.settle()
    assert visit.is_stale()
    assert visit.problems()


def test_a_setting_goes_with_its_param(visit: Visit, command_line: CommandLine) -> None:
    visit.page.fill("#param-width", "24")
    visit.settle()
    text = CONFIG.replace("{width: 8, act: relu}", "{size: 8, act: relu}").replace("width", "size")
    visit.write(text)
    visit.page.wait_for_selector(".overview:not(.stale)")
    assert_equal(visit, command_line.totals(text))


def test_the_difference_to_the_version_that_was_kept(visit: Visit) -> None:
    visit.page.click("header >> text=Keep this version")
    visit.page.wait_for_selector("text=Nothing has changed since.")
    visit.write(CONFIG.replace("out_features: 10", "out_features: 20"))
    visit.page.wait_for_selector(".changes tr[data-key=params] td:last-child:not(:empty)")
    kept = loads(CONFIG).analyze().total
    now = loads(CONFIG.replace("out_features: 10", "out_features: 20")).analyze().total
    cells = visit.page.query_selector_all(".changes tr[data-key=params] td")
    assert [cell.inner_text() for cell in cells[:2]] == [f"{kept.params:,}", f"{now.params:,}"]
    assert cells[2].inner_text().startswith(f"+{now.params - kept.params:,}")
    assert "worse" in cells[2].inner_text()
    assert "fc" in visit.page.inner_text(".layer-changes")


def test_a_link_holds_the_config(visit: Visit, browser: Any) -> None:
    visit.write(CONFIG.replace("small", "größer"))
    visit.page.fill("#param-width", "12")
    visit.settle()
    visit.page.click("button:has-text('Link')")
    visit.until("document.getElementById('link-text').value !== ''")
    link = visit.page.input_value("#link-text")
    assert read_link(link) == (CONFIG.replace("small", "größer"), "", {"width": 12})
    token = visit.url.partition("token=")[2]
    assert token not in link
    page = browser.new_page()
    other = Visit(page, f"{visit.url}#{link.partition('#')[2]}")
    assert other.page.inner_text(".name") == "größer"
    assert other.page.input_value("#param-width") == "12"
    assert other.totals() == visit.totals()
    page.close()


@pytest.mark.parametrize("code", ["c1=AAAA", "c1=" + "A" * 120_000, "c1=%00%ff"])
def test_a_link_that_is_damaged_changes_nothing(visit: Visit, code: str) -> None:
    visit.page.evaluate(f"location.hash = {json.dumps(code)}")
    visit.page.wait_for_selector(".status .bad")
    assert "the link" in visit.page.inner_text(".status .bad")
    assert visit.page.inner_text(".name") == "small"


def test_another_link_in_the_same_page_is_opened(visit: Visit) -> None:
    link = make_link(visit.origin, CONFIG.replace("name: small", "name: other"), "wide")
    visit.page.evaluate(f"location.hash = {json.dumps(link.partition('#')[2])}")
    visit.until("document.querySelector('.name').textContent.includes('wide')")


def test_files_are_taken_away(visit: Visit) -> None:
    def taken(words: str) -> tuple[str, str]:
        visit.page.click("button:has-text('Download')")
        with visit.page.expect_download() as found:
            visit.page.click(f"#files >> text={words}")
        return found.value.suggested_filename, Path(found.value.path()).read_text(encoding="utf-8")

    assert taken("(.yaml)") == ("small.yaml", CONFIG)
    name, source = taken("(.py)")
    assert name.endswith(".py")
    compile(source, name, "exec")
    assert "nn.Conv2d" in source
    name, numbers = taken("(.json)")
    assert json.loads(numbers)["total"]["params"] == loads(CONFIG).analyze().total.params
    name, report = taken("report (.md)")
    assert "small" in report


def test_it_saves_when_it_is_asked_and_not_over_what_others_wrote(visit: Visit, file: Path) -> None:
    text = CONFIG.replace("small", "mine")
    visit.write(text)
    assert "(changed)" in visit.page.inner_text(".file")
    assert file.read_text(encoding="utf-8") == CONFIG
    visit.page.keyboard.press("Control+s")
    visit.until("!document.querySelector('.file').textContent.includes('changed')")
    assert file.read_text(encoding="utf-8") == text
    file.write_text(CONFIG.replace("small", "theirs"), encoding="utf-8")
    visit.write(CONFIG.replace("small", "again"))
    visit.page.click("button:text-is('Save')")
    visit.page.click("text=Read the file again")
    visit.until("document.querySelector('.name').textContent === 'theirs'")
    assert "theirs" in file.read_text(encoding="utf-8")


def test_the_table_of_layers_sorts_and_leads_to_lines(visit: Visit) -> None:
    def rows() -> list[str]:
        return [one.inner_text() for one in visit.page.query_selector_all("table.layers .row-name")]

    layers = loads(CONFIG).analyze().layers
    assert rows() == [layer.node.path for layer in layers]
    visit.page.click("table.layers th button:has-text('params')")
    visit.page.click("table.layers th button:has-text('params')")
    assert rows()[0] == "fc"
    assert visit.page.get_attribute("table.layers th:has-text('params')", "aria-sort") == "descending"
    visit.page.click("table.layers .row-name >> nth=0")
    assert visit.page.text_content(".line-numbers").startswith("line 18")
    assert visit.page.evaluate("document.activeElement.className") == "editor"


def test_pictures_are_read_by_keys(visit: Visit) -> None:
    visit.open_tab("memory")
    visit.page.focus("#panel-memory .chart")
    visit.page.keyboard.press("End")
    assert visit.page.inner_text("#panel-memory .reading").startswith("fc:")
    analysis = loads(CONFIG).analyze()
    assert f"({analysis.total.memory.inference_peak:,} bytes)" in (
        visit.page.get_attribute("#panel-memory .chart", "aria-label") or ""
    )
    visit.open_tab("field")
    visit.page.focus("#panel-field .chart")
    visit.page.keyboard.press("Home")
    assert "sees 3 x 3 (height x width)" in visit.page.inner_text("#panel-field .reading")
    visit.page.select_option("#field-layer", "pool")
    visit.until("document.querySelector('.facts').textContent.includes('pool')")
    assert visit.count("svg.field .seen") == 1


def test_names_of_strangers_stay_text(visit: Visit) -> None:
    visit.write(CONFIG.replace("name: small", f"name: '{HOSTILE}'").replace("name: fc", f"name: '{HOSTILE}'"))
    for name in ("layers", "field", "memory", "diagram", "difference", "presets"):
        visit.open_tab(name)
        visit.page.wait_for_timeout(300)
    assert HOSTILE in visit.page.inner_text("body")
    visit.write(CONFIG.replace("type: flatten", f"type: '{HOSTILE}'"))
    assert any(HOSTILE[:20] in problem for problem in visit.problems())
    assert visit.page.evaluate("document.querySelectorAll('img:not(.diagram img), script:not([src])').length") == 0
    assert visit.said == []
    assert visit.elsewhere() == []


def test_by_keys_alone_every_control_is_reached_and_seen(visit: Visit) -> None:
    visit.page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(60):
        visit.page.keyboard.press("Tab")
        one = visit.page.evaluate(
            """() => {
              const outer = document.activeElement, inner = outer.shadowRoot?.activeElement ?? outer;
              const {outlineStyle, outlineWidth} = getComputedStyle(inner);
              const border = getComputedStyle(outer).borderTopColor;
              const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
              const about = inner.id || inner.className || inner.textContent || inner.tagName;
              const isFramed = outer.className === "editor" && border !== "rgba(0, 0, 0, 0)";
              return [`${inner.tagName} ${about}`, seen || isFramed];
            }"""
        )
        if one[0].startswith("BODY"):
            break
        if "cm-content" in one[0]:
            visit.page.keyboard.press("Escape")  # then Tab leaves it
        reached.append(one)
    names = " | ".join(name for name, _ in reached)
    for wanted in (
        "skip-link",
        "variant",
        "Start from",
        "Keep this version",
        "Format",
        "Download",
        "Link",
        "Hints",
        "Keys",
        "theme",
    ):
        assert wanted in names
    for wanted in ("cm-content", "SUMMARY", "param-width", "param-act", "tab-layers", "row-name", "BUTTON params"):
        assert wanted in names, names
    assert [name for name, seen in reached if not seen] == []
    assert visit.text() == CONFIG  # nothing was indented on the way


def test_tab_indents_and_escape_then_tab_leaves(visit: Visit) -> None:
    visit.page.click(".cm-line:has-text('archlab: 1')")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "editor"
    visit.page.keyboard.press("Control+z")
    visit.page.keyboard.press("Escape")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") != "editor"
    assert "Escape, then Tab" in visit.page.inner_text("#editor-help")


def test_tabs_go_by_arrow_keys(visit: Visit) -> None:
    visit.page.focus("#tab-layers")
    visit.page.keyboard.press("ArrowRight")
    assert visit.page.evaluate("document.activeElement.id") == "tab-field"
    assert visit.page.get_attribute("#tab-field", "aria-selected") == "true"
    assert visit.page.is_visible("#panel-field")
    assert not visit.page.is_visible("#panel-layers")
    visit.page.keyboard.press("End")
    assert visit.page.is_visible("#panel-presets")


def test_a_narrow_screen_has_no_scroll_to_the_side(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    for name in ("layers", "field", "memory", "diagram", "difference", "presets"):
        visit.open_tab(name)
        visit.page.wait_for_timeout(200)
        assert visit.page.evaluate("document.documentElement.scrollWidth") == 390, name
    for words in ("Download", "Link", "Hints", "Keys"):
        visit.page.click(f"button:has-text('{words}')")
        left, right = visit.page.evaluate(
            "(() => { const {left, right} = document.querySelector('.popover:popover-open').getBoundingClientRect();"
            "return [left, right]; })()"
        )
        assert left >= 0
        assert right <= 390
        visit.page.keyboard.press("Escape")


def test_light_and_dark(visit: Visit) -> None:
    def back() -> str:
        return str(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert back() == "rgb(255, 255, 255)"
    visit.page.emulate_media(color_scheme="dark")
    assert back() == "rgb(22, 25, 28)"
    visit.page.select_option("#theme", "light")
    assert back() == "rgb(255, 255, 255)"
    visit.page.reload()
    visit.settle()
    assert back() == "rgb(255, 255, 255)"
    assert visit.page.input_value("#theme") == "light"


def test_ten_thousand_layers_stay_usable(visit: Visit) -> None:
    lines = ["  - {type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, repeat: 4}"] * 2_500
    visit.write("\n".join(["archlab: 1", "name: chain", "input: [8, 16, 16]", "layers:", *lines, ""]))
    assert visit.exact("params") == 10_000 * (8 * 8 * 9 + 8)
    assert visit.count("table.layers tbody tr") < 120
    assert visit.count(".cm-line") < 300
    visit.page.focus("table.layers .row-name[tabindex='0']")
    visit.page.keyboard.press("End")  # of those that came with the numbers; the others come now
    visit.until("/^10,000 layers\\. /.test(document.querySelector('#panel-layers .note').textContent)")
    visit.page.keyboard.press("End")
    names = [layer.node.path for layer in loads(visit.text()).analyze().layers]
    visit.page.focus("table.layers .row-name[tabindex='0']")
    assert visit.page.evaluate("document.activeElement.textContent") == names[-1]
    visit.page.keyboard.press("Enter")
    assert visit.page.text_content(".line-numbers").startswith("line 2504")
    assert visit.said == []


def test_what_is_wrong_with_the_host_is_said(visit: Visit, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{visit.origin}/")
    page.wait_for_selector(".status .bad")
    assert "token" in page.inner_text(".status .bad")
    page.close()
