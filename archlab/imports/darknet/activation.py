"""Darknet's activations."""

from __future__ import annotations

from typing import Any

from archlab.imports.darknet.network import Network
from archlab.imports.darknet.section import Section

LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    "leaky": ("leaky_relu", {"negative_slope": 0.1}),
    "revleaky": ("leaky_relu", {"negative_slope": 0.1}),
    "relu": ("relu", {}),
    "relu6": ("relu6", {}),
    "logistic": ("sigmoid", {}),
    "mish": ("mish", {}),
    "swish": ("silu", {}),
    "elu": ("elu", {}),
    "selu": ("selu", {}),
    "gelu": ("gelu", {"approximate": "tanh"}),
    "tanh": ("tanh", {}),
    "hardtan": ("hardtanh", {}),
}
"""By their words: a layer and its options."""
OTHERS = (
    *("ramp", "loggy", "relie", "plse", "stair", "lhtan", "hard_mish"),
    *("norm_chan", "norm_chan_softmax", "norm_chan_softmax_maxval", "normalize_channels"),
)
"""Those that archlab has no layer for."""


def activate(network: Network, section: Section, default: str = "logistic") -> None:
    """Add the activation of a section, where it has one.

    Raises:
        ConfigError: for a word that is none of Darknet's.
    """
    word = section.text("activation", default).strip().lower()
    if word == "linear":
        return
    if word in LAYERS:
        layer_type, options = LAYERS[word]
        network.add(section, layer_type, word, options)
    elif word in OTHERS:
        network.add_opaque(section, word, network.shape, reads="pointwise")
    else:
        raise section.problem(f"'{word}' is no activation of Darknet's", "activation")
