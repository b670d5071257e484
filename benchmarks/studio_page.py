"""How long the studio's page takes in Chromium: the first numbers, and each keystroke, on both hosts.

    python -m benchmarks.studio_page [resnet@resnet50] [--keys 30]

Needs playwright, Chromium, and the built page (docs/studio.md). A keystroke is timed from the key until its numbers are
painted: the wait for a next key (35 ms), the question and its answer, and drawing all that has changed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from archlab.studio.answer import answer
from archlab.studio.built import page_folder
from archlab.studio.export.folder import export
from archlab.studio.export.runtime import RUNTIME
from tests.chromium import CHROMIUM, FLAGS
from tests.studio.page import Visit, local_host, make_link, static_host

MEASURED = "name => performance.getEntriesByName(name).map(entry => entry.duration)"


def told(name: str, values: list[float]) -> str:
    """Median and 95th percentile, in milliseconds."""
    ranked = sorted(values)
    high = ranked[min(len(ranked) - 1, round(0.95 * len(ranked)))]
    return f"{name} {statistics.median(values):.0f} ms, p95 {high:.0f} ms"


def measure(browser: Any, host: str, url: str, text: str, variant: str, keys: int) -> None:
    """Open the page with a network, and write digits and take them away again."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    link = make_link("", text, variant)
    start = time.perf_counter()
    visit = Visit(page, url + link)
    first = time.perf_counter() - start
    page.evaluate("performance.clearMeasures()")
    page.focus(".cm-content")
    page.keyboard.press("Control+End")
    for key in range(keys):
        page.keyboard.press("#" if key == 0 else "x")
        page.wait_for_timeout(30)
        visit.settle()
        page.wait_for_timeout(150)  # painted, and all that waits for a pause begun
    answers, redraws = (page.evaluate(MEASURED, f"archlab:{name}") for name in ("answer", "redraw"))
    both = [a + b for a, b in zip(answers, redraws, strict=True)]
    print(f"{host}: first numbers after {first:.2f} s")
    print(f"  {len(both)} keys: {told('answer', answers)}; {told('redraw', redraws)}; {told('together', both)}")
    context.close()


def main() -> None:
    """Measure both hosts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", nargs="?", default="resnet@resnet50", help="FAMILY@VARIANT")
    parser.add_argument("--keys", type=int, default=30)
    options = parser.parse_args()
    name, _, variant = options.preset.partition("@")
    text = answer("preset", {"name": name})["text"]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as place:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with local_host(page_folder()) as studio:
            measure(browser, "on this machine", studio.url, text, variant, options.keys)
        if RUNTIME.is_dir():
            folder = Path(place) / "studio"
            export(folder)
            with static_host(folder) as url:
                measure(browser, "in the browser", url, text, variant, options.keys)
        browser.close()


if __name__ == "__main__":
    main()
