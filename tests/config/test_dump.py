"""`archlab expand`: without blocks, and with the same numbers."""

from __future__ import annotations

from typing import Any

import pytest

from archlab.api.load import loads
from archlab.api.network import Network
from archlab.cli.main import main
from archlab.config.dump import expanded_config
from archlab.graph import Graph
from archlab.torch.build import build
from tests import presets

PATHS = ("layer", "largest_finite_layer", "border_layer", "critical_layers", "unproductive_layers")


def numbers(network: Network) -> dict[str, Any]:
    """Everything that `analyze --format json` prints, but for names."""
    found = network.analyze().to_dict()
    field = found["total"]["receptive_field"]
    for key in PATHS:
        field.pop(key)
    memory = found["total"]["memory"]
    del memory["inference_peak_layer"]
    memory["training_refused"] = memory["training_refused"] is not None  # its sentence names a layer
    found.pop("variant")
    places = {layer["path"]: place for place, layer in enumerate(found["layers"])}
    for layer in found["layers"]:
        layer["shares"] = places.get(layer["shares"])
        del layer["path"], layer["inputs"]
        _without_path(layer["receptive_field"])
    _without_path(field)
    for output in found["outputs"]:
        del output["path"]
        for key in PATHS[:2]:
            del output["receptive_field"][key]
        _without_path(output["receptive_field"])
    return found


def _without_path(field: dict[str, Any]) -> None:
    if field["misalignment"] is not None:
        field["misalignment"] = {**field["misalignment"], "layer": None}


def described(graph: Graph) -> list[Any]:
    """All that numbers follow from: layers with their options, by type; what they read, give and share; results."""
    places = {node.path: node.index for node in graph.nodes}
    nodes = [
        (n.layer.type, n.layer, n.inputs, n.shape, None if n.shares is None else places[n.shares]) for n in graph.nodes
    ]
    labels = [label if graph.output_form == "dict" else "" for label, _ in graph.outputs]
    inputs = [node.path for node in graph.inputs]
    return [inputs, nodes, labels, [index for _, index in graph.outputs], graph.output_form]


@pytest.mark.parametrize("name", presets.each_kind())
def test_it_is_the_same_graph(name: str) -> None:
    graph = presets.network(name).graph
    text = expanded_config(graph)
    assert "use:" not in text
    assert "$" not in text
    assert described(loads(text).graph) == described(graph)


@pytest.mark.parametrize("name", ["resnet50", "googlenet_aux", "hrnet", "deformable_resnet50_bounded", "wavenet"])
def test_it_analyses_to_the_same_numbers(name: str) -> None:
    network = presets.network(name)
    again = loads(expanded_config(network.graph))
    expected, found = numbers(network), numbers(again)
    if network.graph.output_form != "dict":  # the labels are names
        for one in (expected, found):
            for output in one["outputs"]:
                output.pop("name")
    assert found == expected


def test_initial_weights_stay() -> None:
    network = loads("""
        input: [3, 8, 8]
        blocks:
          quiet:
            init: {conv2d: {weight: {type: normal, std: 0.5}, bias: zeros}}
            layers: [{type: conv2d, out_channels: 4, kernel_size: 3, norm: batch_norm2d}]
        layers:
          - {use: quiet, name: a}
          - {name: b, type: conv2d, out_channels: 4, kernel_size: 1, init: {weight: zeros, bias: default}}
          - {type: deform_conv2d, out_channels: 4, kernel_size: 3}
        init:
          conv2d: {weight: {type: kaiming_normal, mode: fan_out}}
    """)
    again = loads(expanded_config(network.graph))
    for one, other in zip(network.graph.layers, again.graph.layers, strict=True):
        if one.zero_init:
            continue
        owned = [tensor.name for tensor in one.layer.tensors(network.graph.input_shapes(one))]
        before, after = network.graph.initializers(one), again.graph.initializers(other)
        assert {k: v for k, v in before.items() if k in owned} == {k: v for k, v in after.items() if k in owned}
    offsets = build(again).get_submodule("dcn_offset")
    assert not any(parameter.any() for parameter in offsets.parameters())


def test_the_input_can_be_read_again() -> None:
    network = loads("""
        input: [3, 8, 8]
        layers:
          - {name: a, type: sigmoid}
          - {name: b, from: input, type: tanh}
          - {type: add, with: [a, input]}
    """)
    assert network.graph.nodes[-1].inputs == (2, 1, 0)
    assert loads(expanded_config(network.graph)).graph.nodes[-1].inputs == (2, 1, 0)


def test_the_command_writes_what_validate_takes(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "flat.yaml"
    assert main(["expand", "resnet18", "--set", "num_classes=10", "-o", str(path)]) == 0
    assert main(["validate", str(path)]) == 0
    assert "ok (1 network)" in capsys.readouterr().out
    assert "expect: {params: 11181642, macs: 1813566464}" in path.read_text()


@pytest.mark.parametrize(
    ("outputs", "written"),
    [
        ("", []),
        ("outputs: b\n", []),
        ("outputs: [b]\n", ["outputs: [b]"]),
        ("outputs: [a, b]\n", ["outputs: [a, b]"]),
        ("outputs: {first: a, last: b}\n", ["outputs: {first: a, last: b}"]),
    ],
)
def test_results_keep_their_form(outputs: str, written: list[str]) -> None:
    network = loads(f"input: [3, 8, 8]\nlayers: [{{name: a, type: relu}}, {{name: b, type: tanh}}]\n{outputs}")
    text = expanded_config(network.graph)
    assert [line for line in text.splitlines() if line.startswith("outputs")] == written
    assert loads(text).graph.output_form == network.graph.output_form
