"""Options to a layer, with Pydantic's complaints turned into placed problems."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from archlab.config.syntax.yaml_nodes import Mapping as MappingNode
from archlab.config.syntax.yaml_nodes import Node, value_kind
from archlab.config.tree.pool_padding import pool_padding
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import Problems
from archlab.diagnostics.suggest import closest, did_you_mean
from archlab.diagnostics.words import one_of
from archlab.layers.fields import PADDING_WORDS

_ModelT = TypeVar("_ModelT", bound=BaseModel)


class Places:
    """Where an item's keys and values stand."""

    __slots__ = ("keys", "values", "whole")

    def __init__(self, whole: Place, keys: Mapping[str, Place], values: Mapping[str, Place]) -> None:
        self.whole = whole
        self.keys = keys
        self.values = values

    @staticmethod
    def of(node: Node) -> Places:
        """The places in a mapping; of another node there is only the whole."""
        if not isinstance(node, MappingNode):
            return Places(node.place, {}, {})
        return Places(node.place, node.keys, {key: value.place for key, value in node.entries.items()})

    def value(self, name: str | None) -> Place:
        """Where an option's value stands; the whole item if it is not written."""
        return self.values.get(name, self.whole) if name else self.whole

    def key(self, name: str) -> Place:
        """Where an option's name stands; the whole item if it is not written."""
        return self.keys.get(name, self.whole)


def validate_model(
    model: type[_ModelT],
    label: str,
    arguments: Mapping[str, Any],
    places: Places,
    problems: Problems,
    trail: tuple[str, ...],
) -> _ModelT | None:
    """An instance of the model, or None with the problems recorded.

    Args:
        model: the Pydantic class.
        label: what the user calls it, e.g. `conv2d`.
        arguments: option names and values.
        places: where they stand.
        problems: the collector.
        trail: through which blocks the item came about.
    """
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        for details in _mistakes(model, error):
            message, code, place = _describe(model, label, details, places)
            if details["loc"] == ("padding",) and code == Code.WRONG_VALUE:
                message += pool_padding(label, arguments)
            problems.add(message, code, place, trail)
        return None


def _mistakes(model: type[BaseModel], error: ValidationError) -> list[ErrorDetails]:
    """Pydantic's errors without the required options that are there under a wrong name."""
    errors = error.errors(include_url=False)
    wrong = [str(details["loc"][0]) for details in errors if details["type"] == "extra_forbidden"]
    meant = {closest(name, option_names(model)) for name in wrong}
    return [details for details in errors if details["type"] != "missing" or details["loc"][0] not in meant]


def _describe(model: type[BaseModel], label: str, details: ErrorDetails, places: Places) -> tuple[str, Code, Place]:
    option = str(details["loc"][0]) if details["loc"] else ""
    if details["type"] == "extra_forbidden":
        return *unknown_option(model, label, option), places.key(option)
    if details["type"] == "missing":
        return f"{label} needs '{option}'{_example(model, option)}", Code.MISSING, places.whole
    message = f"{label}: '{option}' {_complaint(details)}"
    return message, Code.WRONG_VALUE, places.value(option)


def option_names(model: type[BaseModel]) -> list[str]:
    """The options of a model as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


def unknown_option(model: type[BaseModel], label: str, option: str) -> tuple[str, Code]:
    """Message and code for an option that a model does not have."""
    own = option_names(model)
    known = [*own, *getattr(model, "attachments", ()), *["weight"] * hasattr(model, "weights"), "init"]
    if option in _INFERRED:
        return f"{label} takes its '{option}' from its input; leave it out", Code.UNKNOWN_OPTION
    if getattr(model, "role", "") == "opaque" and closest(option, known) is None:
        return f"{label} has no option '{option}'; the arguments of the class stand under 'args'", Code.UNKNOWN_OPTION
    hint = did_you_mean(option, known) or (f"; it has {one_of(known[:-1])}" if known[:-1] else "; it has none")
    return f"{label} has no option '{option}'{hint}", Code.UNKNOWN_OPTION


_INFERRED = ("in_channels", "in_features", "num_features", "num_channels", "normalized_shape")


def _example(model: type[BaseModel], option: str) -> str:
    description = model.model_fields[option].description
    return f" ({description.rstrip('.')})" if description else ""


def _complaint(details: ErrorDetails) -> str:
    """What the value must be, and what it is."""
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    wanted = _WANTED.get(kind, details["msg"])
    if kind == "literal_error":
        return f"must be {_words(context)}, not {value_kind(value)}{_literal_habit(context, value)}"
    bounds = {name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in context.items()}
    return f"{wanted.format(**bounds)}, not {value_kind(value)}{_habit(kind, value)}"


_WANTED = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be greater than {gt}",
    "finite_number": "must be a finite number",
}
"""In archlab's words what Pydantic may say of an option; the layers' own validators use these already."""
_PLAIN = re.compile(r"'([^']*)'|([^\s,']+)")


def _literals(context: Mapping[str, Any]) -> list[str]:
    """The words that an option takes, out of Pydantic's `'a', 'b' or 'c'`."""
    found = [quoted or plain for quoted, plain in _PLAIN.findall(str(context.get("expected", "")))]
    return [_YAML.get(word, word) for word in found if word != "or"]


_YAML = {"True": "true", "False": "false", "None": "null"}


def _words(context: Mapping[str, Any]) -> str:
    return one_of(_literals(context))


def _literal_habit(context: Mapping[str, Any], value: Any) -> str:
    return did_you_mean(value, _literals(context)) if isinstance(value, str) else ""


def _habit(kind: str, value: Any) -> str:
    """What to write instead, for habits from YAML 1.1 and from Python."""
    if isinstance(value, str):
        if kind == "padding":
            return did_you_mean(value, PADDING_WORDS)
        if kind == "bool_type" and value.lower() in ("yes", "on", "y", "no", "off", "n"):
            return f"; write {'true' if value.lower() in ('yes', 'on', 'y') else 'false'}"
        if value.replace("_", "").replace(",", "").strip().isdigit():
            return "; write the number without quotes, _ or ,"
        size = re.fullmatch(r"(\d+)x(\d+)", value)
        if size is not None:
            return f"; write [{size[1]}, {size[2]}]"
        thousands = re.fullmatch(r"(\d+)[kK]", value)
        if thousands is not None:
            return f"; write {thousands[1]}000"
    if isinstance(value, float) and kind in ("int_type", "int_from_float") and value.is_integer():
        return f"; write {int(value)}, or int(...) in an expression"
    return ""
