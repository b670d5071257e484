"""Files to take away: the config itself, plain PyTorch source, and reports."""

from __future__ import annotations

import re
from collections.abc import Callable

from archlab.api.analysis import Analysis
from archlab.diagnostics.requirements import MissingRequirementError
from archlab.report.json_text import json_by_layer
from archlab.report.markup import analysis_markdown, rows_csv
from archlab.report.rows import layer_rows
from archlab.studio.forms import Download
from archlab.studio.positions import Row

MEDIA = {
    "yaml": "application/yaml",
    "py": "text/x-python",
    "html": "text/html",
    "md": "text/markdown",
    "csv": "text/csv",
    "json": "application/json",
}
"""By the kind of a file, which is its ending."""


def config_file(text: str, name: str) -> Row:
    """The text as it is, whatever is wrong with it."""
    return _file("yaml", name, text)


def download(asked: Download, analysis: Analysis) -> Row:
    """A file about a network.

    Raises:
        ConfigError: if it would have too many layers.
        MissingRequirementError: for a page, without the extra `report`.
    """
    name = analysis.graph.name
    if asked.kind == "report":
        try:
            return _file("html", name, analysis.to_html())
        except MissingRequirementError:
            return _file("md", name, analysis_markdown(analysis))
    return _file(asked.kind, name, _FORMS[asked.kind](analysis))


def _source(analysis: Analysis) -> str:
    from archlab.torch.source import to_source

    return to_source(analysis.graph)


_FORMS: dict[str, Callable[[Analysis], str]] = {
    "py": _source,
    "html": Analysis.to_html,
    "md": analysis_markdown,
    "csv": lambda analysis: rows_csv(layer_rows(analysis)),
    "json": lambda analysis: json_by_layer(analysis.to_dict()),
}


def _file(kind: str, name: str, text: str) -> Row:
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:80].strip("_") or "network"
    return {"name": f"{stem}.{kind}", "media_type": MEDIA[kind], "text": text}
