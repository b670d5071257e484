"""Resize, where it reads the positions that PyTorch's interpolation reads."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from archlab.imports.onnx.net import Net
from archlab.imports.onnx.rules.rule import Rule, axes_count
from archlab.imports.onnx.source import Node, tidy
from archlab.imports.unsaid import UnsaidError

MOST_POSITIONS = 1 << 15
"""Along an axis, that are compared one by one."""
_MODES = {"linear": {1: "linear", 2: "bilinear", 3: "trilinear"}, "cubic": {2: "bicubic"}}
_HALF_PIXEL = ("half_pixel", "pytorch_half_pixel")


def _resize(net: Net, node: Node) -> None:
    rank = axes_count(net, node)
    before, behind = net.sizes(node), net.result(node)
    if before[:2] != behind[:2]:
        raise UnsaidError("it makes other channels")
    mode, place = node.text("mode", "nearest"), node.text("coordinate_transformation_mode", "half_pixel")
    if node.op == "Upsample":
        place = "asymmetric"
    if node.integer("antialias", 0) or node.integer("exclude_outside", 0):
        raise UnsaidError("it has antialias or exclude_outside")
    factors = _factors(net, node, rank)
    options: dict[str, object] = {"size": behind[2:]} if factors is None else {"scale_factor": factors}
    if mode == "nearest":
        layer_mode = _nearest(node, place, before[2:], behind[2:], factors)
    else:
        layer_mode = _between(node, mode, place, rank, (before, behind))
        options["align_corners"] = True if place == "align_corners" else None
    net.put(node, "upsample", options | {"mode": layer_mode}, (net.data(node),))


def _factors(net: Net, node: Node, rank: int) -> tuple[float, ...] | None:
    """The scale of each axis; None where sizes are given.

    Raises:
        UnsaidError: if it is not known.
    """
    place = 1 if node.op == "Upsample" or len(node.inputs) == 2 else 2
    scales = net.value(node, place)
    if scales is None or scales.sizes == (0,):
        return None
    if scales.array is None or scales.array.size not in (rank, rank + 2):
        raise UnsaidError("its scales are not known")
    return tuple([tidy(float(one)) for one in scales.array.ravel()[-rank:]])


def _between(node: Node, mode: str, place: str, rank: int, sizes: tuple[tuple[int, ...], tuple[int, ...]]) -> str:
    """PyTorch's mode for values between positions.

    Raises:
        UnsaidError: if it has none that reads the same.
    """
    found = _MODES.get(mode, {}).get(rank)
    if found is None:
        raise UnsaidError(f"PyTorch has no interpolation '{mode}' of {rank} axes")
    stays = all(one == other for one, other in zip(*[size[2:] for size in sizes], strict=True))
    if place not in (*_HALF_PIXEL, "align_corners") and not stays:
        raise UnsaidError(f"PyTorch has no interpolation with coordinates '{place}'")
    if place == "pytorch_half_pixel" and any(
        one == 1 < other for one, other in zip(sizes[1][2:], sizes[0][2:], strict=True)
    ):
        raise UnsaidError("it makes one position of several by 'pytorch_half_pixel'")
    if mode == "cubic" and node.number("cubic_coeff_a", -0.75) != -0.75:
        raise UnsaidError("its cubic_coeff_a is not PyTorch's -0.75")
    return found


def _nearest(
    node: Node, place: str, before: tuple[int, ...], behind: tuple[int, ...], factors: tuple[float, ...] | None
) -> str:
    """PyTorch's mode that takes the same positions along each axis.

    Raises:
        UnsaidError: if there is none.
    """
    rounding = node.text("nearest_mode", "round_prefer_floor") if node.op == "Resize" else "floor"
    for mode in ("nearest", "nearest-exact"):
        torch_place, torch_rounding = _TORCH[mode]
        if all(
            _taken(place, rounding, one, other, factor) == _taken(torch_place, torch_rounding, one, other, factor)
            for one, other, factor in zip(before, behind, factors or (None,) * len(before), strict=True)
        ):
            return mode
    raise UnsaidError(f"PyTorch takes no nearest positions by '{place}' and '{rounding}'")


_TORCH = {"nearest": ("asymmetric", "floor"), "nearest-exact": ("half_pixel", "round_prefer_ceil")}


def _taken(place: str, rounding: str, before: int, behind: int, factor: float | None) -> list[int]:
    """The positions that are taken along an axis, in exact arithmetic.

    Raises:
        UnsaidError: if they are too many, or cannot be told.
    """
    if behind > MOST_POSITIONS:
        raise UnsaidError("it has too many positions")
    step = Fraction(before, behind) if factor is None else 1 / Fraction(factor).limit_denominator(1 << 16)
    if place in _HALF_PIXEL:
        start = (step - 1) / 2
    elif place == "asymmetric":
        start = Fraction(0)
    elif place == "align_corners":
        start, step = Fraction(0), Fraction(before - 1, max(1, behind - 1))
    else:
        raise UnsaidError(f"PyTorch has no coordinates '{place}'")
    round_off = _ROUNDINGS.get(rounding)
    if round_off is None:
        raise UnsaidError(f"there is no rounding '{rounding}'")
    return [min(max(round_off(start + position * step), 0), before - 1) for position in range(behind)]


_HALF = Fraction(1, 2)
_ROUNDINGS = {
    "floor": floor,
    "ceil": ceil,
    "round_prefer_floor": lambda number: ceil(number - _HALF),
    "round_prefer_ceil": lambda number: floor(number + _HALF),
}

RULES: dict[str, Rule] = {"Resize": _resize, "Upsample": _resize}
