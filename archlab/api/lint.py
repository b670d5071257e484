"""`archlab lint`: what the design rules find in every network of a config."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from archlab.api.load import load
from archlab.api.network import Network
from archlab.api.remarks import subject_of
from archlab.api.validate import VARIANT_STEPS, Validation, each_within_bound, networks_of
from archlab.config.expand.budget import Budget
from archlab.config.expand.network import expand
from archlab.config.syntax.limits import MAX_STEPS
from archlab.config.tree.targets import Opened, open_target, open_text
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError, Problems, single_problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.imports.targets import reader_of
from archlab.lint.findings import Findings
from archlab.lint.rule import Rule
from archlab.lint.rules import RULES
from archlab.lint.switches import switch_problems, switches


def chosen_rules(only: Iterable[str] = (), off: Iterable[str] = ()) -> list[Rule]:
    """The rules that are asked for, in their order.

    Args:
        only: names of these alone; all by default.
        off: names of those to leave out.

    Raises:
        ConfigError: if there is no such rule.
    """
    wanted, unwanted = set(only), set(off)
    for name in sorted(wanted | unwanted):
        if name not in RULES:
            raise single_problem(f"there is no rule '{name}'{did_you_mean(name, RULES) or _all()}", Code.WRONG_VALUE)
    return [rule for name, rule in RULES.items() if (name in wanted or not wanted) and name not in unwanted]


def _all() -> str:
    return f"; there are {', '.join(RULES)}"


def lint_all(targets: Iterable[str], rules: Iterable[Rule]) -> list[Validation]:
    """What rules find in configs, which share a bound on steps, as those that are validated do."""
    chosen = list(rules)
    return each_within_bound(targets, lambda target: lint(target, chosen))


def lint(
    target: str, rules: Iterable[Rule] = tuple(RULES.values()), source: Source | None = None, variant_name: str = ""
) -> Validation:
    """What rules find in a config's default and every variant, or in the one network that a target names.

    Problems of the config itself are among them, and are errors; what rules find are warnings.

    Args:
        target: as `load` knows it; of a text its name.
        rules: all by default.
        source: a text instead of what the target names, such as one that is not saved.
        variant_name: of the text, to look at it alone.
    """
    found = Findings(rules)
    result = Validation(target)
    try:
        if source is None and reader_of(target) is not None:
            network = load(target)
            found.add(subject_of(network.analyze(), network.document, None))
            result.networks = 1
        else:
            opened = open_target(target) if source is None else open_text(source, Path(target).stem, variant_name)
            _lint_config(opened, found, result)
    except ConfigError as error:
        result.problems = [*error.problems, *found.problems]
        return result
    result.problems += found.problems
    return result


def _lint_config(opened: Opened, found: Findings, result: Validation) -> None:
    """Each network of a config.

    Raises:
        ConfigError: if the config is wrong, or too much.
    """
    document, variant, problems = opened
    problems.raise_if_any()
    result.problems = switch_problems(switches(document.source), RULES)
    for chosen in [variant] if variant is not None else networks_of(document):
        if result.spent > MAX_STEPS:
            message = (
                f"the {result.networks} networks in front of this variant take more than {MAX_STEPS:,} steps together; "
                "look at the others by themselves, as FILE@VARIANT"
            )
            raise single_problem(message, Code.TOO_LARGE, None if chosen is None else chosen.place)
        budget = Budget()
        graph = expand(document, chosen, {}, Problems(), budget=budget)
        analysis = Network(graph, document, chosen).analyze()
        found.add(subject_of(analysis, document, chosen))
        result.spent += budget.spent + VARIANT_STEPS + len(document.params) + 2 * len(graph.nodes)
        result.networks += 1
