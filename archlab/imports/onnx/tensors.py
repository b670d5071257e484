"""The numbers of an ONNX file's tensors, those in files beside it among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.files.inputs import remember
from archlab.imports.onnx.fold import MOST_FOLDED, Array

if TYPE_CHECKING:
    import onnx


WHOLE = (6, 7)
"""Element types of places and sizes: int32, int64."""
MOST_TAKEN = 1 << 22
"""Elements that are read from beside a file while its graph is read."""


def take_in_small(model: onnx.ModelProto, path: Path) -> None:
    """Put small tensors beside the file whose numbers tell something into the model, as far as they can be read.

    Whole numbers say places and sizes. Those of a vector that several nodes read tell whether it is one tensor, or
    several that were equal and therefore written once.
    """
    from onnx import numpy_helper

    reads = Counter([name for node in model.graph.node for name in node.input])
    left = MOST_TAKEN
    for tensor in model.graph.initializer:
        count = prod(tensor.dims)
        tells = tensor.data_type in WHOLE or (is_vector(tensor.dims) and reads[tensor.name] > 1)
        if tensor.data_location != tensor.EXTERNAL or not tells or not 0 <= count <= min(left, MOST_FOLDED):
            continue
        left -= count
        try:
            tensor.CopyFrom(numpy_helper.from_array(array_of(tensor, path), tensor.name))
        except ConfigError:
            continue  # the network can be told without


def is_vector(sizes: Iterable[int]) -> bool:
    """Whether at most one dimension is more than 1."""
    return sum(size != 1 for size in sizes) <= 1


def array_of(tensor: onnx.TensorProto, path: Path) -> Array:
    """The numbers of a tensor.

    Raises:
        ConfigError: if they lie outside of the model's folder, or are not there.
    """
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
