"""What the dimensions of an opaque layer's output hold, as far as sizes show it: so that what is behind it is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

from archlab.layers.laid import positions_of, roles_of
from archlab.layers.opaque import LAYOUTS, Opaque
from archlab.layers.shape import FLAT_AXES, Shape, ShapeError, axis_count

MOST_CLASS_TOKENS = 8
"""Tokens beyond those of the positions that are taken for tokens of none."""


def laid_out(options: Mapping[str, Any], inputs: Sequence[Shape], rank: int) -> tuple[dict[str, Any], Shape]:
    """The options of an opaque layer with the likeliest layout, and the shape that it gives.

    Args:
        options: of the layer, `output` among them, without a layout.
        inputs: shapes that enter.
        rank: axes of the network's input.
    """
    word = likeliest(inputs[0], tuple(options["output"]), rank)
    found = shape_with(options, inputs, word)
    if found is not None and axis_count(found) not in (0, rank or FLAT_AXES):  # other axes than the network's input has
        word, found = "features", shape_with(options, inputs, "features")
    chosen = dict(options) if word is None else {"output": options["output"], "layout": word, **options}
    return (chosen, found) if found is not None else (dict(options), tuple(options["output"]))


def likeliest(source: Shape, sizes: tuple[int, ...], rank: int) -> str | None:
    """The layout that sizes speak for; None for that of the input."""
    positions = positions_of(source)
    if sizes == tuple(source):
        return None
    if not any(roles_of(source)):
        return None if len(sizes) in (1, (rank or FLAT_AXES) + 1) and len(source) == 1 else "features"
    if len(sizes) == len(positions) + 1:
        first, last = _likeness(positions, sizes[1:]), _likeness(positions, sizes[:-1])
        if first == last:
            return None if len(sizes) == len(source) else "channels_first"
        return "channels_first" if first > last else "channels_last"
    if len(sizes) == 2 and 0 <= sizes[0] - prod(positions) <= MOST_CLASS_TOKENS:
        return "tokens"
    return None


def _likeness(positions: tuple[int, ...], sizes: tuple[int, ...]) -> int:
    """2 for equal sizes, 1 for all of them smaller or larger by the same factor, else 0."""
    if positions == sizes:
        return 2
    ratios = {one / other for one, other in zip(positions, sizes, strict=True)}
    return int(len(ratios) == 1)


def shape_with(options: Mapping[str, Any], inputs: Sequence[Shape], layout: str | None) -> Shape | None:
    """The shape that an opaque layer gives in a layout; None where its output cannot have it."""
    declared = {"output": options["output"], "layout": layout}
    try:
        return Opaque(**declared).out_shape(tuple(inputs))
    except ShapeError:
        return None


def others(options: Mapping[str, Any], inputs: Sequence[Shape]) -> Iterator[tuple[dict[str, Any], Shape]]:
    """The options with each other layout that the output can have, and the shape that it gives then."""
    plain = {name: value for name, value in options.items() if name != "layout"}
    for word in LAYOUTS:
        shape = None if word == options.get("layout") else shape_with(plain, inputs, word)
        if shape is not None:
            yield {"output": plain["output"], "layout": word, **plain}, shape
