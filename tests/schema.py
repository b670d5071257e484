"""The JSON Schema of the language with its validator, made once for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from archlab.config.schema import config_schema


def _all_of(validator: Any, parts: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """The keyword `allOf`, without a validator of its own for each layer type that an item has not.

    An item is held against `if` its type is this, `then` that, for every type: next to all of the time went there.
    """
    for number, part in enumerate(parts):
        if not (isinstance(instance, dict) and _is_of_another_type(part, instance.get("type"))):
            yield from validator.descend(instance, part, schema_path=number)


def _is_of_another_type(part: Any, found: Any) -> bool:
    """Whether a part says something of one type alone, and not of this one."""
    if not isinstance(part, dict) or part.keys() != {"if", "then"}:
        return False
    try:
        wanted = part["if"]["properties"]["type"]["const"]
    except (KeyError, TypeError):
        return False
    is_all = part["if"] == {"properties": {"type": {"const": wanted}}, "required": ["type"]}
    return is_all and isinstance(wanted, str) and wanted != found


@cache
def validator() -> Any:
    """What editors do with `archlab schema`."""
    return extend(Draft7Validator, {"allOf": _all_of})(config_schema())  # type: ignore[no-untyped-call]
