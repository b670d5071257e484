"""A list of layers that several calls have in common, as the items of a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archlab.imports.recover.columns import GAP, Columns, Param
from archlab.imports.recover.facts import Facts, layer_class
from archlab.imports.recover.forms import (
    BranchesForm,
    Form,
    LayerForm,
    RepeatForm,
    ResidualForm,
    UseForm,
)
from archlab.imports.recover.options import option_columns
from archlab.imports.recover.projection import is_only_where_same, is_projection
from archlab.imports.recover.slots import Slot, SlotList

Entry = dict[str, Any]
"""An item as it will be written; lists of layers in it are lists of entries."""


class UnwritableError(Exception):
    """The calls cannot be written as one list of layers."""


@dataclass(eq=False, slots=True)
class Block:
    """A block, or the layers of the network.

    Attributes:
        name: of the block.
        columns: its params.
        entries: its items.
        inputs: their names; none where the line above is the only one.
        outputs: their names; none where the last line's is the only one.
    """

    name: str
    columns: Columns
    entries: list[Entry] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)

    @property
    def required(self) -> frozenset[str]:
        """Params without a default."""
        return frozenset(param.name for param in self.columns.params if param.default is GAP)


class Writer:
    """Makes the items of one block."""

    def __init__(
        self,
        facts: Facts,
        blocks: Mapping[int, Block],
        inputs: Sequence[Sequence[int]],
        input_names: Sequence[str] | None,
        *,
        leaving: Sequence[int] = (),
        words: bool = True,
        has_widths: bool = False,
    ) -> None:
        """A writer for calls of one class.

        Args:
            facts: of the network.
            blocks: those that uses name, by number.
            inputs: values that enter, by call.
            input_names: their names where they have some; else they are made as they are needed.
            leaving: the first value that each call gives.
            words: whether shortcuts may be `project` and `if_same`.
            has_widths: whether several params are numbers of channels.
        """
        self._facts, self._blocks, self._inputs, self._words = facts, blocks, inputs, words
        self._leaving = leaving
        self.columns = Columns(
            [facts.channels(values[0]) for values in inputs], [facts.channels(value) for value in leaving], has_widths
        )
        count = len(inputs[0])
        self._input_names = list(input_names) if input_names is not None else _input_names(count)
        self._names_inputs = input_names is None and count > 1
        self._taken = {*self._input_names}
        self._conditions: list[tuple[Slot, SlotList, Entry]] = []
        self._entries: dict[int, Entry] = {}

    # -- lists ----------------------------------------------------------------------------------------------------

    def block(
        self, name: str, slots: SlotList, outputs: Sequence[Sequence[int]], *, are_labelled: bool = False
    ) -> Block:
        """All of it.

        Args:
            name: of the block.
            slots: its items.
            outputs: values that others read, by call.
            are_labelled: whether they are named although the last line's is the only one.

        Raises:
            UnwritableError: if the calls cannot be written as one.
        """
        for slot in slots.all_slots():
            if slot.name is not None and (slot.name in self._taken or slot.name == "input"):
                slot.name = None
            if slot.name is not None:
                self._taken.add(slot.name)
        entries = self._list(slots, [])
        names = [] if not are_labelled and self._is_last_line(slots, outputs) else self._outputs(slots, outputs)
        for slot, around, entry in self._conditions:
            holds = [
                GAP if source is None else form is not None
                for source, form in zip(around.sources, slot.forms, strict=True)
            ]
            entry["when"] = self.columns.condition(holds, self._condition_name(slot, entry, holds))
        self.columns.settle()
        inputs = self._input_names if self._names_inputs else []
        return Block(name, self.columns, entries, list(inputs), names)

    def _is_last_line(self, slots: SlotList, outputs: Sequence[Sequence[int]]) -> bool:
        last = [self._above(slots, call, len(slots.slots)) for call in range(len(outputs))]
        return all(len(values) == 1 and values[0] == above for values, above in zip(outputs, last, strict=True))

    def _outputs(self, slots: SlotList, outputs: Sequence[Sequence[int]]) -> list[str]:
        if len({len(values) for values in outputs}) != 1:
            raise UnwritableError
        return [
            self._reference(dict(enumerate([values[number] for values in outputs])), [(slots, len(slots.slots))])
            for number in range(len(outputs[0]))
        ]

    def _above(self, slots: SlotList, call: int, position: int) -> int | None:
        """What the line at a position reads in a call."""
        for slot in reversed(slots.slots[:position]):
            form = slot.forms[call]
            if form is not None:
                return form.value
        return slots.sources[call]

    def _list(self, slots: SlotList, around: list[tuple[SlotList, int]]) -> list[Entry]:
        entries: list[Entry] = []
        for position, slot in enumerate(slots.slots):
            entry: Entry = {"name": slot.name}
            self._entries[id(slot)] = entry
            visible = [*around, (slots, position)]
            self._item(slot, entry, slots, visible)
            if any(form is None and source is not None for form, source in zip(slot.forms, slots.sources, strict=True)):
                self._conditions.append((slot, slots, entry))
            entries.append(entry)
        return entries

    def _condition_name(self, slot: Slot, entry: Entry, holds: Sequence[Any]) -> str | None:
        """What the param is called that says whether an item is there."""
        if slot.name is not None:
            return slot.name
        is_pointwise = entry.get("kernel_size") == 1 and str(entry.get("type")).startswith("conv")
        if is_pointwise and isinstance(entry.get("out_channels"), str) and entry["out_channels"] != "$width":
            return "expand"
        if entry.get("type") == "squeeze_excitation":
            return "gate"
        smaller = [self._is_smaller(call) for call in range(len(holds))]
        if all(wanted is GAP or wanted is found for wanted, found in zip(holds, smaller, strict=True)):
            return "downsample"
        kind = str(entry.get("use", entry.get("type")))
        return kind if "." not in kind else None

    def _is_smaller(self, call: int) -> bool:
        """Whether a call gives a smaller map than what enters it."""
        if not self._leaving:
            return False
        before, after = (self._facts.shapes[value] for value in (self._inputs[call][0], self._leaving[call]))
        return len(before) == len(after) > 1 and after[-1] < before[-1]

    # -- items ----------------------------------------------------------------------------------------------------

    def _item(self, slot: Slot, entry: Entry, slots: SlotList, visible: list[tuple[SlotList, int]]) -> None:
        one, unit = slot.one, _units(slot.one)[0]
        if isinstance(one, RepeatForm) and one.is_dense:
            self._dense(slot, entry, visible)
            return
        if isinstance(unit, LayerForm):
            entry["share" if unit.share is not None else "type"] = unit.type
        elif isinstance(unit, UseForm):
            assert unit.block is not None
            entry["use"] = self._blocks[unit.block].name
        else:
            entry["type"] = "residual" if isinstance(unit, ResidualForm) else "branches"
        self._inputs_of(slot, entry, slots, visible)
        if isinstance(unit, LayerForm):
            self._layer(slot, entry, visible)
        elif isinstance(unit, UseForm):
            self._use(slot, entry, unit)
        elif isinstance(unit, ResidualForm):
            self._residual(slot, entry, visible)
        else:
            self._branches(slot, entry, visible)
        if any(isinstance(form, RepeatForm) for form in slot.forms):
            self._repeat(slot, entry, unit)

    def _repeat(self, slot: Slot, entry: Entry, unit: Form) -> None:
        counts = [GAP if form is None else len(_units(form)) for form in slot.forms]
        entry["repeat"] = self.columns.written(counts, "depth", None)
        if isinstance(unit, UseForm):
            entry |= self._ends(slot, unit)
        if any(inner.name is not None for part in slot.lists if part is not None for inner in part.all_slots()):
            self._named(slot)  # a level of its own, where a name may stand once in each repetition

    def _inputs_of(self, slot: Slot, entry: Entry, slots: SlotList, visible: list[tuple[SlotList, int]]) -> None:
        position = visible[-1][1]
        tokens = {call: self._tokens(slot, call, visible) for call in slot.present}
        if len({len(row) for row in tokens.values()}) != 1:
            raise UnwritableError
        count = len(next(iter(tokens.values())))
        references: list[str | None] = []
        for number in range(count):
            wanted = {call: row[number] for call, row in tokens.items()}
            if number == 0 and all(self._above(slots, call, position) == value for call, value in wanted.items()):
                references.append(None)
            else:
                references.append(self._reference(wanted, visible))
        if references and references[0] is not None:
            entry["from"] = references[0]
        if len(references) > 1:
            entry["with"] = references[1:]

    def _tokens(self, slot: Slot, call: int, visible: list[tuple[SlotList, int]]) -> list[Any]:
        """What a form reads: values, and slots all of whose repetitions it reads."""
        form = slot.forms[call]
        assert form is not None
        tokens: list[Any] = list(form.inputs)
        for slots, position in visible:
            for other in slots.slots[:position]:
                known = other.forms[call]
                if isinstance(known, RepeatForm) and known.is_dense:
                    run = list(reversed(known.values))
                    for start in range(len(tokens) - len(run) + 1):
                        if tokens[start : start + len(run)] == run:
                            tokens[start : start + len(run)] = [other]
                            break
        return tokens

    def _reference(self, wanted: Mapping[int, Any], visible: list[tuple[SlotList, int]]) -> str:
        """The name of what is meant in every call.

        Raises:
            UnwritableError: if it is not one thing.
        """
        first = next(iter(wanted.values()))
        if isinstance(first, Slot):
            if any(value is not first for value in wanted.values()):
                raise UnwritableError
            return f"{self._named(first)}.*"
        for slots, position in reversed(visible):
            for slot in reversed(slots.slots[:position]):
                index = _index_of(slot, wanted)
                if index is not None:
                    return self._named(slot) + self._suffix(slot, index)
        for number, name in enumerate(self._input_names):
            if all(self._inputs[call][number] == value for call, value in wanted.items()):
                if len(self._input_names) == 1 and name == "x":
                    self._names_inputs = True
                return name
        raise UnwritableError

    def _suffix(self, slot: Slot, index: int) -> str:
        """Behind a use's name: which of its outputs is meant."""
        unit = slot.one
        unit = unit.forms[0] if isinstance(unit, RepeatForm) else unit
        if index == 0:
            return ""
        if not isinstance(unit, UseForm) or unit.block is None:
            raise UnwritableError
        return f".{self._blocks[unit.block].outputs[index]}"

    def _named(self, slot: Slot) -> str:
        """The name of an item, which gets one if it has none."""
        if slot.name is None:
            base = _plain_base(slot)
            name, number = f"{base}1" if not base[-1].isdigit() else f"{base}_1", 2
            while name in self._taken:
                name, number = f"{base}{number}" if not base[-1].isdigit() else f"{base}_{number}", number + 1
            slot.name = name
            self._taken.add(name)
            if id(slot) in self._entries:
                self._entries[id(slot)]["name"] = name
        return slot.name

    # -- kinds of items -------------------------------------------------------------------------------------------

    def _layer(self, slot: Slot, entry: Entry, visible: list[tuple[SlotList, int]]) -> None:
        if "share" in entry:
            entry["share"] = self._reference({call: _share(slot, call) for call in slot.present}, visible)
            return
        rows: list[LayerForm | None] = [None if form is None else _layer_of(form) for form in slot.forms]
        channels = [GAP if form is None else self._facts.channels(form.inputs[0]) for form in slot.forms]
        columns = option_columns(rows)
        is_depthwise = columns.get("groups") == channels
        for name, column in columns.items():
            entry[name] = self.columns.written(column, name, slot.hint, channels, is_depthwise=is_depthwise)

    def _use(self, slot: Slot, entry: Entry, unit: UseForm) -> None:
        assert unit.block is not None
        block = self._blocks[unit.block]
        for param in sorted(block.columns.params, key=lambda param: param.default is not GAP):
            column = [self._argument(form, param.name, param.default) for form in slot.forms]
            known = [value for value in column if value is not GAP]
            if not known or all(repr(value) == repr(param.default) for value in known):
                continue
            entry[param.name] = self._by_index(column, param, slot)

    def _by_index(self, column: Sequence[Any], param: Param, slot: Slot) -> Any:
        """An argument, which may go with the number of the repetition, or have a value for each."""
        if not any(isinstance(value, _Listed) for value in column):
            return self.columns.written(column, param.option, slot.hint)
        if param.rate is not None and len(column) == 1:
            rate, whole = param.rate
            first = _units(slot.one)[0]
            assert isinstance(first, UseForm)
            return f"$({rate} * {f'({first.number} + index)' if first.number else 'index'} / {whole})"
        lists = [value if value is GAP else list(value) if isinstance(value, _Listed) else [value] for value in column]
        written = self.columns.written(lists, param.option, slot.hint)
        return f"$({written.removeprefix('$') if isinstance(written, str) else written}[index])"

    def _argument(self, form: Form | None, name: str, default: Any) -> Any:
        """What most of the repetitions have."""
        if form is None:
            return GAP
        units = _units(form)
        middle = units[1] if len(units) > 1 else units[0]
        assert isinstance(middle, UseForm)
        values = [unit.arguments.get(name, default) for unit in units if isinstance(unit, UseForm)]
        is_rate = isinstance(values[0], float) and len({repr(value) for value in values}) > 1
        if len(units) == 1 or (len({repr(value) for value in values[1:]}) == 1 and not is_rate):
            return middle.arguments.get(name, default)
        return _Listed(values)

    def _ends(self, slot: Slot, unit: UseForm) -> Entry:
        assert unit.block is not None
        first: Entry = {}
        for param in self._blocks[unit.block].columns.params:
            pairs: list[Any] = []
            for form in slot.forms:
                units = [] if form is None else [one for one in _units(form) if isinstance(one, UseForm)]
                pairs.append([one.arguments.get(param.name, param.default) for one in units[:2]])
            middles = [self._argument(form, param.name, param.default) for form in slot.forms]
            if any(isinstance(value, _Listed) for value in middles):
                continue
            if any(len(pair) == 2 and repr(pair[0]) != repr(pair[1]) for pair in pairs):
                column = [pair[0] if pair else GAP for pair in pairs]
                first[param.name] = self.columns.written(column, param.option, slot.name)
        return {"first": first} if first else {}

    def _residual(self, slot: Slot, entry: Entry, visible: list[tuple[SlotList, int]]) -> None:
        forms = [form for form in slot.forms if form is not None]
        residuals = [unit for form in forms for unit in _units(form) if isinstance(unit, ResidualForm)]
        body, skip = slot.lists
        assert body is not None
        assert skip is not None
        names = dict.fromkeys([name for one in residuals for name in one.options])
        shortcut = self._shortcut(residuals)
        if shortcut == "list" and residuals[0].is_shortcut_first:
            entry["shortcut"] = self._list(skip, visible)
        elif shortcut not in ("list", "identity"):
            entry["shortcut"] = shortcut
        entry["body"] = self._list(body, visible)
        if shortcut == "list" and not residuals[0].is_shortcut_first:
            entry["shortcut"] = self._list(skip, visible)
        for name in names:
            row = [None if form is None else _units(form)[0] for form in slot.forms]
            column = [one.options.get(name) if isinstance(one, ResidualForm) else GAP for one in row]
            entry[name] = self.columns.written(column, name, slot.name)

    def _shortcut(self, residuals: Sequence[ResidualForm]) -> str:
        """A word, or that its layers are listed.

        Raises:
            UnwritableError: if the calls have no shortcut in common.
        """
        if any(one.shortcut is None for one in residuals):
            if self._words and is_only_where_same(residuals, self._facts):
                return "if_same"
            raise UnwritableError
        listed = [one for one in residuals if one.shortcut is not None and one.shortcut.forms]
        if not listed:
            return "identity"
        if self._words and is_projection(residuals, self._facts):
            return "project"
        if len({one.is_shortcut_first for one in listed}) > 1:
            raise UnwritableError
        for one in residuals:
            one.is_shortcut_first = listed[0].is_shortcut_first
        return "list"

    def _branches(self, slot: Slot, entry: Entry, visible: list[tuple[SlotList, int]]) -> None:
        one = _units(slot.one)[0]
        assert isinstance(one, BranchesForm)
        if one.merge != "concat":
            entry["merge"] = one.merge
        if one.split is not None:
            entry["split"] = self._split(slot)
        entry["paths"] = [self._list(part, visible) for part in slot.lists if part is not None]

    def _split(self, slot: Slot) -> Any:
        splits = [
            unit.split
            for form in slot.forms
            if form is not None
            for unit in _units(form)
            if isinstance(unit, BranchesForm)
        ]
        if all(split is not None and len(set(split)) == 1 for split in splits):
            return True
        if len(set(splits)) > 1 or splits[0] is None:
            raise UnwritableError
        return list(splits[0])

    def _dense(self, slot: Slot, entry: Entry, visible: list[tuple[SlotList, int]]) -> None:
        """Repetitions of which each reads all before it: a join of them in front of each."""
        if slot.name is None:
            slot.name = "layers" if "layers" not in self._taken else None
            self._taken.add("layers")
        name = self._named(slot)
        entry["name"] = name
        source = self._reference({call: _source(slot, call) for call in slot.present}, visible)
        counts = [GAP if form is None else len(_units(form)) for form in slot.forms]
        unit = _units(slot.one)[0]
        assert isinstance(unit, UseForm)
        assert unit.block is not None
        use: Entry = {"name": None, "use": self._blocks[unit.block].name}
        self._use(slot, use, unit)
        entry["type"] = "branches"
        entry["repeat"] = self.columns.written(counts, "depth", None)
        entry["paths"] = [[{"type": "concat", "from": source, "with": [f"{name}.*"]}, use]]


class _Listed(list[Any]):
    """A value for each repetition."""


def _source(slot: Slot, call: int) -> int:
    form = slot.forms[call]
    assert form is not None
    return form.inputs[0]


def _share(slot: Slot, call: int) -> int:
    form = slot.forms[call]
    assert isinstance(form, LayerForm)
    assert form.share is not None
    return form.share


def _units(form: Form) -> Sequence[Form]:
    return form.forms if isinstance(form, RepeatForm) else (form,)


def _layer_of(form: Form) -> LayerForm:
    unit = _units(form)[0]
    assert isinstance(unit, LayerForm)
    return unit


def _index_of(slot: Slot, wanted: Mapping[int, int]) -> int | None:
    """Which of a slot's values is meant in every call."""
    found: set[int] = set()
    for call, value in wanted.items():
        form = slot.forms[call]
        if form is None or value not in form.values:
            return None
        if isinstance(form, RepeatForm) and form.is_dense and value != form.value:
            return None
        found.add(form.values.index(value))
    return found.pop() if len(found) == 1 else None


def _input_names(count: int) -> list[str]:
    return {1: ["x"], 2: ["x", "skip"]}.get(count) or [f"x{number}" for number in range(count)]


def _plain_base(slot: Slot) -> str:
    unit = _units(slot.one)[0]
    if isinstance(unit, LayerForm):
        cls = layer_class(unit.type)
        return cls.alias if cls is not None else "layer"
    return "y"
