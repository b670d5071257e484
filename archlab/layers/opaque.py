"""Layers of one's own: classes and functions of other packages, known only as far as a config declares them.

    {type: mypackage.MyModule, args: {width: 64}, output: [64, 14, 14], params: 1200, macs: 3_000_000, reads: pointwise}

A type with a dot marks one. Functions are PyTorch's and torchvision's alone: `torch.roll`. Nothing is imported to
analyse it: what comes out is declared, and each number that is not is unknown, which totals tell. The class is imported
where a model is built, and `archlab verify` holds it to what is declared.
"""

from __future__ import annotations

import keyword
import re
from functools import lru_cache
from math import prod
from types import new_class
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from archlab.layers.base import Cost, Layer, Others, Role, TensorSpec
from archlab.layers.fields import MAX_SIZE
from archlab.layers.geometry import IDENTITY, UNKNOWN, WHOLE, AxisReads, Reads, Window
from archlab.layers.laid import CHANNELS, ChannelsLast, Laid, laid, positions_of, roles_of, without_positions
from archlab.layers.room import KEEPS_NOTHING
from archlab.layers.runtime import Runtime
from archlab.layers.shape import FLAT_AXES, Shape, ShapeError, axis_count, map_size, shape_text

MOST_DIMENSIONS = 8
MOST_DECLARED = 2**48
"""Of params, MACs and the like."""
MOST_CLASSES = 1024
"""Remembered."""
NUMBERS = ("params", "buffers", "macs", "flops", "activations")
"""What is unknown unless it is declared; `memory` is so always, beside the output and the params."""
SAME = "same"
LAYOUTS = ("channels_first", "channels_last", "tokens", "features")
"""What the dimensions of the output may hold, in words."""

UNKNOWN_ARGS = "unknown"
"""In place of arguments that only an imported model knows, so that the layer cannot be built."""

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_SHORT = frozenset({"nn", "F", "self", "super", "Tensor", "OrderedDict", "archlab"})
"""First words of what is no path of a class to import: short names, and what written source calls otherwise."""


class Frozen(dict[str, Any]):
    """A mapping that is never changed, so that layers can be told apart by it."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(repr(self))


def _args(value: Any) -> Frozen | str:
    if value == UNKNOWN_ARGS:
        return UNKNOWN_ARGS
    if isinstance(value, dict) and all(map(_is_argument, value)):
        return Frozen(value)
    raise PydanticCustomError("args", "must be a mapping of the arguments by their names, as {{width: 64}}, or unknown")


def _is_argument(name: object) -> bool:
    is_word = isinstance(name, str) and name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    return is_word and name != "self" and not str(name).startswith("__")


def _output(value: Any) -> Shape | str:
    if value == SAME:
        return SAME
    sizes = value if isinstance(value, tuple | list) else ()
    if 1 <= len(sizes) <= MOST_DIMENSIONS and all(type(size) is int and 1 <= size <= MAX_SIZE for size in sizes):
        return tuple(sizes)
    raise PydanticCustomError(
        "output",
        "must be the shape that comes out without its batch, as [64, 14, 14] (1 to {most} whole numbers from 1 to "
        "{maximum}), or same",
        {"most": MOST_DIMENSIONS, "maximum": MAX_SIZE},
    )


_WORDS = ("unknown", "pointwise", "global")
_SLIDES = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
"""Of a window, with their defaults."""


def _reads(value: Any) -> str | Frozen:
    if isinstance(value, str) and value in _WORDS:
        return value
    if isinstance(value, dict) and "kernel_size" in value and all(_slides(*pair) for pair in value.items()):
        return Frozen(value)
    raise PydanticCustomError(
        "reads",
        "must be unknown, pointwise, global, or a window as {{kernel_size: 3, stride: 2, padding: 1, dilation: 1}}",
    )


def _slides(name: object, value: Any) -> bool:
    """Whether it is an option of a window, with a number for all axes or one for each."""
    sizes = value if isinstance(value, tuple) else (value,)
    least = 0 if name == "padding" else 1
    return name in _SLIDES and bool(sizes) and all(type(size) is int and least <= size <= MAX_SIZE for size in sizes)


_ARGS_SCHEMA = {"anyOf": [{"type": "object"}, {"const": UNKNOWN_ARGS}]}
_SIZE_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_SIZE}
_OUTPUT_SCHEMA = {
    "anyOf": [
        {"type": "array", "items": _SIZE_SCHEMA, "minItems": 1, "maxItems": MOST_DIMENSIONS},
        {"const": SAME},
    ]
}
_NUMBER_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "array", "items": {"type": "integer"}}]}
_WINDOW_SCHEMA = {
    "type": "object",
    "properties": dict.fromkeys(_SLIDES, _NUMBER_SCHEMA),
    "required": ["kernel_size"],
    "additionalProperties": False,
}
Declared = Annotated[int, Field(ge=0, le=MOST_DECLARED)]


class Opaque(Layer):
    """A class of another package, known only as far as it is declared."""

    type: ClassVar[str] = "opaque"
    alias: ClassVar[str] = "opaque"
    role: ClassVar[Role] = "opaque"
    others: ClassVar[Others] = "joined"
    runs: ClassVar[Runtime] = Runtime(training=KEEPS_NOTHING, layout="shape")

    output: Annotated[Shape | str, PlainValidator(_output), WithJsonSchema(_OUTPUT_SCHEMA)] = Field(
        description="The shape that comes out, without the batch: output: [64, 14, 14]; or same."
    )
    layout: Literal["channels_first", "channels_last", "tokens", "features"] | None = Field(
        None, description="What the dimensions of the output hold; null: what those of the input do."
    )
    args: Annotated[Frozen | str | None, PlainValidator(_args), WithJsonSchema(_ARGS_SCHEMA)] = Field(
        None, description="Arguments of the class, or of the function behind its inputs; unknown: it cannot be built."
    )
    result: Annotated[int, Field(ge=0, le=99)] | None = Field(
        None, description="Which of the values that it returns, from 0, where it returns several."
    )
    params: Declared | None = Field(None, description="Elements of its learnable tensors; unknown by default.")
    buffers: Declared | None = Field(None, description="Elements of its buffers; unknown by default.")
    macs: Declared | None = Field(None, description="Multiply-accumulates for a sample; unknown by default.")
    flops: Declared | None = Field(
        None, description="2 x MACs and the elementwise work for a sample; unknown by default."
    )
    activations: Declared | None = Field(
        None, description="Output elements of the convolutions and linear layers in it; unknown by default."
    )
    sees: Annotated[
        str | Frozen, PlainValidator(_reads), WithJsonSchema({"anyOf": [{"enum": list(_WORDS)}, _WINDOW_SCHEMA]})
    ] = Field(
        default="unknown",
        alias="reads",
        description="What a unit of the output reads: pointwise, global, unknown, or a window.",
    )

    @field_validator("flops")
    @classmethod
    def _hold_the_macs(cls, value: int | None, known: ValidationInfo) -> int | None:
        macs = known.data.get("macs")
        if value is not None and macs is not None and value < 2 * macs:
            raise PydanticCustomError("flops", "must be at least twice its 'macs'")
        return value

    def torch_arguments(self) -> dict[str, Any]:
        """Those of the class or function; none where they are not known."""
        return dict(self.args) if isinstance(self.args, Frozen) else {}

    def is_function(self) -> bool:
        """Whether it is a function, by its name: PyTorch's classes begin with a capital letter."""
        package, _, word = self.type.rpartition(".")
        return package.partition(".")[0] in ("torch", "torchvision") and word.lstrip("_")[:1].islower()

    def fault(self) -> str:
        """Why it cannot be built; empty where it can, as far as its config says."""
        if self.args != UNKNOWN_ARGS:
            return ""
        what = "behind its inputs" if self.is_function() else "of its class"
        return (
            f"{self.type} cannot be built: the arguments {what} are not known (args: unknown); write them, "
            "args: {width: 64}, or layers of archlab's instead"
        )

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """As declared. Its dimensions hold what `layout` says, else what those of the input do, where that has as many.

        Else they are channels, then axes, where that can be.
        """
        source, sizes = inputs[0], self.output
        declared = source if isinstance(sizes, str) else sizes
        if self.layout is not None:
            shape = self._laid_out(source, tuple(declared), self.layout)
        else:
            shape = source if isinstance(sizes, str) else _like(source, sizes)
        self._check_reads(inputs, shape)
        return shape

    def _laid_out(self, source: Shape, sizes: tuple[int, ...], layout: str) -> Shape:
        """Sizes as a shape whose dimensions hold what a word says.

        Raises:
            ShapeError: where there are not so many dimensions.
        """
        rank = len(positions_of(source)) or FLAT_AXES
        wanted = {"tokens": 2, "features": len(sizes)}.get(layout, rank + 1)
        if len(sizes) != wanted:
            raise ShapeError(
                f"{self.type}: {layout} has {wanted} dimensions, and the output {shape_text(sizes)} has {len(sizes)}",
                option="layout",
                hint="write features where no dimension holds an axis of the map",
            )
        if layout == "channels_first":
            return sizes
        if layout == "channels_last":
            return ChannelsLast(sizes)
        if layout == "features":
            return laid(sizes, (CHANNELS,) * len(sizes), (1,) * len(positions_of(source)))
        return self._tokens(source, sizes)

    def _tokens(self, source: Shape, sizes: tuple[int, ...]) -> Shape:
        """Tokens of the positions that enter, and those of none (class tokens) in front of them.

        Raises:
            ShapeError: where there are fewer tokens than positions.
        """
        positions = positions_of(source)
        extra = sizes[0] - prod(positions)
        if extra < 0 or not any(roles_of(source)):
            raise ShapeError(
                f"{self.type}: {sizes[0]} tokens cannot be the positions of {shape_text(source)}",
                option="layout",
                hint="write features where the positions of tokens are not known",
            )
        return laid(sizes, (tuple(range(len(positions))), CHANNELS), positions, extra)

    def _check_reads(self, inputs: tuple[Shape, ...], shape: Shape) -> None:
        """Refuse reads that cannot be.

        Raises:
            ShapeError: where position by position there are not as many, or a window has other axes.
        """
        size, entering = map_size(shape), map_size(inputs[0])
        if self.sees == "pointwise" and any(map_size(one) != size for one in inputs):
            raise ShapeError(
                f"{self.type} reads position by position, but from {shape_text(inputs[0])} comes {shape_text(shape)}",
                option="reads",
            )
        if not isinstance(self.sees, Frozen):
            return
        rank = len(size or ())
        if not rank or len(entering or ()) != rank:
            raise ShapeError(
                f"{self.type} has a window, but from {shape_text(inputs[0])} comes {shape_text(shape)}: there are no "
                "such axes on both sides",
                option="reads",
                hint="write global or unknown",
            )
        for name, value in self.sees.items():
            if isinstance(value, tuple) and len(value) != rank:
                raise ShapeError(
                    f"{self.type}: {name} has {len(value)} numbers, and the map has {rank} axes", option="reads"
                )

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """As declared."""
        return tuple([self._reads_of(one, output) for one in inputs])

    def _reads_of(self, source: Shape, output: Shape) -> AxisReads:
        rank = axis_count(output) or axis_count(source)
        if not axis_count(source):  # a flat value is seen whole already
            return (WHOLE,) * rank
        if isinstance(self.sees, Frozen):
            return tuple([self._window(axis) for axis in range(rank)])
        kinds: dict[str, Reads] = {"unknown": UNKNOWN, "pointwise": IDENTITY, "global": WHOLE}
        return (kinds[self.sees],) * rank

    def _window(self, axis: int) -> Window:
        assert isinstance(self.sees, Frozen)
        values = {**_SLIDES, **self.sees}
        own = {name: value[axis] if isinstance(value, tuple) else value for name, value in values.items()}
        return Window(own["kernel_size"], own["stride"], own["padding"], own["dilation"])

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """As declared, in one piece each."""
        learned = (TensorSpec("params", (self.params,)),) if self.params else ()
        kept = (TensorSpec("buffers", (self.buffers,), learnable=False),) if self.buffers else ()
        return (*learned, *kept)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """As declared; what is not declared is unknown."""
        macs = self.macs or 0
        elementwise = 0 if self.flops is None else self.flops - 2 * macs
        unknown = (*[name for name in NUMBERS if getattr(self, name) is None], "memory")
        return Cost(macs, elementwise, self.activations or 0, unknown)


def _like(source: Shape, sizes: tuple[int, ...]) -> Shape:
    """Declared sizes as a shape: what its dimensions hold."""
    rank = axis_count(source)
    if len(sizes) == 1 or (rank and len(sizes) == rank + 1 and not _is_laid(source, sizes)) or len(source) == 1:
        return sizes
    positions = list(positions_of(source))
    if len(sizes) != len(source):
        return laid(sizes, (CHANNELS,) * len(sizes), (1,) * len(positions))
    roles = list(roles_of(source))
    lost: tuple[int, ...] = ()
    for dim, (size, role) in enumerate(zip(sizes, roles, strict=True)):
        if len(role) == 1:
            positions[role[0]] = size
        elif role and size != source[dim]:  # other tokens: their positions are not known
            lost, roles[dim] = (*lost, *role), CHANNELS
    extra = source.extra if isinstance(source, Laid) and not lost else 0
    return laid(sizes, tuple(roles), without_positions(tuple(positions), lost), extra)


def _is_laid(source: Shape, sizes: tuple[int, ...]) -> bool:
    return isinstance(source, Laid) and len(source) == len(sizes)


def opaque_class(layer_type: str) -> type[Opaque] | None:
    """The class of a dotted type; None for what is no path of a class, such as `nn.Conv2d` or `conv.2d`."""
    if len(layer_type) > 200 or not _PATH.fullmatch(layer_type):
        return None
    words = layer_type.split(".")
    if words[0] in _SHORT or any(map(keyword.iskeyword, words)):
        return None
    return _made(layer_type)


@lru_cache(MOST_CLASSES)
def _made(layer_type: str) -> type[Opaque]:
    word = layer_type.rpartition(".")[2]
    namespace = {
        "type": layer_type,
        "alias": _snake(word),
        "torch_class": layer_type,
        "__module__": __name__,
        "__qualname__": word,
        "__doc__": f"`{layer_type}`, as far as it is declared.",
        "__annotations__": dict.fromkeys(("type", "alias", "torch_class"), ClassVar[str]),
    }
    return new_class(word, (Opaque,), exec_body=lambda made: made.update(namespace))


def _snake(word: str) -> str:
    """`MyModule` as `my_module`; `LSTM` as `lstm`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", word).lower()[:40].strip("_") or "opaque"
