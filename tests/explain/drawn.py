"""Random layers, drawn and moving: what each frame marks against the layer's reads and against PyTorch.

The marks are taken from the SVG text. `python -m tests.explain.drawn 500` draws so many layers; the suite a few dozen.
"""

from __future__ import annotations

import random
import re
import sys
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torchvision.ops import deform_conv2d

import archlab
from archlab.cli.single import single_layer
from archlab.explain.drawing.geometry import Position, Sight
from archlab.explain.drawing.offsets import offsets
from archlab.explain.drawing.scene import Scene, scene_of
from archlab.explain.drawing.svg import MOST_FRAMES, animation_svg
from archlab.explain.matrix.linear_map import flat_index
from archlab.explain.subject import Subject
from archlab.layers.shape import ShapeError
from archlab.layers.upsample import Upsample
from archlab.torch.build import make_module
from tests.layers.test_reads import positions

LARGEST = 200_000
"""Bytes of an animation."""
NOISE = 1e-12
KINDS = ("conv", "grouped", "dilated", "max_pool", "avg_pool", "adaptive_avg_pool", "conv_transpose", "separable",
         "upsample", "deform")  # fmt: skip
_SQUARE = re.compile(r"M(-?\d+) (-?\d+)h(\d+)v")


class Marks(NamedTuple):
    """What one frame shows.

    Attributes:
        read: the input positions that are marked.
        unit: the output unit.
    """

    read: set[Position]
    unit: Position


def squares(path: str) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y, _ in _SQUARE.findall(path)]


def paths(text: str, kind: str) -> list[str]:
    return re.findall(rf'<path class="{kind}" d="([^"]+)"', text)


def marks(svg: str, sight: Sight) -> list[Marks]:
    """Of every frame, by the squares of the maps that the picture shows."""
    still = svg.partition("<g")[0]
    source, target = paths(still, "cells")[:2]
    places = dict(zip(squares(source), _all(sight.inputs[1:]), strict=True))
    units = dict(zip(squares(target), _all(sight.outputs[1:]), strict=True))
    found: list[Marks] = []
    for frame in re.findall(r"<g(?: class=\"f[^>]*)?>(.*?)</g>", svg):
        shown = [(x - 1, y - 1) for path in paths(frame, "read") + paths(frame, "lit") for x, y in squares(path)]
        (unit,) = [units[x - 1, y - 1] for x, y in squares(paths(frame, "unit")[0])]
        found.append(Marks({places[at] for at in shown if at in places}, unit))
    return found


def _all(sizes: tuple[int, ...]) -> list[Position]:
    return list(product(*map(range, sizes)))


def scene(layer_type: str, options: list[str], shape: tuple[int, ...]) -> Scene | None:
    """The picture of a layer type by itself; None where it does not fit its input."""
    text = single_layer(layer_type, options, has_input=True).text
    try:
        analysis = archlab.loads(text, input=shape).analyze()
    except archlab.ConfigError:
        return None
    subjects = [Subject(analysis, report) for report in analysis.layers]
    best = [subject for subject in subjects if subject.layer.others == "offsets"]
    return scene_of((best or subjects)[0])


def check(drawn: Scene) -> int:
    """How many frames were compared, each with the reads and with PyTorch."""
    svg = animation_svg(drawn)
    assert len(svg) < LARGEST, (drawn.title, len(svg))
    sight = drawn.sight
    frames = marks(svg, sight)
    units, shown = sight.units(), [frame.unit for frame in frames]
    assert shown == [units[at * len(units) // len(shown)] for at in range(len(shown))]
    assert len(shown) == len(units) or len(shown) == MOST_FRAMES or len(svg) > LARGEST // 2
    seen = _deformed(drawn, shown) if drawn.is_deformable else _gradients(sight, shown)
    for frame, gradient in zip(frames, seen, strict=True):
        if not drawn.is_deformable:
            _check_reads(sight, frame)
        assert {tuple(at) for at in (gradient > NOISE).nonzero().tolist()} == frame.read, (drawn.title, frame.unit)
    return len(frames)


def _check_reads(sight: Sight, frame: Marks) -> None:
    reads = sight.layer.reads((sight.inputs,), sight.outputs)[0]
    along = [positions(read, at, size) for read, at, size in zip(reads, frame.unit, sight.inputs[1:], strict=True)]
    assert frame.read == (set(product(*along)) if all(along) else set())


def _gradients(sight: Sight, units: list[Position]) -> list[Tensor]:
    """Of all channels together, the weights positive; nearest neighbours by the numbers that they copy."""
    module = make_module(sight.layer, (sight.inputs,))
    assert module is not None
    module = module.double().eval()
    for parameter in module.parameters():
        parameter.data.uniform_(0.5, 1.5)
    if isinstance(sight.layer, Upsample) and sight.layer.mode.startswith("nearest"):
        sizes = sight.inputs[1:]
        numbers = torch.arange(float(torch.tensor(sizes).prod())).reshape(1, 1, *sizes).expand(1, *sight.inputs)
        output = module(numbers.contiguous())
        return [(numbers[0, 0] == output[(0, 0, *unit)]).double() for unit in units]
    found: list[Tensor] = []
    shape = sight.inputs
    x = torch.ones(1, *sight.inputs, dtype=torch.float64, requires_grad=True)
    if "max_pool" in sight.layer.type:  # each position once the largest: whom it is copied to
        reached = torch.zeros(*sight.outputs[1:], *sight.inputs[1:])
        for at in _all(sight.inputs[1:]):
            sample = torch.zeros(1, *sight.inputs, dtype=torch.float64)
            sample.view(1, shape[0], -1)[..., flat_index(at, shape[1:])] = 1
            reached.view(*sight.outputs[1:], -1)[..., flat_index(at, shape[1:])] = module(sample)[0, 0]
        return [reached[unit] for unit in units]
    output = module(x)
    for unit in units:
        (gradient,) = torch.autograd.grad(output[(0, slice(None), *unit)].sum(), x, retain_graph=True)
        found.append(gradient[0].sum(0))
    return found


def _deformed(drawn: Scene, units: list[Position]) -> list[Tensor]:
    """torchvision's operation with the offsets that are drawn."""
    sight, layer = drawn.sight, drawn.sight.layer
    options: Any = layer
    taps = len(sight.taps(sight.units()[0]))
    moves = torch.zeros(1, 2 * taps, *sight.outputs[1:], dtype=torch.float64)
    for unit in sight.units():
        for tap, (down, across) in enumerate(offsets(sight, unit)):
            row, column = unit
            moves[0, 2 * tap, row, column], moves[0, 2 * tap + 1, row, column] = float(down), float(across)
    weight = torch.rand(1, 1, *options.kernel_size, dtype=torch.float64) + 0.5
    x = torch.ones(1, 1, *sight.inputs[1:], dtype=torch.float64, requires_grad=True)
    padding = [axis.reads.padding for axis in sight.axes if hasattr(axis.reads, "padding")]
    output = deform_conv2d(x, moves, weight, None, options.stride, tuple(padding), options.dilation)
    return [torch.autograd.grad(output[(0, 0, *unit)], x, retain_graph=True)[0][0, 0] for unit in units]


def random_scene(seed: int) -> Scene | None:
    """A layer of a kind that is drawn; None where its options do not fit."""
    draw = random.Random(seed)  # noqa: S311 - drawing layers is no cryptography
    kind, rank = KINDS[seed % len(KINDS)], draw.choice([1, 1, 2, 2, 3])
    rank = 2 if kind == "deform" else rank

    def each(low: int, high: int) -> str:
        high = high if rank < 3 else min(high, 3)
        return str([draw.randint(low, high) for _ in range(rank)])

    groups = draw.choice([2, 3, 4]) if kind == "grouped" else 1
    channels = groups * draw.randint(1, 2)
    large = draw.random() < 0.2
    most = 9 if rank < 3 else 5
    shape = (channels, *[draw.randint(30, 90) if large else draw.randint(3, most) for _ in range(rank)])
    options = [f"kernel_size={each(1, 4)}", f"stride={each(1, 3)}"]
    dilation = f"dilation={each(2, 3) if kind == 'dilated' else each(1, 2)}"
    padding = f"padding={each(0, 2)}"
    mode = draw.choice(["zeros", "zeros", "reflect", "replicate", "circular"])
    narrow = "[1" in options[0] or ", 1" in options[0]  # pooling pads by half its window at most
    halves = f"padding={each(0, 0 if narrow else 1)}"
    out = f"out_channels={groups * draw.randint(1, 2)}"
    factor = draw.choice(["2", "3", "1.5", "0.5", "2.7"])
    way = draw.choice(["nearest", {1: "linear", 2: "bilinear", 3: "trilinear"}[rank], "nearest-exact"])
    of_kind = {
        "conv": (f"conv{rank}d", [*options, padding, dilation, f"padding_mode={mode}", out]),
        "grouped": (f"conv{rank}d", [*options, padding, f"groups={groups}", out]),
        "dilated": (f"conv{rank}d", [*options, padding, dilation, out]),
        "max_pool": (f"max_pool{rank}d", [*options, halves, f"ceil_mode={draw.choice(['true', 'false'])}"]),
        "avg_pool": (f"avg_pool{rank}d", [*options, halves, f"ceil_mode={draw.choice(['true', 'false'])}"]),
        "adaptive_avg_pool": (f"adaptive_avg_pool{rank}d", [f"output_size={draw.randint(1, 7)}"]),
        "conv_transpose": (f"conv_transpose{rank}d", [*options, f"padding={each(0, 1)}", dilation, out]),
        "separable": (f"depthwise_separable_conv{rank}d", [*options, padding, "out_channels=3"]),
        "upsample": ("upsample", [f"scale_factor={factor}", f"mode={way}"]),
        "deform": ("deform_conv2d", [*options, padding, dilation, out]),
    }
    try:
        return scene(*of_kind[kind], shape)
    except ShapeError:
        return None


def main() -> None:
    """Draw as many layers as the first argument says."""
    count, seed, frames, largest = int(sys.argv[1]), 0, 0, 0
    torch.manual_seed(0)
    kinds = dict.fromkeys(KINDS, 0)
    while sum(kinds.values()) < count:
        found = random_scene(seed)
        if found is not None:
            frames += check(found)
            largest = max(largest, len(animation_svg(found)))
            kinds[KINDS[seed % len(KINDS)]] += 1
        seed += 1
    sys.stdout.write(f"{count} layers, {frames} frames, the largest {largest:,} bytes; {kinds}\n")


if __name__ == "__main__":
    main()
