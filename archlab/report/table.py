"""Tables of layers, networks and any flat rows, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.analysis.time.device import Device
from archlab.layers.shape import shape_text
from archlab.report.columns import USUAL, Column, View, tabulate
from archlab.report.figures import distinct_names, figures_row, refusals, training_text
from archlab.report.fold import FoldedRow, fold
from archlab.report.footer import conventions, heading, totals
from archlab.report.grid import Grid, GridColumn, Justify
from archlab.report.opaque import bound, opaque_notes
from archlab.report.terminal import Part, bar, render
from archlab.report.units import binary, count, duration, field_text, si, stride_text


class _Seen:
    """What units see, as texts: many layers share a field."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, str]] = {}

    def size(self, field: ReceptiveField) -> str:
        return self._texts(field)[0]

    def stride(self, field: ReceptiveField) -> str:
        return self._texts(field)[1]

    def _texts(self, field: ReceptiveField) -> tuple[str, str]:
        if id(field) not in self._known:
            self._known[id(field)] = field_text(field), stride_text(field)
        return self._known[id(field)]


def _largest(field: ReceptiveField) -> int | None:
    """By which fields are sorted; None for what is global or unknown."""
    return max([axis.sizes[-1] for axis in field.axes if axis is not None], default=None)


def layer_columns(macs: int) -> list[Column[FoldedRow]]:
    """The columns of `archlab analyze`.

    Args:
        macs: of the whole network.
    """
    seen = _Seen()
    return [
        Column("layer", lambda row: row.path, justify="left"),
        Column("type", lambda row: row.what, justify="left", rank=3),
        Column("output", lambda row: row.output, justify="left", rank=2),
        Column("params", lambda row: row.params_text or "-", lambda row: row.params),
        Column("buffers", lambda row: count(row.buffers) if row.buffers else "-", lambda row: row.buffers, asked=True),
        Column("MACs", lambda row: row.text("macs"), lambda row: row.macs),
        Column("FLOPs", lambda row: row.text("flops"), lambda row: row.flops, rank=7),
        Column("activations", lambda row: row.text("activations"), lambda row: row.activations, asked=True),
        Column(
            "memory",
            lambda row: binary(row.activation_bytes) if row.activation_bytes else "-",
            lambda row: row.activation_bytes,
            rank=5,
        ),
        Column(
            "receptive field",
            lambda row: seen.size(row.receptive_field),
            lambda row: _largest(row.receptive_field),
            rank=1,
        ),
        Column(
            "stride",
            lambda row: seen.stride(row.receptive_field),
            lambda row: seen.stride(row.receptive_field) or None,
            rank=4,
        ),
        Column("of all MACs", lambda row: bar(row.macs / macs), lambda row: row.macs, "left", rank=6, asked=True),
    ]


SHARE = "of-all-macs"
"""Bars, which are for people: only in a terminal, or where they are asked for."""


def analysis_table(analysis: Analysis, depth: int | None, view: View = USUAL, *, colour: bool = False) -> str:
    """The table of `archlab analyze`: one row for each layer or folded scope, then totals and conventions."""
    columns = layer_columns(max(analysis.total.macs, 1))
    if colour:
        columns = [column._replace(asked=False) if column.key == SHARE else column for column in columns]
    lines = [f"{label:<16}{text}" for label, text in totals(analysis)]
    parts: list[Part] = [
        heading(analysis),
        tabulate(columns, fold(analysis, depth), view),
        "\n".join(lines),
        *conventions([analysis]),
    ]
    return render(parts, colour=colour)


@dataclass(frozen=True, slots=True)
class _Compared:
    """A network with its figures."""

    name: str
    analysis: Analysis
    figures: Row

    def total(self, name: str, text: str) -> str:
        """A total as text, or that it is a lower bound."""
        return bound(self.analysis.total, name, text)

    def sum(self, name: str) -> str:
        """One of the sums."""
        return self.total(name, si(getattr(self.analysis.total, name)))

    def stored(self, name: str) -> str:
        """Bytes of weights or of activations."""
        return self.total("memory", binary(getattr(self.analysis.total.memory, name)))

    @property
    def seconds(self) -> str:
        """The lower bound of time."""
        return "" if self.figures["seconds"] is None else duration(self.figures["seconds"])

    @property
    def arena(self) -> str:
        """What TensorFlow Lite Micro takes."""
        arena = self.analysis.arena
        return "" if arena is None else "unknown" if arena.size is None else binary(arena.size)

    @property
    def training(self) -> str:
        """The peak of a training step."""
        text = training_text(self.figures)
        return text if self.figures["training_peak"] is None else self.total("memory", text)


def _figure(name: str, row: _Compared) -> Any:
    return row.figures.get(name)


NETWORK_COLUMNS: tuple[Column[_Compared], ...] = (
    Column("network", lambda row: row.name, justify="left"),
    Column("input", lambda row: shape_text(tuple(row.analysis.input_shape)), justify="left", rank=4),
    Column("layers", lambda row: str(row.figures["layers"]), partial(_figure, "layers"), rank=6),
    Column("depth", lambda row: str(row.figures["depth"]), partial(_figure, "depth"), rank=8),
    Column("params", lambda row: row.total("params", count(row.figures["params"])), partial(_figure, "params")),
    Column("MACs", lambda row: row.sum("macs"), partial(_figure, "macs")),
    Column("FLOPs", lambda row: row.sum("flops"), partial(_figure, "flops"), rank=5),
    Column("activations", lambda row: row.sum("activations"), partial(_figure, "activations"), rank=3),
    Column(
        "memory",
        lambda row: row.stored("inference_peak"),
        partial(_figure, "inference_peak"),
        rank=2,
    ),
    Column("training", lambda row: row.training, partial(_figure, "training_peak"), rank=7),
    Column("flash", lambda row: row.stored("flash"), lambda row: row.analysis.total.memory.flash),
    Column("RAM", lambda row: row.stored("ram"), lambda row: row.analysis.total.memory.ram),
    Column("arena", lambda row: row.arena, partial(_figure, "arena")),
    Column("bound", lambda row: row.seconds, partial(_figure, "seconds"), rank=9),
    Column(
        "receptive field",
        lambda row: field_text(row.analysis.total.receptive_field),
        partial(_figure, "receptive_field"),
        rank=1,
    ),
    Column("stride", lambda row: stride_text(row.analysis.total.receptive_field), rank=4),
)


def comparison_table(
    analyses: Sequence[Analysis], device: Device | None = None, view: View = USUAL, *, colour: bool = False
) -> str:
    """The table of `archlab compare`: one row for each network, then the conventions.

    Args:
        analyses: of the networks.
        device: for the lower bounds; None for none.
        view: which columns, and in which order.
        colour: whether the table goes to a person's terminal.
    """
    notes = [*refusals(analyses), *opaque_notes(analyses), *conventions(analyses)]
    if device is not None:
        notes.append(f"Bound: the sum of the layers' lower bounds on {device.description or device.name}.")
    return render([comparison_grid(analyses, device, view), *notes], colour=colour)


def comparison_grid(analyses: Sequence[Analysis], device: Device | None = None, view: View = USUAL) -> Grid:
    """One row for each network.

    Args:
        analyses: of the networks.
        device: for the lower bounds; None for none.
        view: which columns, and in which order.
    """
    names = distinct_names(analyses)
    rows = [_Compared(name, one, figures_row(one, device)) for name, one in zip(names, analyses, strict=True)]
    hidden = set() if device is not None else {"bound"}
    hidden |= {"training"} if all(analysis.is_deployed for analysis in analyses) else {"flash", "RAM"}
    hidden |= set() if all(analysis.arena is not None for analysis in analyses) else {"arena"}
    columns = [column for column in NETWORK_COLUMNS if column.name not in hidden]
    return tabulate(columns, rows, view)


def layers_grid(analysis: Analysis, view: View) -> Grid:
    """One row for each layer.

    Args:
        analysis: of the network.
        view: which columns, and in which order.
    """
    return tabulate(layer_columns(max(analysis.total.macs, 1)), fold(analysis, None), view)


def rows_table(rows: list[Row], ranks: Mapping[str, int] | None = None, *, colour: bool = False) -> str:
    """Any flat rows as a table; numbers to the right.

    Args:
        rows: of equal columns.
        ranks: how dispensable columns are (see `GridColumn`); by default the last are the most.
        colour: whether it goes to a person's terminal.
    """
    if not rows:
        return ""
    columns = [
        GridColumn(
            name,
            "right" if isinstance(value, int | float) else "left",
            position if ranks is None else ranks.get(name, 0),
        )
        for position, (name, value) in enumerate(rows[0].items())
    ]
    cells = [tuple(["" if value is None else _cell(value) for value in row.values()]) for row in rows]
    return render([Grid(columns, cells)], colour=colour)


def _side(value: object) -> Justify:
    return "right" if isinstance(value, int | float) else "left"


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
