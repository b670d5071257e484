"""The studio's page in a real browser: what a visit does, sees and waits for."""

from __future__ import annotations

import base64
import functools
import http.server
import json
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from archlab.studio.host.edited import Edited
from archlab.studio.host.server import Studio
from tests.command import run

PATIENCE = 60_000
"""Milliseconds: a machine with much else to do is slow, no less right."""


CONFIG = """\
archlab: 1
name: small
input: [3, 32, 32]
params: {width: 8, act: relu}
variants:
  wide: {width: 16}
  narrow: {width: 4}
blocks:
  unit:
    params: {out: }
    layers:
      - {type: conv2d, out_channels: $out, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: $act}
layers:
  - {name: one, use: unit, out: $width}
  - {name: two, use: unit, out: $(2 * width), repeat: 2}
  - {name: pool, type: max_pool2d, kernel_size: 2}
  - {name: flat, type: flatten}
  - {name: fc, type: linear, out_features: 10}
"""
BROKEN = CONFIG.replace("kernel_size: 2}", "kernal_size: 2}")
HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


class Visit:
    """A page that is open, with what it said and asked for."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.said: list[str] = []
        self.asked: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", self._dismiss)
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(url)
        self.settle()

    def _dismiss(self, dialog: Any) -> None:
        self.said.append(dialog.message)
        dialog.dismiss()

    @property
    def origin(self) -> str:
        return self.url.partition("?")[0].rstrip("/")

    def settle(self) -> None:
        """Until the numbers are those of the text, or the text has problems."""
        self.page.wait_for_selector('#panels[aria-busy="false"]')

    def until(self, expression: str) -> None:
        """Until a JavaScript expression is true. Playwright's own way is `eval`, which the page does not allow."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, expression
            self.page.wait_for_timeout(30)

    def elsewhere(self) -> list[str]:
        """What was asked of others than the page's own origin."""
        return [url for url in self.asked if not url.startswith((self.origin, "blob:", "data:"))]

    # -- the editor

    def write(self, text: str) -> None:
        """Put another text in place of the whole."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.focus(".cm-content")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Control+V")
        self.settle()

    def type_at_end(self, text: str) -> None:
        """As a person does, key by key."""
        self.page.focus(".cm-content")
        self.page.keyboard.press("Control+End")
        self.page.keyboard.type(text)
        self.settle()

    def text(self) -> str:
        """Of the editor as it would be saved, read from the link that holds it: it is never the screen's."""
        self.page.click("button:has-text('Link')")
        self.until("document.getElementById('link-text').value !== ''")
        link = self.page.input_value("#link-text")
        self.page.keyboard.press("Escape")
        return read_link(link)[0]

    def hints(self) -> list[str]:
        """Behind the lines in sight that are of the text as it is."""
        return [one.inner_text() for one in self.page.query_selector_all(".cm-archlab-hint:not(.cm-archlab-earlier)")]

    def problems(self) -> list[str]:
        return [one.inner_text() for one in self.page.query_selector_all(".problems li .message")]

    # -- the panels

    def totals(self) -> dict[str, str]:
        """Texts by keys."""
        rows = self.page.query_selector_all(".overview .totals > div")
        return {row.get_attribute("data-key"): row.query_selector("dd").inner_text() for row in rows}

    def exact(self, key: str) -> int:
        """A total in full."""
        title = self.page.get_attribute(f'.overview [data-key="{key}"] dd', "title")
        return int(title.replace(",", ""))

    def open_tab(self, name: str) -> None:
        self.page.click(f"#tab-{name}")

    def count(self, selector: str) -> int:
        return len(self.page.query_selector_all(selector))

    def is_stale(self) -> bool:
        return self.count(".overview.stale") == 1


def read_link(link: str) -> tuple[str, str, dict[str, Any]]:
    """The config of a link, by Python's own zlib."""
    code = link.partition("#c1=")[2]
    packed = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))
    text, variant, settings = json.loads(zlib.decompress(packed, -15))
    return text, variant, settings


def make_link(origin: str, text: str, variant: str = "", settings: dict[str, Any] | None = None) -> str:
    """A link that holds a config, by Python's own zlib."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(json.dumps([text, variant, settings or {}]).encode()) + packer.flush()
    return f"{origin}#c1={base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


@contextmanager
def local_host(folder: Path, file: Path | None = None) -> Iterator[Studio]:
    """`archlab studio FILE`, in this process."""
    studio = Studio(folder, None if file is None else Edited(file))
    studio.answering.start()
    thread = threading.Thread(target=studio.serve_forever, daemon=True)
    thread.start()
    try:
        yield studio
    finally:
        studio.shutdown()
        studio.server_close()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def static_host(folder: Path) -> Iterator[str]:
    """Any server of files; its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class CommandLine:
    """What `archlab analyze` prints of a text."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys, self._path = capsys, folder / "told.yaml"

    def totals(self, text: str, *options: str, variant: str = "") -> dict[str, Any]:
        self._path.write_text(text, encoding="utf-8")
        target = f"{self._path}@{variant}" if variant else str(self._path)
        status, out, _ = run(self._capsys, "analyze", target, "--format", "json", *options)
        assert status == 0
        return dict(json.loads(out)["total"])


def assert_equal(visit: Visit, total: dict[str, Any]) -> None:
    """The page's totals, in full, are those."""
    for key in ("params", "buffers", "macs", "flops", "activations"):
        assert visit.exact(key) == total[key], key
    for key in ("params", "inference_peak", "training_peak"):
        assert visit.exact(f"memory.{key}") == total["memory"][key], key
