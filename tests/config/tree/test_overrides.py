"""What extending configs make of named items, and blocks that are networks of other configs."""

from __future__ import annotations

from pathlib import Path

import pytest

from archlab.api.load import load, loads
from archlab.config.tree.presets import preset_files
from archlab.config.tree.targets import open_target
from archlab.diagnostics.problem import ConfigError
from tests.chunks import check_each
from tests.config.expand.test_copies import both_ways, described

BASE = """
input: [4, 8, 8]
params: {width: 4, n: 2}
variants: {wide: {width: 8}}
blocks:
  unit: {params: {w: $width}, layers: [{type: conv2d, out_channels: $w, kernel_size: 1}]}
layers:
  - {name: a, type: relu}
  - {name: b, type: residual, body: [{name: c, type: tanh}]}
  - {name: d, use: unit, repeat: $n}
  - {name: e, type: sigmoid}
  - {name: f, type: concat, with: [d]}
"""


def types(tmp_path: Path, *texts: str, target: str = "") -> list[str]:
    """The layer types of the last of configs that extend one another."""
    (tmp_path / "c0.yaml").write_text(BASE)
    for number, text in enumerate(texts, 1):
        (tmp_path / f"c{number}.yaml").write_text(f"extends: c{number - 1}.yaml\n{text}")
    return [node.layer.type for node in load(f"{tmp_path}/c{len(texts)}.yaml{target}").graph.layers]


def test_before_after_and_instead(tmp_path: Path) -> None:
    edits = "layers: {c: {before: [{type: elu}], after: [{type: selu}]}, a: [], e: [{type: silu}, {type: gelu}]}"
    assert types(tmp_path, edits) == ["elu", "tanh", "selu", "add", "conv2d", "conv2d", "silu", "gelu", "concat"]


def test_edits_of_edits(tmp_path: Path) -> None:
    """A later file edits what an earlier one put in, and what it changed."""
    first = "layers: {e: {after: [{name: g, type: silu}]}, a: {type: elu}, d: {use: unit, repeat: 1}}"
    second = "layers: {g: {before: [{type: gelu}]}, a: {alpha: 2.0, after: [{type: mish}]}, b: null}"
    assert types(tmp_path, first, second) == ["elu", "mish", "conv2d", "sigmoid", "gelu", "silu", "concat"]
    third = "layers: {g: null, e: {after: [{type: selu}]}}"
    found = types(tmp_path, first, second, third)
    assert found == ["elu", "mish", "conv2d", "sigmoid", "selu", "gelu", "concat"]


def test_a_block_for_a_layer_and_back(tmp_path: Path) -> None:
    edits = "layers: {e: {use: unit, w: 3}, d: {type: conv2d, out_channels: 2, kernel_size: 3, padding: 1}}"
    assert types(tmp_path, edits) == ["relu", "tanh", "add", "conv2d", "conv2d", "conv2d", "concat"]


def test_variants_are_extended(tmp_path: Path) -> None:
    (tmp_path / "c0.yaml").write_text(BASE)
    (tmp_path / "new.yaml").write_text("extends: c0.yaml@wide\n")
    assert load(str(tmp_path / "new.yaml")).graph.layers[-1].shape == (16, 8, 8)
    assert loads("extends: resnet18\ninput: [3, 64, 64]").analyze().total.params == 11_689_512
    assert loads("extends: resnet@resnet18").analyze().total.params == 11_689_512


def test_a_network_as_a_block_sees_its_own_params_and_blocks(tmp_path: Path) -> None:
    (tmp_path / "c0.yaml").write_text(BASE)
    (tmp_path / "net.yaml").write_text("""
input: [4, 8, 8]
params: {width: 5, n: 7}
blocks:
  unit: {layers: [{type: mish}]}
  net: {extends: c0.yaml@wide, outputs: [b.c, d], params: {n: $(width - 4)}}
layers:
  - {use: unit}
  - {name: one, use: net}
  - {name: two, use: net, width: 3, from: one.d, repeat: 2}
  - {name: three, use: net, width: "$(3 + index)", n: 2, from: two.d, repeat: 2}
outputs: [one.b.c, two.d, three.d]
""")
    network = load(str(tmp_path / "net.yaml"))
    # n is 5 - 4, and of two and three the first repetition's d is what nothing reads
    assert [node.shape[0] for node in network.graph.layers if node.layer.type == "conv2d"] == [8, 3, 4, 4]
    assert "one.e" not in [node.path for node in network.graph.layers]


def test_blocks_of_networks_are_copied_exactly() -> None:
    nodes = both_ways("""
        input: [16, 32, 32]
        blocks:
          net: {extends: resnet18, outputs: [layer1, layer2]}
          again: {layers: [{name: n, use: net, width_per_group: 64, d1: 3, repeat: 2}]}
        layers:
          - {name: a, use: again, repeat: 2}
          - {name: b, use: net, repeat: 2, d1: $(1 + index)}
          - {name: c, use: net, d1: 3}
    """)
    assert len(nodes) > 100


def test_files_in_a_circle_and_many_blocks(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{BASE}# {'x' * 3000}\n".replace("blocks:", "blocks:\n  m: {extends: b.yaml}"))
    (tmp_path / "b.yaml").write_text(BASE.replace("blocks:", "blocks:\n  m: {extends: a.yaml}"))
    with pytest.raises(ConfigError, match="extends itself"):
        load(str(tmp_path / "b.yaml"))
    (tmp_path / "b.yaml").write_text(f"{BASE}# {'x' * 5000}\n")
    many = "".join(f"\n  m{number}: {{extends: b.yaml}}" for number in range(300))
    (tmp_path / "a.yaml").write_text(BASE.replace("blocks:", f"blocks:{many}"))
    with pytest.raises(ConfigError, match="bytes together"):
        load(str(tmp_path / "a.yaml"))


def test_every_layer_of_a_preset_has_a_name() -> None:
    def check(path: Path) -> None:
        layers = open_target(path.stem)[0].layers
        assert layers is not None
        assert [item.place.line + 1 for item in layers.items if item.name is None] == []

    check_each(preset_files(), check)


def test_a_whole_network_as_a_block_is_that_network() -> None:
    whole = load("googlenet").graph
    block = loads("input: [3, 224, 224]\nblocks: {net: {extends: googlenet}}\nlayers: [{use: net}]").graph
    assert [(node[2:6]) for node in described(block)] == [(node[2:6]) for node in described(whole)]


def test_params_that_only_blocks_inside_see_are_not_passed_over() -> None:
    """`groups` of a resnet stands in its bottleneck alone."""
    nodes = both_ways("""
        input: [16, 32, 32]
        blocks: {net: {extends: resnet50, outputs: layer1}}
        layers: [{name: a, use: net, repeat: 2, groups: $(1 + 31 * index), width_per_group: $(64 - 60 * index)}]
    """)
    assert [node[3] for node in nodes if "groups=32" in node[3]]


def test_weights_are_shared_with_a_network() -> None:
    network = loads("""
        input: [3, 32, 32]
        blocks: {net: {extends: resnet18, outputs: [layer1, layer2]}}
        layers:
          - {name: one, use: net}
          - {name: flipped, from: input, type: sigmoid}
          - {name: two, share: one}
          - {type: add, with: [one]}
    """)
    resnet = loads("input: [3, 32, 32]\nblocks: {net: {extends: resnet18, outputs: layer1}}\nlayers: [{use: net}]")
    assert network.analyze().total.params == resnet.analyze().total.params
    assert network.analyze().total.macs == 2 * resnet.analyze().total.macs
