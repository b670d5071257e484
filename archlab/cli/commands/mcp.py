"""`archlab mcp`: a server of the Model Context Protocol, so that agents can ask archlab about configs."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
from pathlib import Path

from archlab.cli.output import TEXT, UsageError
from archlab.cli.report import Report, text_report
from archlab.diagnostics.requirements import require

FORMS = TEXT
DEFAULT_LIMIT = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, and how long a call may take."""
    parser.description = (
        "A server of the Model Context Protocol over stdin and stdout, which programs such as Claude, Cursor and VS "
        "Code start by themselves (docs/mcp.md). It reads configs in one folder and below it, and writes nothing."
    )
    parser.add_argument(
        "--folder", type=Path, default=Path(), metavar="DIR", help="whose configs may be read (the current folder)"
    )
    parser.add_argument(
        "--time-limit",
        type=seconds,
        default=DEFAULT_LIMIT,
        metavar="SECONDS",
        help=f"that one call may take ({DEFAULT_LIMIT:g})",
    )


def seconds(text: str) -> float:
    """A time from a tenth of a second to an hour."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"must be a number of seconds from 0.1 to 3600, not '{text}'")
    return value


def run(options: argparse.Namespace) -> Report:
    """Until stdin is closed.

    Raises:
        UsageError: for a folder that is none, or the whole disk.
        MissingRequirementError: without the extra `mcp`.
    """
    root = options.folder.resolve()
    if not root.is_dir():
        raise UsageError(f"--folder {options.folder} is no folder")
    if root.parent == root:
        raise UsageError(f"{root} is the whole disk; give the folder of the configs: --folder DIR")
    require("mcp", "mcp", "the server for agents")
    require("mcp_types", "mcp", "archlab mcp")
    from archlab.mcp.server import serve

    gc.set_threshold(100_000)  # a process that goes on is no single run
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, though a thread waits for stdin
    if sys.stdin is not None and sys.stdin.isatty():
        sys.stderr.write("archlab: a program that speaks the Model Context Protocol is expected on stdin\n")
    serve(root, options.time_limit)
    return text_report("")
