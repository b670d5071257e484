"""Nodes to Python values, with `$name` and `$(...)` put in."""

from __future__ import annotations

from collections.abc import Mapping as Scope
from functools import partial
from typing import Any

from archlab.config.syntax.expressions import (
    ExpressionError,
    UnknownNameError,
    compile_expression,
    is_expression,
)
from archlab.config.syntax.yaml_nodes import Node, Scalar, Sequence
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import BadItemError
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed


def is_dynamic(node: Node) -> bool:
    """Whether a value holds an expression."""
    if isinstance(node, Scalar):
        return is_expression(node.text)
    if isinstance(node, Sequence):
        return any(is_dynamic(item) for item in node.items)
    return any(is_dynamic(value) for value in node.entries.values())


def substitute(node: Node, scope: Scope[str, Any]) -> Any:
    """The Python value of a node: lists become tuples, expressions their results.

    Raises:
        BadItemError: placed in the expression at fault.
    """
    if isinstance(node, Scalar):
        return _evaluate(node, scope) if is_expression(node.text) else node.value
    if isinstance(node, Sequence):
        return tuple(substitute(item, scope) for item in node.items)
    return {key: substitute(value, scope) for key, value in node.entries.items()}


def _evaluate(node: Scalar, scope: Scope[str, Any]) -> Any:
    try:
        return compile_expression(node.text)(scope)
    except UnknownNameError as error:
        hint = partial(_name_like, error.name, scope)
        raise BadItemError(str(error), Code.UNKNOWN_PARAM, _place(node, error), hint=hint) from None
    except ExpressionError as error:
        raise BadItemError(str(error), Code.EXPRESSION, _place(node, error)) from None


def _name_like(name: str, scope: Scope[str, Any]) -> str:
    """A hint at the name that was meant."""
    hint = _where_known(name, scope) or did_you_mean(name, scope)
    return hint or (f"; there are {listed(scope)}" if scope else "")


def _where_known(name: str, scope: Scope[str, Any]) -> str:
    """Where a name has a value that has none here, for the names that are always there."""
    block = {"in_size": "block_in_size", "in_channels": "block_in"}.get(name)
    if name == "index":
        return "; it counts the repetitions of an item with 'repeat', in the arguments of that item"
    if block is not None and block in scope:
        return f"; did you mean '{block}', what enters the block?"
    if name in ("in_channels", "in_size"):
        return "; it has a value in the arguments of layers only"
    if name in ("block_in", "block_in_size", "input_size"):
        return "; it has a value in layers and in the params of blocks only"
    return ""


def _place(node: Scalar, error: ExpressionError) -> Place:
    """Inside the expression where it stands in one piece on one line, else the whole scalar."""
    place = node.place
    if node.plain and place.line == place.end_line:
        return place.within(error.column, error.length)
    return place
