"""What counting tools multiply their coefficients with: plain numbers of one layer, for one sample."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from archlab.layers.base import Layer
from archlab.layers.shape import Shape

Quantity = Callable[[Layer, tuple[Shape, ...], Shape], int]


def _macs(layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
    return layer.cost(inputs, output).macs


def _output_macs(layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
    """The weight's elements at every *output* position: too many for a transposed convolution."""
    return _elements(layer, inputs, "weight") * prod(output[1:])


def _bias(layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
    return prod(output) if _tensor(layer, inputs, "bias") else 0


def _weight_params(layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    return _elements(layer, inputs, "weight")


def _bias_table(layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
    """torchinfo takes another parameter with `bias` in its name for a recurrent network's, whose steps come second."""
    return _elements(layer, inputs, "relative_position_bias_table") * output[0]


def _made_weights(layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    """Elements of a weight that is made anew in each pass, once for all samples."""
    return _elements(layer, inputs, "weight")


def _running(_layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    """Running variances, which are there once for all samples."""
    return inputs[0][0]


def _bias_params(layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    return _elements(layer, inputs, "bias")


def _affine(layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    """An operation for each element and learned tensor of a norm."""
    return prod(inputs[0]) * sum(tensor.learnable for tensor in layer.tensors(inputs))


def _vectors(layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    """Vectors that layer normalisation normalises."""
    return prod(inputs[0]) // int(layer.inferred(inputs)["normalized_shape"])


def _params(layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    return sum(tensor.elements for tensor in layer.tensors(inputs) if tensor.learnable)


def _inputs(_layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    return prod(inputs[0])


def _outputs(_layer: Layer, _inputs: tuple[Shape, ...], output: Shape) -> int:
    return prod(output)


def _positions(_layer: Layer, _inputs: tuple[Shape, ...], output: Shape) -> int:
    return prod(output[1:])


def _channels(_layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    return inputs[0][0]


def _groups(layer: Layer, _inputs: tuple[Shape, ...], _output: Shape) -> int:
    return _integer(layer, "groups")


def _layers(_layer: Layer, _inputs: tuple[Shape, ...], _output: Shape) -> int:
    return 1


def _rows(layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    """Vectors that a softmax works on."""
    dim = _integer(layer, "dim")
    return prod(inputs[0]) // inputs[0][dim if dim < 0 else dim - 1]


def _size_as_written(layer: Layer, _inputs: tuple[Shape, ...], output: Shape) -> int:
    """The output positions of an upsampling, but the number itself where its size is written as one."""
    size = getattr(layer, "size", None)
    return size if isinstance(size, int) else prod(output[1:])


def _taps(layer: Layer, _inputs: tuple[Shape, ...], output: Shape) -> int:
    """Kernel area times output positions, without channels."""
    return prod(_axes(layer, "kernel_size")) * prod(output[1:])


def _kernel_as_written(layer: Layer, _inputs: tuple[Shape, ...], output: Shape) -> int:
    """The kernel's area times the output, but the side where a square kernel is written as one number."""
    sides = _axes(layer, "kernel_size")
    return prod(output) * (sides[0] if len(set(sides)) == 1 else prod(sides))


def _adaptive_kernel(_layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
    """torchscan's guess of an adaptive pooling's kernel (`adaptive_kernel_size`), times the output."""
    sizes = zip(inputs[0][1:], output[1:], strict=True)
    return prod(output) * prod(i // o if i % o == 0 else i % o + 1 for i, o in sizes)


def _channel_padding(layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    """Zeros in front of and behind the channels of local response normalisation."""
    return (_integer(layer, "size") - 1) * prod(inputs[0][1:])


def _all_channel_macs(layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
    """torchscan on a convolution along channels: a kernel as deep as the map has channels, at each of them."""
    return _macs(layer, inputs, output) * inputs[0][0]


def _divided_macs(layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    """calflops on a transposed convolution: the output channels divided by the groups twice."""
    groups = _integer(layer, "groups")
    filters = prod(_tensor(layer, inputs, "weight")[1:2]) // groups
    return prod(_axes(layer, "kernel_size")) * filters * prod(inputs[0])


def _shrunk_bias(layer: Layer, inputs: tuple[Shape, ...], _output: Shape) -> int:
    """calflops on a transposed convolution: the bias at the positions that a *convolution* would have."""
    if not _tensor(layer, inputs, "bias"):
        return 0
    options = [_axes(layer, name) for name in ("kernel_size", "stride", "padding", "dilation")]
    sizes = [
        (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        for size, kernel, stride, padding, dilation in zip(inputs[0][1:], *options, strict=True)
    ]
    return prod((*_tensor(layer, inputs, "weight")[1:2], *sizes))


def _elements(layer: Layer, inputs: tuple[Shape, ...], name: str) -> int:
    shape = _tensor(layer, inputs, name)
    return prod(shape) if shape else 0


def _tensor(layer: Layer, inputs: tuple[Shape, ...], name: str) -> Shape:
    return next((tensor.shape for tensor in layer.tensors(inputs) if tensor.name == name), ())


def _axes(layer: Layer, name: str) -> tuple[int, ...]:
    return tuple(map(int, getattr(layer, name)))


def _integer(layer: Layer, name: str) -> int:
    value = getattr(layer, name)
    assert isinstance(value, int)
    return value


QUANTITIES: dict[str, tuple[Quantity, str]] = {
    "macs": (_macs, "MACs"),
    "output_macs": (_output_macs, "weights at each output position"),
    "bias": (_bias, "additions of a bias"),
    "params": (_params, "parameters"),
    "weight_params": (_weight_params, "weights"),
    "bias_table": (_bias_table, "biases by position, for each row of a map"),
    "made_weights": (_made_weights, "weights made anew"),
    "running": (_running, "running variances"),
    "groups": (_groups, "groups of channels"),
    "bias_params": (_bias_params, "biases"),
    "affine": (_affine, "elements, for scale and for shift,"),
    "vectors": (_vectors, "normalised vectors"),
    "inputs": (_inputs, "input elements"),
    "outputs": (_outputs, "output elements"),
    "positions": (_positions, "output positions, without channels"),
    "size_as_written": (_size_as_written, "size as written"),
    "channels": (_channels, "channels"),
    "layers": (_layers, "layers"),
    "rows": (_rows, "vectors"),
    "taps": (_taps, "kernel taps at each output position"),
    "kernel_as_written": (_kernel_as_written, "output elements x kernel side"),
    "adaptive_kernel": (_adaptive_kernel, "output elements x window"),
    "channel_padding": (_channel_padding, "zeros around the channels"),
    "all_channel_macs": (_all_channel_macs, "MACs for each channel"),
    "divided_macs": (_divided_macs, "MACs, divided by the groups twice"),
    "shrunk_bias": (_shrunk_bias, "bias at a convolution's positions"),
}
"""Name to function and words."""

ONCE = frozenset({"made_weights", "running"})
"""Quantities that do not grow with the batch."""
