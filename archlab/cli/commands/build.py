"""`archlab build`: the PyTorch model as a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from archlab.cli.options import TARGET, add_deploy, add_network, load_as_written, seed
from archlab.cli.output import TEXT
from archlab.cli.report import Report, text_report

FORMS = TEXT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A network, the file, and its weights."""
    add_network(parser)
    add_deploy(parser)
    parser.add_argument("target", help=TARGET)
    parser.add_argument(
        "-o",
        dest="output",
        required=True,
        type=Path,
        metavar="FILE",
        help=".pt (state dict), .py (PyTorch source), .pt2 (exported program) or .onnx",
    )
    parser.add_argument("--seed", type=seed, default=None, help="seed of the initial weights")
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="a state dict with the same tensors, or torchvision:NAME; what goes where is told on stderr",
    )
    parser.add_argument(
        "--weights-map",
        type=Path,
        metavar="FILE",
        help="YAML or JSON of names in the state dict to names here, with * for any text; null leaves one out",
    )
    parser.add_argument(
        "--weights-check",
        type=Path,
        metavar="FILE",
        help='what torch.save({"input": x, "output": y}, FILE) made: fail if the weights give another output',
    )
    parser.add_argument("--partial", action="store_true", help="keep fresh weights where those given do not fit")
    parser.add_argument(
        "--outputs", type=_names, metavar="A,B", help="return the values of these layers or blocks, and build no more"
    )


def run(options: argparse.Namespace) -> Report:
    """The file is the result; what became of the weights is told."""
    from archlab.diagnostics.place import printable
    from archlab.torch.save import BuildOptions, save

    chosen = BuildOptions(
        seed=options.seed,
        weights=options.weights,
        weights_map=options.weights_map,
        partial=options.partial,
        check=options.weights_check,
        outputs=options.outputs,
        deploy=options.deploy,
    )
    told = save(load_as_written(options.target, options), options.output, chosen)
    return text_report("", notes=[printable(line) for line in told])


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]
