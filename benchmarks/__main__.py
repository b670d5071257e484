"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from benchmarks import processes
from benchmarks.section import Section
from benchmarks.table import render
from benchmarks.tools import versions

PARTS = ("processes", "keystrokes", "growth", "zoo", "fields", "in-process", "built")
"""In this order, so that PyTorch is imported late: it must weigh on nothing but its own part."""


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and write the JSON file if one is asked for.

    Returns:
        1 if something that is installed did not work, else 0. Times never decide.
    """
    options = _parser().parse_args(arguments)
    runs = options.runs or (3 if options.quick else 10)
    environment = _environment()
    print(", ".join(f"{name} {value}" for name, value in environment.items()))
    sections: list[Section] = []
    for part in PARTS:
        if options.only in (None, part):
            section = _measure(part, runs, quick=options.quick)
            _show(section)
            sections.append(section)
    if options.json is not None:
        result = {"environment": environment, **{section.name: section.records for section in sections}}
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 1 if any(section.failed for section in sections) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="archlab's speed beside its peers'.")
    parser.add_argument("--runs", type=_positive, metavar="N", help="runs of each candidate (10, or 3 with --quick)")
    parser.add_argument("--quick", action="store_true", help="fewer runs, one model, no chain of 10000 layers")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _measure(part: str, runs: int, *, quick: bool) -> Section:
    if part == "processes":
        return processes.measure(runs, _progress)
    # Not before the processes are done: their peak memory would include it.
    from benchmarks import built, fields, growth, in_process, keystrokes, zoo

    if part == "keystrokes":
        return keystrokes.measure(20 if quick else 100, 1000 if quick else 10_000, _progress)
    if part == "growth":
        return growth.measure(runs, (100, 1000) if quick else (100, 1000, 10_000), _progress)
    if part == "zoo":
        return zoo.measure(runs, _progress)
    if part == "fields":
        return fields.measure(runs, 1000 if quick else 10_000, _progress)
    if part == "built":
        return built.measure(runs, built.MODELS[:1] if quick else built.MODELS, _progress)
    return in_process.measure(runs, in_process.MODELS[:1] if quick else in_process.MODELS, _progress)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _show(section: Section) -> None:
    _progress("")
    print(f"\n{section.title}\n")
    print(render(section.header, section.rows))
    for line in section.remarks:
        print(line)
    for line in section.skipped:
        print(f"skipped {line}")
    for line in section.failed:
        print(f"failed {line}")
    sys.stdout.flush()


def _environment() -> dict[str, Any]:
    return {
        "Python": platform.python_version(),
        **versions(),
        "system": f"{platform.system()} {platform.machine()}",
        "CPUs": os.cpu_count(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


if __name__ == "__main__":
    raise SystemExit(main())
