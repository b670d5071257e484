"""Parameters that several calls of a training step have: their gradients are summed up before anyone takes them.

A parameter's gradient goes where its leaf, or its copy in lower precision, waits for those of all its readers
(torch/csrc/autograd/input_buffer.cpp): the first is held there, each further one is added to it and freed.
"""

from __future__ import annotations

from typing import NamedTuple

from archlab.analysis.memory.ledger import Storage
from archlab.analysis.memory.program import Program
from archlab.graph import Graph


class Parameter(NamedTuple):
    """A parameter: its module, and its number among those of the module."""

    module: str
    number: int


def shared_modules(graph: Graph) -> dict[int, str]:
    """The modules that several nodes call, by node."""
    repeats = graph.repeats()
    if not repeats:
        return {}
    modules = {graph.nodes[index].module for index in repeats}
    return {node.index: node.module for node in graph.layers if node.module in modules}


class SharedParameters:
    """The gradients of parameters that several calls have, as they are summed up in the backward pass.

    Attributes:
        turned: those whose first gradient lies in another order than the parameter; so does what is added to it.
    """

    def __init__(self, program: Program, modules: dict[int, str]) -> None:
        self.turned: set[Parameter] = set()
        self._first: dict[int, Parameter] = {}
        """The first parameter of each call that makes gradients of some."""
        self._waited_for: dict[Parameter, int] = {}
        self._sums: dict[Parameter, Storage] = {}
        for node, module in modules.items():
            number = 0
            for call in program.calls[program.starts[node] : program.starts[node + 1]]:
                if call.operator.learns:
                    self._first[call.index] = Parameter(module, number)
                for _ in call.operator.learns:
                    parameter = Parameter(module, number)
                    self._waited_for[parameter] = self._waited_for.get(parameter, 0) + 1
                    number += 1

    def __contains__(self, call: int) -> bool:
        """Whether a call makes gradients of such parameters."""
        return call in self._first

    def parameter(self, call: int, number: int) -> Parameter:
        """One of those of a call."""
        module, first = self._first[call]
        return Parameter(module, first + number)

    def sum_of(self, parameter: Parameter) -> Storage | None:
        """What is there of a gradient so far."""
        return self._sums.get(parameter)

    def put(self, parameter: Parameter, gradient: Storage) -> None:
        """A gradient, or what it has become by another one that was added."""
        self._sums[parameter] = gradient

    def take_complete(self, parameter: Parameter) -> Storage | None:
        """The sum, if no further gradient is waited for."""
        self._waited_for[parameter] -= 1
        return None if self._waited_for[parameter] else self._sums.pop(parameter)
