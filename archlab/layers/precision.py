"""In which precision a layer computes under autocast, as PyTorch's lists for CUDA have it (ATen/autocast_mode.h)."""

from __future__ import annotations

from typing import Literal, NamedTuple

FLOAT32 = 4
"""Bytes of an element, which is how precisions are written here."""


class Precision(NamedTuple):
    """One layer's precision, in bytes of an element.

    Attributes:
        output: of its value.
        compute: of what it computes with.
        copies_inputs: whether inputs in another precision are copied first; if not, it reads them as they are.
        copies_params: whether its parameters are copied.
    """

    output: int
    compute: int
    copies_inputs: bool = False
    copies_params: bool = False


AutocastTo = Literal["inputs", "lower", "float32"]
"""The widest of its inputs, the lower precision (convolutions, matrix products), or float32 whatever the inputs
(powers, exponentials, sums over many values)."""


def under_autocast(to: AutocastTo, inputs: tuple[int, ...], lower: int) -> Precision:
    """The precision of most layers."""
    if to == "lower":
        return Precision(lower, lower, copies_inputs=True, copies_params=True)
    return as_inputs(inputs) if to == "inputs" else Precision(FLOAT32, FLOAT32, copies_inputs=True)


def as_inputs(inputs: tuple[int, ...]) -> Precision:
    """That of its inputs, of several the widest."""
    widest = max(inputs)
    return Precision(widest, widest)
