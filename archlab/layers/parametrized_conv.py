"""Convolutions whose weight is made anew from others each time: what `weight` on a convolution asks for.

They are layers of their own behind expansion, since they own other tensors and run other operators.
"""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Cost, TensorSpec
from archlab.layers.conv import ConvNd
from archlab.layers.fields import Finite, Positive
from archlab.layers.norm import FLOAT_BYTES, STATISTICS_FLOPS
from archlab.layers.operators import FIRST, Operator, quotient, whole
from archlab.layers.room import KEEPS_NOTHING, Room, Training
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import Shape, ShapeError, shape_text
from archlab.layers.strides import contiguous

AT_THE_END = 1 << 20
"""Among operators of a weight: its value has a name until the convolution is done."""


class ParametrizedConvNd(ConvNd):
    """What they share, over maps of `rank` axes."""

    weights: ClassVar[tuple[str, ...]] = ()
    follows_format: ClassVar[bool] = True
    """Whether the weight lies in the memory format of the parameter that it is made of."""

    def _weight(self, inputs: tuple[Shape, ...]) -> Shape:
        """(out_channels, in_channels / groups, *kernel_size)."""
        return (self.out_channels, inputs[0][0] // self.groups, *self.kernel_size)

    def _bias(self) -> tuple[TensorSpec, ...]:
        return (TensorSpec("bias", (self.out_channels,)),) if self.bias else ()

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """The convolution's, and the work on its weight."""
        plain = super().cost(inputs, output)
        return Cost(plain.macs, plain.elementwise + self.weight_work(prod(self._weight(inputs))))

    def weight_work(self, elements: int) -> int:
        """Operations on a weight of so many elements."""
        raise NotImplementedError

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The weight, then the convolution."""
        return self.runs._replace(operators=self._operators)

    def weight_operators(self, execution: Execution, elements: int) -> tuple[Operator, ...]:
        """The operators that make the weight, of so many elements.

        The last one gives it; under autocast they compute as the parameters are.
        """
        raise NotImplementedError

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """Those of the weight, which has a name until the end; the padding; the convolution."""
        shape = self._weight(execution.shapes)
        made = self.weight_operators(execution, prod(shape))
        first, run = len(made), execution.run
        if not self.follows_format:
            run = run._replace(channels_last=False)
        bias = ((self.out_channels,),) if self.bias else ()
        plain = self._plain(runtime, execution._replace(learned=(shape, *bias), run=run))
        steps = [_behind(step, first) for step in plain]
        *before, convolution = steps
        last = first + len(steps) - 1
        training = convolution.training._replace(inputs=(0, 1)) if execution.run.training else KEEPS_NOTHING
        convolution = convolution._replace(
            reads=(*convolution.reads, first - 1),
            training=training,
            learns=convolution.learns[1:],
            owns_weight=False,
        )
        untils = [last if step.until == AT_THE_END else step.until for step in made[:-1]] + [last]
        weights = [step._replace(computes="params", until=until) for step, until in zip(made, untils, strict=True)]
        return (*weights, *before, convolution)

    def _rows(self, execution: Execution, elements: int) -> tuple[Operator, ...]:
        """The filters as rows, which is a copy where they lie with their channels last."""
        if not execution.run.channels_last or not self._has_order(execution):
            return ()
        return (Operator(contiguous((elements,)), (), training=KEEPS_NOTHING, learns=(elements,)),)

    def _has_order(self, execution: Execution) -> bool:
        """Whether a filter with its channels last lies otherwise."""
        shape = self._weight(execution.shapes)
        return len(shape) > 3 and shape[1] > 1 and prod(shape[2:]) > 1

    def _plain(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """Those of a convolution with a weight of its own."""
        if self._padded(execution.shapes[0]) is None:
            return (one_operator(runtime, execution),)
        return super()._operators(runtime, execution)


def _behind(step: Operator, number: int) -> Operator:
    """An operator behind so many others."""
    reads = tuple([read if read <= FIRST else read + number for read in step.reads])
    return step._replace(reads=reads, until=step.until if step.until < 0 else step.until + number)


class StandardizedConvNd(ParametrizedConvNd):
    """Filters brought to zero mean and unit deviation, over maps of `rank` axes."""

    follows_format: ClassVar[bool] = False

    eps: float = Field(1e-6, gt=0, allow_inf_nan=False, description="Added to the variance of each filter.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """As a convolution; a filter has several values."""
        output = super().out_shape(inputs)
        if prod(self._weight(inputs)[1:]) == 1:
            raise ShapeError(
                f"weight: each filter over {shape_text(inputs[0])} is a single value, and its mean is itself",
                option="weight",
            )
        return output

    def weight_work(self, elements: int) -> int:
        """Mean, variance, and the quotient."""
        return STATISTICS_FLOPS * elements

    def weight_operators(self, execution: Execution, elements: int) -> tuple[Operator, ...]:
        """A batch norm of filters, whose statistics are kept beside the parameter."""
        rows = tuple(
            [row._replace(until=AT_THE_END) for row in self._rows(execution, elements)]
        )  # with a name until the end
        return (*rows, self._normalised(elements, (0,) if rows else (), has_rows=bool(rows)))

    def _normalised(self, elements: int, reads: tuple[int, ...], *, has_rows: bool) -> Operator:
        statistics = Room(fixed_bytes=2 * FLOAT_BYTES * self.out_channels)
        training = Training(inputs=tuple(range(len(reads))), kept=statistics)
        learns = () if has_rows else (elements,)
        return Operator(contiguous((elements,)), reads, training=training, learns=learns, scratch=statistics)


class StandardizedConv2d(StandardizedConvNd):
    """A convolution whose filters are standardised each time (Qiao et al. 2019): `weight: standardized`.

    timm's `StdConv2d`. MACs and tensors of a `conv2d`. FLOPs beyond it: 5 per element of the weight.
    """

    type: ClassVar[str] = "standardized_conv2d"
    torch_class: ClassVar[str] = "archlab.torch.modules.StdConv2d"
    rank: ClassVar[int] = 2


class ScaledStandardizedConv2d(StandardizedConvNd):
    """A convolution whose filters are standardised and scaled (Brock et al. 2021): `weight: scaled_standardized`.

    timm's `ScaledStdConv2d`: times gamma, the inverse root of the values of a filter, and a learned gain of each.
    MACs of a `conv2d`. FLOPs beyond it: 6 per element of the weight, 1 per filter.
    """

    type: ClassVar[str] = "scaled_standardized_conv2d"
    torch_class: ClassVar[str] = "archlab.torch.modules.ScaledStdConv2d"
    rank: ClassVar[int] = 2

    gamma: Finite = Field(1.0, description="A factor of all filters, of the activation that follows.")
    gain_init: Finite = Field(1.0, description="Initial gain of each filter.")

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight; bias; gain: (out_channels, 1, 1)."""
        return (*super().tensors(inputs), TensorSpec("gain", (self.out_channels, 1, *(1,) * self.rank)))

    def weight_work(self, elements: int) -> int:
        """The norm, the factors, and their product with the gains."""
        return super().weight_work(elements) + elements + self.out_channels

    def weight_operators(self, execution: Execution, elements: int) -> tuple[Operator, ...]:
        """The gains times a number, which have a name until the end; the norm."""
        rows = tuple([row._replace(until=AT_THE_END) for row in self._rows(execution, elements)])
        gains = Operator(contiguous((self.out_channels,)), (), training=KEEPS_NOTHING, learns=(self.out_channels,))
        made = (*rows, gains._replace(until=AT_THE_END))
        return (*made, self._normalised(elements, tuple(range(len(made))), has_rows=bool(rows)))


class WeightNormConvNd(ParametrizedConvNd):
    """Filters as direction and length, over maps of `rank` axes."""

    follows_format: ClassVar[bool] = False

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """bias; original0, the lengths: (out_channels, 1, 1); original1, the directions."""
        lengths = (self.out_channels, 1, *(1,) * self.rank)
        return (
            *self._bias(),
            TensorSpec("parametrizations.weight.original0", lengths),
            TensorSpec("parametrizations.weight.original1", self._weight(inputs)),
        )

    def weight_work(self, elements: int) -> int:
        """Squares, their sums, the product; the root and the quotient of each filter."""
        return 3 * elements + 2 * self.out_channels

    def weight_operators(self, execution: Execution, elements: int) -> tuple[Operator, ...]:
        """One, which gives the norms of filters too; a gradient that lies with its channels last is copied."""
        rows = self._rows(execution, elements)
        reads = (0,) if rows else ()
        norms = Room(fixed_bytes=FLOAT_BYTES * self.out_channels)
        is_turned = execution.inputs[0].suggests_channels_last and self._has_order(execution)
        copied = Room(fixed_elements=elements if is_turned else 0)
        training = Training(inputs=reads, kept=norms, backward=copied)
        learns = (self.out_channels,) if rows else (elements, self.out_channels)
        return (*rows, Operator(contiguous((elements,)), reads, training=training, learns=learns, scratch=norms))


class WeightNormConv2d(WeightNormConvNd):
    """A convolution whose filters have learned lengths (Salimans & Kingma 2016): `weight: weight_norm`.

    `torch.nn.utils.parametrizations.weight_norm`, with its names of tensors. MACs of a `conv2d`. FLOPs beyond it: 3
    per element of the weight, 2 per filter.
    """

    type: ClassVar[str] = "weight_norm_conv2d"
    torch_class: ClassVar[str] = "archlab.torch.modules.WeightNormConv2d"
    rank: ClassVar[int] = 2


class SpectralNormConvNd(ParametrizedConvNd):
    """A weight divided by its largest singular value, over maps of `rank` axes."""

    n_power_iterations: Positive = Field(1, description="Steps towards the singular vectors in each training pass.")
    eps: float = Field(1e-12, gt=0, allow_inf_nan=False, description="The least length of a vector.")

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """bias; original, the weight; the singular vectors _u: (out_channels,) and _v, buffers."""
        weight = self._weight(inputs)
        return (
            *self._bias(),
            TensorSpec("parametrizations.weight.original", weight),
            TensorSpec("parametrizations.weight.0._u", weight[:1], learnable=False),
            TensorSpec("parametrizations.weight.0._v", (prod(weight[1:]),), learnable=False),
        )

    def weight_work(self, elements: int) -> int:
        """A matrix times a vector, that times another, the quotient, in eval mode."""
        return 3 * elements + 2 * self.out_channels

    def weight_operators(self, execution: Execution, elements: int) -> tuple[Operator, ...]:
        """Copies of the vectors, behind a step of the power method in training; their product; the quotient."""
        filters = self.out_channels
        inner = elements // filters
        # a copy that the backward pass does not need
        rows = tuple([row._replace(learns=(), until=5) for row in self._rows(execution, elements)])
        first = len(rows)
        iterations = KEEPS_NOTHING._replace(forward=whole(inner))  # the vectors' lengths left out
        product = Training(inputs=(0,), backward=whole(2 * elements))
        divided = quotient(contiguous((elements,)), (first + 3,))
        return (
            *rows,
            Operator(
                contiguous((filters,)),
                (),
                training=iterations if execution.run.training else KEEPS_NOTHING,
                until=first + 4,
            ),
            Operator(contiguous((inner,)), (), until=first + 4),
            Operator(contiguous((filters,)), (first + 1,), training=product, learns=(0,)),
            Operator(contiguous((1,)), (first, first + 2), training=Training(inputs=(0,))),
            divided._replace(
                training=Training(inputs=(0,)),
                gradients=("reduced",),
                rooms=(whole(3 * elements),),
                kept_for=(),
                learns=(elements,),
            ),
        )


class SpectralNormConv2d(SpectralNormConvNd):
    """A convolution by a weight over its largest singular value (Miyato et al. 2018): `weight: spectral_norm`.

    `torch.nn.utils.parametrizations.spectral_norm`, with its names of tensors. MACs of a `conv2d`; matrix times
    vector is no product of matrices to FlopCounterMode either. FLOPs beyond it: 3 per element of the weight, 2 per
    filter.
    """

    type: ClassVar[str] = "spectral_norm_conv2d"
    torch_class: ClassVar[str] = "archlab.torch.modules.SpectralNormConv2d"
    rank: ClassVar[int] = 2
