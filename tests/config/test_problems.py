"""Messages that no bad config of the corpus asks for: each the only problem of its text, with its place and code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from archlab.api.load import loads
from archlab.api.validate import validate
from archlab.config.schema import config_schema
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import ConfigError, Problem
from archlab.diagnostics.suggest import closest
from archlab.layers import find_layer, layer_types
from tests.chunks import check_each, in_chunks
from tests.schema import validator

PROBLEMS: list[tuple[str, int, int, str, str]] = [
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: branches, paths: []}",
        3,
        29,
        "missing",
        "branches needs at least one path",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: branches, paths: [relu]}",
        3,
        30,
        "wrong-type",
        "a path is a list of layers ([] for the identity), not the text 'relu'",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: branches, split: 1, paths: [[], []]}",
        3,
        29,
        "wrong-value",
        "'split' is true, false or the channels of each path such as [16, 8, -1], not the number 1",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: residual, body: relu}",
        3,
        28,
        "wrong-type",
        "'body' must be a list of layers, not the text 'relu'",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: branches, merge: mean, paths: [[], []]}",
        3,
        29,
        "wrong-value",
        "'merge' is concat, add, multiply, subtract, divide, maximum, minimum or weighted_add, not the text 'mean'",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: [relu]}",
        3,
        12,
        "wrong-type",
        "'type' must be a name, not a list",
    ),
    ("input: [4, 6, 8]\nlayers:\n  - {use: 3}", 3, 11, "wrong-type", "'use' must be a name, not the number 3"),
    ("input: [4, 6, 8]\nlayers:\n", 2, 8, "wrong-type", "'layers' is empty; write its content, or leave it out"),
    (
        "name: 3\ninput: [4, 6, 8]\nlayers: [{type: relu}]",
        1,
        7,
        "wrong-type",
        "'name' must be a text, not the number 3; put it in quotes",
    ),
    (
        "input: [4, 6, 8]\nparams: {in_size: 3}\nlayers: [{type: relu}]",
        2,
        10,
        "bad-name",
        "'in_size' already has a meaning; give the param another name",
    ),
    (
        "input: [4, 6, 8]\nblocks: {b: {params: {name: 1}, layers: [{type: relu}]}}\nlayers: [{type: relu}, {use: b}]\n",
        2,
        23,
        "bad-name",
        "'name' is a key of every item; give the param another name",
    ),
    (
        "input: [4, 6, 8]\nblocks: {b: {parms: {x: 1}, layers: [{type: relu}]}}\nlayers: [{type: relu}, {use: b}]\n",
        2,
        14,
        "unknown-key",
        "block 'b' has no key 'parms'; did you mean 'params'?",
    ),
    (
        "input: [4, 6, 8]\nblocks: {b: {params: {x: 1}}}\nlayers: [{type: relu}]",
        2,
        10,
        "missing",
        "block 'b' needs 'layers'",
    ),
    (
        "input: [4, 6, 8]\nblocks: {b: {layers: [{type: relu}], init: 3}}\nlayers: [{type: relu}]",
        2,
        44,
        "wrong-type",
        "'init' of block 'b' must be a mapping (name: value), not the number 3",
    ),
    ("input: [4, 6, 8]\nlayers: []", 2, 9, "missing", "'layers' is empty; a network needs at least one layer"),
    (
        "input: [4, 6, 8]\nlayers: [{type: relu}]\noutputs: []",
        3,
        10,
        "missing",
        "'outputs' is empty; name at least one item, or leave it out",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: relu}]\noutputs: [[relu]]",
        3,
        11,
        "wrong-type",
        "'outputs' names items, not a list",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: relu}]\noutputs: 3",
        3,
        10,
        "wrong-type",
        "'outputs' names items, not the number 3",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: relu, from: [a]}",
        3,
        24,
        "wrong-type",
        "'from' takes the name of an earlier item, not a list",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: relu, name: [a]}",
        3,
        24,
        "wrong-type",
        "'name' must be a word, not a list",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: relu, name: 3}",
        3,
        24,
        "wrong-type",
        "'name' must be a word, not the number 3",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: add, with: []}",
        3,
        23,
        "missing",
        "'with' names no other input; write with: [NAME]",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: relu, repeat: 2, first: 3}",
        3,
        36,
        "wrong-type",
        "'first' gives arguments of the first repetition, such as {stride: 2}, not the number 3",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: relu, with: [input]}",
        3,
        18,
        "unknown-option",
        "relu has one input; 'with' belongs to concat, add, multiply, subtract, divide, maximum, minimum or weighted_add",
    ),
    ("extends: [a]\n", 1, 10, "wrong-type", "'extends' names one file or preset, such as resnet.yaml, not a list"),
    ("extends: other.yaml\n", 1, 10, "extends-path", "a config without a file can extend presets only"),
    ("input: [4, 6, 8]\nlayers: [{type: relu}, *x]\n", 2, 24, "unknown-anchor", "there is no anchor '&x' above"),
    ("input: [4, 6, 8]\nlayers: [{type: relu}]\n? [a]\n: 3\n", 3, 3, "bad-key", "a list cannot be a key"),
    (
        "input: [4, 6, 8]\nlayers: [{type: relu}]\n---\nx: 1\n",
        3,
        1,
        "several-documents",
        "a config is one YAML document; remove this second '---'",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: rrelu, lower: 0.5, upper: 0.25}]",
        2,
        43,
        "shape",
        "rrelu: upper=0.25 must be at least lower=0.5",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: prelu, num_parameters: 3}]",
        2,
        40,
        "shape",
        "prelu: num_parameters=3 is neither 1 nor the 4 channels",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: celu, alpha: 0}]",
        2,
        30,
        "shape",
        "celu: alpha must not be 0, since it is divided by",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: hardtanh, min_val: 1, max_val: 1}]",
        2,
        48,
        "shape",
        "hardtanh: max_val=1.0 must be above min_val=1.0",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: softmax, dim: 4}]",
        2,
        31,
        "shape",
        "softmax: dim=4 is not a dimension of 4x6x8 behind the batch; 1 to 3",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: softmax, dim: 0}]",
        2,
        31,
        "shape",
        "softmax: dim=0 is not a dimension of 4x6x8 behind the batch; 1 to 3",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: flatten, start_dim: 2}, {type: glu, dim: 2}]",
        2,
        58,
        "shape",
        "glu: dim=2 of 4x48 holds several axes, whose halves are no map; halve the channels",
    ),
    ("input: [4, 6, 7]\nlayers: [{type: glu}]", 2, 10, "shape", "glu halves dimension -1, whose size is odd: 7"),
    (
        "input: [4, 6, 8]\nlayers: [{type: conv2d, out_channels: 2, kernel_size: 3, padding: [6, 1], padding_mode: reflect}]",
        2,
        67,
        "shape",
        "padding_mode 'reflect' can pad an input of 6 by at most 5, but the padding is 6",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: conv2d, out_channels: 2, kernel_size: 3, padding: [1, 9], padding_mode: circular}]",
        2,
        67,
        "shape",
        "padding_mode 'circular' can pad an input of 8 by at most 8, but the padding is 9",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: conv2d, out_channels: 2, kernel_size: 3, padding: full}]",
        2,
        67,
        "wrong-value",
        "conv2d: 'padding' must be a whole number, a pair, or one of: same, valid, auto, same_tf, not the text 'full'",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{name: a, type: max_pool2d, kernel_size: 2}, {type: multiply, with: [input]}]",
        2,
        55,
        "shape",
        "multiply needs inputs of one shape, or a gate with size 1 where the map is larger, but they are 4x3x4 and 4x6x8",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: adaptive_avg_pool2d, output_size: 0}]",
        2,
        51,
        "wrong-value",
        "adaptive_avg_pool2d: 'output_size' must be a whole number of at least 1, null (as the input), or a pair of these, not the number 0",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: flatten, start_dim: 0}]",
        2,
        37,
        "shape",
        "flatten cannot merge dimensions 0 to -1 of a batch of 4x6x8; dimension 0 is the batch and must stay",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: channels_last}, {type: channels_last}]",
        2,
        33,
        "shape",
        "channels_last: the input 6x8x4 has its channels last already",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: avg_pool2d, kernel_size: 3, padding: 2}]",
        2,
        54,
        "shape",
        "avg_pool2d: padding=2 is more than half of kernel_size=3; at most 1",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: conv2d, out_channels: 6, kernel_size: 3, groups: 4}]",
        2,
        66,
        "shape",
        "conv2d: groups=4 does not divide the 6 output channels",
    ),
    (
        "input: [4, 6, 8]\nlayers: [{type: conv2d, out_channels: 2, kernel_size: [3, 5], dilation: [1, 2], padding: 0}]",
        2,
        55,
        "shape",
        "conv2d's kernel covers 9 positions (5 with dilation 2) along the width, but the input has only 8; use a smaller kernel_size, more padding, a larger input, or fewer strides before this layer",
    ),
    (
        "input: [4, $a, 6.5]\nparams: {a: 3}\nlayers: [{type: relu}]",
        1,
        8,
        "bad-input",
        "'input' must be a list of whole numbers; write [channels, height, width], for example [3, 224, 224]; or [features], [channels, length], [channels, depth, height, width]",
    ),
    ("input: [4, $b, 6]\nlayers: [{type: relu}]", 1, 13, "unknown-param", "there is no param 'b' here"),
    ("input: [4, 0, 6]\nlayers: [{type: relu}]", 1, 8, "bad-input", "the sizes of 'input' must be at least 1"),
    (
        "input: [4, 6, true]\nlayers: [{type: relu}]",
        1,
        8,
        "bad-input",
        "'input' must be a list of whole numbers; write [channels, height, width], for example [3, 224, 224]; or [features], [channels, length], [channels, depth, height, width]",
    ),
    (
        "input: [16777217]\nlayers: [{type: linear, out_features: 1}]",
        1,
        8,
        "bad-input",
        "'input' has too many channels; at most 16,777,216 are allowed",
    ),
    (
        "input: [1, 3, 224, 224]\nlayers: [{type: max_pool2d, kernel_size: 2}]",
        2,
        10,
        "shape",
        "max_pool2d needs a map of two axes (channels x height x width), but its input 1x3x224x224 has three axes: channels x depth x height x width; leave the 1 out if it is a batch, or use max_pool3d",
    ),
    (
        "input: [1, 3, 9, 224, 226]\nlayers: [{type: relu}]",
        1,
        8,
        "bad-input",
        "'input' has 5 numbers; without the batch [3, 9, 224, 226]; write [channels, height, width], for example [3, 224, 224]; or [features], [channels, length], [channels, depth, height, width]",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: dropout, inplace: 1}",
        3,
        30,
        "wrong-value",
        "dropout: 'inplace' must be true or false, not the number 1",
    ),
    (
        "input: [4, 6, 8]\nlayers:\n  - {type: conv2d, out_channels: 2, kernel_size: 3, stride: 0}",
        3,
        61,
        "wrong-value",
        "conv2d: 'stride' must be a whole number from 1 to 16777216, or a pair of them ([height, width]), not the number 0",
    ),
    (
        "input: [16777217, 1, 1]\nlayers: [{type: relu}]",
        1,
        8,
        "bad-input",
        "'input' has too many channels; at most 16,777,216 are allowed",
    ),
    (
        "input: [4, 65537, 6]\nlayers: [{type: relu}]",
        1,
        8,
        "bad-input",
        "'input' is too large; at most 65,536 positions along an axis are allowed",
    ),
    (
        "input: []\nlayers: [{type: relu}]",
        1,
        8,
        "bad-input",
        "'input' has 0 numbers; write [channels, height, width], for example [3, 224, 224]; or [features], [channels, length], [channels, depth, height, width]",
    ),
]


def test_what_is_said_and_where() -> None:
    check_each(PROBLEMS, check_said)


def check_said(case: tuple[str, int, int, str, str]) -> None:
    text, line, column, code, message = case
    with pytest.raises(ConfigError) as caught:
        loads(text)
    (problem,) = caught.value.problems
    assert problem.place is not None
    assert (problem.message, problem.code) == (message, code)
    assert (problem.place.line + 1, problem.place.column + 1) == (line, column)


def test_what_leads_to_a_problem_begins_with_the_nearest() -> None:
    text = """
        input: [4, 8, 8]
        blocks:
          unit: {layers: [{type: residual, body: [{type: conv2d, out_channels: 8, kernel_size: 3, stride: 2}]}]}
          outer: {layers: [{use: unit}]}
        layers: [{type: relu}, {name: a, use: outer}]
    """
    with pytest.raises(ConfigError) as caught:
        loads(text)
    (problem,) = caught.value.problems
    assert list(problem.trail) == [
        "body: 4x8x8 (input) -> 8x3x3 (conv2d, line 4)",
        "shortcut: 4x8x8 (relu, line 6)",
        "in block 'unit', used at line 5",
        "in block 'outer', used by a at line 6",
    ]


@pytest.mark.parametrize("types", in_chunks(layer_types()))
def test_what_a_value_must_be_is_never_said_in_the_words_of_pydantic(types: list[str]) -> None:
    check_each(types, check_words)


def check_words(layer_type: str) -> None:
    cls = find_layer(layer_type)
    assert cls is not None
    said: list[str] = []
    for option, value in product(cls.model_fields, ("true", "-1", "1.5", "x", "null", "[1, x, 2]", "{a: 1}", "1e30")):
        try:
            loads(f"input: [4, 8, 8]\nlayers: [{{type: {layer_type}, {option}: {value}}}]")
        except ConfigError as error:
            said += [problem.message for problem in error.problems]
    assert not [message for message in said if "nput should" in message]


def test_other_mistakes_of_an_item_are_told_beside_an_expression_at_fault() -> None:
    options = "out_channels: $wide, kernel_size: 1, norm: batch_norm2d, activation: relu, strid: 2"
    with pytest.raises(ConfigError) as caught:
        loads(f"input: [4, 6, 8]\nlayers: [{{type: conv2d, {options}}}]")
    assert [problem.message.partition("; ")[0] for problem in caught.value.problems] == [
        "there is no param 'wide' here",
        "conv2d has no option 'strid'",
    ]


def test_a_param_is_of_its_defaults_kind() -> None:
    text = "input: [4, 6, 8]\nparams: {a: 1, b: true, c: x, d: [1, 2], e: {k: 1}}\nlayers: [{type: relu}]"
    values: dict[str, Any] = {"a": 2.5, "b": False, "c": "3", "d": [3], "e": {"n": 2}}
    loads(text, **values)
    kinds = {"a": "number", "b": "boolean", "c": "text", "d": "list", "e": "mapping"}
    for name, wanted in kinds.items():
        for other in kinds.keys() - {name}:
            with pytest.raises(ConfigError) as caught:
                loads(text, **{name: values[other]})
            assert f"the param '{name}' must be a {wanted}" in caught.value.problems[0].message


@pytest.mark.parametrize("length", [100, 159, 160, 161, 162, 214, 400])
def test_the_marker_stands_under_what_is_meant(length: int) -> None:
    """A long line is cut around it, with dots where something is left out; 160 characters are shown."""
    line = "".join(chr(0x4E00 + number) for number in range(length))  # no two are alike
    for start in (0, 1, 52, 53, 54, 55, 60, 105, 106, 107, length // 2, length - 2, length - 1):
        place = Place(Source("x.yaml", f"first\n{line}\n"), 1, start, 1, start + 2)
        _, shown, marker = Problem("message", Code.SHAPE, place).render().splitlines()
        prefix, shown, marker = shown[:8], shown[8:], marker[8:]
        assert prefix == "    2 | "
        at, width = marker.index("^"), len(marker.strip())
        assert shown[at : at + width] == line[start : start + 2]
        bare = shown.removeprefix("...").removesuffix("...")
        assert len(bare) == min(length, 160)
        assert shown.startswith("...") == (not line.startswith(bare))
        assert shown.endswith("...") == (not line.endswith(bare))


def test_each_figure_has_one_problem(tmp_path: Path) -> None:
    """A 1x1 convolution of 3 channels to 2 on 4x5 positions: 6 + 2 params, 6 x 20 MACs."""
    figures = "{macs: $(1 + 1), param: 8, params: [8, 8], buffers: 0, flops: 240, activations: 40}"
    layers = "layers: [{type: conv2d, out_channels: 2, kernel_size: 1}]"
    (tmp_path / "net.yaml").write_text(f"input: [3, 4, 5]\nexpect: {figures}\n{layers}\n")
    assert [(problem.message, problem.code) for problem in validate(str(tmp_path / "net.yaml")).problems] == [
        (
            "'expect' takes plain figures and limits, no expressions; a variant has an 'expect' of its own",
            "wrong-value",
        ),
        ("'expect' has no figure 'param'; did you mean 'params'?", "unknown-option"),
        ("expect: 'params' is a whole number, or a limit such as '<= 60M', not a list of 2", "wrong-type"),
        ("net: expected flops 240, but it is 280", "expect"),
    ]


def test_names_inside_paths_begin_with_the_paths_number() -> None:
    graph = loads("""
        input: [4, 8, 8]
        layers:
          - {name: b, type: branches, paths: [[{name: x, type: relu}], [{name: y, type: tanh}]]}
          - {name: p, type: sigmoid, from: b.branch1.x}
          - {name: q, type: sigmoid, from: b.branch2.y}
        outputs: [b, p, q]
    """).graph
    assert [(graph.nodes[node.inputs[0]].path, node.path) for node in graph.nodes[4:]] == [
        ("b.branch1.x", "p"),
        ("b.branch2.y", "q"),
    ]


# By the layer or option that is meant: how other libraries write it.
ELSEWHERE = {
    "linear": ("Dense", "dense", "FC", "torch.nn.Linear(10, 10)"),
    "conv_transpose2d": ("Conv2DTranspose", "deconv", "Deconv2D", "nn.ConvTranspose2d"),
    "max_pool2d": ("MaxPooling2D", "maxpool", "MaxPool2d"),
    "adaptive_avg_pool2d": ("GlobalAveragePooling2D", "GAP"),
    "silu": ("swish", "Swish", "SiLU"),
    "concat": ("Concatenate", "cat"),
    "batch_norm2d": ("BatchNorm", "BN", "nn.BatchNorm2d(64)", "batch_normalization"),
    "stochastic_depth": ("DropPath", "drop_path", "torchvision.ops.StochasticDepth"),
    "leaky_relu": ("LeakyReLU", "nn.LeakyReLU(0.1)"),
    "out_channels": ("filters", "channels"),
    "kernel_size": ("kernel", "pool_size", "kernelsize", "kernel_sizes"),
    "stride": ("strides",),
}


@pytest.mark.parametrize("meant", ELSEWHERE)
def test_names_of_other_libraries(meant: str) -> None:
    known = layer_types() if find_layer(meant) is not None else ["out_channels", "kernel_size", "stride", "padding"]
    assert {word: closest(word, known) for word in ELSEWHERE[meant]} == dict.fromkeys(ELSEWHERE[meant], meant)


SHAPES = [
    ("padding: [1, true, 0, 0]", "zero_pad2d: 'padding' must be a whole number, or four of them"),
    ("padding: [1, 2, x, 0]", "zero_pad2d: 'padding' must be a whole number, or four of them"),
    ("padding: [1, 2, 3]", "zero_pad2d: 'padding' must be a whole number, or four of them"),
    ("padding: [16777217, 0, 0, 0]", "zero_pad2d: 'padding' must be a whole number, or four of them"),
    ("padding: [0, 0, -3, -3]", "zero_pad2d cuts more from the 4x6x8 map than it has"),
    ("padding: [-4, -4, 0, 0]", "zero_pad2d cuts more from the 4x6x8 map than it has"),
    ("padding: [-9, 9, 0, 0]", "zero_pad2d cuts more from the 4x6x8 map than it has"),
]


@pytest.mark.parametrize(("padding", "message"), SHAPES)
def test_paddings(padding: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(f"input: [4, 6, 8]\nlayers: [{{type: zero_pad2d, {padding}}}]")
    assert caught.value.problems[0].message.startswith(message)


def test_a_window_that_fits_nowhere_says_what_there_is() -> None:
    pool = "input: [4, 6, 8]\nlayers: [{type: max_pool2d, kernel_size: [3, 11], padding: [0, 1]}]"
    with pytest.raises(ConfigError, match=r"covers 11 positions along the width, but the input has only 8 \+ 2 of pad"):
        loads(pool)
    loads(pool.replace("11", "10"))


def test_an_error_reads_as_its_problems() -> None:
    with pytest.raises(ConfigError) as caught:
        loads("input: [4, 6, 8]\nlayers: [{type: rely}, {type: sigmoyd}]")
    first, second = caught.value.problems
    assert str(caught.value) == f"{first.render()}\n{second.render()}"
    assert first.render().splitlines()[0].startswith("<config>:2:")


def test_long_keys_are_cut() -> None:
    for letters, shown in ((60, "k" * 60), (61, "k" * 57 + "...")):
        with pytest.raises(ConfigError, match=f"'{re.escape(shown)}' is written twice"):
            loads(f"input: [4, 6, 8]\n{'k' * letters}: 1\n{'k' * letters}: 2\nlayers: [{{type: relu}}]")


ITEMS = [
    "{type: conv2d, out_channels: 2, kernel_size: 1, init: {weight: zeros, bias: {type: ones}}}",
    "{type: conv2d, out_channels: 2, kernel_size: 1, init: {weigth: zeros}}",
    "{type: conv2d, out_channels: 2, kernel_size: 1, init: default}",
    "{type: relu, init: default}",
    "{type: conv2d, out_channels: 2}",
    "{type: conv2d, out_channels: 2, kernel_size: 1, norm: batch_norm2d, activation: {type: relu6}}",
    "{type: conv2d, out_channels: 2, kernel_size: 1, norm: relu}",
    "{type: max_pool2d, kernel_size: 2, norm: batch_norm2d}",
    "{type: add, with: first}",
    "{type: add, with: [first]}",
    "{type: add}",
    "{type: add, with: []}",
    "{type: relu, with: [first]}",
    "{type: residual, body: [{type: relu}]}",
    "{type: residual, body: [{type: relu}], shortcut: project}",
    "{type: residual, body: [{type: relu}], shortcuts: project}",
    "{type: residual}",
    "{type: branches, paths: [[], [{type: relu}]], merge: add}",
    "{type: branches, paths: [[], {type: relu}]}",
    "{type: branches, paths: []}",
    "{type: branches, paths: [[], []], merge: mean}",
    "{type: branches, paths: [[], []], merges: add}",
    "{use: unit}",
    "{use: unit, type: relu}",
    "{name: b}",
    "{type: relu, repeat: 2, name: b}",
    "{type: relu, repeats: 2}",
]


def test_the_schema_takes_what_is_built() -> None:
    check_each(ITEMS, check_schema)


def check_schema(item: str) -> None:
    text = f"input: [4, 6, 8]\nblocks: {{unit: {{layers: [{{type: relu}}]}}}}\nlayers: [{{name: first, type: relu}}, {item}]"
    try:
        loads(text)
    except ConfigError:
        is_built = False
    else:
        is_built = True
    assert validator().is_valid(yaml.safe_load(text)) == is_built


INPUTS_AND_FIGURES: list[tuple[Sequence[float], str]] = [
    *((sizes, "params: 0") for sizes in ([], [3], [3, 8], [3, 8, 8], [3, 8, 8, 8], [3, 8, 8, 8, 8], [0], [3.5])),
    *(([3] * (1 + axes), f"{key}: {[1] * axes}") for axes in (1, 2, 3) for key in ("stride", "receptive_field")),
    ([3, 8], "receptive_field: 1"),
    ([3, 8], "receptive_field: global"),
    ([3, 8], "receptive_field: whole"),
    ([3, 8], "receptive_field: []"),
    ([3, 8], "receptive_field: [1, 1, 1, 1]"),
    ([3, 8], "stride: 1.5"),
    ([3, 8], "params: [1]"),
    ([3, 8], "parms: 1"),
    ([3, 8], "params: '<= 0.5M'"),
    ([3, 8], "params: '>= 1 and <= 0.5M'"),
    ([3, 8], "params: 0.5M"),
    ([3, 8], "macs: '<= 8 MiB'"),
    ([3, 8], "memory.inference_peak: <= 300 KiB"),
    ([3, 8], "memory.inference_peak: 300 KiB"),
    ([3, 8], "memory.inference_peak: 300"),
    ([3, 8], "memory.inference_peak: <= 300"),
    ([3, 8], "memory: <= 300 KiB"),
    ([3, 8], "receptive_field: '>= 1'"),
    ([3, 8], "receptive_field: ['>= 1']"),
    ([3, 8, 8], "receptive_field: ['>= 1', global]"),
    ([3, 8, 8], "stride: [1.5, <= 2]"),
    ([3, 8, 8], "stride: [1.5, =< 2]"),
    ([3, 8], "activations: ['<= 3k']"),
]


def test_the_schema_takes_the_inputs_and_figures_that_are_read(tmp_path: Path) -> None:
    def check(case: tuple[Sequence[float], str]) -> None:
        sizes, figure = case
        text = f"input: {sizes}\nlayers: [{{type: relu}}]\nexpect: {{{figure}}}\n"
        path = tmp_path / "net.yaml"
        path.write_text(text)
        refused = [problem for problem in validate(str(path)).problems if problem.code not in (Code.EXPECT, Code.LIMIT)]
        assert validator().is_valid(yaml.safe_load(text)) == (not refused)

    check_each(INPUTS_AND_FIGURES, check)


def test_the_schema_describes_a_layer_in_one_paragraph() -> None:
    definitions = config_schema()["definitions"]
    for name in layer_types():
        cls = find_layer(name)
        assert cls is not None
        assert cls.__doc__ is not None
        first = cls.__doc__.splitlines()[0]
        assert definitions[name]["description"].startswith(first)
        assert "\n\n" not in definitions[name]["description"]


LISTS = [
    ("adaptive_avg_pool2d, output_size: {}", 2),
    ("zero_pad2d, padding: {}", 4),
    ("max_pool2d, kernel_size: {}", 2),
    ("conv2d, out_channels: 1, kernel_size: 3, padding: {}", 2),
    ("max_pool1d, kernel_size: {}", 1),
    ("conv3d, out_channels: 1, kernel_size: 3, stride: {}", 3),
    ("zero_pad3d, padding: {}", 6),
]


@pytest.mark.parametrize(("layer", "length"), LISTS)
def test_the_schema_takes_lists_of_the_right_length_only(layer: str, length: int) -> None:
    for count in range(1, 8):
        text = "{type: " + layer.format([1] * count) + "}"
        config = {"input": [4, 6, 8], "layers": [yaml.safe_load(text)]}
        assert validator().is_valid(config) == (count == length), text
