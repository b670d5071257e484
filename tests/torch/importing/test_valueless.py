"""What is left out on the `meta` device changes nothing that is read."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everyone calls it
from torch.overrides import TorchFunctionMode

from archlab.diagnostics.problem import ConfigError
from archlab.torch.importing.flatten import flatten
from archlab.torch.importing.valueless import NothingDrawn, shaped

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
    found = shaped(F.batch_norm, (x, vector, vector), {"weight": vector, "bias": None, "training": False})
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
    assert shaped(F.batch_norm, args, options) is None


def layouts() -> list[Tensor]:
    """A map of 2x3x4x5 without values, as it may lie in memory."""
    return [
        torch.zeros(2, 3, 4, 5, device="meta"),
        torch.zeros(2, 4, 5, 3, device="meta").permute(0, 3, 1, 2),
        torch.zeros(2, 6, 4, 5, device="meta")[:, :3],
        torch.zeros(2, 3, 8, 5, device="meta")[:, :, ::2],
        torch.zeros(2, 1, 4, 5, device="meta").expand(2, 3, 4, 5),
        torch.zeros(2, 3, 4, 5, device="meta", dtype=torch.bfloat16),
    ]


ACTIVATIONS = (
    *(nn.ReLU(), nn.LeakyReLU(), nn.ELU(), nn.Mish(), nn.ReLU6(), nn.Hardtanh(), nn.Hardsigmoid(), nn.Hardswish()),
    *(nn.GELU(), nn.GELU("tanh"), nn.LayerNorm(5, elementwise_affine=False)),
    nn.LayerNorm([4, 5], elementwise_affine=False),
)


class Shaping(TorchFunctionMode):
    """Notes what is not computed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Tensor | None] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.found.append(shaped(func, args, kwargs or {}))
        return func(*args, **(kwargs or {})) if self.found[-1] is None else self.found[-1]


@pytest.mark.parametrize("module", ACTIVATIONS, ids=repr)
def test_what_has_its_inputs_shape_lies_in_memory_as_if_computed(module: nn.Module) -> None:
    for given in layouts():
        expected = module(given)
        with Shaping() as mode:
            found = module(given)
        assert mode.found == [found]
        assert (found.shape, found.dtype, found.stride()) == (expected.shape, expected.dtype, expected.stride())
        assert found is not given
        assert given._version == 0


@pytest.mark.parametrize(
    "module", [nn.ReLU(), nn.Hardswish(), nn.GELU(), nn.BatchNorm2d(3, device="meta").eval()], ids=repr
)
def test_one_position_lies_in_memory_as_if_computed(module: nn.Module) -> None:
    """Behind a pool of a map with its channels last: contiguous, but not as a new tensor is."""
    given = torch.zeros(2, 1, 1, 3, device="meta").permute(0, 3, 1, 2)
    expected = module(given)
    with Shaping() as mode:
        found = module(given)
    assert mode.found[-1] is found
    assert found.stride() == expected.stride() == (3, 1, 3, 3)


@pytest.mark.parametrize("kind", [nn.ReLU, nn.LeakyReLU, nn.ELU, nn.Mish, nn.ReLU6, nn.Hardsigmoid, nn.Hardswish])
def test_what_works_in_place_changes_its_input_once(kind: Any) -> None:
    given = torch.zeros(2, 3, device="meta")
    with Shaping() as mode:
        assert kind(inplace=True)(given) is given
    assert mode.found[-1] is given
    assert given._version == 1
    stretched = torch.zeros(2, 1, device="meta").expand(2, 3)
    assert shaped(F.relu, (stretched,), {"inplace": True}) is None


@pytest.mark.parametrize(
    ("func", "args", "options"),
    [
        (F.relu, (torch.zeros(2, 3),), {"inplace": False}),
        (F.hardswish, (torch.zeros(2, 3, device="meta", dtype=torch.int32),), {"inplace": False}),
        (F.hardtanh, (torch.zeros(2, 3, device="meta"),), {"min_val": 1.0, "max_val": 0.0}),
        (F.gelu, (torch.zeros(2, 3, device="meta"),), {"approximate": "some"}),
        (F.layer_norm, (torch.zeros(2, 3, device="meta"), (2,)), {}),
        (F.layer_norm, (torch.zeros(2, 3, device="meta"), (3,)), {"weight": torch.zeros(2, device="meta")}),
        (F.layer_norm, (torch.zeros(2, 3, device="meta"), (3,)), {"bias": torch.zeros(3, device="meta").half()}),
        (F.layer_norm, (torch.zeros(2, 3, device="meta"), (3,)), {"weight": torch.zeros(3)}),
        (F.silu, (torch.zeros(2, 3, device="meta"),), {}),
    ],
    ids=["values", "integers", "bounds", "unknown word", "sizes", "weight", "dtype", "device", "quick anyway"],
)
def test_other_activations_are_computed(func: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    assert shaped(func, args, options) is None


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
