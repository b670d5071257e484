"""The forms of `archlab time` and `archlab measure`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from archlab.cli.forms import row_texts
from archlab.cli.report import Report

if TYPE_CHECKING:
    from archlab.analysis.row import Row
    from archlab.report.columns import View
    from archlab.report.time import TimeView
    from archlab.torch.measure import Measurement


def timed_report(view: TimeView, depth: int | None, asked: View, measurement: Measurement | None = None) -> Report:
    """Layers with their bounds, and what was measured.

    Args:
        view: the layers.
        depth: of blocks to which the table is folded.
        asked: which columns, and in which order.
        measurement: of the built model, if it was run.
    """
    return Report(
        row_texts(view.rows, partial(_whole, view, measurement), by_layer=True),
        table=partial(_table, view, depth, asked, measurement),
    )


def _whole(view: TimeView, measurement: Measurement | None) -> Row:
    from archlab.api.timing import measured_dict

    return {**view.to_dict(), **({} if measurement is None else {"measured": measured_dict(view, measurement)})}


def _table(
    view: TimeView,
    depth: int | None,
    asked: View,
    measurement: Measurement | None,
    colour: bool,  # noqa: FBT001 - what a report's table is given
) -> str:
    from archlab.api.timing import measured_lines
    from archlab.report.time_table import time_table

    further = [] if measurement is None else measured_lines(view, measurement)
    return time_table(view, depth, further, asked, colour=colour)
