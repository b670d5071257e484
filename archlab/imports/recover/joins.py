"""Residuals and branches, found in a list of layers by their joins.

From a join back, the shortest run of items that reads one value from outside (the fork), and whose values nobody else
reads, falls into the ways to the join's inputs. Where these lie one behind the other, they are the paths of branches;
a sum of two of which one is short is a residual.
"""

from __future__ import annotations

from collections.abc import Sequence

from archlab.imports.recover.facts import Facts
from archlab.imports.recover.forms import BranchesForm, Chain, Form, LayerForm, ResidualForm
from archlab.imports.recover.gates import gate_of

MERGES = ("concat", "add", "multiply", "subtract", "divide", "maximum", "minimum")
_LONGEST_SHORTCUT = 3
_LONGEST = 400
"""Items that a run may have."""


def joined(forms: list[Form], facts: Facts) -> list[Form]:
    """A list in which joins with what leads to them are residuals and branches."""
    done: list[Form] = []
    for form in forms:
        done.append(form)
        if isinstance(form, LayerForm) and form.type in MERGES and not form.options and len(form.inputs) > 1:
            _fold(done, facts)
    return done


def _fold(done: list[Form], facts: Facts) -> None:
    """Make one item of the join at the end and the run in front of it, if they are one."""
    join = done[-1]
    assert isinstance(join, LayerForm)
    found = _run(done, join, facts)
    if found is None:
        return
    start, fork = found
    run = done[start:-1]
    heads = _heads(run, join, fork, facts)
    split = None if heads is None else tuple([form.options["length"] for form in heads])
    forks = [fork] * len(join.inputs) if heads is None else [head.value for head in heads]
    paths = _paths(run[0 if heads is None else len(heads) :], join.inputs, forks)
    if paths is None:
        return
    made: ResidualForm | BranchesForm | None = _residual(join, paths, fork) if split is None else None
    if made is None:
        if not _is_in_order(paths) or not (split or _is_worth_it(paths)):
            return
        made = BranchesForm((fork,), join.values, run[0].start, join.stop, paths, join.type, split)
    del done[start:]
    done.append(gate_of(made, facts) or made)


def _run(done: Sequence[Form], join: LayerForm, facts: Facts) -> tuple[int, int] | None:
    """Where the run in front of a join begins, and the value that it reads from outside."""
    outside = dict.fromkeys(join.inputs)
    for position in range(len(done) - 2, max(-1, len(done) - 2 - _LONGEST), -1):
        form = done[position]
        if isinstance(form, LayerForm) and form.share is not None:
            return None
        whole = range(form.start, join.stop)
        if not any(value in outside for value in form.values):
            return None  # nothing in the run reads it
        if not all(facts.read_only_in(value, whole) for value in form.values):
            return None
        if set(form.values) & facts.owners:
            return None
        for value in form.values:
            outside.pop(value, None)
        outside |= dict.fromkeys(form.inputs)
        if len(outside) == 1:
            (fork,) = outside
            return position, fork
    return None


def _heads(run: Sequence[Form], join: LayerForm, fork: int, facts: Facts) -> list[LayerForm] | None:
    """Shares of the fork's channels at the beginning of a run, one for each path; None where there are none."""
    heads: list[LayerForm] = []
    start = 0
    for form in run[: len(join.inputs)]:
        if not isinstance(form, LayerForm) or form.type != "narrow" or form.inputs != (fork,):
            return None
        if set(form.options) != {"start", "length"} or form.options["start"] != start:
            return None
        start += form.options["length"]
        heads.append(form)
    channels = facts.channels(fork)
    return heads if len(heads) == len(join.inputs) and start == channels else None


def _paths(run: Sequence[Form], ends: Sequence[int], forks: Sequence[int]) -> list[Chain] | None:
    """The ways to the ends; None where they have items in common, or there are others."""
    makers = {value: form for form in run for value in form.values}
    taken: set[int] = set()
    paths: list[Chain] = []
    for end, fork in zip(ends, forks, strict=True):
        members: dict[int, Form] = {}
        open_values = [end]
        while open_values:
            form = makers.get(open_values.pop())
            if form is not None and id(form) not in members:
                members[id(form)] = form
                open_values.extend(form.inputs)
        if taken & members.keys():
            return None
        taken |= members.keys()
        forms = sorted(members.values(), key=lambda form: form.start)
        if forms and (forms[-1].value != end or not _reads_only(forms, fork)):
            return None
        if not forms and end != fork:
            return None
        paths.append(Chain(fork, forms))
    return paths if len(taken) == len(run) else None


def _reads_only(forms: Sequence[Form], fork: int) -> bool:
    inside = {value for form in forms for value in form.values}
    return all(value == fork or value in inside for form in forms for value in form.inputs)


def _is_in_order(paths: Sequence[Chain]) -> bool:
    """Whether each path's items come behind those of the paths before it."""
    stop = 0
    for path in paths:
        if path.forms:
            if path.forms[0].start < stop:
                return False
            stop = path.forms[-1].stop
            if sum(form.stop - form.start for form in path.forms) != stop - path.forms[0].start:
                return False
    return True


def _is_worth_it(paths: Sequence[Chain]) -> bool:
    """Whether branches say more than a layer and a join that names what stands in front of it."""
    forms = [form for path in paths for form in path.forms]
    return len(forms) > 1 or any(isinstance(form, LayerForm) and not form.options for form in forms)


def _residual(join: LayerForm, paths: Sequence[Chain], fork: int) -> ResidualForm | None:
    """A sum of two as a residual, where one of them is short."""
    if join.type != "add" or len(paths) != 2:
        return None
    shortcut, body = sorted(paths, key=lambda path: len(path.forms))
    if len(body.forms) == len(shortcut.forms):
        body, shortcut = paths if _is_much_shorter(paths[1], paths[0]) else reversed(paths)
    if not body.forms or len(shortcut.forms) > _LONGEST_SHORTCUT or not _is_much_shorter(shortcut, body):
        return None
    ordered = [path for path in (body, shortcut) if path.forms]
    ordered.sort(key=lambda path: path.forms[0].start)
    if not _is_in_order(ordered):
        return None
    is_first = bool(shortcut.forms) and ordered[0] is shortcut
    start = ordered[0].forms[0].start
    return ResidualForm((fork,), join.values, start, join.stop, body, shortcut, is_first)


def _is_much_shorter(shortcut: Chain, body: Chain) -> bool:
    """Whether a way is plainly the shortcut, and the other one the body."""
    if not shortcut.forms:
        return True
    if not all(isinstance(form, LayerForm) for form in shortcut.forms):
        return False
    is_block = not all(isinstance(form, LayerForm) for form in body.forms)
    return is_block or len(shortcut.forms) < len(body.forms)
