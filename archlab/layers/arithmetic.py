"""Joins of two values by arithmetic beside sum and product: difference, quotient, maximum, minimum."""

from __future__ import annotations

from typing import ClassVar

from archlab.layers.base import Others
from archlab.layers.join import StretchingJoin, gradients_of
from archlab.layers.operators import Operator, larger, quotient
from archlab.layers.room import KEEPS_NOTHING, Gradient
from archlab.layers.runtime import Runtime
from archlab.layers.strides import Value


class Subtract(StretchingJoin):
    """The first input minus the others (`torch.sub`); an axis of size 1 is stretched.

    FLOPs: one subtraction per output element and further input.
    """

    type: ClassVar[str] = "subtract"
    alias: ClassVar[str] = "sub"
    runs: ClassVar[Runtime] = Runtime(training=KEEPS_NOTHING)

    def _operator(self, value: Value, reads: tuple[int, ...], stretched: tuple[bool, bool]) -> Operator:
        """Nothing is kept: the gradient is that of the first input, and with another sign that of the second."""
        first: Gradient = "new" if stretched[0] else "shared"
        return Operator(value, reads, training=KEEPS_NOTHING, gradients=(first, gradients_of(stretched)[1]))


class Divide(StretchingJoin):
    """The first input by the others (`torch.div`); an axis of size 1 is stretched.

    FLOPs: one division per output element and further input. A divisor that sees the whole image is a gate.
    """

    type: ClassVar[str] = "divide"
    alias: ClassVar[str] = "div"
    others: ClassVar[Others] = "gated"

    def _operator(self, value: Value, reads: tuple[int, ...], stretched: tuple[bool, bool]) -> Operator:
        """The divisor is kept, and the dividend for the divisor's gradient."""
        return quotient(value, reads)._replace(gradients=gradients_of(stretched))


class _Chosen(StretchingJoin):
    """What maximum and minimum share."""

    def _operator(self, value: Value, reads: tuple[int, ...], stretched: tuple[bool, bool]) -> Operator:
        """Both are kept."""
        return larger(value, reads)._replace(gradients=gradients_of(stretched))


class Maximum(_Chosen):
    """The largest of all inputs, element by element (`torch.maximum`); an axis of size 1 is stretched.

    FLOPs: one comparison per output element and further input.
    """

    type: ClassVar[str] = "maximum"
    alias: ClassVar[str] = "max"


class Minimum(_Chosen):
    """The smallest of all inputs, element by element (`torch.minimum`); an axis of size 1 is stretched.

    FLOPs: one comparison per output element and further input.
    """

    type: ClassVar[str] = "minimum"
    alias: ClassVar[str] = "min"
