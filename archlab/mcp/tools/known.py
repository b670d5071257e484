"""The tools that tell what there is: presets, and layer types with their options."""

from __future__ import annotations

from archlab.mcp.folder import Folder
from archlab.mcp.tool import Answer, Arguments, Tool


def _presets(_folder: Folder, arguments: Arguments) -> Answer:
    if "names" in arguments:
        from archlab.zoo.rows import preset_rows

        return {"presets": preset_rows(arguments["names"])}
    from archlab.config.tree.presets import preset_files, preset_names

    return {"families": [path.stem for path in preset_files()], "names": preset_names()}


PRESETS = Tool(
    "presets",
    "Networks that come with archlab",
    "The networks that come with archlab; each name can be the 'config' of the other tools, or what a config of "
    "one's own 'extends'. Returns {families, names}; with names: {presets: [{family, name, input, params, macs, "
    "activations, receptive_field, description}]} of these.",
    {
        "names": {
            "type": "array",
            "items": {"type": "string", "maxLength": 200},
            "minItems": 1,
            "maxItems": 20,
            "description": "Names of networks or families, or patterns such as mobile*: these with their numbers.",
        }
    },
    (),
    _presets,
)


def _layer_types(_folder: Folder, arguments: Arguments) -> Answer:
    from archlab.config.schema import config_schema, known_types
    from archlab.diagnostics.codes import Code
    from archlab.diagnostics.problem import single_problem
    from archlab.diagnostics.suggest import did_you_mean

    types = [*known_types(), "residual", "branches"]
    if "type" not in arguments:
        return {"types": types}
    name = arguments["type"]
    if name not in types:
        raise single_problem(f"there is no layer type '{name[:80]}'{did_you_mean(name, types)}", Code.UNKNOWN_LAYER)
    schema = config_schema()
    return {"type": name, "schema": schema["definitions"][name]}


LAYER_TYPES = Tool(
    "layer_types",
    "Layer types and their options",
    "The layer types of the language; they are PyTorch's, with its option names and defaults. Returns {types}; with "
    "type: {type, schema}, the JSON Schema of that layer's options with a description of each.",
    {"type": {"type": "string", "maxLength": 200, "description": "Such as conv2d: its options."}},
    (),
    _layer_types,
)
