"""The ways from the input to a map, kept apart where layers behind can end one and not another.

What a path reaches is a product: some units along each axis. A union of products is none: a path that is cut away along
the width reaches no row either, though the path beside it does. Whether a path ends depends on the units that its
positions reach all together, and on nothing else: those that reach the same units along every axis end together, and
are one way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archlab.analysis.projective_field.axis_projection import AxisProjection
from archlab.analysis.projective_field.composition import Projector
from archlab.analysis.receptive_field.spans import Span

Projections = tuple[AxisProjection, ...]
"""Along each axis of the input; a flat value is one unit along each of them."""

MOST_WAYS = 64
"""Kept apart. Of more, the last are taken together: what is told may be too much then, and never too little."""


class Way(NamedTuple):
    """Paths that end together, if they end.

    Attributes:
        along: what they reach along each axis of the input.
        others: of a map with other axes than the input: the units along its own axes that anything of the input
            reaches, as if it were one position.
    """

    along: Projections
    others: Projections = ()

    @property
    def has_ended(self) -> bool:
        """Whether it reaches nothing: along one axis, and so along none."""
        return any(one.is_empty for one in (*self.along, *self.others))

    @property
    def covered(self) -> tuple[Span, ...]:
        """Along each axis, the units that any position reaches."""
        return tuple([one.covered for one in (*self.along, *self.others)])


def together(ways: list[Way], projector: Projector) -> list[Way]:
    """Those that end together as one.

    Raises:
        OverflowError: beyond the bound on work.
    """
    if len(ways) < 2:
        return ways
    alike: dict[tuple[Span, ...], list[Way]] = {}
    for way in ways:
        alike.setdefault(way.covered, []).append(way)
    found = [_one(some, projector) for some in alike.values()]
    if len(found) > MOST_WAYS:
        found[MOST_WAYS - 1 :] = [_one(found[MOST_WAYS - 1 :], projector)]
    return found


def _one(ways: list[Way], projector: Projector) -> Way:
    if len(ways) == 1:
        return ways[0]
    along, others = zip(*ways, strict=True)
    return Way(united(along, projector), united(others, projector))


def united(ways: Sequence[Projections], projector: Projector) -> Projections:
    """Axis by axis; one that is as the axis before it shares its projection.

    Raises:
        OverflowError: beyond the bound on work.
    """
    if len(ways) == 1:
        return ways[0]
    joined: list[AxisProjection] = []
    for axis, own in enumerate(zip(*ways, strict=True)):
        if axis and all(one is way[axis - 1] for one, way in zip(own, ways, strict=True)):
            joined.append(joined[-1])
        else:
            joined.append(projector.join(own))
    return tuple(joined)


def same(ways: list[Way], others: list[Way]) -> bool:
    """Whether they are those very ways."""
    return ways is others or (
        len(ways) == len(others) and all(one is other for one, other in zip(ways, others, strict=True))
    )
