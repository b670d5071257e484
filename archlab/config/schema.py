"""The JSON Schema of the language (draft-07), made from the layers' Pydantic models, for editors."""

from __future__ import annotations

from typing import Any

from archlab.config.expand.init import DEFAULT, initialised_class
from archlab.config.expand.inputs import MOST_INPUTS
from archlab.config.expand.lowering import attachment_role
from archlab.config.expand.shortcut import WORDS
from archlab.config.initializers import INITIALIZERS
from archlab.config.syntax.quantity import BYTES
from archlab.config.tree.document import KEYS, LANGUAGE_VERSION
from archlab.config.tree.expect import GLOBAL, limit_pattern, size_pattern
from archlab.config.tree.figures import BY_AXIS, FIGURES, example
from archlab.config.tree.items import COMBINATORS, ITEM_KEYS, MERGES, PATH_KEYS
from archlab.config.tree.overrides import AROUND
from archlab.layers import Layer, find_layer, layer_types, registered_types, types_with_role
from archlab.layers.opaque import Opaque
from archlab.layers.shape import RANKS

Schema = dict[str, Any]

EXPRESSION: Schema = {"type": "string", "pattern": r"^\$([A-Za-z_][A-Za-z0-9_]*|\([\s\S]+\))$"}
_NAME: Schema = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
_ANY_MAPPING: Schema = {"type": "object"}
_EXTENDS: Schema = {"type": "string"}
_LIST: Schema = {"$ref": "#/definitions/layers"}
_REFERENCE: Schema = {"type": "string", "description": "Name of an earlier item."}

_COMMON: dict[str, Schema] = {
    "name": {**_NAME, "description": "Name of the item; its path in PyTorch."},
    "from": {**_REFERENCE, "description": "Name of an earlier item to read instead of the line above."},
    "repeat": {
        "anyOf": [{"type": "integer", "minimum": 0}, {"$ref": "#/definitions/expression"}],
        "description": "How many times, one behind the other.",
    },
    "first": {
        "type": "object",
        "propertyNames": {"not": {"enum": [*ITEM_KEYS, "init"]}},
        "description": "Arguments of the first repetition only.",
    },
    "last": {
        "type": "object",
        "propertyNames": {"not": {"enum": [*ITEM_KEYS, "init"]}},
        "description": "Arguments of the last repetition only.",
    },
    "share": {
        "anyOf": [{"type": "boolean"}, {"$ref": "#/definitions/expression"}],
        "description": "With 'repeat': whether all repetitions have the weights of the first.",
    },
    "when": {
        "anyOf": [{"type": "boolean"}, {"$ref": "#/definitions/expression"}],
        "description": "Leave the item out where this is false; the line below then reads the line above.",
    },
}


def config_schema() -> Schema:
    """The schema of a config file."""
    layers = [find_layer(name) for name in known_types()]
    definitions: dict[str, Schema] = {
        "expression": {**EXPRESSION, "description": "$name or $(...): an expression over the params."},
        "layers": {"type": "array", "items": {"$ref": "#/definitions/item"}, "description": "Layers in order."},
    }
    for cls in layers:
        assert cls is not None
        definitions[cls.type] = layer_schema(cls)
    definitions[OPAQUE] = _opaque_schema()
    definitions.update(
        residual=_combinator(
            "residual",
            "Add a shortcut to a body of layers (He et al. 2016).",
            ["body"],
            {
                "body": _LIST,
                "shortcut": {"anyOf": [{"enum": list(WORDS)}, _expression(), _LIST]},
                "norm": _attached("norm", "Normalisation of the sum."),
                "activation": _attached("activation", "Activation of the sum, in place."),
            },
        ),
        branches=_combinator(
            "branches",
            "Parallel paths from one input, merged.",
            ["paths"],
            {
                "paths": {"type": "array", "items": {"anyOf": [_LIST, _path_schema()]}, "minItems": 1},
                "merge": {"anyOf": [{"enum": list(MERGES)}, _expression()]},
                "split": {"anyOf": [{"type": "boolean"}, _expression(), {"type": "array", "items": _channels()}]},
            },
        ),
        item=_item_schema(),
    )
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "archlab config",
        "type": "object",
        "properties": _document_properties(),
        "additionalProperties": False,
        "definitions": definitions,
    }


def known_types() -> tuple[str, ...]:
    """Archlab's layer types and those that installed packages register."""
    return (*layer_types(), *registered_types())


def _expression() -> Schema:
    return {"$ref": "#/definitions/expression"}


def _path_schema() -> Schema:
    """A path that is a mapping: a layer, or a list of layers with keys of its own."""
    own = {key: _COMMON[key] for key in PATH_KEYS if key in _COMMON}
    path = {"properties": {**own, "layers": _LIST}, "required": ["layers"], "additionalProperties": False}
    is_item = {"anyOf": [{"required": [key]} for key in ("type", "use", "share")]}
    return {"type": "object", "if": is_item, "then": {"$ref": "#/definitions/item"}, "else": path}


def _channels() -> Schema:
    """Channels of a path, or -1 for the rest."""
    return {"anyOf": [{"type": "integer", "minimum": -1}, _expression()]}


def _references() -> Schema:
    """A name or a list of names."""
    return {"anyOf": [_REFERENCE, {"type": "array", "items": _REFERENCE, "minItems": 1}]}


def _tensors() -> Schema:
    """Initialisers of a layer's tensors."""
    initializer = {"anyOf": [{"enum": [*INITIALIZERS, DEFAULT]}, {"type": "object", "required": ["type"]}]}
    return {
        "type": "object",
        "properties": {"weight": initializer, "bias": initializer},
        "additionalProperties": False,
    }


def _or_expression(schema: Schema) -> Schema:
    """A property that may also be an expression; its description stays on top, where editors show it."""
    notes: Schema = {key: schema[key] for key in ("description", "default") if key in schema}
    rest = {key: value for key, value in schema.items() if key not in (*notes, "title")}
    options = rest.pop("anyOf", None) or [rest]
    return {"anyOf": [*(_with_expressions(option) for option in options), _expression()], **notes}


def _with_expressions(option: Schema) -> Schema:
    """A list may hold expressions beside plain values."""
    if option.get("type") == "array" and "items" in option:
        return {**option, "items": {"anyOf": [option["items"], _expression()]}}
    return option


def layer_schema(cls: type[Layer]) -> Schema:
    """The schema of an item of a layer type."""
    schema = cls.model_json_schema(mode="validation")
    properties = {name: _or_expression(value) for name, value in schema.get("properties", {}).items()}
    if cls.role == "join" or cls.others == "attended":
        properties["with"] = {**_references(), "description": "Names of the other inputs."}
    owner = None if cls.role == "opaque" else initialised_class(cls.type)
    if owner is not None and owner.tensors is not Layer.tensors:
        properties["init"] = {
            "anyOf": [{"const": DEFAULT}, _tensors(), _expression()],
            "description": "Initial weights.",
        }
    for name in cls.attachments:
        properties[name] = _attached(attachment_role(name), _ATTACHED[name])
    if words := getattr(cls, "weights", ()):
        properties["weight"] = _weight(words)
    required = ["type", *schema.get("required", [])]
    return {
        "type": "object",
        "description": (cls.__doc__ or "").split("\n\n", maxsplit=1)[0],
        "properties": {"type": {"const": cls.type}, **properties, **_COMMON},
        "required": required,
        **(_JOINED if cls.role == "join" else {}),
        "additionalProperties": False,
    }


_JOINED: Schema = {
    "anyOf": [
        {"required": ["with"]},
        {"required": ["from"], "properties": {"from": {"pattern": r"\.\*(\.|$)"}}},
    ]
}
"""Other inputs, or all repetitions of an item."""


def _weight(words: tuple[str, ...]) -> Schema:
    mapping = {"type": "object", "properties": {"type": {"enum": list(words)}}, "required": ["type"]}
    return {
        "anyOf": [{"enum": list(words)}, mapping, {"type": "null"}, _expression()],
        "description": "How the weight is made anew each time.",
    }


_ATTACHED = {
    "norm": "Normalisation behind the layer; it then has no bias by default.",
    "activation": "Activation behind the layer, in place.",
    "scale_activation": "Activation that makes the gate.",
}


def _attached(role: str, description: str) -> Schema:
    names = types_with_role(role)
    mapping = {"type": "object", "properties": {"type": {"enum": names}}, "required": ["type"]}
    return {"anyOf": [{"enum": names}, mapping, {"type": "null"}, _expression()], "description": description}


def _combinator(name: str, description: str, required: list[str], own: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": {"type": {"const": name}, **own, **_COMMON},
        "required": ["type", *required],
        "additionalProperties": False,
    }


OPAQUE = "opaque"
DOTTED: Schema = {"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$"}
"""The path of another package's class."""


def _opaque_schema() -> Schema:
    """A layer of another package's class, which takes further inputs."""
    schema = layer_schema(Opaque)
    schema["properties"] |= {"type": DOTTED, "with": {**_references(), "description": "Names of further inputs."}}
    return schema


_SHARE = "Name of an earlier item: its layers once more, with the same weights."


def _item_schema() -> Schema:
    """Chosen by `type`, so that an editor complains about the one layer that is meant."""
    names = [*known_types(), *COMBINATORS]
    chosen = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {"$ref": f"#/definitions/{name}"},
        }
        for name in names
    ]
    again = {key: value for key, value in _COMMON.items() if key not in ("share", "first", "last")}
    share = {
        "if": {"not": {"anyOf": [{"required": ["type"]}, {"required": ["use"]}]}},
        "then": {
            "properties": {"share": {**_REFERENCE, "description": _SHARE}, "with": _references(), **again},
            "additionalProperties": False,
        },
    }
    use = {"if": {"required": ["use"]}, "then": {"properties": {"use": {"type": "string"}, **_COMMON}}}
    chosen.append(
        {
            "if": {"properties": {"type": DOTTED}, "required": ["type"]},
            "then": {"$ref": f"#/definitions/{OPAQUE}"},
        }
    )
    types = {"anyOf": [{"enum": names}, DOTTED, _expression()], "description": "The layer."}
    return {
        "type": "object",
        "properties": {"type": types, "use": {"type": "string", "description": "The block."}},
        "anyOf": [{"required": ["type"]}, {"required": ["use"]}, {"required": ["share"]}],
        "not": {"required": ["type", "use"]},
        "allOf": [*chosen, use, share],
    }


def _layers_or_overrides() -> Schema:
    """A list, or what becomes of an extended one: chosen by its form, so that an editor complains about that."""
    return {"if": {"type": "array"}, "then": _LIST, "else": _overrides()}


def _overrides() -> Schema:
    """What an extending config makes of named items: new arguments, others instead, or nothing."""
    around = {key: {**_LIST, "description": f"Layers to put {key} it."} for key in AROUND}
    return {
        "type": "object",
        "additionalProperties": {"anyOf": [{"type": "object", "properties": around}, _LIST, {"type": "null"}]},
    }


def _figures() -> Schema:
    """What `expect` takes: exact figures and limits, and for what each axis has its own of also a list."""
    return {
        "type": "object",
        "properties": {key: _figure(key) for key in FIGURES},
        "additionalProperties": False,
    }


def _figure(key: str) -> Schema:
    limit = {"type": "string", "pattern": limit_pattern(key)}
    exact: list[Schema] = [{"type": "number" if key == "stride" else "integer"}]
    if key == "receptive_field":
        exact.append({"const": GLOBAL})
    if FIGURES[key] is BYTES:
        exact = [{"type": "string", "pattern": size_pattern()}]
    forms = alone = [*exact, limit]
    if key in BY_AXIS:
        by_axis = {"type": "array", "items": {"anyOf": alone}, "minItems": min(RANKS), "maxItems": max(RANKS)}
        forms = [*alone, by_axis]
    return {"anyOf": forms, "examples": [example(key)], "description": f"Exact, or a limit such as '{example(key)}'."}


def _document_properties() -> dict[str, Schema]:
    figures = _figures()
    size = {"anyOf": [{"type": "integer", "minimum": 1}, _expression()]}
    shape = {"type": "array", "items": size, "minItems": 1, "maxItems": 1 + max(RANKS)}
    several = {
        "type": "object",
        "propertyNames": {"pattern": _NAME["pattern"]},
        "additionalProperties": shape,
        "minProperties": 1,
        "maxProperties": MOST_INPUTS,
    }
    inputs: Schema = {"anyOf": [shape, several]}
    own_weights = [name for name in known_types() if initialised_class(name) is not None]
    by_type = {
        "type": "object",
        "propertyNames": {"enum": own_weights},
        "additionalProperties": {"anyOf": [{"const": DEFAULT}, _tensors()]},
    }
    block = {
        "type": "object",
        "properties": {
            "extends": {**_EXTENDS, "description": "A preset, a variant or a config whose network is the block."},
            "description": {"type": "string"},
            "params": {"type": ["object", "null"]},
            "blocks": {**_ANY_MAPPING, "description": "With 'extends': blocks instead of those of the config."},
            "inputs": {**_references(), "description": "Names of what enters: the line above, then those of 'with'."},
            "layers": _layers_or_overrides(),
            "outputs": {**_references(), "description": "Names of what comes out; the last layer by default."},
            "init": {**by_type, "description": "Initial weights of the layers in it, by layer type."},
        },
        "anyOf": [{"required": ["layers"]}, {"required": ["extends"]}],
        "additionalProperties": False,
    }
    outputs: Schema = {
        "anyOf": [
            _REFERENCE,
            {"type": "array", "items": _REFERENCE, "minItems": 1},
            {"type": "object", "additionalProperties": _REFERENCE, "minProperties": 1},
        ]
    }
    variant = {
        "type": ["object", "null"],
        "properties": {"input": inputs, "outputs": outputs, "expect": figures},
    }
    properties: dict[str, Schema] = {
        "archlab": {"const": LANGUAGE_VERSION, "description": "Version of the language."},
        "name": {"type": "string", "description": "Name of the network; the file's name by default."},
        "description": {"type": "string", "description": "One sentence for people."},
        "extends": {**_EXTENDS, "description": "A config in this folder, a preset or a variant, to build upon."},
        "input": {
            **inputs,
            "description": "[channels, height, width]; [channels, length]; three axes; [features]; several by name.",
        },
        "params": {"type": "object", "description": "Names and default values; no value means required."},
        "variants": {"type": "object", "additionalProperties": variant, "description": "Named values of params."},
        "blocks": {"type": "object", "additionalProperties": block, "description": "Reusable lists of layers."},
        "layers": {
            **_layers_or_overrides(),
            "description": "Layers in order; with 'extends', what becomes of named layers.",
        },
        "outputs": {**outputs, "description": "Names of the results; the last layer by default."},
        "init": {**by_type, "description": "Initial weights by layer type."},
        "expect": {
            **figures,
            "description": "Figures and limits that the network is held to.",
        },
    }
    assert set(properties) == set(KEYS)
    return properties
