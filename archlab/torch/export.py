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

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.requirements import require
from archlab.graph import Graph
from archlab.torch.onnx_limits import refuse_unwritable, unwritten
from archlab.torch.opaque import require_declared
from archlab.torch.samples import samples

OPSET_OF_CEIL = 22
"""Where `ceil_mode` has PyTorch's shape also for a window that PyTorch drops; used where the checker needs it."""
MOST_INLINE_BYTES = 1 << 30
"""Of weights inside the `.onnx` file; larger ones go beside it, since the format ends at 2 GiB."""


def export(model: fx.GraphModule, graph: Graph) -> torch.export.ExportedProgram:
    """The exported program of a built model in eval mode, for any batch.

    Args:
        model: as `build` made it; left in eval mode.
        graph: what it was built from.
    """
    model.eval()
    require_declared(model, graph)
    # Two samples, since torch.export takes a size of one as a constant.
    batch = torch.export.Dim("batch", min=1)
    shapes = {node.path: {0: batch} for node in graph.inputs}
    return torch.export.export(model, samples(graph, 2, torch.zeros), dynamic_shapes=shapes)


def export_onnx(model: fx.GraphModule, graph: Graph, path: Path) -> None:
    """Write a built model in eval mode as ONNX, for any batch; its inputs have the config's names, or `input`.

    The results have the labels of the config's `outputs`, or `output`.

    Raises:
        ConfigError: if a layer of the network has no form in ONNX, at its line.
        MissingRequirementError: if the ONNX packages are not installed.
    """
    for package in ("onnx", "onnxscript"):
        require(package, "onnx", "writing ONNX")
    labels = ["output"] if graph.output_form == "single" else [label for label, _ in graph.outputs]
    bytes_of_weights = sum(p.numel() * p.element_size() for p in model.parameters())
    model.eval()
    batch = torch.export.Dim("batch", min=1)
    names = [node.path for node in graph.inputs]
    refuse_unwritable(graph)
    require_declared(model, graph)
    faults: list[str] = []
    for opset in (None, OPSET_OF_CEIL):
        try:
            with _quiet():
                torch.onnx.export(
                    model,
                    samples(graph, 2, torch.zeros),
                    str(path),
                    dynamic_shapes={name: {0: batch} for name in names},
                    dynamo=True,
                    input_names=names,
                    output_names=labels,
                    external_data=bytes_of_weights > MOST_INLINE_BYTES,
                    verbose=False,
                    opset_version=opset,
                )
        except torch.onnx.errors.OnnxExporterError as error:
            raise unwritten(error, graph, export(model, graph), model) from None
        fault = _fault(path)
        if fault is None:
            return
        faults.append(fault)
    raise single_problem(
        f"{graph.name} cannot be written as ONNX: its checker refuses it: {faults[-1]}", Code.UNSUPPORTED
    )


def _fault(path: Path) -> str | None:
    """What ONNX's checker says about a file, or None."""
    import onnx

    try:
        onnx.checker.check_model(str(path), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        return str(error).strip().splitlines()[0]
    return None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's own report, which would mix with ours."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
