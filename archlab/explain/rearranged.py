"""The output's shape of layers that do not slide along the axes: joins, slices, shuffles, what stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from archlab.diagnostics.words import all_of
from archlab.explain.section import Section, Step, times
from archlab.explain.subject import Subject
from archlab.layers.dims import dim_index
from archlab.layers.laid import Role, extra_of, positions_of, roles_of
from archlab.layers.shape import AXIS_NAMES, Shape, is_map, shape_text

Rule = Callable[[Subject, Section], None]


def rearranged(subject: Subject, section: Section) -> None:
    """Add the formula or the sentence of a layer; where it has none of its own, the shapes speak."""
    RULES.get(subject.layer.type, _as_it_is)(subject, section)


def dimension_words(shape: Shape) -> tuple[str, ...]:
    """What each dimension of a value is."""
    if len(shape) == 1 and not any(roles_of(shape)):
        return ("features",)
    names = AXIS_NAMES.get(len(positions_of(shape)), ())
    return tuple([_role_word(role, names, extra_of(shape)) for role in roles_of(shape)])


def _role_word(role: Role, names: tuple[str, ...], extra: int) -> str:
    if not role or not names:
        return "channels"
    if len(role) == 1:
        return names[role[0]]
    merged = "(" + " x ".join([names[axis] for axis in role]) + ")"
    return f"({extra} + {merged[1:]}" if extra else merged


def _as_it_is(subject: Subject, section: Section) -> None:
    before, after = " and ".join(shape_text(shape) for shape in subject.inputs), shape_text(subject.output)
    if before != after:
        section.notes.append(f"{before} to {after}.")
    elif is_map(subject.output):
        section.notes.append(f"{after}, unchanged.")
    elif len(subject.output) == 1:
        section.notes.append(f"{after} features, unchanged.")
    else:
        section.notes.append(f"{after} ({' x '.join(dimension_words(subject.output))}), unchanged.")


def _elementwise(subject: Subject, section: Section) -> None:
    after = shape_text(subject.output)
    if all(shape == subject.output for shape in subject.inputs):
        section.notes.append(f"{after}, as each of its inputs.")
        return
    before = " and ".join(shape_text(shape) for shape in subject.inputs)
    section.notes.append(f"{before} to {after}: where an input has size 1, its value is taken at every position.")


def _concat(subject: Subject, section: Section) -> None:
    sizes = [shape[0] for shape in subject.inputs]
    word = dimension_words(subject.output)[0]
    numbers = " + ".join(f"{size:,}" for size in sizes)
    section.steps.append(Step(f"out {word}", f"{word} of all inputs, behind one another", numbers, sum(sizes)))
    if len(subject.output) > 1:
        section.notes.append(f"The other sizes are those of each input: {shape_text(subject.output)}.")


def _narrow(subject: Subject, section: Section) -> None:
    (before,) = subject.inputs
    dim = dim_index("narrow", _option(subject, "dim"), before)
    word, start, step = dimension_words(before)[dim], _option(subject, "start"), _option(subject, "step")
    length = subject.output[dim]
    section.steps.append(Step(f"out {word}", "length, as asked for", "", length))
    every = f"every {step:,} from " if step > 1 else ""
    last = start + (length - 1) * step
    taken = f"{start:,} to {last:,}" if length > 1 else f"{start:,}"
    units = word if word in ("channels", "features") else f"positions of the {word}"
    section.notes.append(f"Of the {before[dim]:,} {units}, {every}{taken} (from 0).")


def _pixel_shuffle(subject: Subject, section: Section) -> None:
    _traded(subject, section, "upscale_factor", ("/", "x"))


def _pixel_unshuffle(subject: Subject, section: Section) -> None:
    _traded(subject, section, "downscale_factor", ("x", "/"))


def _traded(subject: Subject, section: Section, name: str, signs: tuple[str, str]) -> None:
    """Channels for positions, or the other way round."""
    factor = _option(subject, name)
    for axis, word in enumerate(dimension_words(subject.output)):
        sign, power = (signs[0], "^2") if axis == 0 else (signs[1], "")
        numbers = f"{subject.inputs[0][axis]:,} {sign} {factor}{power}"
        section.steps.append(Step(f"out {word}", f"in {sign} {name}{power}", numbers, subject.output[axis]))


def _halved(subject: Subject, section: Section) -> None:
    (before,) = subject.inputs
    axis = next(axis for axis, size in enumerate(before) if size != subject.output[axis])
    word = dimension_words(subject.output)[axis]
    section.steps.append(Step(f"out {word}", "in / 2", f"{before[axis]:,} / 2", subject.output[axis]))
    section.notes.append("One half is scaled by the sigmoid of the other.")


def _linear(subject: Subject, section: Section) -> None:
    word = dimension_words(subject.output)[-1]
    section.steps.append(Step(f"out {word}", "out_features, as asked for", "", subject.output[-1]))
    if len(subject.output) > 1:
        section.notes.append(f"At each of {times(*subject.output[:-1])} positions by itself.")


def _flatten(subject: Subject, section: Section) -> None:
    (before,) = subject.inputs
    if before == subject.output:
        _as_it_is(subject, section)
        return
    start = _option(subject, "start_dim")
    first = start - 1 if start >= 0 else start + len(before)
    merged = slice(first, first + len(before) - len(subject.output) + 1)
    words, sizes = dimension_words(before)[merged], before[merged]
    remark = "features" if len(subject.output) == 1 else ""
    section.steps.append(Step("out", " x ".join(words), times(*sizes), prod(sizes), remark))
    if not remark:
        section.notes.append(f"The other sizes stay: {shape_text(before)} to {shape_text(subject.output)}.")


def _permuted(subject: Subject, section: Section) -> None:
    (before,) = subject.inputs
    old, new = (" x ".join(dimension_words(shape)) for shape in (before, subject.output))
    shapes = f"{shape_text(before)} to {shape_text(subject.output)}"
    section.notes.append(f"{shapes}: {old} to {new}. Only the order of the dimensions changes.")


def _reduced(subject: Subject, section: Section) -> None:
    (before,) = subject.inputs
    given: Any = subject.layer
    dims = given.dim if isinstance(given.dim, tuple) else (given.dim,)
    words = [dimension_words(before)[dim_index(subject.layer.type, dim, before)] for dim in dims]
    verb = "is" if len(words) == 1 and words[0] != "channels" else "are"
    left = f"{verb} of size 1" if given.keepdim else f"{verb} gone"
    section.notes.append(f"{shape_text(before)} to {shape_text(subject.output)}: {all_of(words)} {left}.")


def _split(subject: Subject, section: Section) -> None:
    (before,) = subject.inputs
    if before == subject.output:
        _as_it_is(subject, section)
        return
    old, new = (" x ".join(dimension_words(shape)) for shape in (before, subject.output))
    shapes = f"{shape_text(before)} to {shape_text(subject.output)}"
    section.notes.append(f"{shapes}: {old} to {new}. One dimension is taken apart, no value moves.")


def _shuffled(subject: Subject, section: Section) -> None:
    groups = _option(subject, "groups")
    each = subject.output[0] // groups
    section.notes.append(
        f"{shape_text(subject.output)}: the channels in another order, the first of each of {groups:,} groups of "
        f"{each:,}, then the second of each, and so on."
    )


def _attended(subject: Subject, section: Section) -> None:
    before, after = " and ".join(shape_text(shape) for shape in subject.inputs), shape_text(subject.output)
    words = " x ".join(dimension_words(subject.output))
    section.notes.append(
        f"{before} to {after} ({words}): the positions of the queries, with the channels of the values."
    )


def _option(subject: Subject, name: str) -> int:
    value: Any = getattr(subject.layer, name)
    return int(value)


RULES: dict[str, Rule] = {
    "add": _elementwise,
    "multiply": _elementwise,
    **dict.fromkeys(("subtract", "divide", "maximum", "minimum", "weighted_add"), _elementwise),
    "concat": _concat,
    "narrow": _narrow,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    "glu": _halved,
    "linear": _linear,
    "flatten": _flatten,
    "unflatten": _split,
    "channel_shuffle": _shuffled,
    "attention_op": _attended,
    "window_attention_op": _attended,
    "channels_last": _permuted,
    "channels_first": _permuted,
    "permute": _permuted,
    "transpose": _permuted,
    **dict.fromkeys(("mean", "sum", "amax", "vector_norm"), _reduced),
}
"""By layer type."""
