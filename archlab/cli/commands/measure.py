"""`archlab measure`: run the built model, beside the roofline and the predicted memory."""

from __future__ import annotations

import argparse

from archlab.cli.options import TARGET, add_fold_depth, add_network, add_training, conditions_of, load_network
from archlab.cli.output import ROWS, add_form
from archlab.cli.parser import positive
from archlab.cli.progress import progress
from archlab.cli.report import Report
from archlab.cli.table_options import add_table, view_of
from archlab.cli.timed import timed_report
from archlab.diagnostics.codes import Code

FORMS = ROWS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A network, where it runs, and the device of the bounds."""
    add_network(parser)
    add_form(parser)
    parser.add_argument("target", help=TARGET)
    parser.add_argument("--device", default="cpu", help="where the model runs: cpu, cuda, cuda:1 (cpu)")
    parser.add_argument("--roofline", default="epyc_9654", metavar="NAME", help="the device of the bounds (epyc_9654)")
    parser.add_argument("--rounds", type=positive, default=10, metavar="N", help="how many count (10)")
    add_training(parser)
    add_fold_depth(parser, 1)
    add_table(parser, "flops,bytes,bound,...")


def run(options: argparse.Namespace) -> Report:
    """Bounds and times of every layer, and of the whole."""
    from archlab.analysis.time.device import load_device
    from archlab.api.timing import time_view
    from archlab.diagnostics.problem import single_problem
    from archlab.torch.measure import measure

    if options.dtype == "int8":
        raise single_problem("archlab measure runs the model in a floating-point dtype, not in int8", Code.WRONG_VALUE)
    network = load_network(options.target, options)
    analysis = network.analyze(conditions_of(options))
    device = load_device(options.roofline)
    measurement = measure(
        network,
        analysis.conditions,
        device=options.device,
        rounds=options.rounds,
        progress=lambda steps: progress(steps, "rounds"),
    )
    return timed_report(time_view(analysis, device, measurement), options.depth, view_of(options), measurement)
