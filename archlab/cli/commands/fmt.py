"""`archlab fmt`: write configs the one way."""

from __future__ import annotations

import argparse
from pathlib import Path

from archlab.cli.options import load_each
from archlab.cli.output import TEXT
from archlab.cli.report import Report, text_report
from archlab.diagnostics.codes import Code
from archlab.files.inputs import STDIN

FORMS = TEXT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Configs."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a config, a folder of configs, or -")
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a file would change")


def run(options: argparse.Namespace) -> Report:
    """What changed, or would, a line for each file; of stdin, the formatted text."""
    return _stdin(options) if STDIN in options.paths else _files(options)


def _files(options: argparse.Namespace) -> Report:
    from archlab.api.validate import config_paths
    from archlab.config.format import format_config
    from archlab.config.syntax.files import read_source
    from archlab.files.output import write_text

    def formatted(path: str) -> tuple[Path, bool]:
        source = read_source(Path(path))
        text = format_config(source)
        changed = text != source.text
        if changed and not options.check:
            write_text(Path(path), text, newline="", over_inputs=True)
        return Path(path), changed

    files = load_each(list(dict.fromkeys(config_paths(options.paths))), formatted)
    word = "would be formatted" if options.check else "formatted"
    lines = [f"{path}: {word}\n" for path, changed in files if changed]
    return text_report("".join(lines), ok=not (options.check and lines))


def _stdin(options: argparse.Namespace) -> Report:
    from archlab.config.format import format_config
    from archlab.config.syntax.files import read_stdin_source
    from archlab.diagnostics.problem import single_problem

    if len(options.paths) > 1:
        raise single_problem("fmt formats stdin or files, not both; give '-' alone", Code.WRONG_VALUE)
    source = read_stdin_source()
    text = format_config(source)
    if not options.check:
        return text_report(text)
    return text_report(f"{source.name}: would be formatted\n", ok=False) if text != source.text else text_report("")
