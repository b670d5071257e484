"""Several calls of one class laid over one another: their lists of layers, item by item.

Items that stand for one another share a slot; one that some calls do not have leaves a gap there. The lists are aligned
by Needleman and Wunsch's method, a variant at a time, so that the work is that of a few short tables.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from archlab.imports.recover.forms import (
    BranchesForm,
    Chain,
    Form,
    LayerForm,
    RepeatForm,
    ResidualForm,
    UseForm,
)

_LONGEST = 200
"""Items of a list that is still aligned with another one."""


@dataclass(eq=False, slots=True)
class Slot:
    """An item of a block's list, in every call.

    Attributes:
        forms: what stands there, by call; None where nothing does.
        lists: body and shortcut of a residual, the paths of branches.
        name: in the config.
        hint: what params that it needs may be called after.
    """

    forms: list[Form | None]
    lists: list[SlotList | None] = field(default_factory=list)
    name: str | None = None
    hint: str | None = None

    @property
    def one(self) -> Form:
        """One of the forms."""
        return next(form for form in self.forms if form is not None)

    @property
    def present(self) -> list[int]:
        """The calls that have it."""
        return [number for number, form in enumerate(self.forms) if form is not None]

    @property
    def is_optional(self) -> bool:
        """Whether some calls do not have it."""
        return None in self.forms


@dataclass(eq=False, slots=True)
class SlotList:
    """A list of layers, in every call.

    Attributes:
        sources: what its first line reads, by call; None where the call has no such list.
        slots: its items.
    """

    sources: list[int | None]
    slots: list[Slot]

    def all_slots(self) -> list[Slot]:
        """Those of lists inside, too."""
        found: list[Slot] = []
        for slot in self.slots:
            found.append(slot)
            for part in slot.lists:
                if part is not None:
                    found += part.all_slots()
        return found


def laid_over(chains: Sequence[Chain | None]) -> SlotList | None:
    """Lists of several calls as one; None where they have too little in common."""
    variants: dict[Hashable, list[int]] = {}
    for number, chain in enumerate(chains):
        if chain is not None:
            variants.setdefault(chain.key, []).append(number)
    members = {number: chain for number, chain in enumerate(chains) if chain is not None}
    order = sorted(variants.values(), key=lambda numbers: -len(members[numbers[0]].forms))
    slots: list[Slot] = []
    for numbers in order:
        forms = members[numbers[0]].forms
        pairs = _aligned(slots, forms)
        if pairs is None:
            return None
        merged: list[Slot] = []
        for old, new in pairs:
            slot = slots[old] if old is not None else Slot([None] * len(chains))
            if new is not None:
                for number in numbers:
                    slot.forms[number] = members[number].forms[new]
            merged.append(slot)
        slots = merged
    for slot in slots:
        if not _lay_parts(slot):
            return None
    return SlotList([None if chain is None else chain.source for chain in chains], slots)


def _lay_parts(slot: Slot) -> bool:
    """Lay the lists inside of a slot's forms over one another."""
    one = slot.one
    if isinstance(one, ResidualForm):
        bodies = [form.body if isinstance(form, ResidualForm) else None for form in slot.forms]
        skips = [form.shortcut if isinstance(form, ResidualForm) else None for form in slot.forms]
        slot.lists = [laid_over(bodies), laid_over(skips)]
    elif isinstance(one, BranchesForm):
        count = len(one.paths)
        rows = [form.paths if isinstance(form, BranchesForm) else [None] * count for form in slot.forms]
        slot.lists = [laid_over([row[number] for row in rows]) for number in range(count)]
    elif isinstance(one, RepeatForm) and isinstance(one.forms[0], ResidualForm | BranchesForm):
        inner = Slot([form.forms[0] if isinstance(form, RepeatForm) else form for form in slot.forms])
        if not _lay_parts(inner):
            return False
        slot.lists = inner.lists
    return all(part is not None for part in slot.lists)


def _aligned(slots: Sequence[Slot], forms: Sequence[Form]) -> list[tuple[int | None, int | None]] | None:
    """Which slot each form goes into; new slots for the others, in order."""
    if not slots:
        return [(None, number) for number in range(len(forms))]
    rows, columns = len(slots), len(forms)
    if max(rows, columns) > _LONGEST:
        return None
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    scores = [[alike(slot.one, form) for form in forms] for slot in slots]
    for row in range(rows - 1, -1, -1):
        for column in range(columns - 1, -1, -1):
            match = scores[row][column]
            taken = -1.0 if match is None else match + best[row + 1][column + 1]
            best[row][column] = max(taken, best[row + 1][column], best[row][column + 1])
    pairs: list[tuple[int | None, int | None]] = []
    row = column = 0
    while row < rows or column < columns:
        match = scores[row][column] if row < rows and column < columns else None
        if match is not None and best[row][column] == match + best[row + 1][column + 1]:
            pairs.append((row, column))
            row, column = row + 1, column + 1
        elif column >= columns or (row < rows and best[row][column] == best[row + 1][column]):
            pairs.append((row, None))
            row += 1
        else:
            pairs.append((None, column))
            column += 1
    return pairs


def alike(form: Form, other: Form) -> float | None:
    """How well two items stand for one another; None where they cannot."""
    if isinstance(form, RepeatForm) or isinstance(other, RepeatForm):
        return _alike_repeats(form, other)
    if type(form) is not type(other):
        return None
    if isinstance(form, LayerForm) and isinstance(other, LayerForm):
        return _alike_layers(form, other)
    if isinstance(form, UseForm) and isinstance(other, UseForm):
        return 4.0 if form.block == other.block and len(form.inputs) == len(other.inputs) else None
    if isinstance(form, ResidualForm) and isinstance(other, ResidualForm):
        return 4.0 + _common(form.body, other.body)
    assert isinstance(form, BranchesForm)
    assert isinstance(other, BranchesForm)
    if form.merge != other.merge or len(form.paths) != len(other.paths) or bool(form.split) != bool(other.split):
        return None
    return 4.0 + sum(map(_common, form.paths, other.paths))


def _alike_repeats(form: Form, other: Form) -> float | None:
    """A layer or use stands for one repetition of itself, a combinator does not."""
    one, two = _unit(form), _unit(other)
    if isinstance(one, ResidualForm | BranchesForm) and type(form) is not type(other):
        return None
    is_dense = [isinstance(each, RepeatForm) and each.is_dense for each in (form, other)]
    return alike(one, two) if is_dense[0] == is_dense[1] else None


def _unit(form: Form) -> Form:
    return form.forms[0] if isinstance(form, RepeatForm) else form


def _common(chain: Chain, other: Chain) -> float:
    keys = {form.key for form in chain.forms}
    return 1.0 * sum(form.key in keys for form in other.forms)


def _alike_layers(form: LayerForm, other: LayerForm) -> float | None:
    if form.type != other.type or form.share is not None or other.share is not None:
        return None
    if len(form.inputs) != len(other.inputs) and form.type != "concat":  # of all repetitions, however many
        return None
    same = sum(repr(form.options.get(name)) == repr(other.options.get(name)) for name in _TELLING)
    depthwise = _is_depthwise(form) == _is_depthwise(other)
    return 1.0 + 0.25 * same + 0.5 * depthwise


_TELLING = ("kernel_size", "norm", "activation", "bias", "stride")


def _is_depthwise(form: LayerForm) -> bool:
    groups = form.options.get("groups", 1)
    return isinstance(groups, int) and groups > 1 and groups == form.options.get("out_channels")
