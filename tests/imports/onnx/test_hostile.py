"""ONNX files that are damaged or made to harm: a plain answer, soon."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx.helper import make_function, make_node, make_opsetid, make_tensor_value_info

from archlab.api.imported import network_of
from archlab.diagnostics.problem import ConfigError
from archlab.imports.onnx.weights import read_tensors
from tests.imports.onnx.made import floats, model, read, saved, types, whole

MOST_SECONDS = 10
"""On a busy machine; alone none took 0.7."""


def small() -> onnx.ModelProto:
    """A network with most of what is looked at."""
    nodes = [
        make_node("Conv", ["x", "w", "b"], ["c"], name="/stem/conv/Conv", pads=[1, 1, 1, 1], strides=[2, 2]),
        make_node("Sigmoid", ["c"], ["s"], name="/stem/act/Sigmoid"),
        make_node("Mul", ["c", "s"], ["a"], name="/stem/act/Mul"),
        make_node("GlobalAveragePool", ["a"], ["g"]),
        make_node("Conv", ["g", "v"], ["e"]),
        make_node("Mul", ["a", "e"], ["m"]),
        make_node("Resize", ["m", "", "scale"], ["r"], mode="nearest", coordinate_transformation_mode="asymmetric"),
        make_node("MaxPool", ["r"], ["p"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        make_node("Split", ["p", "half"], ["p1", "p2"], axis=1),
        make_node("Concat", ["p2", "p1"], ["q"], axis=1),
        make_node("Shape", ["q"], ["size"]),
        make_node("Gather", ["size", "zero"], ["n"], axis=0),
        make_node("Concat", ["n", "rest"], ["to"], axis=0),
        make_node("Reshape", ["q", "to"], ["f"]),
        make_node("Gemm", ["f", "u", "d"], ["y"], transB=1),
    ]
    tensors = {
        "w": floats(8, 4, 3, 3),
        "b": floats(8),
        "v": floats(8, 8, 1, 1),
        "u": floats(5, 8 * 5 * 5),
        "d": floats(5),
        "scale": np.asarray([1, 1, 2, 2], np.float32),
        "half": whole(4, 4),
        "zero": whole(0),
        "rest": whole(-1),
    }
    return model(nodes, tensors, ("n", 4, 10, 10))


def answer(data: bytes, folder: Path) -> str:
    """What is said of a file: nothing where it is read and analysed."""
    path = folder / "net.onnx"
    path.write_bytes(data)
    start = time.monotonic()
    try:
        network_of(read(path)).analyze()
    except ConfigError as error:
        return str(error)
    finally:
        assert time.monotonic() - start < MOST_SECONDS
    return ""


def test_the_file_is_sound(tmp_path: Path) -> None:
    assert answer(small().SerializeToString(), tmp_path) == ""


def test_damaged_bytes_are_read_or_refused(tmp_path: Path) -> None:
    data, draw = small().SerializeToString(), random.Random(0)  # noqa: S311
    answers = set()
    for number in range(150):
        bad = bytearray(data[: draw.randrange(len(data))] if number % 5 == 4 else data)
        for _ in range(draw.choice([1, 2, 8])):
            # The head holds the nodes; the rest is weights, of which any will do.
            bad[draw.randrange(min(len(bad), 1200))] = draw.randrange(256)
        answers.add(answer(bytes(bad), tmp_path)[:20])
    assert "" in answers
    assert len(answers) > 3


def test_damaged_numbers_are_read_or_refused(tmp_path: Path) -> None:
    draw = random.Random(1)  # noqa: S311
    sizes = (0, 1, -1, 2**31, 2**62, -(2**63), 2**63 - 1, 65536)
    operators = ("MatMul", "LSTM", "Loop", "If", "Expand", "Tile", "TopK", "Range", "Constant", "Pad", "Foo", "Slice")
    for _ in range(150):
        made = small()
        node, tensor = draw.choice(made.graph.node), draw.choice(made.graph.initializer)
        change = draw.randrange(5)
        if change == 0:
            node.op_type = draw.choice(operators)
        elif change == 1:
            tensor.dims[draw.randrange(len(tensor.dims))] = draw.choice(sizes)
        elif change == 2:
            node.input[draw.randrange(len(node.input))] = draw.choice(["", "x", "w", "zero", "a"])
        elif change == 3:
            node.attribute.append(
                onnx.helper.make_attribute(draw.choice(["axis", "pads", "group"]), draw.choice(sizes))
            )
        else:
            tensor.data_type = draw.randrange(24)
        answer(made.SerializeToString(), tmp_path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no network in it"),
        (b"PK\x03\x04", "cannot be decoded"),
        (b"not a file of that kind at all", "cannot be decoded"),
        (small().SerializeToString()[:-4000], "cannot be decoded"),
        (model([make_node("Relu", ["x"], ["y"])], {}, opset=9).SerializeToString(), "opset 9, and 11 and later"),
    ],
)
def test_no_onnx_file(data: bytes, words: str, tmp_path: Path) -> None:
    assert words in answer(data, tmp_path)


def test_a_circle(tmp_path: Path) -> None:
    made = model([make_node("Add", ["x", "z"], ["y"]), make_node("Relu", ["y"], ["z"])], {})
    assert "runs in a circle" in answer(made.SerializeToString(), tmp_path)


def test_a_value_that_is_given_twice(tmp_path: Path) -> None:
    made = model([make_node("Relu", ["x"], ["y"]), make_node("Sigmoid", ["x"], ["y"])], {})
    assert "there already" in answer(made.SerializeToString(), tmp_path)


@pytest.mark.parametrize("word", ["Expand", "Tile", "ConstantOfShape", "Range"])
def test_constants_that_would_fill_the_memory(word: str, tmp_path: Path) -> None:
    huge = {"Expand": ["one", "huge"], "Tile": ["one", "huge"], "ConstantOfShape": ["huge"], "Range": ["a", "b", "c"]}
    nodes = [make_node(word, huge[word], ["k"]), make_node("Relu", ["x"], ["y"])]
    numbers = {name: np.asarray(value, np.int64) for name, value in (("a", 0), ("b", 2**60), ("c", 1))}
    made = model(nodes, {"one": whole(1), "huge": whole(2**40), **numbers})
    assert answer(made.SerializeToString(), tmp_path) == ""


def test_functions_that_call_themselves_or_double(tmp_path: Path) -> None:
    def with_functions(calls: dict[str, list[str]]) -> onnx.ModelProto:
        made = model([make_node("f0", ["x"], ["y"], domain="own")], {})
        made.opset_import.append(make_opsetid("own", 1))
        for name, inner in calls.items():
            steps = ["in", *[f"{name}_{number}" for number in range(len(inner) - 1)], "out"]
            nodes = [
                make_node(one, [steps[number]], [steps[number + 1]], domain="" if one == "Relu" else "own")
                for number, one in enumerate(inner)
            ]
            imports = [make_opsetid("", 17), make_opsetid("own", 1)]
            made.functions.append(make_function("own", name, ["in"], ["out"], nodes, imports))
        return made

    assert "calls itself" in answer(with_functions({"f0": ["f1"], "f1": ["f0"]}).SerializeToString(), tmp_path)
    doubling = {f"f{number}": [f"f{number + 1}"] * 2 for number in range(40)} | {"f40": ["Relu"]}
    assert "nodes; at most" in answer(with_functions(doubling).SerializeToString(), tmp_path)
    path = saved(with_functions({"f0": ["f1", "Relu"], "f1": ["Relu"]}), tmp_path)
    assert types(read(path)) == ["relu", "relu"]


def test_results_of_unknown_sizes_alone(tmp_path: Path) -> None:
    made = model([make_node("Mystery", ["x"], ["y"], domain="own")], {})
    assert "own.Mystery (1)" in answer(made.SerializeToString(), tmp_path)


def test_names_that_attack_a_terminal_are_shown_plain(tmp_path: Path) -> None:
    made = model([make_node("\x1b[31mBad", ["x"], ["y"], name="\x1b]0;title\x07", domain="a/b\n c")], {})
    made.graph.output[0].CopyFrom(make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4]))
    flat = read(saved(made, tmp_path))
    assert all(remark.isprintable() for remark in network_of(flat).remarks)
    assert "\x1b" not in flat.items[0].type + flat.items[0].path


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "link", "missing", ""])
def test_weights_outside_of_the_folder_are_not_read(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(4096))
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ConfigError, match="is no file in the folder of the model"):
        read_tensors(saved(outside(location), folder))


def outside(location: str, sizes: tuple[int, ...] = (8, 4, 3, 3)) -> onnx.ModelProto:
    made = model([make_node("Conv", ["x", "w"], ["y"])], {"w": floats(8, 4, 3, 3)})
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.dims[:] = sizes
    tensor.external_data.add(key="location", value=location)
    return made


def test_weights_beside_the_file_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    array = floats(8, 4, 3, 3)
    (tmp_path / "data").write_bytes(array.tobytes())
    path = saved(outside("data"), tmp_path)
    assert types(read(path)) == ["conv2d"]
    assert np.array_equal(read_tensors(path)["w"], array)
    with pytest.raises(ConfigError, match="too short"):
        read_tensors(saved(outside("data", (8, 4, 2**20, 2**20)), tmp_path))


def test_places_beside_the_file_are_read(tmp_path: Path) -> None:
    """Of a view that PyTorch's exporter writes as places in a flat value; without them it is no layer."""
    places = np.arange(480, dtype=np.int64).reshape(1, 4, 120)
    (tmp_path / "data").write_bytes(places.tobytes())
    nodes = [make_node("Reshape", ["x", "flat"], ["all"]), make_node("Gather", ["all", "places"], ["y"])]
    made = model(nodes, {"flat": whole(-1), "places": places}, sizes=(1, 4, 12, 10))
    tensor = made.graph.initializer[1]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="data")
    path = saved(made, tmp_path)
    assert types(read(path)) == ["flatten"]
    (tmp_path / "data").unlink()
    assert types(read(path)) != ["flatten"]
