"""Targets that are written as a call: `Unet(encoder_name=resnet34, classes=3)`. Read, never evaluated."""

from __future__ import annotations

import ast
from typing import Any

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, single_problem


def read_call(target: str, text: str) -> tuple[str, dict[str, Any]]:
    """The name and the arguments of a call; a word without quotes is a text.

    Raises:
        ConfigError: if it is none.
    """
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _wrong(target) from None
    if isinstance(tree, ast.Name):
        return tree.id, {}
    if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)) or tree.args:
        raise _wrong(target)
    return tree.func.id, {_name(target, one): _value(target, one.value) for one in tree.keywords}


def _name(target: str, keyword: ast.keyword) -> str:
    if keyword.arg is None:
        raise _wrong(target)
    return keyword.arg


def _value(target: str, node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return {"true": True, "false": False, "null": None}.get(node.id, node.id)
    try:
        return ast.literal_eval(node)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise _wrong(target) from None


def _wrong(target: str) -> ConfigError:
    form = "NAME(key=value, ...), the values words, numbers or texts in quotes"
    return single_problem(f"{target[:200]} is not read: behind the colon stands a name, or {form}", Code.WRONG_VALUE)
