"""Interpolation to another size, with the positions that PyTorch's kernels read."""

from __future__ import annotations

from array import array
from fractions import Fraction
from functools import lru_cache
from math import isfinite, prod
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from archlab.layers.base import Cost, Layer
from archlab.layers.fields import AnySizes, JsonSchema, any_listed_schema, axes_text
from archlab.layers.geometry import BROADCAST, IDENTITY, AxisReads, Phases, Reads, Window, taps_of
from archlab.layers.room import KEEPS_NOTHING
from archlab.layers.runtime import Runtime
from archlab.layers.shape import AXIS_NAMES, RANKS, Shape, ShapeError, axis_count, require_map, shape_text

MAX_FACTOR = 65_536
"""Largest scale factor, and the largest denominator of the fraction that one is taken for."""


_Factors = tuple[float, ...]
T = TypeVar("T", int, float)


def _factors(value: Any) -> float | _Factors | None:
    if value is None:
        return None
    each = value if isinstance(value, tuple | list) else (value,)
    if len(each) in RANKS and all(type(v) in (int, float) and isfinite(v) and 0 < v <= MAX_FACTOR for v in each):
        return tuple(map(float, each)) if isinstance(value, tuple | list) else float(value)
    raise PydanticCustomError(
        "scale_factor",
        "must be a number above 0 and at most {maximum}, or one for each axis ([height, width] of an image)",
        {"maximum": MAX_FACTOR},
    )


def _factor_schema() -> JsonSchema:
    factor: JsonSchema = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_FACTOR}
    return {"anyOf": [factor, any_listed_schema(factor), {"type": "null"}]}


Factors = Annotated[float | _Factors | None, BeforeValidator(_factors), WithJsonSchema(_factor_schema())]

Mode = Literal["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear"]

_MODE_AXES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
"""Modes for maps of so many axes only."""
_AXES_MODES = {1: "linear", 2: "bilinear or bicubic", 3: "trilinear"}

SMALL_OUTPUT = 128
"""Largest height + width for which PyTorch takes the way of small outputs (`_use_vectorized_kernel_cond_2d`)."""

MOST_EXACT = 1 << 24
"""Whole numbers below it are exact in single precision."""

_TAPS: dict[str, tuple[int, ...]] = {
    "nearest": (0,),
    "nearest-exact": (0,),
    "linear": (0, 1),
    "bilinear": (0, 1),
    "bicubic": (-1, 0, 1, 2),
    "trilinear": (0, 1),
}
"""What is read around the position at or before the source coordinate. On a position exactly, only that one."""


class Upsample(Layer):
    """Interpolation to a `size` or by a `scale_factor`; smaller than the input too.

    Shapes: (C, *axes) to (C, *size), or each axis times its scale_factor, rounded down. FLOPs per output element:
    nearest none; linear 3, bilinear 7, trilinear 15 and bicubic 31, the products and additions of a weighted sum of
    2, 4, 8 and 16 values (the weights are the same for all channels and not counted).
    """

    type: ClassVar[str] = "upsample"
    runs: ClassVar[Runtime] = Runtime(
        layout="format", gradient_layout="own format", training=KEEPS_NOTHING, autocast="float32"
    )
    alias: ClassVar[str] = "upsample"
    torch_class: ClassVar[str] = "Upsample"

    size: AnySizes = Field(None, description="Size of the output: a number, or one for each axis.")
    scale_factor: Factors = Field(None, description="Output size over input size, instead of 'size'.")
    mode: Mode = Field("nearest", description="How values between the positions are made.")
    align_corners: bool | None = Field(
        None,
        description="Map the corner positions onto one another, where values are made between them; null means false.",
    )

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (C, H', W')."""
        (shape,) = inputs
        require_map(self.type, shape, self.rank)
        if (self.size is None) == (self.scale_factor is None):
            given = "has neither 'size' nor 'scale_factor'" if self.size is None else "has 'size' and 'scale_factor'"
            raise ShapeError(
                f"{self.type} {given}", option="scale_factor", hint="write one of them, such as scale_factor: 2"
            )
        if self.align_corners is not None and self.mode.startswith("nearest"):
            raise ShapeError(
                f"{self.type}: align_corners has no meaning for mode '{self.mode}'",
                option="align_corners",
                hint=f"leave it out, or use mode: {_AXES_MODES[axis_count(shape)]}",
            )
        self._require_rank(axis_count(shape))
        return (shape[0], *[self._size(shape, axis) for axis in range(axis_count(shape))])

    def _require_rank(self, rank: int) -> None:
        """A mode for so many axes, and as many values as there are axes."""
        wanted = _MODE_AXES.get(self.mode, rank)
        if wanted != rank:
            raise ShapeError(
                f"{self.type}: mode '{self.mode}' is for maps of {axes_text(wanted)}, but the input has "
                f"{axes_text(rank)}",
                option="mode",
                hint=f"use mode: {_AXES_MODES[rank]}",
            )
        for option, value in (("size", self.size), ("scale_factor", self.scale_factor)):
            if isinstance(value, tuple) and len(value) != rank:
                raise ShapeError(
                    f"{self.type}: {option} has {len(value)} values, but the input has the axes {axes_text(rank)}",
                    option=option,
                    hint="write one number, or one for each axis",
                )

    def _size(self, shape: Shape, axis: int) -> int:
        factor = _of_axis(self.scale_factor, axis)
        if factor is None:
            size = _of_axis(self.size, axis)
            assert size is not None
            return size
        scaled = int(shape[1 + axis] * factor)
        if scaled < 1:
            raise ShapeError(
                f"{self.type}: scale_factor={factor:g} leaves nothing of the "
                f"{shape_text(shape)} map's {AXIS_NAMES[axis_count(shape)][axis]}",
                option="scale_factor",
            )
        return scaled

    def torch_arguments(self) -> dict[str, Any]:
        """As written; equal scale factors as one."""
        arguments = super().torch_arguments()
        if isinstance(self.scale_factor, tuple) and len(set(self.scale_factor)) == 1:
            arguments["scale_factor"] = self.scale_factor[0]
        return arguments

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """The positions with a weight: 1, up to 2 or up to 4 along an axis, in a pattern that repeats."""
        return (tuple([self._axis(inputs[0], output, axis) for axis in range(axis_count(output))]),)

    def _axis(self, shape: Shape, output: Shape, axis: int) -> Reads:
        in_size, out_size = shape[1 + axis], output[1 + axis]
        if in_size == 1:
            return BROADCAST
        if self._copies(shape[1:], output[1:], axis):
            return IDENTITY
        factor = _of_axis(self.scale_factor, axis)
        if self.align_corners:
            if out_size == 1:
                return Window(stride=in_size)
            step, start = Fraction(in_size - 1, out_size - 1), Fraction(0)
        else:
            step = Fraction(in_size, out_size) if factor is None else 1 / _fraction(factor)
            start = Fraction(0) if self.mode == "nearest" else (step - 1) / 2
        if self.mode.startswith("nearest") and not _is_exact(in_size, out_size, factor):
            taken = self._taken(in_size, out_size, factor, small=_is_small(output[1:]))
            origin, jump, scale = _coordinates(step, start, self.mode)
            if taken != [(origin + o * jump) // scale for o in range(out_size)]:  # where torch's rounding decides
                return Phases(out_size, in_size, tuple([(i,) for i in taken]))
        return _periodic(step, start, self.mode)

    def read_steps(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Nearest neighbours are compared with what single precision makes of them."""
        if not self.mode.startswith("nearest"):
            return 0
        axes = [
            (before, after)
            for axis, (before, after) in enumerate(zip(inputs[0][1:], output[1:], strict=True))
            if before > 1 and not _is_exact(before, after, _of_axis(self.scale_factor, axis))
        ]
        return 2 * sum(after for _, after in axes)

    def _taken(self, in_size: int, out_size: int, factor: float | None, *, small: bool) -> list[int]:
        """The position that PyTorch takes for each output: on a CPU, in single precision, the channels not behind.

        Outputs of a small height + width go by `nearest_idx` and `nearest_exact_idx` (UpSample.h), larger ones by
        `HelperInterpNearest` and `HelperInterpNearestExact` (UpSampleKernel.cpp), which round in other places.
        """
        if self.mode == "nearest" and small and out_size == 2 * in_size:
            return [position >> 1 for position in range(out_size)]
        scale = _single(_single(in_size) / out_size if factor is None else 1.0 / factor)
        # Products and differences are exact in double precision, so that `_singles` is all the rounding there is.
        if self.mode == "nearest":
            sources = [position * scale for position in range(out_size)]
        elif small:
            sources = [(position + 0.5) * scale for position in range(out_size)]
        else:
            moved = _singles([(position + 0.5) * scale - 0.5 for position in range(out_size)])
            sources = [max(source, 0.0) + 0.5 for source in moved]
        last = in_size - 1
        return [min(int(source), last) for source in _singles(sources)]  # none is below 0

    def _copies(self, before: Shape, after: Shape, axis: int) -> bool:
        """Whether PyTorch copies along an axis, also where the scale factor is not quite 1."""
        if self.mode == "bicubic":  # only where both sizes stay
            return before == after
        same = before[axis] == after[axis]
        return same and (self.mode.endswith("linear") or (self.mode == "nearest" and _is_small(after)))

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """A product for each value read, and the additions between them."""
        taps = len(_TAPS[self.mode]) ** axis_count(output)
        return Cost(elementwise=(2 * taps - 1) * prod(output) if taps > 1 else 0)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The gradient lies in the order of its sizes, in bicubic interpolation and of neighbours along three axes."""
        by_sizes = self.mode == "bicubic" or (len(output) == 4 and self.mode.startswith("nearest"))
        return self.runs._replace(gradient_layout="shape") if by_sizes else self.runs


def _of_axis(value: T | tuple[T, ...] | None, axis: int) -> T | None:
    """A value for every axis, or each axis's own."""
    return value[axis] if isinstance(value, tuple) else value


def _is_exact(in_size: int, out_size: int, factor: float | None) -> bool:
    """Whether single precision rounds no source coordinate, as where a size is doubled or halved.

    The step is a whole number of 2^-b, and a coordinate an odd multiple of half of it.
    """
    step = Fraction(in_size, out_size)
    if factor is not None and step != 1 / Fraction(factor):
        return False
    halves = step.denominator
    return halves & (halves - 1) == 0 and 2 * out_size * step.numerator < MOST_EXACT


def _is_small(sizes: Shape) -> bool:
    """Whether PyTorch takes the way of small outputs, which maps of two axes have."""
    return len(sizes) == 2 and sum(sizes) <= SMALL_OUTPUT


class Interpolate(Upsample):
    """`upsample` under the name of `torch.nn.functional.interpolate`."""

    type: ClassVar[str] = "interpolate"


def _fraction(factor: float) -> Fraction:
    """The fraction that a scale factor stands for: 0.3333333333333333 is a third."""
    return Fraction(factor).limit_denominator(MAX_FACTOR) or Fraction(factor)


def _coordinates(step: Fraction, start: Fraction, mode: str) -> tuple[int, int, int]:
    """Whole numbers `origin`, `jump`, `scale`: output `o` stands at or above input `(origin + o * jump) // scale`.

    In exact arithmetic, without the border's clamping, coordinates being `start + o * step`.
    """
    scale = step.denominator * start.denominator
    jump, origin = step.numerator * start.denominator, start.numerator * step.denominator
    if mode == "nearest-exact":  # rounds to the nearest, a half up
        return 2 * origin + scale, 2 * jump, 2 * scale
    return origin, jump, scale


@lru_cache(256)  # height and width often go alike, and layers too
def _periodic(step: Fraction, start: Fraction, mode: str) -> Window | Phases:
    """Reads around the coordinates `start + o * step`, in exact arithmetic, without the border's clamping."""
    up, down = step.denominator, step.numerator
    origin, jump, scale = _coordinates(step, start, mode)
    around = _TAPS[mode]

    def taps(phase: int) -> tuple[int, ...]:
        before, rest = divmod(origin + phase * jump, scale)
        return tuple([before + tap for tap in around]) if rest else (before,)

    if up == 1:
        only = taps(0)
        window = Window(len(only), down, -only[0])
        return IDENTITY if window == IDENTITY else window
    return Phases(up, down, taps_of(up, len(around), taps))


def _singles(values: list[float]) -> list[float]:
    """Rounded to single precision, in which PyTorch computes the positions of nearest neighbours."""
    return array("f", values).tolist()


def _single(value: float) -> float:
    """One value rounded to single precision."""
    return _singles([value])[0]
