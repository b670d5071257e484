"""The expression language: `$name` and `$(4 * width)`.

Python's own parser gives a syntax tree; only the node types of a white list are turned into small
closures, and every result is bounded. Nothing is ever passed to `eval`. The grammar: numbers, strings,
`true false null`, names, `+ - * / // % **`, comparisons, `and or not`, `x if c else y`, lists `[a, b]`, `list[index]`,
`list[start:stop:step]`, and calls of `min max sum len round int abs ceil floor sqrt log log2 make_divisible`.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from archlab.config.syntax.limits import (
    MAX_ARGUMENT_VALUES,
    MAX_EXPRESSION_DEPTH,
    MAX_EXPRESSION_LENGTH,
    MAX_INTEGER,
    MAX_LIST_DEPTH,
    MAX_STRING_LENGTH,
)

Scope = Mapping[str, Any]
Evaluate = Callable[[Scope], Any]

_NAME = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*\Z")


class ExpressionError(Exception):
    """An expression cannot be read or evaluated.

    Attributes:
        column: offset of the culprit from the `$`.
        length: its length.
    """

    def __init__(self, message: str, column: int = 0, length: int = 1) -> None:
        super().__init__(message)
        self.column = column
        self.length = length


class UnknownNameError(ExpressionError):
    """A name that has no value here."""

    def __init__(self, name: str, column: int) -> None:
        super().__init__(f"there is no param '{name}' here", column, len(name))
        self.name = name


class UnknownValueError(Exception):
    """A name whose value is unknown because of an earlier problem; evaluating stops without a further one."""


UNKNOWN = object()
"""The value of a name that an earlier problem leaves unknown."""


def is_expression(text: str) -> bool:
    """Whether a scalar is an expression: it starts with `$`."""
    return text.startswith("$")


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Evaluate:
    """The function that evaluates an expression such as `$name` or `$(4 * width)`.

    Raises:
        ExpressionError: if it is not one.
    """
    if len(text) > MAX_EXPRESSION_LENGTH:
        raise ExpressionError(f"the expression has {len(text)} characters; at most {MAX_EXPRESSION_LENGTH} are allowed")
    if _NAME.match(text):
        return _name_lookup(text[1:], 1)
    if text.startswith("${"):
        raise ExpressionError("write $name or $(...); ${...} would mean a mapping inside YAML's braces", 0, 2)
    if not (text.startswith("$(") and text.endswith(")")):
        raise ExpressionError(f"an expression is $name or $(...) and nothing around it{_cut(text)}", 0, len(text))
    if not text[2:-1].strip():
        raise ExpressionError("the expression is empty", 0, len(text))
    return _compile(_parse(text[1:]), 0)


def _cut(text: str) -> str:
    """A hint where YAML ended the scalar inside the expression."""
    if text.startswith("$(") and text.count("(") > text.count(")"):
        return "; inside {...} or [...], put an expression with a comma or a bracket in quotes"
    return ""


def _parse(bracketed: str) -> ast.expr:
    """The syntax tree of `(...)`; the brackets allow line breaks inside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns about `1 is 2` and the like; those are refused below
        try:
            tree = ast.parse(bracketed, mode="eval").body
        except SyntaxError as error:
            message = f"cannot read the expression: {error.msg}"
            raise ExpressionError(message, error.offset or 1) from None
        except (MemoryError, RecursionError, ValueError):
            message = "the expression is nested too deeply or holds characters it cannot"
            raise ExpressionError(message, 0, len(bracketed) + 1) from None
    if not bracketed.isascii():
        _count_characters(tree, bracketed)
    return tree


def _count_characters(tree: ast.expr, text: str) -> None:
    """Make offsets those of characters: Python counts bytes of UTF-8."""
    lines = [line.encode() for line in text.split("\n")]
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            node.col_offset = len(lines[node.lineno - 1][: node.col_offset].decode())
            last = (node.end_lineno or node.lineno) - 1
            node.end_col_offset = len(lines[last][: node.end_col_offset].decode())


def _at(node: ast.expr) -> int:
    """Offset from the `$`, which stands one in front of the bracket."""
    return node.col_offset + 1


def _span(node: ast.expr) -> int:
    return max(1, (node.end_col_offset or node.col_offset + 1) - node.col_offset)


def _error(node: ast.expr, message: str) -> ExpressionError:
    return ExpressionError(message, _at(node), _span(node))


def _name_lookup(name: str, column: int) -> Evaluate:
    def lookup(scope: Scope) -> Any:
        try:
            value = scope[name]
        except KeyError:
            raise UnknownNameError(name, column) from None
        if value is UNKNOWN:
            raise UnknownValueError
        return value

    return lookup


def _compile(node: ast.expr, depth: int) -> Evaluate:
    if depth > MAX_EXPRESSION_DEPTH:
        raise _error(node, f"the expression is nested deeper than {MAX_EXPRESSION_DEPTH} levels")
    compiler = _COMPILERS.get(type(node))
    if compiler is None:
        raise _error(node, f"{_WORDS.get(type(node), type(node).__name__)} cannot be used in an expression")
    return compiler(node, depth + 1)


_WORDS: dict[type[ast.expr], str] = {
    ast.Attribute: "attribute access (a.b)",
    ast.Lambda: "lambda",
    ast.ListComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.Tuple: "a list without brackets",
    ast.Dict: "a mapping",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment",
}


def _constant(node: ast.Constant, _depth: int) -> Evaluate:
    value = node.value
    if not isinstance(value, int | float | str):  # bool is an int
        said = (
            "None is Python's word; write null" if value is None else f"{value!r:.40} cannot be used in an expression"
        )
        raise _error(node, said)
    _bounded(value, node)
    return lambda _scope: value


_LITERALS = {"true": True, "false": False, "null": None}


def _name(node: ast.Name, _depth: int) -> Evaluate:
    if node.id in _LITERALS:
        value = _LITERALS[node.id]
        return lambda _scope: value
    return _name_lookup(node.id, _at(node))


def _bounded(value: Any, node: ast.expr) -> Any:
    """The value, if it is a number or text of reasonable size.

    Raises:
        ExpressionError: otherwise.
    """
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise _error(node, "the result is too large")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _error(node, f"the result is not a finite number ({value})")
    elif isinstance(value, str):
        if len(value) > MAX_STRING_LENGTH:
            raise _error(node, "the text is too long")
    else:
        raise _error(node, "the result is neither a number nor a text")
    return value


def _number(value: Any, node: ast.expr) -> Any:
    if isinstance(value, int | float):
        return value
    shown = f"'{value}'" if isinstance(value, str) else ("nothing" if value is None else "a list or mapping")
    raise _error(node, f"needs a number here, not {shown:.60}")


def _power(base: Any, exponent: Any) -> Any:
    """`base ** exponent`, refused before it is computed where the result would be huge."""
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and exponent > 0 and abs(base) > 1 and exponent * math.log2(abs(base)) > 64:
        raise OverflowError
    result = base**exponent
    if isinstance(result, complex):
        raise ValueError("the root of a negative number")  # noqa: TRY004 - the value is at fault
    return result


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}


def _safely(node: ast.expr, function: Callable[..., Any], *arguments: Any) -> Any:
    """A bounded result, or an error at the node."""
    try:
        return _bounded(function(*arguments), node)
    except ZeroDivisionError:
        raise _error(node, "division by zero") from None
    except OverflowError:
        raise _error(node, "the result is too large") from None
    except (ValueError, TypeError) as error:
        raise _error(node, f"cannot be computed: {error}") from None


def _binary(node: ast.BinOp, depth: int) -> Evaluate:
    function = _OPERATORS.get(type(node.op))
    if function is None:
        raise _error(node, f"the operator '{type(node.op).__name__}' cannot be used in an expression")
    left, right = _compile(node.left, depth), _compile(node.right, depth)

    def evaluate(scope: Scope) -> Any:
        return _safely(node, function, _number(left(scope), node.left), _number(right(scope), node.right))

    return evaluate


def _unary(node: ast.UnaryOp, depth: int) -> Evaluate:
    operand = _compile(node.operand, depth)
    if isinstance(node.op, ast.Not):
        return lambda scope: not operand(scope)
    if isinstance(node.op, ast.USub):
        return lambda scope: -_number(operand(scope), node.operand)
    if isinstance(node.op, ast.UAdd):
        return lambda scope: _number(operand(scope), node.operand)
    raise _error(node, "the operator '~' cannot be used in an expression")


def _boolean(node: ast.BoolOp, depth: int) -> Evaluate:
    parts = [_compile(value, depth) for value in node.values]
    stop_at = isinstance(node.op, ast.Or)

    def evaluate(scope: Scope) -> Any:
        result: Any = None
        for part in parts:
            result = part(scope)
            if bool(result) is stop_at:
                break
        return result

    return evaluate


_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _comparison(node: ast.Compare, depth: int) -> Evaluate:
    for op in node.ops:
        if type(op) not in _COMPARISONS:
            raise _error(node, "only == != < <= > >= compare in an expression")
    functions = [_COMPARISONS[type(op)] for op in node.ops]
    operands = [_compile(operand, depth) for operand in (node.left, *node.comparators)]

    def evaluate(scope: Scope) -> bool:
        values = [operand(scope) for operand in operands]
        try:
            return all(f(a, b) for f, a, b in zip(functions, values, values[1:], strict=False))
        except TypeError:
            raise _error(node, "compares a number with something that is not a number") from None

    return evaluate


def _conditional(node: ast.IfExp, depth: int) -> Evaluate:
    condition, then, otherwise = (_compile(part, depth) for part in (node.test, node.body, node.orelse))
    return lambda scope: then(scope) if condition(scope) else otherwise(scope)


def _subscript(node: ast.Subscript, depth: int) -> Evaluate:
    if isinstance(node.slice, ast.Slice):
        return _slice(node, node.slice, depth)
    container, index = _compile(node.value, depth), _compile(node.slice, depth)

    def evaluate(scope: Scope) -> Any:
        items, position = container(scope), index(scope)
        if not isinstance(items, list | tuple) or not isinstance(position, int):
            raise _error(node, "[...] takes a whole number out of a list")
        if not -len(items) <= position < len(items):
            raise _error(node, f"index {position} is outside of the list's {len(items)} items")
        return items[position]

    return evaluate


def _slice(node: ast.Subscript, bounds: ast.Slice, depth: int) -> Evaluate:
    container = _compile(node.value, depth)
    written = (bounds.lower, bounds.upper, bounds.step)
    parts = [None if part is None else _compile(part, depth) for part in written]

    def evaluate(scope: Scope) -> Any:
        items = container(scope)
        ends = [None if part is None else part(scope) for part in parts]
        if not isinstance(items, list | tuple):
            raise _error(node, "[...:...] takes a part of a list")
        if not all(end is None or (isinstance(end, int) and not isinstance(end, bool)) for end in ends):
            raise _error(node, "[...:...] takes whole numbers")
        if ends[2] == 0:
            raise _error(node, "[...:...:0] never gets on; the step cannot be 0")
        return items[slice(*ends)]

    return evaluate


def _list(node: ast.List, depth: int) -> Evaluate:
    parts = [_compile(part, depth) for part in node.elts]

    def evaluate(scope: Scope) -> tuple[Any, ...]:
        values = tuple([part(scope) for part in parts])
        if _count_values(values, MAX_ARGUMENT_VALUES, MAX_LIST_DEPTH) > MAX_ARGUMENT_VALUES:
            message = f"the list is too long or too deep; at most {MAX_ARGUMENT_VALUES} values, inner ones too, and "
            raise _error(node, f"{message}{MAX_LIST_DEPTH} levels are allowed")
        return values

    return evaluate


def _count_values(value: Any, most: int, levels: int) -> int:
    """How many values there are in one, itself not among them, counted no further than beyond `most`.

    A list may hold another one several times, so that a few doublings would be more than any memory. What is deeper
    than so many levels counts as too many.
    """
    if not isinstance(value, list | tuple | dict):
        return 0
    if not levels:
        return most + 1
    count = 0
    for part in value.values() if isinstance(value, dict) else value:
        count += 1 + _count_values(part, most - count, levels - 1)
        if count > most:
            break
    return count


def make_divisible(value: float, divisor: int = 8, min_value: int | None = None) -> int:
    """Round to a multiple of `divisor`, never more than 10% down (MobileNet's rule, as in torchvision)."""
    if divisor < 1:
        raise ValueError("the divisor must be at least 1")
    rounded = max(min_value or divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


_FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "min": (min, 2, 20),
    "max": (max, 2, 20),
    "round": (round, 1, 1),
    "int": (int, 1, 1),
    "abs": (abs, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "floor": (math.floor, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
    "log": (math.log, 1, 2),
    "log2": (math.log2, 1, 1),
    "make_divisible": (make_divisible, 1, 3),
}
"""Name to function, fewest and most arguments."""


def _length(node: ast.Call, depth: int) -> Evaluate:
    if len(node.args) != 1 or node.keywords:
        raise _error(node, "len takes one list")
    container = _compile(node.args[0], depth)

    def evaluate(scope: Scope) -> int:
        items = container(scope)
        if not isinstance(items, list | tuple):
            raise _error(node, "len takes a list")
        return len(items)

    return evaluate


_OF_LISTS: dict[str, Callable[..., Any]] = {"min": min, "max": max, "sum": sum}
"""What takes the numbers of one list."""


def _of_list(node: ast.Call, depth: int) -> Evaluate:
    assert isinstance(node.func, ast.Name)
    name, container = node.func.id, _compile(node.args[0], depth)
    rest = "" if name == "sum" else ", or several numbers"

    def evaluate(scope: Scope) -> Any:
        items = container(scope)
        if not isinstance(items, list | tuple):
            raise _error(node, f"{name} takes one list of numbers{rest}")
        if not items and name != "sum":
            raise _error(node, f"{name} of an empty list is nothing")
        return _safely(node, _OF_LISTS[name], [_number(item, node) for item in items])

    return evaluate


def _call(node: ast.Call, depth: int) -> Evaluate:
    if not isinstance(node.func, ast.Name):
        raise _error(node, "only functions with a name can be called in an expression")
    if node.func.id == "len":
        return _length(node, depth)
    if node.func.id not in _FUNCTIONS and node.func.id not in _OF_LISTS:
        raise _error(node, f"'{node.func.id}' is not a function here; there are {', '.join(_FUNCTIONS)}, sum and len")
    if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
        raise _error(node, f"{node.func.id} takes plain arguments only")
    if node.func.id == "sum" and len(node.args) != 1:
        raise _error(node, "sum takes one list of numbers: sum([a, b])")
    if node.func.id in _OF_LISTS and len(node.args) == 1:
        return _of_list(node, depth)
    function, fewest, most = _FUNCTIONS[node.func.id]
    if not fewest <= len(node.args) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise _error(node, f"{node.func.id} takes {wanted} arguments, not {len(node.args)}")
    arguments = [_compile(argument, depth) for argument in node.args]

    def evaluate(scope: Scope) -> Any:
        values = [_number(a(scope), n) for a, n in zip(arguments, node.args, strict=True)]
        return _safely(node, function, *values)

    return evaluate


_COMPILERS: dict[type[ast.expr], Callable[[Any, int], Evaluate]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _comparison,
    ast.IfExp: _conditional,
    ast.Subscript: _subscript,
    ast.List: _list,
    ast.Call: _call,
}


def function_names() -> list[str]:
    """The functions that an expression may call."""
    return [*_FUNCTIONS, *_OF_LISTS]


def names_in(text: str) -> list[tuple[str, int]]:
    """The names that an expression uses, with their offsets from the `$`; functions are left out."""
    if _NAME.match(text):
        return [(text[1:], 1)]
    if len(text) > MAX_EXPRESSION_LENGTH or not (text.startswith("$(") and text.endswith(")")):
        return []
    try:
        tree = _parse(text[1:])
    except ExpressionError:
        return []
    called = {id(part.func) for part in ast.walk(tree) if isinstance(part, ast.Call)}
    names = [part for part in ast.walk(tree) if isinstance(part, ast.Name) and id(part) not in called]
    return [(name.id, _at(name)) for name in names if name.lineno == 1]
