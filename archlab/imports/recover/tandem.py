"""Units in a network whose source has no modules (ONNX, Darknet): what stands there several times.

Residuals and branches of several layers are units. In the list of all that, runs of alike items count as one, and what
then comes several times behind itself (`conv, residuals, conv, residuals, ...`) is a unit of its own. Units are noted
as if they were calls of modules, so that blocks are made of them as of classes.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from archlab.imports.flat import Flat, Item, Scope
from archlab.imports.recover.attach import attached
from archlab.imports.recover.facts import Facts, plain_options
from archlab.imports.recover.forms import BranchesForm, Form, LayerForm, RepeatForm, ResidualForm, UseForm
from archlab.imports.recover.joins import joined

_LONGEST = 12
"""Runs that a unit may have."""
_KINDS = {ResidualForm: "ResidualUnit", BranchesForm: "BranchesUnit"}


def with_units(flat: Flat) -> Flat:
    """A flat network with units as its modules, where it has none."""
    if any(len(item.scopes) > 1 for item in flat.items):
        return flat
    facts = Facts(flat)
    forms = attached([_layer(facts, number) for number in range(len(flat.items))], facts)
    forms = attached(joined(forms, facts), facts, joins=True)
    units = _units(forms)
    scopes: list[tuple[Scope, ...]] = [(Scope("", flat.name),) for _ in flat.items]
    runs = [[form for unit in run for form in unit] for _, run in groupby(units, _unit_key)]
    for window, scope in _scopes(runs):
        _note(scopes, window, scope)
    for number, unit in enumerate(units):
        if len(unit) > 1 or type(unit[0]) in _KINDS:
            _note(scopes, unit, Scope(f"form.{number}", _KINDS.get(type(unit[0]), "ResidualUnit")))
    items: list[Item] = [replace(item, scopes=own) for item, own in zip(flat.items, scopes, strict=True)]
    return replace(flat, items=items)


def with_windows(flat: Flat, forms: Sequence[Form]) -> Flat | None:
    """A flat network in which what comes several times in its list of layers is a module around those there are.

    Args:
        flat: it.
        forms: its list of layers.

    Returns:
        None where nothing does.
    """
    found = _scopes([list(run) for _, run in groupby(forms, _key)])
    around: dict[int, Scope] = {}
    for window, scope in found:
        around |= dict.fromkeys(range(window[0].start, window[-1].stop), scope)
    if not around:
        return None
    items = [
        replace(item, scopes=(*item.scopes[:1], around[number], *item.scopes[1:])) if number in around else item
        for number, item in enumerate(flat.items)
    ]
    return replace(flat, items=items)


def _scopes(runs: Sequence[list[Form]]) -> list[tuple[list[Form], Scope]]:
    """What comes several times behind itself, each time with a scope."""
    kinds: dict[Hashable, str] = {}
    found: list[tuple[list[Form], Scope]] = []
    for group, windows in enumerate(_tandems(runs)):
        what = tuple(dict.fromkeys(map(_kind, windows[-1])))
        kind = kinds.setdefault(what, f"Unit{len(kinds) + 1}" if kinds else "Unit")
        found += [(window, Scope(f"{group}.{turn}", kind)) for turn, window in enumerate(windows)]
    return found


def _units(forms: Sequence[Form]) -> list[list[Form]]:
    """The items one by one; those that are like the body of a residual together, as where it changes the shape."""
    bodies = {
        tuple([_kind(inner) for inner in form.body.forms])
        for form in forms
        if isinstance(form, ResidualForm) and len(form.body.forms) > 1
    }
    kinds = [_kind(form) for form in forms]
    units: list[list[Form]] = []
    position = 0
    while position < len(forms):
        lengths = [len(body) for body in bodies if tuple(kinds[position : position + len(body)]) == body]
        length = next((one for one in sorted(lengths, reverse=True) if _is_row(forms[position : position + one])), 1)
        units.append(list(forms[position : position + length]))
        position += length
    return units


def _is_row(forms: Sequence[Form]) -> bool:
    return all(form.inputs == (above.value,) for above, form in pairwise(forms))


def _kind(form: Form) -> Hashable:
    """Like `_key`, whatever the stride."""
    key = _key(form)
    return key[:-1] if isinstance(key, tuple) else key


def _unit_key(unit: Sequence[Form]) -> Hashable:
    return "ResidualForm" if len(unit) > 1 else _key(unit[0])


def _note(scopes: list[tuple[Scope, ...]], forms: Sequence[Form], scope: Scope) -> None:
    for number in range(forms[0].start, forms[-1].stop):
        scopes[number] = (*scopes[number], scope)


def _layer(facts: Facts, number: int) -> Form:
    item, value = facts.item(number), facts.value(number)
    options = plain_options(item.type, dict(item.options))
    return LayerForm(item.inputs, (value,), number, number + 1, item.type, options, item.share)


def _key(form: Form) -> Hashable:
    """Equal for items that may be one line of a block."""
    if isinstance(form, RepeatForm) and not form.is_dense:
        return _key(form.forms[0])
    if isinstance(form, UseForm):
        return "use", form.block, len(form.inputs), ""
    if not isinstance(form, LayerForm):
        return type(form).__name__
    options = form.options
    is_grouped = options.get("groups", 1) != 1
    return form.type, form.share is None, repr(options.get("kernel_size")), is_grouped, repr(options.get("stride"))


def _tandems(runs: Sequence[list[Form]]) -> list[list[list[Form]]]:
    """Sequences of runs that come several times behind themselves, each as the items of its times, in order."""
    keys = [_key(run[0]) for run in runs]
    free = [True] * len(runs)
    found: list[tuple[int, list[list[Form]]]] = []
    while True:
        best = (0, 0, 0, 0)
        for length in range(2, min(_LONGEST, len(runs) // 2) + 1):
            best = max(best, _longest(keys, free, length), key=lambda found: (found[0], -found[1]))
        gain, length, start, count = best
        if not gain:
            return [windows for _, windows in sorted(found, key=lambda pair: pair[0])]
        starts = _turns(keys, start, length, count)
        windows = [[form for run in runs[first:stop] for form in run] for first, stop in starts]
        free[start : start + length * count] = [False] * (length * count)
        found.append((start, windows))


def _turns(keys: Sequence[Hashable], start: int, length: int, count: int) -> list[tuple[int, int]]:
    """Where each time begins and ends; with a join of what stands in front of it first, which the first may lack."""
    whole = list(keys[start : start + length])
    joins = [number for number, key in enumerate(whole) if isinstance(key, tuple) and key[0] == "concat"]
    if len(joins) != 1:
        return [(start + turn * length, start + (turn + 1) * length) for turn in range(count)]
    begin, end = start + joins[0] - length, start + length * count
    turns = [(max(begin + turn * length, start), min(begin + (turn + 1) * length, end)) for turn in range(count + 1)]
    if joins[0] == 0 and start and list(keys[start - length + 1 : start]) == whole[1:]:
        turns[0] = (start - length + 1, start)
    return [(first, stop) for first, stop in turns if stop - first >= length - 1]


def _longest(keys: Sequence[Hashable], free: Sequence[bool], length: int) -> tuple[int, int, int, int]:
    """The most that a sequence of some length saves: the runs saved, the length, where, and how often it is there."""
    best = (0, 0, 0, 0)
    matched = 0
    for position in range(len(keys) - length - 1, -1, -1):
        is_same = keys[position] == keys[position + length] and free[position] and free[position + length]
        matched = matched + 1 if is_same else 0
        count = matched // length + 1
        if count > 1 and (count - 1) * length >= best[0]:
            best = ((count - 1) * length, length, position, count)
    return best
