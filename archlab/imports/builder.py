"""A flat network as it grows: every reader adds its items here, each held against archlab's own layer at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pydantic import ValidationError

from archlab.imports.flat import Item, Scope
from archlab.imports.layouts import laid_out
from archlab.imports.layouts import others as layouts
from archlab.imports.unsaid import UnsaidError
from archlab.layers import Layer, find_layer
from archlab.layers.describe import own_options
from archlab.layers.macro import Macro
from archlab.layers.shape import Shape, ShapeError, axis_count

COUNTER = "num_batches_tracked"
"""A batch norm's, which only PyTorch keeps."""


class Owned(NamedTuple):
    """A tensor of the source that a layer has.

    Attributes:
        name: in the source's state dict; None for one that is computed.
        shape: its own.
    """

    name: str | None
    shape: tuple[int, ...]


class Opacity(NamedTuple):
    """What is said of an opaque item.

    Attributes:
        path: of the item.
        reason: why it is opaque.
        tensors: its own names of its tensors to those in the source's state dict.
    """

    path: str
    reason: str
    tensors: Mapping[str, str]


class Builder:
    """Items, and the shapes of their values.

    Attributes:
        items: what was called, in order.
        reasons: why opaque items are so, by path.
        first: the number of inputs, which is that of the first item's value.
    """

    def __init__(self, inputs: Mapping[str, Shape]) -> None:
        self.items: list[Item] = []
        self.reasons: dict[str, str] = {}
        self.first = len(inputs)
        self._shapes: list[Shape] = list(inputs.values())
        self._owners: dict[tuple[str, ...], int] = {}
        """Type and names of tensors to the first value that was made with them."""
        self._taken: set[str] = set(inputs)
        self._read: set[int] = set()
        """Values that items take."""
        self._next: dict[str, int] = {}
        """The number to try next for a path that is taken."""

    def shape(self, value: int) -> Shape:
        """Of a value, without the batch, with what its dimensions hold."""
        return self._shapes[value]

    def scopes(self) -> tuple[Scope, ...]:
        """Of the modules that run; a reader that knows none has none."""
        return ()

    def path_here(self, word: str) -> str:
        """A path for an item that the source does not name."""
        return word

    def build(
        self,
        layer_type: str,
        options: Mapping[str, Any],
        inputs: Sequence[int],
        *,
        output: tuple[int, ...] | None = None,
        tensors: Mapping[str, Owned] | None = None,
        path: str | None = None,
        share: int | None = None,
    ) -> int:
        """Add an item.

        Args:
            layer_type: of a layer.
            options: as PyTorch's arguments; defaults among them are left out.
            inputs: values.
            output: the shape that the source says, compared with archlab's; None where it says none.
            tensors: the layer's, by archlab's names; None where the source's are not known.
            path: of the item; by default one called after the layer.
            share: a value whose layer this is once more; by default the first with the same tensors.

        Returns:
            The value's number.

        Raises:
            UnsaidError: if archlab has no such layer for these inputs, or it gives another shape, or has other tensors.
        """
        layer, shape = self._fitting(layer_type, options, inputs)
        if output is not None and tuple(shape) != output:
            raise UnsaidError(f"{layer_type} gives {tuple(shape)}, and the source {output}")
        names = {} if tensors is None else self._names(layer, tensors, inputs)
        key = (layer_type, *sorted(names.values()))
        share = self._owners.get(key) if share is None and names else share
        own = dict(own_options(layer))
        if share is not None and dict(self.items[share - self.first].options) != own:
            raise UnsaidError(f"{layer_type} has the weights of another call, and other options")
        item = Item(
            path=self.fresh_path(path if path is not None else self.path_here(layer.alias)),
            type=layer_type,
            options={} if share is not None else own,
            inputs=tuple(inputs),
            shape=tuple(shape),
            share=share,
            scopes=self.scopes(),
            tensors=names,
        )
        value = self.append(item, shape)
        if names:
            self._owners.setdefault(key, value)
        return value

    def build_opaque(self, layer_type: str, options: Mapping[str, Any], inputs: Sequence[int], told: Opacity) -> int:
        """Add an item of what archlab does not know; where its weights are another's, it is that once more.

        Args:
            layer_type: the full name of a class or function.
            options: `output`, and what else is known.
            inputs: values.
            told: what is said of it beside.

        Returns:
            The value's number.
        """
        entering = tuple(dict.fromkeys(inputs))
        chosen, shape = laid_out(options, self._input_shapes(entering), axis_count(self._shapes[0]))
        key = (layer_type, *sorted(told.tensors.values()))
        share = self._owners.get(key) if told.tensors else None
        owner = None if share is None else self.items[share - self.first]
        if owner is None or (owner.options, self._input_shapes(owner.inputs)) != (chosen, self._input_shapes(entering)):
            share = None
        item = Item(
            path=self.fresh_path(told.path),
            type=layer_type,
            options=chosen if share is None else {},
            inputs=entering,
            shape=tuple(shape),
            share=share,
            scopes=self.scopes(),
            tensors=told.tensors,
        )
        value = self.append(item, shape)
        if told.tensors:
            self._owners.setdefault(key, value)
        self.reasons[item.path] = told.reason
        return value

    def _fitting(self, layer_type: str, options: Mapping[str, Any], inputs: Sequence[int]) -> tuple[Layer, Shape]:
        """A layer; where the layout of an opaque one's output is in the way, which was a guess, another is taken."""
        try:
            return self._layer(layer_type, options, inputs)
        except UnsaidError:
            for value in inputs:
                found = self._laid_otherwise(value, lambda: self._layer(layer_type, options, inputs))
                if found is not None:
                    return found
            raise

    def _laid_otherwise(self, value: int, fits: Callable[[], tuple[Layer, Shape]]) -> tuple[Layer, Shape] | None:
        number = value - self.first
        item = self.items[number] if number >= 0 else None
        if item is None or "output" not in item.options or value in self._read:
            return None
        before = self._shapes[value]
        for options, shape in layouts(item.options, self._input_shapes(item.inputs)):
            self._shapes[value] = shape
            try:
                found = fits()
            except UnsaidError:
                continue
            self.items[number] = replace(item, options=options)
            return found
        self._shapes[value] = before
        return None

    def _layer(self, layer_type: str, options: Mapping[str, Any], inputs: Sequence[int]) -> tuple[Layer, Shape]:
        cls = find_layer(layer_type)
        if cls is None:
            raise UnsaidError(f"there is no {layer_type}")
        try:
            layer = cls(**options)
            return layer, layer.out_shape(self._input_shapes(inputs))
        except (ValidationError, ShapeError) as error:
            raise UnsaidError(f"{layer_type}: {_reason(error)}") from None

    def _input_shapes(self, inputs: Sequence[int]) -> tuple[Shape, ...]:
        return tuple([self._shapes[value] for value in inputs])

    def _names(self, layer: Layer, tensors: Mapping[str, Owned], inputs: Sequence[int]) -> dict[str, str]:
        """Names of a layer's tensors in the state dict, after a look that they are all, and of its shapes.

        Raises:
            UnsaidError: if they are others.
        """
        if not isinstance(layer, Macro):
            specs = layer.tensors(self._input_shapes(inputs))
            kept = [spec for spec in specs if spec.persistent and (spec.name in tensors or spec.name != COUNTER)]
            wanted = {spec.name: tuple(spec.shape) for spec in kept}
            found = {name: tensor.shape for name, tensor in tensors.items()}
            if wanted != found:
                raise UnsaidError(f"{layer.type} has the tensors {wanted}, and the source {found}")
        if any(tensor.name is None for tensor in tensors.values()):
            raise UnsaidError(f"the weights of {layer.type} are computed")
        return {own: tensor.name for own, tensor in tensors.items() if tensor.name is not None}

    def append(self, item: Item, shape: Shape) -> int:
        """Add an item that is complete; its value's number."""
        self.items.append(item)
        self._read.update(item.inputs)
        self._shapes.append(shape)
        self._taken.add(item.path)
        return len(self._shapes) - 1

    def drop(self, start: int) -> None:
        """Take back the items from one on."""
        for item in self.items[start:]:
            self._taken.discard(item.path)
            self.reasons.pop(item.path, None)
        kept = self.first + start
        del self.items[start:], self._shapes[kept:]
        self._read = {value for item in self.items for value in item.inputs}
        self._owners = {key: value for key, value in self._owners.items() if value < kept}

    def fresh_path(self, path: str) -> str:
        """A path, numbered where it is taken."""
        name, number = path, self._next.get(path, 2)
        while name in self._taken:
            name, number = f"{path}_{number}", number + 1
        self._next[path] = number
        return name


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join([f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()])
    return str(error)
