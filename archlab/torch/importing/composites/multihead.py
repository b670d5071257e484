"""`torch.nn.MultiheadAttention`, which calls one function for all of it: of tokens to themselves, or to others.

The weights of queries, keys and values are one tensor. Where these are projected from several values, each layer has
some of its rows (`imports.parts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.composites.places import Folded, along_rows, as_tokens
from archlab.torch.importing.composites.windows import windows_of
from archlab.torch.importing.recorder import Recorder

_NAMES = (
    *("query", "key", "value", "embed_dim_to_check", "num_heads", "in_proj_weight", "in_proj_bias", "bias_k", "bias_v"),
    *("add_zero_attn", "dropout_p", "out_proj_weight", "out_proj_bias", "training", "key_padding_mask", "need_weights"),
    *("attn_mask", "use_separate_proj_weight"),
)
_ABSENT = (
    "bias_k",
    "bias_v",
    "key_padding_mask",
    "attn_mask",
    "add_zero_attn",
    "use_separate_proj_weight",
    "is_causal",
)


def multihead(
    recorder: Recorder,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    value: int,
    rows: Tensor,
) -> Folded:
    """`multi_head_attention_forward(query, key, value, ...)`, (tokens, samples, channels) to itself.

    Args:
        recorder: what has been called.
        args: of the call.
        kwargs: of the call.
        value: whose rows enter.
        rows: (tokens, samples).

    Raises:
        UnsaidError: if it is attention among others than a sample's tokens, or has a mask.
    """
    given, shape = _given(args, kwargs), recorder.shape(value)
    if windows_of(rows.transpose(0, 1), recorder.batch, shape, ordered=False) != {}:
        raise UnsaidError("attention among other tokens than those of a sample")
    options = {
        "num_heads": given["num_heads"],
        "qkv_bias": given["in_proj_bias"] is not None,
        "proj_bias": given["out_proj_bias"] is not None,
        "attn_drop": float(given["dropout_p"]),
    }
    tensors = {
        "qkv.weight": given["in_proj_weight"],
        "qkv.bias": given["in_proj_bias"],
        "proj.weight": given["out_proj_weight"],
        "proj.bias": given["out_proj_bias"],
    }
    path = recorder.running[-1][1].path or None
    made = recorder.add("self_attention", options, (value,), None, tensors=tensors, path=path)
    return Folded(made, along_rows(rows, shape[-1]))


def _given(args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(zip(_NAMES, args, strict=False)) | dict(kwargs)
    if any(given.get(name) is not None and given.get(name) is not False for name in _ABSENT):
        raise UnsaidError("attention with a mask, or with further keys")
    return given


def is_of_one(parts: Sequence[Folded]) -> bool:
    """Whether queries, keys and values are one."""
    return all(one.value == parts[0].value and one.places.equal(parts[0].places) for one in parts)


def multihead_of_several(
    recorder: Recorder, args: Sequence[Any], kwargs: Mapping[str, Any], parts: Sequence[tuple[int, Tensor]]
) -> Folded:
    """The same of queries, keys and values that are several values.

    Args:
        recorder: what has been called.
        args: of the call.
        kwargs: of the call.
        parts: values whose rows enter, and these, (tokens, samples).

    Raises:
        UnsaidError: if they are not all of a sample's tokens in order, or there is a mask.
    """
    given = _given(args, kwargs)
    if not all(_are_in_order(rows, recorder.batch) for _, rows in parts):
        raise UnsaidError("attention among other tokens than those of a sample, in order")
    width, heads = given["embed_dim_to_check"], given["num_heads"]
    merged = {value: as_tokens(recorder, value) for value, _ in parts}
    made = [_heads(recorder, given, merged[value], number) for number, (value, _) in enumerate(parts)]
    found = _attended(recorder, made, float(given["dropout_p"]), (width // heads) ** -0.5)
    joined = recorder.add("flatten", {"start_dim": 2}, (_turned(recorder, found, 1),))
    tensors = {"weight": given["out_proj_weight"], "bias": given["out_proj_bias"]}
    options = {"out_features": width, "bias": given["out_proj_bias"] is not None}
    projected = recorder.add("linear", options, (joined,), tensors=tensors, path=recorder.path_here("out_proj"))
    *axes, _ = recorder.shape(parts[0][0])
    if len(axes) > 1:
        projected = recorder.add("unflatten", {"dim": 1, "unflattened_size": tuple(axes)}, (projected,))
    return Folded(projected, along_rows(parts[0][1], width))


def _are_in_order(rows: Tensor, batch: int) -> bool:
    """Whether these are all tokens of each sample."""
    return rows.shape[1] == batch and torch.equal(rows, torch.arange(rows.numel()).reshape(batch, -1).T)


def _heads(recorder: Recorder, given: Mapping[str, Any], value: int, number: int) -> int:
    """Queries (0), keys or values, of each head: (heads, tokens, width)."""
    width, word = given["embed_dim_to_check"], "qkv"[number]
    rows = number * width, (number + 1) * width
    whole = {"weight": given["in_proj_weight"], "bias": given["in_proj_bias"]}
    tensors = {name: None if one is None else recorder.part(one, *rows) for name, one in whole.items()}
    options = {"out_features": width, "bias": whole["bias"] is not None}
    made = recorder.add("linear", options, (value,), tensors=tensors, path=recorder.path_here(word))
    split = (given["num_heads"], width // given["num_heads"])
    return _turned(recorder, recorder.add("unflatten", {"dim": 2, "unflattened_size": split}, (made,)), 1)


def _attended(recorder: Recorder, made: Sequence[int], dropout: float, scale: float) -> int:
    """Values summed up by what queries make of keys; written out where weights are left out in training."""
    if not dropout:
        return recorder.add("scaled_dot_product_attention", {}, made)
    query, key, value = made
    scores = recorder.add("scale", {"factor": scale}, (query,))
    scores = recorder.add("matmul", {}, (scores, _turned(recorder, key, 2)))
    weights = recorder.add("dropout", {"p": dropout}, (recorder.add("softmax", {"dim": -1}, (scores,)),))
    return recorder.add("matmul", {}, (weights, value))


def _turned(recorder: Recorder, value: int, dim: int) -> int:
    return recorder.add("transpose", {"dim0": dim, "dim1": dim + 1}, (value,))
