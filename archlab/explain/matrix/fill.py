"""What the padding of a convolution is filled with."""

from __future__ import annotations


def inside(place: int, size: int, mode: str) -> int | None:
    """The input position whose value stands at `place`; None where there is a zero.

    Args:
        place: a position, perhaps in the padding.
        size: of the input.
        mode: `zeros`, `reflect`, `replicate` or `circular`.
    """
    if 0 <= place < size:
        return place
    if mode == "replicate":
        return min(max(place, 0), size - 1)
    if mode == "circular":
        return place % size
    if mode == "reflect":
        return -place if place < 0 else 2 * (size - 1) - place
    return None
