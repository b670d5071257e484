"""Small int8 networks, written at the same time as a config and as a TensorFlow Lite file.

The file is written as a converter writes it, by rules of its own: it knows nothing of archlab's.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import flatbuffers
import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from archlab.api.network import Network

INT8, INT32 = schema.TensorType.INT8, schema.TensorType.INT32
Sizes = tuple[int, ...]


class Value(NamedTuple):
    """What a layer gives: its tensor's number, and its shape as TensorFlow has it, without batch."""

    tensor: int
    shape: Sizes


class Writer:
    """Layers one behind the other, in both forms."""

    def __init__(self, shape: Sizes) -> None:
        self.items: list[str] = []
        self._shape = shape
        self._codes: list[int] = []
        self._tensors: list[Any] = []
        self._buffers = [schema.BufferT()]
        self._operators: list[Any] = []
        self.input = Value(self._tensor(shape), shape)

    def item(self, text: str) -> str:
        """A line of the config; its name."""
        name = f"n{len(self.items)}"
        self.items.append(f"  - {{name: {name}, {text}}}")
        return name

    def config(self, outputs: list[str]) -> str:
        """The network as archlab reads it."""
        height, width, channels = self._shape
        head = f"archlab: 1\ninput: [{channels}, {height}, {width}]\nlayers:\n"
        return head + "\n".join(self.items) + f"\noutputs: [{', '.join(outputs)}]\n"

    def _tensor(self, shape: Sizes, *, scales: int = 1, kind: int = INT8, data: Any = None) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.name = (
            [1, *shape] if data is None else list(shape),
            kind,
            f"t{len(self._tensors)}",
        )
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = [1 / 256 if data is None else 1.0] * scales
        tensor.quantization.zeroPoint = [-128 if data is None else 0] * scales
        tensor.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), dtype=np.uint8)
            tensor.buffer = len(self._buffers)
            self._buffers.append(buffer)
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def constant(self, shape: Sizes, kind: int = INT8, values: Any = None, scales: int = 1, axis: int = 0) -> int:
        """A weight; where it has several scales, along an axis."""
        dtype = np.int8 if kind == INT8 else np.int32
        data = np.zeros(shape, dtype) if values is None else np.asarray(values, dtype).reshape(shape)
        number = self._tensor(shape, scales=scales, kind=kind, data=data)
        self._tensors[number].quantization.quantizedDimension = axis
        return number

    def bias(self, count: int, value: Value, scales: int = 1) -> int:
        """Of a weight of scale 1: as fine as what it is added to."""
        number = self.constant((count,), INT32, scales=scales)
        self._tensors[number].quantization.scale = [self._tensors[value.tensor].quantization.scale[0]] * scales
        return number

    def filling(self) -> int:
        """The least value, in the scale of values."""
        number = self.constant((1,), values=[-128])
        self._tensors[number].quantization.scale, self._tensors[number].quantization.zeroPoint = [1 / 256], [-128]
        return number

    def op(self, name: str, inputs: list[int], shape: Sizes, options: Any = None) -> Value:
        """An operator, and what it gives."""
        code = getattr(schema.BuiltinOperator, name)
        if code not in self._codes:
            self._codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes.index(code)
        made = Value(self._tensor(shape), shape)
        operator.inputs, operator.outputs = inputs, [made.tensor]
        if options is not None:
            operator.builtinOptions = options
            kind = type(options).__name__[:-1]
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        self._operators.append(operator)
        return made

    def reorder(self, order: Sequence[int]) -> dict[int, int]:
        """Put the operators in another order, and number the tensors as they are made then; the new numbers."""
        self._operators = [self._operators[index] for index in order]
        made = [self.input.tensor, *[operator.outputs[0] for operator in self._operators]]
        rest = [number for number in range(len(self._tensors)) if number not in set(made)]
        numbers = {old: new for new, old in enumerate([*made, *rest])}
        self._tensors = [self._tensors[old] for old in numbers]
        for operator in self._operators:
            operator.inputs = [numbers[tensor] for tensor in operator.inputs]
            operator.outputs = [numbers[tensor] for tensor in operator.outputs]
        self.input = Value(numbers[self.input.tensor], self.input.shape)
        return numbers

    def file(self, outputs: list[Value]) -> bytes:
        """The whole file."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = [self.input.tensor], [value.tensor for value in outputs]
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers = 3, [graph], self._buffers
        model.operatorCodes = []
        for code in self._codes:
            made = schema.OperatorCodeT()
            made.builtinCode, made.deprecatedBuiltinCode, made.version = code, min(code, 127), 1
            model.operatorCodes.append(made)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def options(kind: str, **values: Any) -> Any:
    """Options of an operator: `Conv2DOptions` and so on."""
    made = getattr(schema, f"{kind}OptionsT")()
    for name, value in values.items():
        assert hasattr(made, name), name
        setattr(made, name, value)
    return made


NONE, RELU, RELU6 = (getattr(schema.ActivationFunctionType, name) for name in ("NONE", "RELU", "RELU6"))
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
ACTIVATIONS = {"": NONE, "relu": RELU, "relu6": RELU6}


def padded(writer: Writer, value: Value, sides: list[tuple[int, int]], kind: str = "PAD") -> Value:
    """Behind a padding of its own."""
    height, width, channels = value.shape
    (top, bottom), (left, right) = sides
    pads = writer.constant((4, 2), INT32, [[0, 0], [top, bottom], [left, right], [0, 0]])
    fill = [writer.filling()] if kind == "PADV2" else []
    return writer.op(kind, [value.tensor, pads, *fill], (height + top + bottom, width + left + right, channels))


def window(size: int, kernel: int, stride: int, padding: int) -> tuple[int, tuple[int, int]]:
    """Output positions of PyTorch's window, and what TensorFlow's SAME would pad for as many."""
    out = (size + 2 * padding - kernel) // stride + 1
    return out, same_of(size, kernel, stride)


def same_of(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros in front and behind (`ComputePaddingWithOffset` of TensorFlow Lite's `padding.h`)."""
    out = (size + stride - 1) // stride
    total = max((out - 1) * stride + kernel - size, 0)
    return total // 2, total // 2 + total % 2


class Drawn(NamedTuple):
    """A network in both forms."""

    config: str
    file: bytes
    writer: Writer
    outputs: list[Value]

    def reordered(self, order: Sequence[int]) -> bytes:
        """The file with its operators in another order."""
        numbers = self.writer.reorder(order)
        return self.writer.file([Value(numbers[value.tensor], value.shape) for value in self.outputs])


class Draw:
    """A random network: a list of values that later layers may read."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - of networks
        size = self.random.choice([8, 9, 12, 15, 16])
        self.writer = Writer((size, size, self.random.choice([1, 3, 4, 6])))
        self.values: list[tuple[str, Value]] = [("input", self.writer.input)]

    def read(self) -> set[str]:
        """The names that layers read."""
        return set(re.findall(r"(?:from: |with: \[)(\w+)", "\n".join(self.writer.items)))

    def source(self, recent: int = 3) -> tuple[str, Value]:
        """One of the latest maps."""
        return self.random.choice(self.values[-recent:])

    def put(self, name: str, value: Value) -> None:
        """A new map."""
        self.values.append((name, value))

    def conv(self) -> None:
        """A convolution with padding, groups or depthwise, batch norm, dropout, and a fused activation."""
        name, value = self.source()
        height, width, channels = value.shape
        kernel, stride = self.random.choice([1, 2, 3, 5]), self.random.choice([1, 1, 2])
        padding = self.random.choice([0, kernel // 2])
        if min(height, width) + 2 * padding < kernel:
            return
        depthwise = self.random.random() < 0.4
        groups = channels if depthwise else 1
        out = channels * self.random.choice([1, 2]) if depthwise else self.random.choice([4, 5, 8, 16])
        activation = self.random.choice(list(ACTIVATIONS))
        extra = "".join(
            [
                ", norm: batch_norm2d" if self.random.random() < 0.5 else "",
                f", activation: {activation}" if activation else "",
            ]
        )
        text = f"type: conv2d, from: {name}, out_channels: {out}, kernel_size: {kernel}, stride: {stride}, "
        line = self.writer.item(f"{text}padding: {padding}, groups: {groups}{extra}")
        (rows, same_h), (columns, same_w) = (window(size, kernel, stride, padding) for size in (height, width))
        is_same = [(padding, padding)] * 2 == [same_h, same_w] and (padding or same_h == same_w == (0, 0))
        if padding and not is_same:
            value = padded(self.writer, value, [(padding, padding)] * 2)
        shape = (1, kernel, kernel, out) if depthwise else (out, kernel, kernel, channels)
        weight = self.writer.constant(shape, scales=out, axis=3 if depthwise else 0)
        bias = self.writer.bias(out, value, out)
        given = {
            "padding": SAME if is_same and padding else VALID,
            "strideW": stride,
            "strideH": stride,
            "fusedActivationFunction": ACTIVATIONS[activation],
            "dilationWFactor": 1,
            "dilationHFactor": 1,
        }
        if depthwise:
            made = options("DepthwiseConv2D", depthMultiplier=out // channels, **given)
            result = self.writer.op("DEPTHWISE_CONV_2D", [value.tensor, weight, bias], (rows, columns, out), made)
        else:
            result = self.writer.op(
                "CONV_2D", [value.tensor, weight, bias], (rows, columns, out), options("Conv2D", **given)
            )
        self.put(line, result)

    def transposed(self) -> None:
        """A transposed convolution, whose kernel takes memory of its own."""
        name, value = self.source()
        height, width, channels = value.shape
        if max(height, width) > 12:
            return
        kernel, padding = self.random.choice([(2, 0), (4, 1), (3, 0)])
        out = self.random.choice([2, 3])
        line = self.writer.item(
            f"type: conv_transpose2d, from: {name}, out_channels: {out}, kernel_size: {kernel}, stride: 2, "
            f"padding: {padding}"
        )
        rows, columns = ((size - 1) * 2 - 2 * padding + kernel for size in (height, width))
        shape = self.writer.constant((4,), INT32, [1, rows, columns, out])
        weight = self.writer.constant((out, kernel, kernel, channels), scales=out)
        bias = self.writer.bias(out, value, out)
        given = options("TransposeConv", padding=SAME if padding else VALID, strideW=2, strideH=2)
        inputs = [shape, weight, value.tensor, bias]
        self.put(line, self.writer.op("TRANSPOSE_CONV", inputs, (rows, columns, out), given))

    def pool(self) -> None:
        """Maxima or means of windows."""
        name, value = self.source()
        height, width, channels = value.shape
        kind, kernel, padding = self.random.choice([("max", 2, 0), ("max", 3, 1), ("avg", 2, 0), ("avg", 3, 1)])
        if min(height, width) < 3:
            return
        line = self.writer.item(
            f"type: {kind}_pool2d, from: {name}, kernel_size: {kernel}, stride: 2, padding: {padding}"
        )
        (rows, same_h), (columns, same_w) = (window(size, kernel, 2, padding) for size in (height, width))
        is_same = kind == "max" and padding and same_h == same_w == (1, 1)
        if padding and not is_same:
            # what no window reads is not padded where it does not count
            ends = [
                padding if kind == "avg" else max((out - 1) * 2 + kernel - size - padding, 0)
                for size, out in ((height, rows), (width, columns))
            ]
            ends = [max((out - 1) * 2 + kernel - size - padding, 0) for size, out in ((height, rows), (width, columns))]
            value = padded(self.writer, value, [(padding, end) for end in ends], "PADV2" if kind == "max" else "PAD")
        given = options(
            "Pool2D", padding=SAME if is_same else VALID, strideW=2, strideH=2, filterWidth=kernel, filterHeight=kernel
        )
        name = "MAX_POOL_2D" if kind == "max" else "AVERAGE_POOL_2D"
        self.put(line, self.writer.op(name, [value.tensor], (rows, columns, channels), given))

    def join(self) -> None:
        """A sum, a product or maps behind one another, of two values."""
        name, value = self.source(6)
        others = [(n, v) for n, v in self.values if v.shape == value.shape and n != name]
        if not others:
            return
        other, added = self.random.choice(others)
        kind = self.random.choice(["add", "add", "multiply", "concat"])
        line = self.writer.item(f"type: {kind}, from: {name}, with: [{other}]")
        inputs = [value.tensor, added.tensor]
        if kind == "concat":
            shape = (*value.shape[:2], 2 * value.shape[2])
            self.put(line, self.writer.op("CONCATENATION", inputs, shape, options("Concatenation", axis=3)))
            return
        activation = self.random.choice(["", "relu"])
        given = options("Add" if kind == "add" else "Mul", fusedActivationFunction=ACTIVATIONS[activation])
        if activation:
            line = self.writer.item(f"type: {activation}")
        self.put(line, self.writer.op("ADD" if kind == "add" else "MUL", inputs, value.shape, given))

    def activation(self) -> None:
        """One that is an operator of its own, or two."""
        name, value = self.source()
        kind = self.random.choice(["sigmoid", "tanh", "hardswish", "silu", "leaky_relu", "batch_norm2d"])
        line = self.writer.item(f"type: {kind}, from: {name}")
        # read by another too, so that a batch norm is no part of what stands in front of it
        if kind == "batch_norm2d":
            scale, shift = (self.writer.constant((1, 1, 1, value.shape[2])) for _ in range(2))
            scaled = self.writer.op("MUL", [value.tensor, scale], value.shape, options("Mul"))
            self.put(line, self.writer.op("ADD", [scaled.tensor, shift], value.shape, options("Add")))
            other = self.writer.item(f"type: tanh, from: {name}")
            self.put(other, self.writer.op("TANH", [value.tensor], value.shape))
        elif kind == "silu":
            gate = self.writer.op("LOGISTIC", [value.tensor], value.shape)
            self.put(line, self.writer.op("MUL", [value.tensor, gate.tensor], value.shape, options("Mul")))
        else:
            names = {"sigmoid": "LOGISTIC", "tanh": "TANH", "hardswish": "HARD_SWISH", "leaky_relu": "LEAKY_RELU"}
            given = options("LeakyRelu", alpha=0.01) if kind == "leaky_relu" else None
            self.put(line, self.writer.op(names[kind], [value.tensor], value.shape, given))

    def reshaped(self) -> None:
        """A map of another size: resized, cut, or shuffled."""
        name, value = self.source()
        height, width, channels = value.shape
        kind = self.random.choice(["upsample", "narrow", "zero_pad2d", "dropout"])
        if kind == "upsample" and max(height, width) <= 8:
            line = self.writer.item(f"type: upsample, from: {name}, scale_factor: 2")
            size = self.writer.constant((2,), INT32, [2 * height, 2 * width])
            given = options("ResizeNearestNeighbor")
            shape = (2 * height, 2 * width, channels)
            self.put(line, self.writer.op("RESIZE_NEAREST_NEIGHBOR", [value.tensor, size], shape, given))
        elif kind == "narrow" and channels > 1:
            line = self.writer.item(f"type: narrow, from: {name}, start: 1, length: {channels - 1}")
            bounds = ([0, 0, 0, 1], [1, height, width, channels], [1, 1, 1, 1])
            inputs = [self.writer.constant((4,), INT32, bound) for bound in bounds]
            shape = (height, width, channels - 1)
            self.put(line, self.writer.op("STRIDED_SLICE", [value.tensor, *inputs], shape, options("StridedSlice")))
        elif kind == "zero_pad2d":
            line = self.writer.item(f"type: zero_pad2d, from: {name}, padding: 1")
            self.put(line, padded(self.writer, value, [(1, 1), (1, 1)]))
            tanh = self.writer.item(f"type: tanh, from: {line}")  # not a convolution alone
            self.put(tanh, self.writer.op("TANH", [self.values[-1][1].tensor], self.values[-1][1].shape))
        elif kind == "dropout":
            line = self.writer.item(f"type: dropout, from: {name}")
            self.put(line, value)

    def reduced(self, name: str, value: Value) -> Value:
        """Sums of whole maps, whose kernels take memory of their own."""
        layer, kind = self.random.choice([("mean", "MEAN"), ("sum", "SUM"), ("amax", "REDUCE_MAX")])
        self.writer.item(f"type: {layer}, from: {name}, dim: [2, 3]")
        axes = self.writer.constant((2,), INT32, [1, 2])
        return self.writer.op(kind, [value.tensor, axes], (value.shape[2],), options("Reducer", keepDims=False))

    def pooled(self, name: str, value: Value) -> Value:
        """The mean by a window, as features."""
        height, width, channels = value.shape
        self.writer.item(f"type: adaptive_avg_pool2d, from: {name}, output_size: 1")
        given = options("Pool2D", padding=VALID, strideW=width, strideH=height, filterWidth=width, filterHeight=height)
        pooled = self.writer.op("AVERAGE_POOL_2D", [value.tensor], (1, 1, channels), given)
        self.writer.item("type: flatten")
        shape = self.writer.constant((2,), INT32, [1, channels])
        given = options("Reshape", newShape=[1, channels])
        return self.writer.op("RESHAPE", [pooled.tensor, shape], (channels,), given)

    def shuffled(self) -> None:
        """Channels in another order: three operators."""
        name, value = self.source()
        height, width, channels = value.shape
        if channels % 2:
            return
        orders = ((height, width, 2, channels // 2), (height, width, channels // 2, 2), value.shape)
        if self.random.random() < 0.5:
            line = self.writer.item(f"type: channel_shuffle, from: {name}, groups: 2")
        else:
            self.writer.item(f"type: unflatten, from: {name}, dim: 1, unflattened_size: [2, {channels // 2}]")
            self.writer.item("type: transpose, dim0: 1, dim1: 2")
            line = self.writer.item("type: flatten, start_dim: 1, end_dim: 2")
        for number, order in enumerate(orders):
            if number == 1:
                turned = self.writer.constant((5,), INT32, [0, 1, 2, 4, 3])
                value = self.writer.op("TRANSPOSE", [value.tensor, turned], order, options("Transpose"))
            else:
                sizes = self.writer.constant((len(order) + 1,), INT32, [1, *order])
                given = options("Reshape", newShape=[1, *order])
                value = self.writer.op("RESHAPE", [value.tensor, sizes], order, given)
        self.put(line, value)

    def head(self) -> tuple[str, Value]:
        """One value for each channel of the last map, features, and their shares."""
        name, value = self.values[-1]
        channels = value.shape[2]
        flat = self.reduced(name, value) if self.random.random() < 0.5 else self.pooled(name, value)
        self.writer.item("type: linear, out_features: 7")
        weight, bias = self.writer.constant((7, channels)), self.writer.bias(7, flat)
        given = options("FullyConnected")
        made = self.writer.op("FULLY_CONNECTED", [flat.tensor, weight, bias], (7,), given)
        line = self.writer.item("type: softmax")
        return line, self.writer.op("SOFTMAX", [made.tensor], (7,), options("Softmax", beta=1.0))


def draw(seed: int) -> Drawn:
    """A random network in both forms."""
    drawn = Draw(seed)
    steps = [drawn.conv, drawn.conv, drawn.conv, drawn.join, drawn.join, drawn.pool]
    steps += [drawn.activation, drawn.reshaped, drawn.transposed, drawn.shuffled]
    for _ in range(drawn.random.randint(3, 14)):
        drawn.random.choice(steps)()
    head = drawn.head()
    ends = [*[(name, value) for name, value in drawn.values if name not in drawn.read()], head]
    if "input" not in drawn.read():
        return draw(seed + 1_000_000)
    writer = drawn.writer
    outputs = [value for _, value in ends]
    return Drawn(writer.config([name for name, _ in ends]), writer.file(outputs), writer, outputs)


def converted(network: Network) -> bytes:
    """A network of convolutions, sums and a mean, as a converter writes it: batch norms and ReLU6 in convolutions."""
    graph = network.graph
    channels, height, width = graph.input_shape
    writer = Writer((height, width, channels))
    values = {0: writer.input}
    pads: dict[int, list[tuple[int, int]]] = {}
    followed = {node.inputs[0]: node.layer.type for node in graph.nodes if node.inputs}
    for node in graph.layers:
        options_of = node.layer.torch_arguments()
        value = values[node.inputs[0]]
        kind = node.layer.type
        if kind == "zero_pad2d":
            left, right, top, bottom = options_of["padding"]
            pads[node.index] = [(top, bottom), (left, right)]
        elif kind == "conv2d":
            norm = next(other for other in graph.nodes if other.inputs == (node.index,))
            relu = followed.get(norm.index) == "relu6"
            value = _convolved(writer, value, options_of, pads.get(node.inputs[0]), relu=relu)
        elif kind == "add":
            value = writer.op("ADD", [values[index].tensor for index in node.inputs], value.shape, options("Add"))
        elif kind == "adaptive_avg_pool2d":
            rows, columns, deep = value.shape
            given = options("Pool2D", padding=VALID, strideW=1, strideH=1, filterWidth=columns, filterHeight=rows)
            value = writer.op("AVERAGE_POOL_2D", [value.tensor], (1, 1, deep), given)
        elif kind == "flatten":
            shape = writer.constant((2,), INT32, [1, value.shape[2]])
            given = options("Reshape", newShape=[1, value.shape[2]])
            value = writer.op("RESHAPE", [value.tensor, shape], (value.shape[2],), given)
        elif kind == "linear":
            out = options_of["out_features"]
            inputs = [value.tensor, writer.constant((out, value.shape[0])), writer.bias(out, value)]
            value = writer.op("FULLY_CONNECTED", inputs, (out,), options("FullyConnected"))
        else:
            assert kind in {"batch_norm2d", "relu6", "dropout"}, kind
        values[node.index] = value
    return writer.file([values[graph.outputs[0][1]]])


def _convolved(
    writer: Writer, value: Value, given: dict[str, Any], pad: list[tuple[int, int]] | None, *, relu: bool
) -> Value:
    height, width, channels = value.shape
    (kernel, _), (stride, _), (padding, _) = given["kernel_size"], given["stride"], given["padding"]
    sides = pad or [(padding, padding)] * 2
    same = [same_of(size, kernel, stride) for size in (height, width)]
    rows, columns = (
        (size + sum(side) - kernel) // stride + 1 for size, side in zip((height, width), sides, strict=True)
    )
    if sides != same and any(map(sum, sides)):
        value = padded(writer, value, sides)
    out, depthwise = given["out_channels"], given["groups"] > 1
    shape = (1, kernel, kernel, out) if depthwise else (out, kernel, kernel, channels)
    inputs = [
        value.tensor,
        writer.constant(shape, scales=out, axis=3 if depthwise else 0),
        writer.bias(out, value, out),
    ]
    made = {
        "padding": SAME if sides == same else VALID,
        "strideW": stride,
        "strideH": stride,
        "dilationWFactor": 1,
        "dilationHFactor": 1,
        "fusedActivationFunction": RELU6 if relu else NONE,
    }
    if depthwise:
        return writer.op(
            "DEPTHWISE_CONV_2D", inputs, (rows, columns, out), options("DepthwiseConv2D", depthMultiplier=1, **made)
        )
    return writer.op("CONV_2D", inputs, (rows, columns, out), options("Conv2D", **made))
