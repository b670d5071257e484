"""`archlab studio`: a page with the numbers beside each line, on one's own machine or as files for any web server."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.cli.output import TEXT
from archlab.cli.report import Report, text_report
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem

if TYPE_CHECKING:
    from archlab.studio.host.edited import Edited
    from archlab.studio.positions import Row

FORMS = TEXT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A config or a preset, and where it is shown."""
    parser.description = (
        "Opens a page in your browser: an editor with the numbers behind each line, the totals, the receptive field, "
        "the memory and the diagram beside it. The page is served on this machine alone; Ctrl-C ends it."
    )
    parser.add_argument(
        "target", nargs="?", metavar="FILE", help="a .yaml file, which the page can save to, or the name of a preset"
    )
    parser.add_argument("--port", type=port, default=0, metavar="N", help="to listen at (any that is free)")
    parser.add_argument("--no-browser", action="store_true", help="open no browser; print the address only")
    parser.add_argument(
        "--export",
        type=Path,
        metavar="DIR",
        help="write the page as files for any web server; it runs archlab in the browser (Pyodide)",
    )


def port(text: str) -> int:
    """A port from 1 to 65535; 0 for any."""
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 65535, not '{text}'")
    return int(text)


def run(options: argparse.Namespace) -> Report:
    """Write the files, or serve until Ctrl-C.

    Raises:
        ConfigError: for a target that is none, a folder that cannot be written, or a port that is taken.
        MissingRequirementError: where the page has not been built.
    """
    return _serve(options) if options.export is None else _export(options)


def _export(options: argparse.Namespace) -> Report:
    from archlab.studio.export.folder import export

    edited, start = _opened(options.target)
    found = export(options.export, start if edited is None else {"text": edited.read().text})
    size = f"{found.size / 1e6:.1f} MB in {found.files} files"
    note = f"wrote {options.export} ({size}); try: python -m http.server --directory {options.export}"
    slower = [] if found.compiled else ["with Node.js here, byte code would be in it, and Python would begin sooner"]
    return text_report("", notes=[note, *slower])


def _serve(options: argparse.Namespace) -> Report:
    from archlab.studio.built import page_folder
    from archlab.studio.host.server import Studio

    folder = page_folder()
    edited, start = _opened(options.target)
    gc.set_threshold(100_000)  # a process that goes on is no single run
    try:
        studio = Studio(folder, edited, port=options.port, start=start)
    except OSError as error:
        reason = error.strerror or error
        raise single_problem(f"cannot listen at port {options.port}: {reason}", Code.WRONG_VALUE) from None
    try:
        studio.answering.start()
        sys.stdout.write(f"{studio.url}\n")
        sys.stdout.flush()
        sys.stderr.write("archlab: the page is open to this machine only; Ctrl-C ends it\n")
        if not options.no_browser:
            _show(studio.url)
        studio.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        studio.server_close()
    return text_report("")


def _opened(target: str | None) -> tuple[Edited | None, Row | None]:
    """The file that is edited; or, of a preset, its text and its variant.

    Raises:
        ConfigError: if there is neither.
    """
    if target is None:
        return None, None
    if target.endswith((".yaml", ".yml")):
        from archlab.studio.host.edited import Edited

        edited = Edited(Path(target))
        edited.read()
        return edited, None
    from archlab.studio.start import preset_called

    return None, preset_called(target)


def _show(url: str) -> None:
    """Open the page in the browser, if there is one."""
    import webbrowser

    try:
        found = webbrowser.open(url)
    except (webbrowser.Error, OSError):
        found = False
    if not found:
        sys.stderr.write("archlab: no browser could be opened; open the address yourself\n")
