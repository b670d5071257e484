"""Pooling and paddings by functions, windows as columns and back."""

from __future__ import annotations

from math import inf, isfinite
from typing import Any

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.layers.laid import ChannelsLast
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import Arguments, Named, Rule, by_name, given_only, only_value, rank_of


def _pool(kind: str, names: str) -> Rule:
    """A pooling whose options are PyTorch's own."""

    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        options = by_name(f"input {names}", args, kwargs)
        if not isinstance(result, Tensor):
            raise UnsaidError("it gives where the values were, too")
        if options.get("stride") in ((), []):  # the kernel's
            options["stride"] = None
        own = given_only(options, *[name for name in names.split() if name != "return_indices"])
        layer = f"{kind}{rank_of(options['input'])}d"
        walls = recorder.walls(options["input"]) if kind == "max_pool" else ()
        value = recorder.value(options["input"]) if walls else only_value(recorder, options["input"])
        assert value is not None
        recorder.add(layer, own | _walled(walls, own), (value,), result)

    return rule


def _walled(walls: tuple[int, ...], options: Named) -> dict[str, Any]:
    """The padding of a maximum that minus infinity stands for: what stands behind only is what `ceil_mode` takes.

    Raises:
        UnsaidError: if it is padded beside.
    """
    if not walls:
        return {}
    padding = options.get("padding", 0)
    if options.get("ceil_mode") or any(padding if isinstance(padding, tuple) else (padding,)):
        raise UnsaidError("it is padded twice")
    before = walls[::2][::-1]
    return {"padding": before if len(set(before)) > 1 else before[0], "ceil_mode": walls[::2] != walls[1::2]}


_MAX = _pool("max_pool", "kernel_size stride padding dilation ceil_mode return_indices")
_AVG = _pool("avg_pool", "kernel_size stride padding ceil_mode count_include_pad divisor_override")
_LP = _pool("lp_pool", "norm_type kernel_size stride ceil_mode")


def _adaptive_pool(kind: str) -> Rule:
    def rule(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
        options = by_name("input output_size", args, kwargs)
        if not isinstance(result, Tensor):
            raise UnsaidError("it gives where the values were, too")
        size = tuple(result.shape[2:])
        layer = f"adaptive_{kind}_pool{rank_of(options['input'])}d"
        own = {"output_size": size[0] if len(set(size)) == 1 else size}
        recorder.add(layer, own, (only_value(recorder, options["input"]),), result)

    return rule


def _columns(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    """`unfold(input, kernel_size, dilation, padding, stride)` of a map; a tensor's method gives another shape."""
    options = by_name("input kernel_size dilation padding stride", args, kwargs)
    own = given_only(options, "kernel_size", "dilation", "padding", "stride")
    recorder.add("unfold", own, (only_value(recorder, options["input"]),), result)


def _map_of_columns(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    """`fold(input, output_size, kernel_size, dilation, padding, stride)`."""
    options = by_name("input output_size kernel_size dilation padding stride", args, kwargs)
    own = given_only(options, "output_size", "kernel_size", "dilation", "padding", "stride")
    recorder.add("fold", own, (only_value(recorder, options["input"]),), result)


def _pad(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    """`pad(input, pad, mode, value)`, the last dimension first."""
    options = by_name("input pad mode value", args, kwargs)
    tensor, sides = options["input"], tuple(options["pad"])
    mode, number = options.get("mode", "constant"), options.get("value") or 0.0
    value, rank = only_value(recorder, tensor), rank_of(tensor)
    if any(sides) and isinstance(recorder.shape(value), ChannelsLast) and not any(sides[:2]):
        _pad_channels_last(recorder, value, (tensor, sides[2:], mode, number), result)
        return
    if not any(sides):
        recorder.bind(result, value)
        return
    axes, channels = sides[: 2 * rank], sides[2 * rank :]
    if any(channels):
        if any(axes) or len(channels) > 2 or min(channels) < 0 or mode != "constant" or number:
            raise UnsaidError("it pads channels and more, or not with zeros")
        recorder.add("pad_channels", {"before": channels[0], "after": channels[1]}, (value,), result)
        return
    own: dict[str, Any] = {"padding": axes + (0,) * (2 * rank - len(axes))}
    word = _PADDINGS.get(mode)
    if mode == "constant" and number == -inf and min(axes) >= 0 and len(axes) == 2 * rank:
        recorder.wall(result, value, axes)
        return
    if word is None or not isfinite(number):
        raise UnsaidError(f"it pads with {number if mode == 'constant' else mode}")
    if word == "zero" and number:
        word, own["value"] = "constant", float(number)
    recorder.add(f"{word}_pad{rank}d", own, (value,), result)


def _pad_channels_last(recorder: Recorder, value: int, given: tuple[Tensor, Any, str, float], result: Tensor) -> None:
    """Of a map with its channels last: as one with its channels first."""
    tensor, sides, mode, number = given
    before, behind = tensor.movedim(-1, 1), result.movedim(-1, 1)
    recorder.bind(before, recorder.add("channels_first", {}, (value,)))
    _pad(recorder, (before, sides, mode, number), {}, behind)
    padded = recorder.value(behind)
    if padded is None or not recorder.fits(behind):
        raise UnsaidError("it pads with infinity")
    recorder.add("channels_last", {}, (padded,), result)


_PADDINGS = {"constant": "zero", "reflect": "reflection", "replicate": "replication", "circular": "circular"}

RULES: dict[str, Rule] = {
    **dict.fromkeys([f"max_pool{rank}d" for rank in (1, 2, 3)], _MAX),
    **dict.fromkeys([f"avg_pool{rank}d" for rank in (1, 2, 3)], _AVG),
    **dict.fromkeys([f"lp_pool{rank}d" for rank in (1, 2, 3)], _LP),
    **dict.fromkeys([f"adaptive_avg_pool{rank}d" for rank in (1, 2, 3)], _adaptive_pool("avg")),
    **dict.fromkeys([f"adaptive_max_pool{rank}d" for rank in (1, 2, 3)], _adaptive_pool("max")),
    "pad": _pad,
    "unfold": _columns,
    "fold": _map_of_columns,
}
