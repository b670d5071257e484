"""The tool that looks for the best design within limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archlab.mcp.folder import Folder
from archlab.mcp.networks import conditions_of
from archlab.mcp.tool import CONDITIONS, CONFIG, PARAMS, Answer, Arguments, Schema, Tool

if TYPE_CHECKING:
    from archlab.config.syntax.yaml_nodes import Node
    from archlab.sweep.work import Question

_LIMITS: Schema = {"type": "array", "items": {"type": "string", "maxLength": 1000}, "maxItems": 100}
_NAMED = ("batch", "dtype", "deploy")


def _fit(folder: Folder, arguments: Arguments) -> Answer:
    from archlab.report.fit import fit_dict
    from archlab.sweep.fit import fit

    question = _question(folder, arguments)
    fitted = fit(question, arguments["maximize"], processes=1)
    return fit_dict(fitted, question.limits)


def _question(folder: Folder, arguments: Arguments) -> Question:
    """The space and the limits.

    Raises:
        ConfigError: with every problem found.
    """
    from dataclasses import replace

    from archlab.config.tree.figures import read_figure_limits
    from archlab.sweep.vary import space_of
    from archlab.sweep.work import Question

    document, variant, problems = folder.given(arguments).opened()
    problems.raise_if_any()
    space = space_of(
        document,
        variant,
        {name: _node(name, values) for name, values in arguments["vary"].items()},
        {},
        problems,
        settings=arguments.get("params", {}),
        input_shape=arguments.get("input"),
    )
    problems.raise_if_any()
    assert space is not None
    space = replace(space, deployed=bool(arguments.get("deploy")))
    limits = tuple(read_figure_limits("where", arguments.get("where", [])))
    return Question(space, conditions_of(arguments), limits, arguments.get("sample"))


def _node(name: str, values: Any) -> Node:
    """What a param may be, as the command line reads it.

    Raises:
        ConfigError: for what is no YAML.
    """
    from archlab.config.syntax.yaml_nodes import parse
    from archlab.diagnostics.place import Source
    from archlab.diagnostics.problem import Problems

    problems = Problems()
    text = values if isinstance(values, str) else json.dumps(values)
    node = parse(Source(f"vary {name}", text), problems)
    problems.raise_if_any()
    return node


FIT = Tool(
    "fit",
    "The best design within limits",
    "The best design of a config whose params vary, within limits: every combination is looked at, none is estimated. "
    "Returns {settings: the best params, input, maximize, exact, how, limits: how far each is used, best: its figures, "
    "runners_up}. Where nothing is within the limits the problem says how near the space comes.",
    {
        **CONFIG,
        **PARAMS,
        **{name: CONDITIONS[name] for name in _NAMED},
        "vary": {
            "type": "object",
            "additionalProperties": {"type": ["string", "array"], "maxLength": 1000, "maxItems": 1000},
            "description": 'Values by param: {"width": "16..128:8", "depth": [1, 2, 3]}; also "8..128*2" '
            '(growing), "$(2 * width)" (derived), and "input": "96..224:32".',
        },
        "where": {**_LIMITS, "description": 'Limits, such as "macs <= 300M" or "memory.inference_peak <= 8MiB".'},
        "maximize": {
            "type": "string",
            "maxLength": 200,
            "description": "What should be large: receptive_field, params, macs, ..., entropy, or a param: width.",
        },
        "sample": {
            "type": "integer",
            "minimum": 1,
            "maximum": 1_000_000,
            "description": "Draw so many designs at random instead of taking all.",
        },
    },
    ("vary", "maximize"),
    _fit,
)
