"""`torch.nn.MultiheadAttention` of queries, keys and values that are several values: DETR's, RT-DETR's and YOLO's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everyone calls it

import archlab
from archlab.api.imported import network_of
from archlab.cli.main import main
from archlab.imports.recover import recovered_config
from archlab.torch.importing.prove import prove
from tests.torch.importing.held import counted_macs, difference, held, randomise, used_params, wrong_shapes

WIDTH, HEADS = 24, 3


def _sines(x: Tensor) -> Tensor:
    """Of a map's positions from 0, all sines of an axis in front, as in RT-DETR's encoder: (1, positions, C)."""
    like = x.new_zeros(1, dtype=torch.float32)
    height, width = x.shape[2:]
    rows, columns = torch.meshgrid(torch.arange(height).type_as(like), torch.arange(width).type_as(like), indexing="ij")
    waves = torch.arange(WIDTH // 4).type_as(like) / (WIDTH // 4)
    waves = 1.0 / (10000.0**waves)
    down, across = (places.flatten()[..., None].float() @ waves[None] for places in (rows, columns))
    return torch.cat([down.sin(), down.cos(), across.sin(), across.cos()], 1)[None]


class Tokens(nn.Module):
    """The tokens of a map, and what an attention makes of them."""

    def __init__(self, dropout: float = 0.0, *, batch_first: bool = True, bias: bool = True) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, WIDTH, 4, 4), nn.LayerNorm(WIDTH)
        self.ma = nn.MultiheadAttention(WIDTH, HEADS, dropout=dropout, bias=bias, batch_first=batch_first)

    def tokens(self, x: Tensor) -> Tensor:
        return x.flatten(2).permute(0, 2, 1)


class WithSines(Tokens):
    """Queries and keys with sines of their positions, values without (AIFI)."""

    def forward(self, image: Tensor) -> Tensor:
        x = self.stem(image)
        tokens = self.tokens(x)
        given = tokens + _sines(x).to(x.dtype)
        result: Tensor = self.norm(tokens + self.ma(given, given, value=tokens)[0])
        return result.permute(0, 2, 1).view(-1, *x.shape[1:])


class Projected(Tokens):
    """Tokens in front of the samples, projected apart before (YOLOv5's transformer)."""

    def __init__(self) -> None:
        super().__init__(batch_first=False)
        self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))

    def forward(self, image: Tensor) -> Tensor:
        x = self.stem(image)
        tokens = x.flatten(2).permute(2, 0, 1)
        result: Tensor = self.ma(self.q(tokens), self.k(tokens), self.v(tokens))[0] + tokens
        return result.permute(1, 2, 0).reshape(x.shape)


class Elsewhere(Tokens):
    """Of tokens to those of a smaller map, keys with something beside."""

    def forward(self, image: Tensor) -> Tensor:
        x = self.stem(image)
        tokens, others = self.tokens(x), self.tokens(F.max_pool2d(x, 2))
        result: Tensor = tokens + self.ma(tokens, others + others.sigmoid(), others, need_weights=False)[0]
        return result


MODELS: dict[str, Callable[[], nn.Module]] = {
    "with sines": WithSines,
    "projected apart": Projected,
    "to other tokens": Elsewhere,
    "weights left out in training": lambda: Elsewhere(dropout=0.1),
    "without biases": lambda: Elsewhere(bias=False),
}


@pytest.mark.parametrize("name", MODELS)
def test_each_projection_has_its_rows_of_the_weight(name: str) -> None:
    model = MODELS[name]().eval()
    randomise(model)
    one = held(model, (3, 16, 24))
    assert not one.opaque
    total = one.network.analyze().total
    assert total.params == used_params(one)
    assert total.macs == counted_macs(model, one.inputs, batch=2) - counted_macs(model, one.inputs)
    assert not wrong_shapes(one)
    assert difference(one) < 1e-6
    assert not recovered_config(one.flat).fallbacks
    proof = prove(model, one.flat, network_of(one.flat).graph)
    assert proof.ok, proof.render()
    types = [item.type for item in one.flat.items]
    assert types.count("dropout") == (name == "weights left out in training")
    names = {name for item in one.flat.items for name in item.tensors.values()}
    assert {"ma.in_proj_weight[0:24]", "ma.in_proj_weight[24:48]", "ma.in_proj_weight[48:72]"} <= names
    assert ("ma.in_proj_bias[48:72]" in names) == (name != "without biases")


def test_positions_of_tokens_are_a_map_s_sines() -> None:
    one = held(WithSines(), (3, 16, 24))
    (sines,) = [item for item in one.flat.items if item.type == "sine_positions"]
    assert dict(sines.options) == {"num_pos_feats": 12, "start": 0, "interleave": False}
    assert not one.flat.remarks  # nothing of the attention's parameters is left


def test_products_of_constants_are_no_work_of_a_sample() -> None:
    """PyTorch's counter counts the angles of sines, whatever the batch."""
    model = WithSines().eval()
    flat = held(model, (3, 16, 24)).flat
    macs = 3 * WIDTH * 16 * 24 + 24 * 4 * WIDTH**2 + 2 * WIDTH * 24 * 24
    proof = prove(model, flat, network_of(flat).graph)
    assert (proof.macs, proof.own_macs) == (macs, macs)


class Columns(Tokens):
    """To the same positions, column by column."""

    def forward(self, image: Tensor) -> Tensor:
        x = self.tokens(self.stem(image))
        columns = x.reshape(-1, 4, 6, WIDTH).transpose(1, 2).flatten(1, 2)
        result: Tensor = self.ma(x, columns, columns)[0]
        return result


class Halves(Tokens):
    """In each half of the map, which lie among the samples."""

    def forward(self, image: Tensor) -> Tensor:
        x = self.tokens(self.stem(image))
        query, key = (one.reshape(-1, 12, WIDTH) for one in (x, x.sigmoid()))
        result: Tensor = self.ma(query, key, key)[0].reshape(-1, 24, WIDTH)
        return result


def test_tokens_may_lie_in_another_order() -> None:
    one = held(Columns(), (3, 16, 24))
    assert not one.opaque
    assert difference(one) < 1e-6


def test_attention_among_some_of_a_sample_s_tokens_is_opaque() -> None:
    model = Halves().eval()
    one = held(model, (3, 16, 24))
    assert one.opaque
    assert any("attention among other tokens than those of a sample" in remark for remark in one.flat.remarks)
    proof = prove(model, one.flat, one.network.graph)
    assert proof.ok, proof.render()


def test_weights_are_found_by_the_file_of_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = WithSines().eval()
    randomise(model)
    flat = held(model, (3, 16, 24)).flat
    network = network_of(flat)
    state = model.state_dict()
    built = archlab.build(network, weights=state).eval()
    image = torch.randn(2, 3, 16, 24)
    with torch.no_grad():
        assert torch.allclose(built(image), model(image), atol=1e-6)
    recovered = recovered_config(flat)
    config, weights = tmp_path / "net.yaml", tmp_path / "old.pt"
    config.write_text(recovered.text)
    torch.save(state, weights)
    from archlab.imports.weights import map_text, weight_names

    (tmp_path / "net.weights.yaml").write_text(map_text(weight_names(flat, recovered.names), "here"))
    new = tmp_path / "new.pt"
    assert main(["build", str(config), "-o", str(new), "--weights", str(weights)]) == 0
    assert "12 of 12 tensors found; matched: 12 by map" in capsys.readouterr().err
    again: Any = archlab.build(archlab.load(str(config)), weights=str(new)).eval()
    with torch.no_grad():
        assert torch.equal(again(image), built(image))
