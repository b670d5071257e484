"""The values of a config's params: defaults, then a variant's assignments, then settings from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archlab.config.syntax.expressions import UNKNOWN, UnknownValueError
from archlab.config.syntax.yaml_nodes import value_kind
from archlab.config.tree.argument import Argument
from archlab.config.tree.document import Document, Params, Variant
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import BadItemError, Problems
from archlab.diagnostics.spelling import spelling
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed


def resolve_params(
    document: Document, variant: Variant | None, settings: Mapping[str, Any], problems: Problems
) -> Params:
    """Every param's value, in the order of declaration; a later one may use the earlier ones.

    Args:
        document: the config.
        variant: the chosen variant.
        settings: values from `--set` or keyword arguments, as Python values.
        problems: the collector.
    """
    for name in settings:
        if name not in document.params:
            hint = did_you_mean(name, document.params) or f"; it has {listed(document.params)}"
            problems.add(f"{document.name} has no param '{name}'{hint}", Code.UNKNOWN_PARAM, None)
    values: Params = {}
    for name, default in document.params.items():
        values[name] = _value(name, default, variant, settings, values, problems)
    return values


def check_param(
    document: Document,
    variant: Variant | None,
    settings: Mapping[str, Any],
    name: str,
    values: Params,
    problems: Problems,
) -> None:
    """Record what is wrong with one param alone.

    Args:
        document: the config.
        variant: the chosen variant.
        settings: values from outside.
        name: of the param.
        values: of all params, as `resolve_params` gives them.
        problems: the collector.
    """
    names = list(document.params)
    earlier = {other: values[other] for other in names[: names.index(name)]}
    _value(name, document.params[name], variant, settings, earlier, problems)


def _value(
    name: str,
    default: Argument,
    variant: Variant | None,
    settings: Mapping[str, Any],
    earlier: Params,
    problems: Problems,
) -> Any:
    chosen = variant.assignments.get(name, default) if variant is not None else default
    wanted = _evaluate(default, earlier, problems)
    if name in settings:
        return _checked(name, settings[name], wanted, None, problems)
    if chosen is default:
        if wanted is None:
            message = f"the param '{name}' has no value; give it one with {spelling().param(name)}"
            problems.add(message, Code.MISSING, default.place)
            return UNKNOWN
        return wanted
    return _checked(name, _evaluate(chosen, earlier, problems), wanted, chosen.place, problems)


def _evaluate(argument: Argument, earlier: Params, problems: Problems) -> Any:
    try:
        return argument.value(earlier)
    except BadItemError as error:
        problems.add_error(error)
    except UnknownValueError:
        pass
    return UNKNOWN


def _checked(name: str, value: Any, default: Any, place: Place | None, problems: Problems) -> Any:
    """The value, if it is of the default's kind."""
    if default is None or default is UNKNOWN or value is UNKNOWN:
        return value
    wanted = _kind(default)
    if _kind(value) == wanted:
        return value
    shown = "" if isinstance(default, tuple | dict) else f" like its default, {value_kind(default)}"
    problems.add(f"the param '{name}' must be a {wanted}{shown}, not {value_kind(value)}", Code.WRONG_TYPE, place)
    return UNKNOWN


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "mapping" if isinstance(value, dict) else "list"
