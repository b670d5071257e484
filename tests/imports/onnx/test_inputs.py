"""What enters an ONNX file: sizes left open, several inputs, samples that are fixed, numbers beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info

import archlab
from archlab.diagnostics.problem import ConfigError
from archlab.imports.onnx.read import read_onnx
from archlab.imports.targets import ImportOptions
from tests.imports.onnx.made import difference, floats, model, read, saved, types, whole

CONV = make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])


def test_open_sizes_must_be_given(tmp_path: Path) -> None:
    path = saved(model([CONV], {"w": floats(8, 3, 3, 3)}, ("n", 3, "height", "width")), tmp_path)
    with pytest.raises(ConfigError, match=r"3 x height x width; give them: --input 3x224x224"):
        read(path)
    assert read(path, (3, 20, 30)).items[0].shape == (8, 20, 30)
    assert archlab.load(str(path), input=(3, 20, 30)).analyze().total.params == 8 * 3 * 9


def test_given_sizes_must_be_those_of_the_file(tmp_path: Path) -> None:
    path = saved(model([CONV], {"w": floats(8, 3, 3, 3)}, ("n", 3, 16, 16)), tmp_path)
    with pytest.raises(ConfigError, match=r"takes 3 x 16 x 16 as 'x', and 3x20x20 is given"):
        read(path, (3, 20, 20))


def test_a_fixed_number_of_samples_is_the_batch(tmp_path: Path) -> None:
    nodes = [CONV, make_node("Reshape", ["y", "s"], ["f"])]
    path = saved(model(nodes, {"w": floats(8, 3, 3, 3), "s": whole(1, -1)}, (1, 3, 8, 8)), tmp_path)
    flat = read(path)
    assert types(flat) == ["conv2d", "flatten"]
    assert flat.inputs == {"input": (3, 8, 8)}
    assert difference(path, flat, samples=1) < 1e-5


def test_a_file_for_one_sample_that_does_not_say_so(tmp_path: Path) -> None:
    """The samples are open, but a reshape fixes them to one."""
    nodes = [CONV, make_node("Reshape", ["y", "s"], ["f"])]
    path = saved(model(nodes, {"w": floats(8, 3, 3, 3), "s": whole(1, 512)}, ("n", 3, 8, 8)), tmp_path)
    assert types(read(path)) == ["conv2d", "flatten"]


def several(sizes: tuple[int | str, ...]) -> onnx.ModelProto:
    infos = [make_tensor_value_info(name, TensorProto.FLOAT, list(sizes)) for name in ("left.image", "right")]
    infos.append(make_tensor_value_info("rate", TensorProto.INT64, []))
    infos.append(make_tensor_value_info("state", TensorProto.FLOAT, [2, "n", 4]))
    nodes = [make_node("Add", ["left.image", "right"], ["a"]), make_node("Relu", ["a"], ["y"])]
    results = [make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("y", "a")]
    return make_model(make_graph(nodes, "g", infos, results), opset_imports=[make_opsetid("", 17)], ir_version=9)


def test_several_inputs_and_results_by_name(tmp_path: Path) -> None:
    path = saved(several(("n", 3, "h", 8)), tmp_path)
    flat = read_onnx(path, ImportOptions({"left_image": (3, 6, 8), "right": (3, 6, 8)}))
    assert list(flat.inputs) == ["left_image", "right"]
    assert flat.outputs == [("y", 3), ("a", 2)]
    assert flat.output_form == "tuple"
    assert any(remark.endswith("left out: rate, state") for remark in flat.remarks)
    with pytest.raises(ConfigError, match="has no input 'nose'; it has left_image, right"):
        read_onnx(path, ImportOptions({"nose": (3, 6, 8)}))


def test_weights_are_loaded_by_their_names(tmp_path: Path) -> None:
    """A matrix that the file has turned, and one that it keeps once for two layers."""
    nodes = [
        make_node("Identity", ["b"], ["b2"]),
        make_node("MatMul", ["x", "w"], ["m"]),
        make_node("Add", ["m", "b"], ["h"]),
        make_node("Gemm", ["h", "v", "b2"], ["y"], transB=1),
    ]
    tensors = {"w": floats(5, 7), "v": floats(7, 7, seed=1), "b": floats(7, seed=2)}
    path = saved(model(nodes, tensors, ("n", 5)), tmp_path)
    built = archlab.build(str(path), weights=str(path))
    found = [np.asarray(one.detach()) for one in built.state_dict().values()]
    wanted = [tensors["w"].T, tensors["b"], tensors["v"], tensors["b"]]
    assert all(np.array_equal(one, other) for one, other in zip(found, wanted, strict=True))
