"""Whole processes: what someone waits who types the command. Needs POSIX, for `wait4`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.clock import Timing
from benchmarks.section import Section
from benchmarks.table import count, ratio
from benchmarks.tools import missing

ROOT = Path(__file__).parent.parent
PEERS = ROOT / "benchmarks" / "peers"


@dataclass(frozen=True)
class Candidate:
    """A command, without the interpreter in front."""

    name: str
    arguments: tuple[str, ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """One finished process."""

    seconds: float
    peak_bytes: int
    status: int
    output: str
    errors: str


def _peer(script: str, *arguments: str) -> tuple[str, ...]:
    return (str(PEERS / f"{script}.py"), *arguments)


BASELINE = "baseline: pydantic + yaml"
ARCHLAB = "archlab analyze, json"
VISION = ("torch", "torchvision")
CANDIDATES = (
    Candidate(BASELINE, _peer("baseline")),
    Candidate(ARCHLAB, ("-m", "archlab", "analyze", "resnet50", "--format", "json")),
    Candidate("archlab analyze, table", ("-m", "archlab", "analyze", "resnet50", "--format", "table")),
    Candidate("only import torch, torchvision", _peer("only_imports"), VISION),
    Candidate("fvcore", _peer("with_fvcore"), (*VISION, "fvcore")),
    Candidate("torchinfo", _peer("with_torchinfo"), (*VISION, "torchinfo")),
    Candidate("ptflops, pytorch", _peer("with_ptflops", "pytorch"), (*VISION, "ptflops")),
    Candidate("ptflops, aten", _peer("with_ptflops", "aten"), (*VISION, "ptflops")),
    Candidate("FlopCounterMode, meta", _peer("with_flop_counter"), VISION),
)


def measure(runs: int, progress: Callable[[str], None]) -> Section:
    """Run every candidate `runs` times, in turn, after a warm-up round that also shows which of them work."""
    section = Section(
        "processes",
        f"Whole processes: params and MACs of ResNet-50, after a warm-up, interleaved runs: {runs}",
        ["seconds", "min", "median", "max", "x baseline", "x archlab", "peak MiB", "params", "MACs"],
    )
    section.remarks = [
        "Ratios are of medians. Memory is the peak resident size of the process, the largest of its runs.",
        "MACs by each tool's own headline convention: only archlab and FlopCounterMode count convolutions and",
        "matrix products alone. archlab's runs also give receptive fields, FLOPs and memory, layer by layer.",
    ]
    first: dict[str, Run] = {}
    for candidate in CANDIDATES:
        progress(f"warm-up: {candidate.name}")
        _warm_up(candidate, first, section)
    working = [candidate for candidate in CANDIDATES if candidate.name in first]
    finished: dict[str, list[Run]] = {candidate.name: [] for candidate in working}
    for number in range(runs):
        for candidate in working:
            progress(f"run {number + 1} of {runs}: {candidate.name}")
            finished[candidate.name].append(run_once(candidate))
    timings = {name: Timing(tuple([run.seconds for run in done])) for name, done in finished.items()}
    for name, done in finished.items():
        _add_row(section, name, timings, max(run.peak_bytes for run in done), figures(first[name].output))
    return section


def _warm_up(candidate: Candidate, first: dict[str, Run], section: Section) -> None:
    reason = missing(candidate.needs)
    if reason is not None:
        section.skipped.append(f"{candidate.name}: {reason}")
        return
    run = run_once(candidate)
    if run.status == 0:
        first[candidate.name] = run
    else:
        last_line = (run.errors.strip() or "no message").splitlines()[-1]
        section.failed.append(f"{candidate.name}: exit status {run.status}: {last_line}")


def _add_row(
    section: Section, name: str, timings: dict[str, Timing], peak_bytes: int, counted: tuple[int, int] | None
) -> None:
    timing = timings[name]
    params, macs = counted or (None, None)
    section.rows.append(
        [
            name,
            *(f"{value:.3f}" for value in (timing.best, timing.median, timing.worst)),
            *(ratio(timing, timings.get(reference)) for reference in (BASELINE, ARCHLAB)),
            f"{peak_bytes / 2**20:.0f}",
            count(params),
            count(macs),
        ]
    )
    section.records.append(
        {"name": name, "seconds": timing.to_dict(), "peak_bytes": peak_bytes, "params": params, "macs": macs}
    )


def run_once(candidate: Candidate) -> Run:
    """Start a process and wait for its end.

    Its peak memory comes from `wait4`. Linux counts what the parent held at the fork too, so that this has
    to run before anything large is imported here.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = perf_counter()
        process = subprocess.Popen(
            [sys.executable, *candidate.arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            cwd=ROOT,
            env=_environment(),
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        unit = 1 if sys.platform == "darwin" else 1024
        return Run(seconds, usage.ru_maxrss * unit, process.returncode, output.read(), errors.read())


def _environment() -> dict[str, str]:
    """The user's, but with bytecode cached: an installed package has its own, a checkout gets it in the warm-up."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def figures(output: str) -> tuple[int, int] | None:
    """Params and MACs that a process printed, as archlab's JSON or as two numbers; None if it printed neither."""
    if output.startswith("{"):
        total = json.loads(output)["total"]
        return total["params"], total["macs"]
    words = output.split()
    if len(words) == 2 and all(word.isdigit() for word in words):
        return int(words[0]), int(words[1])
    return None
