"""Products of values as matrices, and attention between values."""

from __future__ import annotations

from typing import Any

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import Arguments, Named, Rule, by_name, only_value


def _matmul(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input other", args, kwargs)
    values = [only_value(recorder, options.get(name)) for name in ("input", "other" if "other" in options else "mat2")]
    recorder.add("matmul", {}, values, result)


def _attention(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    names = "query key value attn_mask dropout_p is_causal"
    options = by_name(names, args, kwargs)
    if options.get("attn_mask") is not None or options.get("is_causal") or options.get("enable_gqa"):
        raise UnsaidError("attention with a mask or a bias")
    if options.get("dropout_p"):
        raise UnsaidError("it drops values in eval mode too")
    values = [only_value(recorder, options[name]) for name in ("query", "key", "value")]
    scale = options.get("scale")
    own = {} if scale is None else {"scale": float(scale)}
    recorder.add("scaled_dot_product_attention", own, values, result)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("matmul", "bmm"), _matmul),
    "scaled_dot_product_attention": _attention,
}
