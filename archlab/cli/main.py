"""The command line: parsing, dispatch and exit status. What a command does is in `commands`."""

from __future__ import annotations

import argparse
import gc
import os
import re
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archlab.cli.characters import prepare_streams, shown
from archlab.cli.parser import Parser, dtype, positive, size_in_bytes
from archlab.cli.streams import fill_closed_streams
from archlab.files.inputs import STDIN_NAMES
from archlab.version import __version__

OK, WRONG_INPUT, WRONG_USAGE = 0, 1, 2
FORMATS = ("table", "json", "csv", "markdown")
DTYPES = ("float32", "float16", "bfloat16", "int8")
LOWER_DTYPES = ("float16", "bfloat16")
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")
_SUFFIX_FORMATS = {".json": "json", ".csv": "csv", ".md": "markdown", ".txt": "table"}
_PAGE_FORMATS = {".html": "html", ".tex": "latex", ".xlsx": "xlsx"}
"""Further forms of `analyze` and `compare`."""
CHARTS = ("pareto", "growth", "stages", "memory")
DIAGRAM_SUFFIXES = (".svg", ".mmd", ".dot")


def entry() -> int:
    """The program: `main` in a process of its own."""
    fill_closed_streams()
    # A run makes many small objects and no cycles worth the collector's visits.
    gc.set_threshold(400_000)
    prepare_streams()
    status = main()
    gc.freeze()  # nor are they worth the last visit, when the process ends
    return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: without the program's name; the process's own by default.

    Returns:
        0 if all is well, 1 if the input or a check is wrong. Wrong usage exits with 2.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = build_parser()
    options = parser.parse_args([_STDIN_VARIANT.sub("/dev/stdin@", argument) for argument in given])
    options.shown = shlex.join(["archlab", *given])
    if len([target for target in _targets(options) if target.partition("@")[0] in STDIN_NAMES]) > 1:
        parser.error("'-' stands for stdin, which can be read only once")
    from archlab.cli import commands
    from archlab.diagnostics.problem import ConfigError
    from archlab.diagnostics.requirements import MissingRequirementError
    from archlab.files.inputs import remembered_inputs

    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # as `__main__` leaves it while modules are imported
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with remembered_inputs():
            return _finish(options, *getattr(commands, options.command)(options))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT
    except MissingRequirementError as error:
        print(f"archlab: {error}", file=sys.stderr)
        return WRONG_INPUT
    except BrokenPipeError:
        _silence()  # the reader has gone (`| head`)
        return OK
    except KeyboardInterrupt:
        return 130


_STDIN_VARIANT = re.compile(r"\A-@")
"""A variant of the config on stdin, which argparse would take for an option."""


def _targets(options: argparse.Namespace) -> list[str]:
    """The targets and paths of any command."""
    given = vars(options)
    several = [*given.get("targets", ()), *given.get("paths", ())]
    return [*several, *[given[name] for name in ("target", "before", "after") if name in given]]


def _finish(options: argparse.Namespace, text: str, status: int) -> int:
    """Write the result to stdout or the file."""
    path: Path | None = getattr(options, "write_to", None)
    if path is None:
        return _print(text, status)
    from archlab.files.output import write_text

    try:
        write_text(path, text)
    except OSError as error:
        print(f"archlab: cannot write {path}: {error.strerror}", file=sys.stderr)
        return WRONG_INPUT
    return status


def _print(text: str, status: int) -> int:
    if not text:
        return status
    try:
        sys.stdout.write(shown(text))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"archlab: cannot write the result: {error.strerror}", file=sys.stderr)
        _silence()
        return WRONG_INPUT
    return status


def _silence() -> None:
    """Keep Python from complaining at exit about what it could not write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def build_parser() -> Parser:
    """The whole command line."""
    parser = Parser(prog="archlab", description="Design and analyse convolutional networks written as YAML.")
    parser.add_argument("--version", action="version", version=f"archlab {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    network = _network_options()
    report = _report_options()

    analyze = commands.add_parser(
        "analyze", parents=[network, report], help="the numbers of one network, layer by layer"
    )
    analyze.add_argument("target", help=_TARGET)
    _add_training(analyze)
    _add_page(analyze, CHARTS[1:])
    analyze.add_argument("--depth", type=_depth, default=2, help="fold the table to this depth of blocks (2), or 'all'")

    compare = commands.add_parser("compare", parents=[network, report], help="one row per network")
    compare.add_argument("targets", nargs="*", metavar="TARGET", help=f"{_TARGET} (all presets if none)")
    _add_training(compare)
    _add_page(compare, CHARTS)

    validate = commands.add_parser("validate", help="problems, and the figures that configs expect")
    validate.add_argument(
        "--format",
        choices=("text", "json", "github", "sarif"),
        default="text",
        help="for people (text), programs, GitHub's annotations, or code scanning",
    )
    validate.add_argument("paths", nargs="+", metavar="PATH", help="a config, a folder of configs, a preset, or -")

    build = commands.add_parser("build", parents=[network], help="the PyTorch model")
    build.add_argument("target", help=_TARGET)
    build.add_argument(
        "-o",
        dest="output",
        required=True,
        type=Path,
        metavar="FILE",
        help=".pt (state dict), .py (PyTorch source), .pt2 (exported program) or .onnx",
    )
    build.add_argument("--seed", type=_seed, default=None, help="seed of the initial weights")
    build.add_argument(
        "--weights",
        metavar="FILE",
        help="a state dict with the same tensors, or torchvision:NAME; what goes where is told on stderr",
    )
    build.add_argument(
        "--weights-check",
        type=Path,
        metavar="FILE",
        help='what torch.save({"input": x, "output": y}, FILE) made: fail if the weights give another output',
    )
    build.add_argument("--partial", action="store_true", help="keep fresh weights where those given do not fit")
    build.add_argument(
        "--outputs", type=_names, metavar="A,B", help="return the values of these layers or blocks, and build no more"
    )

    verify = commands.add_parser(
        "verify", parents=[network], help="the numbers against the built model, layer by layer"
    )
    verify.add_argument("targets", nargs="*", metavar="TARGET", help=f"{_TARGET} (all presets if none)")
    verify.add_argument(
        "--receptive-field",
        action="store_true",
        help="also probe receptive fields with gradients, position by position",
    )
    verify.add_argument(
        "--memory", action="store_true", help="also count live storages in a forward pass and training steps"
    )
    verify.add_argument("--device", default="cpu", help="where the model runs; 'meta' computes shapes only")
    _add_training(verify, optimizer=False)
    verify.set_defaults(optimizer="momentum")  # all of them are tried

    field = commands.add_parser(
        "receptive-field", parents=[network, report], help="what one unit sees, and how much of it matters"
    )
    _add_field_options(field)

    _add_diagram(commands, network)
    _add_config_commands(commands, network)
    _add_memory(commands, network, report)
    _add_time(commands, network, report)
    _add_explain(commands, network)

    presets = commands.add_parser("presets", parents=[report], help="the networks that come with archlab")
    presets.set_defaults(batch=1, dtype="float32")
    commands.add_parser("schema", parents=[_output_option()], help="the JSON Schema of the language, for editors")
    return parser


def _add_training(parser: Parser, *, optimizer: bool = True) -> None:
    """How a training step is done."""
    group = parser.add_argument_group("the training step")
    if optimizer:
        group.add_argument("--optimizer", choices=OPTIMIZERS, default="momentum", help="of the step (momentum)")
    group.add_argument("--autocast", type=dtype, choices=LOWER_DTYPES, help="mixed precision, with this lower dtype")
    group.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        metavar="BLOCK",
        help="compute a block again instead of keeping it; 'layer*.*' names several, and the option can be repeated",
    )
    group.add_argument(
        "--channels-last", action="store_true", help="input and weights in that memory format, in inference too"
    )


_TARGET = "a YAML path, path@variant, the name of a preset or variant, or - (stdin)"


def _add_page(parser: Parser, charts: Sequence[str]) -> None:
    """The page and its charts."""
    parser.description = "With -o FILE.html: a page with table, charts and diagrams; .tex: LaTeX; .xlsx: a workbook."
    group = parser.add_argument_group("the page and its charts")
    group.add_argument("--title", default="", help="of the page (the networks' names)")
    group.add_argument("--device", default="h100", metavar="NAME", help="for lower bounds of time (h100)")
    group.add_argument("--plot", type=Path, metavar="FILE", help="also one chart as a .svg or .png file")
    group.add_argument("--figure", choices=charts, default=charts[0], help=f"which chart ({charts[0]})")


def _add_config_commands(commands: Any, network: Parser) -> None:
    """What makes configs of configs."""
    expand = commands.add_parser(
        "expand", parents=[network, _output_option()], help="the network without blocks and params, as a config"
    )
    expand.add_argument("target", help=_TARGET)
    fmt = commands.add_parser("fmt", help="write configs the one way: order of keys, spacing, aligned comments")
    fmt.add_argument("paths", nargs="+", metavar="PATH", help="a config, a folder of configs, or -")
    fmt.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a file would change")
    diff = commands.add_parser(
        "diff", parents=[network, _report_options(("table", "json"))], help="what changed between two networks"
    )
    diff.add_argument("before", metavar="A", help=_TARGET)
    diff.add_argument("after", metavar="B", help=_TARGET)
    new = commands.add_parser("new", help="a commented config to start from")
    new.add_argument("name", metavar="NAME", help="of the network; NAME.yaml is written")
    new.add_argument("--from", dest="source", default="blank", metavar="PRESET", help="blank, or a preset (blank)")


def _add_diagram(commands: Any, network: Parser) -> None:
    diagram = commands.add_parser(
        "diagram", parents=[network, _output_option()], help="stages, blocks and skips as SVG, Mermaid or DOT"
    )
    diagram.description = "By the ending of -o: .svg, .mmd (Mermaid) or .dot (Graphviz); without it, Mermaid."
    diagram.add_argument("target", help=_TARGET)
    diagram.add_argument("--depth", type=_depth, default=None, help="parts of the path that make a box (chosen)")


def _add_field_options(field: Parser) -> None:
    field.set_defaults(command="receptive_field")
    field.add_argument("target", help=_TARGET)
    field.add_argument("--layer", metavar="PATH", help="whose unit (what the first result sees)")
    field.add_argument("--unit", type=_unit, metavar="ROW,COL", help="which unit of its map (the middle)")
    field.description = "With -o FILE.png or FILE.svg: a picture of the fields over the input, and of their growth."
    measured = field.add_argument_group("measured with gradients of the built model")
    measured.add_argument("--effective", action="store_true", help="measure the effective field too; needs torch")
    measured.add_argument("--samples", type=positive, default=16, metavar="N", help="how many images (16)")
    measured.add_argument("--seed", type=_seed, default=0, help="of the images and the fresh weights (0)")
    measured.add_argument("--images", type=Path, metavar="FOLDER", help=".png and .jpg files instead of random images")
    measured.add_argument("--weights", type=Path, metavar="FILE.pt", help="a state dict instead of fresh weights")
    measured.add_argument("--device", default="cpu", help="where the model runs (cpu)")


def _add_memory(commands: Any, network: Parser, report: Parser) -> None:
    memory = commands.add_parser(
        "memory", parents=[network, report], help="bytes alive in a forward pass or a training step, and who holds them"
    )
    memory.description = "With -o FILE.png or FILE.svg: a picture of the bytes alive, moment by moment."
    memory.add_argument("target", help=_TARGET)
    memory.add_argument("--training", action="store_true", help="a training step instead of a forward pass")
    _add_training(memory)
    memory.add_argument(
        "--fit", type=size_in_bytes, metavar="24GiB", help="also the largest batches that fit this memory"
    )
    memory.add_argument("--depth", type=_depth, default=1, help="fold the table to this depth of blocks (1), or 'all'")


def _add_time(commands: Any, network: Parser, report: Parser) -> None:
    time = commands.add_parser(
        "time", parents=[network, report], help="a bound for each layer's time on a device (roofline)"
    )
    time.add_argument("target", help=_TARGET)
    time.add_argument("--device", default="h100", metavar="NAME", help="a device's name, or its .yaml file (h100)")
    measure = commands.add_parser(
        "measure", parents=[network, report], help="run the built model, beside the roofline and the predicted memory"
    )
    measure.add_argument("target", help=_TARGET)
    measure.add_argument("--device", default="cpu", help="where the model runs: cpu, cuda, cuda:1 (cpu)")
    measure.add_argument("--roofline", default="epyc_9654", metavar="NAME", help="the device of the bounds (epyc_9654)")
    measure.add_argument("--rounds", type=positive, default=10, metavar="N", help="how many count (10)")
    _add_training(measure)
    for command in (time, measure):
        command.add_argument(
            "--depth", type=_depth, default=1, help="fold the table to this depth of blocks (1), or 'all'"
        )


def _add_explain(commands: Any, network: Parser) -> None:
    explain = commands.add_parser(
        "explain",
        parents=[network, _report_options(("table", "json", "markdown"))],
        help="one layer's formulas with its numbers, or why tools count differently",
    )
    explain.add_argument("target", help=_TARGET)
    explain.add_argument("layer", nargs="?", metavar="LAYER", help="path of a layer; without it, a list of them")
    explain.add_argument("--counting", action="store_true", help="what other tools print for the network, and why")


def _network_options() -> Parser:
    options = Parser(add_help=False)
    options.add_argument("--set", action="append", default=[], metavar="K=V", help="a new value for a param")
    options.add_argument("--input", metavar="3x224x224", help="channels x height x width of the input")
    options.add_argument("--batch", type=positive, default=1, metavar="N", help="samples in a batch (1)")
    options.add_argument("--dtype", type=dtype, choices=DTYPES, default="float32", help="of parameters and activations")
    return options


def _output_option() -> Parser:
    options = Parser(add_help=False)
    options.add_argument("-o", dest="write_to", type=Path, metavar="FILE", help="write to a file instead of stdout")
    return options


def _report_options(formats: Sequence[str] = FORMATS) -> Parser:
    options = Parser(add_help=False, parents=[_output_option()])
    options.add_argument(
        "--format", choices=formats, help="form of the result (table, or by the ending of -o: .json .csv .md)"
    )
    return options


PICTURE_SUFFIXES = (".png", ".svg")


def report_format(options: argparse.Namespace, *, pictures: bool = False, pages: bool = False) -> str:
    """The form asked for, or the one that the file's ending names.

    Args:
        options: of a command that reports.
        pictures: whether it also draws; the form then is `picture`.
        pages: whether it also makes pages, LaTeX and workbooks.
    """
    if options.format is not None:
        return str(options.format)
    if options.write_to is None:
        return "table"
    suffix = options.write_to.suffix
    if pictures and suffix in PICTURE_SUFFIXES:
        return "picture"
    if pages and suffix in _PAGE_FORMATS:
        return _PAGE_FORMATS[suffix]
    if suffix not in _SUFFIX_FORMATS:
        further = (*(_PAGE_FORMATS if pages else ()), *(PICTURE_SUFFIXES if pictures else ()))
        endings = " ".join([*_SUFFIX_FORMATS, *further])
        build_parser().error(f"-o {options.write_to}: the ending must be one of {endings}, or give --format")
    return _SUFFIX_FORMATS[suffix]


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"must be a whole number of at most 18 digits, not '{text}'")
    return int(text)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _unit(text: str) -> tuple[int, int]:
    row, comma, column = text.partition(",")
    if not comma or not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in (row, column)):
        raise argparse.ArgumentTypeError(f"must be ROW,COL such as 3,3, not '{text}'")
    return int(row), int(column)


def _depth(text: str) -> int | None:
    return None if text == "all" else positive(text)
