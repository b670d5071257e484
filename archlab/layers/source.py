"""Values that come from no input: constants, learned or fixed, and what is known of positions alone."""

from __future__ import annotations

from math import pi, prod
from typing import Any, ClassVar, Literal

from pydantic import Field

from archlab.layers.attention_operators import AttentionTape
from archlab.layers.base import Cost, Layer, Others, Role, TensorSpec
from archlab.layers.fields import Finite, Positive
from archlab.layers.geometry import AxisReads, everything, nothing, pointwise
from archlab.layers.laid import CHANNELS, Laid, laid, positions_of, roles_of
from archlab.layers.operators import FIRST, Operator
from archlab.layers.permute import Dimensions
from archlab.layers.room import KEEPS_NOTHING, SHARES
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import RANKS, Shape, ShapeError, axis_count, require_map, shape_text
from archlab.layers.strides import contiguous


class Source(Layer):
    """A value that is the same for every sample.

    Of its input it takes how many samples there are, and where it stands: it reads none of it.
    """

    role: ClassVar[Role] = "source"

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Nothing."""
        return (nothing(axis_count(output)),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A copy for each sample; a learned value's gradient is summed up along them."""
        return Runtime(operators=self._operators, autocast="parameters")

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        learns = tuple([prod(shape) for shape in execution.learned])
        value = contiguous(execution.sizes)
        return (Operator(value, (), training=SHARES, learns=learns, computes="params"),)


class Constant(Source):
    """A tensor of its own, the same for every sample: fixed, as weights give it, or learned.

    It takes nothing from its input but the number of samples; joins meet it with the values of others, and stretch it
    where it has sizes of 1. Its dimensions hold what those of the input do. FLOPs: none.
    """

    type: ClassVar[str] = "constant"
    alias: ClassVar[str] = "constant"
    torch_class: ClassVar[str] = "archlab.torch.modules.Constant"

    shape: Dimensions = Field(description="Its sizes, without the samples: [16, 1, 1] is a number for each channel.")
    learnable: bool = Field(
        default=False, description="Whether it is a parameter; false: a buffer, zeros until weights are loaded."
    )

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`shape`, whose dimensions hold what the input's do; of size 1 they hold no axis where tokens lie."""
        (given,) = inputs
        if not self.shape or min(self.shape) < 1:
            raise ShapeError("constant: sizes must be 1 or more", option="shape")
        if not isinstance(given, Laid) or len(given) != len(self.shape):
            return self.shape
        roles = tuple([role if size > 1 else CHANNELS for size, role in zip(self.shape, roles_of(given), strict=True)])
        held = {axis for role in roles for axis in role}
        for size, own, role in zip(self.shape, given, roles, strict=True):
            if role and size != own:
                raise ShapeError(
                    f"constant: of {shape_text(self.shape)} beside an input {shape_text(given)}, {size} is neither 1 "
                    f"nor the {own} positions there",
                    option="shape",
                )
        positions = tuple([size if axis in held else 1 for axis, size in enumerate(positions_of(given))])
        return laid(self.shape, roles, positions, given.extra if held else 0)

    def torch_arguments(self) -> dict[str, Any]:
        """The shape, and whether it is learned where it is."""
        return {"shape": list(self.shape), **({"learnable": True} if self.learnable else {})}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """value: as its shape says."""
        return (TensorSpec("value", self.shape, self.learnable),)


class SinePositions(Source):
    """Sines and cosines of where each unit of a map lies (Vaswani et al. 2017; of images as in DETR and XCiT).

    A map of any channels to (axes x num_pos_feats, *axes). Positions count from `start`; each gives `num_pos_feats`
    channels, sin and cos in turn (or, as in RT-DETR, all sines first), of waves `temperature` ** (2k / num_pos_feats)
    times as long. FLOPs: none, it is made once.
    """

    type: ClassVar[str] = "sine_positions"
    alias: ClassVar[str] = "positions"
    torch_class: ClassVar[str] = "archlab.torch.modules.SinePositions"

    num_pos_feats: Positive = Field(description="Channels for each axis; an even number.")
    temperature: Finite = Field(10000.0, gt=0, description="Of the longest wave.")
    normalize: bool = Field(default=False, description="Positions run to `scale` along each axis, whatever its size.")
    scale: Finite = Field(2 * pi, gt=0, description="What they run to; without `normalize` it changes nothing.")
    start: int = Field(1, ge=0, description="The first position along each axis.")
    interleave: bool = Field(default=True, description="Sines and cosines in turn; false: all sines, then all cosines.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(axes x num_pos_feats, *axes)."""
        (shape,) = inputs
        require_map(self.type, shape)
        if self.num_pos_feats % 2:
            raise ShapeError(
                f"sine_positions: num_pos_feats={self.num_pos_feats} must be even, for sines and cosines",
                option="num_pos_feats",
            )
        return (axis_count(shape) * self.num_pos_feats, *shape[1:])

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, Any]:
        """size: of the map."""
        return {"size": list(inputs[0][1:])}

    def torch_arguments(self) -> dict[str, Any]:
        """Those that differ from the defaults, and the channels."""
        found = super().torch_arguments()
        fields = type(self).model_fields
        return {
            name: value for name, value in found.items() if fields[name].is_required() or value != fields[name].default
        }

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """positions: (axes x num_pos_feats, *axes), a buffer that no state dict has."""
        return (TensorSpec("positions", self.out_shape(inputs), learnable=False, persistent=False),)


class RelativePositions(Source):
    """How the positions of a window lie to one another, a row for each difference (Liu et al. 2022, Swin V2).

    (places, axes), place after place from -(size - 1) to size - 1 along each axis; logarithms of them, signs kept. A
    network of linear layers makes biases of attention of them, which `relative_position_scores` adds. FLOPs: none.
    """

    type: ClassVar[str] = "relative_positions"
    alias: ClassVar[str] = "relative"
    torch_class: ClassVar[str] = "archlab.torch.modules.RelativePositions"

    size: Dimensions = Field(description="Positions of a window along each axis, as [7, 7].")
    spacing: Literal["log", "swin", "linear"] = Field(
        "log",
        description="ln(1 + |x|) with x's sign (log); log2(1 + 8|x| / (size - 1)) / 3, likewise (swin); x itself.",
    )

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(places, axes)."""
        require_sizes(self.type, self.size)
        if self.spacing == "swin" and min(self.size) < 2:
            raise ShapeError("relative_positions: spacing='swin' divides by size - 1, which is 0", option="size")
        return without_axes((places_of(self.size), len(self.size)), inputs[0])

    def torch_arguments(self) -> dict[str, Any]:
        """The size, and the spacing where it is another."""
        return {"size": list(self.size), **({} if self.spacing == "log" else {"spacing": self.spacing})}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """relative: (places, axes), a buffer that no state dict has."""
        sizes = (places_of(self.size), len(self.size))
        return (TensorSpec("relative", sizes, learnable=False, persistent=False),)


class RelativePositionScores(Layer):
    """Scores of attention plus a row of another value for each pair of positions (Liu et al. 2022, Swin V2).

    (..., heads, queries, keys), unchanged; `with` names the rows (places, heads), places as `relative_positions` has
    them: of the query's place less the key's; or as many as positions, of distances without a sign. FLOPs: 1 per score.
    """

    type: ClassVar[str] = "relative_position_scores"
    alias: ClassVar[str] = "biased"
    torch_class: ClassVar[str] = "archlab.torch.modules.RelativePositionScores"
    others: ClassVar[Others] = "attended"

    size: Dimensions = Field(description="Positions of a window along each axis, as [7, 7].")
    relative: Literal["query", "distance"] = Field(
        "query",
        description="What the rows are of: the query's place less the key's (Swin V2), or distances without a sign "
        "(EfficientViT), place after place from 0 to size - 1 along each axis.",
    )

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(..., heads, queries, keys), unchanged."""
        scores, *others = inputs
        require_sizes(self.type, self.size)
        area = prod(self.size)
        places = places_of(self.size) if self.relative == "query" else area
        if len(scores) < 3 or tuple(scores[-2:]) != (area, area):
            raise ShapeError(
                f"relative_position_scores: {shape_text(self.size)} positions have scores (heads, {area}, {area}), but "
                f"they are {shape_text(scores)}",
                option="size",
            )
        if len(others) != 1 or tuple(others[0]) != (places, scores[-3]) or any(roles_of(others[0])):
            raise ShapeError(
                f"relative_position_scores: it needs rows of {places} places by {scores[-3]} heads, but they are "
                f"{' and '.join(map(shape_text, others)) or 'not there'}",
                option="with",
                hint="linear layers behind {type: relative_positions} give them",
            )
        return scores

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """The scores as they are; rows stand at no position."""
        rank = axis_count(output)
        return (pointwise(rank), everything(rank))

    def torch_arguments(self) -> dict[str, Any]:
        """The size, and what the rows are of where it is something else."""
        return {"size": list(self.size), **({} if self.relative == "query" else {"relative": self.relative})}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """index: (queries x keys,), a buffer that no state dict has."""
        return (TensorSpec("index", (prod(self.size) ** 2,), learnable=False, dtype="int64", persistent=False),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """One addition for each score."""
        return Cost(elementwise=prod(output))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Rows are copied, seen in another order, and added."""
        return Runtime(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        batch, (heads, area, _) = execution.run.batch, execution.output[-3:]
        tape = AttentionTape(execution)
        rows = contiguous((batch, area * area, heads))
        made = tape.put(Operator(rows, (FIRST - 1,), training=KEEPS_NOTHING, layout="shape"))
        lead = (1,) * (len(execution.output) - 3)
        turned = tape.permuted((0, 2, 1), made)
        tape.sum(FIRST, tape.reshaped((batch, *lead, heads, area, area), turned))
        return tape.ended()


def places_of(size: tuple[int, ...]) -> int:
    """Relative positions inside of a window."""
    return prod([2 * axis - 1 for axis in size])


def require_sizes(layer: str, size: tuple[int, ...]) -> None:
    """Refuse a window without positions, or of more than three axes.

    Raises:
        ShapeError: if it is one.
    """
    if not 1 <= len(size) <= max(RANKS) or min(size) < 1:
        raise ShapeError(f"{layer}: a window has one to three sizes, each 1 or more", option="size")


def without_axes(sizes: tuple[int, ...], beside: Shape) -> Shape:
    """A shape of which no dimension holds positions, as that of another value has them."""
    return laid(sizes, (CHANNELS,) * len(sizes), (1,) * len(positions_of(beside)))
