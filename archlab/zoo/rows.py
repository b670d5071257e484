"""The presets with their numbers."""

from __future__ import annotations

from pathlib import Path

from archlab.analysis.row import Row
from archlab.api.network import expand_document
from archlab.config.syntax.files import read_source
from archlab.config.tree.document import Document, Variant
from archlab.config.tree.presets import preset_files
from archlab.config.tree.targets import read_document
from archlab.diagnostics.problem import Problems
from archlab.report.rows import network_row
from archlab.report.units import by_axis


def preset_targets() -> list[str]:
    """Every network of the zoo by name."""
    return [
        path.stem if variant is None else variant.name
        for path in preset_files()
        for variant in _networks(_open(path)[0])
    ]


def _open(path: Path) -> tuple[Document, Problems]:
    return read_document(read_source(path, shown_as=f"configs/{path.name}"), path.stem)


def _networks(document: Document) -> list[Variant | None]:
    """The default, unless a variant that changes nothing gives it a better name, and the variants."""
    variants = list(document.variants.values())
    named = any(not (variant.assignments or variant.input or variant.outputs) for variant in variants)
    return [*([] if named else [None]), *variants]


def preset_rows() -> list[Row]:
    """One row for each network of the zoo."""
    rows: list[Row] = []
    for path in preset_files():
        document, problems = _open(path)
        for variant in _networks(document):
            analysis = expand_document(document, variant, problems, params={}).analyze()
            numbers = network_row(analysis)
            shown = {key: numbers[key] for key in ("input", "params", "macs", "activations")}
            rows.append({"family": path.stem, "name": analysis.graph.name, **shown, "receptive_field": _size(numbers)})
    return rows


def _size(numbers: Row) -> int | str:
    """What a unit sees: a number where that is as much along each axis."""
    if numbers["receptive_field_global"]:
        return "global"
    sizes = [value for name, value in numbers.items() if name.startswith("receptive_field_size_")]
    return int(sizes[0]) if len(set(sizes)) == 1 else by_axis(map(str, sizes))
