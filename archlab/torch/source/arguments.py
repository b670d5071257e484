"""Constructor arguments of a generated class: the numbers in which its instances differ.

A number that is the same in all instances stays a literal. Numbers that are equal to one another in each
instance become one argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from archlab.graph import Graph
from archlab.layers.shape import channels_of
from archlab.torch.source.layers import REQUIRED
from archlab.torch.source.text import MAX_NAME, Atom, NamePool, literal
from archlab.torch.source.tree import Scope

CHANNELS = "channels"
CHANNEL_COUNTS = frozenset(
    {CHANNELS, "in_channels", "out_channels", "in_features", "out_features", "num_features", "num_channels"}
    | {"num_parameters", "normalized_shape", "groups", "start", "length"}
)
"""Arguments that count channels: only among these can equal numbers share an argument."""


@dataclass(slots=True, eq=False)
class Slot:
    """A place in a class for a number: a literal, or an argument of the constructor."""

    argument: str
    """What is set there: `stride`; `channels` for another generated class's count of channels."""
    values: tuple[Any, ...]
    """By instance of the class."""
    default: Any
    """Of the function that is called; `REQUIRED` if it has none."""
    keyword: str
    """'' where it is written without its name."""
    where: tuple[str, ...]
    """Labels from the class down to the submodule."""
    noun: str = CHANNELS
    """What it counts, where it counts channels: the last word of the argument's name."""
    parameter: Parameter | None = None

    @property
    def is_left_out(self) -> bool:
        """Whether the called function's default does."""
        if self.default is REQUIRED:
            return False
        default = literal(self.default)
        return all(literal(value) == default for value in self.values)

    @property
    def atom(self) -> Atom:
        """The literal, or the argument's name."""
        return Atom(literal(self.values[0]) if self.parameter is None else self.parameter.name)


@dataclass(slots=True, eq=False)
class Parameter:
    """A constructor argument of a generated class."""

    argument: str
    slots: list[Slot]
    default: Any = REQUIRED
    name: str = ""

    @property
    def values(self) -> tuple[Any, ...]:
        """By instance."""
        return self.slots[0].values

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is REQUIRED

    @property
    def is_positional(self) -> bool:
        """Whether calls leave out its name."""
        return self.argument == CHANNELS and self.is_required

    @property
    def declaration(self) -> str:
        """As written in `__init__`."""
        default = "" if self.is_required else f" = {literal(self.default)}"
        return f"{self.name}: {_annotation(self.values)}{default}"


def make_parameters(slots: Iterable[Slot]) -> list[Parameter]:
    """Arguments for the slots whose numbers differ, without names yet."""
    groups: dict[tuple[str, tuple[str, ...]], list[Slot]] = {}
    for slot in slots:
        texts = tuple([literal(value) for value in slot.values])
        if len(set(texts)) > 1:
            kind = CHANNELS if slot.argument in CHANNEL_COUNTS else slot.argument
            groups.setdefault((kind, texts), []).append(slot)
    return [_make_parameter(kind, group) for (kind, _), group in groups.items()]


def _make_parameter(kind: str, slots: list[Slot]) -> Parameter:
    if all(slot.argument == "groups" for slot in slots):
        kind = "groups"
    parameter = Parameter(kind, slots)
    if len({literal(slot.default) for slot in slots}) == 1 and slots[0].default in slots[0].values:
        parameter.default = slots[0].default
    for slot in slots:
        slot.parameter = parameter
    return parameter


def name_parameters(
    parameters: Sequence[Parameter], instances: Sequence[Scope], graph: Graph, outside: Iterable[str]
) -> list[Parameter]:
    """The arguments of a class with their names, in the order in which they are declared.

    Args:
        parameters: the arguments of one class.
        instances: the scopes that are instances of the class.
        graph: for the channels of the class's inputs and outputs.
        outside: names of other packages and their classes, which no argument may hide.
    """
    names = _channel_names([p for p in parameters if p.argument == CHANNELS], instances, graph)
    arguments = [parameter.argument for parameter in parameters]
    pool = NamePool((*outside, *[child.label for child in instances[0].children]))
    for parameter in parameters:
        name = parameter.argument
        if parameter in names:
            name = names[parameter]
        elif arguments.count(name) > 1:
            name = f"{_place(parameter)}_{name}"
        parameter.name = pool.take(name)
    return sorted(parameters, key=_rank)


def _rank(parameter: Parameter) -> tuple[bool, bool, bool]:
    """The positional ones first, among them what comes in; those with a default last."""
    incoming = parameter.name in {"in_channels", "in_features", "channels", "features"}
    return not parameter.is_positional, not parameter.is_required, not incoming


def _channel_names(parameters: Sequence[Parameter], instances: Sequence[Scope], graph: Graph) -> dict[Parameter, str]:
    """Names that say whose channels they are: the input's, the output's, or those of a layer between."""
    noun = CHANNELS if len(graph.nodes[instances[0].inputs[0]].shape) > 1 else "features"
    entering = tuple([channels_of(graph.nodes[scope.inputs[0]].shape) for scope in instances])
    leaving = tuple([channels_of(graph.nodes[scope.outputs[0]].shape) for scope in instances])
    ends = {leaving: f"out_{noun}", entering: noun if entering == leaving else f"in_{noun}"}
    names = {parameter: ends[parameter.values] for parameter in parameters if parameter.values in ends}
    inner = [parameter for parameter in parameters if parameter not in names]
    for parameter in inner:
        first = parameter.slots[0].where[0]
        alone = [other.slots[0].where[0] for other in inner].count(first) == 1 and not first.isdigit()
        place = first if alone and len(first) <= MAX_NAME else _place(parameter)
        names[parameter] = "width" if len(inner) == 1 else f"{place}_{parameter.slots[0].noun}"
    return names


def _place(parameter: Parameter) -> str:
    """Where the argument is first used, as a beginning of its name."""
    place = "_".join(parameter.slots[0].where)
    return f"layer{place}" if place[0].isdigit() else place if len(place) <= MAX_NAME else "inner"


def _annotation(values: Iterable[Any]) -> str:
    """The type of an argument: `int`, or `int | tuple[int, int]`."""
    types = {_type_text(value) for value in values}
    if "float" in types:
        types.discard("int")
    return " | ".join(sorted(types, key=lambda text: (text == "None", text)))


def _type_text(value: Any) -> str:
    if isinstance(value, tuple):
        return f"tuple[{', '.join(map(_type_text, value))}]"
    return "None" if value is None else type(value).__name__
