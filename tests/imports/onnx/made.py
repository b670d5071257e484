"""ONNX files made by hand, and networks read from them held against onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper

from archlab import build
from archlab.api.imported import network_of
from archlab.imports.flat import Flat
from archlab.imports.onnx.read import read_onnx
from archlab.imports.onnx.weights import read_tensors
from archlab.imports.targets import ImportOptions

Array = np.ndarray[Any, Any]
Nodes = Sequence[onnx.NodeProto]
INPUT = ("n", 4, 12, 10)


def floats(*sizes: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(sizes).astype(np.float32)


def whole(*values: int) -> Array:
    return np.asarray(values, np.int64)


def model(
    nodes: Nodes, tensors: Mapping[str, Array], sizes: Sequence[int | str] = INPUT, opset: int = 17
) -> onnx.ModelProto:
    """A model of one input `x`, whose result is that of its last node."""
    result = nodes[-1].output[0]
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(sizes))],
        [helper.make_tensor_value_info(result, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def saved(made: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def read(path: Path, shape: tuple[int, ...] | None = None) -> Flat:
    return read_onnx(path, ImportOptions(shape))


def types(flat: Flat) -> list[str]:
    return [item.type for item in flat.items]


def difference(path: Path, flat: Flat, samples: int = 2) -> float:
    """The largest difference of outputs between the built network and onnxruntime, in parts of the largest output."""
    network = network_of(flat)
    built = build(network)
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in read_tensors(path).items()}
    sizes = {name: one.shape for name, one in built.state_dict().items()}
    pairs = [
        (f"{item.path}.{own}", name) for item in flat.items if item.share is None for own, name in item.tensors.items()
    ]
    state = {own: tensors[name].reshape(sizes[own]) for own, name in pairs}
    left = built.load_state_dict(state, strict=False)
    assert not [name for name in left.missing_keys if "num_batches" not in name]
    assert not left.unexpected_keys
    built.eval()
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    entering = [floats(samples, *shape, seed=number + 1) for number, shape in enumerate(flat.inputs.values())]
    names = [one.name for one in session.get_inputs()]
    theirs = session.run(None, dict(zip(names, entering, strict=True)))
    with torch.no_grad():
        ours = built(*map(torch.from_numpy, entering))
    several = [ours] if isinstance(ours, torch.Tensor) else list(ours)
    assert [tuple(one.shape) for one in several] == [one.shape for one in theirs]
    return max(
        float(np.abs(one.numpy() - other).max() / np.abs(other).max())
        for one, other in zip(several, theirs, strict=True)
    )
