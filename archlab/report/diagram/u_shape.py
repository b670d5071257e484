"""Networks that go down and come back up, as a U-Net: which boxes are on which side, and at one level.

Such a network is a chain of boxes whose shortcuts lie within one another: what is done first is joined last. Drawn as
one column its shortcuts are long and its levels far apart; its paper draws a U, with the shortcuts across.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod

from archlab.layers.shape import map_size
from archlab.report.diagram.boxes import Diagram, Edge

FEWEST_LEVELS = 2
"""Shortcuts within one another, from which on a chain is drawn as a U."""


@dataclass(frozen=True)
class UShape:
    """Both sides of a network.

    Attributes:
        down: the boxes of the left side, from the first to the lowest.
        up: those of the right side, from the lowest to the last.
        levels: the shortcuts, from the top: each leads across, from a box on the left to one on the right.
    """

    down: tuple[int, ...]
    up: tuple[int, ...]
    levels: tuple[Edge, ...]


def u_of(diagram: Diagram) -> UShape | None:
    """The sides of a network; None where it is no U."""
    skips = sorted([edge for edge in diagram.edges if edge.is_skip], key=lambda edge: edge.source)
    chain = sorted([(edge.source, edge.target) for edge in diagram.edges if not edge.is_skip])
    count = len(diagram.boxes)
    if chain != [(number - 1, number) for number in range(count)] or diagram.outputs != [count - 1]:
        return None
    if len(skips) < FEWEST_LEVELS or skips[0].source < 0 or skips[-1].source >= skips[-1].target:
        return None
    nested = all(outer.source < inner.source and outer.target > inner.target for outer, inner in pairwise(skips))
    if not nested:
        return None
    first = _first_up(diagram, skips[-1])
    return UShape(tuple(range(first)), tuple(range(first, count)), tuple(skips))


def _first_up(diagram: Diagram, innermost: Edge) -> int:
    """The first box of the right side: behind the innermost shortcut's source one whose map grows, or its target."""
    for number in range(innermost.source + 1, innermost.target):
        if _area(diagram, number) > _area(diagram, number - 1):
            return number
    return innermost.target


def _area(diagram: Diagram, number: int) -> int:
    return prod(map_size(diagram.boxes[number].shape) or ())
