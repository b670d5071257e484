"""`archlab new`: a commented config to start from, with the schema by which an editor completes it."""

from __future__ import annotations

import argparse
from pathlib import Path

from archlab.cli.output import TEXT
from archlab.cli.report import Report, text_report
from archlab.diagnostics.codes import Code

FORMS = TEXT
SCHEMA = "archlab.schema.json"
MODELINE = f"# yaml-language-server: $schema={SCHEMA}"
"""The first line of a config, which names its schema, from where the config is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A name, and what to start from."""
    parser.add_argument("name", metavar="NAME", help="of the network; NAME.yaml is written")
    parser.add_argument("--no-schema", action="store_true", help="no schema beside it, and no line that names it")
    parser.add_argument("--from", dest="source", default="blank", metavar="PRESET", help="blank, or a preset (blank)")


def run(options: argparse.Namespace) -> Report:
    """The file, which is never written over another."""
    from archlab.diagnostics.problem import single_problem
    from archlab.zoo.template import starter_config

    path = Path(options.name if options.name.endswith((".yaml", ".yml")) else f"{options.name}.yaml")
    text = starter_config(path.stem, options.source)
    if not options.no_schema:
        text = f"{MODELINE}\n{text}"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise single_problem(f"{path} is already there; choose another name", Code.FILE) from None
    except OSError as error:
        raise single_problem(f"cannot write {path}: {error.strerror}", Code.FILE) from None
    notes = [f"wrote {path}; try: archlab analyze {path}"]
    schema = path.with_name(SCHEMA)
    if not options.no_schema and _write_schema(schema):
        notes.append(f"wrote {schema}, by which an editor with a YAML language server completes and checks it")
    return text_report("", notes=notes)


def _write_schema(path: Path) -> bool:
    """The schema, where there is none yet; whether it was written."""
    from archlab.config.schema import config_schema
    from archlab.report.json_text import json_text

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(json_text(config_schema()))
    except OSError:  # it is there, or cannot be: the config is what was asked for
        return False
    return True
