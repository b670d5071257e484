"""Looking back from a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose
from typing import Any

from archlab.imports.onnx.propagate import Facts, Value
from archlab.imports.onnx.source import Node


@dataclass(frozen=True, slots=True)
class Fused:
    """Several nodes as one layer.

    Attributes:
        type: of the layer.
        options: its options.
        input: the name of what enters.
        inside: the nodes, but for the last.
        tensors: names of constants that are the layer's, by its names, with sizes where those differ in 1s.
        base: the node whose rule says the layer, with a bias where there are tensors; then there are no options.
    """

    type: str
    options: Mapping[str, Any]
    input: str
    inside: Sequence[Node]
    tensors: Mapping[str, tuple[str, tuple[int, ...] | None]] = field(default_factory=dict)
    base: Node | None = None


Pattern = Callable[["Look", Node], Fused | None]


class Look:
    """What patterns ask.

    Attributes:
        facts: of the graph.
        taken: nodes that are in a pattern already, by `id`.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.taken: set[int] = set()
        self._results = frozenset(facts.results)

    def maker(self, name: str, *ops: str) -> Node | None:
        """The node that gives a value, if it is such an operator and in no pattern yet."""
        node = self.facts.makers.get(name)
        return node if node is not None and node.op in ops and id(node) not in self.taken else None

    def value(self, name: str) -> Value | None:
        """What is known of a value."""
        return self.facts.value(name)

    def constant(self, name: str) -> Value | None:
        """A value that no input goes into."""
        value = self.facts.value(name)
        return value if value is not None and value.constant else None

    def number(self, name: str) -> float | None:
        """A constant that is one number."""
        value = self.constant(name)
        return None if value is None else value.number

    def sizes(self, name: str) -> tuple[int, ...] | None:
        """Of a value."""
        value = self.facts.value(name)
        return None if value is None else value.sizes

    def with_constant(self, node: Node) -> tuple[str, str] | None:
        """The inputs of a node of two: the one that comes from an input, and the constant."""
        if len(node.inputs) != 2:
            return None
        left, right = node.inputs
        if self.constant(left) is not None:
            left, right = right, left
        return (left, right) if self.constant(right) is not None and self.constant(left) is None else None

    def plus(self, name: str, wanted: float) -> tuple[Node, str] | None:
        """The node and the value of which a name is the sum with a number."""
        node = self.maker(name, "Add")
        pair = None if node is None else self.with_constant(node)
        if node is None or pair is None or not close(self.number(pair[1]), wanted):
            return None
        return node, pair[0]

    def is_closed(self, last: Node, inside: Sequence[Node]) -> bool:
        """Whether nothing but these nodes reads what is between them."""
        own = {id(node) for node in (*inside, last)}
        for node in inside:
            for name in node.outputs:
                readers = self.facts.readers.get(name, [])
                if name in self._results or any(id(reader) not in own for reader in readers):
                    return False
        return True


def close(number: float | None, wanted: float) -> bool:
    """Whether a number is one, as single precision or an exporter's rounding has it."""
    return number is not None and isclose(number, wanted, rel_tol=2e-4)
