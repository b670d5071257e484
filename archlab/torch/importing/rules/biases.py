"""Learned biases for relative positions, added to the scores of attention.

What is compared: the shapes of the scores and of the table that the bias was made of. The numbers in a table's index
are not looked at, since a pass has none; `prove` compares outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt, prod
from typing import Any

from torch import Tensor, nn

from archlab.imports.unsaid import UnsaidError
from archlab.layers.laid import positions_of
from archlab.torch.importing.recorder import Recorder


def biased(recorder: Recorder, value: int, bias: Tensor, result: Tensor | None) -> int:
    """Scores (heads, queries, keys) and a bias that was made of a table.

    Raises:
        UnsaidError: if it is of no such table.
    """
    names = [name for name in recorder.made_of(bias) if isinstance(recorder.tensor(name), nn.Parameter)]
    shape = recorder.shape(value)
    sizes = tuple(bias.shape[-3:])
    is_alike = len(shape) >= 3 and sizes == tuple(shape[-3:]) and prod(bias.shape) == prod(sizes)
    if len(names) > 1 and is_alike and recorder.position_rows is not None:
        rows, size = recorder.position_rows(bias, value)
        recorder.worked -= recorder.made_of(bias)  # they are some sample's work now
        return recorder.add("relative_position_scores", {"size": size}, (value, rows), result)
    if len(names) == 1 and tuple(shape[-2:]) == sizes[-2:] and prod(bias.shape) == prod(sizes[-2:]):
        return _of_one_head(recorder, value, bias, result)
    if len(names) != 1 or len(shape) < 3 or sizes != tuple(shape[-3:]) or prod(bias.shape) != prod(sizes):
        raise UnsaidError("add with what does not come from an input")
    table = recorder.tensor(names[0])
    for options, wanted in _forms(sizes, positions_of(shape)):
        if tuple(table.shape) in wanted:
            tensors = {"relative_position_bias_table": table}
            return recorder.add("relative_position_bias", options, (value,), result, tensors=tensors)
    raise UnsaidError(f"add with a bias made of a table of {tuple(table.shape)}, which is none of relative positions")


def _of_one_head(recorder: Recorder, value: int, bias: Tensor, result: Tensor | None) -> int:
    """Scores (..., queries, keys), and a bias that is one head's of a table for several."""
    if recorder.head_rows is None:
        raise UnsaidError("add with what does not come from an input")
    rows, size = recorder.head_rows(bias, value)
    recorder.worked -= recorder.made_of(bias)
    dims, queries = len(recorder.shape(value)), recorder.shape(value)[-2]
    whole = recorder.add("unflatten", {"dim": dims - 1, "unflattened_size": (1, queries)}, (value,))
    summed = recorder.add("relative_position_scores", {"size": size, "relative": "distance"}, (whole, rows))
    return recorder.add("flatten", {"start_dim": dims - 1, "end_dim": dims}, (summed,), result)


def _forms(
    sizes: tuple[int, ...], positions: tuple[int, ...]
) -> Iterator[tuple[dict[str, Any], list[tuple[int, ...]]]]:
    """Options, and the shape that the table has then: of the map whose positions queries are, or of a square one."""
    heads, queries, keys = sizes
    side = isqrt(keys)
    maps = [positions] if prod(positions) == keys else []
    maps += [(side, side)] if side * side == keys else []
    for size in dict.fromkeys(maps):
        own: dict[str, Any] = {"size": size}
        if queries != keys:
            strides = [step for step in range(2, max(size)) if prod([-(-axis // step) for axis in size]) == queries]
            if not strides:
                continue
            own["stride"] = strides[0]
        differences = tuple([2 * axis - 1 for axis in size])
        yield own, [(prod(differences), heads)]
        yield own | {"relative": "distance"}, [(heads, prod(size))]
        yield own | {"relative": "key"}, [(heads, *differences)]
