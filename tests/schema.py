"""The JSON Schema of the language with its validator, made once for all tests of a process."""

from __future__ import annotations

from functools import cache

from jsonschema import Draft7Validator

from archlab.config.schema import config_schema


@cache
def validator() -> Draft7Validator:
    """What editors do with `archlab schema`."""
    return Draft7Validator(config_schema())
