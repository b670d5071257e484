"""Products of values as matrices, and attention between values."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import Arguments, Named, Rule, by_name, only_value
from archlab.torch.importing.rules.biases import biased


def _matmul(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input other", args, kwargs)
    values = [only_value(recorder, options.get(name)) for name in ("input", "other" if "other" in options else "mat2")]
    recorder.add("matmul", {}, values, result)


def _attention(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("query key value attn_mask dropout_p is_causal", args, kwargs)
    if options.get("is_causal") or options.get("enable_gqa"):
        raise UnsaidError("attention with a causal mask")
    if options.get("dropout_p"):
        raise UnsaidError("it drops values in eval mode too")
    values = [only_value(recorder, options[name]) for name in ("query", "key", "value")]
    scale, mask = options.get("scale"), options.get("attn_mask")
    if mask is not None:
        factor = options["query"].shape[-1] ** -0.5 if scale is None else float(scale)
        _with_bias(recorder, values, factor, mask, result)
        return
    own = {} if scale is None else {"scale": float(scale)}
    recorder.add("scaled_dot_product_attention", own, values, result)


def _with_bias(recorder: Recorder, values: list[int], scale: float, bias: Any, result: Tensor) -> None:
    """Written out, since the bias is one of the scores: they have a form of their own only there."""
    given = recorder.value(bias)
    if given is None and (not isinstance(bias, Tensor) or not recorder.made_of(bias)):
        raise UnsaidError("attention with a mask")
    query, key, value = values
    last = len(recorder.shape(key))
    turned = recorder.add("transpose", {"dim0": last - 1, "dim1": last}, (key,))
    scores = recorder.add("matmul", {}, (recorder.add("scale", {"factor": scale}, (query,)), turned))
    if given is None:
        scores = biased(recorder, scores, bias, None)
    else:
        differ = tuple(recorder.shape(scores)) != tuple(recorder.shape(only_value(recorder, bias)))
        scores = recorder.add("add", {"stretch": True} if differ else {}, (scores, given))
    weights = recorder.add("softmax", {"dim": -1}, (scores,))
    recorder.add("matmul", {}, (weights, value), result)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("matmul", "bmm"), _matmul),
    "scaled_dot_product_attention": _attention,
}
