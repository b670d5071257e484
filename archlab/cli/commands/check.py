"""`archlab check`: networks held to limits."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from archlab.cli.options import SEVERAL, TARGET, add_deploy, add_network, add_training, conditions_of, load_network
from archlab.cli.output import Forms, add_output
from archlab.cli.report import Report
from archlab.cli.targets import Request, requested, tell_apart

if TYPE_CHECKING:
    from archlab.api.check import Checked
    from archlab.api.network import Network
    from archlab.config.tree.figures import FigureLimit

FORMS = Forms({".txt": "text", ".json": "json", ".sarif": "sarif"}, ("text", "json", "github", "sarif"), "text")

SHORT = {
    "params": "params",
    "macs": "macs",
    "flops": "flops",
    "activations": "activations",
    "memory": "memory.inference_peak",
    "flash": "memory.flash",
    "ram": "memory.ram",
    "arena": "memory.arena",
    "training-memory": "memory.training_peak",
    "receptive-field": "receptive_field",
}
"""Figures that have options of their own, by what the options call them."""
LEAST = ("params", "macs", "receptive-field")
"""Those of which too little can be wrong."""
EXAMPLES = {
    "memory": "300KiB",
    "flash": "1MiB",
    "ram": "300KiB",
    "arena": "300KiB",
    "training-memory": "24GiB",
    "receptive-field": "224",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Networks, limits, and the form of the result."""
    add_network(parser)
    add_deploy(parser)
    parser.add_argument("targets", nargs="+", metavar="TARGET", help=TARGET)
    parser.description = "Exit status 1 if a network is beyond a limit given here or in its config ('expect')."
    parser.epilog = SEVERAL
    group = parser.add_argument_group("limits")
    for bound, relation, names in (("max", "<=", tuple(SHORT)), ("min", ">=", LEAST)):
        for name in names:
            group.add_argument(
                f"--{bound}-{name}",
                dest="limits",
                action="extend",
                type=_limit_type(f"{SHORT[name]} {relation} "),
                metavar=EXAMPLES.get(name, "300M"),
                help=f"{SHORT[name]} {relation} this",
            )
    group.add_argument(
        "--limit",
        dest="limits",
        action="extend",
        type=_limit_type(""),
        metavar="'macs <= 60M'",
        help="any figure, by its name in JSON's total; several with 'and'",
    )
    group.add_argument(
        "--device",
        metavar="NAME",
        help="the flash and the RAM of a device hold the deployed int8 network: stm32f746, nrf52840, ...",
    )
    parser.set_defaults(limits=[])
    add_training(parser)
    add_output(parser)
    parser.add_argument(
        "--format",
        choices=FORMS.named,
        help="for people (text), programs, GitHub's annotations, or code scanning; or by the ending of -o",
    )


def _limit_type(before: str) -> Callable[[str], list[FigureLimit]]:
    """What reads an option's value, with what its name says in front."""

    def limits(text: str) -> list[FigureLimit]:
        from archlab.config.syntax.quantity import QuantityError
        from archlab.config.tree.figures import parse_figure_limits

        try:
            return parse_figure_limits(before + text)
        except QuantityError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return limits


def run(options: argparse.Namespace) -> Report:
    """What holds, or what does not."""
    from archlab.diagnostics.forms import problem_annotation, problems_sarif

    if options.device is not None:
        options.limits = [*options.limits, *_limits_of(options.device)]
    checked = _check_all(requested(options.targets, options), options)
    problems = [problem for found in checked for problem in found.problems]
    return Report(
        {
            "text": lambda: "".join([found.text() + "\n" for found in checked]),
            "json": partial(_json, checked),
            "github": lambda: "".join([problem_annotation(problem) + "\n" for problem in problems]),
            "sarif": lambda: problems_sarif(problems),
        },
        prose=("text",),
        notes=[*_notes(checked), *_int8_notes(options)],
        ok=not problems,
    )


def _limits_of(device: str) -> list[FigureLimit]:
    """What a device holds: weights in its flash, TensorFlow Lite Micro's arena in its RAM.

    Raises:
        ConfigError: if it does not tell them.
    """
    from archlab.analysis.time.device import load_device
    from archlab.config.tree.figures import parse_figure_limits
    from archlab.diagnostics.codes import Code
    from archlab.diagnostics.problem import single_problem

    found = load_device(device)
    if found.flash is None or found.ram is None:
        raise single_problem(f"the device {found.name} tells no flash and no RAM of its own", Code.WRONG_VALUE)
    return parse_figure_limits(f"int8.flash <= {found.flash_kib:g} KiB and int8.arena <= {found.ram_kib:g} KiB")


def _check_all(requests: list[Request], options: argparse.Namespace) -> list[Checked]:
    """A network that cannot be read has its problems, as the others have theirs."""
    from archlab.analysis.conditions import Conditions
    from archlab.api.check import Checked, check
    from archlab.diagnostics.problem import ConfigError

    loaded: dict[Request, Network | ConfigError] = {}
    for request in dict.fromkeys(requests):
        try:
            loaded[request] = load_network(request.target, request.options(options))
        except ConfigError as error:
            loaded[request] = error
    named = {request: network for request, network in loaded.items() if not isinstance(network, ConfigError)}
    tell_apart([network.graph for network in named.values()], list(named))
    conditions = conditions_of(options)
    found: list[Checked] = []
    for request, network in loaded.items():
        if isinstance(network, ConfigError):
            found.append(Checked(request.target, request.target, problems=network.problems))
        else:
            as_written = not (request.settings or options.input or options.deploy) and conditions == Conditions()
            found.append(check(request.target, network, options.limits, conditions, as_written=as_written))
    return found


def _notes(checked: list[Checked]) -> list[str]:
    """Which exact figures were not compared."""
    return [
        f"{found.name}: exact figures of 'expect' are of the network as written, and not compared: "
        f"{', '.join(found.passed_over)}"
        for found in checked
        if found.passed_over and found.findings
    ]


def _int8_notes(options: argparse.Namespace) -> list[str]:
    """That figures in int8 are of unfused layers, where they are."""
    if options.dtype != "int8" or options.deploy:
        return []
    return ["int8 is of layers as they are written, none fused; --deploy, or int8.flash and the like, is a runtime's"]


def _json(checked: list[Checked]) -> str:
    from archlab.diagnostics.forms import problem_dict
    from archlab.report.json_text import json_text

    rows: list[dict[str, Any]] = [
        {"target": found.target, **found.to_dict(), "problems": list(map(problem_dict, found.problems))}
        for found in checked
    ]
    return json_text({"targets": rows})
