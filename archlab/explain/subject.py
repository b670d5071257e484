"""The layer that is explained, with what the sections ask about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from archlab.analysis.receptive_field.axis_field import INPUT_AXIS
from archlab.analysis.receptive_field.fields import ReceptiveField
from archlab.analysis.result import Analysis, LayerReport
from archlab.explain.weight import weight_of
from archlab.graph import Node
from archlab.layers.base import Layer
from archlab.layers.geometry import AxisReads, largest_reach
from archlab.layers.shape import AXIS_NAMES, Shape, axis_count, is_map


@dataclass(frozen=True)
class Subject:
    """One layer of an analysed network."""

    analysis: Analysis
    report: LayerReport

    @property
    def node(self) -> Node:
        """The node."""
        return self.report.node

    @property
    def layer(self) -> Layer:
        """Its layer."""
        return self.node.layer

    @property
    def output(self) -> Shape:
        """The output's shape."""
        return self.node.shape

    @property
    def batch(self) -> int:
        """Samples."""
        return self.analysis.batch

    @cached_property
    def inputs(self) -> tuple[Shape, ...]:
        """The inputs' shapes."""
        return self.analysis.graph.input_shapes(self.node)

    @cached_property
    def reads(self) -> AxisReads:
        """Of the first input."""
        return self.layer.reads(self.inputs, self.output)[0]

    @property
    def is_adaptive(self) -> bool:
        """Whether the data move what is read."""
        return largest_reach(self.reads) > 0

    @cached_property
    def weight(self) -> Shape:
        """The weight's shape; empty if the layer multiplies with none."""
        return weight_of(self.layer, self.inputs)

    @property
    def weight_elements(self) -> int:
        """Number of different weights."""
        return prod(self.weight) if self.weight else 0

    @property
    def is_map_to_map(self) -> bool:
        """Whether positions go in and come out, along the same axes."""
        both = is_map(self.inputs[0]) and is_map(self.output)
        return both and axis_count(self.inputs[0]) == axis_count(self.output)

    @property
    def rank(self) -> int:
        """How many axes its output has; 0 where it is flat."""
        return axis_count(self.output)

    @property
    def is_convolution(self) -> bool:
        """Whether a kernel slides, transposed or not."""
        return len(self.weight) > 2

    @property
    def is_transposed(self) -> bool:
        """Whether the kernel slides over the output."""
        return self.is_convolution and hasattr(self.layer, "output_padding")

    @property
    def kernel(self) -> Shape:
        """The sizes of a convolution's kernel along each axis."""
        return self.weight[2:]

    @property
    def groups(self) -> int:
        """Of a convolution; from the weight, so that a depthwise layer need not name them."""
        if not self.is_convolution:
            return 1
        return self.output[0] // self.weight[1] if self.is_transposed else self.inputs[0][0] // self.weight[1]

    def per_axis(self, name: str, default: int) -> tuple[int, ...]:
        """An option with a value for each axis."""
        value: Any = getattr(self.layer, name, None)
        return (default,) * self.rank if value is None else tuple(map(int, value))

    def words(self, before: str) -> str:
        """`kernel height x kernel width`."""
        return " x ".join([f"{before} {name}" for name in AXIS_NAMES[self.rank]])

    def field_before(self, which: int = 0) -> ReceptiveField:
        """Of an input."""
        index = self.node.inputs[which]
        if index:
            return self.analysis.layers[index - 1].receptive_field
        axis = INPUT_AXIS if is_map(self.analysis.graph.input_shape) else None
        return ReceptiveField((axis,) * len(self.report.receptive_field.axes))

    def readers(self, index: int) -> list[LayerReport]:
        """The layers that read a node."""
        return [report for report in self.analysis.layers if index in report.node.inputs]
