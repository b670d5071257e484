"""One option over all calls of a block: a number, an expression of what is known, or a param.

A column has the option's value in each call. What is the same in all is written as it is; what follows from the
channels that enter or from a param is an expression; anything else becomes a param.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from archlab.config.syntax.naming import name_fault
from archlab.config.tree.document import BUILT_IN_NAMES
from archlab.config.tree.items import ITEM_KEYS


class _Gap:
    """Stands where a call says nothing."""

    def __repr__(self) -> str:
        return "GAP"


GAP: Any = _Gap()
"""The value of a call that does not have the item, or that leaves a param open."""
Column = Sequence[Any]

SIZES = frozenset(
    [
        "out_channels",
        "out_features",
        "groups",
        "num_groups",
        "num_channels",
        "squeeze_channels",
        "length",
        "start",
        "num_heads",
        "normalized_shape",
        "num_features",
        "unflattened_size",
    ]
)
"""Options that may follow from others by multiplication."""
WIDTHS = ("out_channels", "out_features")
_FACTORS = (2, 3, 4, 5, 6, 7, 8, 16)
_MOST_RATIOS = 4


@dataclass(eq=False, slots=True)
class Param:
    """A param of a block.

    Attributes:
        name: its name.
        option: the option that it was made for.
        values: in each call; `GAP` where it does not matter.
        default: what it is where nothing is written; `GAP` where something must be.
    """

    name: str
    option: str
    values: list[Any]
    default: Any = GAP
    rate: tuple[float, int] | None = None
    """Of a fraction that grows with each use: the value is `rate * number / count`."""


@dataclass(eq=False, slots=True)
class Columns:
    """The params of a block as they are found.

    Attributes:
        entering: channels of what enters the block, by call.
        leaving: of what it gives.
        has_widths: whether several params are numbers of channels, so that each is called after its item.
        params: so far.
    """

    entering: Column
    leaving: Column
    has_widths: bool = False
    params: list[Param] = field(default_factory=list)
    multiples: set[tuple[str, int]] = field(default_factory=set)
    """What is multiplied by what in an expression; a condition may compare with it."""

    def written(
        self,
        column: Column,
        option: str,
        label: str | None,
        channels: Column | None = None,
        *,
        is_depthwise: bool = False,
    ) -> Any:
        """How an option is written.

        Args:
            column: its values.
            option: its name.
            label: what the item is called.
            channels: that enter the item.
            is_depthwise: whether the item has a filter for each of them.
        """
        known = [value for value in column if value is not GAP]
        if all(repr(value) == repr(known[0]) for value in known) and not isinstance(known[0], float):
            return known[0]
        if all(repr(value) == repr(known[0]) for value in known) and len(known) == len(column):
            return known[0]
        expression = self._expression(column, option, channels, is_depthwise=is_depthwise)
        return f"${expression}" if expression is not None else f"${self._new(column, option, label).name}"

    def _expression(self, column: Column, option: str, channels: Column | None, *, is_depthwise: bool) -> str | None:
        is_size = option in SIZES and all(isinstance(value, int) for value in column if value is not GAP)
        if is_size and fits(column, self.entering):
            return "block_in"
        is_entering = is_size and channels is not None and fits(column, channels)
        if is_entering and (option == "groups" or is_depthwise):
            return "in_channels"
        for param in self.params:
            is_alike = param.option == option or (is_size and param.option in SIZES)
            if is_alike and fits(column, param.values):
                return self._filled(param, column)
        found = self._multiple(column) if is_size else None
        return "in_channels" if found is None and is_entering else found

    def _filled(self, param: Param, column: Column) -> str:
        """A param that now also has the values that a column has where it had gaps."""
        param.values = [new if old is GAP else old for old, new in zip(param.values, column, strict=True)]
        return param.name

    def _multiple(self, column: Column) -> str | None:
        """A multiple or a part of what is known, by a whole number; a ratio to what enters as a param of its own."""
        found = self._multiple_of("block_in", self.entering, column)
        for param in self.params:
            if found is None and param.option in WIDTHS:
                found = self._multiple_of(param.name, param.values, column, param)
        return found or self._by_ratio(column)

    def _multiple_of(self, name: str, values: Column, column: Column, param: Param | None = None) -> str | None:
        for factor in _FACTORS:
            if fits(column, [value * factor if isinstance(value, int) else value for value in values]):
                if param is not None:
                    self._filled(param, [value if value is GAP else value // factor for value in column])
                self.multiples.add((name, factor))
                return f"({factor} * {name})"
            if GAP not in values and fits(
                column, [value // factor if isinstance(value, int) else value for value in values]
            ):
                return f"({name} // {factor})"
        return None

    def _by_ratio(self, column: Column) -> str | None:
        """What enters the block, times a param of few values, or by one."""
        pairs = [(value, channels) for value, channels in zip(column, self.entering, strict=True) if value is not GAP]
        if not all(isinstance(channels, int) and value % channels == 0 for value, channels in pairs):
            return None
        ratios = [
            GAP if value is GAP else value // channels for value, channels in zip(column, self.entering, strict=True)
        ]
        few = len(set(map(repr, ratios)) - {"GAP"})
        if few > _MOST_RATIOS or 2 * few > len({value for value, _ in pairs}) or len(pairs) < 4:
            return None
        for param in self.params:
            if param.option == "expand" and fits(ratios, param.values):
                return f"({self._filled(param, ratios)} * block_in)"
        return f"({self._new(ratios, 'expand', None).name} * block_in)"

    def _new(self, column: Column, option: str, label: str | None) -> Param:
        name = base = self._base(column, option, label)
        number = 2
        if self._is_taken(name) and label is not None and option not in WIDTHS:
            name = base = f"{label}_{option}"
        while self._is_taken(name):
            name, number = f"{base}{number}" if not base[-1].isdigit() else f"{base}_{number}", number + 1
        param = Param(name, option, list(column))
        self.params.append(param)
        return param

    def _base(self, column: Column, option: str, label: str | None) -> str:
        if option not in WIDTHS:
            return option
        if not self.has_widths or fits(column, self.leaving):
            return "width"
        return label if label is not None and not _is_bad(label) else "hidden"

    def _is_taken(self, name: str) -> bool:
        return _is_bad(name) or any(param.name == name for param in self.params)

    def condition(self, holds: Column, label: str | None) -> str:
        """What an item's `when` says that some calls have and some have not.

        Args:
            holds: whether each has it; `GAP` where it does not matter.
            label: what the item is called.
        """
        known: dict[str, Column] = {"block_in": self.entering}
        known |= {param.name: param.values for param in self.params if GAP not in param.values}
        simple = list(_conditions(known, self.multiples))
        for text, column in simple:
            if _agrees(column, holds):
                return f"$({text})" if " " in text else f"${text}"
        for number, (text, column) in enumerate(simple):
            for other, further in simple[number + 1 :]:
                for word, joined in (
                    ("and", [one and two for one, two in zip(column, further, strict=True)]),
                    ("or", [one or two for one, two in zip(column, further, strict=True)]),
                ):
                    if _agrees(joined, holds):
                        return f"$({text} {word} {other})"
        for param in self.params:
            if param.option == "when" and fits(holds, param.values):
                return f"${self._filled(param, holds)}"
        name = base = label if label is not None and not _is_bad(label) else "extra"
        number = 2
        while self._is_taken(name):
            name, number = f"{base}{number}", number + 1
        self.params.append(Param(name, "when", list(holds)))
        return f"${name}"

    def settle(self) -> None:
        """Give params their defaults, and values where calls leave them open."""
        for param in self.params:
            said = [value for value in param.values if value is not GAP]
            counts = Counter([repr(value) for value in said if value is not None])
            text, count = counts.most_common(1)[0]
            common = next(value for value in said if repr(value) == text)
            is_open = GAP in param.values or None in said  # no default can be null
            is_width = param.option in WIDTHS
            param.rate = _rate(param.values)
            if param.rate is not None:
                rate, whole = param.rate
                param.values = [rate * number / whole for number in range(len(param.values))]
            elif is_open or (not is_width and (2 * count > sum(counts.values()) or len(counts) == 2)):
                param.default = common

    def arguments(self, call: int) -> dict[str, Any]:
        """What a use writes for a call."""
        found: dict[str, Any] = {}
        for param in self.params:
            value = param.values[call]
            if value is not GAP and (param.default is GAP or repr(value) != repr(param.default)):
                found[param.name] = value
        return found


def _rate(values: Sequence[Any]) -> tuple[float, int] | None:
    """The rate of fractions that grow evenly with each use, and the number at which it is reached; None for others."""
    known = [(number, value) for number, value in enumerate(values) if value is not GAP]
    if len(known) < 3 or not all(isinstance(value, float) for _, value in known):
        return None
    number, last = known[-1]
    for whole in (len(values), len(values) - 1):
        rate = round(last * whole / number, 9) if number else 0.0
        if rate and all(rate * number / whole == value for number, value in known):
            return rate, whole
    return None


def _conditions(known: dict[str, Column], multiples: AbstractSet[tuple[str, int]]) -> Iterable[tuple[str, list[bool]]]:
    numbers = {name: values for name, values in known.items() if all(type(value) is int for value in values)}
    for name, values in known.items():
        if all(isinstance(value, bool) for value in values):
            yield name, list(values)
            yield f"not {name}", [not value for value in values]
    for name, values in numbers.items():
        if name != "block_in":
            yield f"{name} > 1", [value > 1 for value in values]
            yield f"{name} == 1", [value == 1 for value in values]
    names = list(numbers)
    for number, name in enumerate(names):
        for other in names[number + 1 :]:
            pairs = list(zip(numbers[name], numbers[other], strict=True))
            yield f"{name} != {other}", [one != two for one, two in pairs]
            yield f"{name} == {other}", [one == two for one, two in pairs]
            for factor in sorted(factor for multiplied, factor in multiples if multiplied == other):
                yield f"{name} != {factor} * {other}", [one != factor * two for one, two in pairs]


def fits(column: Column, values: Column) -> bool:
    """Whether two columns agree where both say something, and do so more than once."""
    pairs = [(one, two) for one, two in zip(column, values, strict=True) if one is not GAP and two is not GAP]
    return len(pairs) > 0 and all(type(one) is type(two) and one == two for one, two in pairs)


def _agrees(column: Column, holds: Column) -> bool:
    return all(wanted is GAP or bool(found) is wanted for found, wanted in zip(column, holds, strict=True))


def _is_bad(name: str) -> bool:
    return name in BUILT_IN_NAMES or name in ITEM_KEYS or name_fault(name) is not None
