"""Products of values that are matrices, and attention between such values."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.attention_operators import AttentionTape
from archlab.layers.base import Cost, Layer, Others
from archlab.layers.base import Role as LayerRole
from archlab.layers.fields import Finite
from archlab.layers.geometry import BROADCAST, IDENTITY, WHOLE, AxisReads, Reads, everything
from archlab.layers.laid import CHANNELS, Role, extra_of, laid, permuted, positions_of, roles_of
from archlab.layers.operators import FIRST, Operator, view
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, ShapeError, axis_count, shape_text
from archlab.layers.softmax import Softmax
from archlab.layers.strides import Value


class MatMul(Layer):
    """The product of two values as matrices of their last two dimensions (`torch.matmul`): (..., M, K) by (..., K, N).

    Output: (..., M, N); dimensions in front are equal, or stretched where one is 1. A dimension that is summed over is
    seen as a whole. Where rows and columns stand for positions of the same axes, as in scores between queries and keys,
    an output's position is that of its row, and all columns are its channels. MACs: batch dimensions x M x K x N.
    """

    type: ClassVar[str] = "matmul"
    runs: ClassVar[Runtime] = Runtime(autocast="lower")
    alias: ClassVar[str] = "matmul"
    role: ClassVar[LayerRole] = "join"
    others: ClassVar[Others] = "joined"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(..., M, K) and (..., K, N) to (..., M, N)."""
        _require_matrices(self.type, inputs, 2)
        left, right = inputs
        if left[-1] != right[-2]:
            raise ShapeError(
                f"matmul: the last size of {shape_text(left)} and the last but one of {shape_text(right)} must be "
                f"equal, but they are {left[-1]} and {right[-2]}",
                hint="put {type: transpose} in front of one of them",
            )
        return _product(self.type, left, right)

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """The whole of what is summed over; else the row's and the column's own positions."""
        rank, last = max(map(axis_count, inputs)), len(output) - 1
        lead = range(last - 1)
        return tuple(
            [_reads(shape, output, (*lead, own), rank) for shape, own in zip(inputs, (last - 1, last), strict=True)]
        )

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """One multiply-accumulate for each output element and summand."""
        return Cost(prod(output) * inputs[0][-1])

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A product of batches of matrices, which are copied where they cannot be seen as such."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        tape = AttentionTape(execution)
        tape.matmul(tape.lowered(FIRST), tape.lowered(FIRST - 1))
        return tape.ended()


class ScaledDotProductAttention(Layer):
    """Attention of queries to keys and values (`scaled_dot_product_attention`): softmax(Q K^T x scale) V.

    Inputs: queries (..., N, width), keys (..., M, width), values (..., M, out), made by other layers; dimensions in
    front (heads) are equal, or stretched where one is 1. Output: (..., N, out). MACs: N x M x (width + out) for each
    head. FLOPs beyond them: 1 for each element of the queries (the scale) and 5 for each score (softmax).
    """

    type: ClassVar[str] = "scaled_dot_product_attention"
    runs: ClassVar[Runtime] = Runtime(autocast="lower")
    alias: ClassVar[str] = "attention"
    others: ClassVar[Others] = "attended"

    scale: Finite | None = Field(None, description="Of the scores; null: one over the root of the queries' width.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(..., N, width), (..., M, width), (..., M, out) to (..., N, out)."""
        _require_matrices(self.type, inputs, 3)
        query, key, value = inputs
        if query[-1] != key[-1] or key[-2] != value[-2]:
            raise ShapeError(
                f"{self.type}: queries (..., N, width), keys (..., M, width) and values (..., M, out) must fit, but "
                f"they are {', '.join(map(shape_text, inputs))}"
            )
        return _product(self.type, _product(self.type, query, _turned(key)), value)

    def torch_arguments(self) -> dict[str, Any]:
        """The scale, where it is written."""
        return {} if self.scale is None else {"scale": self.scale}

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """The queries' own positions, and those that values have among their channels; else the whole."""
        query, key, value = inputs
        rank = max(map(axis_count, inputs))
        last = len(output) - 1
        lead = range(last - 1)
        return (
            _reads(query, output, (*lead, last - 1), rank),
            _reads(key, output, (*lead,), rank),
            _reads(value, output, (*lead, last), rank),
        )

    def _scores(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Elements of the matrices between queries and keys."""
        return prod(output[:-1]) * inputs[1][-2]

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """MACs: scores and sums of values. The scale; the softmax."""
        scores = self._scores(inputs, output)
        elementwise = prod(output[:-1]) * inputs[0][-1] + Softmax.flops_per_element * scores
        return Cost(scores * (inputs[0][-1] + output[-1]), elementwise)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The CPU's fused kernel for heads of one width; else several operators."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        tape = AttentionTape(execution)
        reads: tuple[int, ...] = (tape.lowered(FIRST), tape.lowered(FIRST - 1), tape.lowered(FIRST - 2))
        parts = reads
        if len(execution.sizes) < _FUSED_DIMS:  # samples are seen as heads of one
            parts = tuple([tape.put(view(_as_heads(tape.value(read)), (read,))) for read in reads])
        query, key, value = parts
        made = tape.fused(query, key, value) if _is_fused(execution) else tape.by_math(query, key, value, 0.0)
        if parts is not reads:
            sizes, strides = tape.value(made)
            tape.put(view(Value(sizes[1:], strides[1:]), (made,)))
        return tape.ended(*[read for read in reads if read > FIRST])


_FUSED_DIMS = 4
"""Of what the fused kernel takes: samples, heads, tokens, width."""


def _as_heads(value: Value) -> Value:
    """Samples as the heads of one."""
    return Value((1, *value.sizes), (value.sizes[0] * value.strides[0], *value.strides))


def _is_fused(execution: Execution) -> bool:
    """Whether the CPU's kernel takes them: heads of one width, whose channels lie beside one another."""
    query, key, value = (one.sizes for one in execution.inputs)
    is_alike = len({(*one[:-2], one[-1]) for one in (query, key, value)}) == 1
    fits = len(query) in (_FUSED_DIMS - 1, _FUSED_DIMS)
    return is_alike and fits and all(one.strides[-1] == 1 for one in execution.inputs)


def _require_matrices(layer: str, inputs: tuple[Shape, ...], count: int) -> None:
    """So many inputs of as many dimensions, two or more, of maps with as many axes.

    Raises:
        ShapeError: if they are others.
    """
    if len(inputs) != count:
        names = "one other value" if count == 2 else "keys and values"
        raise ShapeError(
            f"{layer} takes {count} values, but there are {len(inputs)}", hint=f"name {names}: with: [...]"
        )
    if any(len(shape) < 2 for shape in inputs) or len({len(shape) for shape in inputs}) > 1:
        raise ShapeError(
            f"{layer} needs matrices (..., rows, columns) of as many dimensions, but they are "
            f"{' and '.join(map(shape_text, inputs))}"
        )
    if len({axis_count(shape) for shape in inputs} - {0}) > 1:
        raise ShapeError(f"{layer}: its inputs are of maps with several numbers of axes")


def _turned(shape: Shape) -> Shape:
    """Rows for columns."""
    last = len(shape) - 1
    return permuted(shape, (*range(last - 1), last, last - 1))


def _product(layer: str, left: Shape, right: Shape) -> Shape:
    """The shape of a product of matrices.

    Raises:
        ShapeError: if dimensions in front are neither equal nor 1.
    """
    sizes, made = list[int](), list[tuple[Role, Shape]]()
    for dim, pair in enumerate(zip(left[:-2], right[:-2], strict=True)):
        if 1 not in pair and pair[0] != pair[1]:
            raise ShapeError(
                f"{layer}: dimensions in front of the matrices must be equal, or 1, but the inputs are "
                f"{shape_text(left)} and {shape_text(right)}"
            )
        sizes.append(max(pair))
        _, role, source = max(
            [(shape[dim], roles_of(shape)[dim], shape) for shape in (left, right)],
            key=lambda one: (one[0], bool(one[1])),
        )
        made.append((role, source))
    sizes += [left[-2], right[-1]]
    made += [(roles_of(left)[-2], left), (roles_of(right)[-1], right)]
    return _laid(tuple(sizes), made)


def _laid(sizes: Shape, made: list[tuple[Role, Shape]]) -> Shape:
    """Dimensions with what they hold in the shapes that they are of; of axes that are there already, channels."""
    rank = max(len(positions_of(shape)) for _, shape in made)
    positions, roles, extra = [1] * rank, list[Role](), 0
    for (role, source), size in zip(made, sizes, strict=True):
        is_free = not any(axis in other for axis in role for other in roles)
        roles.append(role if is_free and size > 1 else CHANNELS)
        for axis in roles[-1]:
            positions[axis] = positions_of(source)[axis]
        extra = extra_of(source) if len(roles[-1]) > 1 else extra
    return laid(sizes, tuple(roles), tuple(positions), extra)


def _reads(shape: Shape, output: Shape, kept: tuple[int, ...], rank: int) -> AxisReads:
    """What an output position reads of an input.

    Args:
        shape: of the input.
        output: of the product.
        kept: dimensions of the output that are the input's own; all others of it are seen as a whole.
        rank: of the maps.
    """
    if not axis_count(shape) or not axis_count(output):
        return everything(rank)
    own = {axis for dim in kept for axis in roles_of(shape)[dim] if axis in roles_of(output)[dim]}
    held = {axis for role in roles_of(shape) for axis in role}
    return tuple([_axis_reads(axis, shape, output, own, held) for axis in range(rank)])


def _axis_reads(axis: int, shape: Shape, output: Shape, own: set[int], held: set[int]) -> Reads:
    if axis in held and axis not in own:
        return WHOLE
    return IDENTITY if positions_of(shape)[axis] == positions_of(output)[axis] else BROADCAST
