"""What the page's script knows of a layer: options that it can compute with, else what each unit reads."""

from __future__ import annotations

from typing import Any

from archlab.explain.drawing.geometry import AxisSight, Sight
from archlab.explain.drawing.scene import Scene
from archlab.layers.geometry import Window
from archlab.layers.ranks import ranks
from archlab.layers.shape import AXIS_NAMES
from archlab.layers.sliding import sliding_size

POOLS = (*ranks("max_pool2d"), *ranks("avg_pool2d"))
SLIDING = (*ranks("conv2d"), *POOLS)
"""Layer types whose arithmetic the script does, where both sides are padded alike."""


def page_data(scene: Scene) -> dict[str, Any]:
    """A layer for the script, as plain values."""
    sight = scene.sight
    arithmetic = _arithmetic(scene)
    return {
        "names": list(AXIS_NAMES[scene.rank]),
        "arithmetic": arithmetic,
        "isPool": sight.layer.type in POOLS,
        "hasDilation": hasattr(sight.layer, "dilation"),
        "hasWeights": bool(sight.kernel),
        "axes": [_options(axis) if arithmetic else _table(axis) for axis in sight.axes],
        "read": [_moved(scene, sight)] if scene.is_deformable else [],
    }


def _arithmetic(scene: Scene) -> str:
    """`sliding` or `transposed`; empty where the script has no formula for the layer."""
    sight = scene.sight
    if scene.subject.is_transposed:
        return "transposed"
    plain = sight.layer.type in SLIDING and all(_is_plain(axis) for axis in sight.axes)
    return "sliding" if plain else ""


def _is_plain(axis: AxisSight) -> bool:
    """Whether its window slides over zeros alike on both sides."""
    window = axis.reads
    if not isinstance(window, Window) or window.mode != "zeros" or window.padding < 0:
        return False
    return sliding_size(axis.size, window.kernel, window.stride, 2 * window.padding, window.dilation) == axis.units


def _options(axis: AxisSight) -> dict[str, int]:
    if axis.kernel is not None:
        kernel, dilation, padding = axis.kernel
        extra = axis.units - ((axis.size - 1) * axis.step - 2 * padding + dilation * (kernel - 1) + 1)
        return {"size": axis.size, "kernel": kernel, "stride": axis.step, "padding": padding, "dilation": dilation,
                "extra": extra}  # fmt: skip
    window = axis.reads
    assert isinstance(window, Window)
    return {"size": axis.size, "kernel": window.kernel, "stride": window.stride, "padding": window.padding,
            "dilation": window.dilation, "extra": 0}  # fmt: skip


def _table(axis: AxisSight) -> dict[str, Any]:
    units = range(axis.units)
    return {
        "size": axis.size,
        "units": axis.units,
        "step": axis.step,
        "taps": [[list(tap) for tap in axis.taps(unit)] for unit in units],
        "reads": [axis.read(unit) for unit in units],
    }


def _moved(scene: Scene, sight: Sight) -> dict[str, list[list[int]]]:
    """Of a deformable convolution with its made-up offsets: by unit, the positions that it reads."""
    return {",".join(map(str, unit)): [list(at) for at in scene.frame(unit).read] for unit in sight.units()}
