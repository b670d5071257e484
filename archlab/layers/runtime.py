"""How PyTorch runs a layer: where values live, what autograd keeps, in which order and precision.

Nothing here changes what a layer computes. It decides memory to the byte, and which runs PyTorch refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Literal, NamedTuple

from archlab.layers.operators import (
    GradientLayout,
    Holding,
    Layout,
    Operator,
    Run,
    Unwanted,
    laid,
    of_batch,
    training_of_batch,
)
from archlab.layers.precision import Autocast
from archlab.layers.room import KEEPS_INPUT, KEEPS_NOTHING, NOTHING, SHARES, Room, Training
from archlab.layers.shape import Shape
from archlab.layers.strides import Value, contiguous, turned

Storage = Literal["new", "inplace", "view", "eval_identity"]
"""Where an output lives: in new memory, in the input's (in place or a view), or it is the input itself in eval mode."""


class Refused(NamedTuple):
    """Why PyTorch refuses to run a layer.

    Attributes:
        reason: what is wrong with its values, as what follows the layer's name in a sentence.
        batch: the smallest batch that would do; None where none would.
        in_eval: whether it is refused in eval mode too, rather than in training alone.
    """

    reason: str
    batch: int | None = None
    in_eval: bool = False


class Operand(NamedTuple):
    """What an elementwise operator iterates over beside its input: a parameter, or noise.

    Attributes:
        sizes: of it; where there is one for each sample, without the batch.
        for_each_sample: whether there is.
        is_first: whether it is written in front of the input.
    """

    sizes: Shape
    for_each_sample: bool = False
    is_first: bool = False


class Execution(NamedTuple):
    """A layer at work.

    Attributes:
        inputs: what it reads, as it lies in memory.
        shapes: of these, without batch.
        output: its output's shape.
        learned: shapes of its learnable tensors; the weight is the first.
        run: under which conditions.
    """

    inputs: tuple[Value, ...]
    shapes: tuple[Shape, ...]
    output: Shape
    learned: tuple[Shape, ...]
    run: Run

    @property
    def sizes(self) -> Shape:
        """Of its output, the batch first."""
        return (self.run.batch, *self.output)


class Runtime(NamedTuple):
    """How PyTorch runs a layer, for inputs of some shapes. By default: into new memory, its input kept.

    Attributes:
        storage: where its output lives in eval mode.
        training_storage: the same in training.
        overwrites: whether it writes over its input, in training at least.
        is_reversible: whether its backward pass can do without the input that it writes over.
        workspace: what it takes beside its output while it runs in eval mode.
        training: what autograd keeps of it, and what its backward pass takes.
        layout: in which order its output lies in memory.
        operand: what decides that order beside its input.
        gradient_layout: in which order its inputs' gradients lie.
        unwanted_gradients: what becomes of these where nobody wants them.
        sums_weight: whether the weight's gradient is a map as large as its input before it is summed up.
        sums_bias: whether the bias's is a sum that autograd makes once the layer's own backward pass is over.
        pairwise: whether more than two inputs are taken two at a time, by statements of their own.
        autocast: in which precision it computes under autocast.
        autocast_doubt: how far its memory under autocast is not known to the byte; empty where it is.
        half_doubt: the same of training in float16 or bfloat16 as a whole.
        refusals: the runs that PyTorch refuses.
        operators: the operators that it is made of, in order, the last one giving its output; None for a single one.
    """

    storage: Storage = "new"
    training_storage: Storage = "new"
    overwrites: bool = False
    is_reversible: bool = True
    workspace: Room = NOTHING
    training: Training = KEEPS_INPUT
    layout: Layout = "iterated"
    operand: Operand | None = None
    gradient_layout: GradientLayout = "own"
    unwanted_gradients: Unwanted = "not made"
    sums_weight: bool = False
    sums_bias: bool = False
    pairwise: bool = False
    autocast: Autocast = "inputs"
    autocast_doubt: str = ""
    half_doubt: str = ""
    refusals: tuple[Refused, ...] = ()
    operators: Callable[[Runtime, Execution], tuple[Operator, ...]] | None = None

    def made_of(self, execution: Execution) -> tuple[Operator, ...]:
        """The operators that it is made of."""
        if self.operators is None:
            return (one_operator(self, execution),)
        return self.operators(self, execution)

    def refused(self, batch: int, *, training: bool) -> Refused | None:
        """Why PyTorch refuses to run it with a batch, in training or eval mode; None where it does not."""
        for found in self.refusals:
            if (training or found.in_eval) and (found.batch is None or batch < found.batch):
                return found
        return None


VIEW = Runtime(storage="view", training_storage="view", training=SHARES)
"""The same memory seen otherwise; so is its gradient."""

FUSED = Runtime(storage="inplace", training_storage="inplace")
"""Computed where its input lies, before that is written: an activation in a deployed network."""

ONE_PASS = Runtime()
"""A single operator into new memory, however many PyTorch has for it: a scale and a shift in a deployed network."""


def one_operator(runtime: Runtime, execution: Execution) -> Operator:
    """A layer that is a single operator, from its own facts."""
    inputs, run = execution.inputs, execution.run
    reads = tuple([~number for number in range(len(inputs))])
    scratch = of_batch(runtime.workspace, run.batch)
    training = training_of_batch(runtime.training, run.batch) if run.training else KEEPS_NOTHING
    layout = runtime.gradient_layout
    storage = runtime.training_storage if run.training else runtime.storage
    if storage != "new":
        holding: Holding = "inplace" if storage == "inplace" else "alias"
        return Operator(inputs[0], reads, holding, training, layout=layout, scratch=scratch)
    is_turned = _is_turned(runtime, execution)
    value = laid(runtime.layout, execution.sizes, _operands(runtime, execution), is_turned=is_turned)
    learns = tuple([prod(shape) for shape in execution.learned])
    if not run.training:
        return Operator(value, reads, learns=learns, scratch=scratch)
    return Operator(
        value,
        reads,
        training=training,
        layout=layout,
        learns=learns,
        scratch=scratch,
        is_turned=is_turned,
        unwanted=runtime.unwanted_gradients,
        sums=_summed(runtime, inputs[0]),
        sums_bias=runtime.sums_bias,
    )


def _operands(runtime: Runtime, execution: Execution) -> tuple[Value, ...]:
    """What an operator iterates over."""
    operand, inputs = runtime.operand, execution.inputs
    if operand is None:
        return inputs
    sizes = (execution.run.batch, *operand.sizes) if operand.for_each_sample else operand.sizes
    value = contiguous(sizes)
    return (value, *inputs) if operand.is_first else (*inputs, value)


def _summed(runtime: Runtime, source: Value) -> int:
    """Elements of the weight's gradient before it is summed up; 0 where it is made as it is."""
    if not runtime.sums_weight or runtime.operand is None or runtime.operand.sizes == source.sizes:
        return 0
    return source.elements


def _is_turned(runtime: Runtime, execution: Execution) -> bool:
    """Whether a weight is taken for one with its channels last."""
    if runtime.layout != "weight" or not execution.run.channels_last:
        return False
    return turned(contiguous(execution.learned[0])).suggests_channels_last
