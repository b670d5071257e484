"""Windows of a map as columns, what mixes them, and a map of them again."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from archlab.analysis.conditions import Conditions
from archlab.api.load import loads
from archlab.torch.verify import verify
from archlab.torch.verify_field import verify_receptive_field
from archlab.torch.verify_memory import verify_memory
from archlab.torch.verify_projection import verify_projective_field
from tests.mechanisms.equality import assert_equal
from tests.torch.course import differences


class Outlook(nn.Module):
    """Yuan et al. 2021 (VOLO): each position says how the values in its window are mixed, for each place of it."""

    def __init__(self) -> None:
        super().__init__()
        self.v, self.attn = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 2 * 81, 1)

    def forward(self, x: Tensor) -> Tensor:
        v = torch.unflatten(functional.unfold(self.v(x), 3, padding=1), 1, (2, 4, 9)).permute(0, 1, 4, 3, 2)
        weights = torch.unflatten(self.attn(x), 1, (2, 9, 9)).flatten(4).permute(0, 1, 4, 2, 3).softmax(-1)
        columns = (weights @ v).permute(0, 1, 4, 3, 2).flatten(1, 3)
        return functional.fold(columns, x.shape[2:], 3, padding=1)


def test_outlook_attention() -> None:
    network = assert_equal("outlook", Outlook())
    field = network.analyze().total.receptive_field
    assert [axis.sizes for axis in field.axes if axis] == [[5], [5]]


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"),
    [(3, 1, 1, 1), (3, 2, 1, 1), (2, 3, 0, 1), (3, 2, 2, 2), ([2, 3], [1, 2], [0, 2], [2, 1])],
)
def test_each_window_is_where_it_was(kernel: object, stride: object, padding: object, dilation: object) -> None:
    options = f"kernel_size: {kernel}, stride: {stride}, padding: {padding}, dilation: {dilation}"
    network = loads(
        "input: [2, 9, 8]\nlayers:\n"
        "  - {name: first, type: conv2d, out_channels: 2, kernel_size: 3, padding: 1}\n"
        f"  - {{type: unfold, {options}}}\n"
        "  - {type: transpose, dim0: 1, dim1: 2}\n"
        "  - {type: linear, out_features: $in_channels}\n"
        "  - {type: transpose, dim0: 1, dim1: 2}\n"
        f"  - {{type: fold, output_size: [9, 8], {options}}}\n"
    )
    for report in (verify(network), verify_receptive_field(network), verify_projective_field(network)):
        assert report.ok, report.render()
    for batch, channels_last in ((1, False), (2, True)):
        conditions = Conditions(batch, channels_last=channels_last, adds_in_place=False)
        assert verify_memory(network, conditions).ok
        for training in (False, True):
            assert not differences(network, conditions, training=training)


def test_columns_of_no_map_see_everything() -> None:
    network = loads(
        "input: [4, 9]\nlayers:\n"
        "  - {name: first, type: conv1d, out_channels: 4, kernel_size: 3, padding: 1}\n"
        "  - {type: fold, output_size: 4, kernel_size: 2}\n"
        "  - {type: conv2d, out_channels: 2, kernel_size: 1}\n"
    )
    assert verify(network).ok
    assert torch.equal(torch.tensor(network.graph.nodes[2].shape), torch.tensor([1, 4, 4]))
    assert network.analyze().total.receptive_field.is_global
