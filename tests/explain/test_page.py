"""The page of a layer, in a real browser: its arithmetic is archlab's, and pointing and keys answer."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import archlab
from archlab.explain.drawing.geometry import Sight, sight_of
from archlab.explain.drawing.style import DARK, LIGHT
from archlab.layers.shape import ShapeError
from tests.chromium import NEEDED
from tests.command import run

pytestmark = NEEDED


class Visit:
    """A layer's page that is open, and what it said and asked for."""

    def __init__(self, browser: Any, path: Path, width: int = 1000, scheme: str = "light") -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def marked(self, board: str, kind: str) -> list[tuple[int, ...]]:
        cells = self.page.query_selector_all(f"#{board} .{kind}")
        return [tuple(map(int, cell.get_attribute("data-place").split(","))) for cell in cells]

    def slide(self, name: str, value: int) -> None:
        self.page.fill(f"#{name}", str(value))

    def text(self, selector: str) -> str:
        return str(self.page.text_content(selector))


def written(folder: Path, capsys: pytest.CaptureFixture[str], words: str) -> Path:
    path = folder / "layer.html"
    status, out, _ = run(capsys, "explain", *words.split(), "-o", str(path))
    assert (status, out) == (0, "")
    return path


def sight(layer_type: str, options: dict[str, int]) -> Sight | None:
    """By archlab, of one axis; None where it refuses."""
    given = {"kernel_size": options["kernel"], **{k: options[k] for k in ("stride", "padding")}}
    if layer_type != "avg_pool1d":
        given["dilation"] = options["dilation"]
    if layer_type == "conv_transpose1d":
        given["output_padding"] = options["extra"]
    if "conv" in layer_type:
        given["out_channels"] = 1
    words = ", ".join(f"{name}: {value}" for name, value in given.items())
    text = f"input: [1, {options['size']}]\nlayers: [{{type: {layer_type}, {words}}}]"
    try:
        network = archlab.loads(text)
    except (archlab.ConfigError, ShapeError):
        return None
    return sight_of(network.graph.layers[0].layer, (network.graph.input_shape,))


@pytest.mark.parametrize("layer_type", ["conv1d", "max_pool1d", "conv_transpose1d"])
def test_the_arithmetic_is_archlabs(
    browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], layer_type: str
) -> None:
    """Units, what each reads and where the kernel lies, for many settings; and what is refused."""
    visit = Visit(browser, written(tmp_path, capsys, f"{layer_type} kernel_size=3"))
    draw = random.Random(0)  # noqa: S311 - drawing settings is no cryptography
    limits = {
        "size": (1, 16),
        "kernel": (1, 7),
        "stride": (1, 5),
        "padding": (0, 6 if "conv" in layer_type else 2),
        "dilation": (1, 4),
    }
    settings = [{name: draw.randint(*ends) for name, ends in limits.items()} for _ in range(160)]
    settings = [{**own, "extra": draw.randint(0, 3) if "transpose" in layer_type else 0} for own in settings]
    found = visit.page.evaluate("all => all.map((own) => layerAxis(own))", settings)
    compared = refused = 0
    for own, answer in zip(settings, found, strict=True):
        expected = sight(layer_type, own)
        if expected is None:
            assert "fault" in answer, own
            refused += 1
            continue
        (axis,) = expected.axes
        assert answer.get("units") == axis.units, own
        assert [sorted(set(reads)) for reads in answer["reads"]] == [axis.read(unit) for unit in range(axis.units)]
        assert answer["taps"] == [[list(tap) for tap in axis.taps(unit)] for unit in range(axis.units)]
        compared += 1
    assert compared > 50
    assert refused > 10
    visit.page.close()


def test_pointing_shows_what_is_read_and_by_whom(
    browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, capsys, "conv2d kernel_size=3 stride=2 padding=1 --input 1x7x7")
    visit = Visit(browser, path)
    visit.page.hover("#output [data-place='0,0']")
    assert visit.marked("input", "read") == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len(visit.marked("input", "over")) == 5
    assert "reads 4 input positions; its kernel also lies over 5 outside of the map" in visit.text("#said")
    letters = [visit.text(f"#input [data-place='{place}']") for place in ("0,0", "0,1", "1,0", "1,1")]
    assert letters == ["e", "f", "h", "i"]
    visit.page.hover("#input [data-place='1,1']")
    assert visit.marked("output", "unit") == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert "is read by 4 output units" in visit.text("#said")
    assert (visit.said, visit.asked) == ([], [path.as_uri()])
    visit.page.close()


def test_keys_walk_over_both_maps(browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    visit = Visit(browser, written(tmp_path, capsys, "max_pool2d kernel_size=2 --input 1x6x6"))
    sliders = visit.page.query_selector_all("#sliders input")
    visit.page.focus(f"#{sliders[-1].get_attribute('id')}")
    keyboard = visit.page.keyboard
    keyboard.press("Tab")
    assert "Input (0, 0)" in visit.text("#said")
    keyboard.press("Tab")
    assert visit.marked("input", "read") == [(0, 0), (0, 1), (1, 0), (1, 1)]
    keyboard.press("ArrowRight")
    keyboard.press("ArrowDown")
    assert visit.marked("output", "unit") == [(1, 1)]
    assert visit.marked("input", "read") == [(2, 2), (2, 3), (3, 2), (3, 3)]
    keyboard.press("End")
    assert visit.marked("output", "unit") == [(1, 2)]
    keyboard.press("Home")
    assert visit.marked("output", "unit") == [(1, 0)]
    visit.page.close()


def test_sliders(browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    visit = Visit(browser, written(tmp_path, capsys, "conv_transpose2d kernel_size=3 --input 1x3x3"))
    visit.slide("stride", 2)
    assert visit.text("#output-caption") == "output 7 x 7"
    assert "(3 - 1) x 2 - 2 x 0 + 1 x (3 - 1) + 0 + 1 = 7" in visit.text("#formula")
    visit.page.hover("#output [data-place='0,0']")
    assert visit.marked("input", "read") == [(0, 0)]
    visit.slide("padding", 6)
    assert "cuts off all" in visit.text("#fault")
    assert not visit.page.is_visible("#maps")
    visit.slide("padding", 1)
    assert visit.page.is_visible("#maps")
    assert visit.text("#output-caption") == "output 5 x 5"
    visit.page.close()


@pytest.mark.parametrize("words", ["deform_conv2d kernel_size=3 padding=1", "upsample scale_factor=2 mode=bilinear"])
def test_layers_without_sliders_answer_too(
    browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    visit = Visit(browser, written(tmp_path, capsys, words))
    assert not visit.page.query_selector_all("#sliders input")
    visit.page.hover("#output [data-place='2,3']")
    assert visit.marked("input", "read")
    assert visit.said == []
    visit.page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_it_fits_the_screen(
    browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], width: int, scheme: str
) -> None:
    visit = Visit(browser, written(tmp_path, capsys, "conv2d kernel_size=3x5 padding=2"), width, scheme)
    assert visit.page.evaluate("document.documentElement.scrollWidth") == width
    for name in ("size", "kernel", "padding"):
        visit.slide(f"{name}width", 6)
    visit.page.click("text=Picture, with the matrix")
    assert visit.page.evaluate("document.documentElement.scrollWidth") == width
    right = "Math.max(...[...document.querySelectorAll('[role=gridcell]')].map((c) => c.getBoundingClientRect().right))"
    assert visit.page.evaluate(right) <= width
    dark = visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    assert dark == (scheme == "dark")
    visit.page.close()


@pytest.mark.parametrize(("scheme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_its_colours_are_those_of_drawings(
    browser: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    scheme: str,
    colours: dict[str, str],
) -> None:
    """Whose contrast is computed in `test_drawing`."""
    visit = Visit(browser, written(tmp_path, capsys, "max_pool2d kernel_size=2"), scheme=scheme)
    style = "getComputedStyle(document.documentElement)"
    for name, colour in colours.items():
        short = visit.page.evaluate(f"{style}.getPropertyValue('--{name}')").strip()
        assert colour == (f"#{''.join(letter * 2 for letter in short[1:])}" if len(short) == 4 else short), name
    visit.page.close()


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_one_frame_at_a_time_and_one_alone_without_motion(
    browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], motion: str
) -> None:
    """Of a moving picture, at times that its clock is set to."""
    path = tmp_path / "it.svg"
    run(capsys, "explain", "max_pool2d", "kernel_size=2", "--input", "1x4x4", "--animate", "-o", str(path))
    page = browser.new_page(reduced_motion=motion)
    page.goto(path.as_uri())
    script = """(at) => {
      for (const one of document.getAnimations()) { one.pause(); one.currentTime = at; }
      const frames = [...document.querySelectorAll(".f")].map((frame, index) => [getComputedStyle(frame), index]);
      return frames.filter(([style]) => style.visibility === "visible").map(([, index]) => index);
    }"""
    shown = [page.evaluate(script, at) for at in (100, 800, 1500, 2200, 2900, 3600)]
    still = motion == "reduce"
    assert shown == ([[0]] * 6 if still else [[0], [1], [2], [3], [0], [1]])
    assert page.evaluate("document.getAnimations().length") == (0 if still else 4)
    page.close()
