"""Small faults made on purpose in a module's source: what `tests.mutants` tries the test suite with.

Each mutant differs in one place: an operator, a comparison, a constant, a call dropped or exchanged for its opposite,
two arguments exchanged, a condition turned round. Left alone is what no user sees: docstrings, texts, annotations,
types, decorators, assertions (they state invariants to mypy), and `strict=` of `zip`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """One fault in a module.

    Attributes:
        path: of the module, from the repository's root.
        line: where it is.
        place: the function or class it is in.
        change: what it was and what it is now.
        number: counts changes of the same text in one place, from 0.
    """

    path: str
    line: int
    place: str
    change: str
    number: int
    _tree: ast.Module
    _slot: tuple[ast.AST, str, int | None]
    _other: ast.AST

    @property
    def key(self) -> str:
        """What it is known by, also when lines have moved."""
        return f"{self.path} | {self.place} | {self.change}" + (f" | {self.number + 1}" if self.number else "")

    @contextmanager
    def tree(self) -> Iterator[ast.Module]:
        """The module's syntax with the fault."""
        parent, field, index = self._slot
        value = getattr(parent, field)
        node = value if index is None else value[index]
        _put(parent, field, index, ast.copy_location(self._other, node))
        try:
            yield ast.fix_missing_locations(self._tree)
        finally:
            _put(parent, field, index, node)

    def source(self) -> str:
        """The module's text with the fault."""
        with self.tree() as tree:
            return ast.unparse(tree)


_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_FUNCTIONS = {"min": "max", "max": "min", "sum": "max", "any": "all", "all": "any", "ceil": "floor", "floor": "ceil"}
_KINDRED = {"abs", "int", "round", "float", "sorted", "reversed", "set", "ceil", "floor"}
"""Functions whose argument could stand in their place."""
_SYMMETRIC = {"min", "max", "gcd", "lcm", "zip", "isinstance", "issubclass"}
_TYPES = {"tuple", "list", "dict", "set", "frozenset", "int", "float", "str", "bool", "bytes", "type"}
_TYPES |= {"Literal", "Callable", "Mapping", "Sequence"}
_SKIPPED_NAMES = {"__slots__", "__all__", "model_config"}
_SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "ctx", "type_comment", "op", "ops", "format_spec"}
_SKIPPED_KEYWORDS = {"strict", "maxsize", "description"}


def mutants(path: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its source."""
    tree = ast.parse(source)
    seen: Counter[tuple[str, str]] = Counter()
    for parent, field, index, place in list(_slots(tree, "module")):
        value = getattr(parent, field)
        node = value if index is None else value[index]
        for other in _changes(node, parent):
            if ast.dump(node) == ast.dump(other):
                continue
            change = f"{_short(node)} -> {_short(other)}"
            yield Mutant(path, node.lineno, place, change, seen[place, change], tree, (parent, field, index), other)
            seen[place, change] += 1


def _short(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:120]


def _put(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _slots(parent: ast.AST, place: str) -> Iterator[tuple[ast.AST, str, int | None, str]]:
    """Where statements and expressions stand: their parent, its field, the index in it, and the function around."""
    for field, value in ast.iter_fields(parent):
        if field in _SKIPPED_FIELDS:
            continue
        for index, node in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(node, ast.AST) or _is_left_alone(node):
                continue
            if isinstance(node, ast.stmt | ast.expr):
                yield parent, field, index if isinstance(value, list) else None, place
            yield from _slots(node, _inside(node, place))


def _inside(node: ast.AST, place: str) -> str:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return f"{place}.{node.name}".removeprefix("module.")
    return place


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in _SKIPPED_KEYWORDS
    if isinstance(node, ast.Assign):
        named = any(isinstance(target, ast.Name) and target.id in _SKIPPED_NAMES for target in node.targets)
        return named or _is_type(node.value)
    return isinstance(node, ast.Assert) or (isinstance(node, ast.expr) and _is_type(node))


def _is_type(node: ast.expr) -> bool:
    """Whether an expression is a type: `int | None`, `tuple[int, ...]`."""
    if isinstance(node, ast.Constant):
        return node.value is None
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.BitOr) and _is_type(node.left) and _is_type(node.right)
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Name) and node.value.id in _TYPES
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.attr[:1].isupper()
    return isinstance(node, ast.Name) and (node.id in _TYPES or (node.id[:1].isupper() and not node.id.isupper()))


def _changes(node: ast.AST, parent: ast.AST) -> Iterator[ast.AST]:
    """The mutants of one statement or expression."""
    if isinstance(node, ast.expr):
        return _other_expressions(node, parent)
    return _other_statements(node)


def _other_expressions(node: ast.expr, parent: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=value):
            yield from (ast.Constant(other) for other in _other_constants(value))
        case ast.BinOp() if type(node.op) in _BINARY:
            yield _with(node, op=_BINARY[type(node.op)]())
        case ast.Compare():
            for index, op in enumerate(node.ops):
                yield _with(node, ops=[*node.ops[:index], _COMPARISONS[type(op)](), *node.ops[index + 1 :]])
        case ast.BoolOp():
            yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Call():
            yield from _other_calls(node)
        case ast.Tuple(elts=[first, second], ctx=ast.Load()) if not isinstance(parent, ast.Compare | ast.Subscript):
            yield _with(node, elts=[second, first])
        case ast.IfExp() if _is_plain(node.test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))


def _other_statements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.AugAssign() if type(node.op) in _BINARY:
            yield _with(node, op=_BINARY[type(node.op)]())
        case ast.If() | ast.While() if _is_plain(node.test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and not value.value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Continue() | ast.Break():
            yield ast.Pass()


def _is_plain(test: ast.expr) -> bool:
    """Whether a condition has no operator that is exchanged by itself."""
    return not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp)


def _with(node: ast.AST, **changes: Any) -> ast.AST:
    other = copy(node)
    for name, value in changes.items():
        setattr(other, name, value)
    return other


def _other_constants(value: object) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    return [value * 2 if value else 1.0] if isinstance(value, float) else []


def _other_calls(node: ast.Call) -> Iterator[ast.AST]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in _FUNCTIONS:
        yield _with(node, func=ast.Name(_FUNCTIONS[name], ast.Load()))
    if name in _KINDRED and len(node.args) == 1 and not node.keywords:
        yield node.args[0]
    if isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
        yield node.func.value
    if len(node.args) > 1 and name not in _SYMMETRIC:
        yield _with(node, args=[node.args[1], node.args[0], *node.args[2:]])
