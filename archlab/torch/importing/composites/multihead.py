"""`torch.nn.MultiheadAttention` of tokens to themselves, which calls one function for all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.composites.places import Folded, along_rows
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
    parts: Sequence[Folded],
) -> Folded:
    """`multi_head_attention_forward(query, key, value, ...)`, (tokens, samples, channels) to itself.

    Args:
        recorder: what has been called.
        args: of the call.
        kwargs: of the call.
        value: whose rows enter.
        rows: (tokens, samples).
        parts: queries, keys and values.

    Raises:
        UnsaidError: if it is attention to something else, or has a mask.
    """
    given = dict(zip(_NAMES, args, strict=False)) | dict(kwargs)
    shape = recorder.shape(value)
    if any(one.value != parts[0].value or not one.places.equal(parts[0].places) for one in parts):
        raise UnsaidError("attention to other tokens")
    if any(given.get(name) is not None and given.get(name) is not False for name in _ABSENT):
        raise UnsaidError("attention with a mask, or with further keys")
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
