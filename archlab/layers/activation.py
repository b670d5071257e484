"""The activation functions of `torch.nn`.

FLOPs per element are stated per class, by one rule: each addition, subtraction, multiplication, division,
comparison, minimum or maximum counts one, and so does each elementary function (exp, log, tanh, erf).
"""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

from pydantic import Field

from archlab.layers.base import Layer, Role, Storage, TensorSpec, one_operator
from archlab.layers.fields import Finite, Positive
from archlab.layers.geometry import IDENTITY, POINTWISE, WHOLE, AxisPair, Reads, Window
from archlab.layers.operators import FIRST, GradientLayout, Layout, Operator, Run, Unwanted, quotient, whole
from archlab.layers.precision import AutocastTo
from archlab.layers.room import KEEPS_INPUT, KEEPS_OUTPUT, SHARES, Room, Training
from archlab.layers.shape import ChannelsLast, Shape, ShapeError, is_map, require_map, shape_text
from archlab.layers.strides import Value, contiguous, iterated


class Activation(Layer):
    """An elementwise function; the shape does not change."""

    role: ClassVar[Role] = "activation"
    flops_per_element: ClassVar[int] = 1
    derives_from_output: ClassVar[bool] = False
    """Whether PyTorch's derivative is a function of the output."""

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """`flops_per_element` for each element."""
        return self.flops_per_element * prod(inputs[0])

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """Its input or its output, whichever its derivative is written in."""
        return KEEPS_OUTPUT if self.derives_from_output else KEEPS_INPUT


class InplaceActivation(Activation):
    """An activation with PyTorch's `inplace` flag."""

    derives_in_place: ClassVar[bool] = False
    """Whether PyTorch has another derivative for the in-place form, which is a function of the output."""

    inplace: bool = Field(default=False, description="Overwrite the input instead of taking new memory.")

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """In place: its output, or a copy of the input that it overwrites."""
        if not self.inplace or self.derives_from_output:
            return super().training(inputs, output)
        if self.derives_in_place:
            return KEEPS_OUTPUT
        return Training(inputs=(), kept=Room(elements=prod(output)), kept_only=True)

    @property
    def storage(self) -> Storage:
        """The input's where it is overwritten."""
        return "inplace" if self.inplace else "new"

    @property
    def overwrites(self) -> bool:
        """Where `inplace`."""
        return self.inplace


class ReLU(InplaceActivation):
    """max(0, x). FLOPs: 1 (the comparison)."""

    type: ClassVar[str] = "relu"
    gradient_layout: ClassVar[GradientLayout] = "kept"
    alias: ClassVar[str] = "relu"
    torch_class: ClassVar[str] = "ReLU"
    derives_from_output: ClassVar[bool] = True


class ReLU6(InplaceActivation):
    """min(max(0, x), 6). FLOPs: 2."""

    type: ClassVar[str] = "relu6"
    layout: ClassVar[Layout] = "like"
    alias: ClassVar[str] = "relu"
    torch_class: ClassVar[str] = "ReLU6"
    flops_per_element: ClassVar[int] = 2


class LeakyReLU(InplaceActivation):
    """x if x > 0 else negative_slope * x. FLOPs: 2."""

    type: ClassVar[str] = "leaky_relu"
    gradient_layout: ClassVar[GradientLayout] = "kept"
    alias: ClassVar[str] = "relu"
    torch_class: ClassVar[str] = "LeakyReLU"
    flops_per_element: ClassVar[int] = 2
    derives_in_place: ClassVar[bool] = True

    negative_slope: Finite = Field(0.01, description="Slope below zero.")

    @property
    def is_reversible(self) -> bool:
        """The sign of the output must be that of the input."""
        return self.negative_slope >= 0


class RReLU(InplaceActivation):
    """Leaky ReLU with a random slope in training, the mean slope in eval mode. FLOPs: 2."""

    type: ClassVar[str] = "rrelu"
    gradient_layout: ClassVar[GradientLayout] = "shape"
    layout: ClassVar[Layout] = "shape"
    alias: ClassVar[str] = "relu"
    torch_class: ClassVar[str] = "RReLU"
    flops_per_element: ClassVar[int] = 2
    derives_in_place: ClassVar[bool] = True

    lower: Finite = Field(1 / 8, description="Smallest slope.")
    upper: Finite = Field(1 / 3, description="Largest slope.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged; the slopes must be in order."""
        if self.upper < self.lower:
            raise ShapeError(f"rrelu: upper={self.upper} must be at least lower={self.lower}", option="upper")
        return inputs[0]

    def scratch(self, inputs: tuple[Shape, ...], output: Shape) -> Room:
        """The slopes, in eval mode too."""
        return Room(elements=prod(output))

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """Input or output, and the slopes."""
        return super().training(inputs, output)._replace(kept=self.scratch(inputs, output))


class PReLU(Activation):
    """Leaky ReLU with learnable slopes (He et al. 2015). FLOPs: 2."""

    type: ClassVar[str] = "prelu"
    gradient_layout: ClassVar[GradientLayout] = "kept"
    alias: ClassVar[str] = "prelu"
    torch_class: ClassVar[str] = "PReLU"
    unwanted_gradients: ClassVar[Unwanted] = "dropped"
    flops_per_element: ClassVar[int] = 2
    autocast_to: ClassVar[AutocastTo] = "lower"

    num_parameters: Positive = Field(1, description="Slopes: 1, or one per channel.")
    init: Finite = Field(0.25, description="Initial slope.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged; num_parameters is 1 or the number of channels."""
        if self.num_parameters not in {1, inputs[0][0]}:
            raise ShapeError(
                f"prelu: num_parameters={self.num_parameters} is neither 1 nor the {inputs[0][0]} channels",
                option="num_parameters",
            )
        return inputs[0]

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight: (num_parameters,)."""
        return (TensorSpec("weight", (self.num_parameters,)),)

    def operands(self, inputs: tuple[Value, ...], run: Run) -> tuple[Value, ...]:
        """The input, and the slopes along its channels."""
        (source,) = inputs
        slopes = (1, self.num_parameters, *(1,) * (len(source.sizes) - 2))
        return (source, contiguous(slopes))

    def summed_gradient(self, source: Value, shapes: tuple[Shape, ...]) -> int:
        """The slopes' gradient is a whole map before it is summed up, unless each value has its own."""
        return 0 if source.elements == self.num_parameters else source.elements


class ELU(InplaceActivation):
    """x if x > 0 else alpha * (exp(x) - 1). FLOPs: 4."""

    type: ClassVar[str] = "elu"
    alias: ClassVar[str] = "elu"
    torch_class: ClassVar[str] = "ELU"
    flops_per_element: ClassVar[int] = 4
    derives_in_place: ClassVar[bool] = True

    alpha: Finite = Field(1.0, description="Scale below zero.")

    @property
    def is_reversible(self) -> bool:
        """The sign of the output must be that of the input."""
        return self.alpha >= 0


class SELU(InplaceActivation):
    """Scaled ELU (Klambauer et al. 2017). FLOPs: 5."""

    type: ClassVar[str] = "selu"
    alias: ClassVar[str] = "selu"
    torch_class: ClassVar[str] = "SELU"
    flops_per_element: ClassVar[int] = 5
    derives_in_place: ClassVar[bool] = True


class CELU(InplaceActivation):
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1)). FLOPs: 7."""

    type: ClassVar[str] = "celu"
    alias: ClassVar[str] = "celu"
    torch_class: ClassVar[str] = "CELU"
    flops_per_element: ClassVar[int] = 7
    derives_in_place: ClassVar[bool] = True

    alpha: float = Field(1.0, allow_inf_nan=False, description="Scale below zero; not 0.")

    @property
    def is_reversible(self) -> bool:
        """The sign of the output must be that of the input."""
        return self.alpha > 0

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged; alpha is a divisor."""
        if self.alpha == 0:
            raise ShapeError("celu: alpha must not be 0, since it is divided by", option="alpha")
        return inputs[0]


class GELU(Activation):
    """x * Phi(x), with the normal distribution function (Hendrycks & Gimpel 2016). FLOPs: 5 (erf) or 8 (tanh)."""

    type: ClassVar[str] = "gelu"
    alias: ClassVar[str] = "gelu"
    torch_class: ClassVar[str] = "GELU"

    approximate: Literal["none", "tanh"] = Field("none", description="Exact, or with tanh.")

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """0.5 * x * (1 + erf(x / sqrt(2))), or the tanh form."""
        return (5 if self.approximate == "none" else 8) * prod(output)


class SiLU(InplaceActivation):
    """x * sigmoid(x), also called Swish. FLOPs: 5."""

    type: ClassVar[str] = "silu"
    alias: ClassVar[str] = "silu"
    torch_class: ClassVar[str] = "SiLU"
    flops_per_element: ClassVar[int] = 5


class Mish(InplaceActivation):
    """x * tanh(softplus(x)) (Misra 2019). FLOPs: 5."""

    type: ClassVar[str] = "mish"
    alias: ClassVar[str] = "mish"
    torch_class: ClassVar[str] = "Mish"
    flops_per_element: ClassVar[int] = 5


class Hardswish(InplaceActivation):
    """x * min(max(0, x + 3), 6) / 6 (Howard et al. 2019). FLOPs: 5."""

    type: ClassVar[str] = "hardswish"
    alias: ClassVar[str] = "hardswish"
    torch_class: ClassVar[str] = "Hardswish"
    flops_per_element: ClassVar[int] = 5


class Hardsigmoid(InplaceActivation):
    """min(max(0, x + 3), 6) / 6. FLOPs: 4."""

    type: ClassVar[str] = "hardsigmoid"
    alias: ClassVar[str] = "hardsigmoid"
    torch_class: ClassVar[str] = "Hardsigmoid"
    flops_per_element: ClassVar[int] = 4


class Hardtanh(InplaceActivation):
    """min(max(min_val, x), max_val). FLOPs: 2."""

    type: ClassVar[str] = "hardtanh"
    layout: ClassVar[Layout] = "like"
    alias: ClassVar[str] = "hardtanh"
    torch_class: ClassVar[str] = "Hardtanh"
    flops_per_element: ClassVar[int] = 2

    min_val: Finite = Field(-1.0, description="Lower bound.")
    max_val: Finite = Field(1.0, description="Upper bound, above min_val.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged; the bounds must be in order."""
        if self.max_val <= self.min_val:
            raise ShapeError(f"hardtanh: max_val={self.max_val} must be above min_val={self.min_val}", option="max_val")
        return inputs[0]


class Sigmoid(Activation):
    """1 / (1 + exp(-x)). FLOPs: 4."""

    type: ClassVar[str] = "sigmoid"
    alias: ClassVar[str] = "sigmoid"
    torch_class: ClassVar[str] = "Sigmoid"
    flops_per_element: ClassVar[int] = 4
    derives_from_output: ClassVar[bool] = True


class LogSigmoid(Activation):
    """log(sigmoid(x)). FLOPs: 5."""

    type: ClassVar[str] = "log_sigmoid"
    layout: ClassVar[Layout] = "shape"
    alias: ClassVar[str] = "log_sigmoid"
    torch_class: ClassVar[str] = "LogSigmoid"
    flops_per_element: ClassVar[int] = 5

    def scratch(self, inputs: tuple[Shape, ...], output: Shape) -> Room:
        """exp(-|x|)."""
        return Room(elements=prod(output))

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """The input and exp(-|x|)."""
        return Training(kept=self.scratch(inputs, output))


class Tanh(Activation):
    """Hyperbolic tangent. FLOPs: 1."""

    type: ClassVar[str] = "tanh"
    alias: ClassVar[str] = "tanh"
    torch_class: ClassVar[str] = "Tanh"
    derives_from_output: ClassVar[bool] = True


class Tanhshrink(Activation):
    """x - tanh(x). FLOPs: 2."""

    type: ClassVar[str] = "tanhshrink"
    alias: ClassVar[str] = "tanhshrink"
    torch_class: ClassVar[str] = "Tanhshrink"
    flops_per_element: ClassVar[int] = 2

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """The hyperbolic tangent, and the difference."""
        (source,) = inputs
        value = iterated(source.sizes, inputs)
        difference = Operator(value, (FIRST, 0), gradients=("shared", "new"))
        return (Operator(value, training=KEEPS_OUTPUT), difference)


class Softplus(Activation):
    """log(1 + exp(beta * x)) / beta, linear above the threshold. FLOPs: 6."""

    type: ClassVar[str] = "softplus"
    alias: ClassVar[str] = "softplus"
    torch_class: ClassVar[str] = "Softplus"
    flops_per_element: ClassVar[int] = 6
    autocast_to: ClassVar[AutocastTo] = "float32"

    beta: Finite = Field(1.0, description="Sharpness.")
    threshold: Finite = Field(20.0, description="Linear where beta * x is above this.")


class Softsign(Activation):
    """x / (1 + |x|). FLOPs: 3."""

    type: ClassVar[str] = "softsign"
    alias: ClassVar[str] = "softsign"
    torch_class: ClassVar[str] = "Softsign"
    flops_per_element: ClassVar[int] = 3

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """The absolute value, plus one, and the quotient."""
        (source,) = inputs
        value = iterated(source.sizes, inputs)
        sign = KEEPS_INPUT._replace(backward=whole(value.elements))
        return (Operator(value, training=sign), Operator(value, (0,), training=SHARES), quotient(value, (FIRST, 1)))


class Softshrink(Activation):
    """x moved towards zero by lambd, zero in between. FLOPs: 3."""

    type: ClassVar[str] = "softshrink"
    alias: ClassVar[str] = "softshrink"
    torch_class: ClassVar[str] = "Softshrink"
    flops_per_element: ClassVar[int] = 3

    lambd: float = Field(0.5, ge=0, allow_inf_nan=False, description="Half-width of the zero band.")


class Hardshrink(Activation):
    """x, or zero between -lambd and lambd. FLOPs: 2."""

    type: ClassVar[str] = "hardshrink"
    alias: ClassVar[str] = "hardshrink"
    torch_class: ClassVar[str] = "Hardshrink"
    flops_per_element: ClassVar[int] = 2

    lambd: Finite = Field(0.5, description="Half-width of the zero band.")


class Threshold(InplaceActivation):
    """x if x > threshold else value. FLOPs: 1."""

    type: ClassVar[str] = "threshold"
    gradient_layout: ClassVar[GradientLayout] = "kept"
    alias: ClassVar[str] = "threshold"
    torch_class: ClassVar[str] = "Threshold"

    threshold: Finite = Field(description="Where to switch.")
    value: Finite = Field(description="What to give below.")


class _AlongDim(Activation):
    """A function that mixes the values along one dimension."""

    dim: int = Field(1, description="The dimension; 0 is the batch, 1 the channels.")

    def _axis(self, shape: Shape) -> int:
        """The dimension as an index into the shape without batch.

        Raises:
            ShapeError: if there is no such dimension, or it is the batch.
        """
        rank = len(shape) + 1
        dim = self.dim + rank if self.dim < 0 else self.dim
        if not 1 <= dim < rank:
            raise ShapeError(
                f"{self.type}: dim={self.dim} is not a dimension of {shape_text(shape)} behind the batch",
                option="dim",
                hint=f"1 to {rank - 1}" if rank > 2 else "1",
            )
        return dim - 1

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged."""
        self._axis(inputs[0])
        self._require_channels(inputs[0])
        return inputs[0]

    def _require_channels(self, shape: Shape) -> None:
        """Refuse a spatial dimension of a channels-last map, whose positions are not followed."""
        if isinstance(shape, ChannelsLast) and self._axis(shape) != 2:
            raise ShapeError(
                f"{self.type}: dim={self.dim} is spatial in {shape_text(shape)}, which has its channels last",
                option="dim",
                hint="dim: -1 is the channels; or put {type: channels_first} in front of it",
            )

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisPair, ...]:
        """The whole axis, where the dimension is a spatial one."""
        axis = self._axis(inputs[0]) if is_map(inputs[0]) else 0
        if axis == 0:
            return (POINTWISE,)
        height: Reads = WHOLE if axis == 1 else IDENTITY
        width: Reads = WHOLE if axis == 2 else IDENTITY
        return ((height, width),)


class Softmax(_AlongDim):
    """exp(x) / sum(exp(x)) along a dimension. FLOPs: 5 (maximum, subtraction, exp, sum, division)."""

    type: ClassVar[str] = "softmax"
    gradient_layout: ClassVar[GradientLayout] = "shape"
    layout: ClassVar[Layout] = "shape"
    alias: ClassVar[str] = "softmax"
    torch_class: ClassVar[str] = "Softmax"
    flops_per_element: ClassVar[int] = 5
    derives_from_output: ClassVar[bool] = True
    autocast_to: ClassVar[AutocastTo] = "float32"


class Softmin(_AlongDim):
    """softmax(-x) along a dimension. FLOPs: 6."""

    type: ClassVar[str] = "softmin"
    gradient_layout: ClassVar[GradientLayout] = "shape"
    layout: ClassVar[Layout] = "shape"
    alias: ClassVar[str] = "softmin"
    torch_class: ClassVar[str] = "Softmin"
    flops_per_element: ClassVar[int] = 6
    autocast_to: ClassVar[AutocastTo] = "float32"

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """The output."""
        return KEEPS_OUTPUT

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """-x, and the softmax."""
        negated = iterated(inputs[0].sizes, inputs)
        softmax = one_operator(self, (negated,), shapes, output, run)
        return (Operator(negated, computes="inputs"), softmax._replace(reads=(0,)))


class LogSoftmax(_AlongDim):
    """log(softmax(x)) along a dimension. FLOPs: 5."""

    type: ClassVar[str] = "log_softmax"
    gradient_layout: ClassVar[GradientLayout] = "shape"
    layout: ClassVar[Layout] = "shape"
    alias: ClassVar[str] = "log_softmax"
    torch_class: ClassVar[str] = "LogSoftmax"
    flops_per_element: ClassVar[int] = 5
    derives_from_output: ClassVar[bool] = True
    autocast_to: ClassVar[AutocastTo] = "float32"


class Softmax2d(Activation):
    """softmax over the channels of a map. FLOPs: 5."""

    type: ClassVar[str] = "softmax2d"
    gradient_layout: ClassVar[GradientLayout] = "shape"
    layout: ClassVar[Layout] = "shape"
    alias: ClassVar[str] = "softmax"
    torch_class: ClassVar[str] = "Softmax2d"
    flops_per_element: ClassVar[int] = 5
    derives_from_output: ClassVar[bool] = True
    autocast_to: ClassVar[AutocastTo] = "float32"

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W), unchanged."""
        require_map(self.type, inputs[0])
        return inputs[0]


class GLU(_AlongDim):
    """a * sigmoid(b), with a and b the halves of the input along a dimension. FLOPs: 5 per output element."""

    type: ClassVar[str] = "glu"
    gradient_layout: ClassVar[GradientLayout] = "shape"
    alias: ClassVar[str] = "glu"
    torch_class: ClassVar[str] = "GLU"

    dim: int = Field(-1, description="The dimension to halve (torch's default is the last one).")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The dimension is halved."""
        (shape,) = inputs
        self._require_channels(shape)
        axis = self._axis(shape)
        if shape[axis] % 2:
            raise ShapeError(f"glu halves dimension {self.dim}, whose size is odd: {shape[axis]}", option="dim")
        halved = (*shape[:axis], shape[axis] // 2, *shape[axis + 1 :])
        return ChannelsLast(halved) if isinstance(shape, ChannelsLast) else halved

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisPair, ...]:
        """Two positions, half the axis apart, where the dimension is a spatial one."""
        axis = self._axis(inputs[0]) if is_map(inputs[0]) else 0
        if isinstance(inputs[0], ChannelsLast):
            return (POINTWISE,)
        height = Window(2, 1, 0, output[1]) if axis == 1 else IDENTITY
        width = Window(2, 1, 0, output[2]) if axis == 2 else IDENTITY
        return ((height, width),)

    def elementwise(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """sigmoid (4) and the product."""
        return 5 * prod(output)
