"""The presets with their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from archlab.analysis.row import Row
from archlab.api.network import expand_document
from archlab.config.tree.document import Document, Variant
from archlab.config.tree.presets import preset_files, preset_names
from archlab.config.tree.targets import read_preset
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.report.columns import Column, View, tabulate
from archlab.report.rows import network_row
from archlab.report.terminal import render
from archlab.report.units import by_axis, count, si


def preset_targets() -> list[str]:
    """Every network of the zoo by name."""
    return [
        path.stem if variant is None else variant.name
        for path in preset_files()
        for variant in _networks(read_preset(path)[0])
    ]


def _networks(document: Document) -> list[Variant | None]:
    """The default, unless a variant that changes nothing gives it a better name, and the variants."""
    variants = list(document.variants.values())
    named = any(not (variant.assignments or variant.input or variant.outputs) for variant in variants)
    return [*([] if named else [None]), *variants]


def preset_rows(patterns: Sequence[str] = ()) -> list[Row]:
    """One row for each network of the zoo.

    Args:
        patterns: of names of networks or families, such as `mobile*`; of all by default.

    Raises:
        ConfigError: for a pattern that is of none.
    """
    rows: list[Row] = []
    unused = set(patterns)
    for path in preset_files():
        document, problems = read_preset(path)
        for variant in _networks(document):
            names = (path.stem, path.stem if variant is None else variant.name)
            matching = [one for one in patterns if any(fnmatchcase(name, one.lower()) for name in names)]
            unused.difference_update(matching)
            if patterns and not matching:
                continue
            analysis = expand_document(document, variant, problems, params={}).analyze()
            numbers = network_row(analysis)
            shown = {key: numbers[key] for key in ("input", "params", "macs", "activations")}
            row = {"family": path.stem, "name": analysis.graph.name, **shown, "receptive_field": _size(numbers)}
            rows.append({**row, "description": " ".join(document.description.split())})
    for pattern in patterns:
        if pattern in unused:
            hint = did_you_mean(pattern, preset_names()) or "; 'mobile*' is of all whose names begin so"
            raise single_problem(f"no preset is called '{pattern}'{hint}", Code.UNKNOWN_PRESET)
    return rows


def presets_table(rows: Sequence[Row], view: View, *, colour: bool) -> str:
    """The rows for people; what the networks are stands below them, a line for each family."""
    table = tabulate(COLUMNS, rows, view)
    told = {row["family"]: row["description"] for row in rows}
    width = max([len(family) for family in told], default=0)
    lines = [] if view.columns else [f"{family:<{width}}  {text}" for family, text in told.items()]
    return render([table, *lines], colour=colour)


def _known_size(row: Row) -> int | None:
    field = row["receptive_field"]
    return field if isinstance(field, int) else None


COLUMNS: tuple[Column[Row], ...] = (
    Column("name", lambda row: row["name"], justify="left"),
    Column("family", lambda row: row["family"], justify="left", rank=4),
    Column("input", lambda row: row["input"], justify="left", rank=2),
    Column("params", lambda row: count(row["params"]), lambda row: row["params"]),
    Column("MACs", lambda row: si(row["macs"]), lambda row: row["macs"]),
    Column("activations", lambda row: si(row["activations"]), lambda row: row["activations"], rank=3),
    Column("receptive field", lambda row: str(row["receptive_field"]), _known_size, rank=1),
    Column("description", lambda row: row["description"], justify="left", asked=True, flows=True),
)


def _size(numbers: Row) -> int | str:
    """What a unit sees: a number where that is as much along each axis."""
    if numbers["receptive_field_global"]:
        return "global"
    sizes = [value for name, value in numbers.items() if name.startswith("receptive_field_size_")]
    return int(sizes[0]) if len(set(sizes)) == 1 else by_axis(map(str, sizes))
