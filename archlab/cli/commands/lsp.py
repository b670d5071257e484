"""`archlab lsp`: the language server, which editors start."""

from __future__ import annotations

import argparse

from archlab.cli.output import TEXT
from archlab.cli.report import Report, text_report
from archlab.editor.parts import PARTS

FORMS = TEXT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """An editor starts it and speaks to it on stdin and stdout."""
    parser.description = (
        "Your editor starts this and speaks to it on stdin and stdout: numbers behind each line, problems as you type, "
        "completion, renaming. docs/editor.md says how to set it up."
    )
    parser.add_argument(
        "--hints",
        default=",".join(PARTS),
        metavar="PART,...",
        help=f"which numbers stand behind a line, unless the editor's settings say so: {', '.join(PARTS)}",
    )


def run(options: argparse.Namespace) -> Report:
    """Serve until the editor ends."""
    from archlab.cli.output import UsageError
    from archlab.diagnostics.requirements import require
    from archlab.diagnostics.suggest import did_you_mean

    require("pygls", "editor", "the language server")
    wanted = options.hints.split(",") if options.hints else []
    for part in wanted:
        if part not in PARTS:
            hint = did_you_mean(part, PARTS) or f"; there are {', '.join(PARTS)}"
            raise UsageError(f"--hints: there is no part '{part}'{hint}")
    from archlab.editor.server import serve

    serve([part for part in PARTS if part in wanted])
    return text_report("")
