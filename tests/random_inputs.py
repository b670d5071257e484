"""Further inputs of random networks: features, maps of the same or of another number of axes, and what reads them."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.random_text import Inputs, Item, mentioned
from tests.ranked import AsIs, Exactly, of_rank

FIRST = "image"
"""What the first input is called where there are several."""
STRETCHING = ("multiply", "multiply", "multiply", "subtract", "maximum", "minimum")
OF_ONE_SIZE = ("concat", "concat", "add", "subtract", "multiply", "weighted_add")


class FurtherInputs:
    """The inputs beside the first, and items that read them.

    Args:
        draw: of all that is drawn here.
        rank: of the first input.
        conv: draws a convolution of two axes.
    """

    def __init__(self, draw: random.Random, rank: int, conv: Callable[[], Item]) -> None:
        self._draw, self._rank, self._conv = draw, rank, conv
        self.shapes: dict[str, list[int]] = {}
        self.is_first_last = draw.random() < 0.3
        if draw.random() < 0.5:
            for number in range(draw.choice([1, 1, 2])):
                self.shapes[f"u{number}"] = self._shape()

    def _shape(self) -> list[int]:
        draw = self._draw
        rank = draw.choice([0, self._rank, draw.choice([1, 2, 3])])
        return [draw.randint(1, 6), *[draw.choice([1, *range(2, 14 if rank < 3 else 6)]) for _ in range(rank)]]

    @property
    def alike(self) -> list[str]:
        """The names of those with as many axes as the first."""
        return [name for name, shape in self.shapes.items() if len(shape) - 1 == self._rank]

    def item(self, shape: tuple[int, ...]) -> Item:
        """An item that reads one of them.

        Args:
            shape: of the map that enters it.
        """
        name = self._draw.choice(list(self.shapes))
        own = len(self.shapes[name]) - 1
        ways: list[Callable[[], Item]] = [lambda: self._gate(name, shape)]
        if own:
            ways.append(lambda: self._attention(name))
        if own == self._rank:
            ways += [lambda: {**self._conv(), "from": name}, lambda: self._beside(name, shape)]
        return self._draw.choice(ways)()

    def _gate(self, name: str, shape: tuple[int, ...]) -> Item:
        """The map, and something of size 1 made of the input, stretched over it."""
        draw, rank = self._draw, len(self.shapes[name]) - 1
        path: list[Item] = []
        if rank:
            conv = {key: value for key, value in self._conv().items() if key not in ("norm", "weight", "groups")}
            path = [AsIs(of_rank(conv, rank, draw))]
        if rank == self._rank and draw.random() < 0.5:
            dims = Exactly(range(2, 2 + rank))
            path += [{"type": draw.choice(["mean", "sum", "amax"]), "dim": dims, "keepdim": True}]
            path += [{"type": "conv2d", "out_channels": shape[0], "kernel_size": 1}]
        else:
            path += [{"type": "flatten"}] if rank else []
            path += [{"type": "linear", "out_features": shape[0], "activation": draw.choice(["silu", "sigmoid"])}]
            ones = Exactly([shape[0], *[1] * (len(shape) - 1)])
            path += [{"type": "unflatten", "dim": 1, "unflattened_size": ones}]
        path[0] = type(path[0])({"from": name, **path[0]})
        paths: list[list[Item]] = [[], path]
        return {"type": "branches", "merge": draw.choice(STRETCHING), "paths": paths[:: draw.choice([1, 1, -1])]}

    def _beside(self, name: str, shape: tuple[int, ...]) -> Item:
        """The map, and one made of the input and brought to its size."""
        draw = self._draw
        conv = {**self._conv(), "from": name, "out_channels": shape[0], "groups": 1}
        mode = draw.choice(["nearest", "bilinear", "bicubic"])
        path = [conv, {"type": "interpolate", "size": Exactly(shape[1:]), "mode": mode}]
        return {"type": "branches", "merge": draw.choice(OF_ONE_SIZE), "paths": [[], path]}

    def _attention(self, name: str) -> Item:
        item: Item = {"use": "attend", "with": [name]}
        return item if self._draw.random() < 0.5 else {"type": "residual", "body": [item]}

    def declared(self, first: list[int], items: list[Item]) -> Inputs:
        """The inputs that items read, in the order in which they are written; the first alone where it is the only."""
        read = {*mentioned(items, ("from", "with"))}
        further = {name: shape for name, shape in self.shapes.items() if name in read}
        return {**further, FIRST: first} if self.is_first_last else {FIRST: first, **further}
