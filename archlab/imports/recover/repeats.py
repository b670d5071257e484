"""Neighbouring items that are alike, as one with `repeat`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from archlab.imports.recover.facts import Facts
from archlab.imports.recover.forms import (
    BranchesForm,
    Form,
    LayerForm,
    RepeatForm,
    ResidualForm,
    UseForm,
    contents,
)

Required = Mapping[int, AbstractSet[str]]
"""Params without a default, by block."""


def repeated(forms: list[Form], facts: Facts, required: Required) -> list[Form]:
    """A list in which runs of alike items are one each.

    Args:
        forms: the list.
        facts: of the network.
        required: a first repetition may differ from the others in other params only.
    """
    done: list[Form] = []
    position = 0
    while position < len(forms):
        dense = _dense_run(forms, position, facts)
        run = dense or _run(forms, position, facts, required)
        if len(run) == 1:
            done.append(forms[position])
            position += 1
            continue
        last = run[-1]
        values = tuple([form.value for form in reversed(run)]) if dense else last.values
        done.append(RepeatForm(run[0].inputs, values, run[0].start, last.stop, run, bool(dense)))
        position += 2 * len(run) - 1 if dense else len(run)
    return done


def _run(forms: Sequence[Form], position: int, facts: Facts, required: Required) -> list[Form]:
    """The item at a position with those behind it that it can be repeated as."""
    run = [forms[position]]
    for form in forms[position + 1 :]:
        if not _follows(run[-1], form, facts) or not _is_alike(run[-1], form, len(run), required):
            break
        run.append(form)
    while not _is_even(run):
        run.pop()
    return run


def _is_even(run: Sequence[Form]) -> bool:
    """Whether fractions that differ do so each time, as a rate that grows."""
    rows = [form.arguments for form in run if isinstance(form, UseForm)]
    names = {name for row in rows for name, value in row.items() if isinstance(value, float)}
    for name in names:
        values = [row.get(name) for row in rows[1:]]
        if len(set(values)) not in (1, len(values)):
            return False
    return True


def _follows(form: Form, other: Form, facts: Facts) -> bool:
    """Whether what one gives enters the other, and nothing else."""
    if isinstance(form, LayerForm) and {form.value, other.value} & facts.owners:
        return False  # others name it
    if other.inputs != (*form.values, *form.inputs[len(form.values) :])[: len(other.inputs)]:
        return False
    if len(other.inputs) != len(form.inputs) or len(other.values) != len(form.values):
        return False
    reads = range(other.start, other.stop)
    return all(facts.read_only_in(value, reads) for value in form.values)


def _is_alike(form: Form, other: Form, count: int, required: Required) -> bool:
    if isinstance(form, UseForm) and isinstance(other, UseForm):
        if form.block is None or form.block != other.block:
            return False
        different = _different(form, other)
        return not different & required[form.block] if count == 1 else not different
    if isinstance(form, LayerForm) and isinstance(other, LayerForm):
        return form.share is None and other.share is None and form.type == other.type and _same_layer(form, other)
    if isinstance(form, ResidualForm | BranchesForm) and type(form) is type(other):
        return contents(form, form.start) == contents(other, other.start)
    return False


def _same_layer(form: LayerForm, other: LayerForm) -> bool:
    return len(form.inputs) == 1 and repr(form.options) == repr(other.options)


def _different(form: UseForm, other: UseForm) -> set[str]:
    """Params that differ, but for fractions, which may go with the number of the repetition."""
    found: set[str] = set()
    for name in {*form.arguments, *other.arguments}:
        said = [one.arguments[name] for one in (form, other) if name in one.arguments]
        is_same = len(said) > 1 and repr(said[0]) == repr(said[1])
        if not is_same and not all(isinstance(value, float) for value in said):
            found.add(name)
    return found


def _dense_run(forms: Sequence[Form], position: int, facts: Facts) -> list[Form]:
    """Uses of which each reads a value and all uses before it, joined: DenseNet's layers."""
    first = forms[position]
    if not isinstance(first, UseForm) or first.block is None or len(first.inputs) != 1 or len(first.values) != 1:
        return []
    source, at = first.inputs[0], position + 1
    run: list[Form] = [first]
    while at + 1 < len(forms):
        join, use = forms[at], forms[at + 1]
        wanted = (source, *[form.value for form in run])
        if not isinstance(join, LayerForm) or join.type != "concat" or join.options or join.inputs != wanted:
            break
        if not isinstance(use, UseForm) or use.block != first.block or use.inputs != (join.value,):
            break
        is_equal = repr(use.arguments) == repr(first.arguments) and len(use.values) == 1
        if not is_equal or facts.readers[join.value][-1] >= use.stop:
            break
        run.append(use)
        at += 2
    return run if len(run) > 1 else []
