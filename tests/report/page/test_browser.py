"""The page in a real browser: it sorts, filters and draws, and nothing leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archlab.analysis.time.device import load_device
from archlab.api.comparison import Comparison, compare
from archlab.api.load import load, loads
from tests.chromium import NEEDED

pytestmark = NEEDED


ATTACK = "<img src=x onerror=alert(1)>"
NAMES = ("resnet18", "mobilenet_v2", "vgg11", "unet")


class Visit:
    """A page that is open, and what it said and asked for."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: self.said.append(dialog.message))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(path.as_uri())
        self.charts = page.evaluate("window.chartsReady")

    def names(self) -> list[str]:
        """Of the rows that are shown, in order."""
        return [row.get_attribute("data-name") for row in self.page.query_selector_all("#table tbody tr:not([hidden])")]

    def count(self, selector: str) -> int:
        return len(self.page.query_selector_all(selector))

    def text(self, selector: str) -> str:
        return str(self.page.text_content(selector))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    hostile = loads(
        f"name: '{ATTACK}'\ninput: [3, 32, 32]\nlayers: [{{type: conv2d, out_channels: 4, kernel_size: 3}}]"
    )
    networks = [*map(load, NAMES), hostile]
    place = tmp_path_factory.mktemp("page") / "page.html"
    place.write_text(compare(networks).to_html(command="archlab compare ..."), encoding="utf-8")
    return place


@pytest.fixture
def visit(browser: Any, path: Path) -> Iterator[Visit]:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    yield Visit(page, path)
    page.close()


def test_it_is_quiet_and_self_contained(visit: Visit, path: Path) -> None:
    assert visit.charts == 4
    assert visit.said == []
    assert visit.asked == [path.as_uri()]
    assert path.stat().st_size < 3_000_000


def test_names_stay_text(visit: Visit) -> None:
    assert ATTACK in visit.names()
    assert visit.count("img") == 0
    assert ATTACK in visit.text("#table")
    assert ATTACK in visit.text("h1")
    assert visit.said == []


def test_it_sorts(visit: Visit) -> None:
    params = {**{name: load(name).analyze().total.params for name in NAMES}, ATTACK: 112}
    ascending = sorted(params, key=lambda name: params[name])
    visit.page.click("th[data-key=params] button")
    assert visit.names() == ascending
    assert visit.page.get_attribute("th[data-key=params]", "aria-sort") == "ascending"
    visit.page.focus("th[data-key=params] button")
    visit.page.keyboard.press("Enter")
    assert visit.names() == ascending[::-1]
    assert visit.page.get_attribute("th[data-key=params]", "aria-sort") == "descending"
    visit.page.click("th[data-key=name] button")
    assert visit.names()[-1] == "vgg11"
    assert visit.page.get_attribute("th[data-key=params]", "aria-sort") == "none"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("net", ["resnet18", "mobilenet_v2", "unet"]),
        ("net macs<1G", ["mobilenet_v2"]),
        ("params > 100M", ["vgg11"]),
        ("memory, training >= 1GiB", ["vgg11"]),
        ("depth = 18", ["resnet18"]),
        ("nothing of the kind", []),
        ("<img", [ATTACK]),
    ],
)
def test_it_filters(visit: Visit, words: str, names: list[str]) -> None:
    visit.page.fill("#filter", words)
    assert visit.names() == names
    assert visit.text("#shown") == f"{len(names)} of 5"


def test_the_best_and_the_baseline(visit: Visit) -> None:
    visit.page.fill("#filter", "params > 1M")
    best = visit.page.query_selector_all("#table td.best")
    owners = {cell.evaluate("cell => cell.parentNode.dataset.name") for cell in best}
    assert owners == {"mobilenet_v2", "resnet18"}  # the latter is bound to be faster
    visit.page.select_option("#baseline", "vgg11")
    row = "#table tr[data-name=resnet18] td:nth-child(4) small"
    change = 100 * (11689512 / 132863336 - 1)
    assert visit.text(row) == f"{change:.0f}%"
    assert visit.page.get_attribute(row, "class") == "good"
    assert visit.text("#table tr[data-name=vgg11] td:nth-child(4) small") == ""


def test_charts_draw(visit: Visit) -> None:
    """Marks are counted: points, lines and bars."""
    assert visit.count("#chart-pareto .mark-symbol.role-mark path") == 5
    assert visit.count("#chart-growth .mark-line.role-mark path") == 5
    assert visit.count("#chart-memory .mark-line.role-mark path") == 5
    assert visit.count("#chart-stages .mark-rect.role-mark path") > 20


def test_charts_answer(visit: Visit) -> None:
    """The axis, the figure and the run can be chosen; the pointer is answered with values."""
    page = visit.page
    page.select_option("#chart-pareto select >> nth=0", label="depth")
    assert "depth" in visit.text("#chart-pareto svg")
    page.select_option("#chart-memory select", "inference")
    page.hover("#chart-pareto .mark-symbol.role-mark path >> nth=0", force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    tip = visit.text("#vg-tooltip-element")
    assert "resnet18" in tip
    assert "11.69M" in tip
    assert visit.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_it_fits_the_screen(browser: Any, path: Path, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    visit = Visit(page, path)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    ink, back = (page.evaluate(f"getComputedStyle(document.body).{name}") for name in ("color", "backgroundColor"))
    assert (_brightness(ink) < _brightness(back)) == (scheme == "light")
    text = page.evaluate("getComputedStyle(document.querySelector('#chart-growth svg text')).fill")
    assert text == ink
    assert visit.said == []
    page.close()


def _brightness(colour: str) -> int:
    return sum(int(part) for part in colour.strip("rgb()").split(","))


def test_print_opens_what_is_folded(visit: Visit) -> None:
    assert visit.count(".network details:not([open])") == 5
    visit.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert visit.count(".network details:not([open])") == 0
    assert len(visit.page.pdf()) > 10_000


def test_every_network_has_its_section(visit: Visit) -> None:
    assert visit.count("section.network svg.archlab-diagram") == 5
    visit.page.click("text=Layers (69")
    assert "layer4.1" in visit.text("#network-1 table.layers")


def test_tooltips_stay_text(visit: Visit) -> None:
    visit.page.hover("#chart-pareto .mark-symbol.role-mark path >> nth=4", force=True)
    visit.page.wait_for_selector("#vg-tooltip-element.visible")
    assert ATTACK in visit.text("#vg-tooltip-element")
    assert visit.count("img") == 0
    assert visit.said == []


def test_a_flat_input_has_no_receptive_fields(browser: Any, tmp_path: Path) -> None:
    place = tmp_path / "flat.html"
    network = loads("input: [100]\nlayers: [{type: linear, out_features: 10}, {type: relu}]")
    place.write_text(compare([network]).to_html(), encoding="utf-8")
    page = browser.new_page()
    visit = Visit(page, place)
    assert (visit.charts, visit.said) == (2, [])
    assert visit.count("#growth") == 0
    page.close()


def test_a_single_network(browser: Any, tmp_path: Path) -> None:
    place = tmp_path / "one.html"
    place.write_text(Comparison([load("resnet18").analyze()], load_device("a100")).to_html(), encoding="utf-8")
    page = browser.new_page()
    visit = Visit(page, place)
    assert (visit.charts, visit.said) == (3, [])
    page.close()


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("one") / "one.html"
    place.write_text(compare(["resnet18"]).to_html(), encoding="utf-8")
    return place


def test_a_page_of_one_network_is_about_it(browser: Any, one: Path) -> None:
    """No table of networks; its memory by holder, its field, layers to unfold, explanations, the config."""
    page = browser.new_page()
    visit = Visit(page, one)
    analysis = load("resnet18").analyze()
    assert visit.count("#table, #filter") == 0
    assert "sees 435 positions of the height (-121 to 313; the input has 224)" in visit.text("#seen")
    assert page.is_hidden(".holders >> nth=0 >> table >> nth=0")  # folded
    page.click(".holders >> nth=0 >> summary")
    parts = page.query_selector_all(".holders[open] table:first-of-type tbody tr")
    assert parts[0].inner_text().split("\t")[:2] == ["params", "44.59 MiB"]
    assert visit.count("#layers tr.inner:not([hidden])") == 0
    page.click("#layers button:has-text('layer1.0')")
    assert visit.count("#layers tr.inner:not([hidden])") == len(
        [r for r in analysis.layers if r.node.path.startswith("layer1.0.")]
    )
    page.click("#unfold")
    rows = visit.count("#layers tr:not([hidden])") - 1 - visit.count("#layers tbody.scope")
    assert rows == len(analysis.layers)
    page.click("#explained > details > summary")
    page.click("#explained details details:has-text('conv1: conv2d') >> nth=0 >> summary")
    assert "floor((224 + 2 x 3 - 1 x (7 - 1) - 1) / 2) + 1" in visit.text("#explained")
    assert load("resnet18").document.source.text.strip() in visit.text("#config")
    assert visit.said == []
    page.close()


def test_memory_by_holder_adds_up_to_the_peak(browser: Any, one: Path) -> None:
    page = browser.new_page()
    Visit(page, one)
    specs = page.evaluate("JSON.parse(document.getElementById('specs').textContent)")
    analysis = load("resnet18").analyze()
    assert analysis.training is not None
    for run, peak in (
        ("forward pass", analysis.total.memory.inference_peak),
        ("training step", analysis.training.peak),
    ):
        records = [record for record in specs["memory"]["data"]["values"] if record["run"] == run]
        assert max(record["high"] for record in records) == peak
        moments: dict[float, int] = {}
        for record in records:
            moments[record["progress"]] = moments.get(record["progress"], 0) + record["bytes"]
        assert max(moments.values()) == peak
    page.close()


def test_a_filter_that_matches_nothing_says_so(visit: Visit) -> None:
    assert visit.page.is_hidden("#none")
    visit.page.fill("#filter", "nothing of the kind")
    assert "No network matches \N{LEFT DOUBLE QUOTATION MARK}nothing of the kind" in visit.text("#none")
    visit.page.fill("#filter", "<img src=x onerror=alert(2)> q")
    assert visit.count("img") == 0
    visit.page.fill("#filter", "")
    assert visit.page.is_hidden("#none")
    assert visit.said == []


def test_two_networks_say_what_differs(browser: Any, tmp_path: Path) -> None:
    place = tmp_path / "two.html"
    place.write_text(compare(["resnet18", "resnet34"]).to_html(), encoding="utf-8")
    page = browser.new_page()
    visit = Visit(page, place)
    assert "11,689,512" in visit.text("#difference")
    assert "+86.5%" in visit.text("#difference")
    assert visit.text("#table tr[data-name=resnet34] td:nth-child(4) small") == "+86%"  # to the first, without a choice
    page.close()


@pytest.mark.parametrize("width", [1200, 390])
def test_legends_can_be_read(browser: Any, path: Path, width: int) -> None:
    """All names, whole, and inside the page."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    Visit(page, path)
    for chart in ("growth", "memory"):
        entries = page.query_selector_all(f"#{chart} .legend li")
        assert [entry.inner_text() for entry in entries] == [*NAMES, ATTACK]
        for entry in entries:
            box = entry.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
    page.close()


def test_a_keyboard_reaches_everything(browser: Any, path: Path) -> None:
    """From the top by Tab alone: the way to the table, the filter, every heading with its meaning, what is folded."""
    page = browser.new_page()
    Visit(page, path)
    reached: list[dict[str, str]] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => { const e = document.activeElement; const style = getComputedStyle(e); return {
                  tag: e.tagName, text: e.textContent.trim().slice(0, 40), id: e.id, outline: style.outlineStyle,
                  meaning: (document.getElementById(e.getAttribute("aria-describedby")) || {}).textContent || ""} }"""
            )
        )
    assert reached[0]["text"] == "to the table"
    assert {"filter", "baseline"} <= {found["id"] for found in reached}
    meanings = {found["text"]: found["meaning"] for found in reached if found["meaning"]}
    assert meanings["params"] == "Elements of learnable tensors."
    assert len(meanings) == 10  # all columns but the name
    assert any(found["tag"] == "SUMMARY" and "What the columns mean" in found["text"] for found in reached)
    assert all(
        found["outline"] != "none" for found in reached if found["tag"] in ("BUTTON", "SUMMARY", "SELECT", "INPUT")
    )
    summary = page.query_selector(".meanings summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.is_visible("#meaning-params")
    page.close()


def test_a_hundred_networks_are_folded(browser: Any, tmp_path: Path) -> None:
    """A heading of a line, nothing of a network before it is opened, by its own row, a link or the keyboard."""
    networks = [
        loads(
            f"name: net{number}\ninput: [3, 8, 8]\nlayers: [{{type: conv2d, out_channels: {number}, kernel_size: 1}}]"
        )
        for number in range(1, 101)
    ]
    place = tmp_path / "many.html"
    place.write_text(compare(networks).to_html(), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    visit = Visit(page, place)
    assert visit.text("h1") == "100 networks: net1 to net100"
    assert page.query_selector("h1").bounding_box()["height"] < 45
    assert page.evaluate("document.documentElement.scrollHeight") < 3_500
    assert visit.count("svg.archlab-diagram") == 0
    page.click("#table tr[data-name=net42] a")
    page.wait_for_selector("svg.archlab-diagram", state="attached")
    assert visit.count("svg.archlab-diagram") == 1
    assert page.is_visible("#network-42 dl")
    page.focus("#network-7 > summary")
    page.keyboard.press("Enter")
    page.wait_for_selector("#network-7 svg.archlab-diagram", state="attached")
    page.fill("#filter", "net99")
    assert [row.inner_text() for row in page.query_selector_all("details.folded:not([hidden]) > summary")] == ["net99"]
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert visit.said == []
    page.close()


def test_it_prints_on_few_pages(browser: Any, one: Path) -> None:
    """Explanations and the config stay folded; the layers are those that are open."""
    page = browser.new_page()
    Visit(page, one)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.pdf(format="A4").count(b"/Type /Page\n") <= 8
    assert len(page.query_selector_all("#explained details[open]")) == 0
    page.close()
