"""The published cases in which other tools are wrong or silent: every row, against their true sizes."""

from __future__ import annotations

import pytest

from archlab.analysis.receptive_field.axis_field import Periodic
from archlab.api.load import loads
from archlab.api.network import Network
from archlab.torch.verify_field import verify_receptive_field


def conv(kernel: int | str = 3, **options: object) -> str:
    more = "".join(f", {name}: {value}" for name, value in options.items())
    return f"{{type: conv2d, out_channels: 4, kernel_size: {kernel}{more}}}"


def chain(*layers: str, size: int = 65) -> Network:
    return loads(f"input: [4, {size}, {size}]\nlayers: [{', '.join(layers)}]")


def u_net(levels: int, up: str, size: int) -> Network:
    """Two 3x3 convolutions a level, max pooling by 2, and back up with skips."""
    double = "{name: NAME, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1, repeat: 2}"
    items = []
    for level in range(levels):
        items += [double.replace("NAME", f"enc{level}"), "{type: max_pool2d, kernel_size: 2}"]
    items.append(double.replace("NAME", "bottom"))
    for level in reversed(range(levels)):
        items += [up, f"{{type: concat, with: [enc{level}]}}", double.replace("NAME", f"dec{level}")]
    return loads(f"input: [4, {size}, {size}]\nlayers: [{', '.join(items)}]")


TRANSPOSED_2 = "{type: conv_transpose2d, out_channels: 4, kernel_size: 2, stride: 2}"
TRANSPOSED_4 = "{type: conv_transpose2d, out_channels: 4, kernel_size: 4, stride: 2, padding: 1}"
BILINEAR = "{type: upsample, scale_factor: 2, mode: bilinear}"
HALF = conv(stride=2, padding=1)

CASES: dict[str, tuple[Network, list[int], float]] = {}


def case(name: str, network: Network, sizes: list[int], coverage: float = 1) -> None:
    CASES[name] = (network, sizes, coverage)


case("conv3 dilation 1, conv3 dilation 2", chain(conv(), conv(dilation=2)), [7])
case("three conv3 dilation 2", chain(*[conv(dilation=2)] * 3), [13], 7 / 13)
case("conv3 dilation 1, 2, 5", chain(conv(), conv(dilation=2), conv(dilation=5)), [17])
case("conv3 stride 2, conv_transpose k4 stride 2 padding 1", chain(HALF, TRANSPOSED_4), [5])
case(
    "conv3 stride 2, conv_transpose k3 stride 2 padding 1 output_padding 1",
    chain(
        HALF,
        "{type: conv_transpose2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, output_padding: 1}",
    ),
    [3, 5],
)
case(
    "conv3, depthwise conv3, conv1",
    chain(conv(), "{type: depthwise_conv2d, kernel_size: 3}", conv(1)),
    [5],
)
case("conv1 stride 2, conv3", chain(conv(1, stride=2), conv()), [5], 3 / 5)
case("conv 1x7 then 7x1", chain(conv("[1, 7]"), conv("[7, 1]")), [7])
case("conv3, max_pool k3 dilation 2", chain(conv(), "{type: max_pool2d, kernel_size: 3, dilation: 2, stride: 1}"), [7])
case("conv3 stride 2, nearest x2, conv3", chain(HALF, "{type: upsample, scale_factor: 2}", conv(padding=1)), [5])
case("conv3 stride 2, bilinear x2, conv3", chain(HALF, BILINEAR, conv(padding=1)), [7])
case(
    "two conv5 shifted by +-4, added",
    chain(
        "{type: branches, merge: add, paths: ["
        f"[{conv(5)}, {{type: zero_pad2d, padding: [0, 4, 0, 4]}}], "
        f"[{conv(5)}, {{type: zero_pad2d, padding: [4, 0, 4, 0]}}]]}}"
    ),
    [9],
)
case("U-Net, 2 levels, conv_transpose k2 s2", u_net(2, TRANSPOSED_2, 96), [44])
case("U-Net, 2 levels, conv_transpose k4 s2 p1", u_net(2, TRANSPOSED_4, 96), [48, 52])
case("U-Net, 2 levels, bilinear", u_net(2, BILINEAR, 96), [48, 52])
case("U-Net, 4 levels, conv_transpose k2 s2", u_net(4, TRANSPOSED_2, 320), [188, 204])
case("U-Net, 4 levels, bilinear", u_net(4, BILINEAR, 320), [220, 236])


@pytest.mark.parametrize("name", CASES)
def test_true_sizes(name: str) -> None:
    network, sizes, coverage = CASES[name]
    rf = network.analyze().total.receptive_field
    for axis in rf.axes:
        assert axis is not None
        assert axis.sizes == sizes
        assert axis.coverage == pytest.approx(coverage)


@pytest.mark.parametrize(
    ("name", "counts"),
    [("U-Net, 4 levels, conv_transpose k2 s2", {188: 4, 204: 12}), ("U-Net, 4 levels, bilinear", {220: 6, 236: 10})],
)
def test_how_often_each_size_occurs_in_a_period(name: str, counts: dict[int, int]) -> None:
    axis = CASES[name][0].analyze().total.receptive_field.axes[0]
    assert isinstance(axis, Periodic)
    assert axis.up == 16
    assert axis.over(16).counts() == counts


@pytest.mark.parametrize("name", [name for name in CASES if "4 levels" not in name])
def test_gradients_agree(name: str) -> None:
    report = verify_receptive_field(CASES[name][0])
    assert report.ok, report.render()
