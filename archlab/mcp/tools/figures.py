"""The tools that tell a network's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archlab.mcp.folder import Folder
from archlab.mcp.networks import analysis_of, conditions_of, network_of, one_of_several
from archlab.mcp.tool import CONFIG, NETWORK, ONE, PARAMS, Answer, Arguments, Tool

if TYPE_CHECKING:
    from archlab.api.analysis import Analysis
    from archlab.api.network import Network

MOST_COMPARED = 20


def _analyze(folder: Folder, arguments: Arguments) -> Answer:
    analysis = analysis_of(folder, arguments)
    answer = analysis.to_dict()
    layers = answer.pop("layers")
    answer["layer_count"] = len(layers)
    if "depth" in arguments:
        from archlab.report.table import analysis_table

        answer["table"] = analysis_table(analysis, arguments["depth"])
    if arguments.get("layers") or "under" in arguments:
        answer["layers"] = _under(layers, arguments.get("under", ""), analysis.graph.name)
    return answer


def _under(layers: list[Answer], scope: str, name: str) -> list[Answer]:
    """Those of a path or below it.

    Raises:
        ConfigError: if there are none.
    """
    found = [layer for layer in layers if _is_under(layer["path"], scope)]
    if not found:
        from archlab.diagnostics.codes import Code
        from archlab.diagnostics.problem import single_problem
        from archlab.diagnostics.suggest import did_you_mean

        hint = did_you_mean(scope, [layer["path"] for layer in layers])
        raise single_problem(f"{name} has no layer '{scope[:200]}'{hint}", Code.UNKNOWN_LAYER)
    return found


def _is_under(path: str, scope: str) -> bool:
    return not scope or path == scope or path.startswith(f"{scope}.")


ANALYZE = Tool(
    "analyze",
    "Numbers of one network",
    "The numbers of one network, worked out from the config without building or running it: parameters, MACs, FLOPs, "
    "activations, memory of inference and of a training step in bytes, receptive field. Returns what "
    "'archlab analyze --format json' prints: name, input, total, outputs, and layer_count. Layers are left out unless "
    'asked for: layers: true gives all of them, under: "layer1" those of one block, depth: 1 a table as text in which '
    "deeper blocks are folded (best for an overview).",
    {
        **NETWORK,
        "layers": {"type": "boolean", "description": "Whether each layer's numbers are returned too (false)."},
        "under": {
            "type": "string",
            "maxLength": 1000,
            "description": "Of layers, only those of this path or below it, such as layer1.0.",
        },
        "depth": {
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
            "description": "Also a table as text, with blocks folded to this depth.",
        },
    },
    (),
    _analyze,
)


def _compare(folder: Folder, arguments: Arguments) -> Answer:
    from archlab.api.comparison import Comparison

    return Comparison(_analyses(folder, arguments["networks"])).to_dict()


def _analyses(folder: Folder, networks: Sequence[str | dict[str, Any]]) -> list[Analysis]:
    """Of several networks, those of one name told apart.

    Raises:
        ConfigError: with the problems of all.
    """
    from archlab.api.names import told_apart
    from archlab.diagnostics.problem import ConfigError, Problem

    asked = [one_of_several(given) for given in networks]
    loaded: list[Network] = []
    found: list[Problem] = []
    for arguments in asked:
        try:
            loaded.append(network_of(folder, arguments))
        except ConfigError as error:
            found += error.problems
    if found:
        raise ConfigError(found)
    return [
        network.analyze(conditions_of(arguments)) for network, arguments in zip(told_apart(loaded), asked, strict=True)
    ]


COMPARE = Tool(
    "compare",
    "Networks side by side",
    "The totals of several networks side by side: parameters, MACs, FLOPs, activations, memory, receptive field, depth "
    "(layers with weights on the longest path) and intensity. Returns {networks: [...]}, in the order given, each as "
    "analyze returns it.",
    {
        "networks": {
            "type": "array",
            "items": ONE,
            "minItems": 1,
            "maxItems": MOST_COMPARED,
            "description": "The networks; the same config with other params may stand there several times.",
        }
    },
    ("networks",),
    _compare,
)


def _diff(folder: Folder, arguments: Arguments) -> Answer:
    from archlab.analysis.difference import Difference

    before, after = _analyses(folder, [arguments["before"], arguments["after"]])
    return Difference(before, after).to_dict()


DIFF = Tool(
    "diff",
    "What changed between two networks",
    "What changed from one network to another, by the layers' paths. Returns {before, after, totals: [{figure, before, "
    "after, change}], changes: [{kind: added | removed | changed, path, what, details, params, macs}]}.",
    {"before": ONE, "after": ONE},
    ("before", "after"),
    _diff,
)


def _explain(folder: Folder, arguments: Arguments) -> Answer:
    analysis = analysis_of(folder, arguments)
    if arguments.get("counting"):
        from archlab.explain.counting import count

        return count(analysis).to_dict()
    if "layer" not in arguments:
        from archlab.explain.overview import overview

        return overview(analysis).to_dict()
    from archlab.explain.layer import explain

    return explain(analysis, arguments["layer"]).to_dict()


EXPLAIN = Tool(
    "explain",
    "A layer's formulas with its numbers",
    "How a number comes about. Returns, with layer (the path of a layer or a block), its output shape, parameters, "
    "MACs, FLOPs, memory and receptive field as formulas with the numbers put in: {sections: [{steps: [{formula, "
    "numbers, result}]}]}. Without layer: the list of layers. With counting: true: what other tools (fvcore, thop, "
    "ptflops, ...) print for this network, and why they differ.",
    {
        **NETWORK,
        "layer": {"type": "string", "maxLength": 1000, "description": "Path of a layer or block, such as layer1.0."},
        "counting": {"type": "boolean", "description": "What other tools count, instead (false)."},
    },
    (),
    _explain,
)


def _expand(folder: Folder, arguments: Arguments) -> Answer:
    from archlab.config.dump import expanded_config

    network = network_of(folder, arguments)
    figures = network.analyze().total.figures()
    return {
        "name": network.name,
        "layer_count": len(network.graph.layers),
        "text": expanded_config(network.graph, expect=figures),
    }


EXPAND = Tool(
    "expand",
    "The network without blocks and params",
    "The same network written out: no blocks, repeats, params or expressions, only layers in order. Shows what a "
    "config really says. Returns {name, layer_count, text}, where text is a config in YAML with the same numbers.",
    {**CONFIG, **PARAMS},
    (),
    _expand,
)
