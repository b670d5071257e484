"""The language server over its standard streams: from an edit that is sent to the hints that come back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

from archlab.config.tree.presets import preset_folder
from benchmarks.growth import repeated
from benchmarks.section import Section
from benchmarks.table import milliseconds
from benchmarks.tools import missing
from tests.editor.client import Client

EVERYWHERE = {"start": {"line": 0, "character": 0}, "end": {"line": 99_999, "character": 0}}
VARIANTS = {"resnet152": "resnet", "efficientnet_b7": "efficientnet", "densenet161": "densenet"}


def measure(keystrokes: int, chain: int, progress: Callable[[str], None]) -> Section:
    """Time edits of presets' variants and of a chain of layers.

    Args:
        keystrokes: of each text.
        chain: layers of the longest one.
        progress: told what comes.
    """
    section = Section(
        "keystrokes",
        f"archlab lsp: milliseconds from an edit sent to its hints received, {keystrokes} edits of each text",
        ["text", "layers", "median", "95%", "max"],
    )
    section.remarks = [
        "Every edit is another text, so that nothing is known of it; all hints of the file are asked for."
    ]
    if missing(("pygls",)) is not None:
        section.skipped.append("archlab lsp: pygls is not installed")
        return section
    with TemporaryDirectory() as folder:
        client = Client([sys.executable, "-m", "archlab", "lsp"], Path(folder), {})
        try:
            for name, family in VARIANTS.items():
                progress(f"keystrokes: {name}")
                text = (preset_folder() / f"{family}.yaml").read_text()
                _add(section, name, _times(client, Path(folder) / f"{family}.yaml", text, name, keystrokes))
            progress("keystrokes: chain")
            _add(
                section,
                f"chain of {chain:,}",
                _times(client, Path(folder) / "chain.yaml", repeated(chain), "", keystrokes),
            )
        finally:
            client.close()
    return section


def _times(client: Client, path: Path, text: str, variant: str, keystrokes: int) -> tuple[str, list[float]]:
    uri = client.open(path, text)
    if variant:
        client.ask("workspace/executeCommand", {"command": "archlab.showVariant", "arguments": [uri, variant]})
    found: list[float] = []
    for number in range(keystrokes):
        start = perf_counter()
        change = {"text": f"{text}# {number}\n"}
        client.tell(
            "textDocument/didChange", {"textDocument": {"uri": uri, "version": number + 2}, "contentChanges": [change]}
        )
        client.ask("textDocument/inlayHint", {"textDocument": {"uri": uri}, "range": EVERYWHERE})
        found.append(perf_counter() - start)
    title = client.ask("textDocument/codeLens", {"textDocument": {"uri": uri}})[0]["command"]["title"]
    client.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
    return title.rpartition(" · ")[2].removesuffix(" layers"), found


def _add(section: Section, name: str, measured: tuple[str, list[float]]) -> None:
    layers, seconds = measured
    late = quantiles(seconds, n=20)[-1]
    figures = (median(seconds), late, max(seconds))
    section.rows.append([name, layers, *[milliseconds(value) for value in figures]])
    section.records.append({"name": name, "layers": layers, "median": figures[0], "p95": late, "max": figures[2]})
