"""Analyses to one self-contained HTML page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.analysis.time.device import Device
from archlab.diagnostics.requirements import require
from archlab.report.bounds import check_rows
from archlab.report.diagram.boxes import fold_to_boxes
from archlab.report.diagram.colours import diagram_style
from archlab.report.diagram.svg import diagram_svg
from archlab.report.figures import FIGURES, Figure, distinct_names, figure_text, figures_of, figures_row, training_text
from archlab.report.fold import FoldedRow, fold
from archlab.report.footer import conventions, totals
from archlab.report.opaque import bound
from archlab.report.page import charts
from archlab.report.page.data import extent_records, growth_records, growth_words, memory_records, stage_records
from archlab.report.page.one import Explain, level_records, one_network
from archlab.report.units import binary, field_text
from archlab.version import __version__

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

FOLDER = Path(__file__).parent
FOLD_DEPTH = 2
"""Of the layer tables."""
VEGA_LITE = "6.4"
MOST_LINES = 12
"""Networks whose lines can be told apart; of more, all that is about each is folded."""
MOST_STAGED = 40
"""Networks whose stages are one chart."""
MOST_IN_TITLE = 3
SLIM = 640
"""Width of a diagram that leaves room for what follows beside it."""
MOST_MOMENTS = 240


@dataclass
class Chart:
    """A chart of the page.

    Attributes:
        id: in the page and on the command line.
        heading: over it.
        make: gives it in Vega-Lite.
    """

    id: str
    heading: str
    make: Callable[[], charts.Spec]

    @cached_property
    def spec(self) -> charts.Spec:
        """In Vega-Lite."""
        return self.make()


def page(
    analyses: Sequence[Analysis],
    device: Device | None,
    *,
    command: str = "",
    title: str = "",
    depth: int | None = FOLD_DEPTH,
    explain: Explain | None = None,
) -> str:
    """The page: of one network all about it, of several how they differ.

    Args:
        analyses: of the networks, at least one.
        device: for the lower bounds; None for none.
        command: that made it, for the footer.
        depth: of blocks that the layer tables are folded to; None folds nothing.
        title: of the page; the networks' names by default.
        explain: explains a layer of a page of one network; None for no explanations.

    Raises:
        MissingRequirementError: without the extra `report`.
        ConfigError: if the device has no rate for a dtype, or the layer tables have too many rows.
    """
    require("jinja2", "report", "an HTML page")
    require("vl_convert", "report", "an HTML page")
    from markupsafe import Markup

    names = distinct_names(analyses)
    folded = [fold(analysis, depth) for analysis in analyses]
    advice = "fold them to depth 1 (--depth 1), or " if depth != 1 and _has_scopes(folded) else ""
    check_rows(sum(map(len, folded)), "a page", advice=advice)
    rows = [figures_row(analysis, device) for analysis in analyses]
    drawn = chart_list(analyses, names, lambda: rows, by_holder=True)
    networks = [_network(*parts) for parts in zip(analyses, names, rows, folded, strict=True)]
    one = one_network(analyses[0], folded[0], explain) if len(analyses) == 1 else None
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            title=title or _title(names),
            conditions=_conditions(analyses),
            sections=_sections(names, drawn, one),
            figures=figures_of(rows),
            networks=networks,
            one=one,
            is_many=len(networks) > MOST_LINES,
            charts=drawn,
            keys={chart.id: [] if chart.id == "pareto" else charts.keys(chart.spec, names) for chart in drawn},
            difference=_difference(analyses, names),
            command=command,
            device=None if device is None else device.description or device.name,
            conventions=conventions(analyses),
            version=__version__,
            css=Markup(_static("page.css")),  # noqa: S704 - our own file
            diagram_css=Markup(diagram_style()),  # noqa: S704 - our own
            script=Markup(_static("page.js")),  # noqa: S704 - our own file
            library=Markup(_library()),  # noqa: S704 - Vega
            specs=_script_json({chart.id: charts.without_legends(_without_title(chart.spec)) for chart in drawn}),
        )
    )


def _title(names: list[str]) -> str:
    """The networks' names, or how many there are: a heading of one line."""
    if len(names) <= MOST_IN_TITLE:
        return ", ".join(names)
    return f"{len(names)} networks: {names[0]} to {names[-1]}"


def _difference(analyses: Sequence[Analysis], names: list[str]) -> str:
    """What differs between two networks, in short; empty of any other number."""
    if len(analyses) != 2:
        return ""
    from archlab.analysis.difference import Difference
    from archlab.report.difference import difference_text

    before, after = analyses
    return difference_text(Difference(before, after), names=(names[0], names[1]), short=True).strip("\n")


def _sections(names: list[str], drawn: list[Chart], one: Row | None) -> list[tuple[str, str]]:
    """Where the navigation leads: of many networks not to each, which the table does."""
    of_charts = [(chart.id, chart.heading) for chart in drawn]
    if one is None:
        each = [(f"network-{number}", name) for number, name in enumerate(names, 1)]
        return [
            ("figures", "Figures"),
            *of_charts,
            *(each if len(names) <= MOST_LINES else [("networks", "Each network")]),
        ]
    parts = [("explained", "Explanations"), ("config", "Config")]
    return [("totals", "Totals"), ("architecture", "Architecture"), *([("seen", "One unit")] if one["field"] else []),
            *of_charts, ("layers", "Layers"), *[part for part in parts if one[part[0]]]]  # fmt: skip


def environment() -> jinja2.Environment:
    """Of the pages' templates: whatever is put in is escaped."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    made.filters["cells"] = _layer
    made.filters["markup"] = _markup
    return made


def _markup(text: str) -> Markup:
    """A drawing of our own, whose texts are escaped."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - our own


def script_values(specs: Row) -> Row:
    """What every page with charts has: the style, the library, the charts as JSON."""
    from markupsafe import Markup

    return {
        "version": __version__,
        "css": Markup(_static("page.css")),  # noqa: S704 - our own file
        "library": Markup(_library()),  # noqa: S704 - Vega
        "specs": _script_json(specs),
    }


def _has_scopes(folded: list[list[FoldedRow]]) -> bool:
    """Whether a smaller depth makes fewer rows."""
    return any("." in row.path for rows in folded for row in rows)


def _without_title(spec: charts.Spec) -> charts.Spec:
    """A chart whose title the page writes itself, where it can wrap."""
    return {key: value for key, value in spec.items() if key != "title"}


def chart_list(
    analyses: Sequence[Analysis], names: list[str], rows: Callable[[], list[Row]], *, by_holder: bool = False
) -> list[Chart]:
    """The charts of some networks: a single one has no scatter, many have no lines, flat inputs no receptive fields.

    Args:
        analyses: of the networks.
        names: of the networks.
        rows: gives their figures.
        by_holder: whether the memory of a single network is shown by what holds it.
    """

    def of_all(records: Callable[[Analysis, str], list[Row]]) -> list[Row]:
        return [record for analysis, name in zip(analyses, names, strict=True) for record in records(analysis, name)]

    def scatter() -> charts.Spec:
        return charts.pareto([{"name": name, **row} for name, row in zip(names, rows(), strict=True)])

    several = [Chart("pareto", "Trade-offs", scatter)] if len(analyses) > 1 else []
    stages = Chart("stages", "Along the network", lambda: charts.stages(of_all(stage_records)))
    if len(analyses) > MOST_LINES:
        return [*several, *([stages] if len(analyses) <= MOST_STAGED else [])]
    grown = partial(charts.growth, axis=growth_words(analyses))
    growth = Chart("growth", "Receptive field", lambda: grown(of_all(growth_records), of_all(extent_records)))
    spatial = any(layer.receptive_field.axes[0] is not None for analysis in analyses for layer in analysis.layers)
    memory = Chart("memory", "Memory", lambda: charts.memory(of_all(memory_records)))
    if by_holder and len(analyses) == 1:
        memory = Chart("memory", "Memory", lambda: charts.holders(level_records(analyses[0], MOST_MOMENTS)))
    return [*several, *([growth] if spatial else []), stages, memory]


def _conditions(analyses: Sequence[Analysis]) -> str:
    """Batch and dtype, and how the training steps are done: how many blocks are checkpointed differs by network."""
    first = analyses[0]
    steps = dict.fromkeys([analysis.step_text() for analysis in analyses if analysis.training is not None])
    trained = f"; training step with {' or '.join(steps)}" if steps else ""
    return f"Batch {first.batch}, {first.dtype}{trained}."


def _network(analysis: Analysis, name: str, row: Row, folded: list[FoldedRow]) -> dict[str, Any]:
    from markupsafe import Markup

    drawing: Markup = Markup(diagram_svg(fold_to_boxes(analysis), standalone=False))  # noqa: S704 - escapes its texts
    return {
        "name": name,
        "row": row,
        "texts": {
            **{figure.key: _bounded(analysis, figure, row) for figure in FIGURES},
            "training_peak": _of_memory(analysis, training_text(row), row["training_peak"]),
        },
        "totals": totals(analysis),
        "diagram": drawing,
        "is_slim": int(found[1]) <= SLIM if (found := re.search(r' width="(\d+)"', drawing)) else False,
        "layers": [_layer(one) for one in folded],
    }


def _bounded(analysis: Analysis, figure: Figure, row: Row) -> str:
    """A figure, or that it is at least so much."""
    value = row.get(figure.key)
    name = "memory" if figure.key in {"inference_peak", "flash", "ram"} else figure.key
    text = figure_text(figure, value)
    if figure.key == "receptive_field" and value is None and analysis.total.receptive_field.unknown:
        return "unknown"
    return text if value is None else bound(analysis.total, name, text)


def _of_memory(analysis: Analysis, text: str, value: int | None) -> str:
    return text if value is None else bound(analysis.total, "memory", text)


def _layer(row: FoldedRow) -> Row:
    return {
        "path": row.path,
        "what": row.what,
        "output": row.output,
        "params": row.params_text,
        "macs": "" if row.text("macs") == "-" else row.text("macs"),
        "memory": binary(row.activation_bytes) if row.activation_bytes else "",
        "field": field_text(row.receptive_field),
    }


def _script_json(value: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    from markupsafe import Markup

    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for letter, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(letter, escaped)
    return Markup(text)  # noqa: S704 - no character of HTML is left


@cache
def _static(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    return bundle.replace("</script", "<\\/script")
