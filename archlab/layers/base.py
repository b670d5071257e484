"""The contract of a layer: facts about itself, from shapes alone.

A layer class is a Pydantic model whose fields are the arguments of its PyTorch namesake, with the same
names and defaults. Everything archlab says about a network derives from the few methods below; a new
layer therefore is one class in one file, and a new analysis seldom touches a layer.

Shapes carry no batch dimension: a map is `(channels, height, width)`, a flat input is `(features,)`.
A map with the channels behind, as after a permutation, is a `ChannelsLast`. Where PyTorch's arguments count
dimensions (`flatten(start_dim=1)`), the batch is dimension 0, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from archlab.layers.geometry import POINTWISE, AxisPair
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
from archlab.layers.precision import AutocastTo, Precision, under_autocast
from archlab.layers.room import KEEPS_INPUT, KEEPS_NOTHING, NOTHING, Room, Training
from archlab.layers.shape import Shape
from archlab.layers.strides import Value, channels_last


class TensorSpec(NamedTuple):
    """A tensor that a layer owns: a learnable parameter, or a buffer."""

    name: str
    shape: Shape
    learnable: bool = True
    dtype: str | None = None
    """None means the network's dtype."""

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)


class Cost(NamedTuple):
    """The work of a layer for one sample.

    Attributes:
        macs: multiply-accumulates, without bias.
        elementwise: operations that are not multiply-accumulates, the bias among them.
    """

    macs: int = 0
    elementwise: int = 0


FREE = Cost()


class Refused(NamedTuple):
    """Why PyTorch refuses to run a layer.

    Attributes:
        reason: what is wrong with its values, as what follows the layer's name in a sentence.
        batch: the smallest batch that would do; None where none would.
    """

    reason: str
    batch: int | None = None


Storage = Literal["new", "inplace", "view", "eval_identity"]
Role = Literal["layer", "norm", "activation", "join"]


class Layer(BaseModel):
    """A primitive layer: its options, and facts about itself given its input shapes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True, protected_namespaces=())

    type: ClassVar[str]
    """The name in a config, e.g. `conv2d`."""
    alias: ClassVar[str]
    """The name given to an unnamed layer, e.g. `conv` (then `conv1`, `conv2`, ...)."""
    torch_class: ClassVar[str] = ""
    """The class in `torch.nn`, or a path such as `torchvision.ops.StochasticDepth`; empty for a function."""
    role: ClassVar[Role] = "layer"
    attachments: ClassVar[tuple[str, ...]] = ()
    """Layers that may be written on it: `norm` and `activation` for the conv family."""
    is_macro: ClassVar[bool] = False
    """Whether it stands for several primitives (`macro.Macro`)."""
    scoped: ClassVar[bool] = False
    """Whether the primitives it stands for get a level of the path of their own although the item has no name."""
    counts_activations: ClassVar[bool] = False
    """Whether its output elements count as `activations` (convolutions and linear layers; pycls)."""
    sums_bias: ClassVar[bool] = False
    """Whether the bias's gradient is a sum that autograd makes once the layer's own backward pass is over."""
    reads_others: ClassVar[bool] = False
    """Whether it reads further inputs by the side of the line above, as joins do (the offsets of a deformable one)."""
    gates: ClassVar[bool] = False
    """Whether an input that sees the whole image only scales the others (a gate) rather than adding to them."""

    autocast_to: ClassVar[AutocastTo] = "inputs"
    """In which precision it computes under autocast."""
    autocast_doubt: ClassVar[str] = ""
    """How far its memory under autocast is not known to the byte; empty where it is."""
    layout: ClassVar[Layout] = "iterated"
    """How its output lies in memory."""
    gradient_layout: ClassVar[GradientLayout] = "own"
    """How its inputs' gradients do."""
    unwanted_gradients: ClassVar[Unwanted] = "not made"
    """What becomes of its inputs' gradients where nobody wants them."""
    gradient_order: ClassVar[Literal["input", "shape"]] = "input"
    """How its weight's gradient lies in memory: as its input does, or in its shape's order."""
    pairwise: ClassVar[bool] = False
    """Whether more than two inputs are taken two at a time, by statements of their own."""

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The output shape.

        Raises:
            ShapeError: if the layer cannot take these inputs.
        """
        return inputs[0]

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """Arguments of the PyTorch class that archlab infers from the input (`in_channels`, ...)."""
        return {}

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisPair, ...]:
        """For each input: the reads along height and width of one output position."""
        return (POINTWISE,) * len(inputs)

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """The tensors it owns, in the order of PyTorch's `state_dict`."""
        return ()

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """The work for one sample; the rules are in the class's docstring."""
        return FREE

    def operands(self, inputs: tuple[Value, ...], run: Run) -> tuple[Value, ...]:
        """What its operator iterates over, where a parameter or noise of other sizes is among it."""
        return inputs

    def summed_gradient(self, source: Value, shapes: tuple[Shape, ...]) -> int:
        """Elements of its weight's gradient before it is summed up; 0 where it is made as it is."""
        return 0

    def refuses(self, inputs: tuple[Shape, ...], batch: int, *, training: bool) -> Refused | None:
        """Why PyTorch refuses to run it with a batch, in training or eval mode; None where it does not."""
        return None

    def scratch(self, inputs: tuple[Shape, ...], output: Shape) -> Room:
        """What PyTorch takes beside the output while the layer runs in eval mode."""
        return NOTHING

    def operators(
        self, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
    ) -> tuple[Operator, ...]:
        """The operators of PyTorch that it runs, in order; the last one gives its output.

        Args:
            inputs: what it reads, as it lies in memory.
            shapes: of these, without batch.
            output: its output's shape.
            run: under which conditions.
        """
        return (one_operator(self, inputs, shapes, output, run),)

    def training(self, inputs: tuple[Shape, ...], output: Shape) -> Training:
        """What autograd keeps of it, and what its backward pass takes. Most layers keep their input."""
        return KEEPS_INPUT

    def autocast(self, inputs: tuple[int, ...], lower: int) -> Precision:
        """Its precision under autocast.

        Args:
            inputs: bytes of an element of each input.
            lower: the same of the lower precision.
        """
        return under_autocast(self.autocast_to, inputs, lower)

    @property
    def storage(self) -> Storage:
        """Where the output lives: new memory, the input's (in place or view), or the input itself in eval mode."""
        return "new"

    @property
    def training_storage(self) -> Storage:
        """The same in training."""
        return self.storage

    @property
    def overwrites(self) -> bool:
        """Whether it writes over its input, in training at least."""
        return False

    @property
    def is_reversible(self) -> bool:
        """Whether PyTorch's backward pass can do without the input that it writes over."""
        return True

    @property
    def sees_whole_map(self) -> bool:
        """Whether statistics of the whole map scale each value (group normalisation): context, beside `reads`."""
        return False

    def torch_arguments(self) -> dict[str, Any]:
        """Constructor arguments as written or defaulted, in the order of the fields."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    def options(self) -> Mapping[str, Any]:
        """The options that differ from PyTorch's defaults or have none, for a table's short description."""
        fields = type(self).model_fields
        return {
            name: value
            for name, value in self.__dict__.items()
            if fields[name].is_required() or value != fields[name].default
        }


def one_operator(
    layer: Layer, inputs: tuple[Value, ...], shapes: tuple[Shape, ...], output: Shape, run: Run
) -> Operator:
    """A layer that is a single operator, from its own facts.

    Args:
        layer: the layer.
        inputs: what it reads.
        shapes: of these, without batch.
        output: its output's shape.
        run: under which conditions.
    """
    sizes = (run.batch, *output)
    storage = layer.training_storage if run.training else layer.storage
    training = training_of_batch(layer.training(shapes, output), run.batch) if run.training else KEEPS_NOTHING
    reads = tuple([~number for number in range(len(inputs))])
    scratch = of_batch(layer.scratch(shapes, output), run.batch)
    layout = layer.gradient_layout
    if storage != "new":
        holding: Holding = "inplace" if storage == "inplace" else "alias"
        return Operator(inputs[0], reads, holding, training, layout=layout, scratch=scratch)
    is_turned = _is_turned(layer, shapes, run)
    value = laid(layer.layout, sizes, layer.operands(inputs, run), is_turned=is_turned)
    learns = tuple([prod(tensor.shape) for tensor in layer.tensors(shapes) if tensor.learnable])
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
        unwanted=layer.unwanted_gradients,
        sums=layer.summed_gradient(inputs[0], shapes),
        sums_bias=layer.sums_bias,
    )


def _is_turned(layer: Layer, shapes: tuple[Shape, ...], run: Run) -> bool:
    """Whether a weight is taken for one with its channels last."""
    if layer.layout != "weight" or not run.channels_last:
        return False
    weight = layer.tensors(shapes)[0].shape
    return channels_last(weight).suggests_channels_last
