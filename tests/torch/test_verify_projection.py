"""`verify --projective-field`: equal on random networks and presets, and finds what is not."""

from __future__ import annotations

import pytest

from archlab.analysis.projective_field import composition
from archlab.analysis.projective_field.composition import Projector
from archlab.api.load import loads
from archlab.cli.main import main
from archlab.layers.conv import Conv2d
from archlab.layers.geometry import AxisReads, Window
from archlab.layers.shape import Shape
from archlab.torch.verify_field import verify_receptive_field
from archlab.torch.verify_projection import verify_projective_field
from tests import presets
from tests.random_networks import random_network


@pytest.mark.parametrize("first", [0, *[pytest.param(first, marks=pytest.mark.whole) for first in (10, 20, 30)]])
def test_random_networks(first: int) -> None:
    """Every row and column of every layer, for every position of the input."""
    for seed in range(first, first + 10):
        report = verify_projective_field(random_network(seed), thorough=True)
        assert report.ok, f"seed {seed}: {report.render()}"
        assert report.units >= 20


@pytest.mark.parametrize(
    ("name", "size"), [("resnet18", 97), ("mobilenet_v2_0_35", 96), ("efficientnet_b0", 64), ("unet", 48)]
)
def test_presets(name: str, size: int) -> None:
    report = verify_projective_field(presets.shallow(name, size))
    assert report.ok, report.render()
    assert report.layers >= 8


def test_a_wrong_window_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(_self: Conv2d, _inputs: tuple[Shape, ...], _output: Shape) -> tuple[AxisReads, ...]:
        return ((Window(3, 1, 0, 1), Window(3, 1, 0, 2)),)

    monkeypatch.setattr(Conv2d, "reads", wrong)
    report = verify_projective_field(
        loads("input: [1, 9, 9]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 3}]")
    )
    assert not report.ok
    assert "conv, column 3: reached from 3, 5, 7 predicted, from 3-5 by gradients" in report.render()
    assert "row" not in report.render()


def test_a_join_that_forgets_a_map_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Projector, "_join", lambda _self, one, _other: one)
    text = (
        "input: [1, 9, 9]\nlayers: [{type: branches, paths: [[], "
        "[{type: conv2d, out_channels: 1, kernel_size: 3, padding: 1}]]}]"
    )
    assert (
        "cat, row 0: reached from 0 predicted, from 0-1 by gradients" in verify_projective_field(loads(text)).render()
    )


def test_a_cycle_that_does_not_move_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "moved", lambda span, _by: span)
    text = "input: [1, 60, 60]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 3, padding: 1, stride: 2}]"
    assert not verify_projective_field(loads(text), thorough=True).ok


def test_what_gates_and_flat_values_see(capsys: pytest.CaptureFixture[str]) -> None:
    """A gate adds nothing; a classifier is reached from wherever its map is: here not from the last row."""
    network = loads(
        "input: [2, 10, 13]\nlayers: [{type: conv2d, out_channels: 4, kernel_size: 3, stride: 2}, "
        "{type: squeeze_excitation, squeeze_channels: 2}, {type: conv2d, out_channels: 2, kernel_size: 3}, "
        "{type: flatten}, {type: linear, out_features: 3}]"
    )
    report = verify_projective_field(network, thorough=True)
    assert report.ok, report.render()
    rows, columns = network.analyze().projections[-1]
    assert (rows.unreaching, columns.unreaching) == ([(9, 9)], [])
    assert main(["verify", "mobilenet_v2_0_35", "--input", "3x64x64", "--projective-field"]) == 0
    assert "reached from exactly the predicted input positions" in capsys.readouterr().out


def test_nearest_neighbours_of_one_axis_are_those_of_single_precision() -> None:
    """47 * (2 / 94) is below 1 in single precision, and 1 in double precision, in which the linear network runs."""
    network = loads("input: [1, 2]\nlayers: [{type: interpolate, size: 94}]")
    assert verify_projective_field(network, thorough=True).ok
    assert verify_receptive_field(network, thorough=True).ok
