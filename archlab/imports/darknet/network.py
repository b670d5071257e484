"""A Darknet network as it grows: values by the numbers of their sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from archlab.imports.builder import Builder
from archlab.imports.darknet.section import Section
from archlab.imports.flat import Item
from archlab.imports.unsaid import UnsaidError
from archlab.layers.shape import Shape, axis_count


class Network:
    """What the rules of the sections add to.

    Attributes:
        builder: the items.
        outputs: the value of each section, by its number.
        weighted: the values of a section that have weights, for `share_index`.
        results: section and value of what detection heads read.
        remarks: what the config cannot say.
    """

    def __init__(self, input_shape: Shape) -> None:
        self.builder = Builder({"input": input_shape})
        self.outputs: list[int] = []
        self.weighted: dict[int, list[int]] = {}
        self.results: list[tuple[str, int]] = []
        self.remarks: dict[str, None] = {}
        self.value = 0
        """What the next section reads."""

    @property
    def number(self) -> int:
        """Of the section that is read."""
        return len(self.outputs)

    @property
    def shape(self) -> Shape:
        """Of what the section reads."""
        return self.builder.shape(self.value)

    def add(
        self,
        section: Section,
        layer_type: str,
        word: str,
        options: Mapping[str, Any] | None = None,
        others: Sequence[int] = (),
        share: int | None = None,
    ) -> None:
        """Add an item that reads what came before, and is what comes next.

        Args:
            section: what is read.
            layer_type: of a layer.
            word: for its name.
            options: of it.
            others: further values that it reads.
            share: a value whose layer this is once more.

        Raises:
            ConfigError: if archlab has no such layer for what enters.
        """
        path = self.builder.fresh_path(f"{word}{self.number}")
        inputs = (self.value, *others)
        try:
            self.value = self.builder.build(layer_type, options or {}, inputs, path=path, share=share)
        except UnsaidError as error:
            raise section.problem(f"[{section.kind}]: {error}") from None

    def add_opaque(self, section: Section, word: str, shape: Shape, **declared: Any) -> None:
        """Add an item of which no more is known than its shape, and what is declared."""
        output: object = "same" if shape == self.shape else tuple(shape)
        self.value = self.builder.append(
            Item(
                path=self.builder.fresh_path(f"{word}{self.number}"),
                type=f"darknet.{word}",
                options={"output": output, "params": 0, "macs": 0, **declared},
                inputs=(self.value,),
                shape=tuple(shape),
            ),
            shape,
        )
        self.builder.reasons[self.builder.items[-1].path] = f"[{section.kind}] is no layer of archlab's"

    def referred(self, section: Section, name: str) -> list[int]:
        """The values of the sections that an option names, from 0, or backwards from this one.

        Raises:
            ConfigError: if there is none.
        """
        found = []
        for written in section.integers(name):
            number = written if written >= 0 else self.number + written
            if not 0 <= number < self.number:
                raise section.problem(f"'{name}' names section {written}, which is not before this one", name)
            found.append(self.outputs[number])
        return found

    def require_map(self, section: Section) -> Shape:
        """What enters, as a map; features in a row are one of one position."""
        if axis_count(self.shape) != 2:
            self.add(section, "unflatten", "map", {"dim": 1, "unflattened_size": (prod(self.shape), 1, 1)})
        return self.shape

    def flatten(self, section: Section) -> None:
        """What enters as features in a row."""
        if axis_count(self.shape):
            self.add(section, "flatten", "flatten")
