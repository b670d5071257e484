"""A flat network as it grows: every reader adds its items here, each held against archlab's own layer at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from archlab.imports.flat import Item, Scope
from archlab.imports.layouts import laid_out
from archlab.imports.layouts import others as layouts
from archlab.imports.lowered import Lowered, lowered
from archlab.imports.unsaid import UnsaidError
from archlab.layers.laid import Laid, roles_of
from archlab.layers.shape import RANKS, Shape, axis_count

COUNTER = "num_batches_tracked"
"""A batch norm's, which only PyTorch keeps."""


class Owned(NamedTuple):
    """A tensor of the source that a layer has.

    Attributes:
        name: in the source's state dict; None for one that is computed.
        shape: its own.
        learnable: whether it is a parameter and no buffer; None where the source does not say.
        uniform: whether it is a vector of one number. Where the source writes equal tensors once, that others have it
            too does not make it theirs.
    """

    name: str | None
    shape: tuple[int, ...]
    learnable: bool | None = None
    uniform: bool = False


class Opacity(NamedTuple):
    """What is said of an opaque item.

    Attributes:
        path: of the item.
        reason: why it is opaque.
        tensors: its own names of its tensors to those in the source's state dict.
        elements: its own names to the number that counts them, `params` or `buffers`, and how many there are.
    """

    path: str
    reason: str
    tensors: Mapping[str, str]
    elements: Mapping[str, tuple[str, int]] = {}


class Builder:
    """Items, and the shapes of their values.

    Attributes:
        items: what was called, in order.
        reasons: why opaque items are so, by path.
        first: the number of inputs, which is that of the first item's value.
        marks: whether values may be taken for something else than they are, where nothing else helps (`as_map`,
            `as_channels`); positions are lost by that.
    """

    def __init__(self, inputs: Mapping[str, Shape]) -> None:
        self.items: list[Item] = []
        self.reasons: dict[str, str] = {}
        self.marks = False
        self.first = len(inputs)
        self._shapes: list[Shape] = list(inputs.values())
        self._owners: dict[tuple[str, ...], int] = {}
        """Type and names of tensors to the first value that was made with them."""
        self._claimed: dict[str, int] = {}
        """Names of tensors to the first value that was made with them, whatever its type."""
        self._lowered: dict[Any, Lowered] = {}
        """Each distinct item, made and asked once."""
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
        inputs, made = self._made_fit(layer_type, options, inputs)
        if output is not None and tuple(made.shape) != output:
            raise UnsaidError(f"{layer_type} gives {tuple(made.shape)}, and the source {output}")
        names = {} if tensors is None else _names(layer_type, made, tensors)
        own = {one.name for one in (tensors or {}).values() if not one.uniform}
        key = (layer_type, *sorted(names.values()))
        share = self._owners.get(key) if share is None and own else share
        if share is not None and dict(self.items[share - self.first].options) != made.options:
            raise UnsaidError(f"{layer_type} has the weights of another call, and other options")
        if share is None and any(name in self._claimed for name in names.values() if name in own):
            raise UnsaidError(f"{layer_type} has some of the weights of another layer")
        item = Item(
            path=self.fresh_path(path if path is not None else self.path_here(made.layer.alias)),
            type=layer_type,
            options={} if share is not None else made.options,
            inputs=tuple(inputs),
            shape=tuple(made.shape),
            share=share,
            scopes=self.scopes(),
            tensors=names,
        )
        value = self.append(item, made.shape)
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
            options=self._counted_once(chosen, told) if share is None else {},
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

    def _counted_once(self, options: dict[str, Any], told: Opacity) -> dict[str, Any]:
        """Its options, without the elements of tensors that an earlier item has."""
        found = dict(options)
        for own, (kind, elements) in told.elements.items():
            if told.tensors.get(own) in self._claimed and kind in found:
                found[kind] -= elements
        return found

    def _made_fit(
        self, layer_type: str, options: Mapping[str, Any], inputs: Sequence[int]
    ) -> tuple[Sequence[int], Lowered]:
        """An item, with layers in front of it that say anew what dimensions hold where it can be only so."""
        before = len(self.items)
        try:
            return inputs, self._fitting(layer_type, options, inputs)
        except UnsaidError as error:
            for marker, taken in self._markings(inputs):
                marked = [self._marked(marker, value) if value in taken else value for value in inputs]
                if marked != list(inputs):
                    try:
                        return marked, self._made(layer_type, options, marked)
                    except UnsaidError:
                        self.drop(before)
            raise error from None

    def _markings(self, inputs: Sequence[int]) -> Iterator[tuple[str, Sequence[int]]]:
        """What values may be taken for, and which: at first those alone that have other axes than the first input's.

        They lose their positions by that, as of words among images; the others keep theirs.
        """
        if self.marks:
            rank = axis_count(self._shapes[0])
            yield "as_channels", [value for value in inputs if axis_count(self._shapes[value]) not in (0, rank)]
            yield from (("as_channels", inputs), ("as_map", inputs))

    def _marked(self, marker: str, value: int) -> int:
        """A value whose dimensions are taken for others, where it has such; the same as before if asked for twice."""
        shape = self._shapes[value]
        is_wanted = isinstance(shape, Laid) and len(shape) - 1 in RANKS if marker == "as_map" else any(roles_of(shape))
        if not is_wanted:
            return value
        known = [
            number
            for number, item in enumerate(self.items, self.first)
            if item.type == marker and item.inputs == (value,)
        ]
        return known[0] if known else self.build(marker, {}, (value,))

    def _fitting(self, layer_type: str, options: Mapping[str, Any], inputs: Sequence[int]) -> Lowered:
        """An item; where the layout of an opaque one's output is in the way, which was a guess, another is taken."""
        try:
            return self._made(layer_type, options, inputs)
        except UnsaidError:
            for value in inputs:
                found = self._laid_otherwise(value, lambda: self._made(layer_type, options, inputs))
                if found is not None:
                    return found
            raise

    def _laid_otherwise(self, value: int, fits: Callable[[], Lowered]) -> Lowered | None:
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

    def _made(self, layer_type: str, options: Mapping[str, Any], inputs: Sequence[int]) -> Lowered:
        shapes = self._input_shapes(inputs)
        key = layer_type, repr(options), shapes
        if key not in self._lowered:
            self._lowered[key] = lowered(layer_type, options, shapes)
        return self._lowered[key]

    def _input_shapes(self, inputs: Sequence[int]) -> tuple[Shape, ...]:
        return tuple([self._shapes[value] for value in inputs])

    def rename(self, value: int, path: str) -> None:
        """Give an item another path, which must be free."""
        number = value - self.first
        item = self.items[number]
        self._taken.discard(item.path)
        self._taken.add(path)
        self.items[number] = replace(item, path=path)
        if item.path in self.reasons:
            self.reasons[path] = self.reasons.pop(item.path)

    def is_free(self, path: str) -> bool:
        """Whether no item has a path."""
        return path not in self._taken

    def append(self, item: Item, shape: Shape) -> int:
        """Add an item that is complete; its value's number."""
        self.items.append(item)
        self._read.update(item.inputs)
        self._shapes.append(shape)
        self._taken.add(item.path)
        value = len(self._shapes) - 1
        for name in item.tensors.values():
            self._claimed.setdefault(name, value)
        return value

    @contextmanager
    def marking(self) -> Iterator[None]:
        """While `marks`."""
        before, self.marks = self.marks, True
        try:
            yield
        finally:
            self.marks = before

    def drop(self, start: int) -> None:
        """Take back the items from one on."""
        for item in self.items[start:]:
            self._taken.discard(item.path)
            self.reasons.pop(item.path, None)
        kept = self.first + start
        del self.items[start:], self._shapes[kept:]
        self._read = {value for item in self.items for value in item.inputs}
        self._owners = {key: value for key, value in self._owners.items() if value < kept}
        self._claimed = {name: value for name, value in self._claimed.items() if value < kept}

    def fresh_path(self, path: str) -> str:
        """A path, numbered where it is taken."""
        name, number = path, self._next.get(path, 2)
        while name in self._taken:
            name, number = f"{path}_{number}", number + 1
        self._next[path] = number
        return name


def _names(layer_type: str, made: Lowered, tensors: Mapping[str, Owned]) -> dict[str, str]:
    """Names of a layer's tensors in the state dict, after a look that they are all, and of its kinds and sizes.

    Raises:
        UnsaidError: if they are others.
    """
    found = {_place(name, made): one for name, one in tensors.items()}
    kept = {name: spec for name, spec in made.tensors.items() if name in found or name.rpartition(".")[2] != COUNTER}
    wanted = {name: _kind(spec.shape, learnable=spec.learnable) for name, spec in kept.items()}
    given = {
        name: _kind(one.shape, learnable=kept[name].learnable if one.learnable is None else one.learnable)
        for name, one in found.items()
        if name in kept
    }
    if wanted != given or len(given) < len(tensors):
        theirs = {name: one.shape for name, one in tensors.items()}
        ours = {name: spec.shape for name, spec in made.tensors.items()}
        raise UnsaidError(f"{layer_type} has the tensors {ours}, and the source {theirs}, or buffers among them")
    if any(one.name is None for one in tensors.values()):
        raise UnsaidError(f"the weights of {layer_type} are computed")
    return {own: one.name for own, one in found.items() if one.name is not None}


def _place(name: str, made: Lowered) -> str:
    """A tensor's name below the item, whose only layer with such a one may stand behind another (a padding)."""
    places = [own for own in made.tensors if own.endswith(f".{name}")]
    return places[0] if name not in made.tensors and len(places) == 1 else name


def _kind(shape: Sequence[int], *, learnable: bool) -> tuple[bool, tuple[int, ...]]:
    """What must be equal: dimensions of size 1 may stand anywhere, since elements lie in the same order."""
    return learnable, tuple([size for size in shape if size != 1])
