"""Pages as they are seen: contrast of all texts, what stands beside what, a walk by the Tab key alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archlab.api.load import load
from archlab.report.page.render import FOLDER
from tests.chromium import NEEDED
from tests.report.test_diagram import contrast

pytestmark = NEEDED


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast_of_the_page_s_colours(scheme: int) -> None:
    """Texts 4.5 to 1 on both grounds that there are."""
    rules = re.findall(r":root\{([^}]*)\}", (FOLDER / "page.css").read_text(encoding="utf-8"))
    assert len(rules) == 2
    colours = dict(re.findall(r"--(\w+):(#\w+)", rules[scheme]))
    full = {name: value if len(value) == 7 else "#" + "".join([2 * digit for digit in value[1:]])
            for name, value in colours.items()}  # fmt: skip
    for ground in ("back", "soft"):
        for text in ("ink", "faint", "accent", "good", "bad"):
            assert contrast(full[text], full[ground]) >= 4.5, (text, ground)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {
        "one": load("resnet18").to_html(),
        "wide": load("hrnet_w18").to_html(),
        "sweep": load("resnet18").sweep({"d1": [1, 2], "d2": [1, 2]}).to_html(),
    }
    for name, text in made.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.fixture
def opened(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    shown: list[Any] = []

    def open_page(name: str, width: int = 1200, scheme: str = "light") -> Any:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.goto(pages[name].as_uri())
        page.evaluate("window.chartsReady")
        shown.append(page)
        return page

    yield open_page
    for page in shown:
        page.close()


def box(page: Any, selector: str) -> dict[str, float]:
    found: dict[str, float] = page.query_selector(selector).bounding_box()
    return found


def test_a_slim_diagram_has_what_follows_beside_it(opened: Any) -> None:
    page = opened("one")
    diagram, seen, layers = (box(page, f"#{name}") for name in ("architecture", "seen", "layers"))
    assert seen["x"] >= diagram["x"] + diagram["width"]
    assert abs(seen["y"] - diagram["y"]) < 40
    assert layers["y"] >= diagram["y"] + diagram["height"]
    assert layers["x"] == diagram["x"]
    assert page.evaluate("document.documentElement.scrollWidth") == 1200


@pytest.mark.parametrize(("name", "width"), [("one", 390), ("wide", 1200)])
def test_else_it_stands_alone(opened: Any, name: str, width: int) -> None:
    page = opened(name, width)
    diagram, seen = box(page, "#architecture"), box(page, "#seen")
    assert seen["y"] >= diagram["y"] + diagram["height"]
    assert page.evaluate("document.documentElement.scrollWidth") == width


FOCUS = "a[href], button, input, select, summary, [tabindex='0']"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["one", "sweep"])
def test_the_tab_key_reaches_all_that_answers(opened: Any, name: str, scheme: str) -> None:
    """Each once, in the order of the page, each with a line around it."""
    page = opened(name, scheme=scheme)
    page.evaluate(
        f'[...document.querySelectorAll("{FOCUS}")].filter(one => one.checkVisibility({{visibilityProperty: true}}))'
        ".forEach((one, at) => one.dataset.walk = at)"
    )
    count = page.evaluate("document.querySelectorAll('[data-walk]').length")
    assert count > 3
    walked: list[int] = []
    for _ in range(count):
        page.keyboard.press("Tab")
        at, outline = page.evaluate(
            "[document.activeElement.dataset.walk, getComputedStyle(document.activeElement).outlineStyle]"
        )
        assert at is not None, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        walked.append(int(at))
    assert walked == list(range(count))
