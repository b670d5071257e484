"""All that the page asks, answered: the one door of the studio, for a browser's Python and for the local server.

What the first numbers do not need is imported when it is asked for: a browser's Python compiles every module anew.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import ConfigError
from archlab.diagnostics.requirements import MissingRequirementError
from archlab.diagnostics.spelling import Spelling, spelled
from archlab.editor.snapshot import Snapshot
from archlab.studio import forms
from archlab.studio.check import check
from archlab.studio.positions import Row
from archlab.studio.problems import problem_rows
from archlab.studio.texts import analysed, snapshot_of

MOST_TOLD = 3
"""Problems in the words of an error."""


class _PageSpelling(Spelling):
    """Arguments as the page has them."""

    layers = "the table of layers"

    def argument(self, name: str, value: object = None) -> str:
        """By its name."""
        return f"'{name}'" if value is None else f"{name}: {value}"

    def param(self, name: str) -> str:
        """As the config gives it one."""
        return f"'{name}: ...' under params, or in a variant"


def answer(method: str, request: dict[str, Any], file: Path | None = None) -> Row:
    """The answer to a request of the page, as JSON has it.

    Args:
        method: what is asked, a key of `METHODS`.
        request: its arguments, as anyone may have sent them.
        file: that the page's text is to become, whose folder holds what it extends; None for none.

    Returns:
        What was asked; `{"error": words}` of a request that cannot be answered.
    """
    try:
        if method not in METHODS:
            return {"error": f"there is no method '{printable(str(method))[:80]}'"}
        form, answered = METHODS[method]
        asked = forms.read_form(form, method, request)
        with spelled(_PageSpelling()):
            return answered(asked, file)
    except forms.RequestError as error:
        return {"error": printable(str(error))}
    except MissingRequirementError as error:
        return {"error": str(error)}
    except ConfigError as error:
        return {"error": _told(error)}
    except (MemoryError, RecursionError):
        return {"error": "that needs more memory than there is"}


def _told(error: ConfigError) -> str:
    """The first problems, a line each."""
    lines = [printable(problem.message)[:400] for problem in error.problems[:MOST_TOLD]]
    more = len(error.problems) - MOST_TOLD
    return "\n".join([*lines, *([f"and {more} more"] if more > 0 else [])])


def _check(asked: forms.Check, file: Path | None) -> Row:
    return check(asked, snapshot_of(asked, file))


def _hello(_asked: forms.Nothing, _file: Path | None) -> Row:
    from archlab.studio.start import hello

    return hello()


def _preset(asked: forms.Preset, _file: Path | None) -> Row:
    from archlab.studio.start import preset

    return preset(asked)


def _complete(asked: forms.At, file: Path | None) -> Row:
    from archlab.studio.writing import completed

    return completed(asked, snapshot_of(asked, file))


def _hover(asked: forms.At, file: Path | None) -> Row:
    from archlab.studio.meaning import hovered

    return hovered(asked, snapshot_of(asked, file))


def _definition(asked: forms.At, file: Path | None) -> Row:
    from archlab.studio.writing import defined

    return defined(asked, snapshot_of(asked, file))


def _format(asked: forms.Whole, _file: Path | None) -> Row:
    from archlab.studio.writing import formatted

    return formatted(asked)


def _diagram(asked: forms.Picture, file: Path | None) -> Row:
    from archlab.studio.drawings import diagram

    return diagram(asked, _analysis(snapshot_of(asked, file)))


def _field_picture(asked: forms.OfLayer, file: Path | None) -> Row:
    from archlab.studio.drawings import field_picture

    return field_picture(asked, _analysis(snapshot_of(asked, file)))


def _difference(asked: forms.Changed, file: Path | None) -> Row:
    from archlab.studio.changes import difference

    kept, now = snapshot_of(asked.kept, file), snapshot_of(asked, file)
    for snapshot in (kept, now):
        if snapshot.network is None:
            return {"totals": [], "layers": [], "more": 0, "problems": problem_rows(snapshot.problems, snapshot)}
    return difference(_analysis(kept), _analysis(now))


def _analysis(snapshot: Snapshot) -> Any:
    return analysed(snapshot).analysis


def _download(asked: forms.Download, file: Path | None) -> Row:
    from archlab.studio.downloads import config_file, download

    snapshot = snapshot_of(asked, file)
    if asked.kind == "yaml":
        document = snapshot.mended.document
        return config_file(asked.text, file.stem if file is not None else document.name if document else "")
    return download(asked, _analysis(snapshot))


Method = tuple[type[forms.Form], Callable[[Any, Path | None], Row]]

METHODS: dict[str, Method] = {
    "hello": (forms.Nothing, _hello),
    "preset": (forms.Preset, _preset),
    "check": (forms.Check, _check),
    "complete": (forms.At, _complete),
    "hover": (forms.At, _hover),
    "definition": (forms.At, _definition),
    "format": (forms.Whole, _format),
    "diagram": (forms.Picture, _diagram),
    "field_picture": (forms.OfLayer, _field_picture),
    "difference": (forms.Changed, _difference),
    "download": (forms.Download, _download),
}
"""By name: the form of a request, and what answers it."""
