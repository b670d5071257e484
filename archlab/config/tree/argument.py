"""A value in a config, read once: plain, or with expressions that each place in the network evaluates anew."""

from __future__ import annotations

from collections.abc import Mapping as Scope
from dataclasses import dataclass
from typing import Any

from archlab.config.syntax.expressions import Evaluate, ExpressionError, compile_expression
from archlab.config.syntax.limits import MAX_ARGUMENT_VALUES
from archlab.config.syntax.substitute import is_dynamic, substitute
from archlab.config.syntax.yaml_nodes import Node, Scalar, Sequence
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError


class Argument:
    """A value, substituted at most once if it holds no expression.

    Attributes:
        node: as written.
        place: where.
        dynamic: whether it holds an expression.
        constant: its Python value if it holds none.
        cost: steps of an evaluation, in the measure of the expansion's budget.
    """

    __slots__ = ("_compiled", "constant", "cost", "dynamic", "node", "place", "size")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.place = node.place
        self.dynamic = is_dynamic(node)
        if isinstance(node, Scalar):  # as nearly all are
            self.size, self.cost = 1, 1 + len(node.text) // 20
            self.constant: Any = None if self.dynamic else node.value
        else:
            self.size = self.cost = _count_values(node)
            self.constant = None if self.dynamic else substitute(node, {})
        self._compiled: Evaluate | None = None

    @property
    def is_null(self) -> bool:
        """Whether nothing is written, which makes a block's param a required one."""
        return isinstance(self.node, Scalar) and self.node.value is None

    def __reduce__(self) -> tuple[object, ...]:
        """Without what is compiled, for another process."""
        return _restored, (self.node, self.dynamic, self.constant)

    def settled(self, value: Any) -> Argument:
        """The same argument where its expressions have a value."""
        return _restored(self.node, dynamic=False, constant=value)

    def bounded(self) -> Argument:
        """The argument itself.

        Raises:
            BadItemError: if it holds too many values.
        """
        if self.size > MAX_ARGUMENT_VALUES:
            message = f"this value holds {self.size:,} values; at most {MAX_ARGUMENT_VALUES} are allowed"
            raise BadItemError(message, Code.TOO_LARGE, self.place)
        return self

    def value(self, scope: Scope[str, Any]) -> Any:
        """The Python value in a scope.

        Raises:
            BadItemError: if an expression in it cannot be evaluated.
        """
        if not self.dynamic:
            return self.constant
        if self._compiled is not None:
            try:
                return self._compiled(scope)
            except ExpressionError:
                pass  # once more, for the place
        elif isinstance(self.node, Scalar):
            value = substitute(self.node, scope)
            self._compiled = compile_expression(self.node.text)
            return value
        return substitute(self.node, scope)


def _restored(node: Node, dynamic: bool, constant: Any) -> Argument:  # noqa: FBT001 - as pickle calls it
    made = Argument(node)
    made.dynamic, made.constant = dynamic, constant
    return made


@dataclass(frozen=True, slots=True, eq=False)
class Arguments:
    """The arguments of an item by their names.

    Attributes:
        named: each.
        constants: their values, if no expression is among them.
    """

    named: dict[str, Argument]
    constants: dict[str, Any] | None

    @staticmethod
    def of(named: dict[str, Argument]) -> Arguments:
        """Arguments, looked through once for expressions."""
        is_plain = not any(argument.dynamic for argument in named.values())
        return Arguments(named, {name: value.constant for name, value in named.items()} if is_plain else None)


def _count_values(node: Node) -> int:
    """How many YAML values a node holds, itself among them."""
    if isinstance(node, Scalar):
        return 1
    children = node.items if isinstance(node, Sequence) else node.entries.values()
    return 1 + sum(map(_count_values, children))
