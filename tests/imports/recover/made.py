"""Flat networks made by hand, as a reader of other code would give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from archlab.imports.flat import Flat, Item, Scope
from archlab.layers import find_layer
from archlab.layers.shape import Shape

Value = int


class Made:
    """Collects items; `scope` says in which module they are called."""

    def __init__(self, input_shape: Shape = (3, 32, 32)) -> None:
        self.shapes: list[Shape] = [input_shape]
        self.items: list[Item] = []
        self._scopes: list[Scope] = [Scope("", "Net")]

    @contextmanager
    def scope(self, name: str, kind: str) -> Iterator[None]:
        """A module while it runs."""
        above = self._scopes[-1].path
        self._scopes.append(Scope(f"{above}.{name}" if above else name, kind))
        yield
        self._scopes.pop()

    def add(self, name: str, layer_type: str, *inputs: Value, share: Value | None = None, **options: Any) -> Value:
        """A layer in the module that runs."""
        cls = find_layer(layer_type)
        assert cls is not None
        layer = cls(**options)
        shape = layer.out_shape(tuple([self.shapes[value] for value in inputs]))
        path = f"{self._scopes[-1].path}.{name}".strip(".")
        given = {} if share is not None else options
        tensors = {
            spec.name: f"{path}.{spec.name}" for spec in layer.tensors(tuple([self.shapes[value] for value in inputs]))
        }
        self.items.append(Item(path, layer_type, given, inputs, shape, share, tuple(self._scopes), tensors))
        self.shapes.append(shape)
        return len(self.shapes) - 1

    def conv(self, name: str, value: Value, out_channels: int, kernel_size: int = 3, **options: Any) -> Value:
        """A convolution that keeps the size, without bias."""
        given: dict[str, Any] = {"out_channels": out_channels, "kernel_size": kernel_size}
        if kernel_size > 1:
            given["padding"] = kernel_size // 2
        return self.add(name, "conv2d", value, **given, bias=False, **options)

    def unit(self, name: str, value: Value, out_channels: int, kernel_size: int = 3, **options: Any) -> Value:
        """Convolution, norm and ReLU in place."""
        value = self.conv(name, value, out_channels, kernel_size, **options)
        value = self.add(f"{name}_bn", "batch_norm2d", value)
        return self.add(f"{name}_relu", "relu", value, inplace=True)

    def flat(self, outputs: Sequence[Value] = ()) -> Flat:
        """All of it; by default the last value is the result."""
        values = list(outputs) or [len(self.shapes) - 1]
        form = "single" if len(values) == 1 else "tuple"
        labelled = [(f"output{number}", value) for number, value in enumerate(values)]
        return Flat("net", "made", {"input": self.shapes[0]}, self.items, labelled, form)  # type: ignore[arg-type]


def resnet(widths: Sequence[int] = (8, 16), depth: int = 3) -> Flat:
    """Basic blocks with projections where the shape changes."""
    made = Made()
    value = made.unit("conv1", 0, 8)
    for stage, width in enumerate(widths, 1):
        with made.scope(f"layer{stage}", "Sequential"):
            for number in range(depth):
                stride = 2 if stage > 1 and number == 0 else 1
                with made.scope(str(number), "BasicBlock"):
                    value = _basic(made, value, width, stride)
    return made.flat()


def _basic(made: Made, value: Value, width: int, stride: int) -> Value:
    start = value
    value = made.unit("conv1", value, width, stride=stride) if stride > 1 else made.unit("conv1", value, width)
    value = made.add("bn2", "batch_norm2d", made.conv("conv2", value, width))
    if stride > 1:
        with made.scope("downsample", "Sequential"):
            start = made.add("1", "batch_norm2d", made.conv("0", start, width, 1, stride=stride))
    value = made.add("add", "add", value, start)
    return made.add("relu", "relu", value, inplace=True)


def inverted() -> Flat:
    """Inverted residuals: something is added where the shape stays, and the first does not expand."""
    made = Made()
    value = made.unit("stem", 0, 8)
    rows = [(8, 1, 1), (12, 2, 4), (12, 1, 4), (16, 2, 4), (16, 1, 4), (16, 1, 4)]
    with made.scope("features", "Sequential"):
        for number, (width, stride, expand) in enumerate(rows):
            with made.scope(str(number), "InvertedResidual"):
                start, hidden = value, made.shapes[value][0] * expand
                if expand > 1:
                    value = made.unit("expand", value, hidden, 1)
                extra = {"stride": stride} if stride > 1 else {}
                value = made.unit("depthwise", value, hidden, groups=hidden, **extra)
                value = made.add("bn", "batch_norm2d", made.conv("project", value, width, 1))
                if made.shapes[value] == made.shapes[start] and number:
                    value = made.add("add", "add", start, value)
    return made.flat()


def dense() -> Flat:
    """Layers of which each reads all before it."""
    made = Made()
    value = made.unit("conv0", 0, 8)
    for block, depth in ((1, 3), (2, 4)):
        with made.scope(f"block{block}", "DenseBlock"):
            values = [value]
            for number in range(depth):
                with made.scope(f"layer{number}", "DenseLayer"):
                    start = made.add("cat", "concat", *values) if number else value
                    inner = made.add("norm", "batch_norm2d", start)
                    inner = made.add("relu", "relu", inner, inplace=True)
                    values.append(made.conv("conv", inner, 4))
            value = made.add("cat", "concat", *values)
        value = made.add(f"pool{block}", "avg_pool2d", value, kernel_size=2)
    return made.flat()


def branches() -> Flat:
    """Paths beside one another, of widths of their own."""
    made = Made()
    value = made.unit("stem", 0, 8)
    for number, (one, two, three) in enumerate([(4, 8, 6), (8, 12, 4), (6, 8, 10)], 1):
        with made.scope(f"mixed{number}", "Mixed"):
            ends = [made.unit("branch1", value, one, 1)]
            with made.scope("branch2", "Sequential"):
                ends.append(made.unit("1", made.unit("0", value, two, 1), three))
            ends.append(made.add("pool", "max_pool2d", value, kernel_size=3, stride=1, padding=1))
            value = made.add("cat", "concat", *ends)
    return made.flat()


def exchange() -> Flat:
    """Two maps that are changed together, several times."""
    made = Made()
    fine = made.unit("fine", 0, 8)
    coarse = made.unit("coarse", fine, 16, stride=2)
    for number in range(3):
        with made.scope(f"stage{number}", "Exchange"):
            down = made.conv("down", fine, 16, stride=2)
            up = made.conv("up", coarse, 8, 1)
            up = made.add("upsample", "upsample", up, scale_factor=2)
            fine, coarse = made.add("finer", "add", fine, up), made.add("coarser", "add", coarse, down)
    return made.flat([fine, coarse])


def split() -> Flat:
    """Half of the channels pass by; then channels are shuffled."""
    made = Made()
    value = made.unit("stem", 0, 16)
    with made.scope("stage", "Sequential"):
        for number in range(4):
            with made.scope(str(number), "Unit"):
                left = made.add("chunk", "narrow", value, start=0, length=8)
                right = made.add("chunk_2", "narrow", value, start=8, length=8)
                value = made.add("cat", "concat", left, made.unit("conv", right, 8))
                value = made.add("shuffle", "channel_shuffle", value, groups=2)
    return made.flat()


def gates() -> Flat:
    """Squeeze and excitation, and stochastic depth that grows with each block."""
    made = Made()
    value = made.unit("stem", 0, 16)
    with made.scope("stage", "Sequential"):
        for number in range(5):
            with made.scope(str(number), "GatedBlock"):
                start = value
                value = made.unit("conv", value, 16)
                with made.scope("se", "SqueezeExcitation"):
                    gate = made.add("avgpool", "adaptive_avg_pool2d", value, output_size=1)
                    gate = made.add("fc1", "conv2d", gate, out_channels=4, kernel_size=1)
                    gate = made.add("activation", "relu", gate, inplace=True)
                    gate = made.add("fc2", "conv2d", gate, out_channels=16, kernel_size=1)
                    gate = made.add("sigmoid", "sigmoid", gate)
                    value = made.add("mul", "multiply", gate, value)
                value = made.add("drop", "stochastic_depth", value, p=0.2 * number / 5, mode="row")
                value = made.add("add", "add", value, start)
    return made.flat()


def shared() -> Flat:
    """A head on two maps, with the same weights."""
    made = Made()
    fine = made.unit("fine", 0, 8)
    coarse = made.unit("coarse", fine, 8, stride=2)
    first = made.conv("head", fine, 4)
    second = made.add("head_2", "conv2d", coarse, share=first, out_channels=4, kernel_size=3, padding=1, bias=False)
    return made.flat([first, second])


def plain() -> Flat:
    """A list without modules, as ONNX and Darknet have it: convolutions that are alike, and residuals."""
    made = Made()
    value = made.unit("stem", 0, 8)
    for number in range(3):
        start = value
        value = made.unit(f"c{number}a", value, 4, 1)
        value = made.add(f"add{number}", "add", made.unit(f"c{number}b", value, 8), start)
    for number in range(3):
        value = made.unit(f"d{number}", value, 16)
    return without_modules(made.flat())


def without_modules(flat: Flat) -> Flat:
    """The same as ONNX has it."""
    return replace(flat, items=[replace(item, path=item.path.replace(".", "_"), scopes=()) for item in flat.items])


def plain_dense() -> Flat:
    """Layers of which each reads all before it, without modules."""
    return without_modules(dense())


def plain_inverted() -> Flat:
    """Inverted residuals, without modules."""
    return without_modules(inverted())


def pyramid() -> Flat:
    """Convolutions and a pooling, of other widths and numbers each time, without modules."""
    made = Made((3, 64, 64))
    value = 0
    for stage, (width, depth) in enumerate([(8, 2), (16, 2), (32, 3), (32, 3)]):
        for number in range(depth):
            value = made.unit(f"conv{stage}_{number}", value, width)
        value = made.add(f"pool{stage}", "max_pool2d", value, kernel_size=2)
    return without_modules(made.flat())


def mixer() -> Flat:
    """Modules and layers in turn, in one list."""
    made = Made()
    value = made.unit("stem", 0, 8)
    with made.scope("blocks", "Sequential"):
        for number in range(8):
            with made.scope(str(3 * number), "Residual"):
                inner = made.add("bn", "batch_norm2d", made.conv("fn", value, 8, groups=8))
                value = made.add("add", "add", inner, value)
            value = made.conv(str(3 * number + 1), value, 8, 1)
            value = made.add(str(3 * number + 2), "gelu", value)
    return made.flat()


FORMS = {
    one.__name__: one
    for one in (
        *(resnet, inverted, dense, branches, exchange, split, gates, shared),
        *(plain, plain_dense, plain_inverted, pyramid, mixer),
    )
}
