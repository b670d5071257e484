"""`verify --receptive-field`: equal on every preset family, and finds what is not."""

from __future__ import annotations

import pytest

from archlab.analysis.facts import collect_facts
from archlab.analysis.receptive_field.axis_field import Periodic
from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.analysis.receptive_field.positions import positions_read
from archlab.analysis.receptive_field.spans import DENSE
from archlab.api.load import loads
from archlab.cli.main import main
from archlab.layers.conv import Conv2d
from archlab.layers.geometry import AxisReads, Window
from archlab.layers.shape import Shape
from archlab.torch.verify_field import compare_inside, verify_receptive_field
from tests import presets


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *(("alexnet", 224), ("resnet18", 96), ("resnet50", 64), ("resnet50_slim", 64)),
        *(("mobilenet_v1_0_25", 64), ("mobilenet_v2_0_35", 96)),
        *[pytest.param(name, 64, marks=pytest.mark.whole) for name in ("vgg11", "resnext50_32x4d")],
    ],
)
def test_presets(name: str, size: int) -> None:
    report = verify_receptive_field(presets.shallow(name, size))
    assert report.ok, report.render()
    assert report.layers >= 5


def test_a_wrong_window_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(_self: Conv2d, _inputs: tuple[Shape, ...], _output: Shape) -> tuple[AxisReads, ...]:
        return ((Window(3, 1, 0, 1), Window(3, 1, 0, 2)),)

    monkeypatch.setattr(Conv2d, "reads", wrong)
    report = verify_receptive_field(
        loads("input: [1, 9, 9]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 3}]")
    )
    assert not report.ok
    assert "conv, unit 3,3: columns 3, 5, 7 predicted, 3-5 have a gradient" in report.render()
    assert "rows" not in report.render()


def test_a_unit_at_the_border_is_held_to_what_it_reads_inside() -> None:
    """The first row reads the padding, which has no gradient, and rows 0 and 1, of which the second is not reported."""
    graph = loads("input: [1, 9, 9]\nlayers: [{type: conv2d, out_channels: 1, kernel_size: 3, padding: 1}]").graph
    found = positions_read(graph, collect_facts(graph), {})
    narrow = Periodic(1, 1, ((-1, 0, DENSE),), 9)
    (difference,) = compare_inside(graph.nodes[1], found[1], ReceptiveField((narrow, narrow)))
    assert difference == "  conv: rows of unit 0: 0 reported, 0-1 read"


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "mobilenet_v2_0_35", "--input", "3x64x64", "--receptive-field"]) == 0
    assert "read exactly the predicted positions" in capsys.readouterr().out


def test_what_a_gate_sees_is_context_and_the_field_behind_it_is_checked() -> None:
    network = loads(
        "input: [4, 12, 12]\nlayers: [{type: conv2d, out_channels: 4, kernel_size: 3}, "
        "{type: squeeze_excitation, squeeze_channels: 2}, {type: conv2d, out_channels: 4, kernel_size: 3}]"
    )
    field = network.analyze().total.receptive_field
    assert field.context
    assert field.axes[0] is not None
    assert field.axes[0].sizes == [5]
    report = verify_receptive_field(network)
    assert report.ok, report.render()


def test_channels_behind() -> None:
    """Layers on the last dimension see what is in front of them; halves that gate each other are together."""
    network = loads(
        "input: [4, 12, 10]\nlayers: [{type: conv2d, out_channels: 4, kernel_size: 3}, {type: channels_last}, "
        "{type: layer_norm}, {type: linear, out_features: 6}, {type: glu}, {type: channels_first}, "
        "{type: conv2d, out_channels: 2, kernel_size: 3}]"
    )
    report = verify_receptive_field(network)
    assert report.ok, report.render()
    assert report.layers == 2
    field = network.analyze().total.receptive_field
    assert field.axes[0] is not None
    assert field.axes[0].sizes == [5]


def test_masks_of_many_deformable_convolutions_do_not_overflow() -> None:
    """Their products would: 2 to the power of 2 to the power of the depth, and then the operator reads at nan."""
    dcn = "{type: deform_conv2d, out_channels: 2, kernel_size: 3, padding: 1, modulated: true}"
    body = f"{{type: residual, body: [{dcn}], repeat: 14}}"
    report = verify_receptive_field(loads(f"input: [2, 9, 9]\nlayers: [{body}]"))
    assert report.ok, report.render()
