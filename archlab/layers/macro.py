"""Layers that stand for several: a name for a small graph of primitives, which is all that analyses see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from archlab.layers.base import Layer
from archlab.layers.shape import Shape

LayerClass = type[Layer]


class Step(NamedTuple):
    """One primitive in the expansion of an item.

    Attributes:
        layer: the primitive.
        inputs: steps that it reads, by number; -1 is the item's first input, -2 its second.
        label: its name in the scope; the layer's alias if empty.
        zero_init: whether its tensors start at zero (the offsets of a deformable convolution).
    """

    layer: Layer
    inputs: tuple[int, ...] = (-1,)
    label: str = ""
    zero_init: bool = False


class Macro(Layer):
    """A layer that expands to several primitives."""

    scoped: ClassVar[bool] = False
    """Whether the primitives it stands for get a level of the path of their own although the item has no name."""
    operation: ClassVar[LayerClass | None] = None
    """The primitive that only it makes, which `init` means by its name."""

    def steps(self, shape: Shape, attached: Mapping[str, Layer]) -> list[Step]:
        """The primitives in order; the last one gives the result.

        Args:
            shape: of the input.
            attached: the layers written as `norm`, `activation` and the like.

        Raises:
            ShapeError: if it cannot take this input.
        """
        raise NotImplementedError


def chain(start: int, *layers: Layer) -> list[Step]:
    """Layers one behind the other, the first reading step `start`."""
    return [Step(layer, (number,)) for number, layer in enumerate(layers, start)]
