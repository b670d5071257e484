"""Images that meet words: detectors whose classes are embeddings, as an input beside the image (YOLO-World, YOLOE)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everyone calls it

from archlab.api.imported import network_of
from archlab.imports.recover import recovered_config
from archlab.torch.importing.prove import prove
from tests.torch.importing.held import difference, held, numbers, randomise

INPUTS = {"image": (3, 16, 24), "text": (5, 32)}


class Contrast(nn.Module):
    """How near each position is to each word, times a learned temperature."""

    def __init__(self, *, by_norm: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(32) if by_norm else None
        self.bias = nn.Parameter(torch.tensor([-10.0]))
        self.temperature = nn.Parameter(-torch.ones([]))

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        x = F.normalize(x, dim=1, p=2) if self.norm is None else self.norm(x)
        words = F.normalize(words, dim=-1, p=2)
        scores = (words @ x.flatten(2)).view(-1, words.shape[1], *x.shape[2:])
        result: Tensor = scores * self.temperature.exp() + self.bias
        return result


class Gated(nn.Module):
    """Heads of a map times the sigmoid of the word that is nearest to each position."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads, self.words = heads, nn.Linear(32, 32)
        self.bias, self.conv = nn.Parameter(torch.zeros(heads)), nn.Conv2d(32, 32, 3, padding=1)

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        samples, _, height, width = x.shape
        words = self.words(words)
        words = words.view(samples, words.shape[1], self.heads, -1)
        parts = x.view(samples, self.heads, -1, height, width)
        near = (parts.flatten(3).transpose(2, 3) @ words.permute(0, 2, 3, 1)).max(dim=-1)[0]
        gates = near.view(samples, self.heads, height, width) / 4 + self.bias[None, :, None, None]
        values = self.conv(x).view(samples, self.heads, -1, height, width)
        result: Tensor = (values * gates.sigmoid().unsqueeze(2)).view(samples, -1, height, width)
        return result


class Seen(nn.Module):
    """Words that attend to the parts of an image, pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 32)) for _ in range(3))
        self.last, self.factor = nn.Linear(32, 32), nn.Parameter(torch.tensor([0.0]))

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        parts = torch.cat([F.adaptive_max_pool2d(one, 3).flatten(2) for one in (x, x.relu())], dim=-1).transpose(1, 2)
        given = (self.query(words), self.key(parts), self.value(parts))
        query, key, value = (one.reshape(x.shape[0], -1, 4, 8) for one in given)
        scores = F.softmax(torch.einsum("bnmc,bkmc->bmnk", query, key) / 8**0.5, dim=-1)
        found = torch.einsum("bmnk,bkmc->bnmc", scores, value)
        result: Tensor = self.last(found.reshape(x.shape[0], -1, 32)) * self.factor + words
        return result


class Detector(nn.Module):
    """An image and words, in parts that an argument names."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.stem, self.parts = nn.Conv2d(3, 32, 3, stride=2, padding=1), nn.ModuleList(parts)

    def forward(self, image: Tensor, text: Tensor) -> Any:
        x = self.stem(image)
        for part in self.parts:
            made = part(x, text)
            x, text = (x, made) if isinstance(part, Seen) else (made, text)
        return text if isinstance(self.parts[-1], Seen) else x


PARTS: dict[str, Callable[[], list[nn.Module]]] = {
    "contrast of lengths": lambda: [Contrast(by_norm=False)],
    "contrast behind a norm": lambda: [Contrast(by_norm=True)],
    "gates of the nearest words": lambda: [Gated(4), Gated(1)],
    "words that have seen the image": lambda: [Seen()],
    "all of them": lambda: [Gated(2), Seen(), Gated(1), Contrast(by_norm=True)],
}


@pytest.mark.parametrize("name", PARTS)
def test_image_and_words_are_read_wholly(name: str) -> None:
    model = Detector(*PARTS[name]()).eval()
    randomise(model)
    one = held(model, INPUTS)
    assert not one.opaque
    for what, (ours, theirs) in numbers(one).items():
        assert ours == theirs, what
    assert difference(one) < 1e-6
    recovered = recovered_config(one.flat)
    assert not recovered.fallbacks
    proof = prove(model, one.flat, network_of(one.flat).graph)
    assert proof.ok, proof.render()


@pytest.mark.parametrize("name", ["contrast of lengths", "contrast behind a norm", "gates of the nearest words"])
def test_positions_of_the_image_stay_known(name: str) -> None:
    """Words lose theirs where they meet it, whichever comes first."""
    one = held(Detector(*PARTS[name]()), INPUTS)
    types = [item.type for item in one.flat.items]
    assert types.count("as_channels") == 1
    field = one.network.analyze().to_dict()["total"]["receptive_field"]
    size = {"contrast of lengths": 3, "contrast behind a norm": 3, "gates of the nearest words": 11}[name]
    assert field["size"] == [size, size]
