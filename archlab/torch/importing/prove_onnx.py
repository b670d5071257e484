"""An imported ONNX file held against onnxruntime: outputs for a random input, with the file's own weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.requirements import require
from archlab.diagnostics.words import counted
from archlab.graph import Graph
from archlab.imports.flat import Flat
from archlab.imports.onnx.weights import read_tensors
from archlab.torch.importing.prove import SAMPLES, is_near, largest_difference, placed

SEED = 0


@dataclass(frozen=True, slots=True)
class FileProof:
    """What was compared.

    Attributes:
        difference: the largest of outputs; None where they were not compared.
        largest: of the file's outputs, in magnitude.
        reason: why they were not compared.
    """

    difference: float | None
    largest: float = 0.0
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether the outputs are equal but for rounding, or could not be compared."""
        return is_near(self.difference, self.largest)

    def render(self) -> str:
        """A line."""
        if self.difference is None:
            return f"outputs: not compared, since {self.reason}"
        if self.difference == 0:
            return "outputs: equal bit by bit to onnxruntime's"
        return (
            f"outputs: differ from onnxruntime's by {self.difference:.2g} at most, of values up to {self.largest:.3g}"
        )


def prove_onnx(
    path: Path, flat: Flat, graph: Graph, places: Mapping[str, int] | None = None, *, until: str | None = None
) -> FileProof:
    """Compare a network with the file that it was imported from.

    Args:
        path: of the file.
        flat: what was read of it.
        graph: the network.
        places: paths of the graph's layers to the flat network's items; by default they have the same paths.
        until: which other results than the file's are wanted, as it was imported.

    Raises:
        ConfigError: if the file cannot be run, or its weights cannot be read.
        MissingRequirementError: without the package `onnxruntime`.
    """
    require("onnxruntime", "onnx", f"running {path.name}")
    if until is not None:
        return FileProof(None, reason="the results are not the file's")
    opaque = sum(node.layer.role == "opaque" for node in graph.layers)
    if opaque:
        return FileProof(None, reason=f"{counted(opaque, 'opaque layer')} cannot be built")
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in read_tensors(path).items()}
    state = placed(tensors, flat, places)
    try:
        sample, theirs = _run(path, flat)
    except Exception as error:  # noqa: BLE001 - onnxruntime's own errors, which have no common type
        reason = str(error).strip().split("\n", maxsplit=1)[0][:200]
        raise single_problem(f"onnxruntime cannot run {path}: {reason}", Code.UNREADABLE) from None
    if len(theirs) != len(flat.outputs):
        return FileProof(None, reason="some of the file's results are no layer's output")
    largest = max([float(one.abs().max()) for one in theirs], default=0.0)
    return FileProof(largest_difference(graph, state, sample, theirs), largest)


def _run(path: Path, flat: Flat) -> tuple[dict[str, torch.Tensor], list[torch.Tensor]]:
    """A random input by the network's names, and the file's outputs for it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it thinks of a file is not ours to print
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    entries = session.get_inputs()[: len(flat.inputs)]
    fixed = entries[0].shape[0]
    samples = fixed if isinstance(fixed, int) else SAMPLES
    draw = np.random.default_rng(SEED)
    given = [draw.standard_normal((samples, *shape)).astype(np.float32) for shape in flat.inputs.values()]
    names = [one.name for one in entries]
    found = session.run(None, dict(zip(names, given, strict=True)))
    sample = {name: torch.from_numpy(array) for name, array in zip(flat.inputs, given, strict=True)}
    return sample, [torch.from_numpy(np.array(one)) for one in found]
