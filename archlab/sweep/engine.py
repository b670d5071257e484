"""All designs of a space, part by part: each part is analysed once for each choice of its knobs and what enters it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import NamedTuple, Protocol

from archlab.analysis.conditions import Conditions
from archlab.config.expand.inputs import ONLY, read_inputs
from archlab.config.syntax.expressions import UnknownValueError
from archlab.config.syntax.limits import MAX_DIFFERENT
from archlab.config.tree.dependence import words_in
from archlab.config.tree.document import Params
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError, Problem, Problems, single_problem
from archlab.layers.shape import FLAT_AXES, axis_count
from archlab.sweep.entering import State
from archlab.sweep.parts import Part, Repetition, merged, parts_of
from archlab.sweep.space import Digits, Space
from archlab.sweep.stage import Entire, Found, Invalid, Stage, chained, stage_of
from archlab.sweep.table import Table, end

Assigned = Mapping[int, int]
"""Numbers of values by the number of their knob."""
BLOCK_ROWS = 20_000
"""Designs that are made at once."""
MOST_REPETITIONS = 10_000
"""Of one item, that are composed one by one."""
MOST_KEPT_ROWS = 2_000_000
"""Rows of all tables that are kept for another use."""
TABLE_ROWS = 20
"""What a table takes beside its rows, in rows."""
MOST_ENTIRE = 1_000_000
"""Designs that are analysed as a whole, one by one."""


class Step(NamedTuple):
    """What a choice of some knobs decides.

    Attributes:
        knobs: their numbers.
        part: of the network; None where it is the input, or a param that must have a value.
        param: that one's name.
    """

    knobs: tuple[int, ...]
    part: Part | None = None
    param: str | None = None


class Block(NamedTuple):
    """Designs that have a part in common.

    Attributes:
        number: what the part's knobs add to theirs.
        stage: the part.
        rest: what follows.
    """

    number: int
    stage: Stage
    rest: Table


class Reducer(Protocol):
    """Says what is worth keeping."""

    def pruned(self, blocks: list[Block]) -> list[Block]:
        """Those blocks that may hold something better than all others do."""

    def reduced(self, table: Table) -> Table:
        """The rows that nothing in the table is better than."""


class Chain:
    """The first repetitions of an item.

    Attributes:
        stage: their numbers; None of none of them.
        last: those of the last one alone.
        longer: with one more, by what that is.
    """

    __slots__ = ("last", "longer", "stage")

    def __init__(self, stage: Found | None, last: Found | None = None) -> None:
        self.stage = stage
        self.last = last
        self.longer: dict[object, Chain] = {}


class Engine:
    """Makes tables of designs.

    Args:
        space: the designs.
        conditions: batch, dtype and memory format.
        reducer: says what to keep of each table; all by default.
    """

    def __init__(self, space: Space, conditions: Conditions, reducer: Reducer | None = None) -> None:
        self.space = space
        self.conditions = conditions
        self._reducer = reducer
        parts = merged(parts_of(space.document, space.variant), space.knobs_of)
        self._most_load = 1 / (len(parts) + 1)
        checks = [Step(tuple(sorted(space.reach[name])), param=name) for name in space.followed]
        steps = [Step(space.knobs_of(part.words), part) for part in parts]
        self.steps = [Step(space.input_knobs), *checks, *steps]
        self._behind = [
            frozenset([knob for step in self.steps[at:] for knob in step.knobs]) for at in range(len(self.steps) + 1)
        ]
        unused = set(range(len(space.knobs))) - self._behind[0]
        if unused:  # they change nothing, and are told all the same
            self.steps.insert(0, Step(tuple(sorted(unused))))
            self._behind.insert(0, frozenset(range(len(space.knobs))))
        self._source = 1 if unused else 0
        self._relevant = [self._params_in(step) for step in self.steps]
        self._params: dict[tuple[int, Digits], tuple[Params, tuple[str, ...]]] = {}
        self._found: dict[object, Found] = {}
        self._chains: dict[object, Chain] = {}
        self._times: dict[object, Part] = {}
        self._runs: dict[object, list[Chain]] = {}
        self._tables: dict[object, Table] = {}
        self._kept_rows = 0
        self._end = end()
        self._entire = 0

    @property
    def analysed(self) -> int:
        """How many parts have been analysed."""
        return len(self._found)

    def _params_in(self, step: Step) -> tuple[str, ...]:
        words = frozenset() if step.part is None else step.part.words
        return tuple([name for name in self.space.document.params if name in words])

    def free(self, at: int, assigned: Assigned) -> tuple[int, ...]:
        """The knobs that a step chooses, where others are chosen."""
        return tuple([knob for knob in self.steps[at].knobs if knob not in assigned])

    def rows_behind(self, at: int, assigned: Assigned) -> int:
        """How many designs there are from a step on."""
        return prod([len(self.space.knobs[knob].values) for knob in self._behind[at] if knob not in assigned])

    def choices(self, knobs: tuple[int, ...]) -> Iterator[Digits]:
        """Every choice of knobs, in the order of the designs' numbers."""
        return product(*[range(len(self.space.knobs[knob].values)) for knob in knobs])

    def number(self, knobs: tuple[int, ...], digits: Digits) -> int:
        """What a choice adds to the number of a design."""
        return sum([self.space.weights[knob] * digit for knob, digit in zip(knobs, digits, strict=True)])

    def whole(self) -> Table:
        """All designs."""
        return self.table(0, None, {})

    def table(self, at: int, state: State | None, assigned: Assigned) -> Table:
        """All designs from a step on.

        Args:
            at: the step.
            state: what enters it.
            assigned: the knobs that are chosen.
        """
        if at == len(self.steps):
            return self._end
        key = (at, state, tuple([(k, d) for k, d in assigned.items() if k in self._behind[at]]))
        known = self._tables.get(key)
        if known is None:
            known = self._make(at, state, assigned)
            if self._kept_rows < MOST_KEPT_ROWS:
                self._tables[key] = known
                self._kept_rows += len(known) + TABLE_ROWS
        return known

    def _make(self, at: int, state: State | None, assigned: Assigned) -> Table:
        table = Table()
        blocks: list[Block] = []
        free = self.free(at, assigned)
        for digits in self.choices(free):
            chosen = {**assigned, **dict(zip(free, digits, strict=True))}
            number = self.number(free, digits)
            found = self.found(at, state, chosen)
            if isinstance(found, Stage):
                blocks.append(Block(number, found, self.table(at + 1, found.leaves, chosen)))
            elif isinstance(found, State) or found is None:
                table.append(number, self.table(at + 1, found, chosen))
            else:
                self._note(table, at, number, found, chosen)
        self._put_in_front(table, blocks)
        return table if self._reducer is None else self._reducer.reduced(table)

    def _note(self, table: Table, at: int, number: int, found: Invalid | Entire, chosen: Assigned) -> None:
        """That all designs with a choice are no networks, or must be analysed as a whole."""
        if isinstance(found, Invalid):
            table.invalid += self.rows_behind(at + 1, chosen)
            if not table.problems:
                table.problems.append((number, found.problem))
            return
        self._require_few(self.rows_behind(at + 1, chosen), found.reason)
        table.entire += [number + more for more in self._numbers_behind(at + 1, chosen)]
        table.reason = found.reason

    def _put_in_front(self, table: Table, blocks: list[Block]) -> None:
        """Add the designs of blocks, but of those that are not worth it only what is to be told of them."""
        kept = blocks if self._reducer is None else self._reducer.pruned(blocks)
        for block in kept:
            table.append_behind(block.stage, block.number, block.rest)
        if len(kept) < len(blocks):
            there = {block.number for block in kept}
            for block in blocks:
                if block.number not in there:
                    table.append_notes(block.number, block.rest)

    def _require_few(self, designs: int, reason: str) -> None:
        self._entire += designs
        if self._entire > MOST_ENTIRE:
            message = f"the designs do not compose of parts ({reason}), and {self._entire:,} are too many to be "
            raise single_problem(f"{message}analysed one by one; draw some: --sample 1000", Code.TOO_LARGE)

    def _numbers_behind(self, at: int, assigned: Assigned) -> Iterator[int]:
        free = tuple(sorted([knob for knob in self._behind[at] if knob not in assigned]))
        return (self.number(free, digits) for digits in self.choices(free))

    def found(self, at: int, state: State | None, assigned: Assigned) -> Found | State | None:
        """What a step gives: numbers, what enters the next one, or why there is nothing."""
        step = self.steps[at]
        digits = tuple([assigned.get(knob, 0) for knob in step.knobs])
        if step.part is None:
            key: object = (at, digits)
            if step.param is None and at != self._source:
                return state
            if key not in self._found:
                self._found[key] = self._opened(step, digits)  # type: ignore[assignment]
            opened = self._found[key]
            return state if opened is None else opened
        params, values = self._values(at, digits)
        key = (at, values, state)
        known = self._found.get(key)
        if known is None:
            assert state is not None
            known = self._found[key] = self._stage(step.part, params, state)
        return known

    def _stage(self, part: Part, params: Params, state: State) -> Found:
        """The numbers of a part, repetition by repetition where that can be."""
        found = None if part.repetition is None else self._repeated(part.repetition, params, state)
        if found is None:
            found = stage_of(self.space.document, part, params, state, self.conditions)
        if isinstance(found, Stage) and max(found.load, found.different / MAX_DIFFERENT) > self._most_load:
            return Entire("it is near a bound on the size of networks")
        return found

    def _repeated(self, repetition: Repetition, params: Params, state: State) -> Found | None:
        """The numbers of a part that is one item several times; None where it must be taken as one."""
        words = frozenset(words_in(repetition.count.node))
        if not words <= params.keys() or not self.space.knobs_of(words):  # as many always: one analysis does for all
            return None
        try:
            count = repetition.count.value(params)
            if type(count) is not int or not 1 <= count <= MOST_REPETITIONS:
                return None
            found = self._chain(repetition, count, params, state)
        except (BadItemError, UnknownValueError):
            return None
        return None if isinstance(found, Entire) else found

    def _chain(self, repetition: Repetition, count: int, params: Params, state: State) -> Found | None:
        """So many repetitions, one behind the other."""
        alike = 0 if repetition.is_indexed else max(0, count - 1)
        begun = self._begun(repetition, alike, params, state)
        for index in range(alike, count):
            if begun.stage is not None and not isinstance(begun.stage, Stage):
                break
            begun = self._longer(begun, self._time(repetition, index, count, params), params, state)
        return begun.stage

    def _begun(self, repetition: Repetition, count: int, params: Params, state: State) -> Chain:
        """So many repetitions that know nothing of their number, without the last of all."""
        if count == 0:
            return self._chains.setdefault((id(repetition), state), Chain(None))
        first, middle = [self._time(repetition, index, MOST_REPETITIONS, params) for index in (0, 1)]
        key = (id(repetition), state, id(first), self._key(first, params), id(middle), self._key(middle, params))
        known = self._runs.setdefault(key, [])
        while len(known) < count:
            before = known[-1] if known else self._begun(repetition, 0, params, state)
            if before.stage is not None and not isinstance(before.stage, Stage):
                return before
            known.append(self._longer(before, middle if known else first, params, state))
        return known[count - 1]

    def _time(self, repetition: Repetition, index: int, count: int, params: Params) -> Part:
        values = repetition.values(index, count, params)
        key = (id(repetition), repr(values))
        part = self._times.get(key)
        if part is None:
            part = self._times[key] = repetition.once(index, count, values)
        return part

    def _longer(self, chain: Chain, part: Part, params: Params, state: State) -> Chain:
        """One repetition more."""
        key = (id(part), self._key(part, params))
        longer = chain.longer.get(key)
        if longer is None:
            before = chain.stage
            found = self._once(part, params, state if before is None else before.leaves)  # type: ignore[union-attr]
            last = found
            if isinstance(before, Stage) and isinstance(found, Stage):
                again = found._replace(different=0) if found is chain.last else found
                found = chained(before, again)
            longer = chain.longer[key] = Chain(found, last)
        return longer

    def _once(self, part: Part, params: Params, state: State) -> Found:
        key = (id(part), self._key(part, params), state)
        known = self._found.get(key)
        if known is None:
            known = self._found[key] = stage_of(self.space.document, part, params, state, self.conditions)
        return known

    def _key(self, part: Part, params: Params) -> tuple[str, ...]:
        return tuple([repr(params[name]) for name in self.space.document.params if name in part.words])

    def _values(self, at: int, digits: Digits) -> tuple[Params, tuple[str, ...]]:
        known = self._params.get((at, digits))
        if known is None:
            params = self.space.params_of(self._all_digits(self.steps[at].knobs, digits))
            # repr, since 1, 1.0 and True are equal as keys but not as params
            known = params, tuple([repr(params[name]) for name in self._relevant[at]])
            self._params[at, digits] = known
        return known

    def _all_digits(self, knobs: tuple[int, ...], digits: Digits) -> Digits:
        chosen = dict(zip(knobs, digits, strict=True))
        return tuple([chosen.get(knob, 0) for knob in range(len(self.space.knobs))])

    def _opened(self, step: Step, digits: Digits) -> State | Invalid | Entire | None:
        """The network's input, or whether a param has a value."""
        space, every = self.space, self._all_digits(step.knobs, digits)
        if step.param is not None:
            problem = space.problem_of(step.param, every)
            return None if problem is None else Invalid(problem)
        _, given = space.settings_of(every)
        problems = Problems()
        variant = space.variant
        written = variant.input if variant is not None and variant.input is not None else space.document.input
        inputs = read_inputs(written, space.params_of(every), problems, given)
        if inputs is None or problems.found:
            found = problems.found or [Problem("the network has no input", Code.MISSING)]
            return Invalid(found[0])
        if space.deployed:
            return Entire("what is folded and fused may lie in several parts of a network")
        if list(inputs) != [ONLY]:
            return Entire("it has several inputs")
        shape = inputs[ONLY].shape
        spatial = (True,) * axis_count(shape) or (False,) * FLAT_AXES
        return State(shape, shape, None, 0, False, spatial)
