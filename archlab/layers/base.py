"""The contract of a layer: facts about itself, from shapes alone.

A layer class is a Pydantic model whose fields are the arguments of its PyTorch namesake, with the same
names and defaults. Everything archlab says about a network derives from the few methods below; a new
layer therefore is one class in one file, and a new analysis seldom touches a layer.

Shapes carry no batch dimension: a map is `(channels, *axes)`, of one to three axes (length; height, width; depth,
height, width); a flat input is `(features,)`.
A map with the channels behind, as after a permutation, is a `ChannelsLast`. Where PyTorch's arguments count
dimensions (`flatten(start_dim=1)`), the batch is dimension 0, as in PyTorch.
"""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from archlab.layers.fields import give_rank
from archlab.layers.geometry import AxisReads, pointwise
from archlab.layers.runtime import Runtime
from archlab.layers.shape import Shape, axis_count


class TensorSpec(NamedTuple):
    """A tensor that a layer owns: a learnable parameter, or a buffer."""

    name: str
    shape: Shape
    learnable: bool = True
    dtype: str | None = None
    """None means the network's dtype."""
    persistent: bool = True
    """Whether it is in the `state_dict`; fixed weights are not."""

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)


class Cost(NamedTuple):
    """The work of a layer for one sample.

    Attributes:
        macs: multiply-accumulates, without bias.
        elementwise: operations that are not multiply-accumulates, the bias among them.
        activations: output elements of convolutions and linear layers inside of it, where it is no such layer itself.
        unknown: numbers that are not known, since nobody has declared them: an opaque layer's.
    """

    macs: int = 0
    elementwise: int = 0
    activations: int = 0
    unknown: tuple[str, ...] = ()


FREE = Cost()


Others = Literal["none", "joined", "gated", "offsets", "attended", "optional"]
"""What becomes of further inputs: there are none; all are joined alike; all are, but one that sees the whole image only
scales the others (a gate); they say where the first is read, and how much of it (a deformable convolution's); they are
what the first attends to, or may be: else it attends to itself (optional)."""
Role = Literal["layer", "weighted", "norm", "activation", "join", "source", "opaque"]
"""What it is in a network. Weighted are convolutions and linear layers, whose output elements count as `activations`
(pycls); a source is a value that comes from no input, whose samples alone it counts (`layers.source`); opaque is a
class of another package, known only as far as it is declared (`layers.opaque`)."""


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
    others: ClassVar[Others] = "none"
    """What it takes inputs beside the line above for."""

    rank: ClassVar[int] = 0
    """How many axes the maps have that it takes; 0 where any number does, and for a family (`ranks.of_rank`)."""
    runs: ClassVar[Runtime] = Runtime()
    """What of `runtime` is the same for all options and inputs."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Options with a value for each axis get as many as the class has axes."""
        if cls.rank:
            give_rank(cls.model_fields, cls.rank)

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The output shape.

        Raises:
            ShapeError: if the layer cannot take these inputs.
        """
        return inputs[0]

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, Any]:
        """Arguments of the PyTorch class that archlab infers from the input (`in_channels`, ...)."""
        return {}

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """For each input: the reads along each axis of one output position."""
        return (pointwise(axis_count(output)),) * len(inputs)

    def read_steps(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """What `reads` costs where it looks at positions one by one, in steps of about a microsecond."""
        return 0

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """The tensors it owns, in the order of PyTorch's `state_dict`."""
        return ()

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """The work for one sample; the rules are in the class's docstring."""
        return FREE

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """How PyTorch runs it: memory, order, precision, refusals. By default into new memory, its input kept."""
        return self.runs

    def torch_arguments(self) -> dict[str, Any]:
        """Constructor arguments as written or defaulted, in the order of the fields."""
        return {name: getattr(self, name) for name in type(self).model_fields}
