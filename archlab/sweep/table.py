"""Designs with their numbers, column by column: those of a part put in front of those of all that follow."""

from __future__ import annotations

from dataclasses import dataclass, field

from archlab.diagnostics.problem import Problem
from archlab.sweep.stage import Map, Stage, through

EXAMPLES = 3
"""Designs that are none, of which the problem is kept."""


@dataclass(slots=True)
class Table:
    """Designs from some part to the end, for one value that enters it.

    Attributes:
        numbers: what the values of their knobs add to the number of a design.
        params: learnable elements; the other columns are those of `Stage`.
        seen: what their receptive field is told of; None where that is in front of them.
        invalid: how many are no networks.
        problems: of some of these, with their numbers.
        entire: the numbers of those that must be analysed as a whole.
        reason: why.
    """

    numbers: list[int] = field(default_factory=list)
    params: list[int] = field(default_factory=list)
    buffers: list[int] = field(default_factory=list)
    buffer_bytes: list[int] = field(default_factory=list)
    macs: list[int] = field(default_factory=list)
    flops: list[int] = field(default_factory=list)
    activations: list[int] = field(default_factory=list)
    activation_bytes: list[int] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)
    seen: list[Map | None] = field(default_factory=list)
    invalid: int = 0
    problems: list[tuple[int, Problem]] = field(default_factory=list)
    entire: list[int] = field(default_factory=list)
    reason: str = ""

    def __len__(self) -> int:
        return len(self.numbers)

    def append_behind(self, stage: Stage, number: int, rest: Table) -> None:
        """Add designs that have a part in front of those of another table.

        Args:
            stage: the part.
            number: what its knobs add to theirs.
            rest: what follows.
        """
        self.append_notes(number, rest)
        self.numbers += [number + value for value in rest.numbers]
        for name in SUMS:
            own: int = getattr(stage, name)
            column: list[int] = getattr(self, name)
            column += [own + value for value in getattr(rest, name)]
        peak = stage.peak
        self.peak += [peak if peak > value else value for value in rest.peak]  # noqa: FURB136 - three times as fast
        known: dict[Map | None, Map | None] = {None: stage.seen}
        for seen in set(rest.seen):
            if seen is not None:
                known[seen] = through(stage.field, seen)
        self.seen += [known[seen] for seen in rest.seen]

    def append(self, number: int, rest: Table) -> None:
        """Add the designs of another table, with something more in their numbers."""
        self.append_notes(number, rest)
        self.numbers += [number + value for value in rest.numbers]
        for name in (*SUMS, "peak", "seen"):
            getattr(self, name).extend(getattr(rest, name))

    def append_notes(self, number: int, rest: Table) -> None:
        """Count what of another table is no network, or must be analysed as a whole."""
        self.invalid += rest.invalid
        if len(self.problems) < EXAMPLES:
            self.problems += [(number + value, problem) for value, problem in rest.problems]
        self.entire += [number + value for value in rest.entire]
        self.reason = self.reason or rest.reason

    def kept(self, rows: list[int]) -> Table:
        """Some of its rows."""
        found = Table(invalid=self.invalid, problems=self.problems, entire=self.entire, reason=self.reason)
        for name in COLUMNS:
            column = getattr(self, name)
            setattr(found, name, [column[row] for row in rows])
        return found


SUMS = ("params", "buffers", "buffer_bytes", "macs", "flops", "activations", "activation_bytes")
COLUMNS = ("numbers", *SUMS, "peak", "seen")


def end() -> Table:
    """Behind the last part: one design, of nothing."""
    return Table(numbers=[0], peak=[0], seen=[None], **{name: [0] for name in SUMS})  # type: ignore[arg-type]
