"""What becomes of each layer when a network is deployed."""

from __future__ import annotations

import pytest

import archlab
from archlab.graph import Graph
from archlab.graph.deploy import deploy

CONV = "{type: conv2d, out_channels: 4, kernel_size: 3, padding: 1, name: conv, bias: false}"


def deployed(layers: str, *, shape: str = "[3, 8, 8]", rest: str = "") -> Graph:
    items = "\n".join(f"  - {line}" for line in layers.strip().splitlines())
    return deploy(archlab.loads(f"archlab: 1\ninput: {shape}\nlayers:\n{items}\n{rest}").graph)


def kinds(graph: Graph) -> list[str]:
    return [node.layer.type for node in graph.layers]


def test_a_batch_norm_goes_into_the_convolution_in_front_of_it() -> None:
    graph = deployed(f"{CONV}\n{{type: batch_norm2d, name: bn}}\n{{type: relu, name: relu}}")
    assert graph.deployment is not None
    assert kinds(graph) == ["conv2d", "relu"]
    assert dict(graph.deployment.folded) == {"bn": "conv"}
    assert graph.deployment.fused == {"relu"}
    assert graph.layers[0].layer.torch_arguments()["bias"] is True
    assert graph.layers[1].layer.torch_arguments()["inplace"] is True
    assert deploy(graph) is graph


@pytest.mark.parametrize(
    "layers",
    [
        "{type: conv_transpose2d, out_channels: 4, kernel_size: 2, stride: 2}\n{type: batch_norm2d}",
        "{type: deform_conv2d, out_channels: 4, kernel_size: 3, padding: 1}\n{type: batch_norm2d}",
        "{type: flatten}\n{type: linear, out_features: 4}\n{type: batch_norm1d}",
        f"{CONV}\n{{type: dropout}}\n{{type: identity}}\n{{type: batch_norm2d}}",
        "{type: conv2d, out_channels: 4, kernel_size: 1, weight: standardized}\n{type: batch_norm2d}",
    ],
)
def test_so_it_does_behind_other_sums(layers: str) -> None:
    graph = deployed(layers)
    assert graph.deployment is not None
    assert len(graph.deployment.folded) == 1
    assert not any("norm" in kind or kind.startswith("standardized") for kind in kinds(graph))


@pytest.mark.parametrize(
    ("layers", "rest", "reason"),
    [
        ("{type: batch_norm2d}", "", "'input' in front of it is no convolution"),
        ("{type: relu, name: act}\n{type: batch_norm2d}", "", "'act' in front of it is no convolution"),
        (f"{CONV}\n{{type: batch_norm2d}}\n{{type: add, with: [conv]}}", "", "others read 'conv' too"),
        (f"{CONV}\n{{type: batch_norm2d, name: bn}}", "outputs: [conv, bn]", "others read 'conv' too"),
        (f"{CONV}\n{{type: dropout, name: d}}\n{{type: batch_norm2d, name: bn}}", "outputs: [d, bn]", "others read"),
    ],
)
def test_else_it_is_a_scale_and_a_shift(layers: str, rest: str, reason: str) -> None:
    graph = deployed(layers, rest=rest)
    assert graph.deployment is not None
    assert not graph.deployment.folded
    ((path, why),) = graph.deployment.scaled.items()
    assert reason in why
    (scale,) = [node for node in graph.nodes if node.path == path]
    assert scale.layer.type == "layer_scale"
    assert [tensor.elements for tensor in scale.layer.tensors(graph.input_shapes(scale))] == [scale.shape[0]] * 2


def test_a_convolution_of_several_calls_has_no_batch_norm_of_one_of_them() -> None:
    layers = (
        "{type: conv2d, out_channels: 3, kernel_size: 1, name: conv}\n{type: batch_norm2d, name: one}\n"
        "{share: conv, name: again}\n{type: batch_norm2d, name: two}"
    )
    graph = deployed(layers)
    assert graph.deployment is not None
    assert set(graph.deployment.scaled.values()) == {"'conv' is called several times"}


def test_a_batch_norm_of_several_calls_goes_into_none_of_their_convolutions() -> None:
    layers = (
        "{type: conv2d, out_channels: 3, kernel_size: 1}\n{type: batch_norm2d, name: norm}\n"
        "{type: conv2d, out_channels: 3, kernel_size: 1}\n{share: norm, name: again}"
    )
    graph = deployed(layers)
    assert graph.deployment is not None
    assert dict(graph.deployment.scaled) == dict.fromkeys(("norm", "again"), "'norm' is called several times")


def test_statistics_of_each_batch_cannot_be_folded() -> None:
    graph = deployed(f"{CONV}\n{{type: batch_norm2d, track_running_stats: false, name: bn}}")
    assert graph.deployment is not None
    assert kinds(graph) == ["conv2d", "batch_norm2d"]
    assert dict(graph.deployment.kept) == {"bn": "it takes the statistics of each batch"}


def test_what_only_trains_is_gone_and_results_keep_their_names() -> None:
    graph = deployed(
        f"{CONV}\n{{type: dropout2d, p: 0.2, name: drop}}\n{{type: identity, name: same}}", rest="outputs: [drop, same]"
    )
    assert graph.deployment is not None
    assert kinds(graph) == ["conv2d"]
    assert graph.deployment.removed == ("drop", "same")
    assert graph.outputs == [("drop", 1), ("same", 1)]


@pytest.mark.parametrize(
    ("layers", "rest", "fused"),
    [
        (f"{CONV}\n{{type: sigmoid, name: a}}", "", {"a"}),
        (f"{CONV}\n{{type: flatten}}\n{{type: gelu, name: a}}", "", {"a"}),  # through a view
        ("{type: relu, name: a}", "", set()),  # the network's input is another's
        (f"{CONV}\n{{type: relu, name: a}}\n{{type: add, with: [conv]}}", "", set()),
        (f"{CONV}\n{{type: flatten}}\n{{type: relu, name: a}}", "outputs: [conv, a]", set()),
        (f"{CONV}\n{{type: softmax, name: a}}", "", set()),  # mixes values
    ],
)
def test_activations_are_fused_where_nobody_else_needs_their_input(layers: str, rest: str, fused: set[str]) -> None:
    graph = deployed(layers, rest=rest)
    assert graph.deployment is not None
    assert graph.deployment.fused == fused
    for node, runtime in zip(graph.nodes, graph.runtimes, strict=True):
        assert (runtime.storage == "inplace") == (node.path in fused)


def test_equal_activations_are_told_apart_by_whether_they_are_fused() -> None:
    """The first of two alike reads what another needs too, the second does not."""
    layers = (
        "{type: conv2d, out_channels: 3, kernel_size: 1, name: one}\n{type: sigmoid, name: apart}\n"
        "{type: add, with: [one]}\n{type: conv2d, out_channels: 3, kernel_size: 1}\n{type: sigmoid, name: inside}"
    )
    network = archlab.loads(
        "archlab: 1\ninput: [3, 8, 8]\nlayers:\n" + "".join(f"  - {line}\n" for line in layers.splitlines())
    )
    analysis = network.deploy().analyze()
    taken = {layer.node.path: layer.activation_bytes for layer in analysis.layers}
    assert taken["apart"] == 3 * 8 * 8 * 4
    assert taken["inside"] == 0
    assert analysis.inference.peak == analysis.total.memory.inference_peak
