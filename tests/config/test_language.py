"""What the language means: paths, wiring, blocks, repetition, conditions, joins, variants, extends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.diagnostics.problem import ConfigError


def network(text: str, **params: Any) -> Network:
    return loads(text if "input:" in text else f"input: [4, 16, 16]\n{text}", **params)


def lines(built: Network) -> list[str]:
    """Each layer as `path type inputs shape`."""
    nodes = built.graph.nodes
    return [
        f"{node.path} {node.layer.type} <- {','.join(nodes[i].path for i in node.inputs)} "
        f"{'x'.join(map(str, node.shape))}"
        for node in built.graph.layers
    ]


def paths(built: Network) -> list[str]:
    return [node.path for node in built.graph.layers]


def test_a_convolution_with_norm_and_activation_becomes_three_layers() -> None:
    built = network("layers: [{type: conv2d, out_channels: 8, kernel_size: 1, norm: batch_norm2d, activation: relu}]")
    assert lines(built) == [
        "conv conv2d <- input 8x16x16",
        "bn batch_norm2d <- conv 8x16x16",
        "relu relu <- bn 8x16x16",
    ]
    conv, bn, relu = (node.layer for node in built.graph.layers)
    assert conv.torch_arguments()["bias"] is False
    assert bn.torch_arguments()["eps"] == 1e-5
    assert relu.runtime(((8, 16, 16),), (8, 16, 16)).storage == "inplace"


def test_options_of_norm_and_activation_and_a_written_bias() -> None:
    built = network(
        "layers: [{type: conv2d, out_channels: 8, kernel_size: 1, bias: true, norm: {type: batch_norm2d, eps: 0.001},"
        " activation: {type: relu, inplace: false}}]"
    )
    conv, bn, relu = (node.layer for node in built.graph.layers)
    assert conv.torch_arguments()["bias"] is True
    assert bn.torch_arguments()["eps"] == 0.001
    assert relu.runtime(((8, 16, 16),), (8, 16, 16)).storage == "new"


def test_unnamed_layers_are_numbered_where_there_are_several() -> None:
    built = network("layers: [{type: relu}, {type: dropout}, {type: relu}, {name: relu3, type: relu}, {type: relu}]")
    assert paths(built) == ["relu1", "dropout", "relu2", "relu3", "relu4"]


def test_named_items_are_scopes_where_they_become_several_layers() -> None:
    built = network(
        "layers:\n"
        "- {name: stem, type: conv2d, out_channels: 8, kernel_size: 1, activation: relu}\n"
        "- {name: body, type: conv2d, out_channels: 8, kernel_size: 1, repeat: 2}\n"
        "- {name: tail, type: conv2d, out_channels: 8, kernel_size: 1, activation: relu, repeat: 2}\n"
        "- {type: relu, repeat: 2}\n"
    )
    assert paths(built) == [
        *("stem.conv", "stem.relu", "body.0", "body.1"),
        *("tail.0.conv", "tail.0.relu", "tail.1.conv", "tail.1.relu", "relu1", "relu2"),
    ]


BLOCK = """
params: {base: 8}
blocks:
  unit:
    params: {width: , stride: 1, wide: $(2 * width)}
    layers:
      - {type: conv2d, out_channels: $width, kernel_size: 3, stride: $stride, padding: auto}
      - {type: conv2d, out_channels: $(wide + base - block_in + in_channels), kernel_size: 1}
"""


def test_blocks_params_first_and_channel_names() -> None:
    items = "- {name: a, use: unit, width: 8, repeat: 2, first: {stride: 2}}\n- {use: unit, width: 4}"
    built = network(f"{BLOCK}layers:\n{items}")
    # second convolution: wide + base - block_in + in_channels
    assert lines(built) == [
        "a.0.conv1 conv2d <- input 8x8x8",
        "a.0.conv2 conv2d <- a.0.conv1 28x8x8",  # 16 + 8 - 4 + 8
        "a.1.conv1 conv2d <- a.0.conv2 8x8x8",
        "a.1.conv2 conv2d <- a.1.conv1 4x8x8",  # 16 + 8 - 28 + 8
        "unit.conv1 conv2d <- a.1.conv2 4x8x8",
        "unit.conv2 conv2d <- unit.conv1 16x8x8",  # 8 + 8 - 4 + 4
    ]


def test_a_block_sees_nothing_of_its_caller() -> None:
    text = (
        "blocks:\n  inner: {layers: [{type: conv2d, out_channels: $width, kernel_size: 1}]}\n"
        "  outer: {params: {width: 8}, layers: [{use: inner}]}\nlayers: [{use: outer}]"
    )
    with pytest.raises(ConfigError, match="no param 'width' here"):
        network(text)


def test_index_counts_repetitions_and_when_leaves_out() -> None:
    built = network(
        "params: {deep: false}\nlayers:\n"
        "- {type: conv2d, out_channels: $(4 + 2 * index), kernel_size: 1, repeat: 3}\n"
        "- {type: relu, when: $deep}\n- {type: dropout, when: $(not deep)}\n- {type: relu, repeat: 0}"
    )
    assert lines(built)[:3] == [
        "conv1 conv2d <- input 4x16x16",
        "conv2 conv2d <- conv1 6x16x16",
        "conv3 conv2d <- conv2 8x16x16",
    ]
    assert paths(built)[3:] == ["dropout"]


def test_from_and_joins_name_earlier_items() -> None:
    built = network(
        "layers:\n- {name: a, type: relu}\n- {name: b, type: conv2d, out_channels: 4, kernel_size: 1}\n"
        "- {name: c, type: sigmoid, from: a}\n- {name: d, type: concat, with: [a, b]}\n"
        "- {type: concat, from: a, with: [b, c]}\n- {type: add, with: d}\n"
    )
    assert lines(built) == [
        "a relu <- input 4x16x16",
        "b conv2d <- a 4x16x16",
        "c sigmoid <- a 4x16x16",
        "d concat <- c,a,b 12x16x16",
        "cat concat <- a,b,c 12x16x16",
        "add add <- cat,d 12x16x16",
    ]


def test_names_reach_into_named_items() -> None:
    built = network(
        "blocks:\n  unit: {layers: [{name: x, type: relu}, {name: y, type: sigmoid}]}\nlayers:\n"
        "- {name: s, use: unit, repeat: 2}\n- {name: one, use: unit}\n- {type: add, with: [s, s.0, s.1.x, one.x]}"
    )
    assert lines(built)[-1] == "add add <- one.y,s.1.y,s.0.y,s.1.x,one.x 4x16x16"


RESIDUAL = "- type: residual\n  shortcut: {shortcut}\n  body:\n  - {{type: conv2d, out_channels: {channels}, {rest}}}\n"


def residual(shortcut: str, channels: int, rest: str = "kernel_size: 3, padding: 1, norm: batch_norm2d") -> Network:
    return network("layers:\n" + RESIDUAL.format(shortcut=shortcut, channels=channels, rest=rest))


def test_identity_shortcut() -> None:
    assert lines(residual("identity", 4))[-1] == "add add <- bn,input 4x16x16"


def test_projection_takes_the_bodys_stride_channels_and_norm() -> None:
    built = residual("project", 8, "kernel_size: 3, padding: 1, stride: [2, 1], norm: {type: batch_norm2d, eps: 0.01}")
    assert lines(built)[-3:] == [
        "shortcut.conv conv2d <- input 8x8x16",
        "shortcut.bn batch_norm2d <- shortcut.conv 8x8x16",
        "add add <- bn,shortcut.bn 8x8x16",
    ]
    conv, norm = (node.layer.torch_arguments() for node in built.graph.layers[2:4])
    assert (conv["kernel_size"], conv["stride"], conv["bias"]) == ((1, 1), (2, 1), False)
    assert norm["eps"] == 0.01


def test_projection_without_a_norm_has_a_bias_and_equal_shapes_need_none() -> None:
    built = residual("project", 8, "kernel_size: 1")
    assert built.graph.layers[1].layer.torch_arguments()["bias"] is True
    assert paths(residual("project", 4)) == ["conv", "bn", "add"]


def test_projection_where_a_stride_leaves_the_size_alone() -> None:
    # torchvision projects wherever there is a stride, also on a map of one position
    built = network(
        "input: [4, 1, 1]\nlayers:\n"
        + RESIDUAL.format(shortcut="project", channels=4, rest="kernel_size: 1, stride: 2")
    )
    assert paths(built) == ["conv", "shortcut.conv", "add"]


@pytest.mark.parametrize(
    ("size", "layer"),
    [
        ("4", "{type: linear, out_features: 4, norm: batch_norm1d}"),
        ("4, 8", "{type: conv1d, out_channels: 4, kernel_size: 3, padding: 1, norm: batch_norm1d}"),
        ("4, 8, 8", "{type: conv2d, out_channels: 4, kernel_size: 3, padding: 1, norm: batch_norm2d}"),
        ("4, 8, 8, 8", "{type: conv3d, out_channels: 4, kernel_size: 3, padding: 1, norm: batch_norm3d}"),
    ],
)
@pytest.mark.parametrize("shortcut", ["project", "if_same"])
def test_equal_shapes_need_no_projection_over_any_axes(size: str, layer: str, shortcut: str) -> None:
    text = f"input: [{size}]\nlayers: [{{type: residual, shortcut: {shortcut}, body: [{layer}]}}]\n"
    assert paths(loads(text)) == ["fc" if "linear" in layer else "conv", "bn", "add"]


def test_if_same_adds_only_equal_maps() -> None:
    assert paths(residual("if_same", 4)) == ["conv", "bn", "add"]
    assert paths(residual("if_same", 8)) == ["conv", "bn"]


def test_a_shortcut_of_layers_and_an_empty_one() -> None:
    built = residual("[{type: relu}, {type: identity}]", 4)
    assert paths(built) == ["shortcut.relu", "shortcut.identity", "conv", "bn", "add"]
    assert paths(residual("[]", 4)) == ["conv", "bn", "add"]


def test_body_and_shortcut_stand_in_the_order_in_which_they_are_written() -> None:
    """The order of modules is that of a state dict, which PyTorch code chooses freely."""
    body, shortcut = "  body: [{type: tanh}]\n", "  shortcut: [{type: relu}]\n"
    head = "layers:\n- type: residual\n"
    first, behind = network(head + shortcut + body), network(head + body + shortcut)
    assert lines(first) == [
        "shortcut.relu relu <- input 4x16x16",
        "tanh tanh <- input 4x16x16",
        "add add <- tanh,shortcut.relu 4x16x16",
    ]
    assert lines(behind) == [
        "tanh tanh <- input 4x16x16",
        "shortcut.relu relu <- input 4x16x16",
        "add add <- tanh,shortcut.relu 4x16x16",
    ]


def test_branches_concat_identity_and_single_layers() -> None:
    built = network("layers:\n- type: branches\n  paths:\n  - [{type: relu}, {type: relu}]\n  - []\n  - {type: tanh}\n")
    assert lines(built) == [
        "branch1.relu1 relu <- input 4x16x16",
        "branch1.relu2 relu <- branch1.relu1 4x16x16",
        "branch2.tanh tanh <- input 4x16x16",
        "cat concat <- branch1.relu2,input,branch2.tanh 12x16x16",
    ]


def test_split_shares_the_channels() -> None:
    built = network("layers:\n- type: branches\n  split: true\n  paths: [[], [{type: relu}]]\n")
    assert lines(built) == [
        "split1 narrow <- input 2x16x16",
        "split2 narrow <- input 2x16x16",
        "branch.relu relu <- split2 2x16x16",
        "cat concat <- split1,branch.relu 4x16x16",
    ]


@pytest.mark.parametrize(
    ("outputs", "form", "expected"),
    [
        ("", "single", [("output", "c")]),
        ("outputs: b", "single", [("b", "b")]),
        ("outputs: [c, a]", "tuple", [("c", "c"), ("a", "a")]),
        ("outputs: {main: c, aux: a}", "dict", [("main", "c"), ("aux", "a")]),
    ],
)
def test_outputs(outputs: str, form: str, expected: list[tuple[str, str]]) -> None:
    layers = ["a: relu", "b: tanh", "c: elu"][: 2 if outputs == "outputs: b" else 3]
    items = "\n".join(f"- {{name: {item[0]}, type: {item[3:]}}}" for item in layers)
    graph = network(f"layers:\n{items}\n{outputs}").graph
    assert graph.output_form == form
    assert [(label, graph.nodes[i].path) for label, i in graph.outputs] == expected


VARIANTS = """
input: [3, $size, $size]
params: {size: 8, width: 4, double: $(2 * width), act: relu}
variants:
  big: {width: 16}
  other: {act: tanh, input: [1, 4, 4]}
layers: [{type: conv2d, out_channels: $double, kernel_size: 1, activation: $act}]
"""


def test_variants_params_and_settings(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(VARIANTS)
    assert lines(load(path)) == ["conv conv2d <- input 8x8x8", "relu relu <- conv 8x8x8"]
    assert load(f"{path}@big").graph.nodes[1].shape == (32, 8, 8)
    assert load(f"{path}@big").name == "big"
    assert lines(load(f"{path}@other")) == ["conv conv2d <- input 8x4x4", "tanh tanh <- conv 8x4x4"]
    assert load(f"{path}@big", double=5, size=9).graph.nodes[1].shape == (5, 9, 9)
    assert load(path, input=(3, 5, 6)).graph.nodes[1].shape == (8, 5, 6)


def test_use_and_type_can_be_params() -> None:
    text = (
        "params: {block: plain, act: relu}\nblocks:\n  plain: {layers: [{type: $act}]}\n"
        "  deep: {layers: [{type: $act}, {type: $act}]}\nlayers: [{name: n, use: $block}]"
    )
    assert paths(network(text)) == ["n.relu"]
    assert lines(network(text, block="deep", act="tanh"))[0].startswith("n.tanh1 tanh")


BASE = """
input: [3, 8, 8]
params: {width: 4, classes: 10}
variants: {wide: {width: 8}}
blocks:
  unit: {layers: [{type: relu}]}
layers:
  - {name: stem, type: conv2d, out_channels: $width, kernel_size: 3}
  - type: residual
    body: [{name: inner, type: conv2d, out_channels: $width, kernel_size: 1}]
  - {use: unit}
expect: {params: 1}
"""


def extended(tmp_path: Path, text: str, base: str = BASE) -> Network:
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "mine.yaml").write_text("extends: base.yaml\n" + text)
    return load(tmp_path / "mine.yaml")


def test_extends_gives_params_and_arguments(tmp_path: Path) -> None:
    layers = "layers: {stem: {kernel_size: 1, stride: 2}, inner: {groups: 2}}"
    built = extended(tmp_path, f"params: {{width: 6}}\n{layers}\ninput: [3, 9, 9]")
    assert built.name == "mine"
    assert built.graph.nodes[1].shape == (6, 5, 5)
    assert built.graph.nodes[2].layer.torch_arguments()["groups"] == 2
    assert not built.document.variants
    assert built.document.expect is None


def test_extends_replaces_lists_and_blocks(tmp_path: Path) -> None:
    built = extended(tmp_path, "params: {more: 2}\nlayers: [{use: unit, repeat: $more}]")
    assert paths(built) == ["unit1.relu", "unit2.relu"]
    built = extended(tmp_path, "blocks: {unit: {layers: [{type: tanh}]}}")
    assert paths(built)[-1] == "unit.tanh"


def test_extends_a_preset() -> None:
    built = loads("extends: resnet\nparams: {num_classes: 10}")
    assert built.graph.layers[-1].shape == (10,)


def test_expected_paths_of_resnet50() -> None:
    found = paths(load("resnet50"))
    assert {"layer1.0.conv1", "layer1.0.bn3", "layer1.0.add", "layer1.1.add", "layer4.2.conv3", "fc"} <= set(found)


def test_layers_are_shared_between_repetitions() -> None:
    built = load("resnet152")
    assert len({id(node.layer) for node in built.graph.layers}) < len(built.graph.layers) / 4


def test_a_long_chain_of_in_place_layers_is_checked_in_one_pass() -> None:
    text = "layers: [{type: conv2d, out_channels: 4, kernel_size: 1}, {type: relu, inplace: true, repeat: 10000}]"
    assert len(network(text).graph.layers) == 10_001


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layers: [{type: relu, inplace: true}]", "is the network's input"),
        ("layers: [{type: flatten}, {type: relu, inplace: true}]", "is the network's input"),
        ("layers: [{name: a, type: relu}, {type: relu, inplace: true}, {type: add, with: [a]}]", "read by 'add'"),
        ("layers: [{name: a, type: relu}, {name: b, type: relu, inplace: true}]\noutputs: [a, b]", "is an output"),
        (
            "layers: [{name: a, type: relu}, {type: dropout}, {type: relu, inplace: true}, {type: add, with: [a]}]",
            "read by 'add'",
        ),
    ],
)
def test_an_in_place_layer_must_be_alone(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        network(text)


def test_a_residual_with_an_empty_body_doubles_its_input() -> None:
    assert lines(network("layers: [{type: residual, body: []}]")) == ["add add <- input,input 4x16x16"]


def test_a_block_may_have_any_name_also_one_that_modules_use() -> None:
    built = network("blocks: {double: {layers: [{type: relu}]}}\nlayers: [{use: double}, {name: a, use: double}]")
    assert paths(built) == ["block.relu", "a.relu"]


def test_dropout_in_place_must_be_alone_too() -> None:
    body = "- type: residual\n  body: [{type: dropout, inplace: true}]"
    text = f"layers:\n- {{name: c, type: conv2d, out_channels: 4, kernel_size: 1}}\n{body}"
    with pytest.raises(ConfigError, match="read by 'add'"):
        network(text)


def test_null_is_a_value_for_a_block_param_with_a_default() -> None:
    text = (
        "blocks: {b: {params: {act: relu}, layers: [\n"
        "  {type: conv2d, out_channels: 4, kernel_size: 1, activation: $act}]}}\n"
        "layers: [{name: x, use: b, act: null}, {name: y, use: b}]"
    )
    assert paths(network(text)) == ["x.conv", "y.conv", "y.relu"]


def test_branches_with_one_path_need_no_join() -> None:
    assert paths(network("layers: [{type: branches, merge: add, paths: [[{type: relu}]]}]")) == ["branch.relu"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layers: [{type: residual, first: {stride: 2}, body: [{type: relu}]}]", "'first' gives arguments"),
        ("input: [3]\nlayers: [{type: branches, paths: [[], []], repeat: 1200}]", "elements are allowed"),
        ("layers: [{type: celu, alpha: 0.0}]", "must not be 0"),
        ("layers: [{type: rrelu, lower: 2.0, upper: 1.0}]", "must be at least lower"),
        ("layers: [{type: relu}] # \ud800", "no text"),
    ],
)
def test_refused_with_a_reason(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        network(text)


def test_index_ends_with_its_repetition_also_where_that_fails() -> None:
    text = "layers:\n- {type: branches, repeat: 2, paths: 3}\n- {type: relu, repeat: $(index)}\n"
    with pytest.raises(ConfigError) as caught:
        network(text)
    assert [problem.message.split(";")[0] for problem in caught.value.problems] == [
        "'paths' must be a list of layers, not the number 3",
        "there is no param 'index' here",
    ]


def test_index_of_a_repetition_inside_a_repetition() -> None:
    body = "{type: conv2d, out_channels: $(4 + index), kernel_size: 1, repeat: 2}"
    last = "{type: conv2d, out_channels: $(8 + index), kernel_size: 1}"
    built = network(f"layers:\n- {{type: branches, repeat: 2, paths: [[{body}, {last}]]}}\n")
    assert [node.shape[0] for node in built.graph.layers] == [4, 5, 8, 4, 5, 9]


def test_outputs_that_are_not_inherited_can_be_the_last_layer(tmp_path: Path) -> None:
    built = extended(tmp_path, "layers: [{type: relu}]\noutputs:", BASE + "outputs: stem\n")
    assert [built.graph.nodes[index].path for _, index in built.graph.outputs] == ["relu"]


def test_problems_name_the_extended_file_as_it_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "base.yaml").write_text(BASE)
    (tmp_path / "mine.yaml").write_text("extends: below/base.yaml\nparams: {width: 0}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load("mine.yaml")
    place = caught.value.problems[0].place
    assert place is not None
    assert Path(place.source.name).read_text() == BASE
    assert caught.value.problems[0].trail == ("extended by mine.yaml at line 1",)


def test_no_repetition_of_a_block_whose_name_is_none() -> None:
    with pytest.raises(ConfigError, match="there is no layer type 'no'"):
        network("params: {what: {a: 1}}\nlayers: [{name: s, use: $what, repeat: 0}, {type: no}]")


@pytest.mark.parametrize(
    "item",
    [
        "type: tanh",
        "type: tanh, repeat: 2",
        "type: conv2d, out_channels: 3, kernel_size: 1, norm: batch_norm2d",
        "type: squeeze_excitation, squeeze_channels: 2",
        "use: unit",
        "use: unit, repeat: 2",
        "type: residual, body: [{type: tanh}]",
        "type: residual, body: [{type: tanh}], repeat: 2",
        "type: branches, merge: add, paths: [[{type: tanh}], []]",
    ],
)
def test_a_written_name_is_kept_and_the_others_are_numbered(item: str) -> None:
    network = loads(
        "input: [3, 4, 4]\nblocks: {unit: {layers: [{type: tanh}, {type: elu}]}}\n"
        f"layers: [{{type: relu}}, {{name: relu, {item}}}, {{type: relu}}]"
    )
    first, *inner, last = [node.path for node in network.graph.layers]
    assert (first, last) == ("relu1", "relu2")
    assert {path.partition(".")[0] for path in inner} == {"relu"}
