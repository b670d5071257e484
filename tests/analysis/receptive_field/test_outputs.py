"""What one unit of each result sees, against gradients and a search backwards written from the definition."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch

from archlab.analysis.facts import Facts, collect_facts
from archlab.analysis.receptive_field.fields import ReceptiveField, gate_inputs, receptive_fields, windowed_fields
from archlab.analysis.receptive_field.outputs import OutputReport
from archlab.analysis.receptive_field.unbounded import blind_nodes
from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.graph import Graph
from archlab.layers.geometry import WHOLE, Phases, Whole, Window
from archlab.layers.shape import axis_count, map_size
from archlab.torch.linear import LinearRun
from tests.analysis.receptive_field.definitions import positions
from tests.analysis.receptive_field.probe import Probe
from tests.command import run
from tests.random_networks import random_network

TWO_HEADS = """
input: [3, 64, 64]
layers:
  - {name: trunk, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, repeat: 10}
  - {name: main, type: global_avg_pool2d}
  - {name: side, from: trunk.0, type: conv2d, out_channels: 8, kernel_size: 1}
  - {name: aux, type: global_avg_pool2d}
outputs: OUTPUTS
"""
BIN = "[{type: adaptive_avg_pool2d, output_size: SIZE}, {type: conv2d, out_channels: 2, kernel_size: 1}, "
BIN += "{type: interpolate, size: 24}]"
PYRAMID = """
input: [2, 24, 24]
layers:
  - {name: first, type: conv2d, out_channels: 2, kernel_size: 3, padding: 1}
  - {type: branches, paths: [PATHS]}
  - {name: end, type: conv2d, out_channels: 2, kernel_size: 3, padding: 1}
"""


def pyramid(*bins: int) -> Network:
    return loads(PYRAMID.replace("PATHS", ", ".join(["[]", *(BIN.replace("SIZE", str(size)) for size in bins)])))


def sizes(field: ReceptiveField) -> list[list[int] | None]:
    return [None if axis is None else axis.sizes for axis in field.axes]


def first(network: Network) -> OutputReport:
    return network.analyze().outputs[0]


@pytest.mark.parametrize(
    ("outputs", "seen"),
    [
        ("{main: main, aux: aux}", {"main": ("trunk.9", 21), "aux": ("side", 3)}),
        ("[aux, main]", {"aux": ("side", 3), "main": ("trunk.9", 21)}),
        ("[side, main, aux]", {"side": ("side", 3), "main": ("trunk.9", 21), "aux": ("side", 3)}),
    ],
)
def test_each_result_has_its_own_and_the_first_is_the_network(outputs: str, seen: dict[str, tuple[str, int]]) -> None:
    network = loads(TWO_HEADS.replace("OUTPUTS", outputs))
    analysis = network.analyze()
    probe = Probe(network)
    for output, (path, size) in zip(analysis.outputs, seen.values(), strict=True):
        rows, _ = probe.positions(path, 32, 32)
        assert (output.seen_at.path, sizes(output.receptive_field)) == (path, [[len(rows)], [len(rows)]])
        assert len(rows) == size
    assert analysis.total.receptive_field is analysis.outputs[0].receptive_field
    assert analysis.graph.nodes[analysis.total.receptive_field_index].path == next(iter(seen.values()))[0]


def test_behind_pyramid_pooling_each_unit_sees_the_whole_input() -> None:
    network = pyramid(1, 3)
    run = LinearRun(network.graph, {})
    for row, column in ((0, 0), (11, 5), (23, 23)):
        unit = run.outputs["end"][0, :, row, column].sum()
        (gradient,) = torch.autograd.grad(unit, run.input, retain_graph=True)
        assert gradient.bool().all()
    output = first(network)
    assert output.receptive_field.is_global
    assert output.seen_at.path == "end"


def test_its_windows_alone_are_those_of_the_network_without_what_is_global() -> None:
    output, without = first(pyramid(1, 3)), pyramid(3)
    assert output.finite_at.path == "end"
    probe = Probe(without)
    axis = output.largest_finite.axes[0]
    assert axis is not None
    compared = 0
    for row in range(24):
        first_row, last_row, _ = axis.span(row)
        if first_row >= 0 and last_row < 24:
            rows, _ = probe.positions("end", row, 12)
            assert (min(rows), max(rows)) == (first_row, last_row)
            compared += 1
    assert compared > 3


def test_a_gate_is_neither_global_nor_among_the_windows() -> None:
    gated = """
input: [2, 32, 32]
layers:
  - {name: wide, type: conv2d, out_channels: 2, kernel_size: 9, padding: 4}
  - {name: gate, type: branches, paths: [[], [{type: adaptive_avg_pool2d, output_size: 1},
      {type: interpolate, size: 32}]], merge: add}
  - {name: narrow, from: input, type: conv2d, out_channels: 2, kernel_size: 3, padding: 1}
  - {name: product, type: multiply, with: [gate]}
"""
    output = first(loads(gated))
    assert (sizes(output.receptive_field), output.receptive_field.context) == ([[3], [3]], True)
    plus = "  - {type: branches, merge: add, paths: [[], [{type: global_avg_pool2d}, {type: interpolate, size: 32}]]}\n"
    output = first(loads(gated + plus))
    assert output.receptive_field.is_global
    assert sizes(output.largest_finite) == [[3], [3]]


CONV, POOL = "{type: conv2d, out_channels: 2, kernel_size: 5}", "{type: global_avg_pool2d}"


@pytest.mark.parametrize(
    ("layers", "seen_at", "field", "finite"),
    [
        # one position behind a pooling counts as flat, whether or not it is flattened
        (f"{CONV}, {POOL}", "conv", [5], [5]),
        (f"{CONV}, {POOL}, {{type: flatten}}, {{type: linear, out_features: 3}}", "conv", [5], [5]),
        # one position of a window is a map
        ("{type: conv2d, out_channels: 2, kernel_size: 12}", "conv", [12], [12]),
        # a map of which nothing is finite: the last that is
        (f"{CONV}, {POOL}, {{type: interpolate, size: 12}}", "upsample", None, [5]),
        (f"{POOL}, {{type: interpolate, size: 12}}", "upsample", None, [1]),
        # nothing in front of the flattening but the input
        ("{type: flatten}, {type: linear, out_features: 3}", "input", [1], [1]),
    ],
)
def test_results_without_positions(layers: str, seen_at: str, field: list[int] | None, finite: list[int]) -> None:
    output = first(loads(f"input: [1, 12, 12]\nlayers: [{layers}]"))
    assert output.seen_at.path == seen_at
    assert sizes(output.receptive_field) == [field, field]
    assert sizes(output.largest_finite) == [finite, finite]


@pytest.mark.parametrize(
    ("most", "other"),
    [
        ("{type: conv2d, out_channels: 2, kernel_size: 9}", "{type: conv2d, out_channels: 2, kernel_size: 3}"),
        # the area counts, and an axis that is seen whole more than any size
        ("{type: conv2d, out_channels: 2, kernel_size: 5}", "{type: conv2d, out_channels: 2, kernel_size: [2, 12]}"),
        ("{type: adaptive_avg_pool2d, output_size: [1, 32]}", "{type: conv2d, out_channels: 2, kernel_size: 9}"),
    ],
)
def test_of_several_maps_in_front_of_a_flat_result_the_one_that_sees_most(most: str, other: str) -> None:
    for one, two in ((most, other), (other, most)):
        network = loads(f"""
input: [1, 32, 32]
layers:
  - {{name: one, {one[1:]}
  - {{name: a, type: global_avg_pool2d}}
  - {{name: two, from: input, {two[1:]}
  - {{name: b, type: global_avg_pool2d}}
  - {{name: end, type: concat, with: [a]}}
""")
        assert first(network).seen_at.path == ("one" if one == most else "two")


def test_an_axis_that_is_seen_whole_beside_one_that_is_not() -> None:
    network = loads("""
input: [1, 12, 12]
layers:
  - type: branches
    merge: add
    paths:
      - {type: conv2d, out_channels: 1, kernel_size: 5, padding: 2}
      - [{type: adaptive_avg_pool2d, output_size: [1, 12]}, {type: interpolate, size: 12}]
""")
    output = first(network)
    assert sizes(output.receptive_field) == [None, [5]]
    assert sizes(output.largest_finite) == [[5], [5]]


def test_the_input_passed_on_sees_itself() -> None:
    conv = "{name: c, type: conv2d, out_channels: 2, kernel_size: 3}"
    network = loads(f"input: [1, 9, 9]\nlayers: [{conv}]\noutputs: {{x: input, y: c}}")
    x, y = network.analyze().outputs
    assert (x.label, x.seen_at.index, sizes(x.receptive_field)) == ("x", 0, [[1], [1]])
    assert sizes(y.receptive_field) == [[3], [3]]


def test_a_flat_input_has_no_positions() -> None:
    output = first(loads("input: [9]\nlayers: [{type: linear, out_features: 2}]"))
    assert sizes(output.receptive_field) == sizes(output.largest_finite) == [None, None]


def frontier(graph: Graph, fields: dict[int, ReceptiveField], index: int) -> set[int]:
    """The maps with a spatial field at which the ways back from a node end."""
    if not fields[index].is_global:
        return {index}
    return {found for source in graph.nodes[index].inputs for found in frontier(graph, fields, source)}


def many_heads(seed: int) -> Network:
    """Convolutions that hang on each other at random, and flat results that pool one or two of them."""
    draw = random.Random(seed)  # noqa: S311 - no cryptography
    items, outputs = ["{name: c0, type: conv2d, out_channels: 2, kernel_size: 3, padding: 1}"], ["h0"]
    for number in range(1, 8):
        kernel = draw.choice([1, 3, 5, 7])
        items.append(f"{{name: c{number}, from: c{draw.randrange(number)}, type: conv2d, out_channels: 2, "
                     f"kernel_size: {kernel}, padding: {kernel // 2}}}")  # fmt: skip
    order = draw.sample(range(8), 8)
    for number in range(8):
        items.append(f"{{name: p{number}, from: c{order[number]}, type: global_avg_pool2d}}")
        with_ = f", with: [p{draw.randrange(number)}]" if number else ""
        items.append(f"{{name: h{number}, type: {'add' if number else 'flatten'}{with_}}}")
    outputs = [f"h{number}" for number in draw.sample(range(8), 8)]
    return loads(f"input: [2, 16, 16]\nlayers: [{', '.join(items)}]\noutputs: [{', '.join(outputs)}]")


@pytest.mark.parametrize("seed", range(20))
def test_random_heads(seed: int) -> None:
    network = many_heads(seed)
    analysis = network.analyze()
    fields = {layer.node.index: layer.receptive_field for layer in analysis.layers}
    seen: set[int] = set()
    for output, (label, index) in zip(analysis.outputs, analysis.graph.outputs, strict=True):
        found = frontier(analysis.graph, fields, index)
        largest = max(axis.sizes[-1] for at in found if (axis := fields[at].axes[0]) is not None)
        axis = output.receptive_field.axes[0]
        assert axis is not None
        assert (output.label, axis.sizes) == (label, [largest])
        assert output.seen_at.index in found
        seen.add(largest)
    assert len(seen) > 1


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("googlenet_aux", {"logits": 379, "aux_logits2": 251, "aux_logits1": 155}),
        ("inception_v3_aux", {"logits": 1311, "aux_logits": 1183}),
    ],
)
def test_presets_with_several_results(name: str, seen: dict[str, int]) -> None:
    outputs = load(name).analyze().outputs
    assert {output.label: sizes(output.receptive_field) for output in outputs} == {
        label: [[size], [size]] for label, size in seen.items()
    }


def test_the_forms(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(PYRAMID.replace("PATHS", "[], " + BIN.replace("SIZE", "1")))
    _, out, _ = run(capsys, "analyze", str(path), "--format", "json")
    found = json.loads(out)
    field = found["total"]["receptive_field"]
    assert (field["global"], field["size"], field["largest_finite"], field["layer"]) == (True, [24] * 2, [5] * 2, "end")
    assert found["outputs"][0]["receptive_field"].items() <= field.items()
    _, out, _ = run(capsys, "analyze", str(path))
    assert "receptive field global: each unit sees the whole input (at end); by its windows alone 5, stride 1" in out
    _, out, _ = run(capsys, "compare", str(path), "--format", "csv")
    header, row = out.splitlines()
    named = dict(zip(header.split(","), row.split(","), strict=True))
    assert named["receptive_field_global"] == "True"
    assert (named["receptive_field_largest_finite_h"], named["receptive_field_layer"]) == ("5", "end")
    path.write_text(TWO_HEADS.replace("OUTPUTS", "{main: main, aux: aux}"))
    _, out, _ = run(capsys, "analyze", str(path))
    assert "receptive field 21, stride 1, start -10 (at trunk.9)" in out
    assert "other result    aux: 3, stride 1, start -1 (at side)" in out
    _, out, _ = run(capsys, "receptive-field", str(path))
    assert "unit 32,32 of trunk.9" in out.splitlines()[0]


@pytest.mark.parametrize(
    ("expect", "problem"),
    [
        ("{receptive_field: global}", None),
        ("{receptive_field: 5}", "expected receptive_field 5, but it is global"),
        ("{stride: 1}", "stride is not known: there is none where every unit sees the whole input"),
        ("{receptive_field: whole}", "'receptive_field' is a whole number, global, or a list"),
        ("{params: global}", "'params' is a whole number, or"),
    ],
)
def test_expected(expect: str, problem: str | None, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(PYRAMID.replace("PATHS", "[], " + BIN.replace("SIZE", "1")) + f"expect: {expect}\n")
    status, out, _ = run(capsys, "validate", str(path))
    assert status == (problem is not None)
    assert problem is None or problem in out


class Ways:
    """What a unit sees by the ways that no layer makes global: a search backwards, unit by unit."""

    def __init__(self, graph: Graph, facts: list[Facts], gates: dict[int, frozenset[int]], axis: int) -> None:
        self.graph, self.facts, self.gates, self.axis = graph, facts, gates, axis
        self.known: dict[tuple[int, int], frozenset[int]] = {}
        self.blind = blind_nodes(graph)

    def back(self, index: int) -> list[tuple[int, Window | Phases]]:
        """The inputs of a node on such a way, and how they are read."""
        found = []
        for number, source in enumerate(self.graph.nodes[index].inputs):
            reads = self.facts[index].reads[number][self.axis]
            left_out = number in self.gates.get(index, ()) or source in self.blind
            if not left_out and not isinstance(reads, Whole) and self.is_finite(source):
                found.append((source, reads))
        return found

    def is_finite(self, index: int) -> bool:
        shape = self.graph.nodes[index].shape
        return index == 0 or index in self.blind or (map_size(shape) is not None and bool(self.back(index)))

    def seen(self, index: int, unit: int) -> frozenset[int]:
        if index == 0:
            return frozenset([unit])
        if index in self.blind:
            return frozenset()
        if (index, unit) not in self.known:
            read = [self.seen(source, one) for source, reads in self.back(index) for one in reads.of(unit)]
            self.known[index, unit] = frozenset().union(*read)
        return self.known[index, unit]


@pytest.mark.parametrize("axis", [0, 1])
def test_windows_alone_by_their_definition(axis: int) -> None:
    """Random networks of which every eighth layer or so is said to read the whole map."""
    compared = 0
    for seed in range(45):
        draw = random.Random(seed)  # noqa: S311 - no cryptography
        graph = random_network(seed).graph
        if len(graph.inputs) > 1 or len(graph.input_shape) <= 1 + axis:
            continue
        facts = collect_facts(graph)
        for node in graph.layers:
            if len(node.inputs) == 1 and draw.random() < 0.12:
                facts[node.index] = facts[node.index]._replace(reads=((WHOLE,) * axis_count(node.shape),))
        fields = receptive_fields(graph, facts)
        ways = Ways(graph, facts, gate_inputs(graph, fields), axis)
        for node, whole, found in zip(graph.nodes, fields, windowed_fields(graph, facts, fields), strict=True):
            windows = found.axes[axis]
            assert (windows is not None) == ways.is_finite(node.index)
            if windows is not None and whole.axes[axis] is None:
                compared += 1
                for unit in range((map_size(node.shape) or ())[axis]):
                    assert positions(windows.span(unit)) == ways.seen(node.index, unit)
    assert compared >= 5
