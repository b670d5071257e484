"""The tools that tell what is wrong with a config."""

from __future__ import annotations

from archlab.mcp.answers import problem_answer
from archlab.mcp.folder import Folder
from archlab.mcp.networks import conditions_of, network_of
from archlab.mcp.tool import CONFIG, NETWORK, Answer, Arguments, Tool

_PROBLEM = (
    "{message, code, level, file, line, column, end_line, end_column, trail, hint, did_you_mean, source_line}: lines "
    "and columns count from 1, the end is exclusive, hint says what to write instead, and did_you_mean is the word "
    "that should stand there"
)


def _validate(folder: Folder, arguments: Arguments) -> Answer:
    from archlab.api.validate import validate

    given = folder.given(arguments)
    found = validate(given.target, given.source, given.variant)
    return {
        "target": found.target,
        "ok": not found.problems,
        "networks": found.networks,
        "problems": [problem_answer(problem) for problem in found.problems],
    }


VALIDATE = Tool(
    "validate",
    "What is wrong with a config",
    "Reads a config with all its variants and says everything that is wrong with it, and which figures under 'expect' "
    "do not hold. Use it after each edit. Returns {target, ok, networks, problems}, each problem as "
    f"{_PROBLEM}. ok is true where there are none.",
    CONFIG,
    (),
    _validate,
)


def _lint(folder: Folder, arguments: Arguments) -> Answer:
    from archlab.api.lint import chosen_rules, lint

    given = folder.given(arguments)
    rules = chosen_rules(arguments.get("only", ()), arguments.get("off", ()))
    found = lint(given.target, rules, given.source, given.variant)
    return {
        "target": found.target,
        "networks": found.networks,
        "problems": [problem_answer(problem) for problem in found.problems],
    }


_RULE_NAMES = {"type": "array", "items": {"type": "string", "maxLength": 100}, "maxItems": 100}
LINT = Tool(
    "lint",
    "What design rules find",
    "What design rules find in a valid config: gridding of dilated convolutions, checkerboards, layers that see "
    "nothing but padding, dropped rows, a bias before a norm, unused names, ... Returns {target, networks, problems}: "
    f'findings have level "warning" and the rule\'s name as code. Each is {_PROBLEM}.',
    {
        **CONFIG,
        "only": {**_RULE_NAMES, "description": "These rules alone, by name."},
        "off": {**_RULE_NAMES, "description": "Not these rules."},
    },
    (),
    _lint,
)


def _check(folder: Folder, arguments: Arguments) -> Answer:
    from archlab.analysis.conditions import Conditions
    from archlab.api.check import check
    from archlab.config.tree.figures import read_figure_limits

    limits = read_figure_limits("limits", arguments.get("limits", []))
    conditions = conditions_of(arguments)
    as_written = conditions == Conditions() and not any(arguments.get(name) for name in ("params", "input", "deploy"))
    given = folder.given(arguments)
    found = check(given.target, network_of(folder, arguments), limits, conditions, as_written=as_written)
    problems = [problem_answer(problem) for problem in found.problems]
    return {"target": given.target, "ok": not problems, **found.to_dict(), "problems": problems}


CHECK = Tool(
    "check",
    "A network held to limits",
    "Holds one network to limits and to the 'expect' of its config. Returns {target, ok, network, limits: [{figure, "
    "limit, value, ...}], passed_over, problems}; a problem says by how much a limit is missed and which layers weigh "
    "most.",
    {
        **NETWORK,
        "limits": {
            "type": "array",
            "items": {"type": "string", "maxLength": 1000},
            "maxItems": 100,
            "description": 'Such as "macs <= 300M", "params <= 5M", "memory.inference_peak <= 8MiB", '
            '"memory.training_peak <= 24GiB", "receptive_field >= 224".',
        },
    },
    (),
    _check,
)
