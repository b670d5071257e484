"""Terminal tables of layers, networks and any flat rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.analysis.time.device import Device
from archlab.layers.shape import shape_text
from archlab.report.figures import figures_row, refusals, training_text
from archlab.report.fold import FoldedRow, fold
from archlab.report.footer import conventions, heading, totals
from archlab.report.grid import GAP, Grid, Justify, grid, widest
from archlab.report.opaque import bound, opaque_notes
from archlab.report.terminal import bar, render, width_of
from archlab.report.units import binary, duration, field_text, si, stride_text

Cells = tuple[str, ...]
"""A row's, one for each column."""


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        name: its heading.
        justify: numbers to the right.
        rank: how dispensable it is: a terminal too narrow for all columns loses those of the highest rank first.
    """

    name: str
    justify: Justify = "right"
    rank: int = 0


LAYER_COLUMNS = (
    Column("layer", "left"),
    Column("type", "left", 2),
    Column("output", "left", 1),
    Column("params"),
    Column("MACs"),
    Column("FLOPs", rank=6),
    Column("memory", rank=4),
    Column("receptive field"),
    Column("stride", rank=3),
)

SHARE_COLUMN = Column("of all MACs", "left", 5)
"""Only in a terminal."""

NETWORK_COLUMNS = (
    Column("network", "left"),
    Column("input", "left", 4),
    Column("layers", rank=6),
    Column("depth", rank=8),
    Column("params"),
    Column("MACs"),
    Column("FLOPs", rank=5),
    Column("activations", rank=2),
    Column("memory", rank=1),
    Column("training", rank=7),
    Column("flash"),
    Column("RAM"),
    Column("arena"),
    Column("bound", rank=9),
    Column("receptive field"),
    Column("stride", rank=3),
)


def analysis_table(analysis: Analysis, depth: int | None, *, colour: bool = False) -> str:
    """The table of `archlab analyze`: one row for each layer or folded scope, then totals and conventions."""
    folded = fold(analysis, depth)
    fields = {id(row.receptive_field): row.receptive_field for row in folded}
    seen = {identity: (field_text(field), stride_text(field)) for identity, field in fields.items()}
    rows = [(*_layer_cells(row), *seen[id(row.receptive_field)]) for row in folded]
    columns: tuple[Column, ...] = LAYER_COLUMNS
    if colour:  # bars are for people
        columns = (*LAYER_COLUMNS, SHARE_COLUMN)
        whole = max(analysis.total.macs, 1)
        rows = [(*cells, bar(row.macs / whole)) for cells, row in zip(rows, folded, strict=True)]
    lines = [f"{label:<16}{text}" for label, text in totals(analysis)]
    parts: list[str | Grid] = [
        heading(analysis),
        _table(columns, rows, width_of(colour=colour)),
        "\n".join(lines),
        *conventions([analysis]),
    ]
    return render(parts, colour=colour)


def _layer_cells(row: FoldedRow) -> Cells:
    """All but what a unit sees, which many rows share."""
    return (
        row.path,
        row.what,
        row.output,
        row.params_text or "-",
        row.text("macs"),
        row.text("flops"),
        binary(row.activation_bytes) if row.activation_bytes else "-",
    )


def comparison_table(analyses: Sequence[Analysis], device: Device | None = None, *, colour: bool = False) -> str:
    """The table of `archlab compare`: one row for each network, then the conventions.

    Args:
        analyses: of the networks.
        device: for the lower bounds; None for none.
        colour: whether the table goes to a person's terminal.
    """
    rows = [_network_cells(analysis, figures_row(analysis, device)) for analysis in analyses]
    hidden = set() if device is not None else {"bound"}
    hidden |= {"training"} if all(analysis.is_deployed for analysis in analyses) else {"flash", "RAM"}
    hidden |= set() if all(analysis.arena is not None for analysis in analyses) else {"arena"}
    shown = [index for index, column in enumerate(NETWORK_COLUMNS) if column.name not in hidden]
    columns = [NETWORK_COLUMNS[index] for index in shown]
    rows = [tuple([row[index] for index in shown]) for row in rows]
    notes = [*refusals(analyses), *opaque_notes(analyses), *conventions(analyses)]
    if device is not None:
        notes.append(f"Bound: the sum of the layers' lower bounds on {device.description or device.name}.")
    return render([_table(columns, rows, width_of(colour=colour)), *notes], colour=colour)


def _network_cells(analysis: Analysis, figures: Row) -> Cells:
    total, training = analysis.total, training_text(figures)
    return (
        analysis.graph.name,
        shape_text(tuple(analysis.input_shape)),
        str(len(analysis.layers)),
        str(figures["depth"]),
        bound(total, "params", f"{total.params:,}"),
        bound(total, "macs", si(total.macs)),
        bound(total, "flops", si(total.flops)),
        bound(total, "activations", si(total.activations)),
        bound(total, "memory", binary(total.memory.inference_peak)),
        training if figures["training_peak"] is None else bound(total, "memory", training),
        bound(total, "memory", binary(total.memory.flash)),
        bound(total, "memory", binary(total.memory.ram)),
        _arena_cell(analysis),
        "" if figures["seconds"] is None else duration(figures["seconds"]),
        field_text(total.receptive_field),
        stride_text(total.receptive_field),
    )


def _arena_cell(analysis: Analysis) -> str:
    if analysis.arena is None:
        return ""
    return "unknown" if analysis.arena.size is None else binary(analysis.arena.size)


def rows_table(rows: list[Row], *, colour: bool = False) -> str:
    """Any flat rows as a table; numbers to the right."""
    if not rows:
        return ""
    columns = [
        Column(name, "right" if isinstance(value, int | float) else "left", position)
        for position, (name, value) in enumerate(rows[0].items())
    ]
    cells = [tuple(["" if value is None else _cell(value) for value in row.values()]) for row in rows]
    return render([_table(columns, cells, width_of(colour=colour))], colour=colour)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _table(columns: Sequence[Column], rows: list[Cells], width: int) -> Grid:
    """A table of the columns that fit."""
    kept = _fitting(columns, rows, width)
    table = grid(*[(columns[index].name, columns[index].justify) for index in kept])
    table.rows = rows if len(kept) == len(columns) else [tuple([row[index] for index in kept]) for row in rows]
    return table


def _fitting(columns: Sequence[Column], rows: list[Cells], width: int) -> list[int]:
    """The indices of the columns to show, the most dispensable left out until the rest fits."""
    cells = zip(*rows, strict=True) if rows else [() for _ in columns]
    widths = [widest((column.name, *texts)) for column, texts in zip(columns, cells, strict=True)]
    kept = list(range(len(columns)))
    dispensable = sorted((i for i in kept if columns[i].rank), key=lambda i: columns[i].rank)
    while dispensable and sum(widths[i] + len(GAP) for i in kept) > width:
        kept.remove(dispensable.pop())
    return kept
