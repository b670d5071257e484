"""What stands for the layers in front of a part of a network: a value of the same shape, memory and field."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, NamedTuple

from archlab.layers.base import Layer
from archlab.layers.geometry import IDENTITY, WHOLE, AxisReads
from archlab.layers.operators import FIRST, Operator
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape
from archlab.layers.strides import Value, contiguous


class State(NamedTuple):
    """All that a part of a network needs to know of what is in front of it.

    Attributes:
        input: the network's input, without batch.
        shape: of the value that enters.
        value: how that lies in memory; None where it is the network's input itself.
        storage: elements of the memory that it lies in; 0 where that is the network's input, which is never freed.
        is_free: whether its reader may write over it.
        spatial: by axis of the input, whether a unit sees a part of it only.
    """

    input: Shape
    shape: Shape
    value: Value | None
    storage: int
    is_free: bool
    spatial: tuple[bool, ...]


class Entering(Layer):
    """A layer without cost that gives a value as a state has it. It is never written, and never built."""

    type: ClassVar[str] = "entering"
    alias: ClassVar[str] = "entering"

    state: Any
    """A `State`."""

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The shape of what enters."""
        shape: Shape = self.state.shape
        return shape

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Its own position along axes that are seen in part; the whole of others."""
        return (tuple([IDENTITY if partly else WHOLE for partly in self.state.spatial]),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """New memory, or what somebody else needs too."""
        return Runtime(storage="new" if self.state.is_free else "view", operators=partial(_operators, self.state))


def _operators(state: State, _runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
    """Its memory, and its value in it."""
    value = execution.inputs[0] if state.value is None else state.value
    if not state.storage:
        return (Operator(value, (FIRST,), "view"),)
    if state.storage == value.elements:
        return (Operator(value, (FIRST,)),)
    memory = Operator(contiguous((state.storage,)), (FIRST,))
    return memory, Operator(value, (0,), "view")
