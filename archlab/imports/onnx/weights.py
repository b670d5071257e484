"""Tensors of an ONNX file by the names that items give them (`net.tensor_name`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.files.inputs import remember
from archlab.imports.onnx.file import read_model
from archlab.imports.onnx.fold import Array
from archlab.imports.onnx.read import read_onnx
from archlab.imports.onnx.source import inlined
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
        found[tensor.name] = _array(tensor, path)
    for node in graph.node:
        if node.op_type == "Identity" and len(node.input) == 1 and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
        for attribute in node.attribute:
            if attribute.type == attribute.GRAPH:
                _collect(attribute.g, path, found)
            elif node.op_type == "Constant" and attribute.type == attribute.TENSOR and node.output:
                found[node.output[0]] = _array(attribute.t, path)


def _views(array: Array) -> Iterator[tuple[str, Array]]:
    if array.ndim == 2:
        yield ".T", array.T
    if array.ndim > 1 and sum(size != 1 for size in array.shape) <= 1:
        yield ".flatten()", array.reshape(-1)


def _array(tensor: onnx.TensorProto, path: Path) -> Array:
    from onnx import numpy_helper

    if tensor.data_location == tensor.EXTERNAL:
        return _beside(tensor, path)
    try:
        return numpy_helper.to_array(tensor)
    except Exception as error:  # noqa: BLE001 - it is data of others, which may be anything
        raise _wrong(path, tensor, str(error).split("\n", maxsplit=1)[0][:120]) from None


def _beside(tensor: onnx.TensorProto, path: Path) -> Array:
    """A tensor in a file beside the model, in its folder or below."""
    said: Mapping[str, str] = {one.key: one.value for one in tensor.external_data}
    folder, location = path.parent.resolve(), said.get("location", "")
    try:
        place = (folder / location).resolve()
        if not location or not place.is_relative_to(folder) or not place.is_file():
            raise _wrong(path, tensor, f"'{location:.80}' is no file in the folder of the model")
        kind = np.dtype(_kind(tensor))
        start, size = int(said.get("offset", "0")), place.stat().st_size
        count = prod(tensor.dims)
        if min(tensor.dims, default=0) < 0 or start < 0 or start + count * kind.itemsize > size:
            raise _wrong(path, tensor, f"'{location:.80}' is too short for it")
        found = np.fromfile(place, kind, count, offset=start)
    except (OSError, OverflowError, TypeError, KeyError, ValueError) as error:
        raise _wrong(path, tensor, str(error)[:120]) from None
    remember(place)
    return found.reshape(tuple(tensor.dims))


def _kind(tensor: onnx.TensorProto) -> np.dtype[np.generic]:
    from onnx import helper

    return helper.tensor_dtype_to_np_dtype(tensor.data_type)


def _wrong(path: Path, tensor: onnx.TensorProto, reason: str) -> Exception:
    return single_problem(f"{path}: the tensor '{tensor.name:.80}' cannot be read: {reason}", Code.WRONG_WEIGHTS)
