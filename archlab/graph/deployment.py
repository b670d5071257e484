"""What became of a network's layers for deployment (`graph.deploy`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Deployment(NamedTuple):
    """What was done to a network, by the paths of its layers.

    Attributes:
        folded: batch norms that are in the layer in front of them now, and its path.
        scaled: batch norms that stay, as a scale and a shift of each channel, and why.
        made_once: convolutions whose weight was made anew each time, and is a plain one now.
        removed: layers that do nothing in eval mode.
        fused: activations that are computed where their input lies.
        kept: batch norms that stay as they are, and why.
        padded: paddings with zeros that the convolution behind them does while it reads.
    """

    folded: Mapping[str, str]
    scaled: Mapping[str, str]
    made_once: tuple[str, ...]
    removed: tuple[str, ...]
    fused: frozenset[str]
    kept: Mapping[str, str]
    padded: frozenset[str] = frozenset()
