"""A sum of values with learned weights."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

from pydantic import Field

from archlab.layers.base import Cost, Layer, Others, Role, TensorSpec
from archlab.layers.join import Add
from archlab.layers.operators import Operator
from archlab.layers.room import KEEPS_NOTHING, KEEPS_OUTPUT, Training
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, ShapeError
from archlab.layers.strides import Value
from archlab.layers.tape import Tape


class WeightedAdd(Layer):
    """The sum of maps of one shape, each times a learned weight, 1 at first (Tan et al. 2020: EfficientDet's BiFPN).

    FLOPs: one multiplication per element and input, one addition per element and further input. Of the weights
    (n inputs): softmax 5 n; if fast 3 n + 1, which is a ReLU, their sum, eps, and the division.
    """

    type: ClassVar[str] = "weighted_add"
    alias: ClassVar[str] = "fuse"
    torch_class: ClassVar[str] = "archlab.torch.modules.WeightedAdd"
    role: ClassVar[Role] = "join"
    others: ClassVar[Others] = "joined"

    normalization: Literal["none", "softmax", "fast"] = Field(
        "none", description="Of the weights: as they are; softmax; or ReLU, divided by their sum plus eps."
    )
    eps: float = Field(1e-4, gt=0, allow_inf_nan=False, description="Added to the sum, where fast.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """All of one shape, unchanged."""
        try:
            return Add().out_shape(inputs)
        except ShapeError as error:
            raise ShapeError(f"weighted_{error.message}", hint=error.hint) from None

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """num_inputs."""
        return {"num_inputs": len(inputs)}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight: one for each input."""
        return (TensorSpec("weight", (len(inputs),)),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Products and sums; the normalisation of the weights."""
        count = len(inputs)
        weights = {"none": 0, "softmax": 5 * count, "fast": 3 * count + 1}[self.normalization]
        return Cost(elementwise=(2 * count - 1) * prod(output) + weights)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of several operators; single weights leave the precision as it is."""
        return self.runs._replace(autocast="inputs", operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The weights; each input times its own, and their sum so far."""
        tape, count = Tape(execution), len(execution.inputs)
        weights = self._weights(tape, count)
        total = None
        for number in range(count):
            factor = None if weights is None else weights[number]
            term = _weighted(tape, ~number) if factor is None else _times(tape, ~number, factor)
            total = term if total is None else tape.sum(total, term)
        return tape.ended(*weights or ())

    def _weights(self, tape: Tape, count: int) -> list[int] | None:
        """A view of each weight, where they are not the parameter's own."""
        if self.normalization == "none":
            return None
        sizes = (count,)
        made = tape.of_parameter(sizes, KEEPS_OUTPUT)
        if self.normalization == "fast":
            total = tape.put(Operator(Value((1,), (1,)), (made,), training=KEEPS_NOTHING, computes="params"))
            total = tape.put(Operator(Value((1,), (1,)), (total,), training=KEEPS_NOTHING, computes="params"))
            divided = tape.quotient(made, total)
            tape.operators[divided] = tape.operators[divided]._replace(computes="params")
            made = divided
        view = Operator(Value((1,), (1,)), (made,), "view", KEEPS_NOTHING, layout="shape", computes="params")
        return [tape.put(view) for _ in range(count)]


def _weighted(tape: Tape, number: int) -> int:
    """An input times a single parameter, whose gradient is summed up whatever the size."""
    place = tape.scaled(1, number)
    tape.operators[place] = tape.operators[place]._replace(sums=tape.value(number).elements, computes="first")
    return place


def _times(tape: Tape, number: int, factor: int) -> int:
    """An input times a weight that is no parameter: the weight's gradient is a map, summed up."""
    source = tape.value(number)
    training = Training(inputs=(0, 1))
    return tape.put(
        Operator(
            source, (number, factor), training=training, gradients=("new", "reduced"), computes="first", is_product=True
        )
    )
