"""Attention that is written out: products of queries and keys, until values are summed up by them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from archlab.torch.importing.composites.places import Folded


@dataclass(frozen=True, slots=True)
class Scores:
    """What queries make of keys.

    Attributes:
        query: places (..., heads, tokens, width).
        key: of the same form.
        shape: of the scores; a tensor of another shape has their elements in the same order.
        factor: that they have been multiplied with.
        learned: the model's own tensors that went into what was added, by name.
        has_constants: whether anything else was added (a mask).
        is_softmax: whether they have been made weights.
        dropout: probability of leaving out a weight, in training.
        is_fused: whether by `scaled_dot_product_attention`, whose own factor is among them.
    """

    query: Folded
    key: Folded
    shape: tuple[int, ...]
    factor: float = 1.0
    learned: frozenset[str] = frozenset()
    has_constants: bool = False
    is_softmax: bool = False
    dropout: float = 0.0
    is_fused: bool = False


def product(query: Folded, key: Folded, result: Tensor) -> Scores:
    """Queries by keys that have been turned, (..., heads, width, tokens)."""
    turned = replace(key, places=key.places.transpose(-2, -1))
    return Scores(query, turned, tuple(result.shape))
