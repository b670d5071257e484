"""Tensors of an ONNX file by the names that items give them (`net.tensor_name`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError
from archlab.imports.onnx.file import read_model
from archlab.imports.onnx.fold import Array
from archlab.imports.onnx.read import read_onnx
from archlab.imports.onnx.source import inlined
from archlab.imports.onnx.tensors import array_of, is_vector
from archlab.imports.targets import ImportOptions

if TYPE_CHECKING:
    import onnx


def network_tensors(path: Path) -> dict[str, Array]:
    """The tensors that a file's network has, by the names that its items give them, in their order.

    Of a file that leaves sizes of its input open, so that its items are not known, all tensors of fractions.

    Raises:
        ConfigError: if it cannot be read, or a tensor lies outside of its folder, or is not there.
        MissingRequirementError: without the package `onnx`.
    """
    try:
        items = read_onnx(path, ImportOptions()).items
    except ConfigError as error:
        if {problem.code for problem in error.problems} != {Code.BAD_INPUT}:
            raise
        return {name: array for name, array in read_tensors(path, views=False).items() if array.dtype.kind == "f"}
    tensors = read_tensors(path)
    names = dict.fromkeys([name for item in items for name in item.tensors.values()])
    return {name: tensors[name] for name in names if name in tensors}


def read_tensors(path: Path, *, views: bool = True) -> dict[str, Array]:
    """All tensors of a file, those beside it among them, with their views if wanted: `fc.T`, `scale.flatten()`.

    Raises:
        ConfigError: if it cannot be read, or a tensor lies outside of its folder, or is not there.
        MissingRequirementError: without the package `onnx`.
    """
    found: dict[str, Array] = {}
    _collect(inlined(read_model(path)).graph, path, found)
    if not views:
        return found
    made = {name: list(_views(array)) for name, array in found.items()}
    return found | {f"{name}{ending}": view for name, several in made.items() for ending, view in several}


def _collect(graph: onnx.GraphProto, path: Path, found: dict[str, Array]) -> None:
    for tensor in graph.initializer:
        found[tensor.name] = array_of(tensor, path)
    for node in graph.node:
        if node.op_type == "Identity" and len(node.input) == 1 and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
        for attribute in node.attribute:
            if attribute.type == attribute.GRAPH:
                _collect(attribute.g, path, found)
            elif node.op_type == "Constant" and attribute.type == attribute.TENSOR and node.output:
                found[node.output[0]] = array_of(attribute.t, path)


def _views(array: Array) -> Iterator[tuple[str, Array]]:
    if array.ndim == 2:
        yield ".T", array.T
    if array.ndim > 1 and is_vector(array.shape):
        yield ".flatten()", array.reshape(-1)
