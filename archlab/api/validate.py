"""`archlab validate`: every network of a config, and its `expect` figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from archlab.api.expect import check_expect
from archlab.api.network import Network
from archlab.config.expand.budget import Budget
from archlab.config.expand.network import expand
from archlab.config.syntax.folders import configs_below, is_folder
from archlab.config.syntax.limits import MAX_STEPS, MAX_TOTAL_STEPS
from archlab.config.tree.document import Document, Variant
from archlab.config.tree.targets import open_target, open_text
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError, Problem, Problems, TooManyProblemsError
from archlab.files.inputs import STDIN

VARIANT_STEPS = 50
"""Work of a variant beside its items, in the expansion's steps."""
STEP_BYTES = 20
"""Bytes of a file that take about as long to read as a step of expansion."""


class Expanded(NamedTuple):
    """An expansion that was made already.

    Attributes:
        variant: of the config.
        network: None where something is wrong with it.
        problems: what is.
        budget: what it took.
    """

    variant: Variant | None
    network: Network | None
    problems: list[Problem]
    budget: Budget


@dataclass(slots=True)
class Validation:
    """What was found in one config.

    Attributes:
        target: as given.
        networks: how many were expanded.
        problems: in the order of the text.
        spent: steps that it took.
    """

    target: str
    networks: int = 0
    problems: list[Problem] = field(default_factory=list)
    spent: int = 0


def config_paths(targets: list[str]) -> list[str]:
    """The targets, with every folder replaced by the .yaml files in it.

    Raises:
        ConfigError: for a folder without any, or with too many.
    """
    paths: list[str] = []
    for target in targets:
        paths += configs_below(target) if target != STDIN and is_folder(target) else [target]
    return paths


def validate_all(targets: list[str]) -> list[Validation]:
    """Check configs, which share a bound on steps."""
    return each_within_bound(targets, validate)


def each_within_bound(targets: Iterable[str], check: Callable[[str], Validation]) -> list[Validation]:
    """Configs one by one; the first beyond a bound on all their steps has a problem that says so, and is the last."""
    checked: list[Validation] = []
    spent = 0
    for target in targets:
        if spent > MAX_TOTAL_STEPS:
            message = (
                f"{target}: not checked, nor is what follows: the {len(checked):,} configs in front of it take more "
                f"than {MAX_TOTAL_STEPS:,} steps together; check fewer at once"
            )
            checked.append(Validation(target, problems=[Problem(message, Code.TOO_LARGE)]))
            break
        checked.append(check(target))
        spent += checked[-1].spent + VARIANT_STEPS + _bytes_of(target) // STEP_BYTES
    return checked


def _bytes_of(target: str) -> int:
    """The size of a target's file; 0 for other targets."""
    try:
        return Path(target.rpartition("@")[0] or target).stat().st_size
    except (OSError, ValueError):
        return 0


def validate(target: str, source: Source | None = None, variant_name: str = "") -> Validation:
    """Expand the config's default and every variant, and check their `expect` figures.

    Args:
        target: as `open_target` knows it; of a text its name.
        source: a text instead of what the target names, such as one that is not saved.
        variant_name: of the text, to look at it alone.
    """
    result = Validation(target)
    try:
        opened = open_target(target) if source is None else open_text(source, Path(target).stem, variant_name)
        document, variant, problems = opened
    except ConfigError as error:
        result.problems = error.problems
        return result
    for _ in validated(result, document, variant, problems):
        pass
    return result


def validated(
    result: Validation,
    document: Document,
    variant: Variant | None,
    problems: Problems,
    expanded: Expanded | None = None,
) -> Iterator[None]:
    """Check the networks of a document one by one, so that the caller may stop between them.

    Args:
        result: what is found, after each network.
        document: the config.
        variant: the only network to check; None for all of them.
        problems: of reading the config.
        expanded: one of its networks that was expanded already.
    """
    found = dict.fromkeys(problems.found)
    for chosen in [variant] if variant is not None else networks_of(document):
        if result.spent > MAX_STEPS:
            found[_too_many(chosen, result.networks)] = None
            result.problems = _in_order(found)
            return
        own = Problems(list(problems.found))
        known = expanded if expanded is not None and expanded.variant is chosen else None
        result.spent += _check(document, chosen, own, known) + VARIANT_STEPS + len(document.params)
        found.update(dict.fromkeys(own.found))
        result.networks += 1
        result.problems = _in_order(found)
        yield


def _in_order(found: Iterable[Problem]) -> list[Problem]:
    return sorted(_distinct(found), key=lambda problem: problem.sort_key)


def networks_of(document: Document) -> list[Variant | None]:
    """The default, unless a param has none, and every variant."""
    abstract = document.variants and any(default.is_null for default in document.params.values())
    return [*([] if abstract else [None]), *document.variants.values()]


def _too_many(variant: Variant | None, checked: int) -> Problem:
    message = f"the {checked} networks in front of this variant take more than {MAX_STEPS:,} steps to expand together"
    return Problem(
        f"{message}; check the others by themselves, as FILE@VARIANT, or put them into files of their own",
        Code.TOO_LARGE,
        None if variant is None else variant.place,
    )


def _expanded(document: Document, variant: Variant | None, problems: Problems) -> Expanded:
    budget = Budget()
    try:
        graph = expand(document, variant, {}, problems, budget=budget)
    except ConfigError as error:
        return Expanded(variant, None, error.problems, budget)
    return Expanded(variant, Network(graph, document, variant), [], budget)


def _check(document: Document, variant: Variant | None, problems: Problems, known: Expanded | None) -> int:
    """Find what is wrong with a network; the steps that it takes."""
    if known is None:
        known = _expanded(document, variant, problems)
    network, budget = known.network, known.budget
    if network is None:
        problems.found = [*known.problems]
        return budget.spent
    expect = document.expect if variant is None else variant.expect
    if expect is None:
        return budget.spent
    with suppress(TooManyProblemsError):
        check_expect(expect, network.analyze(), problems)
    # an analysis takes about as long as the expansion, and a training step's storages twice that
    return budget.spent + len(network.graph.nodes) * (3 if "memory.training_peak" in expect.entries else 1)


def _distinct(problems: Iterable[Problem]) -> list[Problem]:
    """One problem for each place and code: variants share most of their lines."""
    seen: dict[object, Problem] = {}
    for problem in problems:
        what = problem.message if problem.place is None else problem.place.text
        seen.setdefault((problem.code, what), problem)
    return list(seen.values())
