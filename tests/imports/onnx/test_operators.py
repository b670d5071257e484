"""Small ONNX graphs: which layers they are, and the same outputs as onnxruntime's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import NodeProto
from onnx.helper import make_node as node

from tests.chunks import check_each, in_chunks
from tests.imports.onnx.made import Array, difference, floats, model, read, saved, types, whole

Case = tuple[Sequence[NodeProto], Mapping[str, Array], list[str]]


def scalar(value: float) -> Array:
    return np.asarray(value, np.float32)


def one(op: str, **attributes: Any) -> list[NodeProto]:
    return [node(op, ["x"], ["y"], **attributes)]


CASES: dict[str, Case] = {
    "conv": (
        [node("Conv", ["x", "w", "b"], ["y"], strides=[2, 1])],
        {"w": floats(6, 4, 3, 3), "b": floats(6)},
        ["conv2d"],
    ),
    "conv in groups": (
        [node("Conv", ["x", "w"], ["y"], group=2, pads=[1, 2, 1, 2])],
        {"w": floats(6, 2, 3, 3)},
        ["conv2d"],
    ),
    "conv of uneven padding": (
        [node("Conv", ["x", "w"], ["y"], pads=[0, 0, 1, 1], strides=[2, 2])],
        {"w": floats(6, 4, 3, 3)},
        ["zero_pad2d", "conv2d"],
    ),
    "conv SAME_UPPER": (
        [node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2])],
        {"w": floats(6, 4, 3, 3)},
        ["zero_pad2d", "conv2d"],
    ),
    "conv SAME_LOWER": (
        [node("Conv", ["x", "w"], ["y"], auto_pad="SAME_LOWER", strides=[2, 2])],
        {"w": floats(6, 4, 3, 3)},
        ["zero_pad2d", "conv2d"],
    ),
    "bias behind": (
        [node("Conv", ["x", "w"], ["c"]), node("Add", ["c", "b"], ["y"])],
        {"w": floats(6, 4, 3, 3), "b": floats(1, 6, 1, 1)},
        ["conv2d"],
    ),
    "transposed": (
        [node("ConvTranspose", ["x", "w", "b"], ["y"], strides=[2, 2], pads=[1, 1, 0, 0])],
        {"w": floats(4, 6, 3, 3), "b": floats(6)},
        ["conv_transpose2d"],
    ),
    "linear": (
        [node("GlobalAveragePool", ["x"], ["p"]), node("Flatten", ["p"], ["f"]), node("Gemm", ["f", "w", "b"], ["y"])],
        {"w": floats(4, 7), "b": floats(7)},
        ["adaptive_avg_pool2d", "flatten", "linear"],
    ),
    "product with a matrix": (
        [
            node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]),
            node("MatMul", ["t", "w"], ["m"]),
            node("Add", ["b", "m"], ["y"]),
        ],
        {"w": floats(4, 7), "b": floats(7)},
        ["permute", "linear"],
    ),
    "batch norm": (
        [node("BatchNormalization", ["x", "w", "b", "m", "v"], ["y"], epsilon=1e-3)],
        {"w": floats(4), "b": floats(4), "m": floats(4), "v": np.abs(floats(4)) + 0.5},
        ["batch_norm2d"],
    ),
    "instance norm": (
        [node("InstanceNormalization", ["x", "w", "b"], ["y"])],
        {"w": floats(4), "b": floats(4)},
        ["instance_norm2d"],
    ),
    "group norm": (
        [
            node("Reshape", ["x", "s"], ["r"]),
            node("InstanceNormalization", ["r", "one", "zero"], ["i"]),
            node("Shape", ["x"], ["size"]),
            node("Reshape", ["i", "size"], ["q"]),
            node("Mul", ["q", "w"], ["m"]),
            node("Add", ["m", "b"], ["y"]),
        ],
        {
            "s": whole(0, 2, -1),
            "one": np.ones(2, np.float32),
            "zero": np.zeros(2, np.float32),
            "w": floats(4, 1, 1),
            "b": floats(4, 1, 1),
        },
        ["group_norm"],
    ),
    "layer norm written out": (
        [
            node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]),
            node("ReduceMean", ["t"], ["m"], axes=[-1]),
            node("Sub", ["t", "m"], ["d"]),
            node("Pow", ["d", "two"], ["p"]),
            node("ReduceMean", ["p"], ["v"], axes=[-1]),
            node("Add", ["v", "eps"], ["e"]),
            node("Sqrt", ["e"], ["r"]),
            node("Div", ["d", "r"], ["q"]),
            node("Mul", ["q", "w"], ["s"]),
            node("Add", ["s", "b"], ["y"]),
        ],
        {"two": scalar(2), "eps": scalar(1e-5), "w": floats(4), "b": floats(4)},
        ["permute", "layer_norm"],
    ),
    "layer norm": (
        [
            node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]),
            node("LayerNormalization", ["t", "w", "b"], ["y"], axis=-1),
        ],
        {"w": floats(4), "b": floats(4)},
        ["permute", "layer_norm"],
    ),
    "scale and shift": (
        [node("Mul", ["x", "w"], ["m"]), node("Add", ["m", "b"], ["y"])],
        {"w": floats(1, 4, 1, 1), "b": floats(4, 1, 1)},
        ["layer_scale"],
    ),
    "silu": ([node("Sigmoid", ["x"], ["s"]), node("Mul", ["s", "x"], ["y"])], {}, ["silu"]),
    "gelu": (
        [
            node("Div", ["x", "root"], ["d"]),
            node("Erf", ["d"], ["e"]),
            node("Add", ["e", "one"], ["a"]),
            node("Mul", ["x", "a"], ["m"]),
            node("Mul", ["m", "half"], ["y"]),
        ],
        {"root": scalar(2**0.5), "one": scalar(1), "half": scalar(0.5)},
        ["gelu"],
    ),
    "gelu by tanh": (
        [
            node("Pow", ["x", "three"], ["c"]),
            node("Mul", ["c", "k"], ["k3"]),
            node("Add", ["x", "k3"], ["s"]),
            node("Mul", ["s", "r"], ["u"]),
            node("Tanh", ["u"], ["t"]),
            node("Add", ["t", "one"], ["a"]),
            node("Mul", ["x", "half"], ["h"]),
            node("Mul", ["h", "a"], ["y"]),
        ],
        {
            "three": scalar(3),
            "k": scalar(0.044715),
            "r": scalar((2 / np.pi) ** 0.5),
            "one": scalar(1),
            "half": scalar(0.5),
        },
        ["gelu"],
    ),
    "hardswish by hardsigmoid": (
        [node("HardSigmoid", ["x"], ["s"], alpha=1 / 6), node("Mul", ["x", "s"], ["y"])],
        {},
        ["hardswish"],
    ),
    "hardswish by clip": (
        [
            node("Add", ["x", "three"], ["a"]),
            node("Clip", ["a", "low", "high"], ["c"]),
            node("Div", ["c", "high"], ["d"]),
            node("Mul", ["x", "d"], ["y"]),
        ],
        {"three": scalar(3), "low": scalar(0), "high": scalar(6)},
        ["hardswish"],
    ),
    "Keras' hard sigmoid": (one("HardSigmoid"), {}, ["scale", "shift", "hardtanh"]),
    "mish": (
        [node("Softplus", ["x"], ["s"]), node("Tanh", ["s"], ["t"]), node("Mul", ["x", "t"], ["y"])],
        {},
        ["mish"],
    ),
    "exponential and logarithm": ([node("Exp", ["x"], ["e"]), node("Log", ["e"], ["y"])], {}, ["exp", "log"]),
    "relu6": ([node("Clip", ["x", "low", "high"], ["y"])], {"low": scalar(0), "high": scalar(6)}, ["relu6"]),
    "hardtanh": ([node("Clip", ["x", "low", "high"], ["y"])], {"low": scalar(-2), "high": scalar(0.5)}, ["hardtanh"]),
    "prelu": ([node("PRelu", ["x", "w"], ["y"])], {"w": floats(4, 1, 1)}, ["prelu"]),
    "a number minus it": ([node("Sub", ["one", "x"], ["y"])], {"one": scalar(1)}, ["scale", "shift"]),
    "max pool of uneven padding": (
        one("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]),
        {},
        ["max_pool2d"],
    ),
    "avg pool that counts": (
        one("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
        {},
        ["avg_pool2d"],
    ),
    "avg pool that does not": (one("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]), {}, ["avg_pool2d"]),
    "avg pool SAME_UPPER": (
        one("AveragePool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"),
        {},
        ["avg_pool2d"],
    ),
    "mean": (one("ReduceMean", axes=[2, 3], keepdims=0), {}, ["mean"]),
    "doubled": (
        [
            node(
                "Resize",
                ["x", "", "s"],
                ["y"],
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        ],
        {"s": np.asarray([1, 1, 2, 2], np.float32)},
        ["upsample"],
    ),
    "to a size": (
        [node("Resize", ["x", "", "", "s"], ["y"], mode="linear", coordinate_transformation_mode="align_corners")],
        {"s": whole(2, 4, 20, 15)},
        ["upsample"],
    ),
    "cubic": (
        [node("Resize", ["x", "", "s"], ["y"], mode="cubic", cubic_coeff_a=-0.75)],
        {"s": np.asarray([1, 1, 2, 2], np.float32)},
        ["upsample"],
    ),
    "shuffled": (
        [
            node("Reshape", ["x", "apart"], ["r"]),
            node("Transpose", ["r"], ["t"], perm=[0, 2, 1, 3, 4]),
            node("Reshape", ["t", "back"], ["y"]),
        ],
        {"apart": whole(0, 2, 2, 12, 10), "back": whole(0, 4, 12, 10)},
        ["channel_shuffle"],
    ),
    "pixels": (one("DepthToSpace", blocksize=2, mode="CRD"), {}, ["pixel_shuffle"]),
    "parts": (
        [node("Split", ["x", "s"], ["a", "b"], axis=1), node("Concat", ["b", "a"], ["y"], axis=1)],
        {"s": whole(1, 3)},
        ["narrow", "narrow", "concat"],
    ),
    "a slice": (
        [node("Slice", ["x", "from", "to", "axes"], ["y"])],
        {"from": whole(1, -4), "to": whole(3, 2**62), "axes": whole(1, 3)},
        ["narrow", "narrow"],
    ),
    "one channel": (
        [node("Gather", ["x", "i"], ["y"], axis=1)],
        {"i": np.asarray(-1, np.int64)},
        ["narrow", "flatten"],
    ),
    "padded by reflection": (
        [node("Pad", ["x", "p"], ["y"], mode="reflect")],
        {"p": whole(0, 0, 1, 2, 0, 0, 3, 1)},
        ["reflection_pad2d"],
    ),
    "size by arithmetic": (
        [
            node("Shape", ["x"], ["s"]),
            node("Gather", ["s", "i"], ["n"], axis=0),
            node("Unsqueeze", ["n", "zero"], ["u"]),
            node("Concat", ["u", "rest"], ["to"], axis=0),
            node("Reshape", ["x", "to"], ["y"]),
        ],
        {"i": np.asarray(0, np.int64), "zero": whole(0), "rest": whole(-1)},
        ["flatten"],
    ),
}


@pytest.mark.parametrize("names", in_chunks(CASES))
def test_a_graph_is_these_layers_with_the_same_outputs(names: list[str], tmp_path: Path) -> None:
    check_each(names, partial(check_graph, tmp_path))


def check_graph(tmp_path: Path, name: str) -> None:
    nodes, tensors, wanted = CASES[name]
    sizes = (2, 4, 12, 10) if name == "to a size" else ("n", 4, 12, 10)
    path = saved(model(nodes, tensors, sizes), tmp_path)
    flat = read(path)
    assert types(flat) == wanted
    assert difference(path, flat) < 1e-5


OPAQUE: dict[str, Case] = {
    "other coordinates": (
        [node("Resize", ["x", "", "s"], ["y"], mode="linear", coordinate_transformation_mode="asymmetric")],
        {"s": np.asarray([1, 1, 2, 2], np.float32)},
        ["onnx.Resize"],
    ),
    "places before channels": (one("DepthToSpace", blocksize=2), {}, ["onnx.DepthToSpace"]),
    "every second place": (
        [node("Slice", ["x", "zero", "end", "axis", "two"], ["y"])],
        {"zero": whole(0), "end": whole(12), "axis": whole(2), "two": whole(2)},
        ["onnx.Slice"],
    ),
    "gate read twice": (
        [node("Sigmoid", ["x"], ["s"]), node("Mul", ["x", "s"], ["m"]), node("Add", ["m", "s"], ["y"])],
        {},
        ["sigmoid", "multiply", "add"],
    ),
}


@pytest.mark.parametrize("name", OPAQUE)
def test_what_is_not_pytorchs_is_not_taken_for_it(name: str, tmp_path: Path) -> None:
    nodes, tensors, wanted = OPAQUE[name]
    flat = read(saved(model(nodes, tensors), tmp_path))
    assert types(flat) == wanted
    assert bool(flat.remarks) == any("." in kind for kind in wanted)


def test_windows_are_one_opaque_part_that_counts_once(tmp_path: Path) -> None:
    """Three readers of a part that mixes samples: its product counts once, and so do its weights."""
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        node("MatMul", ["t", "w"], ["m"]),
        *[node("Transpose", ["m"], [f"y{number}"], perm=[1, 0, 2]) for number in range(3)],
        node("Sum", ["y0", "y1", "y2"], ["y"]),
    ]
    flat = read(saved(model(nodes, {"w": floats(6, 8)}, ("n", 3, 6)), tmp_path))
    assert types(flat) == ["onnx.Part"] * 3 + ["add"]
    assert sum(item.options.get("macs", 0) for item in flat.items) == 3 * 6 * 8
    assert sum(item.options.get("params", 0) for item in flat.items) == 6 * 8


def test_what_depends_on_data_is_left_out_and_said(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], ["r"]), node("NonZero", ["r"], ["z"]), node("Transpose", ["z"], ["y"])]
    flat = read(saved(model(nodes, {}), tmp_path))
    assert types(flat) == ["relu"]
    assert any("NonZero (1), Transpose (1)" in remark for remark in flat.remarks)
