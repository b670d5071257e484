"""The charts of some networks for papers: trade-offs, growth of the field, costs by stage, memory over time.

Every axis names its quantity, its unit and the batch. Lines are named at their ends, not in a legend; they differ in
colour, dashes and width, so that none is hidden behind another, and those of equal values are one line with two names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.words import counted, listed
from archlab.report.figures import FIGURES, Figure
from archlab.report.page.data import extent_records, growth_records, growth_words, memory_records, stage_records
from archlab.report.plot.labels import name_points, spread
from archlab.report.plot.look import Look
from archlab.report.plot.picture import Picture
from archlab.report.plot.sheet import canvas
from archlab.report.plot.style import FAINT, INK, LIGHT, SERIES, SERIES_DASHES, style

MOST_NAMED = 12
"""Networks whose lines can be told apart; of more, a scatter names those on its line alone."""
MOST_APART = 300
"""Points that are each a mark of its own; more are drawn as one."""
STAGE_FIGURES = ("params", "macs", "activations", "output_bytes")
RUNS = {"training_peak": "training", "inference_peak": "inference"}
_BYTES = ("inference_peak", "training_peak", "flash", "ram", "arena", "output_bytes", "bytes")
_BY_BATCH = (
    "macs",
    "flops",
    "activations",
    "inference_peak",
    "training_peak",
    "output_bytes",
    "seconds",
    "ram",
    "arena",
)
_STEPS = {
    "bytes": ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "bytes")),
    "seconds": ((1, "s"), (1e-3, "ms"), (1e-6, "us")),
    "count": ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"), (1, "")),
}
Draw = Callable[[Axes, "Asked"], None]


class Asked:
    """What is drawn.

    Args:
        analyses: of the networks, at least one.
        names: of the networks, all different.
        rows: their figures.
        look: of the chart.
    """

    def __init__(self, analyses: Sequence[Analysis], names: Sequence[str], rows: Sequence[Row], look: Look) -> None:
        self.analyses, self.names, self.rows, self.look = analyses, names, rows, look

    def axis_words(self, key: str, unit: str) -> str:
        """See `axis_words`."""
        first = self.analyses[0]
        return axis_words(key, unit, first.batch, first.dtype)


def axis_words(key: str, unit: str, batch: int, dtype: str) -> str:
    """`MACs (G, batch 1)`: a quantity with what it depends on."""
    parts = [unit] if unit else []
    parts += [f"batch {batch}"] if key in _BY_BATCH else []
    parts += [dtype] if key in _BYTES or key == "seconds" else []
    label = {"output_bytes": "outputs of layers"}.get(key) or next(f.label for f in FIGURES if f.key == key)
    return f"{label} ({', '.join(parts)})" if parts else label


def chart(
    analyses: Sequence[Analysis],
    names: Sequence[str],
    rows: Callable[[], list[Row]],
    figure: str,
    look: Look,
) -> Picture:
    """A chart of some networks; equal networks give equal files.

    Args:
        analyses: of the networks.
        names: of the networks, all different.
        rows: gives their figures.
        figure: pareto, growth, stages or memory.
        look: of the chart.

    Raises:
        ConfigError: if there is no such chart of these networks.
    """
    asked = Asked(analyses, names, rows() if figure == "pareto" else [], look)
    _chosen(asked, figure)
    return Picture(f"the {figure} of {counted(len(names), 'network')}", lambda: draw_chart(asked, figure), look)


def draw_chart(asked: Asked, figure: str) -> Canvas:
    """The chart, within `style`.

    Raises:
        ConfigError: if there is no such chart of these networks.
    """
    title, draw = _chosen(asked, figure)
    drawn = canvas(asked.look)
    axes = drawn.add_subplot()
    draw(axes, asked)
    if asked.look.title:
        axes.set_title(title)
    return drawn


def draw_on(
    axes: Axes, analyses: Sequence[Analysis], names: Sequence[str], rows: Callable[[], list[Row]], figure: str
) -> None:
    """Draw a chart onto axes of a caller's figure; see `chart`.

    Raises:
        ConfigError: if there is no such chart of these networks.
    """
    asked = Asked(analyses, names, rows() if figure == "pareto" else [], Look())
    with style(), _measured(axes):
        title, draw = _chosen(asked, figure)
        draw(axes, asked)
        axes.set_title(title)


@contextmanager
def _measured(axes: Axes) -> Iterator[None]:
    """Within it texts can be measured, which not every canvas of a caller's does."""
    figure = axes.figure.figure
    own = figure.canvas
    if not hasattr(own, "get_renderer"):
        FigureCanvasAgg(figure)
    try:
        yield
    finally:
        figure.set_canvas(own)


def _chosen(asked: Asked, figure: str) -> tuple[str, Draw]:
    several = len(asked.analyses) > 1
    known: dict[str, tuple[str, Draw]] = {"pareto": ("Trade-offs", draw_pareto)} if several else {}
    if any(growth_records(one, "") for one in asked.analyses[:MOST_NAMED]) and len(asked.analyses) <= MOST_NAMED:
        known["growth"] = ("Receptive field along the network", draw_growth)
    known["stages"] = ("Costs along the network", draw_stages)
    if len(asked.analyses) <= MOST_NAMED:
        known["memory"] = ("Memory alive during a run", draw_memory)
    if figure not in known:
        raise single_problem(f"there is no chart '{figure}' here; there are {listed(known)}", Code.WRONG_VALUE)
    return known[figure]


def scaled(key: str, values: Sequence[float]) -> tuple[float, str]:
    """What the values of an axis are divided by, and the unit that they have then."""
    kind = "bytes" if key in _BYTES else "seconds" if key == "seconds" else "count"
    own = next((figure.unit for figure in FIGURES if figure.key == key), kind)
    largest = max(values, default=0)
    if own in ("ratio", "pixels") or (own == "count" and largest < 10_000):
        return 1, {"pixels": "positions of the input", "ratio": "FLOPs per byte"}.get(own, "")
    return next(((by, unit) for by, unit in _STEPS[kind] if largest >= by), _STEPS[kind][-1])


# -- any two figures


def draw_pareto(axes: Axes, asked: Asked) -> None:
    """Two figures against each other; the line joins networks that no other beats in both, less being better."""
    first = asked.analyses[0]
    keys = asked.look.x or "macs", asked.look.y or "params"
    named = list(zip(asked.names, asked.rows, strict=True))
    draw_points(axes, named, keys, lambda key, unit: axis_words(key, unit, first.batch, first.dtype), "network")


def draw_points(
    axes: Axes,
    named: Sequence[tuple[str, Row]],
    keys: tuple[str, str],
    words: Callable[[str, str], str],
    what: str,
    *,
    all_names: bool = True,
) -> None:
    """A point for each row, and a line through those that no other beats in both figures.

    Args:
        axes: to draw on.
        named: rows of figures with their names.
        keys: the figures across and up.
        words: the label of an axis, of a figure and its unit.
        what: a row is of, for people.
        all_names: whether names are also written where there is no room for them.

    Raises:
        ConfigError: if no row has both figures.
    """
    x_key, y_key = keys
    points = [(name, float(row[x_key]), float(row[y_key])) for name, row in named if row.get(x_key) and row.get(y_key)]
    if not points:
        figures = " and ".join([_figure_of(key).label for key in keys])
        raise single_problem(f"no {what} here has {figures}, so that there is nothing to draw", Code.WRONG_VALUE)
    scale = {x_key: scaled(x_key, [x for _, x, _ in points]), y_key: scaled(y_key, [y for _, _, y in points])}
    x = [point[1] / scale[x_key][0] for point in points]
    y = [point[2] / scale[y_key][0] for point in points]
    front = _front(x, y, [-1 if _is_more_better(key) else 1 for key in keys])
    axes.step(
        [x[at] for at in front], [y[at] for at in front], where="post", color=FAINT, linestyle=(0, (3, 2)), zorder=1
    )
    for at in range(len(points)) if len(points) <= MOST_APART else ():
        is_best = at in front
        _plot_points(axes, [x[at]], [y[at]], is_best=is_best)
    if len(points) > MOST_APART:
        rest = sorted({*range(len(points))} - {*front})
        _plot_points(axes, [x[at] for at in rest], [y[at] for at in rest], is_best=False)
        _plot_points(axes, [x[at] for at in front], [y[at] for at in front], is_best=True)
    for axis, values in ((axes.xaxis, x), (axes.yaxis, y)):
        log_axis(axis, values)
    axes.set_xlabel(words(x_key, scale[x_key][1]))
    axes.set_ylabel(words(y_key, scale[y_key][1]))
    shown = range(len(points)) if len(points) <= MOST_NAMED else front if len(front) <= 2 * MOST_NAMED else ()
    names = [(points[at][0], x[at], y[at]) for at in shown]
    name_points(axes, names, list(zip(x, y, strict=True)), all_of_them=all_names)


def _plot_points(axes: Axes, x: list[float], y: list[float], *, is_best: bool) -> None:
    fill = SERIES[0] if is_best else "white"
    axes.plot(x, y, "o" if is_best else "s", color=SERIES[0], markersize=5 if is_best else 4, markerfacecolor=fill,
              zorder=3)  # fmt: skip


def _is_more_better(key: str) -> bool:
    return _figure_of(key).better == "more" or key == "receptive_field"


def _figure_of(key: str) -> Figure:
    return next(figure for figure in FIGURES if figure.key == key)


def _front(x: list[float], y: list[float], signs: list[int]) -> list[int]:
    """The points that no other beats in both, from left to right."""
    across, up = signs
    found: list[int] = []
    for at in sorted(range(len(x)), key=lambda at: (across * x[at], up * y[at])):
        if not found or up * y[at] < up * y[found[-1]]:
            found.append(at)
    return sorted(found, key=lambda at: x[at])


def log_axis(axis: object, values: list[float]) -> None:
    """Logarithmic, with 1, 2 and 5 of each power written in full, and room at both ends for names."""
    name = axis.axis_name  # type: ignore[attr-defined]
    getattr(axis.axes, f"set_{name}scale")("log")  # type: ignore[attr-defined]
    low, high = min(values), max(values)
    room = max((high / low) ** 0.12, 1.15)
    getattr(axis.axes, f"set_{name}lim")(low / room, high * room)  # type: ignore[attr-defined]
    wide = high / low > 200
    axis.set_major_locator(LogLocator(base=10, subs=(1,) if wide else (1, 2, 5)))  # type: ignore[attr-defined]
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))  # type: ignore[attr-defined]
    axis.set_minor_formatter(NullFormatter())  # type: ignore[attr-defined]


# -- lines, one for each network


def _lines(axes: Axes, series: list[tuple[str, list[float], list[float]]]) -> None:
    """Lines with their names at their ends; equal ones are one line, and the first are the widest."""
    alike: dict[tuple[tuple[float, ...], tuple[float, ...]], list[str]] = {}
    for name, x, y in series:
        alike.setdefault((tuple(x), tuple(y)), []).append(name)
    widest = 3.2 if len(alike) > 1 else 1.8
    ends: list[tuple[str, float, float, str]] = []
    for number, ((across, up), names) in enumerate(alike.items()):
        width = widest - (widest - 1.2) * number / max(len(alike) - 1, 1)
        colour, dashes = SERIES[number % len(SERIES)], SERIES_DASHES[number % len(SERIES_DASHES)]
        axes.step(across, up, where="post", color=colour, linewidth=width, linestyle=dashes, zorder=3 + number)
        ends.append((", ".join(names), across[-1], up[-1], colour))
    if len(ends) == 1:
        return
    spread(axes, ends)


def draw_growth(axes: Axes, asked: Asked) -> None:
    """Receptive field against depth, with the inputs' sizes and the border layers."""
    series: list[tuple[str, list[float], list[float]]] = []
    for analysis, name in zip(asked.analyses, asked.names, strict=True):
        records = growth_records(analysis, name)
        if not records:
            continue
        series.append((name, [record["layer"] for record in records], [record["size"] for record in records]))
        border = [record for record in records if record["border"]]
        axes.plot([r["layer"] for r in border], [r["size"] for r in border], "D", color=INK, markersize=4.5,
                  markerfacecolor="white", zorder=20)  # fmt: skip
        if border and asked.look.title:
            axes.annotate("border layer", (border[0]["layer"], border[0]["size"]), (4, -4), textcoords="offset points",
                          va="top", fontsize="small", zorder=21)  # fmt: skip
    word = growth_words(asked.analyses)
    axes.set_ylim(0, 1.06 * max([max(y) for _, _, y in series]))
    axes.set_xlim(0, max([max(x) for _, x, _ in series]))
    extents = [
        record["extent"]
        for one, name in zip(asked.analyses, asked.names, strict=True)
        for record in extent_records(one, name)
    ]
    for extent in sorted(set(extents)):
        axes.axhline(extent, color=INK, linewidth=0.9, linestyle=(0, (5, 3)), zorder=2)
        axes.annotate(f"input: {extent}", (1, extent), (-2, 2), xycoords=("axes fraction", "data"), ha="right",
                      textcoords="offset points", fontsize="small", zorder=21,
                      bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5})  # fmt: skip
        axes.set_ylim(0, max(axes.get_ylim()[1], 1.1 * extent))
    axes.set_xlabel("layer, in file order")
    axes.set_ylabel(f"receptive field (positions\nof the input, {word})")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    _lines(axes, series)


def draw_memory(axes: Axes, asked: Asked) -> None:
    """Bytes alive over a run."""
    run = _run(asked)
    found: list[tuple[str, list[float], list[float]]] = []
    for analysis, name in zip(asked.analyses, asked.names, strict=True):
        records = [record for record in memory_records(analysis, name) if record["run"] == run]
        if records:
            found.append((name, [100 * r["progress"] for r in records], [r["bytes"] for r in records]))
    if not found:
        raise single_problem(f"no network here has a {run} run, so that there is nothing to draw", Code.WRONG_VALUE)
    by, unit = scaled("bytes", [max(y) for _, _, y in found])
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 1.06 * max([max(y) for _, _, y in found]) / by)
    first = asked.analyses[0]
    what = "forward pass" if run == "inference" else "training step"
    axes.set_xlabel(f"progress through the {what} (% of its moments)")
    axes.set_ylabel(f"memory alive ({unit},\nbatch {first.batch}, {first.dtype})")
    _lines(axes, [(name, x, [value / by for value in y]) for name, x, y in found])


def _run(asked: Asked) -> str:
    if asked.look.y is not None:
        return RUNS[asked.look.y]
    return "training" if all(one.training is not None for one in asked.analyses) else "inference"


# -- stages


def draw_stages(axes: Axes, asked: Asked) -> None:
    """A bar for each network, a part of it for each stage, named where its name fits."""
    key = asked.look.y or "params"
    bars = [stage_records(one, name) for one, name in zip(asked.analyses, asked.names, strict=True)]
    by, unit = scaled(key, [sum([record[key] for record in records]) for records in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    longest = max([sum([record[key] for record in records]) for records in bars]) / by or 1
    axes.set_xlim(0, 1.02 * longest)
    points = axes.figure.get_figwidth() * 72 * 0.75 / longest  # type: ignore[union-attr]
    for row, records in enumerate(bars):
        left = 0.0
        shown = [(stage, value) for stage, value in [(r["stage"], r[key] / by) for r in records] if value]
        for number, (stage, value) in enumerate(shown):
            dark = number % 2 == 0
            axes.barh(
                row,
                value,
                left=left,
                height=0.66,
                color=SERIES[0] if dark else LIGHT,
                edgecolor=SERIES[0],
                linewidth=0.7,
            )
            size = asked.look.font_size * 0.85
            if len(stage) * size * 0.62 + 4 < value * points:
                axes.text(
                    left + value / 2,
                    row,
                    stage,
                    ha="center",
                    va="center",
                    color="white" if dark else INK,
                    fontsize=size,
                )
            left += value
    many = len(bars) > 40
    axes.set_yticks([] if many else range(len(bars)), [] if many else list(asked.names))
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"{asked.axis_words(key, unit)}, by stage in order")
    axes.spines["left"].set_visible(False)
