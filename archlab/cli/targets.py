"""Several networks in one result: which they are, with values of their own, and how they are told apart."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from archlab.diagnostics.codes import Code
from archlab.graph import Graph

MOST_NETWORKS = 1000
"""Networks that lists of values may make."""


class Request(NamedTuple):
    """One network that is asked for.

    Attributes:
        target: as given.
        settings: `K=V` of `--set` that are its own, a value each.
        arguments: the same of `--arg`.
        told_by: those of its settings that another network of the same target has otherwise.
    """

    target: str
    settings: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    told_by: tuple[str, ...] = ()

    def options(self, options: argparse.Namespace) -> argparse.Namespace:
        """The command's options with those of this network alone."""
        own = {"set": list(self.settings), "arg": list(self.arguments)}
        return argparse.Namespace(**{**vars(options), **own})


class _Given(NamedTuple):
    """`TARGET:K=V,W` of the command line."""

    target: str | None
    name: str
    values: tuple[str, ...]

    def settings(self) -> list[str]:
        return [f"{self.name}={value}" for value in self.values] if self.values else [self.name]


def requested(targets: Sequence[str], options: argparse.Namespace) -> list[Request]:
    """The networks of some targets: one each, or one for each value of a `--set` with several.

    `--set K=V,W` and `--set K=V --set K=W` give several values, of all targets; `--set TARGET:K=V` gives one to one
    target, before what is given to all.

    Raises:
        ConfigError: for a target that is not among them, or too many networks.
    """
    settings = [_given("--set", text, targets, several=True) for text in options.set]
    arguments = [_given("--arg", text, targets, several=False) for text in options.arg]
    found = [request for target in targets for request in _of_target(target, settings, arguments)]
    if len(found) > MOST_NETWORKS:
        from archlab.diagnostics.problem import single_problem

        message = f"the values of --set make {len(found):,} networks; at most {MOST_NETWORKS:,} stand in one result"
        raise single_problem(message, Code.TOO_LARGE)
    return found


def _of_target(target: str, settings: list[_Given], arguments: list[_Given]) -> list[Request]:
    choices = _choices(target, settings)
    own = tuple([setting for choice in _choices(target, arguments) for setting in choice])
    told = [set(choice) if len(choice) > 1 else set() for choice in choices]
    found: list[Request] = []
    for chosen in product(*choices):
        found.append(Request(target, chosen, own, tuple([c for c, names in zip(chosen, told, strict=True) if names])))
        if len(found) > MOST_NETWORKS:
            break
    return found


def _choices(target: str, given: list[_Given]) -> list[list[str]]:
    """By name, what a target may have; its own go before those of all."""
    own = {entry.name for entry in given if entry.target is not None and entry.target == target}
    found: dict[str, dict[str, None]] = {}
    for entry in given:
        if entry.target == target or (entry.target is None and entry.name not in own):
            found.setdefault(entry.name, {}).update(dict.fromkeys(entry.settings()))
    return [list(values) for values in found.values()]


def _given(option: str, text: str, targets: Sequence[str], *, several: bool) -> _Given:
    key, equals, value = text.partition("=")
    target, colon, name = key.rpartition(":")
    if colon and target not in targets:
        from archlab.diagnostics.problem import single_problem
        from archlab.diagnostics.words import listed

        message = f"{option} {text}: '{target}' is none of the targets, which are {listed(dict.fromkeys(targets))}"
        raise single_problem(message, Code.WRONG_VALUE)
    values = _split(value) if equals and several else (value,) if equals else ()
    return _Given(target if colon else None, name.strip() if equals else name, values)


def _split(text: str) -> tuple[str, ...]:
    """`0.5,1` as two values; what is one value in YAML (`[3, 4]`, `'a,b'`) stays one."""
    from archlab.config.syntax.yaml_nodes import Sequence as Items
    from archlab.config.syntax.yaml_nodes import parse
    from archlab.diagnostics.place import Source
    from archlab.diagnostics.problem import ConfigError, Problems

    if "," not in text or "\n" in text:
        return (text,)
    problems = Problems()
    try:
        node = parse(Source("--set", f"[{text}]"), problems)
    except ConfigError:
        return (text,)
    if problems.found or not isinstance(node, Items) or len(node.items) < 2:
        return (text,)
    return tuple([text[item.place.column - 1 : item.place.end_column - 1] for item in node.items])


def tell_apart(graphs: Sequence[Graph], requests: Sequence[Request]) -> None:
    """Add to names that several networks have what tells them apart, in every form of the result."""
    counts = Counter(graph.name for graph in graphs)
    asked = Counter(requests)
    for graph, request in zip(graphs, requests, strict=True):
        if counts[graph.name] == 1 or asked[request] > 1:
            continue
        alike = [other for other in requests if other.target == request.target]
        parts = list(request.told_by)
        if len(alike) < len(requests):
            parts = [request.target, *parts]
        graph.name = f"{graph.name} ({', '.join(parts) or 'as written'})"


def shared_notes(options: argparse.Namespace, requests: Sequence[Request]) -> list[str]:
    """That options apply to all of several networks."""
    if len(requests) < 2:
        return []
    alike = [s for s in requests[0].settings if all(s in request.settings for request in requests)]
    given = [f"--set {setting}" for setting in alike]
    if options.input is not None:
        given.append(f"--input {options.input}")
    which = "both networks" if len(requests) == 2 else f"all {len(requests)} networks"
    return [f"{', '.join(given)} applies to {which}"] if given else []
