"""Receptive fields against gradients and against published values."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest

from archlab.analysis.receptive_field.axis_field import INPUT_AXIS, AxisField, Periodic
from archlab.analysis.receptive_field.composition import Composer, Target, widen
from archlab.analysis.receptive_field.spans import DENSE, UNTRACKED
from archlab.api.load import loads
from archlab.api.network import Network
from archlab.diagnostics.problem import ConfigError
from archlab.layers.geometry import Phases, Window
from tests.analysis.receptive_field.probe import Probe
from tests.chunks import check_each


def network(layers: str, size: str = "[2, 64, 64]", blocks: str = "") -> Network:
    return loads(f"input: {size}\n{blocks}\nlayers:\n{layers}")


def read_positions(axis: AxisField, unit: int) -> set[int]:
    first, last, mask = axis.span(unit)
    assert mask != UNTRACKED
    return {p for p in range(first, last + 1) if mask == DENSE or mask >> (p - first) & 1}


CONV = "- {type: conv2d, out_channels: 2, kernel_size: "

NETWORKS = {
    "conv dilation 1 and 2": CONV + "3}\n" + CONV + "3, dilation: 2}",
    "three dilation 2": (CONV + "3, dilation: 2}\n") * 3,
    "dilation 1 2 5": CONV + "3}\n" + CONV + "3, dilation: 2}\n" + CONV + "3, dilation: 5}",
    "stride over kernel": CONV + "1, stride: 2}\n" + CONV + "3}",
    "stride 3 kernel 2": CONV + "2, stride: 3, padding: 1}\n" + CONV + "3, stride: 2}",
    "1x7 then 7x1": CONV + "[1, 7], padding: [0, 3]}\n" + CONV + "[7, 1], padding: [3, 0], stride: [1, 2]}",
    "dilated max pool": CONV + "3}\n- {type: max_pool2d, kernel_size: 3, dilation: 2, stride: 1}",
    "pools": CONV + "3}\n- {type: max_pool2d, kernel_size: 3, stride: 2, ceil_mode: true}\n"
    "- {type: avg_pool2d, kernel_size: [2, 3], padding: [1, 1]}\n" + CONV + "3}",
    "same padding, even kernel": CONV + "4, padding: same}\n" + CONV + "2, padding: same, dilation: 3}",
    "zero_pad2d": "- {type: zero_pad2d, padding: [1, 2, -3, 4]}\n" + CONV + "3, stride: 2}",
    "adaptive, not dividing": CONV + "3, stride: 2}\n- {type: adaptive_avg_pool2d, output_size: [7, 5]}",
    "conv after adaptive": "- {type: adaptive_avg_pool2d, output_size: [48, 40]}\n"
    + CONV
    + "3, stride: 2}\n"
    + CONV
    + "3, dilation: 2}\n- {type: adaptive_avg_pool2d, output_size: 9}",
    "residual": "- type: residual\n  shortcut: project\n  body:\n  "
    + CONV
    + "3, stride: 2, padding: 1}\n  "
    + CONV
    + "3, padding: 2, dilation: 2}",
    "misaligned": "- type: branches\n  merge: add\n  paths:\n"
    "    - [{type: zero_pad2d, padding: [4, -4, 4, -4]}, {type: conv2d, out_channels: 2, kernel_size: 5, padding: 2}]\n"
    "    - [{type: zero_pad2d, padding: [-4, 4, -4, 4]}, {type: conv2d, out_channels: 2, kernel_size: 5, padding: 2}]",
    "holes in a join": "- type: branches\n  paths:\n"
    "    - [{type: conv2d, out_channels: 2, kernel_size: 3, dilation: 6, padding: 6}]\n"
    "    - [{type: conv2d, out_channels: 2, kernel_size: 3, dilation: 9, padding: 9}]\n    - []",
    "two speeds": "- {name: a, type: conv2d, out_channels: 2, kernel_size: 1, stride: 2}\n"
    "- {name: b, type: zero_pad2d, padding: [0, -32, 0, -32], from: pre}\n- {type: add, with: [a]}",
    "gate": CONV + "3}\n- type: branches\n  merge: multiply\n  paths:\n"
    "    - []\n    - [{type: adaptive_avg_pool2d, output_size: 1}, {type: sigmoid}]",
    "glu along the width": "- {type: glu}",
}
NETWORKS["two speeds"] = "- {name: pre, type: identity}\n" + NETWORKS["two speeds"]


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "gate"])
def test_positions_equal_those_that_have_a_gradient(name: str) -> None:
    built = network(NETWORKS[name])
    probe = Probe(built)
    compared = 0
    for layer in built.analyze().layers:
        rf, shape = layer.receptive_field, layer.node.shape
        assert rf.axes[0] is not None
        assert rf.axes[1] is not None
        for row, column in {(shape[1] // 2, shape[2] // 2), (shape[1] // 2 + 1, shape[2] // 3)}:
            if row >= shape[1]:
                continue
            rows, columns = read_positions(rf.axes[0], row), read_positions(rf.axes[1], column)
            inside = min(rows) >= 0 and max(rows) < 64 and min(columns) >= 0 and max(columns) < 64
            if inside:  # at the border some of the field is padding
                assert (rows, columns) == probe.positions(layer.node.path, row, column), layer.node.path
                compared += 1
    assert compared >= 2


def sizes(built: Network) -> tuple[list[int], list[int]]:
    rf = built.analyze().total.receptive_field
    assert rf.axes[0] is not None
    assert rf.axes[1] is not None
    return rf.axes[0].sizes, rf.axes[1].sizes


@pytest.mark.parametrize(
    ("name", "size", "coverage"),
    [
        ("conv dilation 1 and 2", 7, 1),
        ("three dilation 2", 13, 7 / 13),
        ("dilation 1 2 5", 17, 1),
        ("stride over kernel", 5, 3 / 5),
        ("dilated max pool", 7, 1),
        ("misaligned", 13, 10 / 13),
    ],
)
def test_known_sizes(name: str, size: int, coverage: float) -> None:
    built = network(NETWORKS[name])
    rf = built.analyze().total.receptive_field
    assert sizes(built) == ([size], [size])
    assert rf.axes[0] is not None
    assert rf.axes[0].coverage == pytest.approx(coverage)


def test_a_misaligned_join_is_reported_from_there_on() -> None:
    built = network(NETWORKS["misaligned"] + "\n- {type: relu}")
    aligned = {layer.node.path: layer.receptive_field.aligned for layer in built.analyze().layers}
    assert aligned["branch1.conv"]
    assert not aligned["add"]
    assert not aligned["relu"]


def test_a_gate_that_sees_everything_is_context_only() -> None:
    report = network(NETWORKS["gate"]).analyze()
    gate, product = report.layers[-2].receptive_field, report.layers[-1].receptive_field
    assert gate.is_global
    assert not product.is_global
    assert product.context
    assert product.axes[0] is not None
    assert product.axes[0].sizes == [3]


def test_everything_after_a_global_pooling_is_global() -> None:
    head = "- {type: adaptive_avg_pool2d, output_size: 1}\n- {type: flatten}\n- {type: linear, out_features: 3}"
    assert all(layer.receptive_field.is_global for layer in network(head).analyze().layers)


def test_two_convolutions_shifted_by_four_and_added_see_nine() -> None:
    # the case of the reference table: the shift is part of the padding, one path up, one down
    path = "{{type: conv2d, out_channels: 2, kernel_size: 5}}, {{type: zero_pad2d, padding: [{0}, {1}, {0}, {1}]}}"
    layers = f"- type: branches\n  merge: add\n  paths:\n    - [{path.format(0, 4)}]\n    - [{path.format(4, 0)}]"
    assert sizes(network(layers)) == ([9], [9])


def test_a_huge_field_keeps_its_size_and_drops_its_coverage() -> None:
    built = network((CONV + "3, stride: 1, dilation: 8000, padding: 8000}\n") * 12, size="[1, 64, 64]")
    rf = built.analyze().total.receptive_field
    assert rf.axes[0] is not None
    assert rf.axes[0].sizes == [12 * 16000 + 1]
    assert rf.axes[0].coverage is None


@pytest.mark.parametrize(
    "text",
    [
        "input: [1, 1, 1]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 1, stride: 16777216, repeat: 700}]",
        (
            "input: [1, 1, 3]\nlayers:\n- {type: adaptive_avg_pool2d, output_size: [1, 2]}\n"
            "- {type: conv2d, out_channels: 1, kernel_size: [1, 8000001], padding: [0, 4000000]}"
        ),
        (
            "input: [1, 1, 65536]\nlayers:\n"
            "- {type: conv2d, out_channels: 1, kernel_size: [1, 2], dilation: [1, 60000], padding: [0, 30000]}\n"
            "- {type: adaptive_avg_pool2d, output_size: [1, 65535]}\n"
            "- {type: conv2d, out_channels: 1, kernel_size: [1, 3]}"
        ),
    ],
)
def test_fields_beyond_any_use_are_a_placed_problem(text: str) -> None:
    built = loads(text)
    with pytest.raises(ConfigError) as caught:
        built.analyze()
    assert [problem.code for problem in caught.value.problems] == ["too-large"]
    assert caught.value.problems[0].place is not None


@pytest.mark.parametrize("norm", ["{type: group_norm, num_groups: 2}", "{type: instance_norm2d}"])
def test_statistics_of_the_whole_map_are_context(norm: str) -> None:
    field = loads(f"input: [4, 9, 9]\nlayers: [{norm}]").analyze().total.receptive_field
    assert field.context
    assert field.axes[0] is not None
    assert field.axes[0].sizes == [1]


def test_the_bound_of_offsets() -> None:
    text = "input: [1, 40, 40]\nlayers: [{type: deform_conv2d, out_channels: 1, kernel_size: 3, max_offset: 1.5}]"
    analysis = loads(text).analyze()
    assert analysis.to_dict()["total"]["receptive_field"]["bound"] == [7, 7]  # two on each side: 1.5 is between them
    assert analysis.bounded_field_of(0) is None  # the input does not move
    assert loads(text.replace(", max_offset: 1.5", "")).analyze().bounded_field is None


def test_widened_windows_reach_what_their_taps_do() -> None:
    check_each(list(product([1, 2, 3], [1, 2, 4], [1, 2, 3, 5])), check_widened)


def check_widened(case: tuple[int, int, int]) -> None:
    """Against the offsets one by one, also on units that differ."""
    kernel, by, dilation = case
    window = Window(kernel, 2, 1, dilation)
    taps = {k * dilation - 1 + shift for k in range(kernel) for shift in range(-by, by + 1)}
    one_by_one = Phases(1, 2, (tuple(sorted(taps)),))
    composer, target = Composer(lambda _index, _axis: (0, 7)), Target(0, 0, 8)
    for field in (INPUT_AXIS, Periodic(2, 3, ((0, 4, 0), (1, 2, 0)), 9)):
        expected, found = (composer.read_through(field, reads, target) for reads in (one_by_one, widen(window, by)))
        assert expected is not None
        assert found is not None
        assert [expected.span(unit) for unit in range(8)] == [found.span(unit) for unit in range(8)]


def test_offsets_without_measure() -> None:
    """Whatever the bound, nothing is listed one by one."""
    text = "input: [6, 8, 8]\nlayers: [{type: deform_conv2d, out_channels: 8, kernel_size: 3, max_offset: 2147483648}]"
    found = loads(text).analyze().to_dict()["total"]["receptive_field"]
    assert found["bound"] == [3 + 2 * 2147483648] * 2


SHIFTED = """
input: [1, 41, 29]
layers:
  - {name: down, type: conv2d, out_channels: 1, kernel_size: KERNEL, stride: 2}
  - {name: up, type: conv_transpose2d, out_channels: 1, kernel_size: 4, stride: 2}
  - {name: coarse, type: zero_pad2d, padding: [-4, -4, -4, -4]}
  - {name: fine, from: input, type: zero_pad2d, padding: [ROW, BOTTOM, COLUMN, RIGHT]}
  - {name: sum, type: add, with: [coarse]}
  - {name: end, type: relu}
"""


def centres_apart(probe: Probe, size: tuple[int, int], axis: int) -> list[Fraction]:
    """Unit by unit, how far the centres lie apart of what has a gradient to both inputs of the join."""
    found = []
    for unit in range(size[axis]):
        at = (unit, 3) if axis == 0 else (3, unit)
        sums = [min(read) + max(read) for read in (probe.positions(path, *at)[axis] for path in ("coarse", "fine"))]
        found.append(Fraction(abs(sums[0] - sums[1]), 2))
    return found


@pytest.mark.parametrize("kernel", [3, 2])
@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 3), (3, 3), (4, 1), (6, 4)])
def test_how_far_the_joined_units_lie_apart(kernel: int, row: int, column: int) -> None:
    height, width = ((extent - kernel) // 2 * 2 + 4 - 8 for extent in (41, 29))  # of `coarse`
    numbers = {"KERNEL": kernel, "ROW": -row, "BOTTOM": height + row - 41, "COLUMN": -column,
               "RIGHT": width + column - 29}  # fmt: skip
    text = SHIFTED
    for word, number in numbers.items():
        text = text.replace(word, str(number))
    built = loads(text)
    probe, apart = Probe(built), built.analyze().total.receptive_field.misalignment
    expected = [centres_apart(probe, (height, width), axis) for axis in (0, 1)]
    if not any(map(any, expected)):
        assert apart is None
        return
    assert apart is not None
    assert apart.path == "sum"
    assert list(apart.largest) == [max(distances) for distances in expected]
    assert list(apart.mean) == [sum(distances) / len(distances) for distances in expected]
