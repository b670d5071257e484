"""The commands: a module each, with `FORMS`, `add_arguments` and `run`, imported when it is the one that runs.

To add one, write its module here and its line into `COMMANDS`.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from keyword import iskeyword
from typing import Any, Protocol, cast

from archlab.cli.output import Forms
from archlab.cli.report import Report

COMMANDS: dict[str, str] = {
    "analyze": "the numbers of one network, layer by layer",
    "compare": "one row per network",
    "validate": "problems, and the figures that configs expect",
    "check": "networks held to limits: params, MACs, memory, receptive field",
    "sweep": "every design of a space with its figures, or the exact Pareto front",
    "fit": "the best design within limits: the largest width, depth, input or receptive field",
    "lint": "what design rules find in a network that is valid",
    "build": "the PyTorch model",
    "verify": "the numbers against the built model, layer by layer",
    "receptive-field": "what one unit sees, and how much of it matters",
    "diagram": "stages, blocks and skips as SVG, PDF, Mermaid or DOT",
    "import": "a network of timm, torchvision, ONNX, Darknet or your own code as a config",
    "expand": "the network without blocks and params, as a config",
    "fmt": "write configs the one way: order of keys, spacing, aligned comments",
    "diff": "what changed between two networks",
    "watch": "the table again whenever the config is saved, with what changed",
    "new": "a commented config to start from",
    "memory": "bytes alive in a forward pass or a training step, and who holds them",
    "time": "a bound for each layer's time on a device (roofline)",
    "measure": "run the built model, beside the roofline and the predicted memory",
    "explain": "one layer's formulas with its numbers, or why tools count differently",
    "mcp": "the commands as tools for agents (Model Context Protocol), over stdin and stdout",
    "presets": "the networks that come with archlab",
    "schema": "the JSON Schema of the language, for editors",
}
"""Name to summary, in the order of the help."""


class Command(Protocol):
    """What a command's module has."""

    FORMS: Forms
    """Of its result."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Its arguments and options."""

    def run(self, options: argparse.Namespace) -> Report:
        """What it does."""


def command_module(name: str) -> Command:
    """The module of a command."""
    word = name.replace("-", "_")
    module: Any = import_module(f"{__name__}.{word}_" if iskeyword(word) else f"{__name__}.{word}")
    return cast(Command, module)
