"""What rules find in a network, and in several networks of one config."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import Problem, told_trail
from archlab.diagnostics.words import counted
from archlab.lint.rule import Finding, Rule, Subject
from archlab.lint.switches import Switch, is_off, switches


class Findings:
    """Collects what rules find in the networks of a config: one problem for each rule and place."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._found: dict[tuple[str, str], tuple[Problem, int, list[str]]] = {}
        self._switches: dict[int, tuple[Source, list[Switch]]] = {}
        self._networks = 0

    def add(self, subject: Subject) -> None:
        """Look at one more network."""
        for _ in self.adding(subject):
            pass

    def adding(self, subject: Subject) -> Iterator[None]:
        """Look at one more network rule by rule, so that the caller may stop between them."""
        self._networks += 1
        for rule in self._rules:
            for finding in rule.find(subject):
                if not self._is_off(rule, finding.place, subject.document.source):
                    self._note(rule, finding, subject.graph.name)
            yield

    @property
    def problems(self) -> list[Problem]:
        """In the order of the text."""
        found = [self._told(*noted) for noted in self._found.values()]
        return sorted(found, key=lambda problem: problem.sort_key)

    def _note(self, rule: Rule, finding: Finding, network: str) -> None:
        place = finding.place
        key = (rule.name, finding.message if place is None else place.text)
        problem = Problem(finding.message, rule.name, place, told_trail(finding.trail))
        first, layers, networks = self._found.get(key, (problem, 0, []))
        if network not in networks:
            networks = [*networks, network]
        self._found[key] = (first, layers + (len(networks) == 1), networks)

    def _told(self, problem: Problem, layers: int, networks: list[str]) -> Problem:
        """With what else is so at the same place."""
        trail = list(problem.trail)
        if layers > 1:
            trail.append(f"and {counted(layers - 1, 'layer')} more from this line")
        if self._networks > 1:
            others = f" and {len(networks) - 1} more" if len(networks) > 1 else ""
            trail.append(f"in {networks[0]}{others} of {counted(self._networks, 'network')}")
        return Problem(problem.message, problem.code, problem.place, tuple(trail))

    def _is_off(self, rule: Rule, place: Place | None, config: Source) -> bool:
        """Whether the config says so, or the file that it extends, in which the place may be."""
        if is_off(rule.name, place if place is not None and place.source is config else None, self._in(config)):
            return True
        return place is not None and place.source is not config and is_off(rule.name, place, self._in(place.source))

    def _in(self, source: Source) -> list[Switch]:
        found = self._switches.get(id(source))
        if found is None:
            found = self._switches[id(source)] = source, switches(source)
        return found[1]
