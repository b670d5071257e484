"""A flat network as blocks and a list of layers: class by class, the innermost first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archlab.imports.flat import Flat
from archlab.imports.recover.attach import attached
from archlab.imports.recover.block import Block, Entry, UnwritableError, Writer
from archlab.imports.recover.columns import WIDTHS
from archlab.imports.recover.facts import Facts, plain_options
from archlab.imports.recover.forms import BranchesForm, Chain, Form, LayerForm, RepeatForm, ResidualForm, UseForm
from archlab.imports.recover.joins import joined
from archlab.imports.recover.labels import Labels, snake_case
from archlab.imports.recover.regions import Region, tree_of
from archlab.imports.recover.repeats import repeated
from archlab.imports.recover.slots import Slot, SlotList, laid_over

CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict", ""})
_ROUNDS = 5
_MANY = 3
"""Repetitions that a repeated use counts as."""
_MOST_VARIANTS = 24
_MOST_PARAMS = 14
_GAPS = 0.4
"""The share of a block's items that some calls may lack."""


@dataclass(slots=True)
class Restraint:
    """What is not to be done, since it has led to another network.

    Attributes:
        inline: classes of which no block is made.
        literal: classes whose shortcuts are written out.
        plain: classes whose lists have no residuals, branches and repeats.
    """

    inline: set[str] = field(default_factory=set)
    literal: set[str] = field(default_factory=set)
    plain: set[str] = field(default_factory=set)


class Part(NamedTuple):
    """A block and the class that it was made of."""

    kind: str
    block: Block


@dataclass(slots=True)
class Written:
    """A network as blocks.

    Attributes:
        blocks: in the order of their use, the innermost first.
        layers: the network's.
        forms: what these were made of.
    """

    blocks: list[Part]
    layers: Block
    forms: list[Form]


def write_network(flat: Flat, restraint: Restraint) -> Written:
    """A flat network as blocks and layers.

    Raises:
        UnwritableError: if even its list of layers cannot be written.
    """
    inline: set[tuple[str, int]] = set()
    for _ in range(_ROUNDS):
        attempt = _Attempt(flat, restraint, inline)
        written = attempt.run()
        needless = attempt.needless(written)
        if not needless:
            break
        inline |= needless
    return written


class _Attempt:
    """One pass over all classes."""

    def __init__(self, flat: Flat, restraint: Restraint, inline: set[tuple[str, int]]) -> None:
        self.flat, self.restraint, self.inline = flat, restraint, inline
        self.facts = Facts(flat)
        self.root = tree_of(flat)
        self.labels = Labels(self.facts, self.root)
        self.blocks: dict[int, Block] = {}
        self.keys: dict[int, tuple[str, int]] = {}
        self.uses: dict[Region, tuple[int, dict[str, Any], int]] = {}
        """Calls that are uses of a block: its number, the arguments, and which use it is."""
        self.hoisted: set[Region] = set()
        """Calls whose first item, a join of all that enters, is written in front of the use."""
        self.interfaces: dict[Region, tuple[tuple[int, ...], tuple[int, ...]]] = {}

    def run(self) -> Written:
        """All of it."""
        for kind, regions in self._classes():
            self._class(kind, regions)
        chain = self._chain(self.root, plain="" in self.restraint.plain)
        slots = self._slots([chain], [self.root])
        assert slots is not None
        inputs = tuple(range(self.facts.first))
        writer = Writer(self.facts, self.blocks, [inputs], self._input_names(), words="" not in self.restraint.literal)
        outputs = tuple([value for _, value in self.flat.outputs])
        layers = writer.block("", slots, [outputs], are_labelled=self.flat.output_form != "single")
        used = _used_blocks(layers.entries, self.blocks)
        ordered = [number for number in self.blocks if self.blocks[number].name in used]
        return Written([Part(self.keys[number][0], self.blocks[number]) for number in ordered], layers, chain.forms)

    def _input_names(self) -> list[str]:
        return list(self.flat.inputs)

    def needless(self, written: Written) -> set[tuple[str, int]]:
        """Blocks that are better written where they are used."""
        sites: Counter[str] = Counter()
        turns: Counter[str] = Counter()
        for entries in (written.layers.entries, *[part.block.entries for part in written.blocks]):
            for entry in _all_entries(entries):
                if "use" in entry:
                    repeat = 1 if "_turns" not in entry and "repeat" not in entry else _MANY
                    sites[str(entry["use"])] += 1
                    turns[str(entry["use"])] += repeat
        found = set()
        for number, block in self.blocks.items():
            if block.name in sites:
                lines = _line_count(block.entries)
                with_block = lines + 2 + bool(block.columns.params) + bool(block.inputs) + sites[block.name]
                if with_block >= turns[block.name] * lines:
                    found.add(self.keys[number])
        return found

    # -- classes --------------------------------------------------------------------------------------------------

    def _classes(self) -> Iterator[tuple[str, list[Region]]]:
        """Classes that may become blocks, with their calls; the innermost first."""
        regions: dict[str, list[Region]] = {}
        height: dict[Region, int] = {}
        heights: dict[str, int] = {}
        recursive: set[str] = set()
        for region in self.root.inside:
            inner = [child for child in region.children if isinstance(child, Region)]
            height[region] = 1 + max((height[child] for child in inner), default=0)
            kind = region.scope.kind
            regions.setdefault(kind, []).append(region)
            heights[kind] = max(heights.get(kind, 0), height[region])
        for kind in sorted(regions, key=lambda kind: heights[kind]):
            if kind in CONTAINERS or kind in self.restraint.inline or kind in recursive:
                continue
            if len(regions[kind]) > 1 and not any(self._is_tainted(region) for region in regions[kind]):
                yield kind, sorted(regions[kind], key=lambda region: region.items.start)

    def _is_tainted(self, region: Region) -> bool:
        """Whether layers in it share weights with others outside."""
        items = region.items
        for number in items:
            share = self.flat.items[number].share
            if share is not None and share - self.facts.first not in items:
                return True
            value = self.facts.value(number)
            if value in self.facts.owners and any(
                other.share == value and position not in items for position, other in enumerate(self.flat.items)
            ):
                return True
        return False

    def _class(self, kind: str, regions: Sequence[Region]) -> None:
        """Make blocks of the calls of a class."""
        counts = {len(self._interface(region)[0]) for region in regions}
        if len(counts) > 1:
            self.hoisted |= {region for region in regions if self._may_hoist(region)}
        chains = {region: self._chain(region, plain=kind in self.restraint.plain) for region in regions}
        if all(len(chain.forms) == 1 and _is_small(chain.forms[0]) for chain in chains.values()):
            return
        for order, members in enumerate(self._clusters(kind, regions, chains)):
            if len(members) > 1 and (kind, order) not in self.inline:
                self._make(kind, order, members, chains)

    def _clusters(self, kind: str, regions: Sequence[Region], chains: dict[Region, Chain]) -> list[list[Region]]:
        """Calls that have enough in common for one block."""
        variants: dict[Hashable, list[Region]] = {}
        for region in regions:
            key = len(self._entering(region)), len(self._interface(region)[1]), chains[region].key
            variants.setdefault(key, []).append(region)
        clusters: list[list[Region]] = []
        kinds: list[tuple[int, int]] = []
        for members in sorted(variants.values(), key=lambda members: -len(members))[:_MOST_VARIANTS]:
            interface = len(self._entering(members[0])), len(self._interface(members[0])[1])
            for number, cluster in enumerate(clusters):
                if kinds[number] == interface and self._block(kind, [*cluster, *members], chains) is not None:
                    clusters[number] = [*cluster, *members]
                    break
            else:
                clusters.append(list(members))
                kinds.append(interface)
        return [sorted(cluster, key=lambda region: region.items.start) for cluster in clusters]

    def _block(self, kind: str, members: Sequence[Region], chains: dict[Region, Chain], name: str = "") -> Block | None:
        """Calls as one block; None where they have too little in common."""
        slots = self._slots(_wrapped([chains[region] for region in members]), members)
        if slots is None:
            return None
        found = slots.all_slots()
        gaps = sum(slot.is_optional for slot in slots.slots)
        if gaps > max(1, _GAPS * len(slots.slots)):
            return None
        try:
            block = self._written(kind, name, members, slots, has_widths=False)
            if sum(param.option in WIDTHS for param in block.columns.params) > 1:
                block = self._written(kind, name, members, slots, has_widths=True)
        except UnwritableError:
            return None
        return block if len(block.columns.params) <= min(_MOST_PARAMS, 2 + 2 * len(found)) else None

    def _written(self, kind: str, name: str, members: Sequence[Region], slots: SlotList, *, has_widths: bool) -> Block:
        outputs = [self._interface(region)[1] for region in members]
        writer = Writer(
            self.facts,
            self.blocks,
            [self._entering(region) for region in members],
            None,
            leaving=[values[0] for values in outputs],
            words=kind not in self.restraint.literal,
            has_widths=has_widths,
        )
        return writer.block(name, slots, outputs)

    def _make(self, kind: str, order: int, members: Sequence[Region], chains: dict[Region, Chain]) -> None:
        taken = {block.name for block in self.blocks.values()}
        base = name = snake_case(kind)
        number = 2
        while name in taken:
            name, number = f"{base}_{number}" if base[-1].isdigit() else f"{base}{number}", number + 1
        block = self._block(kind, members, chains, name)
        if block is None:
            return
        position = len(self.blocks)
        self.blocks[position], self.keys[position] = block, (kind, order)
        for call, region in enumerate(members):
            self.uses[region] = position, block.columns.arguments(call), call

    def _slots(self, chains: Sequence[Chain], members: Sequence[Region]) -> SlotList | None:
        slots = laid_over(chains)
        if slots is not None:
            for slot in slots.all_slots():
                slot.name = self._name(slot, members)
                slot.hint = slot.name or self.labels.hint(slot.one, members[slot.present[0]])
            for slot in slots.all_slots():
                if isinstance(slot.one, RepeatForm):  # the names of its first repetition say nothing of the others
                    for part in slot.lists:
                        for inner in part.all_slots() if part is not None else ():
                            inner.name = None
        return slots

    def _name(self, slot: Slot, members: Sequence[Region]) -> str | None:
        names = {self.labels.label(form, members[call]) for call, form in enumerate(slot.forms) if form is not None}
        return names.pop() if len(names) == 1 else None

    # -- calls ----------------------------------------------------------------------------------------------------

    def _interface(self, region: Region) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Values that enter a call, in the order in which they are read, and those that others read of it."""
        if region not in self.interfaces:
            items, first = region.items, self.facts.first
            read = dict.fromkeys(
                [value for number in items for value in self.flat.items[number].inputs if value - first not in items]
            )
            read = {value: None for value in read if value < first + items.start}
            given = [number + first for number in items if not self.facts.read_only_in(number + first, items)]
            last = items.stop - 1 + first
            if last in given and len(given) == 1:
                given = [last]
            self.interfaces[region] = tuple(read), tuple(given)
        return self.interfaces[region]

    def _may_hoist(self, region: Region) -> bool:
        item = self.flat.items[region.items.start]
        inputs = self._interface(region)[0]
        if item.type != "concat" or item.options or set(item.inputs) != set(inputs):
            return False
        rest = region.items[1:]
        return bool(rest) and not any(set(self.flat.items[number].inputs) & set(inputs) for number in rest)

    def _entering(self, region: Region) -> tuple[int, ...]:
        """What enters the block."""
        if region in self.hoisted:
            return (self.facts.value(region.items.start),)
        return self._interface(region)[0]

    def _chain(self, region: Region, *, plain: bool) -> Chain:
        """A call's list of layers."""
        forms = list(self._raw(region))
        if region in self.hoisted:
            forms = forms[1:]
        forms = attached(forms, self.facts)
        if not plain:
            forms = joined(forms, self.facts)
            forms = attached(forms, self.facts, joins=True)
            required = {number: block.required for number, block in self.blocks.items()}
            forms = _repeated_inside(forms, self.facts, required)
        source = self._entering(region)[0] if region is not self.root else 0
        return Chain(source, forms)

    def _raw(self, region: Region) -> Iterator[Form]:
        """Layers and uses of blocks, one by one; calls that are no block's are taken apart."""
        for child in region.children:
            if isinstance(child, int):
                yield self._layer(child)
            elif child not in self.uses:
                yield from self._raw(child)
            else:
                block, arguments, number = self.uses[child]
                if child in self.hoisted:
                    yield self._layer(child.items.start)
                start = child.items.start + (child in self.hoisted)
                values = self._interface(child)[1]
                yield UseForm(self._entering(child), values, start, child.items.stop, child, block, arguments, number)

    def _layer(self, number: int) -> LayerForm:
        item, value = self.flat.items[number], self.facts.value(number)
        options = plain_options(item.type, dict(item.options))
        return LayerForm(item.inputs, (value,), number, number + 1, item.type, options, item.share)


def _repeated_inside(forms: list[Form], facts: Facts, required: dict[int, frozenset[str]]) -> list[Form]:
    """Runs of alike items as one, in lists inside too."""
    for form in forms:
        if isinstance(form, ResidualForm):
            form.body.forms = _repeated_inside(form.body.forms, facts, required)
        elif isinstance(form, BranchesForm):
            for path in form.paths:
                path.forms = _repeated_inside(path.forms, facts, required)
    return repeated(forms, facts, required)


def _is_small(form: Form) -> bool:
    """Whether an item is a line."""
    return isinstance(form, LayerForm | UseForm) or (isinstance(form, RepeatForm) and _is_small(form.forms[0]))


def _wrapped(chains: Sequence[Chain]) -> list[Chain]:
    """Lists without a sum as residuals that add nothing, where others of the class are one residual each."""
    whole = [chain for chain in chains if len(chain.forms) == 1 and _is_identity(chain.forms[0])]
    others = [chain for chain in chains if not any(isinstance(form, ResidualForm) for form in chain.forms)]
    if not whole or not others or len(whole) + len(others) < len(chains):
        return list(chains)
    return [_as_residual(chain) if chain in others else chain for chain in chains]


def _is_identity(form: Form) -> bool:
    return isinstance(form, ResidualForm) and form.shortcut is not None and not form.shortcut.forms and not form.options


def _as_residual(chain: Chain) -> Chain:
    if not chain.forms:
        return chain
    first, last = chain.forms[0], chain.forms[-1]
    return Chain(
        chain.source,
        [ResidualForm((chain.source,), last.values, first.start, last.stop, Chain(chain.source, list(chain.forms)))],
    )


def _all_entries(entries: Sequence[Entry]) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        for key in ("body", "shortcut"):
            if isinstance(entry.get(key), list):
                yield from _all_entries(entry[key])
        for path in entry.get("paths", ()):
            for inner in _all_entries(path):
                yield {**inner, "_turns": True} if entry.get("repeat") else inner


def _line_count(entries: Sequence[Entry]) -> int:
    """About as many lines as they are written in."""
    return sum(
        1 + 3 * any(isinstance(entry.get(key), list) for key in ("body", "paths")) for entry in _all_entries(entries)
    )


def _used_blocks(entries: Sequence[Entry], blocks: dict[int, Block]) -> set[str]:
    by_name = {block.name: block for block in blocks.values()}
    found: set[str] = set()
    waiting = [str(entry["use"]) for entry in _all_entries(entries) if "use" in entry]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [str(entry["use"]) for entry in _all_entries(by_name[name].entries) if "use" in entry]
    return found
