"""Flat networks at random: modules of few classes, each with a structure of its own, and small differences."""

from __future__ import annotations

import random

from archlab.imports.flat import Flat
from tests.imports.recover.made import Made


class RandomNet:
    """Layers that read earlier values."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311
        self.net = Made((8, 16, 16))
        self.owners: list[int] = []
        self.count = 0
        self.classes = {kind: self.draw.random() for kind in "ABC"}

    def flat(self) -> Flat:
        values, size = [0], self.draw.randint(4, 40)
        while len(self.net.shapes) < size:
            values += self.layer(self.draw, values, 0)
        read = {value for item in self.net.items for value in item.inputs}
        return self.net.flat([value for value in range(1, len(self.net.shapes)) if value not in read])

    def layer(self, shape: random.Random, values: list[int], depth: int) -> list[int]:
        """One more, or a module; the structure is drawn from `shape`, small differences from the net's own."""
        net = self.net
        self.count += 1
        name = f"x{self.count}"
        kinds = ["conv", "conv", "unit", "norm", "relu", "add", "concat", "multiply", "gate", *["module"] * 5]
        kind = shape.choice(kinds)
        value = shape.choice(values[-2:])
        two = [values[-1], values[shape.randrange(len(values) - 1)]] if len(values) > 1 else []
        if kind == "module" and depth < 2:
            with net.scope(name, kind := shape.choice("ABC")):
                return self.module(kind, values[-shape.choice([1, 1, 1, 2]) :], depth + 1)
        if kind in ("add", "multiply", "concat") and two:
            joined = net.add(name, kind, *two)
            return [joined if kind != "concat" else net.conv(f"{name}c", joined, 8, 1)]
        return [self.simple(kind, name, value)]

    def simple(self, kind: str, name: str, value: int) -> int:
        """A layer of one input."""
        net, draw = self.net, self.draw
        if kind == "norm":
            return net.add(name, "batch_norm2d", value, eps=0.01 if draw.random() < 0.2 else 1e-5)
        if kind == "relu":
            return net.add(name, draw.choice(["relu", "relu", "silu"]), value)
        if kind == "gate":
            gate = net.add(f"{name}p", "adaptive_avg_pool2d", value, output_size=1)
            gate = net.add(f"{name}f", "conv2d", gate, out_channels=8, kernel_size=1)
            return net.add(name, "multiply", value, net.add(f"{name}g", "sigmoid", gate))
        if kind == "unit":
            return net.unit(name, value, 8, draw.choice([1, 3, 3]))
        if self.owners and draw.random() < 0.1:
            owner = draw.choice(self.owners)
            return net.add(name, "conv2d", value, share=owner, **net.items[owner - 1].options)
        made = net.conv(name, value, 8, draw.choice([1, 3, 3]))
        self.owners.append(made)
        return made

    def module(self, kind: str, values: list[int], depth: int) -> list[int]:
        shape = random.Random(self.classes[kind])  # noqa: S311
        values = list(values)
        for _ in range(shape.randint(2, 6)):
            values += self.layer(shape, values, depth)
            if self.draw.random() < 0.1:
                values += self.layer(self.draw, values, depth)
        return values[-shape.choice([1, 1, 2]) :]


def random_flat(seed: int) -> Flat:
    return RandomNet(seed).flat()
