"""A deployed network's layers as TensorFlow Lite Micro's operators in int8.

As a converter writes them: a padding that is neither `VALID` nor TensorFlow's `SAME` is a `PAD` in front, ReLU and
ReLU6 are fused into operators that take them, any other activation is an operator with a tensor of its own, and so is a
`RESHAPE`. What has no such form makes the arena unknown, with the reason.

This is the one analysis that names layer types: it is about one runtime, which has names for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from archlab.analysis.micro.program import MicroProgram, Operation
from archlab.graph import Graph, Node
from archlab.layers.shape import Shape, is_map
from archlab.layers.uneven_padding import same_sides
from archlab.layers.wrapping import Sides

ACCUMULATOR_BYTES = 4
"""Of an output element, which a transposed convolution's kernel sums up in int32 (`transpose_conv.cc`)."""
FUSES = frozenset(
    {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "ADD", "SUB", "MUL"}
    | {"AVERAGE_POOL_2D", "MAX_POOL_2D"}
)
"""Operators with a `fused_activation_function`."""
FUSED = ("relu", "relu6")
SHUFFLED = 4
"""Dimensions, without the batch, of a map whose channels lie in groups."""

ONE_OPERATOR = {
    "relu": "RELU",
    "relu6": "RELU6",
    "hardswish": "HARD_SWISH",
    "sigmoid": "LOGISTIC",
    "tanh": "TANH",
    "leaky_relu": "LEAKY_RELU",
    "elu": "ELU",
    "prelu": "PRELU",
    "softmax": "SOFTMAX",
    "softmax2d": "SOFTMAX",
    "log_softmax": "LOG_SOFTMAX",
    "flatten": "RESHAPE",
    "linear": "FULLY_CONNECTED",
    "subtract": "SUB",
    "concat": "CONCATENATION",
    "narrow": "STRIDED_SLICE",
    "pixel_shuffle": "DEPTH_TO_SPACE",
    "pixel_unshuffle": "SPACE_TO_DEPTH",
    "zero_pad2d": "PAD",
    "constant_pad2d": "PADV2",
}
"""Layers that are one operator each, whatever their options."""
SEVERAL = {
    "silu": ("LOGISTIC", "MUL"),
    "hardsigmoid": ("ADD", "MUL"),  # min(max(x + 3, 0), 6), with ReLU6 fused, and a sixth of it
    "channel_shuffle": ("RESHAPE", "TRANSPOSE", "RESHAPE"),
}
"""Layers that are operators one behind the other, all tensors of the output's size."""
REDUCTIONS = {"mean": "MEAN", "sum": "SUM", "amax": "REDUCE_MAX"}
MOVES = {"flatten": "RESHAPE", "unflatten": "RESHAPE", "transpose": "TRANSPOSE", "permute": "TRANSPOSE"}
"""Layers on values of four dimensions, as channel shuffles are written with: the same bytes in TensorFlow's order."""
INT_BYTES = 4
PAIRWISE = {"add": "ADD", "multiply": "MUL", "maximum": "MAXIMUM", "minimum": "MINIMUM"}
"""Joins of two values; more are taken two at a time."""


class NotMicroError(Exception):
    """A network that has no form in TensorFlow Lite Micro's operators."""


def lowered(graph: Graph, batch: int = 1) -> MicroProgram:
    """A deployed network as operators, in the order of its file.

    Args:
        graph: the network, deployed.
        batch: number of samples.

    Raises:
        NotMicroError: if a layer has no such form.
    """
    return _Lowering(graph, batch).program()


class _Lowering:
    """Writes operators down, node by node."""

    def __init__(self, graph: Graph, batch: int) -> None:
        assert graph.deployment is not None
        self._graph = graph
        self._batch = batch
        self._fused = graph.deployment.fused
        self._reader = {source: node for node in graph.nodes for source in node.inputs}
        self._sizes: list[int] = []
        self._operations: list[Operation] = []
        self._tensor: dict[int, int] = {}
        """By node, the tensor that holds its value."""
        self._padding: dict[int, list[Sides]] = {}
        """By node, the padding that its reader does itself."""
        self._made: dict[int, int] = {}
        """By tensor, the operator that makes it."""

    def program(self) -> MicroProgram:
        """All of them."""
        for node in self._graph.nodes:
            if not node.inputs:
                self._tensor[node.index] = self._new(node.shape)
            elif not self._is_fused(node):
                self._lower(node)
        inputs = [self._tensor[node.index] for node in self._graph.inputs]
        outputs = [self._tensor[index] for _, index in self._graph.outputs]
        return MicroProgram(tuple(self._sizes), tuple(self._operations), tuple(inputs), tuple(outputs))

    def _new(self, shape: Sequence[int]) -> int:
        self._sizes.append(prod(shape) * self._batch)
        return len(self._sizes) - 1

    def _emit(
        self, kind: str, node: Node, inputs: Sequence[int], shape: Sequence[int], scratch: tuple[int, ...] = ()
    ) -> int:
        """An operator, and the tensor that it makes."""
        output = self._new(shape)
        self._made[output] = len(self._operations)
        self._operations.append(Operation(kind, node.index, tuple(inputs), output, scratch))
        return output

    def _is_fused(self, node: Node) -> bool:
        """Whether it goes into the operator in front of it; its value is that one's then."""
        source = self._tensor.get(node.inputs[0])
        if node.layer.type not in FUSED or node.path not in self._fused or source not in self._made:
            return False
        if self._operations[self._made[source]].kind not in FUSES:
            return False
        self._tensor[node.index] = source
        return True

    def _lower(self, node: Node) -> None:
        kind = node.layer.type
        if kind in MOVES and any(len(shape) == SHUFFLED for shape in (*self._graph.input_shapes(node), node.shape)):
            self._tensor[node.index] = self._emit(MOVES[kind], node, [self._tensor[node.inputs[0]]], node.shape)
            return
        if not all(_is_plain(shape) for shape in (*self._graph.input_shapes(node), node.shape)):
            raise NotMicroError(f"'{node.path}' ({kind}) is not of maps of two axes or features")
        inputs = [self._tensor[source] for source in node.inputs]
        if kind == "zero_pad2d" and self._is_taken_over(node):
            self._padding[node.index] = node.layer._sides()  # type: ignore[attr-defined]  # noqa: SLF001 - of PadNd
            self._tensor[node.index] = inputs[0]
        elif kind in ONE_OPERATOR:
            self._tensor[node.index] = self._emit(ONE_OPERATOR[kind], node, inputs, node.shape)
        elif kind in SEVERAL:
            self._tensor[node.index] = self._chain(node, SEVERAL[kind], inputs[0])
        elif kind in PAIRWISE:
            self._tensor[node.index] = self._pairwise(node, PAIRWISE[kind], inputs)
        elif kind in _RULES:
            self._tensor[node.index] = _RULES[kind](self, node, node.layer, inputs[0])
        else:
            raise NotMicroError(f"'{node.path}' ({kind}) has no operator of TensorFlow Lite Micro's")

    def _is_taken_over(self, node: Node) -> bool:
        """Whether a padding's only reader is a convolution, which may do it itself."""
        assert self._graph.deployment is not None
        return node.path in self._graph.deployment.padded and self._reader[node.index].layer.type == "conv2d"

    def _chain(self, node: Node, kinds: Sequence[str], source: int) -> int:
        """Operators one behind the other; a MUL at the end of a gate reads what it gates too."""
        made = source
        for kind in kinds:
            inputs = (source, made) if kinds == SEVERAL["silu"] and kind == "MUL" else (made,)
            made = self._emit(kind, node, inputs, node.shape)
        return made

    def _pairwise(self, node: Node, kind: str, inputs: Sequence[int]) -> int:
        made, *rest = inputs
        shapes = self._graph.input_shapes(node)
        shape = shapes[0]
        for other, other_shape in zip(rest, shapes[1:], strict=True):
            shape = tuple(map(max, shape, other_shape)) if len(shape) == len(other_shape) else node.shape
            made = self._emit(kind, node, (made, other), shape)
        return made

    def convolution(self, node: Node, layer: Any, source: int) -> int:
        """`CONV_2D` or `DEPTHWISE_CONV_2D`, with a `PAD` in front where its own padding is another."""
        given = self._graph.nodes[node.inputs[0]]
        if layer.padding_mode != "zeros":
            raise NotMicroError(f"'{node.path}' pads with {layer.padding_mode}, not with zeros")
        taken = self._padding.get(given.index, [(0, 0), (0, 0)])
        shape = (given.shape[0], *[size - sum(side) for size, side in zip(given.shape[1:], taken, strict=True)])
        own = [layer.padding_before_after(axis) for axis in range(2)]
        sides = [(one[0] + two[0], one[1] + two[1]) for one, two in zip(taken, own, strict=True)]
        windows = zip(shape[1:], layer.kernel_size, layer.stride, layer.dilation, strict=True)
        same = [same_sides(*window) for window in windows]
        if sides != same and any(map(sum, sides)):
            source = self._emit("PAD", node, (source,), _padded(shape, sides))
        kind = "DEPTHWISE_CONV_2D" if layer.groups == shape[0] else "CONV_2D"
        return self._emit(kind, node, (source,), node.shape)

    def transposed(self, node: Node, layer: Any, source: int) -> int:
        """`TRANSPOSE_CONV` with its sums in int32, cut afterwards where its padding is not `SAME`."""
        if layer.groups > 1 or max(layer.dilation) > 1:
            raise NotMicroError(f"'{node.path}' (conv_transpose2d) has groups or a dilation")
        shape = self._graph.input_shapes(node)[0]
        axes = list(zip(shape[1:], layer.kernel_size, layer.stride, layer.padding, node.shape[1:], strict=True))
        same = all(
            out == size * stride and padding == max(kernel - stride, 0) // 2
            for size, kernel, stride, padding, out in axes
        )
        full = (node.shape[0], *[(size - 1) * stride + kernel for size, kernel, stride, _, _ in axes])
        if any(padding + out > end for (*_, padding, out), end in zip(axes, full[1:], strict=True)):
            raise NotMicroError(f"'{node.path}' (conv_transpose2d) has positions behind its last kernel")
        made = node.shape if same else full
        scratch = (ACCUMULATOR_BYTES * prod(made) * self._batch,)
        output = self._emit("TRANSPOSE_CONV", node, (source,), made, scratch)
        return output if tuple(made) == tuple(node.shape) else self._emit("STRIDED_SLICE", node, (output,), node.shape)

    def pooling(self, node: Node, layer: Any, source: int) -> int:
        """`MAX_POOL_2D` or `AVERAGE_POOL_2D`, behind a padding where its own is another."""
        shape = self._graph.input_shapes(node)[0]
        is_max = layer.type.startswith("max")
        strides = layer.stride or layer.kernel_size
        if max(getattr(layer, "dilation", (1,))) > 1:
            raise NotMicroError(f"'{node.path}' ({layer.type}) has a dilation")
        if isinstance(layer.padding, str) or getattr(layer, "divisor_override", None) is not None:
            raise NotMicroError(f"'{node.path}' ({layer.type}) has a padding or a divisor of its own")
        axes = list(zip(shape[1:], layer.kernel_size, strides, layer.padding, node.shape[1:], strict=True))
        sides = [(before, max((out - 1) * s + k - size - before, 0)) for size, k, s, before, out in axes]
        same = [same_sides(size, kernel, stride, 1) for size, kernel, stride, _, _ in axes]
        skips = all(out == -(-size // stride) for size, _, stride, _, out in axes) and sides == same
        counts = not is_max and layer.count_include_pad and any(layer.padding)
        kind = "MAX_POOL_2D" if is_max else "AVERAGE_POOL_2D"
        if not any(map(sum, sides)) or (skips and not counts):
            return self._emit(kind, node, (source,), node.shape)
        if not is_max and (layer.ceil_mode or not layer.count_include_pad):
            raise NotMicroError(f"'{node.path}' ({layer.type}) leaves a padding out of its means that is not SAME")
        if counts:  # all of it counts, the part that no window reads too
            sides = [(before, max(end, 0)) for before, end in sides]
        padded = self._emit("PADV2" if is_max else "PAD", node, (source,), _padded(shape, sides))
        return self._emit(kind, node, (padded,), node.shape)

    def adaptive(self, node: Node, layer: Any, source: int) -> int:
        """A pooling of equal windows."""
        shape = self._graph.input_shapes(node)[0]
        if any(size % out for size, out in zip(shape[1:], node.shape[1:], strict=True)):
            raise NotMicroError(f"'{node.path}' ({layer.type}) has windows of several sizes")
        kind = "AVERAGE_POOL_2D" if "avg" in layer.type else "MAX_POOL_2D"
        return self._emit(kind, node, (source,), node.shape)

    def reduced(self, node: Node, layer: Any, source: int) -> int:
        """`MEAN` and the like, which count indices and, but for maxima, sum up in int32 (`reduce_common.cc`)."""
        kind = REDUCTIONS[layer.type]
        dims = len(layer.dim) if isinstance(layer.dim, tuple | list) else 1
        sums = (ACCUMULATOR_BYTES * prod(node.shape) * self._batch,) if kind != "REDUCE_MAX" else ()
        rank = 1 + len(self._graph.input_shapes(node)[0])
        return self._emit(kind, node, (source,), node.shape, (*sums, INT_BYTES * rank, INT_BYTES * dims))

    def resized(self, node: Node, layer: Any, source: int) -> int:
        """`RESIZE_NEAREST_NEIGHBOR` or `RESIZE_BILINEAR`."""
        kinds = {"nearest": "RESIZE_NEAREST_NEIGHBOR", "bilinear": "RESIZE_BILINEAR"}
        if layer.mode not in kinds:
            raise NotMicroError(f"'{node.path}' ({layer.type}) resizes by {layer.mode}")
        return self._emit(kinds[layer.mode], node, (source,), node.shape)

    def scaled(self, node: Node, layer: Any, source: int) -> int:
        """A scale and a shift of each channel: `MUL` and `ADD`."""
        return self._chain(node, ("MUL", "ADD") if layer.bias else ("MUL",), source)


Rule = Callable[[_Lowering, Node, Any, int], int]
_RULES: dict[str, Rule] = {
    "conv2d": _Lowering.convolution,
    "conv_transpose2d": _Lowering.transposed,
    "max_pool2d": _Lowering.pooling,
    "avg_pool2d": _Lowering.pooling,
    "adaptive_avg_pool2d": _Lowering.adaptive,
    "adaptive_max_pool2d": _Lowering.adaptive,
    "mean": _Lowering.reduced,
    "sum": _Lowering.reduced,
    "amax": _Lowering.reduced,
    "upsample": _Lowering.resized,
    "interpolate": _Lowering.resized,
    "layer_scale": _Lowering.scaled,
}


def _is_plain(shape: Shape) -> bool:
    """Whether it is a map of two axes, or features."""
    return type(shape) is tuple and (len(shape) == 1 or (is_map(shape) and len(shape) == 3))


def _padded(shape: Sequence[int], sides: Sequence[Sides]) -> tuple[int, ...]:
    return (shape[0], *[size + sum(side) for size, side in zip(shape[1:], sides, strict=True)])
