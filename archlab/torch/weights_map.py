"""`archlab build --weights-map`: which names of a state dict are which of the network's, as its author says.

A map is YAML or JSON of old names to archlab's, of tensors or of modules with all below them:

    backbone.conv1: stem.conv          # backbone.conv1.weight is stem.conv.weight
    layer*.*.downsample.0: layer*.*.shortcut.conv
    head: null                         # left out

    attn.in_proj_weight[0:64]: q.weight   # some of a tensor's rows: those of several layers may lie in one

A `*` stands for any text within one part of a name, and goes where the `*` of the same number stands. The first line
that fits a name decides. Names that no line fits are matched as without a map (`matching`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from archlab.config.syntax.files import read_source
from archlab.config.syntax.yaml_nodes import Mapping as MappingNode
from archlab.config.syntax.yaml_nodes import Scalar, kind, parse
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import ConfigError, Problem, Problems
from archlab.diagnostics.suggest import did_you_mean
from archlab.imports.parts import tensor_of, whole_name
from archlab.torch.matching import Slot

WeightsMap = Mapping[str, str | None] | str | Path
"""Old names to archlab's, or a file of them."""


class Rule(NamedTuple):
    """A line of a map.

    Attributes:
        old: a name in the state dict, its parts.
        new: the network's; None where it is left out.
        place: where it is written, if in a file.
    """

    old: tuple[str, ...]
    new: tuple[str, ...] | None
    place: Place | None

    def renamed(self, name: str) -> str | None:
        """What a name becomes, of one that the line fits; None where it is left out."""
        if self.new is None:
            return None
        parts = name.split(".")
        found = iter([part for old, name in zip(self.old, parts, strict=False) for part in _starred(old, name) or ()])
        new = [part.replace("*", next(found)) if "*" in part else part for part in self.new]
        return ".".join([*new, *parts[len(self.old) :]])

    def fits(self, name: str) -> bool:
        """Whether a name, or the module that it is in, is meant."""
        parts = name.split(".")
        if len(parts) < len(self.old):
            return False
        return all(_starred(old, part) is not None for old, part in zip(self.old, parts, strict=False))

    @property
    def text(self) -> str:
        """The old name as written."""
        return ".".join(self.old)


def _starred(pattern: str, part: str) -> tuple[str, ...] | None:
    """What stands for the `*` in a part of a name; nothing where there is none, None where it does not fit."""
    before, star, behind = pattern.partition("*")
    if not star:
        return () if part == pattern else None
    inside = part[len(before) : len(part) - len(behind)]
    return (inside,) if inside and part == before + inside + behind else None


def read_map(written: WeightsMap) -> list[Rule]:
    """The lines of a map.

    Raises:
        ConfigError: if it cannot be read, or one of them is none.
    """
    if not isinstance(written, str | Path):
        return [_rule(old, new, None) for old, new in written.items()]
    source, problems = read_source(Path(written)), Problems()
    root = parse(source, problems)
    problems.raise_if_any()
    if not isinstance(root, MappingNode):
        raise _wrong(f"a map of weights is a mapping of old names to new ones, not {kind(root)}", root.place)
    rules: list[Rule] = []
    for old, value in root.entries.items():
        if not isinstance(value, Scalar) or not (value.value is None or isinstance(value.value, str)):
            raise _wrong(f"'{old}' becomes a name, or null to leave it out, not {kind(value)}", value.place)
        rules.append(_rule(old, value.value, root.keys[old]))
    return rules


def with_parts(state: Mapping[str, Tensor], rules: Sequence[Rule]) -> Mapping[str, Tensor]:
    """A state dict in which the rows that lines of a map name stand by themselves, not the tensors that they are of."""
    named = [rule for rule in rules if whole_name(rule.text) != rule.text]
    if not named:
        return state
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        wholes = [(rule, Rule(tuple(whole_name(rule.text).split(".")), None, None)) for rule in named]
        parts = [f"{name}{rule.text[len(whole.text) :]}" for rule, whole in wholes if whole.fits(name)]
        found |= {part: tensor_of(state, part) for part in parts} or {name: tensor}
    return found


def fitting(rules: Sequence[Rule], theirs: Iterable[str], ours: Container[str]) -> list[Rule]:
    """The lines of a map that goes with a network, if these are the weights that it is meant for.

    Names that no line fits, and the network has too, stay as they are.

    Args:
        rules: the map.
        theirs: names in the state dict.
        ours: the network's.
    """
    names = list(theirs)
    used = [rule for rule in rules if any(rule.fits(name) for name in names)]
    same = [name for name in names if name in ours and not any(rule.fits(name) for rule in used)]
    return [*used, *[_rule(name, name, None) for name in same]] if used else []


def _rule(old: str, new: str | None, place: Place | None) -> Rule:
    before, after = old.split("."), None if new is None else new.split(".")
    for name in (before, after or []):
        if any(part.count("*") > 1 for part in name):
            raise _wrong(f"'{'.'.join(name)}': one * in each part between dots is enough", place)
    if after is not None and old.count("*") != (new or "").count("*"):
        raise _wrong(f"'{old}' and '{new}' have different numbers of *", place)
    return Rule(tuple(before), None if after is None else tuple(after), place)


def mapped(rules: Sequence[Rule], ours: Sequence[Slot], theirs: Iterable[Slot]) -> dict[str, str | None]:
    """Old names to new ones, of the tensors that a line fits; None for what is left out.

    Args:
        rules: the map.
        ours: the network's tensors.
        theirs: the state dict's.

    Raises:
        ConfigError: for a line that fits nothing, a new name that the network does not have, two tensors that become
            one, or another shape.
    """
    known, names = {slot.name: slot for slot in ours}, [slot.name for slot in theirs]
    shapes = {slot.name: slot for slot in theirs}
    found: dict[str, str | None] = {}
    taken: dict[str, str] = {}
    used: set[Rule] = set()
    for name in names:
        rule = next((rule for rule in rules if rule.fits(name)), None)
        if rule is None:
            continue
        used.add(rule)
        new = found[name] = rule.renamed(name)
        if new is None:
            continue
        if new not in known:
            hint = did_you_mean(new, known) or "; archlab build -o FILE.pt writes a state dict with its names"
            raise _wrong(f"'{name}' becomes '{new}', which the network does not have{hint}", rule.place)
        if new in taken:
            raise _wrong(f"'{taken[new]}' and '{name}' both become '{new}'", rule.place)
        if known[new].extent != shapes[name].extent:
            raise _wrong(f"{shapes[name]} cannot become {known[new]}: their shapes differ", rule.place)
        taken[new] = name
    for rule in rules:
        if rule not in used and not any(rule.fits(name) for name in names):
            levels = dict.fromkeys([*names, *(slot.module for slot in shapes.values())])
            raise _wrong(f"'{rule.text}' fits no tensor of the weights{did_you_mean(rule.text, levels)}", rule.place)
    return found


def _wrong(message: str, place: Place | None) -> ConfigError:
    return ConfigError([Problem(message, Code.WRONG_WEIGHTS, place)])
