"""`nn.Sequential` with its members: numbered or named, and runs of alike ones in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archlab.torch.source.text import Atom, Bracket, Expression, Repeated, call

MIN_EQUAL = 3
"""So many equal members become a comprehension."""
MIN_GROWING = 4
"""So many members, of which one number grows by the same step, become one."""


def sequence(function: str, members: Mapping[str, Expression]) -> Expression:
    """A call of `nn.Sequential`, or of the constructor of a class derived from it."""
    if list(members) == [str(number) for number in range(len(members))]:
        return call(function, tuple(_with_runs(list(members.values()))))
    if all(label.isidentifier() for label in members):
        return call(function, (call("OrderedDict", (), members),))
    items = tuple([(f'"{label}": ', member) for label, member in members.items()])
    return call(function, (call("OrderedDict", (Bracket("{", items, "}"),)),))


def _with_runs(members: Sequence[Expression]) -> list[Expression]:
    """The members, with runs of alike ones as comprehensions."""
    found: list[Expression] = []
    start = 0
    while start < len(members):
        run = _run(members, start)
        if run is None:
            found.append(members[start])
            start += 1
        else:
            found.append(run)
            start += run.times
    return found


def _run(members: Sequence[Expression], start: int) -> Repeated | None:
    """The members from `start` on that are alike, if they are enough."""
    first = members[start]
    times = 1
    while start + times < len(members) and members[start + times] == first:
        times += 1
    if times >= MIN_EQUAL:
        return Repeated(first, "_", times)
    return _growing_run(members, start)


def _growing_run(members: Sequence[Expression], start: int) -> Repeated | None:
    """The members from `start` on that are equal but for numbers growing by a step of their own."""
    if start + MIN_GROWING > len(members):
        return None
    first = _numbers(members[start])
    steps = _steps(members[start], members[start + 1])
    if steps is None:
        return None
    times = 2
    while start + times < len(members) and _steps(members[start + times - 1], members[start + times]) == steps:
        times += 1
    if times < MIN_GROWING:
        return None
    return Repeated(_with_loop(members[start], first, steps), "i", times)


def _numbers(member: Expression) -> list[int | None]:
    """The whole numbers among a call's arguments, None for the others."""
    assert isinstance(member, Bracket)
    texts = [item.flat() for _, item in member.items]
    return [int(text) if text.isdigit() else None for text in texts]


def _steps(one: Expression, other: Expression) -> list[int] | None:
    """By how much each argument grows; None if the calls differ in more than whole numbers."""
    if not isinstance(one, Bracket) or not isinstance(other, Bracket) or one.opening != other.opening:
        return None
    if [key for key, _ in one.items] != [key for key, _ in other.items]:
        return None
    steps: list[int] = []
    for (_, mine), (_, its), a, b in zip(one.items, other.items, _numbers(one), _numbers(other), strict=True):
        if a is not None and b is not None:
            steps.append(b - a)
        elif mine == its:
            steps.append(0)
        else:
            return None
    return steps


def _with_loop(member: Expression, first: Sequence[int | None], steps: Sequence[int]) -> Expression:
    assert isinstance(member, Bracket)
    items = []
    for (key, item), number, step in zip(member.items, first, steps, strict=True):
        sign = "+" if step > 0 else "-"
        factor = "" if abs(step) == 1 else f"{abs(step)} * "
        items.append((key, Atom(f"{number} {sign} {factor}i") if step else item))
    return Bracket(member.opening, tuple(items), member.closing)
