"""Interpolation and shuffles by functions."""

from __future__ import annotations

from typing import Any

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import Arguments, Named, Rule, by_name, listed, only_value, rank_of


def _interpolate(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    names = "input size scale_factor mode align_corners recompute_scale_factor antialias"
    options = by_name(names, args, kwargs)
    tensor, mode, factor = options["input"], options.get("mode", "nearest"), options.get("scale_factor")
    rank_of(tensor)
    if options.get("antialias") or mode == "area":
        raise UnsaidError("it averages over areas")
    own: dict[str, Any] = {} if mode == "nearest" else {"mode": mode}
    if factor is None or options.get("recompute_scale_factor"):
        own["size"] = tuple(result.shape[2:])
    else:
        factor = listed(factor)
        own["scale_factor"] = tuple(map(float, factor)) if isinstance(factor, tuple) else float(factor)
    if options.get("align_corners"):
        own["align_corners"] = True
    recorder.add("upsample", own, (only_value(recorder, tensor),), result)


def _shuffle(layer_type: str, name: str) -> Rule:
    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        options = by_name(f"input {name}", args, kwargs)
        recorder.add(layer_type, {name: options[name]}, (only_value(recorder, options["input"]),), result)

    return rule


RULES: dict[str, Rule] = {
    **dict.fromkeys(("interpolate", "upsample"), _interpolate),
    "pixel_shuffle": _shuffle("pixel_shuffle", "upscale_factor"),
    "pixel_unshuffle": _shuffle("pixel_unshuffle", "downscale_factor"),
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), _shuffle("channel_shuffle", "groups")),
}
