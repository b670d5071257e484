"""Values that come from no input: constants, learned or fixed, and what is known of positions alone."""

from __future__ import annotations

from math import pi, prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.base import Layer, Role, TensorSpec
from archlab.layers.fields import Finite, Positive
from archlab.layers.geometry import AxisReads, nothing
from archlab.layers.laid import CHANNELS, Laid, laid, positions_of, roles_of
from archlab.layers.operators import Operator
from archlab.layers.permute import Dimensions
from archlab.layers.room import SHARES
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, ShapeError, axis_count, require_map, shape_text
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

    A map of any channels to (axes x num_pos_feats, *axes). Positions count from 1; each gives `num_pos_feats` channels,
    sin and cos in turn, of waves `temperature` ** (2k / num_pos_feats) times as long. FLOPs: none, it is made once.
    """

    type: ClassVar[str] = "sine_positions"
    alias: ClassVar[str] = "positions"
    torch_class: ClassVar[str] = "archlab.torch.modules.SinePositions"

    num_pos_feats: Positive = Field(description="Channels for each axis; an even number.")
    temperature: Finite = Field(10000.0, gt=0, description="Of the longest wave.")
    normalize: bool = Field(default=False, description="Positions run to `scale` along each axis, whatever its size.")
    scale: Finite = Field(2 * pi, gt=0, description="What they run to; without `normalize` it changes nothing.")

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
