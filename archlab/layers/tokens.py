"""Tokens: learned ones in front of those of a map, and learned values of each position."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.attention_op import require_tokens
from archlab.layers.base import Cost, Layer, TensorSpec
from archlab.layers.fields import Positive
from archlab.layers.laid import Laid, extra_of, laid, positions_of, roles_of
from archlab.layers.operators import Learned, Operator
from archlab.layers.room import SHARES, VIEWS
from archlab.layers.runtime import Execution, Runtime
from archlab.layers.shape import Shape, ShapeError, shape_text
from archlab.layers.strides import contiguous, iterated


class ClassToken(Layer):
    """Learned tokens in front of those of a map (Dosovitskiy et al. 2021): (N, C) to (num_tokens + N, C).

    They stand for no position. `{type: narrow, dim: 1, start: 0, length: 1}` takes them out again. FLOPs: none.
    """

    type: ClassVar[str] = "class_token"
    alias: ClassVar[str] = "class_token"
    torch_class: ClassVar[str] = "archlab.torch.modules.ClassToken"

    num_tokens: Positive = Field(1, description="How many.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(N, C) to (num_tokens + N, C)."""
        (shape,) = inputs
        require_tokens(self.type, shape)
        if not isinstance(shape, Laid) or len(shape) != 2 or len(roles_of(shape)[0]) < 2:
            raise ShapeError(
                f"class_token needs the tokens of a map of two axes or three, but its input is {shape_text(shape)}",
                hint="put {type: flatten, start_dim: 2} and {type: transpose, dim0: 1, dim1: 2} in front of it",
            )
        sizes = (self.num_tokens + shape[0], shape[1])
        return laid(sizes, roles_of(shape), positions_of(shape), extra_of(shape) + self.num_tokens)

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """num_features."""
        return {"num_features": inputs[0][-1]}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """class_token: (1, num_tokens, C)."""
        return (TensorSpec("class_token", (1, self.num_tokens, inputs[0][-1])),)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The tokens of each sample are views of the parameter."""
        return Runtime(operators=self._operators, autocast="copies")

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One; the parameter is stretched along the batch, and its gradient summed up: of one sample it is a view."""
        learned = self.num_tokens * execution.output[-1]
        value, is_one = contiguous(execution.sizes), execution.run.batch == 1
        return (Operator(value, training=VIEWS, learns=(learned,), learned="view" if is_one else "new"),)


class PositionEmbedding(Layer):
    """A learned value for each position and channel, added (Dosovitskiy et al. 2021). FLOPs: 1 per element.

    Any shape, of which the learned values are one sample: (1, N, C) of tokens, (1, C, H, W) of a map.
    """

    type: ClassVar[str] = "position_embedding"
    alias: ClassVar[str] = "pos_embed"
    torch_class: ClassVar[str] = "archlab.torch.modules.PositionEmbedding"

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, list[int]]:
        """shape: of a sample."""
        return {"shape": list(inputs[0])}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """pos_embed: (1, *shape)."""
        return (TensorSpec("pos_embed", (1, *inputs[0])),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """One addition for each element."""
        return Cost(elementwise=prod(output))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A sum, whose gradient is summed up along the batch."""
        return Runtime(operators=self._operators, autocast="parameters")

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """One."""
        value = iterated(execution.sizes, (*execution.inputs, contiguous((1, *execution.output))))
        learned: Learned = "handed on" if execution.run.batch == 1 else "new"
        return (Operator(value, training=SHARES, learns=(prod(execution.output),), learned=learned),)
