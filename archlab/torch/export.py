"""The model for other programs: `torch.export` and ONNX, both for any batch."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import fx

from archlab.config.problem import single_problem
from archlab.graph import Graph
from archlab.requirements import require

MOST_INLINE_BYTES = 1 << 30
"""Of weights inside the `.onnx` file; larger ones go beside it, since the format ends at 2 GiB."""


def export(model: fx.GraphModule, graph: Graph) -> torch.export.ExportedProgram:
    """The exported program of a built model in eval mode, for any batch.

    Args:
        model: as `build` made it; left in eval mode.
        graph: what it was built from.
    """
    model.eval()
    # Two samples, since torch.export takes a size of one as a constant.
    example = torch.zeros(2, *graph.input_shape)
    batch = torch.export.Dim("batch", min=1)
    return torch.export.export(model, (example,), dynamic_shapes={"input": {0: batch}})


def export_onnx(model: fx.GraphModule, graph: Graph, path: Path) -> None:
    """Write a built model in eval mode as ONNX, for any batch; its input is called `input`.

    The results have the labels of the config's `outputs`, or `output`.

    Raises:
        ConfigError: if an operator of the network has no form in ONNX.
        MissingRequirementError: if the ONNX packages are not installed.
    """
    for package in ("onnx", "onnxscript"):
        require(package, "onnx", "writing ONNX")
    labels = ["output"] if graph.output_form == "single" else [label for label, _ in graph.outputs]
    bytes_of_weights = sum(p.numel() * p.element_size() for p in model.parameters())
    model.eval()
    example = torch.zeros(2, *graph.input_shape)
    try:
        with _quiet():
            torch.onnx.export(
                model,
                (example,),
                str(path),
                dynamic_shapes={"input": {0: torch.export.Dim("batch", min=1)}},
                dynamo=True,
                input_names=["input"],
                output_names=labels,
                external_data=bytes_of_weights > MOST_INLINE_BYTES,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = next((line.strip() for line in str(error).splitlines() if "No decompositions" in line), "")
        lines = [line.strip() for line in str(error.__cause__ or error).splitlines() if line.strip()]
        raise single_problem(f"{graph.name} cannot be written as ONNX: {reason or lines[0]}", "unsupported") from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's own report, which would mix with ours."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
