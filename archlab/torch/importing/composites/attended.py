"""Attention told by where queries, keys and values come from: `self_attention`, once it is projected.

What is compared: the places of every query, key and value with those that archlab's own modules have, the scale, that
there is no mask but that of shifted windows, and the shape of a table of relative positions. The numbers in such a
table's index and in a mask are not looked at, since a pass has none; `prove` compares outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from archlab.imports.flat import Item
from archlab.imports.unsaid import UnsaidError
from archlab.layers.laid import ChannelsLast
from archlab.layers.shape import Shape
from archlab.torch.importing.composites.places import Folded, Pending, along_rows, numbered, origin, rows_of
from archlab.torch.importing.composites.scores import Scores
from archlab.torch.importing.composites.windows import PARTS, Heads, heads_of, windows_of
from archlab.torch.importing.recorder import Recorder

_BETWEEN = frozenset({"flatten", "unflatten", "permute", "transpose", "narrow", "scale"})
"""Layers between the projection to queries, keys and values and their attention, which the whole has inside."""


def attended(recorder: Recorder, parts: Sequence[Folded], scores: Scores, shape: Sequence[int]) -> Folded:
    """Attention, pending until it is projected.

    Args:
        recorder: what has been called.
        parts: queries, keys and values, of the value that their views were made of.
        scores: what is done between.
        shape: of the tensor that comes out.

    Raises:
        UnsaidError: if it is none of archlab's.
    """
    projected = parts[0].value
    item = recorder.items[projected - recorder.first] if projected >= recorder.first else None
    is_one = item is not None and item.type == "linear" and item.share is None
    if (
        item is None
        or not is_one
        or any(one.value != projected or one.pending for one in parts)
        or parts[2].factor != 1
    ):
        raise UnsaidError("queries, keys and values do not come from one linear layer")
    inner = recorder.shape(projected)[-1] // PARTS
    query, key, value = (_of_groups(one.places) for one in parts)
    heads = heads_of(query, key, value, inner)
    if heads is None:
        raise UnsaidError("queries, keys and values lie in another order")
    factor = scores.factor * parts[0].factor * parts[1].factor
    if abs(factor * heads.width**0.5 - 1) > 1e-6:
        raise UnsaidError(f"attention is scaled by {factor:.4g}, not by one over the root of {heads.width}")
    pending = _pending(recorder, item, heads, scores)
    places = along_rows(heads.rows, inner).reshape(*heads.rows.shape, heads.num_heads, heads.width).transpose(1, 2)
    return Folded(projected, places.reshape(tuple(shape)), pending=pending)


def _of_groups(places: Tensor) -> Tensor:
    """Places of (groups, heads, tokens, width); of one head where the tensor has no dimension for them."""
    return places.flatten(0, -4) if places.dim() > 3 else places.unsqueeze(1)


def _pending(recorder: Recorder, item: Item, heads: Heads, scores: Scores) -> Pending:
    projected = recorder.items.index(item) + recorder.first
    shape, on_map = recorder.shape(projected), False
    if scores.learned and not isinstance(shape, ChannelsLast):
        shape, on_map = _map_of(recorder, item.inputs[0]), True
    windows = windows_of(heads.rows, recorder.batch, shape, ordered=bool(scores.learned))
    if windows is None:
        raise UnsaidError("attention in groups that are no windows")
    if "shift_size" in windows and not (scores.has_constants or scores.learned):
        raise UnsaidError("attention in shifted windows without a mask")
    if scores.has_constants and "shift_size" not in windows:
        raise UnsaidError("attention with a mask")
    table = _position_table(recorder, scores, windows, shape[:-1], heads.num_heads)
    options: dict[str, Any] = {
        "num_heads": heads.num_heads,
        "head_first": heads.head_first,
        "fused": scores.is_fused,
        "attn_drop": scores.dropout,
        "relative_position": bool(table),
        **windows,
    }
    if heads.num_heads * heads.width != recorder.shape(item.inputs[0])[-1]:
        options["head_dim"] = heads.width
    return Pending(projected, options, table, on_map)


def _map_of(recorder: Recorder, value: int) -> Shape:
    """The shape of the map that tokens are of, which relative positions are those of."""
    whole = origin(recorder, value)
    shape = recorder.shape(whole.value)
    is_same = torch.equal(numbered(recorder.batch, shape).reshape(-1), whole.places.reshape(-1))
    if not isinstance(shape, ChannelsLast) or whole.factor != 1 or not is_same:
        raise UnsaidError("relative positions of tokens that are those of no map")
    return shape


def _position_table(
    recorder: Recorder, scores: Scores, windows: Mapping[str, Any], size: Sequence[int], heads: int
) -> dict[str, Tensor]:
    """The learned biases for relative positions; none where nothing learned was added."""
    if not scores.learned:
        return {}
    window = windows.get("window_size")
    sides = [axis // windows.get("dilation", 1) for axis in size]
    if window is not None:
        sides = [window] * len(size) if isinstance(window, int) else list(window)
    places = prod([2 * side - 1 for side in sides])
    table = recorder.tensor(next(iter(scores.learned)))
    if len(scores.learned) > 1 or tuple(table.shape) != (places, heads):
        raise UnsaidError(f"what is added to scores is no table of {places} relative positions by {heads} heads")
    return {"attention.relative_position_bias_table": table}


def project(recorder: Recorder, folded: Folded, weight: Tensor, bias: Tensor | None) -> tuple[int, Tensor]:
    """The projection that ends attention: the whole becomes one layer.

    Returns:
        Its value, and the rows of that which the tensor in front of the projection had.

    Raises:
        UnsaidError: if something else is between.
    """
    pending = folded.pending
    assert pending is not None
    start = pending.projected - recorder.first
    item, *others = recorder.items[start:]
    rows = rows_of(folded.places, recorder.shape(pending.projected)[-1] // PARTS)
    if rows is None or any(one.type not in _BETWEEN for one in others):
        raise UnsaidError("attention that is not projected at once")
    source = origin(recorder, item.inputs[0]).value if pending.on_map else item.inputs[0]
    options = {**pending.options, "qkv_bias": "bias" in item.tensors, "proj_bias": bias is not None}
    if weight.shape[0] != recorder.shape(source)[-1]:
        options["dim_out"] = weight.shape[0]
    tensors: dict[str, Tensor | None] = {f"qkv.{own}": recorder.tensor(name) for own, name in item.tensors.items()}
    tensors |= {"proj.weight": weight, "proj.bias": bias, **pending.tensors}
    path = _common_path([*item.tensors.values(), recorder.tensor_name(weight) or ""])
    recorder.drop(start)
    return recorder.add("self_attention", options, (source,), None, tensors=tensors, path=path), rows


def _common_path(names: Sequence[str]) -> str | None:
    """The module that holds all tensors; None where that is the whole."""
    common: list[str] = []
    for words in zip(*[name.split(".") for name in names], strict=False):
        if len(set(words)) > 1:
            break
        common.append(words[0])
    return ".".join(common) or None
