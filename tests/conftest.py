"""Options of the test run, and which tests are quick."""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import CHROMIUM, FLAGS

# Tensors of tests are small: threads would wait for one another, all the more beside other workers.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Tests start the program many times: byte code is kept, also where an environment says that it is not.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

TESTS = Path(__file__).parent
SLOW = (
    *("axes", "editor", "files", "mcp", "mechanisms", "studio", "torch", "zoo"),
    *("analysis/memory/test_trainable.py", "analysis/projective_field", "analysis/receptive_field", "analysis/time"),
    *("api/test_questions.py", "cli/test_cli.py", "cli/test_completion.py", "cli/test_import.py"),
    *("cli/test_streams.py", "cli/test_watch.py", "cli/test_widths.py"),
    *("config/test_dump.py", "config/test_format.py", "config/test_limits.py"),
    *("explain/test_counting.py", "explain/test_drawing.py", "explain/test_page.py"),
    *("imports/onnx/test_exporters.py", "imports/onnx/test_hostile.py", "imports/recover"),
    *("imports/test_there_and_back.py", "layers/test_against_torch.py", "layers/test_expansions.py"),
    *("layers/test_reads.py", "layers/test_registered.py"),
    *("report/page", "report/plot", "report/test_hostile_names.py", "report/test_layered.py"),
    *("report/test_diagram.py", "report/test_memory.py", "report/test_projection.py"),
    *("sweep/test_charts.py", "sweep/test_fit.py", "sweep/test_front.py"),
    *("test_api_reference.py", "test_cookbook.py", "test_docs.py", "test_examples.py", "test_fuzz.py"),
    *("test_lessons.py", "test_mutants.py", "test_notebook.py", "test_problem_reference.py"),
    *("test_random_networks.py", "test_worst_inputs.py"),
)
"""Folders and modules that build models, start processes or browsers, or go through many cases."""


GARBAGE = (100_000, 20, 100)
"""Thresholds of the collector: ours make many small objects, few of them in circles."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rewrite` writes the expected outputs anew; `--whole` leaves no network out."""
    parser.addoption("--rewrite", action="store_true", help="write expected outputs and generated pages anew")
    parser.addoption(
        "--whole", action="store_true", help="also build the presets that are like smaller ones, and draw more"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Seek garbage seldom already while modules are imported and tests collected: next to all of it stays.

    A worker that is done ends at once: to take all modules apart took it seconds, for which the run waited.
    What tests and libraries register from here on for the end is still done, since the last registered goes first.
    """
    gc.set_threshold(*GARBAGE)
    if hasattr(config, "workerinput"):
        atexit.register(os._exit, 0)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m quick` does not import what it would leave out: that took longer than the quick tests."""
    return True if config.getoption("-m") == "quick" and _is_slow(collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the quick tests, which `pytest -m quick` runs alone; leave those out that only `--whole` runs."""
    if not config.getoption("--whole"):
        left_out = [item for item in items if item.get_closest_marker("whole")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("whole")]
    slow = {path: _is_slow(path) for path in {item.path for item in items}}
    for item in items:
        if not slow[item.path]:
            item.add_marker(pytest.mark.quick)


def _is_slow(path: Path) -> bool:
    """Whether it is, or is in, one of `SLOW`."""
    inner = path.relative_to(TESTS).as_posix() if path.is_relative_to(TESTS) else ""
    return any(inner == slow or inner.startswith(f"{slow}/") for slow in SLOW)


def pytest_collection_finish() -> None:
    """Look no more for garbage among PyTorch's modules and the tests themselves, which stay to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def translations() -> None:
    """PyTorch's exporter makes its table of ONNX's operators once, and seeks those that it takes apart once.

    Anew for each network the first took half of the time, and the second, for each of thirty namespaces, a tenth.
    """
    with contextlib.suppress(ImportError, AttributeError):  # inner names of one version; others take longer
        from torch.onnx._internal.exporter._registration import ONNXRegistry

        made = functools.cache(ONNXRegistry.from_torchlib)
        ONNXRegistry.from_torchlib = staticmethod(made)  # type: ignore[method-assign]
    with contextlib.suppress(ImportError, AttributeError):
        from torch._export import utils

        utils._materialize_cpp_cia_ops = functools.cache(utils._materialize_cpp_cia_ops)


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures have few pixels: that they are written is looked at, and `tests/report/plot` looks at the pixels."""
    from archlab.report.plot import style

    monkeypatch.setitem(style.SETTINGS, "savefig.dpi", 30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, driven by Playwright."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
