"""The charts of pages, as Vega-Lite specifications; those for papers are in `plot/`, in the same colours."""

from __future__ import annotations

from typing import Any

from archlab.analysis.row import Row
from archlab.report.figures import FIGURES, Figure

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
COLOURS = ["#0072B2", "#D55E00", "#008A64", "#B8608F", "#A66A00", "#2F86BD", "#9467BD", "#7A7A00", "#808890", "#D04545"]
"""Okabe and Ito's, which people with any common colour blindness can tell apart, the light ones darker, and four more:
3 to 1 on light pages and on dark ones."""
DASHES = [[1, 0], [6, 2], [2, 2], [6, 2, 2, 2], [10, 3], [1, 0], [6, 2], [2, 2], [6, 2, 2, 2], [10, 3]]
"""Beside colours, so that lines are told apart without them, too."""
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "circle", "square", "triangle-up", "diamond", "cross"]
MOST_COLOURS = 12
"""Networks that a legend names."""
HEIGHT = 340
_UNIT_FORMATS = {"count": ".4~s", "bytes": ",.4~r", "seconds": ".3~s", "ratio": ".3~f", "pixels": "d"}
_BYTES = {figure.key for figure in FIGURES if figure.unit == "bytes"} | {"bytes", "output_bytes"}
_MIB = 2**20
"""Bytes are shown in MiB, as the tables count them: an axis has one unit."""


def pareto(rows: list[Row]) -> Spec:
    """Any two figures against each other; the line joins networks that no other beats in both, less being better."""
    known = [figure for figure in FIGURES if any(row.get(figure.key) for row in rows)]
    options = {"options": [f.key for f in known], "labels": [f.label for f in known]}
    labels = {figure.key: _label(figure) for figure in known}
    units = ", ".join([f"'{figure.key}': {_MIB if figure.unit == 'bytes' else 1}" for figure in known])
    values = "datum[{0}] > 0"
    many = len(rows) > MOST_COLOURS
    return {
        **_base("Any two figures; the line joins networks that no other beats in both (less is better)"),
        "data": {"values": [{**row, "number": number} for number, row in enumerate(rows)]},
        "params": [
            {"name": "horizontal", "value": "macs", "bind": {"input": "select", "name": "across ", **options}},
            {"name": "vertical", "value": "params", "bind": {"input": "select", "name": "up ", **options}},
        ],
        "transform": [
            {"filter": f"{values.format('horizontal')} && {values.format('vertical')}"},
            {"calculate": f"datum[horizontal] / {{{units}}}[horizontal]", "as": "x"},
            {"calculate": f"datum[vertical] / {{{units}}}[vertical]", "as": "y"},
            *[_mebibytes(figure.key) for figure in known if figure.unit == "bytes"],
            {
                "sort": [{"field": "x"}, {"field": "y"}],
                "window": [{"op": "min", "field": "y", "as": "lowest"}],
                "frame": [None, 0],
            },
        ],
        "encoding": {
            "x": _free_axis("x", "horizontal", labels),
            "y": _free_axis("y", "vertical", labels),
        },
        "layer": [
            {
                "transform": [{"filter": "datum.y <= datum.lowest"}],
                "mark": {"type": "line", "color": "#8a8a8a", "strokeDash": [4, 3], "interpolate": "step-after"},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 50 if many else 110, "opacity": 0.9},
                "encoding": {
                    "color": {"value": COLOURS[0]} if many else _networks(),
                    "shape": {"value": "circle"} if many else _shapes(),
                    "tooltip": _tooltips([f.key for f in known]),
                },
            },
            {
                # of many, only those on the line are named; the pointer names the others
                "transform": [{"filter": "datum.y <= datum.lowest" if many else "true"}],
                # neighbours often lie close together: every second name stands below its point
                "mark": {"type": "text", "align": "left", "dx": 8, "dy": {"expr": "datum.number % 2 ? 14 : -7"}},
                "encoding": {"text": {"field": "name"}},
            },
        ],
    }


def growth(records: list[Row], extents: list[Row], axis: str = "height") -> Spec:
    """Receptive field against depth: dashed lines are the inputs' heights, dots the border layers.

    Args:
        records: of the layers.
        extents: of the inputs.
        axis: what is shown of fields and inputs.
    """
    x = {"field": "layer", "type": "quantitative", "title": "layer", "axis": {"grid": False, "tickCount": 10}}
    y = {"field": "size", "type": "quantitative", "title": f"receptive field (positions, {axis})"}
    along = {"x": x, "y": y, "color": _networks("network"), "detail": {"field": "network"}}
    names = [{"field": name} for name in ("network", "path", "layer", "size")]
    borders = [record for record in records if record["border"]]
    marked = {
        "data": {"values": borders},
        "mark": {"type": "point", "filled": True, "size": 90, "stroke": "white", "strokeWidth": 1},
        "encoding": {**along, "tooltip": [{"field": "path", "title": "border layer"}, *names]},
    }
    return {
        **_base(
            f"Receptive field along the network; dashed: the input's {axis}{'; dots: border layers' if borders else ''}"
        ),
        "layer": [
            {
                "data": {"values": _distinct(extents)},
                "mark": {"type": "rule", "strokeDash": [5, 4], "color": "#8a8a8a"},
                "encoding": {
                    "y": {"field": "extent", "type": "quantitative"},
                    "tooltip": [{"field": "extent", "title": f"input {axis}"}],
                },
            },
            {
                "data": {"values": records},
                "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
                "encoding": {**along, "strokeDash": _dashes("network")},
            },
            {
                "data": {"values": records},
                "mark": {"type": "point", "filled": True, "opacity": 0, "size": 60},
                "encoding": {"x": x, "y": y, "tooltip": names},
            },
            *([marked] if borders else []),
        ],
    }


STAGE_FIGURES = {
    "params": "params",
    "macs": "MACs",
    "activations": "activations",
    "output_bytes": "outputs (MiB)",
}


def stages(records: list[Row]) -> Spec:
    """Where a figure sits along the network: a bar for each network, a part of it for each stage, in order."""
    networks = list(dict.fromkeys(record["network"] for record in records))
    return {
        **_base("Where it sits along the network: stages in order, from left to right"),
        "height": max(60, 34 * len(networks)),
        "data": {"values": records},
        "params": [
            {
                "name": "figure",
                "value": "params",
                "bind": {
                    "input": "select",
                    "name": "figure ",
                    "options": list(STAGE_FIGURES),
                    "labels": list(STAGE_FIGURES.values()),
                },
            }
        ],
        "transform": [
            _mebibytes("output_bytes"),
            {"calculate": f"figure === 'output_bytes' ? datum.{_shown('output_bytes')} : datum[figure]", "as": "value"},
            {"filter": "datum.value > 0"},
        ],
        "mark": {"type": "bar", "stroke": "white", "strokeWidth": 0.6},
        "encoding": {
            "y": {"field": "network", "type": "nominal", "title": None, "sort": networks},
            "x": {
                "field": "value",
                "type": "quantitative",
                "stack": True,
                "title": {"expr": _lookup(STAGE_FIGURES, "figure")},
                "axis": {"format": ".3~s", "tickCount": 8},
            },
            "color": {
                "field": "order",
                "type": "quantitative",
                "scale": {"scheme": "viridis"},
                "legend": None,
            },
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": [
                {"field": "network"},
                {"field": "stage"},
                *[
                    {
                        "field": _shown(key),
                        "title": label,
                        "format": _UNIT_FORMATS["bytes" if "MiB" in label else "count"],
                    }
                    for key, label in STAGE_FIGURES.items()
                ],
            ],
        },
    }


def memory(records: list[Row]) -> Spec:
    """Memory alive while a network runs, from the first layer to the last."""
    runs = list(dict.fromkeys(record["run"] for record in records))
    return {
        **_base("Memory alive, from the start of the run to its end"),
        "data": {"values": records},
        "params": [
            {"name": "run", "value": runs[-1], "bind": {"input": "select", "name": "run ", "options": runs}},
        ],
        "transform": [{"filter": "datum.run === run"}, _mebibytes("bytes")],
        "encoding": {
            "x": {
                "field": "progress",
                "type": "quantitative",
                "title": "progress",
                "axis": {"format": "%", "grid": False},
            },
            "y": {
                "field": _shown("bytes"),
                "type": "quantitative",
                "title": "memory alive (MiB)",
                "axis": {"format": ",.4~r"},
            },
            "color": _networks("network"),
        },
        "layer": [
            {
                "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.8},
                "encoding": {"strokeDash": _dashes("network")},
            },
            {
                "mark": {"type": "point", "filled": True, "opacity": 0, "size": 50},
                "encoding": {
                    "tooltip": [
                        {"field": "network"},
                        {"field": "phase"},
                        {"field": "path"},
                        {"field": _shown("bytes"), "title": "MiB", "format": _UNIT_FORMATS["bytes"]},
                    ]
                },
            },
        ],
    }


def reach(records: list[Row], costs: list[str]) -> Spec:
    """Receptive fields against what they cost; the line joins designs that no cheaper one sees as much as.

    Args:
        records: of the designs: name, costs, `receptive_field`.
        costs: what the horizontal axis may be, the first one to begin with.
    """
    labels = {figure.key: _label(figure) for figure in FIGURES if figure.key in costs}
    units = ", ".join([f"'{key}': {_MIB if key in _BYTES else 1}" for key in costs])
    x = {"field": "x", "type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 12}}
    y = {
        "field": "receptive_field",
        "type": "quantitative",
        "scale": {"zero": False, "padding": 12},
        "title": "receptive field (positions)",
    }
    title = {"title": {"expr": _lookup(labels, "cost")}, "format": ".3~s", "tickCount": 6}
    shown = [{"field": _shown(name), "title": labels[name], "format": ",.5~r"} for name in costs]
    shown.append({"field": "receptive_field", "title": "receptive field", "format": ","})
    options = {"options": costs, "labels": [labels[key] for key in costs]}
    return {
        **_base("Receptive field against a cost; the line joins designs that no cheaper one sees as much as"),
        "data": {"values": records},
        "params": [{"name": "cost", "value": costs[0], "bind": {"input": "select", "name": "cost ", **options}}],
        "transform": [
            {"calculate": f"datum[cost] / {{{units}}}[cost]", "as": "x"},
            *[_mebibytes(key) for key in costs if key in _BYTES],
            {"calculate": "-datum.receptive_field", "as": "minus"},
            {
                "sort": [{"field": "x"}, {"field": "minus"}],
                "window": [{"op": "max", "field": "receptive_field", "as": "most"}],
                "frame": [None, 0],
            },
            {  # of those that see as much, the cheapest alone
                "sort": [{"field": "x"}],
                "window": [{"op": "row_number", "as": "place"}],
                "groupby": ["receptive_field"],
            },
        ],
        "encoding": {"x": {**x, "axis": title}, "y": y},
        "layer": [
            {
                "transform": [{"filter": "datum.receptive_field >= datum.most && datum.place === 1"}],
                "mark": {"type": "line", "color": "#8a8a8a", "strokeDash": [4, 3], "interpolate": "step-after"},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 45, "opacity": 0.8, "color": COLOURS[0]},
                "encoding": {"tooltip": [{"field": "name", "title": "design"}, *shown]},
            },
        ],
    }


def distribution(records: list[Row]) -> Spec:
    """How many designs have how much of a figure.

    Args:
        records: by figure, the least and the most of an interval, and the designs in it.
    """
    known = list(dict.fromkeys([record["figure"] for record in records]))
    labels = {figure.key: _label(figure) for figure in FIGURES if figure.key in known}
    title = {"expr": _lookup(labels, "figure")}
    options = {"options": known, "labels": [labels[key] for key in known]}
    amount = {"type": "quantitative", "scale": {"type": "log", "nice": False}}
    records = [
        {**record, **({end: record[end] / _MIB for end in ("low", "high")} if record["figure"] in _BYTES else {})}
        for record in records
    ]
    return {
        **_base("How many designs have how much of a figure, in intervals of equal ratio"),
        "data": {"values": records},
        "params": [{"name": "figure", "value": "macs", "bind": {"input": "select", "name": "figure ", **options}}],
        "transform": [{"filter": "datum.figure == figure"}],
        "mark": {"type": "rect", "color": COLOURS[0], "stroke": "white", "strokeWidth": 0.5},
        "encoding": {
            "x": {"field": "low", **amount, "axis": {"title": title, "format": ".3~s", "tickCount": 8, "grid": False}},
            "x2": {"field": "high"},
            "y": {
                "field": "designs",
                "type": "quantitative",
                "title": "designs",
                "axis": {"tickMinStep": 1, "format": ",d"},
            },
            "y2": {"datum": 0},
            "tooltip": [
                {"field": "low", "format": ".3~s", "title": "from"},
                {"field": "high", "format": ".3~s", "title": "to"},
                {"field": "designs", "format": ","},
            ],
        },
    }


def _base(title: str) -> Spec:
    return {
        "$schema": SCHEMA,
        "description": title,
        "title": {"text": title, "anchor": "start", "fontSize": 12, "fontWeight": "normal"},
        "width": "container",
        "height": HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "background": None,
        "config": {"view": {"stroke": None}, "axis": {"labelOverlap": True}, "legend": {"labelLimit": 220}},
    }


def _networks(field: str = "name") -> Spec:
    return {
        "field": field,
        "type": "nominal",
        "title": None,
        "scale": {"range": COLOURS},
        "sort": None,
        "legend": {"orient": "bottom", "columns": {"expr": "max(1, floor(width / 150))"}},
    }


def _dashes(field: str) -> Spec:
    return {"field": field, "type": "nominal", "scale": {"range": DASHES}, "sort": None, "legend": None}


def _shapes() -> Spec:
    return {"field": "name", "type": "nominal", "scale": {"range": SHAPES}, "sort": None, "legend": None}


def holders(records: list[Row]) -> Spec:
    """Memory alive while one network runs, by what holds it."""
    runs = list(dict.fromkeys([record["run"] for record in records]))
    kinds = list(dict.fromkeys([record["kind"] for record in sorted(records, key=lambda record: record["order"])]))
    return {
        **_base("Memory alive, layer by layer, by what holds it"),
        "data": {"values": records},
        "params": [{"name": "run", "value": runs[-1], "bind": {"input": "select", "name": "run ", "options": runs}}],
        "transform": [
            {"filter": "datum.run === run"},
            *[{"calculate": f"datum.{key} / {_MIB}", "as": key} for key in ("bytes", "low", "high")],
            {"calculate": "min(datum.end + 0.0015, 1)", "as": "end"},  # no hairline between neighbours
        ],
        "mark": {"type": "rect", "stroke": None},
        "encoding": {
            "x": {
                "field": "progress",
                "type": "quantitative",
                "title": "progress of the run",
                "axis": {"format": "%", "grid": False},
                "scale": {"domain": [0, 1]},
            },
            "x2": {"field": "end"},
            "y": {
                "field": "low",
                "type": "quantitative",
                "title": "memory alive (MiB)",
                "axis": {"format": ",.4~r"},
            },
            "y2": {"field": "high"},
            "color": {
                "field": "kind",
                "type": "nominal",
                "title": None,
                "sort": None,
                "scale": {"domain": kinds, "range": [HOLDER_COLOURS[kind] for kind in kinds]},
                "legend": {"orient": "bottom", "columns": {"expr": "max(1, floor(width / 150))"}},
            },
            "tooltip": [
                {"field": "kind", "title": "held by"},
                {"field": "path"},
                {"field": "bytes", "title": "MiB", "format": _UNIT_FORMATS["bytes"]},
            ],
        },
    }


HOLDER_COLOURS = {
    "params and buffers": "#808890",
    "optimizer state": "#5f6a76",
    "input": "#7A7A00",
    "outputs of layers": "#0072B2",
    "copies": "#2F86BD",
    "kept for backward": "#008A64",
    "gradients of values": "#D55E00",
    "gradients of params": "#A66A00",
    "while a layer runs": "#B8608F",
}


def keys(spec: Spec, names: list[str]) -> list[Row]:
    """What a chart's colours mean, for a list beside it that can wrap; nothing where it has no legend.

    Args:
        spec: of the chart.
        names: of the networks.
    """
    colour = _legend_of(spec)
    if colour is None:
        return []
    domain = colour["scale"].get("domain")
    if domain is None and len(names) == 1:
        return []
    if domain is not None:
        return [
            {"name": name, "colour": fill, "dash": ""}
            for name, fill in zip(domain, colour["scale"]["range"], strict=True)
        ]
    return [
        {"name": name, "colour": COLOURS[at % len(COLOURS)], "dash": " ".join(map(str, DASHES[at % len(DASHES)]))}
        for at, name in enumerate(names)
    ]


def _legend_of(spec: Any) -> Spec | None:
    """The first colour of a chart that has a legend."""
    if isinstance(spec, list):
        return next((found for one in spec if (found := _legend_of(one)) is not None), None)
    if not isinstance(spec, dict):
        return None
    colour = spec.get("color")
    if isinstance(colour, dict) and colour.get("legend"):
        return colour
    return _legend_of([spec[key] for key in ("encoding", "layer") if key in spec])


def without_legends(spec: Any) -> Any:
    """A chart whose legend the page writes itself: Vega's is cut where the chart is narrow."""
    if isinstance(spec, list):
        return [without_legends(one) for one in spec]
    if not isinstance(spec, dict):
        return spec
    kept = {key: value if key in ("data", "config") else without_legends(value) for key, value in spec.items()}
    return (
        {**kept, "legend": None}
        if isinstance(kept.get("scale"), dict) and "field" in kept and "legend" in kept
        else kept
    )


def _free_axis(field: str, param: str, labels: dict[str, str]) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"type": "log", "nice": True},
        "axis": {"title": {"expr": _lookup(labels, param)}, "format": ".3~s", "tickCount": 6},
    }


def _lookup(labels: dict[str, str], param: str) -> str:
    """A Vega expression for the label of a param's value; the labels are our own."""
    pairs = ", ".join(f"'{key}': '{label}'" for key, label in labels.items())
    return f"{{{pairs}}}[{param}]"


def _tooltips(keys: list[str]) -> list[Spec]:
    figures = [figure for figure in FIGURES if figure.key in keys]
    named = [{"field": _shown(f.key), "title": _label(f), "format": _UNIT_FORMATS[f.unit]} for f in figures]
    return [{"field": "name", "title": "network"}, *named]


def _label(figure: Figure) -> str:
    return f"{figure.label} (MiB)" if figure.unit == "bytes" else figure.label


def _shown(key: str) -> str:
    """The field of a figure that is shown: one of bytes has another beside it, in MiB."""
    return f"{key}_mib" if key in _BYTES else key


def _mebibytes(key: str) -> Spec:
    return {"calculate": f"datum.{key} / {_MIB}", "as": _shown(key)}


def _distinct(extents: list[Row]) -> list[Row]:
    return [{"extent": value} for value in sorted({record["extent"] for record in extents})]
