"""`archlab new`: a commented config to start from."""

from __future__ import annotations

import argparse
from pathlib import Path

from archlab.cli.output import TEXT
from archlab.cli.report import Report, text_report
from archlab.diagnostics.codes import Code

FORMS = TEXT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A name, and what to start from."""
    parser.add_argument("name", metavar="NAME", help="of the network; NAME.yaml is written")
    parser.add_argument("--from", dest="source", default="blank", metavar="PRESET", help="blank, or a preset (blank)")


def run(options: argparse.Namespace) -> Report:
    """The file, which is never written over another."""
    from archlab.diagnostics.problem import single_problem
    from archlab.zoo.template import starter_config

    path = Path(options.name if options.name.endswith((".yaml", ".yml")) else f"{options.name}.yaml")
    text = starter_config(path.stem, options.source)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise single_problem(f"{path} is already there; choose another name", Code.FILE) from None
    except OSError as error:
        raise single_problem(f"cannot write {path}: {error.strerror}", Code.FILE) from None
    return text_report("", notes=[f"wrote {path}; try: archlab analyze {path}"])
