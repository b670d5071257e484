"""Products of values as matrices, attention between values, sums that stretch, and dimensions named anew."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from archlab.analysis.conditions import Conditions
from archlab.api.load import loads
from archlab.api.model import build
from archlab.api.network import Network
from archlab.torch.verify import verify
from archlab.torch.verify_field import verify_receptive_field
from archlab.torch.verify_memory import verify_memory
from tests.mechanisms.equality import assert_equal
from tests.torch.course import differences
from tests.torch.test_storages import counted_step


class NonLocal(nn.Module):
    """Wang et al. 2018: each position is a sum over all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 4, 4)
        self.q, self.k = nn.Conv2d(12, 6, 1), nn.Conv2d(12, 6, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        weights = torch.softmax(self.q(x).flatten(2).mT @ self.k(x).flatten(2), -1)
        return (x.flatten(2) @ weights.mT).view(x.shape)


def test_each_position_is_a_sum_over_all() -> None:
    network = assert_equal("non_local", NonLocal())
    # 24 positions by 24 by 6 channels; 12 channels by 24 by 24
    macs = {one.node.path: one.macs for one in network.analyze().layers}
    assert (macs["scores"], macs["matmul"]) == (24 * 24 * 6, 12 * 24 * 24)
    assert network.analyze().total.receptive_field.is_global


class ByConvolutions(nn.Module):
    """Queries by a 1x1 convolution, keys and values of a smaller map, as in LeViT, EdgeNeXt and PVTv2."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 4, 4)
        self.q, self.kv = nn.Conv2d(12, 12, 1), nn.Conv2d(12, 24, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        q = self.q(x).unflatten(1, (3, 4)).flatten(3).mT
        k, v = self.kv(x).unflatten(1, (3, 8)).flatten(3).mT.chunk(2, -1)
        return functional.scaled_dot_product_attention(q, k, v)


def test_attention_by_convolutions() -> None:
    network = assert_equal("attention_by_convolutions", ByConvolutions())
    last = network.analyze().layers[-1]
    assert last.macs == 3 * 24 * 6 * (4 + 4)  # heads, queries, keys, widths
    assert last.flops == 2 * last.macs + 3 * 24 * 4 + 5 * 3 * 24 * 6


def around(layers: str) -> Network:
    return loads(
        "input: [3, 4, 6]\nlayers:\n  - {name: first, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}\n"
        + layers
    )


def check(network: Network) -> None:
    """Shapes and tensors, receptive fields by gradients, memory by live storages of both modes."""
    for report in (verify(network), verify_receptive_field(network), verify_memory(network, Conditions(2))):
        assert report.ok, report.render()
    for training in (False, True):
        assert not differences(network, counted_step(2), training=training)


CHANNELS_MEET = """  - {name: q, type: flatten, start_dim: 2}
  - {name: k, type: transpose, dim0: 1, dim1: 2}
  - {name: scores, from: q, type: matmul, with: [k]}
  - {type: softmax, dim: -1}
  - {type: matmul, with: [q]}
  - {type: unflatten, dim: 2, unflattened_size: [4, 6]}
"""
ROWS_BY_COLUMNS = """  - {name: turned, type: transpose, dim0: 2, dim1: 3}
  - {from: first, type: matmul, with: [turned]}
"""
STRETCHED = """  - {name: q, type: flatten, start_dim: 2}
  - {name: one, type: unflatten, dim: 1, unflattened_size: [1, 4]}
  - {name: two, from: q, type: unflatten, dim: 1, unflattened_size: [2, 2]}
  - {name: turned, from: one, type: transpose, dim0: 2, dim1: 3}
  - {name: made, from: two, type: matmul, with: [turned]}
"""
POSITIONS_AS_WIDTH = """  - {name: q, type: flatten, start_dim: 2}
  - {name: heads, type: unflatten, dim: 1, unflattened_size: [2, 2]}
  - {name: keys, type: tanh}
  - {name: values, from: heads, type: sigmoid}
  - {name: made, from: heads, type: scaled_dot_product_attention, scale: 0.5, with: [keys, values]}
  - {type: flatten, start_dim: 1, end_dim: 2}
  - {type: unflatten, dim: 2, unflattened_size: [4, 6]}
  - {type: conv2d, out_channels: 2, kernel_size: 1}
"""
WIDER_VALUES = """  - {name: q, type: flatten, start_dim: 2}
  - {name: turned, type: transpose, dim0: 1, dim1: 2}
  - {name: heads, type: unflatten, dim: 2, unflattened_size: [1, 4]}
  - {name: tokens, type: transpose, dim0: 1, dim1: 2}
  - {name: key, type: narrow, dim: 3, start: 0, length: 1}
  - {name: made, type: scaled_dot_product_attention, with: [key, tokens], from: key}
"""


EVERY_SECOND = """  - {name: a, type: narrow, dim: 2, start: 1, length: 2, step: 2}
  - {name: b, type: narrow, dim: -1, start: 0, length: 3, step: 2}
  - {type: conv2d, out_channels: 2, kernel_size: 2}
"""
ROWS_OF_LENGTH_ONE = """  - {name: a, type: normalize, dim: -1}
  - {type: flatten, start_dim: 2}
  - {type: normalize, dim: 2}
"""
BIASED = """  - {name: q, type: flatten, start_dim: 2}
  - {name: heads, type: unflatten, dim: 1, unflattened_size: [2, 2]}
  - {name: k, type: tanh}
  - {name: turned, from: heads, type: transpose, dim0: 2, dim1: 3}
  - {name: scores, type: matmul, with: [k]}
  - {type: relative_position_bias, size: [4, 6], relative: RELATIVE}
  - {type: softmax, dim: -1}
"""


@pytest.mark.parametrize(
    "layers",
    [
        *(CHANNELS_MEET, ROWS_BY_COLUMNS, STRETCHED, POSITIONS_AS_WIDTH, WIDER_VALUES, EVERY_SECOND),
        ROWS_OF_LENGTH_ONE,
        *[BIASED.replace("RELATIVE", word) for word in ("query", "key", "distance")],
    ],
)
def test_what_rows_and_columns_hold(layers: str) -> None:
    check(around(layers))


def test_a_sum_that_stretches() -> None:
    network = around(
        "  - {name: g, type: mean, dim: [2, 3], keepdim: true}\n  - {type: add, stretch: true, with: [first]}\n"
    )
    check(network)
    sample = torch.rand(2, 3, 4, 6)
    built = build(network).eval()
    with torch.no_grad():
        first = built.get_submodule("first")(sample)
        assert torch.equal(built(sample), first.mean((2, 3), keepdim=True) + first)
    assert network.analyze().layers[-1].flops == 4 * 4 * 6


class Generator(nn.Module):
    """A map made of features, as by GANs."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.conv = nn.Linear(10, 32), nn.ConvTranspose2d(8, 3, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv(self.fc(x).unflatten(1, (8, 2, 2)))
        return made


def test_a_map_of_features() -> None:
    network = loads(
        "input: [10]\nlayers:\n  - {name: fc, type: linear, out_features: 32}\n"
        "  - {type: unflatten, dim: 1, unflattened_size: [8, 2, 2]}\n  - {type: as_map}\n"
        "  - {name: conv, type: conv_transpose2d, out_channels: 3, kernel_size: 4, stride: 2, padding: 1}\n"
    )
    model, built = Generator().eval(), build(network).eval()
    built.load_state_dict(model.state_dict())
    sample = torch.rand(2, 10)
    with torch.no_grad():
        assert torch.equal(built(sample), model(sample))
    assert verify(network).ok
    assert verify_memory(network, Conditions(2)).ok


def test_tokens_in_groups_have_no_positions() -> None:
    """What reads axes that are taken apart sees all of them; as a map again, where is not known."""
    text = (
        "  - {name: tokens, type: flatten, start_dim: 2}\n  - {type: as_channels}\n"
        "  - {name: groups, type: unflatten, dim: 2, unflattened_size: [8, 3]}\n"
    )
    check(around(text))
    network = around(text + "  - {name: map, type: as_map}\n  - {type: conv2d, out_channels: 2, kernel_size: 1}\n")
    assert network.analyze().total.receptive_field.unknown
