"""What `from` and `with` can name: earlier items of the same list or of a list around it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

from archlab.config.expand.draft import Draft
from archlab.config.expand.made import Made, Shift
from archlab.config.syntax.expressions import UnknownValueError
from archlab.config.syntax.yaml_nodes import Scalar
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import BadItemError
from archlab.diagnostics.suggest import MAX_SUGGESTIONS, did_you_mean
from archlab.diagnostics.words import listed

Value = Draft | None
"""The node whose output an item gives; None where a problem leaves it unknown."""

Values = tuple[Value, ...]
"""What enters an item or comes out of it, the line above or below first."""


WHEN_FALSE = "since its 'when' is false"


class LeftOutError(BadItemError):
    """A name is that of an item that is not there."""

    def __init__(self, item: str, why: str, reference: Scalar) -> None:
        self.reason = f"'{item}' is left out here, {why}"
        self.is_conditional = why == WHEN_FALSE
        if not self.is_conditional:
            super().__init__(self.reason, Code.UNKNOWN_NAME, reference.place)
            return
        super().__init__(
            f"{self.reason}; give this line the same 'when', or another input", Code.UNKNOWN_NAME, reference.place
        )


@dataclass(slots=True, eq=False)
class NameTable:
    """The named values of one list, with those of the lists around it in the same block."""

    parent: NameTable | None = None
    values: dict[str, Value] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    """Names of items that are not there, and why."""
    repeated: set[str] = field(default_factory=set)
    """Names of items of this list that have `repeat`."""
    made: dict[str, Made] = field(default_factory=dict)
    """What items have made, for those that share their weights; by the same names."""

    def define(self, name: str, value: Value, place: Place) -> None:
        """Give a value its name.

        Raises:
            BadItemError: if the name is taken.
        """
        if name in self.places:
            line = self.places[name].line + 1
            raise BadItemError(f"the name '{name}' is already used on line {line}", Code.DUPLICATE_NAME, place)
        self.places[name] = place
        self.values[name] = value

    def export(self, name: str, inner: Mapping[str, Value], inner_made: Mapping[str, Made] | None = None) -> None:
        """Make the names inside a named item visible as `name.inner`."""
        for key, value in inner.items():
            self.values[f"{name}.{key}"] = value
        for key, made in (inner_made or {}).items():
            self.made[f"{name}.{key}"] = made

    def made_by(self, name: str) -> Made | None:
        """What an earlier item has made; None where the name is that of no item."""
        table = self._holder(name)
        return None if table is None else table.made.get(name)

    def peek(self, name: str) -> Value:
        """The value of a name, if it has one."""
        table = self._holder(name)
        return None if table is None else table.values[name]

    def repeat(self, name: str, label: str, shift: Shift) -> int:
        """Make the names inside an item visible inside another that has the same layers; returns the work in steps."""
        table = self._holder(name)
        if table is None:
            return 0
        inside, seen = name + ".", len(table.values) // 10
        values = {key: value for key, value in table.values.items() if key.startswith(inside)}
        made = {key: value for key, value in table.made.items() if key.startswith(inside)}
        for key, value in values.items():
            self.values[f"{label}.{key.removeprefix(inside)}"] = shift.value(value)
        for key, known in made.items():
            self.made[f"{label}.{key.removeprefix(inside)}"] = known.moved(shift)
        return seen

    def _holder(self, name: str) -> NameTable | None:
        """The table that knows a name."""
        table: NameTable | None = self
        while table is not None and name not in table.values:
            table = table.parent
        return table

    def is_unknown(self, name: str) -> bool:
        """Whether the item that a dotted name begins with was left unknown by a problem."""
        head = name.partition(".")[0]
        return head != name and head in self.values and self.values[head] is None

    def left_out(self, name: str) -> tuple[str, str] | None:
        """The item of this list that a name begins with, if it is not there, and why."""
        return next(
            ((item, self.skipped[item]) for item in (name, name.partition(".")[0]) if item in self.skipped), None
        )

    def find_all(self, reference: Scalar, all_names: AbstractSet[str]) -> Values:
        """The values of all repetitions of an earlier item, in order: `NAME.*`, or `NAME.*.OUTPUT`.

        Args:
            reference: the names as written.
            all_names: every name in the config, for the hint.

        Raises:
            BadItemError: if there are none.
            UnknownValueError: if an earlier problem leaves it unknown how many there are.
        """
        head, star, tail = reference.text.partition(".*")
        if not star or not head or "*" in head + tail or (tail and not tail.startswith(".")):
            message = f"'{reference.text[:80]}' names nothing; all repetitions of an item y are y.*"
            raise BadItemError(message, Code.UNKNOWN_NAME, reference.place)
        table: NameTable | None = self
        while table is not None and not ({head, f"{head}.0"} & table.values.keys() or head in table.repeated):
            table = table.parent
        if table is None:
            self.find(replace(reference, text=head, value=head), all_names)  # says that there is none
            raise UnknownValueError
        if head in table.values and table.values[head] is None:
            raise UnknownValueError
        found: list[Value] = []
        while (name := f"{head}.{len(found)}") in table.values:
            found.append(table.find(replace(reference, text=name + tail, value=name + tail), all_names))
        if not found and head not in table.repeated:
            message = f"'{head}' has no repetitions; '{head}.*' are those of an item with 'repeat'"
            raise BadItemError(message, Code.UNKNOWN_NAME, reference.place)
        return tuple(found)

    def find(self, reference: Scalar, all_names: AbstractSet[str]) -> Value:
        """The value of an earlier name.

        Args:
            reference: the name as written.
            all_names: every name in the config, for the hint.

        Raises:
            BadItemError: if there is no such name yet.
        """
        name = reference.text
        table: NameTable | None = self
        known: dict[str, None] = {}  # enough for a hint
        left_out: tuple[str, str] | None = None
        while table is not None:
            if name in table.values:
                return table.values[name]
            if table.is_unknown(name):
                return None
            left_out = left_out or table.left_out(name)
            known.update(dict.fromkeys(islice(table.values, MAX_SUGGESTIONS)))
            table = table.parent
        if left_out is not None:
            raise LeftOutError(*left_out, reference)
        if name in all_names:
            hint = "; an item can use earlier items of its own list and of the lists around it in the same block"
            hint += ", and the block's inputs"
            raise BadItemError(f"'{name}' is not an earlier item here{hint}", Code.UNKNOWN_NAME, reference.place)
        message = f"there is no earlier item named '{name}'"
        raise BadItemError(message, Code.UNKNOWN_NAME, reference.place, hint=partial(_named_like, name, known))


def _named_like(name: str, known: Collection[str]) -> str:
    """A hint at the item that was meant."""
    return did_you_mean(name, known) or (f"; named so far: {listed(known)}" if known else "; none is named yet")
