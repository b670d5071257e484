"""Receptive fields against their definition and against gradients: every unit of every layer, padding included."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archlab.analysis.facts import collect_facts
from archlab.analysis.receptive_field.axis_field import AxisField, Periodic, UnitTable
from archlab.analysis.receptive_field.composition import Composer, Target
from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.analysis.receptive_field.positions import positions_read
from archlab.analysis.receptive_field.spans import DENSE, MAX_TRACKED, UNTRACKED, Span, union
from archlab.api.load import loads
from archlab.api.network import Network
from archlab.layers.geometry import Phases, Window
from archlab.layers.upsample import Upsample
from archlab.torch.verify_field import verify_receptive_field
from archlab.torch.verify_projection import verify_projective_field
from tests.analysis.receptive_field.definitions import difference, positions
from tests.random_networks import random_network

ODD_DECODER = """
input: [1, 21, 21]
layers:
  - {name: stem, type: conv2d, out_channels: 4, kernel_size: 1, stride: 2}
  - {type: avg_pool2d, kernel_size: 2}
  - {type: interpolate, size: 11}
  - {type: concat, with: [stem]}
  - {name: fuse, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
"""
GAPS = """
input: [1, 6, 6]
layers:
  - {type: zero_pad2d, padding: -1}
  - {type: conv_transpose2d, out_channels: 1, kernel_size: 1, stride: 4}
"""


def height(network: Network, path: str | None = None) -> AxisField:
    layers = network.analyze().layers
    found = layers[-1] if path is None else next(layer for layer in layers if layer.node.path == path)
    field = found.receptive_field.axes[0]
    assert field is not None
    return field


@pytest.mark.parametrize("first", range(0, 120, 30))
def test_random_networks(first: int) -> None:
    """Odd sizes, maps of different speeds, padding behind joins (`_resized` draws them)."""
    tables = 0
    for seed in range(first, first + 30):
        network = random_network(seed)
        assert not difference(network), f"seed {seed}"
        tables += any(
            isinstance(a, UnitTable) for layer in network.analyze().layers for a in layer.receptive_field.axes
        )
    assert tables >= 3


@pytest.mark.parametrize("seed", range(16))
def test_gradients_of_every_row_and_column(seed: int) -> None:
    report = verify_receptive_field(random_network(1000 + seed), thorough=True)
    assert report.ok, report.render()


def test_axes_that_are_alike_and_asked_for_other_units() -> None:
    """Units that are listed for one axis are not all that padding behind them asks for along the other."""
    text = """
    input: [1, 8, 8]
    layers:
      - {type: max_pool2d, kernel_size: 3, stride: 3, padding: 1, ceil_mode: true}
      - type: branches
        paths:
          - []
          - - {type: max_pool2d, kernel_size: 3, stride: 2, ceil_mode: true}
            - {type: interpolate, size: 3, mode: bilinear}
      - {type: conv2d, out_channels: 4, kernel_size: 2, stride: [3, 2], padding: 2, dilation: [1, 4]}
    """
    network = loads(text)
    assert not difference(network)
    assert verify_receptive_field(network, thorough=True).ok


def test_a_decoder_on_an_odd_size() -> None:
    """Stem: unit u sees 2u. Pooled and brought back to 11 units, unit u sees 4 v and 4 v + 2, v = floor(5 u / 11)."""
    field = height(loads(ODD_DECODER))
    by_hand = [
        {2 * u for u in (unit - 1, unit, unit + 1)}
        | {p for u in (unit - 1, unit, unit + 1) for p in (4 * (5 * u // 11), 4 * (5 * u // 11) + 2)}
        for unit in range(11)
    ]
    assert by_hand[0] == {-4, -2, 0, 2}
    assert [positions(field.span(unit)) for unit in range(11)] == by_hand
    assert field.start == -4
    assert field.centre == -1
    assert field.sizes == [5, 7, 9]
    assert field.counts() == {5: 1, 7: 6, 9: 4}
    assert field.coverage == 5 / 9
    assert field.cut(21) == 2  # the first unit and the last
    assert verify_receptive_field(loads(ODD_DECODER), thorough=True).ok


def test_the_field_does_not_change_in_kind_with_the_size() -> None:
    """A map of more than 256 units at another speed, with padding behind the join."""
    text = ODD_DECODER.replace("21, 21", "9, 1101").replace("size: 11", "size: [5, 551]")
    assert not difference(loads(text))


def test_sizes_are_those_of_units_that_the_map_has() -> None:
    """A map of 10 units, brought back from 5 of 2 positions each: every unit of the width sees 2 or 3."""
    text = (
        "input: [1, 10, 5]\nlayers: [{name: b1, type: conv2d, out_channels: 1, kernel_size: 1}, "
        "{type: avg_pool2d, kernel_size: 2, ceil_mode: true}, {type: upsample, size: [10, 5]}, "
        "{type: concat, with: [b1]}]"
    )
    network = loads(text)
    width = network.analyze().layers[-1].receptive_field.axes[1]
    assert width is not None
    seen = [positions(width.span(unit)) for unit in range(5)]
    assert seen == [{0, 1}, {0, 1}, {2, 3}, {2, 3}, {4, 5}]
    assert width.sizes == sorted({max(s) - min(s) + 1 for s in seen})
    assert not difference(network)


def test_a_period_longer_than_the_map() -> None:
    """Every second of 37 positions made 29 from 19: that repeats after 37 x 29 units, and the map has 29."""
    text = (
        "input: [1, 31, 31]\nlayers: [{type: upsample, size: 37, mode: bilinear}, "
        "{type: conv2d, out_channels: 1, kernel_size: 1, stride: 2}, {type: upsample, size: 29}, "
        "{type: conv2d, out_channels: 1, kernel_size: 5, padding: 6}]"
    )
    field = height(loads(text), "upsample2")
    assert isinstance(field, UnitTable)
    assert field.stride == Fraction(31, 37) * 2 * Fraction(19, 29)
    assert field.first == -6
    assert not difference(loads(text))


def test_units_that_see_nothing_are_not_cut() -> None:
    """Of the 13 units of a transposed convolution with gaps, four see one position each, the others nothing."""
    field = height(loads(GAPS))
    assert field.counts() == {0: 9, 1: 4}
    assert field.cut(6) == 0
    assert field.cut(4) == 1  # the last of the positions 1, 2, 3, 4
    shifted = height(loads(GAPS.replace("stride: 4", "stride: 4, padding: 1")))
    assert shifted.start is None
    assert shifted.centre is None


@pytest.mark.parametrize("extent", range(1, 12))
def test_cut_counts_as_one_unit_after_the_other_does(extent: int) -> None:
    of_periods: list[tuple[Span, ...]] = [
        *(((0, 1, DENSE),), ((-1, 1, DENSE),), ((-2, 3, DENSE), (0, -1, DENSE))),
        ((3, 2, DENSE), (1, 1, DENSE), (2, 9, DENSE)),
    ]
    for spans in of_periods:
        for down in (0, 1, 3):
            for units in (1, 2, 5, 8):
                field = Periodic(len(spans), down, spans, units)
                every = [field.span(unit) for unit in range(units)]
                cut = [1 for first, last, _ in every if first <= last and (first < 0 or last >= extent)]
                assert field.cut(extent) == len(cut)
                listed = tuple([field.span(unit) for unit in range(-2, units + 2)])
                assert UnitTable(-2, listed, units, None).cut(extent) == len(cut)


def test_a_crop_behind_gaps_has_no_sizes_but_its_own() -> None:
    """A union with a unit that sees nothing adds nothing."""
    text = (
        "input: [1, 9, 9]\nlayers: [{type: zero_pad2d, padding: [-4, 0, -4, 0]}, "
        "{type: conv_transpose2d, out_channels: 1, kernel_size: 1, stride: 3}, "
        "{type: conv2d, out_channels: 1, kernel_size: 2}]"
    )
    assert height(loads(text)).sizes == [0, 1]
    assert not difference(loads(text))


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_one_position_that_does_not_see_everything_is_stretched(mode: str) -> None:
    text = (
        "input: [1, 7, 9]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 5, stride: 9}, "
        f"{{type: upsample, size: 4, mode: {mode}}}, {{type: conv2d, out_channels: 1, kernel_size: 3, padding: 1}}]"
    )
    assert height(loads(text)).sizes == [5]
    assert height(loads(text)).stride == 0
    assert not difference(loads(text))


def test_how_far_joined_units_lie_apart() -> None:
    """The odd decoder: unit u of the stem is at 2 u, of the other map at 4 floor(5 u / 11) + 1."""
    field = loads(ODD_DECODER).analyze().total.receptive_field
    apart = [abs(2 * u - (4 * (5 * u // 11) + 1)) for u in range(11)]
    assert field.misalignment is not None
    assert field.misalignment.path == "cat"
    assert field.misalignment.largest == (Fraction(max(apart)),) * 2
    assert field.misalignment.mean == (Fraction(sum(apart), 11),) * 2


def test_units_that_see_nothing_lie_nowhere() -> None:
    """Of 13 units the even ones see two neighbouring positions, and the odd ones nothing on either path."""
    stretch = "{type: conv_transpose2d, out_channels: 1, kernel_size: 1, stride: 2}"
    text = (
        "input: [1, 7, 7]\nlayers: [{type: branches, merge: add, paths: "
        f"[[{stretch}], [{{type: zero_pad2d, padding: [1, -1, 1, -1]}}, {stretch}]]}}]"
    )
    field = loads(text).analyze().total.receptive_field
    assert field.misalignment is not None
    assert (field.misalignment.largest[0], field.misalignment.mean[0]) == (Fraction(1), Fraction(7, 13))
    alike = loads(text.replace("[1, -1, 1, -1]", "0")).analyze().total.receptive_field
    assert alike.misalignment is None


@pytest.mark.parametrize(("crop", "largest"), [(5, Fraction(0)), (6, Fraction(1)), (4, Fraction(1))])
def test_a_wrong_crop_lies_farther_off_than_the_right_one(crop: int, largest: Fraction) -> None:
    text = (
        "input: [1, 24, 24]\nlayers: [{name: big, type: zero_pad2d, padding: 5}, "
        f"{{type: zero_pad2d, padding: [{-crop}, {crop - 10}, {-crop}, {crop - 10}]}}, {{type: add, with: [input]}}]"
    )
    found = loads(text).analyze().total.receptive_field.misalignment
    assert (Fraction(0) if found is None else found.largest[0]) == largest


def test_a_wrong_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The witness does not take over what a composed field says: here of a unit outside of the map."""

    def wrong(self: UnitTable, unit: int) -> Span:
        return self.spans[max(0, unit - self.first)] if unit >= 0 else (0, -1, DENSE)

    monkeypatch.setattr(UnitTable, "span", wrong)
    report = verify_receptive_field(loads(ODD_DECODER))
    assert "fuse: rows of unit 0: 0 to 2 (2 of 3 read) reported, -4 to 2 (4 of 7 read) by definition" in report.render()


def test_wrong_figures_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UnitTable, "cases", lambda self: ((span, 1) for span in self.spans))
    report = verify_receptive_field(loads(ODD_DECODER)).render()
    assert "cat: rows: counts {3: 8, 5: 5} reported, {3: 6, 5: 5} by definition" in report


def test_nearest_neighbours_by_rounding_repeat_with_the_map() -> None:
    """Where PyTorch's rounding decides, the positions are listed one by one."""
    layer = Upsample(size=(2, 141), mode="nearest-exact")
    ((_, width),) = layer.reads(((1, 2, 2),), (1, 2, 141))
    assert not isinstance(width, ReceptiveField)
    assert width.of(70) == [1]  # type: ignore[union-attr]


def test_maps_of_one_speed_and_long_periods_keep_it() -> None:
    """Periods of 17 and 19 units repeat together after 323, more than the 300 units of the map: they are listed."""
    fields = [Periodic(up, 2 * up, ((0, 1, DENSE),) * up, 300) for up in (17, 19)]
    joined, _ = Composer(lambda _node, _axis: (-4, 310)).join(fields, Target(0, 0, 300))
    assert isinstance(joined, UnitTable)
    assert joined.stride == 2
    one_by_one = [positions(fields[0].span(unit)) | positions(fields[1].span(unit)) for unit in range(-4, 311)]
    assert [positions(joined.span(unit)) for unit in range(-4, 311)] == one_by_one
    behind = Composer(lambda _node, _axis: (0, 9))
    for reads, stride in (
        (Phases(2, 1, ((0,), (0,))), Fraction(1)),
        (Phases(3, 2, ((0,), (0, 1), (1,))), Fraction(4, 3)),
        (Window(2, 3), Fraction(6)),
    ):
        read = behind.read_through(joined, reads, Target(1, 0, 10))
        assert isinstance(read, UnitTable)
        assert read.stride == stride


@pytest.mark.parametrize("gap", [0, 1])
def test_neighbouring_spans_are_one(gap: int) -> None:
    """Beyond what is tracked a hole is unknown, but two that touch have none."""
    spans: list[Span] = [(0, MAX_TRACKED - 1, DENSE), (MAX_TRACKED + gap, 2 * MAX_TRACKED, DENSE)]
    expected = (0, 2 * MAX_TRACKED, UNTRACKED if gap else DENSE)
    assert union(spans) == union(spans[::-1]) == expected


SPREAD = "{type: conv2d, out_channels: 1, kernel_size: [1, 5], padding: [0, 2]}"
SPARSE = "{type: conv_transpose2d, out_channels: 1, kernel_size: 1, stride: 2}"
"""Its odd rows and columns see nothing."""
ODD_ROWS = "{type: zero_pad2d, padding: [0, 0, -1, 0]}, {type: conv2d, out_channels: 1, kernel_size: 1, stride: [2, 1]}"
EVEN_ROWS = "{type: conv2d, out_channels: 1, kernel_size: 1, stride: [2, 1]}"


def axes_of(layers: str) -> list[list[set[int]]]:
    """What the units of the last map see, along each axis."""
    network = loads(f"input: [1, 8, 8]\nlayers: [{layers}]")
    assert not difference(network)
    assert verify_receptive_field(network, thorough=True).ok
    assert verify_projective_field(network, thorough=True).ok
    field = network.analyze().total.receptive_field
    return [[set(positions(axis.span(unit))) for unit in range(axis.units)] for axis in field.axes if axis is not None]


def test_what_sees_nothing_along_one_axis_sees_nothing() -> None:
    """Of the odd rows nothing was left; the columns that lie between them are those of units that see nothing."""
    network = loads(f"input: [1, 8, 8]\nlayers: [{SPREAD}, {SPARSE}, {ODD_ROWS}, {SPREAD}]")
    assert verify_receptive_field(network, thorough=True).ok
    assert [layer.receptive_field.is_nothing for layer in network.analyze().layers] == [False] * 3 + [True] * 2
    assert network.analyze().total.receptive_field.is_nothing


def test_a_joined_path_of_which_only_gaps_are_read_adds_nothing() -> None:
    """The other path sees its own column; this one five, in every second row."""
    larger = "{type: zero_pad2d, padding: [0, 7, 0, 7]}"
    join = f"{{name: both, type: branches, merge: add, paths: [[{SPREAD}, {SPARSE}], [{larger}]]}}"
    rows, columns = axes_of(f"{join}, {ODD_ROWS}")
    assert (rows[0], columns[2]) == ({1}, {2})
    rows, columns = axes_of(f"{join}, {EVEN_ROWS}")
    assert (rows[0], columns[2]) == ({0}, {-1, 0, 1, 2, 3})
    rows, columns = axes_of(f"{join}, {{type: relu}}, {{type: add, with: [both]}}, {ODD_ROWS}")
    assert (rows[0], columns[2]) == ({1}, {2})


def test_a_path_that_has_ended_in_front_of_a_join_adds_nothing() -> None:
    path = f"[{SPREAD}, {SPARSE}, {ODD_ROWS}]"
    rows, columns = axes_of(
        f"{{type: branches, merge: add, paths: [{path}, [{{type: zero_pad2d, padding: [0, 7, 0, -1]}}]]}}"
    )
    assert (rows[0], columns[2]) == ({0}, {2})


def test_a_map_in_the_padding_is_held_to_gradients_unit_by_unit() -> None:
    """Where one path reads padding only along the height, its columns have no gradient either."""
    text = (
        "input: [1, 9, 9]\nlayers: [{type: branches, merge: add, paths: [[], "
        "[{type: zero_pad2d, padding: [0, 0, 4, -4]}, "
        "{type: conv2d, out_channels: 1, kernel_size: [1, 5], padding: [0, 2]}]]}]"
    )
    network = loads(text)
    assert verify_receptive_field(network, thorough=True).ok
    seen = positions_read(network.graph, collect_facts(network.graph), {})[-1]
    assert seen is not None
    assert seen.unit((0, 4)) == (1, 1 << 4)
    assert seen.unit((4, 4)) == (0b10001, 0b1111100)


def test_the_first_positions_of_a_map_are_fewer() -> None:
    """What is taken from the front moves nothing, and is another map."""
    network = loads(
        "input: [2, 9, 9]\nlayers: [{type: conv2d, out_channels: 2, kernel_size: 3, padding: 1}, "
        "{name: part, type: narrow, dim: 2, length: 4, start: 0}]"
    )
    assert height(network, "part").counts() == {3: 4}
    assert network.analyze().projections[-1][0].units == 4
    assert verify_receptive_field(network, thorough=True).ok
    assert verify_projective_field(network, thorough=True).ok
