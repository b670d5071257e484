"""`archlab build --weights-check`: the model with its weights, against an input and an output that were saved.

A state dict does not tell strides, paddings, activations or the epsilon of a norm, nor which of two tensors of one
shape belongs where. What the model that the weights are from gives for some input does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx

from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.graph import Graph
from archlab.layers.shape import shape_text
from archlab.torch.state import read_file

LARGEST_DIFFERENCE = 1e-3
"""As a share of the output's largest value; other machines and orders of summation make about 1e-5."""


def check_weights(model: fx.GraphModule, graph: Graph, path: Path) -> str:
    """Run a built model in eval mode on a saved input.

    Args:
        model: with its weights.
        graph: what it was built from.
        path: a file of `torch.save({"input": x, "output": y}, path)`; x a tensor, or several by the inputs' names in
            their order; y as the model returns it: a tensor, a list of
            several, or a dictionary by name.

    Returns:
        A line that says how much the outputs differ.

    Raises:
        ConfigError: if they differ by more than rounding, or the file does not fit.
    """
    sample, expected = _read(path)
    if list(sample) != [node.path for node in graph.inputs]:
        raise _wrong(path, f"its inputs are {', '.join(sample)}, not {', '.join(node.path for node in graph.inputs)}")
    for node, tensor in zip(graph.inputs, sample.values(), strict=True):
        if tuple(tensor.shape[1:]) != tuple(node.shape) or not len(tensor):
            found = shape_text(tuple(tensor.shape))
            raise _wrong(path, f"its {node.path} is {found}, not Nx{shape_text(node.shape)}")
    was_training = model.training
    with torch.no_grad():
        made = _named(model.eval()(*[tensor.float() for tensor in sample.values()]))
    model.train(was_training)
    if made.keys() != expected.keys():
        raise _wrong(path, f"its outputs are {', '.join(expected)}, and the network's {', '.join(made)}")
    worst = 0.0
    for name, value in made.items():
        worst = max(worst, _difference(path, name, value, expected[name]))
    return f"{path}: output equal, up to {worst:.1e} of its largest value"


def _difference(path: Path, name: str, value: Tensor, expected: Tensor) -> float:
    if value.shape != expected.shape:
        shapes = [shape_text(tuple(tensor.shape)) for tensor in (expected, value)]
        raise _wrong(path, f"its {name} is {shapes[0]}, and the network's {shapes[1]}")
    largest = float(expected.abs().max())
    difference = float((value.double() - expected).abs().max())
    share = difference / largest if largest else difference
    if not share <= LARGEST_DIFFERENCE:  # nan is not
        raise single_problem(
            f"with these weights the {name} differs from that of {path} by {difference:.3g}, {share:.2%} of its "
            f"largest value (at most {LARGEST_DIFFERENCE:.1%}): either a tensor went to another of its shape, or the "
            "networks differ in what a state dict does not tell: strides, padding, activations, epsilons",
            Code.WEIGHTS_CHECK,
        )
    return share


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    found: Any = read_file(path)
    if not isinstance(found, Mapping) or not {"input", "output"} <= found.keys():
        raise _wrong(path, "it is no mapping with input and output")
    given, expected = found["input"], _named(found["output"])
    sample = {str(name): value for name, value in given.items()} if isinstance(given, Mapping) else {"input": given}
    for name, value in {**sample, **expected}.items():
        if not _is_plain(value):
            raise _wrong(path, f"its {name} is no dense tensor of real numbers")
    return sample, {name: value.double() for name, value in expected.items()}


def _is_plain(value: object) -> bool:
    if not isinstance(value, Tensor) or value.is_nested or value.is_quantized or value.is_meta:
        return False
    return value.layout is torch.strided and not value.is_complex() and value.dim() > 0 and value.numel() > 0


def _named(output: Any) -> dict[str, Any]:
    """The outputs by name."""
    if isinstance(output, Mapping):
        return {str(name): value for name, value in output.items()}
    if isinstance(output, tuple | list):
        return {f"output {number}": value for number, value in enumerate(output, 1)}
    return {"output": output}


def _wrong(path: Path, reason: str) -> ConfigError:
    form = 'torch.save({"input": x, "output": y}, FILE) makes one'
    return single_problem(printable(f"{path} does not check these weights: {reason}; {form}"), Code.WRONG_WEIGHTS)
