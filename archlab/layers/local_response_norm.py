"""Normalisation over neighbouring channels."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, Layer, Role
from archlab.layers.fields import Finite, Positive
from archlab.layers.operators import (
    FIRST,
    Operator,
    power,
    quotient,
    view,
)
from archlab.layers.room import KEEPS_INPUT, SHARES
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, require_map
from archlab.layers.strides import contiguous, iterated, viewed


class LocalResponseNorm(Layer):
    """Local response normalisation across channels (Krizhevsky et al. 2012).

    FLOPs per element: size + 4 (the square, size - 1 additions, times alpha / size, plus k, the power, the division).
    """

    type: ClassVar[str] = "local_response_norm"
    alias: ClassVar[str] = "lrn"
    torch_class: ClassVar[str] = "LocalResponseNorm"
    role: ClassVar[Role] = "norm"
    attachments: ClassVar[tuple[str, ...]] = ("activation",)
    runs: ClassVar[Runtime] = Runtime(
        autocast="float32", autocast_doubt="follows CUDA's lists and has not been counted"
    )

    size: Positive = Field(description="Number of neighbouring channels.")
    alpha: Finite = Field(1e-4, description="Multiplicative factor.")
    beta: Finite = Field(0.75, description="Exponent.")
    k: Finite = Field(1.0, description="Additive factor.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes), unchanged."""
        require_map(self.type, inputs[0])
        return inputs[0]

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """The square, the additions, the scale, the power and the division."""
        return Cost(elementwise=(self.size + 4) * prod(output))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Made of several operators."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The squares, padded and summed up (the mean, times size), times alpha, plus k; their power; the quotient."""
        (source,) = execution.inputs
        sizes = source.sizes
        squares = iterated(sizes, (source, source))
        # PyTorch pools the channels as the height of a map; three axes are two of it.
        positions = sizes[2:] if len(sizes) < 5 else (sizes[2], prod(sizes[3:]))
        rows = (sizes[0], 1, sizes[1], *positions)
        padded = contiguous((sizes[0], 1, sizes[1] + self.size - 1, *positions))
        split = viewed(squares, rows)
        assert split is not None  # a dimension of one position goes anywhere
        even = contiguous(sizes)
        return (
            Operator(squares, (FIRST, FIRST), training=KEEPS_INPUT, computes="inputs", until=2),
            view(split, (0,)),
            Operator(padded, (1,), layout="shape", computes="inputs", until=3),
            Operator(contiguous(rows), (2,), training=KEEPS_INPUT, layout="shape", computes="inputs", until=7),
            view(even, (3,)),
            Operator(even, (4,), computes="inputs"),
            Operator(even, (5,), training=SHARES, computes="inputs"),
            Operator(even, (6,), training=power(even)),
            quotient(iterated(sizes, (source, even)), (FIRST, 7))._replace(computes="inputs"),
        )
