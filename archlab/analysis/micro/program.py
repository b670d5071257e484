"""A network as the operators that TensorFlow Lite Micro runs, and how long each needs its memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from archlab.analysis.micro.planner import Buffer, aligned


class Operation(NamedTuple):
    """One operator.

    Attributes:
        kind: its name in TensorFlow Lite's schema: `CONV_2D`.
        node: the graph's node that it is of.
        inputs: the tensors that it reads, weights left out.
        output: the tensor that it makes.
        scratch: bytes of each buffer that its kernel takes while it runs.
    """

    kind: str
    node: int
    inputs: tuple[int, ...]
    output: int
    scratch: tuple[int, ...] = ()


@dataclass(frozen=True)
class MicroProgram:
    """Operators in order.

    Attributes:
        sizes: bytes of each tensor: those of the inputs, then as the operators make them.
        operations: in order.
        inputs: the tensors that are given.
        outputs: the tensors that are results.
    """

    sizes: tuple[int, ...]
    operations: tuple[Operation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def buffers(self) -> list[Buffer]:
        """What the planner is given: tensors by number, then the kernels' own buffers (`micro_allocation_info.cc`)."""
        first, last = [0] * len(self.sizes), [0] * len(self.sizes)
        scratch: list[Buffer] = []
        for step, operation in enumerate(self.operations, 1):
            first[operation.output] = last[operation.output] = step
            for tensor in operation.inputs:
                last[tensor] = step
            scratch += [Buffer(size, step, step) for size in operation.scratch]
        for tensor in self.outputs:
            last[tensor] = len(self.operations)
        return [*[Buffer(*parts) for parts in zip(self.sizes, first, last, strict=True)], *scratch]

    def levels(self) -> list[int]:
        """Bytes alive at each step, rounded up buffer by buffer; the inputs alone are alive at step 0."""
        changes = [0] * (len(self.operations) + 2)
        for buffer in self.buffers():
            changes[buffer.first] += aligned(buffer.size)
            changes[buffer.last + 1] -= aligned(buffer.size)
        levels, level = [], 0
        for change in changes[:-1]:
            level += change
            levels.append(level)
        return levels

    def reordered(self, order: Sequence[int]) -> MicroProgram:
        """The same operators in another order, their tensors numbered as they are made then.

        Args:
            order: the operators' numbers now.
        """
        number = {tensor: place for place, tensor in enumerate(self.inputs)}
        for index in order:
            number[self.operations[index].output] = len(number)
        sizes = [0] * len(self.sizes)
        for tensor, new in number.items():
            sizes[new] = self.sizes[tensor]
        operations = [
            self.operations[index]._replace(
                inputs=tuple([number[tensor] for tensor in self.operations[index].inputs]),
                output=number[self.operations[index].output],
            )
            for index in order
        ]
        return replace(
            self,
            sizes=tuple(sizes),
            operations=tuple(operations),
            inputs=tuple([number[tensor] for tensor in self.inputs]),
            outputs=tuple([number[tensor] for tensor in self.outputs]),
        )
