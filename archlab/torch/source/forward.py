"""The `forward` of a generated class, in the statements that a person would write.

A norm or activation is called around what it follows, a branch inside the join that takes it, and
everything else gets a line of its own. Calls stay in the order of the graph's nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from archlab.graph import Graph
from archlab.torch.source.classes import GeneratedClass
from archlab.torch.source.layers import FUNCTIONS
from archlab.torch.source.text import MAX_NAME, Atom, Bracket, Expression, NamePool, Row, call, string_literal
from archlab.torch.source.tree import Leaf, Scope
from archlab.torch.source.variables import Step, VariableNames

MAX_CALLS = 3
"""Calls inside one another in a statement."""
MAX_FOLDED = 78
"""Characters of a statement with calls inside one another."""
WRAPPING_ROLES = frozenset({"norm", "activation"})
"""Layers that are called around the layer they follow."""


@dataclass(slots=True, frozen=True)
class Statement:
    """`target = expression`, or `return expression` where there is no target."""

    target: Expression | None
    expression: Expression
    value: int
    """The node whose value comes out."""
    source: int | None = None
    """The node whose value goes in."""


@dataclass(slots=True, frozen=True)
class Forward:
    """A finished method."""

    arguments: list[str]
    statements: list[Statement]


class ForwardWriter:
    """Writes the method of one class."""

    def __init__(self, made: GeneratedClass, graph: Graph) -> None:
        self._class = made
        self._scope = made.scope
        self._graph = graph
        self._is_network = not made.scope.path

    def write(self) -> Forward:
        """The method."""
        steps = self._fold()
        names = [node.path for node in self._graph.inputs]
        if self._is_network and len(names) > 1:
            arguments = names
        else:
            arguments = _argument_names(self._class.instances, self._graph)
        given = dict(zip(self._scope.inputs, arguments, strict=True))
        name_results = self._is_network and not self._returns_one
        variables = VariableNames(steps, given, self._scope.outputs, name_results=name_results)
        statements: list[Statement] = []
        for number, step in enumerate(steps):
            expression = self._expression(step, variables.names)
            variables.assign(number)
            target: Expression | None = _row([Atom(variables.names[value]) for value in step.outputs])
            if step is steps[-1] and self._returns_one and step.outputs == self._scope.outputs:
                target = None
            statements.append(Statement(target, expression, step.outputs[0], step.reads()[0]))
        if not statements or statements[-1].target is not None:
            statements.append(Statement(None, self._result(variables.names), self._scope.outputs[0]))
        return Forward(arguments, statements)

    @property
    def _returns_one(self) -> bool:
        """Whether it returns one bare tensor."""
        return self._graph.output_form == "single" if self._is_network else len(self._scope.outputs) == 1

    def _result(self, names: dict[int, str]) -> Expression:
        """What is returned: a name, several, or a dictionary."""
        values = [Atom(names[value]) for value in self._scope.outputs]
        if self._is_network and self._graph.output_form == "dict":
            labels = [f"{string_literal(label)}: " for label, _ in self._graph.outputs]
            return Bracket("{", tuple(zip(labels, values, strict=True)), "}")
        return values[0] if self._returns_one else Row(tuple(values))

    # -- calls inside one another -----------------------------------------------------------------------------

    def _fold(self) -> list[Step]:
        """The children's calls as statements."""
        uses = Counter(value for child in self._scope.children for value in child.inputs)
        uses.update(self._scope.outputs)
        steps: list[Step] = []
        pending: dict[int, Step] = {}
        for child in self._scope.children:
            step = self._fold_into(child, pending)
            if any(value in pending for value in child.inputs):
                steps += pending.values()
                pending.clear()
            if len(step.outputs) == 1 and uses[step.outputs[0]] == 1:
                pending[step.outputs[0]] = step
            else:
                steps += [*pending.values(), step]
                pending.clear()
        return [*steps, *pending.values()]

    def _fold_into(self, child: Leaf | Scope, pending: dict[int, Step]) -> Step:
        """A call of a child, with the last of the pending calls inside it where that reads well.

        Those are taken out of `pending`, which holds calls by their value, in order.
        """
        plain = Step(child, list(child.inputs))
        if isinstance(child, Scope):
            return plain
        wraps = child.is_module and child.layer.role in WRAPPING_ROLES
        joins = child.layer.role == "join"
        if not (wraps or joins):
            return plain
        folded = self._last_pending(child, pending, 1 if joins else MAX_CALLS - 1)
        step = Step(child, [folded.get(value, value) for value in child.inputs])
        if not folded or len(self._expression(step, {}).flat()) > MAX_FOLDED:
            return plain
        for value in folded:
            del pending[value]
        return step

    def _last_pending(self, child: Leaf, pending: dict[int, Step], max_depth: int) -> dict[int, Step]:
        """The last pending calls, as far as the child reads them in their order."""
        found: dict[int, Step] = {}
        positions = {value: number for number, value in enumerate(child.inputs)}
        position = len(child.inputs)
        for value in reversed(pending):
            step = pending[value]
            fits = isinstance(step.child, Scope) or step.child.is_module or child.is_module
            if positions.get(value, position) >= position or step.depth > max_depth or not fits:
                break
            position = positions[value]
            found[value] = step
        return found

    # -- text -------------------------------------------------------------------------------------------------

    def _expression(self, step: Step, names: dict[int, str]) -> Expression:
        """A step as text; a value without a name yet is `out`."""
        operands = tuple(
            self._expression(operand, names) if isinstance(operand, Step) else Atom(names.get(operand, "out"))
            for operand in step.operands
        )
        child = step.child
        if isinstance(child, Scope) or child.is_module:
            made = call(self._submodule(child), operands)
            return _picked(made, None if isinstance(child, Scope) else child.result)
        if len(child.nodes) > 1:
            return call(f"{operands[0].flat()}.chunk", (Atom(str(len(child.nodes))),), {"dim": Atom("1")})
        slots = self._class.functions[child.nodes[0].index]
        texts = {slot.argument: f"{'self.' if slot.parameter else ''}{slot.atom.text}" for slot in slots}
        if child.layer.role == "opaque":
            made = call(child.layer.torch_class, operands, {name: Atom(text) for name, text in texts.items()})
            return _picked(made, child.result)
        return FUNCTIONS[child.layer.type](operands, texts)

    def _submodule(self, child: Leaf | Scope) -> str:
        """What is called: mostly a submodule of the class, else one inside of it."""
        inside = child.calls.removeprefix(f"{self._scope.path}." if self._scope.path else "")
        label, *further = inside.split(".")
        if further and not all(word.isidentifier() for word in (label, *further)):
            return f"self.get_submodule({string_literal(inside)})"
        if further:
            return f"self.{inside}"
        if self._class.base == "nn.ModuleList":
            return f"self[{label}]"
        if label.isdigit() and self._class.base == "nn.Module":
            return f"self.get_submodule({string_literal(label)})"
        return f"self[{string_literal(label)}]" if self._class.base == "nn.ModuleDict" else f"self.{label}"


def _picked(made: Bracket, number: int | None) -> Bracket:
    """A call, or one of the values that it gives."""
    return made if number is None else replace(made, closing=f")[{number}]")


def _row(items: Sequence[Expression]) -> Expression:
    return items[0] if len(items) == 1 else Row(tuple(items))


def _argument_names(instances: Sequence[Scope], graph: Graph) -> list[str]:
    """`x`, and further inputs after the scopes they come from where all instances agree, else `skip`."""
    pool = NamePool()
    names = [pool.take("x")]
    for number in range(1, len(instances[0].inputs)):
        labels = {_origin(scope, scope.inputs[number], graph) for scope in instances}
        label = labels.pop() if len(labels) == 1 else "skip"
        names.append(pool.take(label))
    return names


def _origin(scope: Scope, value: int, graph: Graph) -> str:
    """The label of the scope beside this one, or around it, that a value comes from."""
    path = graph.nodes[value].path.split(".")
    own = scope.path.split(".")
    depth = next(i for i, label in enumerate(path) if i >= len(own) or label != own[i])
    if depth == len(path) - 1:
        return "skip"
    label = path[depth] if not path[depth].isdigit() else f"{path[depth - 1]}{path[depth]}"
    return label if len(label) <= MAX_NAME else "skip"
