"""What each command does: options to the text of the result and the exit status."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from archlab.api.network import Network, expand_document
from archlab.cli.input_size import input_shape
from archlab.cli.main import OK, WRONG_INPUT, report_format
from archlab.config.syntax.substitute import is_dynamic, substitute
from archlab.config.syntax.yaml_nodes import parse
from archlab.config.tree.targets import open_target
from archlab.diagnostics.place import Source, printable
from archlab.diagnostics.problem import ConfigError, Problem, Problems, single_problem

if TYPE_CHECKING:
    from archlab.analysis import Analysis
    from archlab.api.validate import Validation
    from archlab.graph import Graph
    from archlab.report.field import FieldReport
    from archlab.report.time import TimeView
    from archlab.torch.measure import Measurement

Result = tuple[str, int]
T = TypeVar("T")


def analyze(options: argparse.Namespace) -> Result:
    """`archlab analyze`."""
    form = report_format(options, pages=True)
    analysis = _analysis(_network(options.target, options), options)
    result = _layers(analysis, form, options)
    _plot([analysis], options)
    return result


def _layers(analysis: Analysis, form: str, options: argparse.Namespace) -> Result:
    """A row for each layer, and the totals."""
    from archlab.report.rows import layer_rows

    if form == "json":
        return _json_by_layer(analysis.to_dict()), OK
    if form == "html":
        return _compared([analysis], form, options), OK
    if form == "latex":
        from archlab.report.footer import heading
        from archlab.report.latex import layers_latex

        return layers_latex(heading(analysis), layer_rows(analysis)), OK
    if form == "xlsx":
        return _workbook({"layers": layer_rows(analysis)}, options)
    if form == "table":
        from archlab.report.table import analysis_table, is_terminal

        return analysis_table(analysis, options.depth, colour=is_terminal() and options.write_to is None), OK
    from archlab.report.markup import analysis_markdown, rows_csv

    if form == "markdown":
        return analysis_markdown(analysis), OK
    return rows_csv(layer_rows(analysis)), OK


def compare(options: argparse.Namespace) -> Result:
    """`archlab compare`."""
    from archlab.cli.progress import progress

    form = report_format(options, pages=True)
    targets = options.targets or _all_presets()
    steps = iter(progress(range(len(dict.fromkeys(targets))), "networks"))

    def analysed(target: str) -> Analysis:
        next(steps)
        return _analysis(_network(target, options), options)

    analyses = _each(targets, analysed)
    _tell_apart([analysis.graph for analysis in analyses], targets)
    _tell_shared(options, options.targets)
    result = _networks(analyses, form, options)
    _plot(analyses, options)
    return result


def _networks(analyses: list[Analysis], form: str, options: argparse.Namespace) -> Result:
    """A row for each network."""
    from archlab.analysis.time.device import load_device
    from archlab.api.comparison import Comparison

    device = load_device(options.device)
    if form in ("html", "latex"):
        return _compared(analyses, form, options), OK
    comparison = Comparison(analyses, device)
    if form == "xlsx":
        return _workbook({"networks": comparison.rows}, options)
    if form == "table":
        from archlab.report.table import comparison_table, is_terminal

        colour = is_terminal() and options.write_to is None
        return comparison_table(comparison.analyses, device, colour=colour), OK
    return _rows(comparison.rows, form, options, comparison.to_dict), OK


def _all_presets() -> list[str]:
    from archlab.zoo.rows import preset_targets

    return list(preset_targets())


def _compared(analyses: list[Analysis], form: str, options: argparse.Namespace) -> str:
    """The page, or the LaTeX table, of one network or several."""
    from archlab.analysis.time.device import load_device

    device = load_device(options.device)
    if form == "latex":
        from archlab.report.figures import figures_row
        from archlab.report.latex import latex_table

        return latex_table([(analysis.graph.name, figures_row(analysis, device)) for analysis in analyses])
    from archlab.report.page.render import page

    return page(analyses, device, command=options.shown, title=options.title, depth=getattr(options, "depth", 2))


def _plot(analyses: list[Analysis], options: argparse.Namespace) -> None:
    """The chart asked for beside the result."""
    if options.plot is not None:
        from archlab.analysis.time.device import load_device
        from archlab.report.page.picture import picture

        picture(analyses, load_device(options.device), options.figure).save(options.plot)


def _workbook(sheets: dict[str, list[dict[str, Any]]], options: argparse.Namespace) -> Result:
    """A .xlsx file."""
    from archlab.report.workbook import save_workbook

    return _picture(lambda path: save_workbook(sheets, path), options)


def expand(options: argparse.Namespace) -> Result:
    """`archlab expand`: the network without blocks, as a config."""
    from archlab.config.dump import expanded_config

    network = _network(options.target, options)
    total = network.analyze().total
    return expanded_config(network.graph, expect={"params": total.params, "macs": total.macs}), OK


def fmt(options: argparse.Namespace) -> Result:
    """`archlab fmt`: what changed, or would, a line for each file."""
    from archlab.api.validate import config_paths
    from archlab.config.format import format_config
    from archlab.config.syntax.files import read_source
    from archlab.files.inputs import STDIN
    from archlab.files.output import write_text

    if STDIN in options.paths:
        return _format_stdin(options)

    def formatted(path: str) -> tuple[Path, bool]:
        source = read_source(Path(path))
        text = format_config(source)
        changed = text != source.text
        if changed and not options.check:
            write_text(Path(path), text, newline="", over_inputs=True)
        return Path(path), changed

    files = _each(list(dict.fromkeys(config_paths(options.paths))), formatted)
    word = "would be formatted" if options.check else "formatted"
    lines = [f"{path}: {word}\n" for path, changed in files if changed]
    return "".join(lines), WRONG_INPUT if options.check and lines else OK


def _format_stdin(options: argparse.Namespace) -> Result:
    """The formatted text is the result."""
    from archlab.config.format import format_config
    from archlab.config.syntax.files import read_stdin_source

    if len(options.paths) > 1:
        raise single_problem("fmt formats stdin or files, not both; give '-' alone", "wrong-value")
    source = read_stdin_source()
    text = format_config(source)
    if not options.check:
        return text, OK
    return (f"{source.name}: would be formatted\n", WRONG_INPUT) if text != source.text else ("", OK)


def diff(options: argparse.Namespace) -> Result:
    """`archlab diff`."""
    from archlab.analysis.difference import Difference

    _require_two(options)

    def analysed(target: str) -> Analysis:
        return _network(target, options).analyze(batch=options.batch, dtype=options.dtype)

    both = _each([options.before, options.after], analysed)
    _tell_shared(options, [options.before, options.after])
    _tell_apart([analysis.graph for analysis in both], [options.before, options.after])
    difference = Difference(*both)
    if options.format == "json":
        return _json(difference.to_dict()), OK
    from archlab.report.difference import difference_text
    from archlab.report.table import is_terminal

    return difference_text(difference, colour=is_terminal() and options.write_to is None), OK


def _tell_apart(graphs: list[Graph], targets: list[str]) -> None:
    """Add to names that several networks have what they were asked for by, in every form of the result."""
    counts = Counter(graph.name for graph in graphs)
    for graph, target in zip(graphs, targets, strict=True):
        if counts[graph.name] > 1 and targets.count(target) == 1:
            graph.name = f"{graph.name} ({target})"


def _given(options: argparse.Namespace) -> list[str]:
    """The options that change a network, as they were given."""
    given = [f"--set {assignment}" for assignment in options.set]
    return given if options.input is None else [*given, f"--input {options.input}"]


def _require_two(options: argparse.Namespace) -> None:
    """Refuse one target twice under options that change both alike."""
    given = _given(options)
    if options.before == options.after and given:
        raise single_problem(
            f"{', '.join(given)} applies to both targets, and {options.before} is given twice, so that nothing can "
            "differ; give the values to a variant in the file, and compare with FILE.yaml@VARIANT",
            "wrong-value",
        )


def _tell_shared(options: argparse.Namespace, targets: list[str]) -> None:
    """Say on stderr that options apply to all of several targets."""
    given = _given(options)
    if given and len(targets) > 1:
        which = "both networks" if len(targets) == 2 else f"all {len(targets)} networks"
        sys.stderr.write(f"archlab: {', '.join(given)} applies to {which}\n")


def new(options: argparse.Namespace) -> Result:
    """`archlab new`: writes the file, and never over another."""
    from archlab.zoo.template import starter_config

    path = Path(options.name if options.name.endswith((".yaml", ".yml")) else f"{options.name}.yaml")
    text = starter_config(path.stem, options.source)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise single_problem(f"{path} is already there; choose another name", "file") from None
    except OSError as error:
        raise single_problem(f"cannot write {path}: {error.strerror}", "file") from None
    sys.stderr.write(f"archlab: wrote {path}; try: archlab analyze {path}\n")
    return "", OK


def diagram(options: argparse.Namespace) -> Result:
    """`archlab diagram`: the form by the ending of `-o`, Mermaid without one."""
    from archlab.report.diagram.boxes import fold_to_boxes
    from archlab.report.diagram.svg import diagram_svg
    from archlab.report.diagram.text import diagram_dot, diagram_mermaid

    forms = {".svg": diagram_svg, ".mmd": diagram_mermaid, ".dot": diagram_dot}
    suffix = ".mmd" if options.write_to is None else options.write_to.suffix
    if suffix not in forms:
        raise single_problem(f"{options.write_to}: a diagram ends in .svg, .mmd or .dot", "wrong-value")
    analysis = _network(options.target, options).analyze(batch=options.batch, dtype=options.dtype)
    return forms[suffix](fold_to_boxes(analysis, options.depth)), OK


def presets(options: argparse.Namespace) -> Result:
    """`archlab presets`."""
    from archlab.zoo.rows import preset_rows

    form = report_format(options)
    rows = preset_rows()
    return _rows(rows, form, options, lambda: {"presets": rows}), OK


def validate(options: argparse.Namespace) -> Result:
    """`archlab validate`: the problems are the result."""
    from archlab.api.validate import config_paths
    from archlab.api.validate import validate as validate_target

    checked = [validate_target(target) for target in config_paths(options.paths)]
    problems = [problem for found in checked for problem in found.problems]
    return _validation_text(checked, problems, options.format), WRONG_INPUT if problems else OK


def _validation_text(checked: list[Validation], problems: list[Problem], form: str) -> str:
    if form == "text":
        lines: list[str] = []
        for found in checked:
            noun = "network" if found.networks == 1 else "networks"
            fine = [f"{found.target}: ok ({found.networks} {noun})"]
            lines += [problem.render() for problem in found.problems] or fine
        return "\n".join(lines) + "\n"
    from archlab.diagnostics.forms import problem_annotation, problems_json, problems_sarif

    if form == "json":
        return problems_json([(found.target, found.networks, found.problems) for found in checked])
    if form == "sarif":
        return problems_sarif(problems)
    return "".join(problem_annotation(problem) + "\n" for problem in problems)


def schema(_options: argparse.Namespace) -> Result:
    """`archlab schema`."""
    from archlab.config.schema import config_schema

    return _json(config_schema()), OK


def build(options: argparse.Namespace) -> Result:
    """`archlab build`: writes the file; nothing goes to stdout, what became of the weights to stderr."""
    from archlab.torch.save import BuildOptions, save

    chosen = BuildOptions(options.seed, options.weights, options.partial, options.weights_check, options.outputs)
    for line in save(_network(options.target, options), Path(options.output), chosen):
        sys.stderr.write(f"archlab: {printable(line)}\n")
    return "", OK


def verify(options: argparse.Namespace) -> Result:
    """`archlab verify`: a line for each network, and every difference."""
    from archlab.torch.verify import verify as verify_network
    from archlab.zoo.rows import preset_targets

    lines: list[str] = []
    status = OK
    for target in options.targets or preset_targets():
        network = _network(target, options)
        report = verify_network(network, batch=options.batch, device=options.device)
        lines.append(report.render())
        ok = report.ok
        if options.receptive_field:
            from archlab.torch.verify_field import verify_receptive_field

            probed = verify_receptive_field(network)
            lines.append(probed.render())
            ok = ok and probed.ok
        if options.memory:
            from archlab.torch.verify_memory import verify_memory

            counted = verify_memory(network, _analysis(network, options).settings, options.device)
            lines.append(counted.render())
            ok = ok and counted.ok
        if not ok:
            status = WRONG_INPUT
    return "\n".join(lines) + "\n", status


def receptive_field(options: argparse.Namespace) -> Result:
    """`archlab receptive-field`: a report, or a picture by the ending of `-o`."""
    from archlab.api.receptive_field import receptive_field as field_of

    form = report_format(options, pictures=True)
    analysis = _network(options.target, options).analyze(batch=options.batch)
    report = field_of(analysis, layer=options.layer, unit=options.unit)
    if options.effective:
        report = _measured(report, options)
    if form == "picture":
        from archlab.report.plot.figure import save

        return _picture(lambda path: save(report, path), options)
    if form == "json":
        return _json_by_layer(report.to_dict()), OK
    if form == "table":
        from archlab.report.field_table import field_table
        from archlab.report.table import is_terminal

        return field_table(report, colour=is_terminal() and options.write_to is None), OK
    return _rows(report.growth_rows(), form, options, report.to_dict), OK


def _picture(draw: Callable[[Path], None], options: argparse.Namespace) -> Result:
    """A file that is drawn instead of printed: nothing else goes into it."""
    draw(options.write_to)
    options.write_to = None
    return "", OK


def _measured(report: FieldReport, options: argparse.Namespace) -> FieldReport:
    from archlab.api.receptive_field import measured_field
    from archlab.cli.progress import progress
    from archlab.torch.effective import Sampling

    sampling = Sampling(options.samples, options.seed, options.images, options.weights, options.device)
    with warnings.catch_warnings(record=True) as found:
        report = measured_field(report, sampling, lambda steps: progress(steps, "gradients"))
    for warning in found:
        sys.stderr.write(f"archlab: warning: {printable(str(warning.message))}\n")
    return report


def memory(options: argparse.Namespace) -> Result:
    """`archlab memory`: a report, or a picture by the ending of `-o`."""
    from archlab.api.memory import memory_view

    form = report_format(options, pictures=True)
    network = _network(options.target, options)
    analysis = _analysis(network, options)
    training = options.training or options.autocast is not None or bool(options.checkpoint)
    view = memory_view(analysis, training=training, limit=options.fit)
    if form == "picture":
        from archlab.report.plot.timeline import save_timeline

        return _picture(lambda path: save_timeline(view, path), options)
    if form == "json":
        return _json_by_layer(view.to_dict()), OK
    if form == "table":
        from archlab.report.memory_table import memory_table
        from archlab.report.table import is_terminal

        return memory_table(view, options.depth, colour=is_terminal() and options.write_to is None), OK
    return _rows(view.moments(), form, options, view.to_dict), OK


def time(options: argparse.Namespace) -> Result:
    """`archlab time`."""
    from archlab.analysis.time.device import load_device
    from archlab.api.timing import time_view

    network = _network(options.target, options)
    analysis = network.analyze(batch=options.batch, dtype=options.dtype)
    return _timed(time_view(analysis, load_device(options.device)), None, options), OK


def measure(options: argparse.Namespace) -> Result:
    """`archlab measure`."""
    from archlab.analysis.time.device import load_device
    from archlab.api.timing import time_view
    from archlab.cli.progress import progress
    from archlab.torch.measure import measure as measure_network

    if options.dtype == "int8":
        raise single_problem("archlab measure runs the model in a floating-point dtype, not in int8", "wrong-value")
    network = _network(options.target, options)
    analysis = _analysis(network, options)
    device = load_device(options.roofline)
    measurement = measure_network(
        network,
        analysis.settings,
        device=options.device,
        rounds=options.rounds,
        progress=lambda steps: progress(steps, "rounds"),
    )
    view = time_view(analysis, device, measurement)
    return _timed(view, measurement, options), OK


def _timed(view: TimeView, measurement: Measurement | None, options: argparse.Namespace) -> str:
    from archlab.api.timing import measured_dict, measured_lines

    form = report_format(options)
    if form == "json":
        measured = {} if measurement is None else {"measured": measured_dict(view, measurement)}
        return _json_by_layer({**view.to_dict(), **measured})
    if form == "table":
        from archlab.report.table import is_terminal
        from archlab.report.time_table import time_table

        further = [] if measurement is None else measured_lines(view, measurement)
        return time_table(view, options.depth, further, colour=is_terminal() and options.write_to is None)
    return _rows(view.rows(), form, options, view.to_dict)


def explain(options: argparse.Namespace) -> Result:
    """`archlab explain`: one layer, the list of layers, or the counting of tools."""
    from archlab.cli.explanation import explanation, form_of

    form = form_of(options)
    analysis = _network(options.target, options).analyze(batch=options.batch, dtype=options.dtype)
    found, text = explanation(analysis, options.layer, form, target=options.target, counting=options.counting)
    return (_json(found.to_dict()) if form == "json" else text), OK


def _analysis(network: Network, options: argparse.Namespace) -> Analysis:
    """The analysis under the conditions of the command line."""
    if options.autocast is not None and options.dtype != "float32":
        raise single_problem(f"--autocast lowers the precision of float32, not of {options.dtype}", "wrong-value")
    return network.analyze(
        batch=options.batch,
        dtype=options.dtype,
        optimizer=options.optimizer,
        autocast=options.autocast,
        checkpoint=options.checkpoint,
        channels_last=options.channels_last,
    )


def _network(target: str, options: argparse.Namespace) -> Network:
    document, variant, problems = open_target(target)
    return expand_document(
        document,
        variant,
        problems,
        params=_settings(options.set),
        input_shape=input_shape(options.input, document, variant),
    )


def _each(targets: list[str], load: Callable[[str], T]) -> list[T]:
    """What all targets give, or the problems of all; what is given twice is loaded once."""
    loaded: dict[str, T] = {}
    found: list[Problem] = []
    for target in dict.fromkeys(targets):
        try:
            loaded[target] = load(target)
        except ConfigError as error:
            found += error.problems
    if found:
        raise ConfigError(found)
    return [loaded[target] for target in targets]


def _settings(assignments: list[str]) -> dict[str, Any]:
    """`--set name=value`, the value read as YAML."""
    settings: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise single_problem(f"--set takes name=value, not '{assignment}'", "wrong-value")
        problems = Problems()
        node = parse(Source(f"--set {name}", text), problems)
        problems.raise_if_any()
        if is_dynamic(node):
            raise single_problem(f"--set {name} takes a plain value, not the expression {text}", "wrong-value")
        settings[name.strip()] = substitute(node, {})
    return settings


def _rows(
    rows: list[dict[str, Any]], form: str, options: argparse.Namespace, as_dict: Callable[[], dict[str, Any]]
) -> str:
    if form == "json":
        return _json(as_dict())
    if form == "table":
        from archlab.report.table import is_terminal, rows_table

        return rows_table(rows, colour=is_terminal() and options.write_to is None)
    from archlab.report.markup import rows_csv, rows_markdown

    return rows_markdown(rows) if form == "markdown" else rows_csv(rows)


def _json_by_layer(report: dict[str, Any]) -> str:
    """JSON with a line for each key and for each layer: shorter to read and faster to write than an indented one."""
    layers = ",\n    ".join(json.dumps(layer, allow_nan=False) for layer in report["layers"])
    lines = [
        f'  "{key}": ' + (f"[\n    {layers}\n  ]" if key == "layers" else json.dumps(value, allow_nan=False))
        for key, value in report.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False) + "\n"
