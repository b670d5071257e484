"""`archlab lsp`: the language server, which editors start."""

from __future__ import annotations

import argparse

from archlab.cli.output import TEXT
from archlab.cli.report import Report, text_report

FORMS = TEXT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None: an editor starts it and speaks to it on stdin and stdout."""
    parser.description = (
        "Your editor starts this and speaks to it on stdin and stdout: numbers behind each line, problems as you type, "
        "completion, renaming. docs/editor.md says how to set it up."
    )


def run(options: argparse.Namespace) -> Report:  # noqa: ARG001 - as commands have it
    """Serve until the editor ends."""
    from archlab.diagnostics.requirements import require

    require("pygls", "editor", "the language server")
    from archlab.editor.server import serve

    serve()
    return text_report("")
