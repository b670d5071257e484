"""Names for the values in a generated `forward`.

A value that the next statements use up is `x`, or `out` while `x` is still wanted. One that is kept for
later while others come and go is named after the scope or layer that made it, and what a module takes beside
its first input is named after its purpose there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archlab.torch.source.layers import FURTHER_INPUTS
from archlab.torch.source.text import MAX_NAME, NamePool
from archlab.torch.source.tree import Leaf, Scope


@dataclass(slots=True, eq=False)
class Step:
    """A call of one child, perhaps with other calls as its operands."""

    child: Leaf | Scope
    operands: list[Step | int]
    """Further steps, or the nodes whose values are read."""

    @property
    def outputs(self) -> tuple[int, ...]:
        """The nodes whose values it gives."""
        return self.child.outputs

    @property
    def depth(self) -> int:
        """Calls inside one another."""
        return 1 + max([operand.depth for operand in self.operands if isinstance(operand, Step)], default=0)

    def reads(self) -> list[int]:
        """The nodes whose values it reads, in the order written."""
        found: list[int] = []
        for operand in self.operands:
            found += operand.reads() if isinstance(operand, Step) else [operand]
        return found

    def purposes(self) -> Iterator[tuple[int, str]]:
        """The nodes whose values are a module's further inputs, with the names of those inputs."""
        if isinstance(self.child, Leaf):
            yield from zip(self.child.inputs[1:], FURTHER_INPUTS.get(self.child.layer.type, ()), strict=False)
        for operand in self.operands:
            if isinstance(operand, Step):
                yield from operand.purposes()


class VariableNames:
    """Names the values of one method, statement by statement.

    Attributes:
        names: by node.
    """

    def __init__(
        self, steps: Sequence[Step], arguments: Mapping[int, str], results: Sequence[int], *, name_results: bool
    ) -> None:
        """Prepare the names.

        Args:
            steps: the statements.
            arguments: names of the values that come in, by node.
            results: the nodes whose values are returned.
            name_results: whether results are named after what made them.
        """
        self.names = dict(arguments)
        self._steps = steps
        self._named = frozenset(results) if name_results else frozenset()
        self._flow = {"x", "out"}
        self._purposes = dict(purpose for step in steps for purpose in step.purposes())
        self._last_use: dict[int, int] = {}
        for number, step in enumerate(steps):
            self._last_use |= dict.fromkeys(step.reads(), number)
        self._last_use |= dict.fromkeys(results, len(steps))
        self._live = NamePool(self.names[value] for value in arguments if value in self._last_use)
        self._crossing = self._find_crossing()

    def assign(self, number: int) -> None:
        """Name what a statement gives."""
        step = self._steps[number]
        free = [self.names[value] for value in dict.fromkeys(step.reads()) if self._last_use[value] == number]
        self._live.taken -= set(free)
        for value, label in (_labels(step.child) | self._purposes_of(step)).items():
            if value != step.outputs[0] or value in self._purposes or self._has_own_name(number, value):
                self.names[value] = self._live.take(label)
            else:
                self.names[value] = self._flow_name(step.child, label, free)

    def _purposes_of(self, step: Step) -> dict[int, str]:
        """What values of a statement are called after their purpose, by node."""
        return {value: self._purposes[value] for value in step.outputs if value in self._purposes}

    def _flow_name(self, child: Leaf | Scope, label: str, free: Sequence[str]) -> str:
        """A name that passes from value to value, perhaps one of those that this statement frees."""
        wanted = ["x", *free, *(["out"] if isinstance(child, Leaf) else [])]
        found = next((name for name in wanted if name in self._flow and name not in self._live.taken), label)
        name = self._live.take(found)
        self._flow.add(name)
        return name

    def _has_own_name(self, number: int, value: int) -> bool:
        """Whether a value is called after what made it even if `x` is free."""
        child = self._steps[number].child
        if value in self._named:
            return True
        if isinstance(child, Leaf):
            return len(child.nodes) > 1 or (self._is_kept(number, value) and value in self._crossing)
        following = self._steps[number + 1 : number + 2]
        merged = any(isinstance(step.child, Leaf) and len(step.operands) > 2 for step in following)
        return (self._is_kept(number, value) and not child.label.isdigit()) or merged

    def _is_kept(self, number: int, value: int) -> bool:
        """Whether a value is still wanted after the next statement."""
        return self._last_use[value] > number + 1

    def _find_crossing(self) -> set[int]:
        """Kept values during whose life other kept values begin or end."""
        crossing: set[int] = set()
        alone: list[int] = []
        latest = -1
        for number, step in enumerate(self._steps):
            for value in step.outputs:
                if not self._is_kept(number, value):
                    continue
                if latest > number:
                    crossing.add(value)
                    crossing |= {other for other in alone if self._last_use[other] > number}
                    alone = []
                else:
                    alone = [value]
                latest = max(latest, self._last_use[value])
        return crossing


def _labels(child: Leaf | Scope) -> dict[int, str]:
    """What the values of a child are called after it, by node."""
    if isinstance(child, Leaf):
        return {node.index: _as_name(node.path.rpartition(".")[2]) for node in child.nodes}
    label = child.label.rpartition(".")[2]
    inner = {value: part.label.rpartition(".")[2] for part in child.children for value in part.outputs}
    return {
        value: _as_name(f"{label}_{inner[value]}" if number else label) for number, value in enumerate(child.outputs)
    }


def _as_name(label: str) -> str:
    if len(label) > MAX_NAME:
        return "out"
    return f"out{label}" if label[0].isdigit() else label
