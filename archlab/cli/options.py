"""Options that several commands share, and what they mean: networks, conditions, params."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from archlab.cli.looks import add_chart_look
from archlab.cli.parser import dtype, positive
from archlab.diagnostics.codes import Code

if TYPE_CHECKING:
    from archlab.analysis.conditions import Conditions
    from archlab.api.analysis import Analysis
    from archlab.api.network import Network
    from archlab.imports.targets import ImportOptions

DTYPES = ("float32", "float16", "bfloat16", "int8")
LOWER_DTYPES = ("float16", "bfloat16")
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")
CHARTS = ("pareto", "growth", "stages", "memory")
TARGET = (
    "a YAML path, path@variant, the name of a preset or variant, - (stdin), timm:NAME, torchvision:NAME, "
    "module.path:callable (which runs), or a .onnx, .pt2 or Darknet .cfg file"
)
SEVERAL = (
    "--set width=0.5,1 (or --set width=0.5 --set width=1): a network for each value; --set TARGET:width=1: of one "
    "target alone."
)
"""What `--set` does where several networks are asked for."""
T = TypeVar("T")
R = TypeVar("R", bound=Hashable)


def add_network(parser: argparse.ArgumentParser) -> None:
    """Params, input, batch and dtype."""
    parser.add_argument("--set", action="append", default=[], metavar="K=V", help="a new value for a param")
    parser.add_argument(
        "--input",
        metavar="3x224x224",
        help="channels x height x width of the input; channels x length; ...; of several: image=3x96x96,t=640",
    )
    parser.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="K=V",
        help="an argument of what makes an imported model, as --arg num_classes=10",
    )
    parser.add_argument(
        "--until",
        metavar="NAME",
        help="of an imported model or file: a module or layer whose output is the result (several: A,B), or 'raw' for "
        "what a detection head decodes",
    )
    parser.add_argument("--batch", type=positive, default=1, metavar="N", help="samples in a batch (1)")
    parser.add_argument("--dtype", type=dtype, choices=DTYPES, default="float32", help="of parameters and activations")


def add_deploy(parser: argparse.ArgumentParser) -> None:
    """Whether the network is taken as a runtime on a device runs it."""
    parser.add_argument(
        "--deploy",
        action="store_true",
        help="as it runs on a device: batch norms folded, dropout gone, activations fused (docs/deploy.md)",
    )


def add_training(parser: argparse.ArgumentParser, *, optimizer: bool = True) -> None:
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


def add_page(parser: argparse.ArgumentParser, charts: Sequence[str]) -> None:
    """The page and its charts."""
    parser.description = "With -o FILE.html: a page with table, charts and diagrams; .tex: LaTeX; .xlsx: a workbook."
    group = parser.add_argument_group("the page and its charts")
    group.add_argument("--title", default="", help="of the page (the networks' names)")
    group.add_argument("--device", metavar="NAME", help="also lower bounds of time on it, as 'archlab time' knows it")
    group.add_argument("--plot", type=Path, metavar="FILE", help="also one chart as a .svg, .png or .pdf file")
    group.add_argument("--figure", choices=charts, default=charts[0], help=f"which chart ({charts[0]})")
    group.add_argument("--x", metavar="FIGURE", help="of pareto: the figure across (macs)")
    group.add_argument(
        "--y", metavar="FIGURE", help="of pareto: the one up (params); of stages and memory: the one drawn"
    )
    add_chart_look(group)


def add_fold_depth(parser: argparse.ArgumentParser, default: int, what: str = "fold the table") -> None:
    """To which depth of blocks a table is folded."""
    parser.add_argument(
        "--depth", type=fold_depth, default=default, help=f"{what} to this depth of blocks ({default}), or 'all'"
    )


def fold_depth(text: str) -> int | None:
    """A depth of blocks; None for all."""
    return None if text == "all" else positive(text)


def seed(text: str) -> int:
    """The seed of a generator."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"must be a whole number of at most 18 digits, not '{text}'")
    return int(text)


def load_network(target: str, options: argparse.Namespace) -> Network:
    """The network that a target names, with `--set` and `--input`, and as it is deployed with `--deploy`.

    Raises:
        ConfigError: with every problem found.
    """
    network = load_as_written(target, options)
    return network.deploy() if vars(options).get("deploy") else network


def load_as_written(target: str, options: argparse.Namespace) -> Network:
    """The same, not deployed.

    Raises:
        ConfigError: with every problem found.
    """
    from archlab.api.network import expand_document
    from archlab.cli.input_size import input_shape
    from archlab.config.tree.targets import open_target
    from archlab.diagnostics.problem import single_problem
    from archlab.imports.targets import reader_of

    if reader_of(target) is not None:
        from archlab.api.imported import load_foreign

        network = load_foreign(target, import_options(target, options))
        _tell(target, network.remarks)
        return network
    if options.arg or options.until is not None:
        given = "--arg" if options.arg else "--until"
        raise single_problem(f"{given} is for imported models; {target} is archlab's own, with --set", Code.WRONG_VALUE)
    document, variant, problems = open_target(target)
    return expand_document(
        document,
        variant,
        problems,
        params=assignments("--set", options.set),
        input_shape=input_shape(options.input, document, variant),
    )


MOST_REMARKS = 6


def _tell(target: str, remarks: Sequence[str]) -> None:
    """What is to be known of an imported network, on stderr."""
    from archlab.diagnostics.place import printable

    for remark in remarks[:MOST_REMARKS]:
        sys.stderr.write(f"archlab: {printable(f'{target}: {remark}')}\n")
    if len(remarks) > MOST_REMARKS:
        more = len(remarks) - MOST_REMARKS
        sys.stderr.write(f"archlab: {printable(target)}: and {more} more; archlab import writes them all\n")


def import_options(target: str, options: argparse.Namespace) -> ImportOptions:
    """How a target that is not archlab's own is imported.

    Raises:
        ConfigError: for `--set`, which is for the params of a config, or what is no assignment or shape.
    """
    from archlab.cli.input_size import plain_shape
    from archlab.diagnostics.problem import single_problem
    from archlab.imports.targets import ImportOptions

    if options.set:
        hint = f"--arg {options.set[0]} gives an argument to what makes it"
        raise single_problem(f"--set is for the params of a config, and {target} has none; {hint}", Code.WRONG_VALUE)
    return ImportOptions(plain_shape(options.input), assignments("--arg", options.arg), options.until)


def load_each(requests: Sequence[R], load: Callable[[R], T]) -> list[T]:
    """What all requests give; what is asked for twice is loaded once.

    Raises:
        ConfigError: with the problems of all.
    """
    from archlab.diagnostics.problem import ConfigError, Problem

    loaded: dict[R, T] = {}
    found: list[Problem] = []
    for request in dict.fromkeys(requests):
        try:
            loaded[request] = load(request)
        except ConfigError as error:
            found += error.problems
    if found:
        raise ConfigError(found)
    return [loaded[request] for request in requests]


def conditions_of(options: argparse.Namespace) -> Conditions:
    """The conditions that the options name; a command without some of them has the defaults.

    Raises:
        ConfigError: for autocast from another dtype than float32.
    """
    from archlab.analysis.conditions import ConditionOptions, Conditions
    from archlab.diagnostics.problem import single_problem

    given = vars(options)
    if given.get("autocast") is not None and options.dtype != "float32":
        raise single_problem(f"--autocast lowers the precision of float32, not of {options.dtype}", Code.WRONG_VALUE)
    known = {name: given[name] for name in ConditionOptions.__annotations__ if name in given}
    if "checkpoint" in known:
        known["checkpoint"] = tuple(known["checkpoint"])  # equal to the default where none is given
    return Conditions(**known)


def analyze_target(target: str, options: argparse.Namespace) -> Analysis:
    """A network's numbers under the options' conditions."""
    return load_network(target, options).analyze(conditions_of(options))


def assignments(option: str, assignments: Sequence[str]) -> dict[str, Any]:
    """`--set name=value`, the value read as YAML."""
    from archlab.config.syntax.substitute import is_dynamic, substitute
    from archlab.config.syntax.yaml_nodes import parse
    from archlab.diagnostics.place import Source
    from archlab.diagnostics.problem import Problems, single_problem

    params: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise single_problem(f"{option} takes name=value, not '{assignment}'", Code.WRONG_VALUE)
        problems = Problems()
        node = parse(Source(f"{option} {name}", text), problems)
        problems.raise_if_any()
        if is_dynamic(node):
            raise single_problem(f"{option} {name} takes a plain value, not the expression {text}", Code.WRONG_VALUE)
        params[name.strip()] = substitute(node, {})
    return params
