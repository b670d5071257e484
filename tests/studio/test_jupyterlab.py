"""The view of a network in JupyterLab itself, in Chromium: its kernel answers, its keys and themes are around it."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from archlab.studio.built import NOTEBOOK, PAGE
from tests.chromium import CHROMIUM, FLAGS, NEEDED
from tests.studio.page import PATIENCE, CommandLine

pytestmark = [
    NEEDED,
    pytest.mark.skipif(not (PAGE / NOTEBOOK).is_file(), reason="the page is not built: npm run build"),
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("jupyterlab", "anywidget", "ipykernel")),
        reason="JupyterLab, anywidget or its kernel is not installed",
    ),
]
sync_api = pytest.importorskip("playwright.sync_api")

ROOT = Path(__file__).parents[2]
RESNET = (ROOT / "configs/resnet.yaml").read_text(encoding="utf-8")
FEWER = RESNET.replace("num_classes: 1000", "num_classes: 100")
CELLS = (
    "import archlab\nview = archlab.view(archlab.load('resnet50'))\nview",
    "print('macs', view.network.analyze().total.macs, view.variant)",
    "view.variant = 'resnet18'",
    "other = archlab.view('mobilenet_v2', height=400)\nother",
    "view",
)


def notebook_of(cells: tuple[str, ...]) -> dict[str, Any]:
    code: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    made = [{**code, "id": f"cell-{at}", "source": text} for at, text in enumerate(cells)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab with a notebook; the notebook's address."""
    place = tmp_path_factory.mktemp("lab")
    folder = place / "notebooks"
    folder.mkdir()
    (folder / "view.ipynb").write_text(json.dumps(notebook_of(CELLS)), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    own = {f"JUPYTER_{name}_DIR": str(place / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    settings = (
        "--no-browser --allow-root --ip=127.0.0.1 --expose-app-in-browser --ServerApp.port_retries=0 "
        f"--port={port} --ServerApp.root_dir={folder} --IdentityProvider.token={token} --LabApp.news_url="
    )
    command = [sys.executable, "-m", "jupyterlab", *settings.split()]
    environment = {**os.environ, **own, "PYTHONPATH": str(ROOT)}
    with (place / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token={token}")
            yield f"http://127.0.0.1:{port}/lab/tree/view.ipynb?token={token}"
        finally:
            server.terminate()
            server.wait()


def wait_for(url: str) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            urllib.request.urlopen(url, timeout=10).close()  # noqa: S310 - of this machine
        except OSError:
            assert time.monotonic() < deadline, "JupyterLab did not start"
            time.sleep(0.2)
        else:
            return


class Lab:
    """A notebook that is open, with what its page said and asked for."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda one: self.said.append(one.text) if one.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(url)
        page.wait_for_selector("text=| Idle")
        page.on("request", lambda request: self.asked.append(request.url))

    def run(self, cell: int) -> None:
        self.page.locator(".jp-Notebook .jp-CodeCell").nth(cell).locator(".jp-InputArea-prompt").click()
        self.page.keyboard.press("Control+Enter")

    def output(self, cell: int) -> str:
        place = self.page.locator(".jp-Notebook .jp-CodeCell").nth(cell).locator(".jp-OutputArea-output")
        place.wait_for()
        return str(place.inner_text())

    def view(self, cell: int) -> View:
        return View(self.page, self.page.locator(".jp-Notebook .jp-CodeCell").nth(cell).locator(".archlab-view"))

    def cells(self) -> list[str]:
        return list(self.page.locator(".jp-Notebook .jp-CodeCell .jp-InputArea-editor").all_inner_texts())

    def elsewhere(self) -> list[str]:
        """What was asked of others than JupyterLab, or of it beside its own interface and what it is made of."""
        host = self.page.url.partition("/lab")[0]
        own = tuple(f"{host}/{part}" for part in ("api/", "static/", "lab/"))
        return [url for url in self.asked if not url.startswith((*own, "blob:", "data:"))]

    def command(self, name: str, **options: str) -> None:
        self.page.evaluate("([name, options]) => jupyterapp.commands.execute(name, options)", [name, options])


class View:
    """A view of it."""

    def __init__(self, page: Any, place: Any) -> None:
        self.page, self.place = page, place

    def total(self, key: str) -> int:
        title = self.place.locator(f'.overview [data-key="{key}"] dd').get_attribute("title")
        return int(title.replace(",", ""))

    def until(self, key: str, value: int) -> None:
        self.place.locator(f'.overview [data-key="{key}"] dd[title="{value:,}"]').wait_for()

    def line(self, text: str) -> Any:
        return self.place.locator(".cm-line", has_text=re.compile(f"^{text}"))

    def colour(self) -> str:
        return str(self.place.locator(".studio").evaluate("element => getComputedStyle(element).backgroundColor"))


@pytest.fixture
def notebook(lab: str) -> Iterator[Lab]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = Lab(browser.new_page(viewport={"width": 1400, "height": 1000}), lab)
        yield opened
        assert opened.said == []
        assert opened.elsewhere() == []
        browser.close()


@pytest.fixture
def command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    return CommandLine(capsys, tmp_path)


def test_its_numbers_are_the_command_lines(notebook: Lab, command_line: CommandLine) -> None:
    notebook.run(0)
    view = notebook.view(0)
    wanted = command_line.totals(RESNET, variant="resnet50")
    view.until("params", wanted["params"])
    for key in ("buffers", "macs", "flops", "activations"):
        assert view.total(key) == wanted[key], key
    for key in ("params", "inference_peak", "training_peak"):
        assert view.total(f"memory.{key}") == wanted["memory"][key], key


def test_what_is_typed_changes_them_and_is_no_command_of_the_notebook(notebook: Lab, command_line: CommandLine) -> None:
    """Such as a, b, d d and x, which add and delete cells, and Control+Enter, which runs one."""
    page = notebook.page
    page.locator(".jp-Notebook .jp-CodeCell .jp-InputArea-prompt").last.click()
    notebook.command("notebook:insert-cell-below")  # which the notebook's own undo would take back
    cells = notebook.cells()
    notebook.run(0)
    view = notebook.view(0)
    view.line("  num_classes: 1000").click()
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    page.keyboard.type("  # a b d d x")
    page.keyboard.press("Control+Enter")  # to the editor a line more, which goes again
    page.keyboard.press("Control+z")
    wanted = command_line.totals(FEWER, variant="resnet50")
    view.until("params", wanted["params"])
    page.keyboard.press("Control+f")  # which JupyterLab has as well
    view.place.locator(".cm-search").wait_for()
    assert page.locator(".jp-DocumentSearch-overlay:visible").count() == 0
    page.keyboard.press("Escape")
    view.place.locator("#tab-memory").click()
    for key in ("d", "d", "b", "ArrowRight", "x", "Control+Enter"):
        page.keyboard.press(key)
    assert view.place.locator("#tab-diagram[aria-selected=true]").count() == 1
    assert notebook.cells() == cells
    notebook.run(1)
    assert notebook.output(1).strip() == f"macs {wanted['macs']} resnet50"
    assert view.total("params") == wanted["params"]


def test_completion_is_seen_whole(notebook: Lab) -> None:
    """JupyterLab's boxes cut off what stands out of them."""
    notebook.run(0)
    view = notebook.view(0)
    view.line("name: resnet").click()
    view.page.keyboard.press("Control+End")
    view.line("  - {name: flatten").click()
    view.page.keyboard.press("End")
    view.page.keyboard.press("Enter")
    view.page.keyboard.type("- {type: conv")
    offered = view.place.locator(".cm-tooltip-autocomplete")
    offered.wait_for()
    # Outputs that come late move the notebook.
    view.place.locator(".cm-content .cm-activeLine").scroll_into_view_if_needed()
    sync_api.expect(offered).to_be_in_viewport(ratio=0.99, timeout=PATIENCE)  # of a pixel a part may be cut


def test_what_python_sets_is_shown_in_each_view_of_it(notebook: Lab, command_line: CommandLine) -> None:
    notebook.run(0)
    notebook.run(2)
    view = notebook.view(0)
    view.until("params", command_line.totals(RESNET, variant="resnet18")["params"])
    assert view.place.locator("#variant").input_value() == "resnet18"
    notebook.run(3)
    other = notebook.view(3)
    mobile = command_line.totals((ROOT / "configs/mobilenet_v2.yaml").read_text(encoding="utf-8"))["params"]
    other.until("params", mobile)
    assert other.place.bounding_box()["height"] == pytest.approx(400, abs=1)
    notebook.run(4)
    again = notebook.view(4)
    again.place.locator("#variant").select_option("resnet34")
    wanted = command_line.totals(RESNET, variant="resnet34")["params"]
    for one in (view, again):
        one.until("params", wanted)
    assert other.total("params") == mobile

    notebook.run(0)  # another view takes the place of the first, and the others stay
    notebook.view(0).until("params", command_line.totals(RESNET, variant="resnet50")["params"])
    assert again.total("params") == wanted
    notebook.command("notebook:clear-all-cell-outputs")
    notebook.page.wait_for_function("document.querySelectorAll('.archlab-view').length === 0")


def test_light_and_dark_are_jupyterlabs(notebook: Lab) -> None:
    notebook.run(0)
    view = notebook.view(0)
    for theme, colour in (("Dark", "rgb(22, 25, 28)"), ("Light", "rgb(255, 255, 255)")):
        notebook.command("apputils:change-theme", theme=f"JupyterLab {theme}")
        notebook.page.wait_for_selector(f".archlab-view[data-theme={theme.lower()}]")
        assert view.colour() == colour
