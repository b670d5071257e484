"""What is left out on the `meta` device changes nothing that is read."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everyone calls it

from archlab.diagnostics.problem import ConfigError
from archlab.torch.importing.flatten import flatten
from archlab.torch.importing.valueless import NothingDrawn, normalised

FILLS = (
    lambda tensor: tensor.normal_(0, 2),
    lambda tensor: tensor.fill_(3),
    lambda tensor: nn.init.kaiming_normal_(tensor, mode="fan_out"),
    lambda tensor: nn.init.trunc_normal_(tensor, std=0.02),
    lambda tensor: nn.init.constant_(tensor=tensor, val=4),
)


@pytest.mark.parametrize("fill", FILLS)
def test_tensors_with_values_are_filled_and_others_given_back(fill: object) -> None:
    assert callable(fill)
    torch.manual_seed(0)
    expected = fill(torch.zeros(3, 4))
    torch.manual_seed(0)
    with NothingDrawn():
        assert torch.equal(fill(torch.zeros(3, 4)), expected)
        empty = torch.zeros(3, 4, device="meta")
        assert fill(empty) is empty


def test_a_norm_in_eval_mode_has_its_inputs_shape() -> None:
    x, vector = torch.zeros(2, 3, 4, 5, device="meta"), torch.zeros(3, device="meta")
    found = normalised(F.batch_norm, (x, vector, vector), {"weight": vector, "bias": None, "training": False})
    assert found is not None
    expected = F.batch_norm(x, vector, vector, vector, None, training=False)
    assert (found.shape, found.dtype, found.stride()) == (expected.shape, expected.dtype, expected.stride())


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ((torch.zeros(2, 3, 4), torch.zeros(3), torch.zeros(3)), {}),
        ((torch.zeros(2, 3, 4), torch.zeros(3), torch.zeros(3)), {"training": True}),
        ((torch.zeros(2, 4, 3), torch.zeros(3), torch.zeros(3)), {}),
        ((torch.zeros(2, 3, 4), torch.zeros(3), torch.zeros(3)), {"weight": torch.zeros(4)}),
        ((torch.zeros(2, 3, 4), None, None), {"training": True}),
    ],
    ids=["values", "training", "channels", "weight", "no statistics"],
)
def test_others_are_computed(given: tuple[Tensor | None, ...], options: dict[str, object]) -> None:
    has_values = not options and given[1] is not None and given[0] is not None and given[0].shape[1] == 3
    device = "cpu" if has_values else "meta"
    args = tuple(None if one is None else one.to(device) for one in given)
    assert normalised(F.batch_norm, args, options) is None


class Misfit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(7)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.norm(self.conv(x))
        return found


def test_a_norm_of_other_channels_is_still_refused() -> None:
    with torch.device("meta"):
        model = Misfit()
    with pytest.raises(ConfigError, match="does not run"):
        flatten(model, {"input": (3, 8, 8)}, name="misfit", origin="here")
