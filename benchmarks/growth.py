"""How the time grows with the network: generated chains, and the deepest preset."""

from __future__ import annotations

from collections.abc import Callable

from archlab.analysis import analyze
from archlab.diagnostics.place import Source
from benchmarks.clock import time_calls
from benchmarks.in_process import expand_text, preset_source
from benchmarks.section import Section
from benchmarks.table import milliseconds

CONV = "type: conv2d, out_channels: 8, kernel_size: 3, padding: 1"
DEEP_PRESET = "resnet152"


def written_out(layers: int) -> str:
    """A chain of convolutions with one line for each, which also takes parsing."""
    lines = "".join([f"  - {{{CONV}}}\n" for _ in range(layers)])
    return f"archlab: 1\ninput: [8, 32, 32]\nlayers:\n{lines}"


def repeated(layers: int) -> str:
    """The same chain in one line."""
    return f"archlab: 1\ninput: [8, 32, 32]\nlayers:\n  - {{{CONV}, repeat: {layers}}}\n"


def residual(layers: int) -> str:
    """A chain of residual blocks of two convolutions and an addition."""
    return (
        "archlab: 1\ninput: [8, 32, 32]\nlayers:\n"
        f"  - {{type: residual, repeat: {layers // 3}, body: [{{{CONV}}}, {{{CONV}}}]}}\n"
    )


SHAPES = {"written out": written_out, "repeat": repeated, "residual": residual}


def measure(runs: int, sizes: tuple[int, ...], progress: Callable[[str], None]) -> Section:
    """Time reading and analysing each network."""
    section = Section(
        "growth",
        f"Growth: from YAML text to all numbers, rounds: {runs}",
        ["median ms", "layers", "read + expand", "analyze", "total", "total min", "total max", "ms per layer"],
    )
    section.remarks = [
        "'Written out' has one line of YAML for each layer, 'repeat' one line in all; both are the same chain of 3x3",
        "convolutions. 'Residual' repeats two convolutions and an addition. 'Analyze' includes to_dict.",
    ]
    for size in sizes:
        for shape, text in SHAPES.items():
            progress(f"growth: {shape}, {size} layers")
            _add_row(section, shape, Source("<chain>", text(size)), runs)
    source = preset_source(DEEP_PRESET)
    if source is None:
        section.skipped.append(f"{DEEP_PRESET}: there is no such preset yet")
    else:
        _add_row(section, DEEP_PRESET, source, runs)
    return section


def _add_row(section: Section, name: str, source: Source, runs: int) -> None:
    graph = expand_text(source, name)
    layers = len(graph.layers)
    timings = time_calls(
        {
            "read": lambda: expand_text(source, name),
            "analyze": lambda: analyze(graph).to_dict(),
            "total": lambda: analyze(expand_text(source, name)).to_dict(),
        },
        runs,
    )
    total = timings["total"]
    times = [*(timing.median for timing in timings.values()), total.best, total.worst]
    section.rows.append([name, f"{layers:,}", *map(milliseconds, times), f"{total.median * 1e3 / layers:.4f}"])
    section.records.append(
        {"name": name, "layers": layers, "seconds": {part: timing.to_dict() for part, timing in timings.items()}}
    )
