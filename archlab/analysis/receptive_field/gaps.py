"""Units that see nothing, as those between the strides of a transposed convolution with a short kernel.

What a path sees is a product: positions along each axis. One that sees nothing along one axis sees nothing at all, and
adds nothing to what joined paths see along the others. Whether layers behind a join read only gaps of a path depends
on which of its units see nothing, and on nothing else: paths with the same gaps along every axis end together.
"""

from __future__ import annotations

from archlab.analysis.receptive_field.axis_field import AxisField, Periodic, UnitTable
from archlab.analysis.receptive_field.composition import Asked
from archlab.analysis.receptive_field.spans import Span

AxisFields = tuple[AxisField | None, ...]
"""Along each axis of the input; None if every unit sees the whole of it."""


class Gaps:
    """Finds the paths that have ended.

    Args:
        asked: which units of a node anything may ask for; it is called only where some see nothing.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def has_ended(self, axes: AxisFields, node: int) -> bool:
        """Whether no unit that anything may ask for sees anything along some axis."""
        before = None
        for axis, field in enumerate(axes):
            if field is not None and field is not before and _has_gaps(field) and self._is_bare(field, node, axis):
                return True
            before = field
        return False

    def _is_bare(self, field: AxisField, node: int, axis: int) -> bool:
        start, end = self._asked(node, axis)
        if isinstance(field, Periodic):
            end = min(end, start + field.up - 1)
        return all(_sees_nothing(field.span(unit)) for unit in range(start, end + 1))


def has_gaps(axes: AxisFields) -> bool:
    """Whether any unit sees nothing."""
    before = None
    for field in axes:
        if field is not None and field is not before and _has_gaps(field):
            return True
        before = field
    return False


def pattern(axes: AxisFields) -> tuple[object, ...]:
    """What is equal for paths that have the same gaps."""
    return tuple([None if field is None or not _has_gaps(field) else _gaps_of(field) for field in axes])


def _has_gaps(field: AxisField) -> bool:
    if isinstance(field, Periodic) and field.up == 1:  # nearly every one
        return _sees_nothing(field.spans[0])
    return any(map(_sees_nothing, _spans(field)))


def _gaps_of(field: AxisField) -> tuple[int, ...]:
    first = field.first if isinstance(field, UnitTable) else 0
    return first, *map(_sees_nothing, _spans(field))


def _spans(field: AxisField) -> tuple[Span, ...]:
    assert isinstance(field, Periodic | UnitTable)
    return field.spans


def _sees_nothing(span: Span) -> bool:
    return span[1] < span[0]
