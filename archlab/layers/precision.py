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


Autocast = Literal["inputs", "lower", "float32", "first two", "copies", "first", "parameters", "float32 result"]
"""The widest of its inputs; the lower precision (convolutions, matrix products); float32 whatever the inputs (powers,
exponentials, sums over many values). Of single layers: the wider of the first two, to whose sum the others are added in
place; the widest, in which copies of the others are joined; computed in float32 and given in its first input's; or
float32, that of its parameters, which are multiplied by values of any precision; or a sum in float32 of what it reads
as it is."""


def under_autocast(to: Autocast, inputs: tuple[int, ...], lower: int) -> Precision:
    """A layer's precision under autocast.

    Args:
        to: which.
        inputs: bytes of an element of each input.
        lower: the same of the lower precision.
    """
    if to == "lower":
        return Precision(lower, lower, copies_inputs=True, copies_params=True)
    if to == "float32":
        return Precision(FLOAT32, FLOAT32, copies_inputs=True)
    if to == "first":
        return Precision(inputs[0], FLOAT32, copies_inputs=True)
    if to in {"parameters", "float32 result"}:
        return Precision(FLOAT32, FLOAT32)
    widest = max(inputs[:2] if to == "first two" else inputs)
    return Precision(widest, widest, copies_inputs=to == "copies")
