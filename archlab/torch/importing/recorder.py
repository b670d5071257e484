"""What a forward pass has called so far: items, and which tensor holds which value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from torch import Tensor, nn

from archlab.imports.flat import Item, Scope
from archlab.layers import Layer, find_layer
from archlab.layers.describe import own_options
from archlab.layers.macro import Macro
from archlab.layers.shape import Shape, ShapeError
from archlab.torch.importing.unsaid import UnsaidError


class Recorder:
    """Items, and the tensors that hold their values.

    Attributes:
        items: what was called, in order.
        reasons: why opaque items are so, by path.
        batch: samples in the pass.
        first: the number of inputs, which is that of the first item's value.
        running: the modules that run, from the whole to the innermost, with their scopes.
    """

    def __init__(self, model: nn.Module, inputs: Mapping[str, Tensor]) -> None:
        self.items: list[Item] = []
        self.reasons: dict[str, str] = {}
        self.batch = next(iter(inputs.values())).shape[0]
        self.first = len(inputs)
        self.running: list[tuple[nn.Module, Scope]] = []
        named = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
        self._tensors = {id(tensor): name for name, tensor in reversed(named)}
        self._values: dict[int, int] = {}
        self._kept: list[object] = []
        """Every tensor seen, lest its `id` be given to another."""
        self._shapes: list[Shape] = []
        self._owners: dict[tuple[str, ...], int] = {}
        """Type and names of tensors to the first value that was made with them."""
        self._taken: set[str] = set()
        for number, tensor in enumerate(inputs.values()):
            self._shapes.append(tuple(tensor.shape[1:]))
            self.bind(tensor, number)

    def bind(self, tensor: Tensor, value: int) -> None:
        """From now on a tensor holds a value."""
        self._kept.append(tensor)
        self._values[id(tensor)] = value

    def value(self, tensor: object) -> int | None:
        """The value that a tensor holds; None for what no input went into."""
        return self._values.get(id(tensor)) if isinstance(tensor, Tensor) else None

    def values_in(self, given: object) -> tuple[int, ...]:
        """Those of the tensors in arguments, in order."""
        return tuple([value for one in tensors_in(given) if (value := self.value(one)) is not None])

    def shape(self, value: int) -> Shape:
        """Of a value, without the batch, with what its dimensions hold."""
        return self._shapes[value]

    def tensor_name(self, tensor: object) -> str | None:
        """The name of a parameter or buffer in the model's state dict; None for any other."""
        return self._tensors.get(id(tensor)) if isinstance(tensor, Tensor) else None

    def add(
        self,
        layer_type: str,
        options: Mapping[str, Any],
        inputs: Sequence[int],
        result: Tensor | None = None,
        *,
        tensors: Mapping[str, Tensor | None] | None = None,
        path: str | None = None,
    ) -> int:
        """Add an item.

        Args:
            layer_type: of a layer.
            options: as PyTorch's arguments; defaults among them are left out.
            inputs: values.
            result: the tensor that holds what comes out, its shape compared with archlab's; None for a step between.
            tensors: the layer's, by archlab's names; None for one that it does not have.
            path: of the item; by default one in the running module, called after the layer.

        Returns:
            The value's number.

        Raises:
            UnsaidError: if archlab has no such layer for these inputs, or it gives another shape, or has other tensors.
        """
        layer, shape = self._layer(layer_type, options, inputs)
        if result is not None and tuple(shape) != tuple(result.shape[1:]):
            raise UnsaidError(f"{layer_type} gives {tuple(shape)}, and the model {tuple(result.shape[1:])}")
        names = self._names(layer, {name: one for name, one in (tensors or {}).items() if one is not None}, inputs)
        key = (layer_type, *sorted(names.values()))
        share = self._owners.get(key) if names else None
        if share is not None and dict(self.items[share - self.first].options) != own_options(layer):
            raise UnsaidError(f"{layer_type} has the weights of another call, and other options")
        item = Item(
            path=self.fresh_path(path if path is not None else self.path_here(layer.alias)),
            type=layer_type,
            options={} if share is not None else own_options(layer),
            inputs=tuple(inputs),
            shape=tuple(shape),
            share=share,
            scopes=self.scopes(),
            tensors=names,
        )
        value = self.append(item, shape)
        if names:
            self._owners.setdefault(key, value)
        if result is not None:
            self.bind(result, value)
        return value

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

    def _names(self, layer: Layer, tensors: Mapping[str, Tensor], inputs: Sequence[int]) -> dict[str, str]:
        """Names of a layer's tensors in the state dict, after a look that they are all, and of its shapes.

        Raises:
            UnsaidError: if they are others.
        """
        if not isinstance(layer, Macro):
            specs = layer.tensors(self._input_shapes(inputs))
            wanted = {spec.name: tuple(spec.shape) for spec in specs if spec.persistent}
            found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
            if wanted != found:
                raise UnsaidError(f"{layer.type} has the tensors {wanted}, and the model {found}")
        names = {name: self.tensor_name(tensor) for name, tensor in tensors.items()}
        if None in names.values():
            raise UnsaidError(f"the weights of {layer.type} are computed")
        return {name: known for name, known in names.items() if known is not None}

    def append(self, item: Item, shape: Shape) -> int:
        """Add an item that is complete; its value's number."""
        self.items.append(item)
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
        self._owners = {key: value for key, value in self._owners.items() if value < kept}

    def scopes(self) -> tuple[Scope, ...]:
        """Of the modules that run."""
        return tuple([scope for _, scope in self.running])

    def path_here(self, word: str) -> str:
        """A path in the running module."""
        path = self.running[-1][1].path if self.running else ""
        return f"{path}.{word}" if path else word

    def fresh_path(self, path: str) -> str:
        """A path, numbered where it is taken."""
        name, number = path, 2
        while name in self._taken:
            name, number = f"{path}_{number}", number + 1
        return name


def tensors_in(value: Any) -> Iterable[Tensor]:
    """The tensors in arguments or results, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from tensors_in(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from tensors_in(one)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join([f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()])
    return str(error)
