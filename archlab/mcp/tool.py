"""What a tool is: its name, what it says of itself, the arguments that it takes, and what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from archlab.mcp.folder import Folder

Schema = dict[str, Any]
Arguments = dict[str, Any]
Answer = dict[str, Any]


class Tool(NamedTuple):
    """One tool.

    Attributes:
        name: by which it is called.
        title: for people.
        description: what it does and what it returns, in plain words.
        options: the JSON Schema of each argument.
        required: names of those that must be given.
        run: the answer to arguments that fit the schemas. What it needs is imported in it.
    """

    name: str
    title: str
    description: str
    options: dict[str, Schema]
    required: tuple[str, ...]
    run: Callable[[Folder, Arguments], Answer]

    @property
    def input_schema(self) -> Schema:
        """Of all arguments."""
        return {
            "type": "object",
            "properties": self.options,
            "required": list(self.required),
            "additionalProperties": False,
        }

    @property
    def listed_schema(self) -> Schema:
        """The same as clients get it: short, and in words that all of them know."""
        return {**self.input_schema, "properties": {name: _listed(schema) for name, schema in self.options.items()}}


def _listed(schema: Schema) -> Schema:
    """Without what an object may hold, which the description says, and with `anyOf` for several types."""
    kept = {key: value for key, value in schema.items() if key not in ("properties", "additionalProperties")}
    if "items" in kept:
        kept["items"] = _listed(kept["items"])
    if isinstance(kept.get("type"), str):
        return kept
    items = {"array": {"items": kept.pop("items")}} if "items" in kept else {}
    kinds = kept.pop("type")
    return {"anyOf": [{"type": kind, **items.get(kind, {})} for kind in kinds], **kept}


CONFIG: dict[str, Schema] = {
    "config": {
        "type": "string",
        "maxLength": 4096,
        "description": "Path of a .yaml config below the server's folder, FILE.yaml@VARIANT, or the name of a preset "
        "or variant, such as resnet50.",
    },
    "text": {"type": "string", "description": "The config itself as YAML, in place of 'config'."},
    "variant": {"type": "string", "maxLength": 200, "description": "One of the config's variants, by name."},
}
PARAMS: dict[str, Schema] = {
    "params": {"type": "object", "description": 'New values for the config\'s params, by name: {"width": 32}.'},
    "input": {
        "type": ["array", "object"],
        "items": {"type": "integer"},
        "additionalProperties": {"type": "array", "items": {"type": "integer"}},
        "description": "Another input: [channels, height, width]; of several inputs by name.",
    },
}
CONDITIONS: dict[str, Schema] = {
    "batch": {"type": "integer", "minimum": 1, "maximum": 999_999_999, "description": "Samples in a batch (1)."},
    "dtype": {
        "type": "string",
        "enum": ["float32", "float16", "bfloat16", "int8"],
        "description": "Of parameters and activations (float32).",
    },
    "optimizer": {
        "type": "string",
        "enum": ["sgd", "momentum", "adam", "adamw"],
        "description": "Of the training step whose memory is told (momentum).",
    },
    "deploy": {
        "type": "boolean",
        "description": "As a runtime on a device runs it: batch norms folded, dropout gone, activations fused.",
    },
}
NETWORK = {**CONFIG, **PARAMS, **CONDITIONS}
"""One network and how it is looked at."""
ONE: Schema = {
    "type": ["string", "object"],
    "properties": NETWORK,
    "additionalProperties": False,
    "maxLength": 4096,
    "description": "A path or a preset; or an object with config or text, variant, params, input, batch, dtype, "
    "optimizer and deploy.",
}
"""One of several networks."""
