"""What a forward pass has called so far: items, and which tensor holds which value."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from archlab.imports.builder import Builder, Owned
from archlab.imports.flat import Scope
from archlab.imports.parts import part_name

STALE = "it reads what was overwritten through another view, or inside of what is opaque"
PositionRows = Callable[[Tensor, int], tuple[int, tuple[int, ...]]]
"""Of a bias, and of the scores that it is added to: the rows that it looks up, as a value, and the window's size."""
_LOST = -1
"""Instead of how often a tensor had been written to: its value is gone."""


class Recorder(Builder):
    """Items, and the tensors that hold their values.

    Attributes:
        batch: samples in the pass.
        running: the modules that run, from the whole to the innermost, with their scopes.
        looked: where the model looks at what a value holds, by the functions' names.
        position_rows: reads biases that a network makes of relative positions.
        head_rows: reads biases that are one head's of a table.
        worked: the model's own tensors of which products were made without an input, whose work is no sample's.
    """

    def __init__(self, model: nn.Module, inputs: Mapping[str, Tensor], original: nn.Module | None = None) -> None:
        super().__init__({name: tuple(tensor.shape[1:]) for name, tensor in inputs.items()})
        self.batch = next(iter(inputs.values())).shape[0]
        self.running: list[tuple[nn.Module, Scope]] = []
        self.looked: dict[str, None] = {}
        self.worked: frozenset[str] = frozenset()
        self.position_rows: PositionRows | None = None
        self.head_rows: PositionRows | None = None
        self._modules = dict(model.named_modules())
        named = _named_tensors(model)
        self._named: dict[str, Tensor] = dict(named)
        others = [] if original is None else _named_tensors(original)
        self._tensors = {id(tensor): name for name, tensor in reversed([*others, *named])}
        self._values: dict[int, tuple[int, int]] = {}
        """`id` of tensors to the values that they hold, and how often they had been written to when they did."""
        self._versions: dict[int, int] = {}
        """`id` of views and copies of these to how often they had been written to."""
        self._derived: dict[int, frozenset[str]] = {}
        self._walled: dict[int, tuple[int, ...]] = {}
        self._spoiled: dict[int, str] = {}
        self._kept: list[Callable[[], Tensor | None]] = []
        """Every tensor seen, in order."""
        for number, tensor in enumerate(inputs.values()):
            self.bind(tensor, number)

    def bind(self, tensor: Tensor, value: int) -> None:
        """From now on a tensor holds a value."""
        self._keep(tensor)
        self._values[id(tensor)] = value, version_of(tensor)
        self._spoiled.pop(id(tensor), None)

    def spoil(self, tensor: Tensor, reason: str) -> None:
        """From now on a tensor holds what no layer's output can be, and who reads it can be none either."""
        self._keep(tensor)
        self._values[id(tensor)] = 0, _LOST
        self._spoiled[id(tensor)] = reason

    def _keep(self, tensor: Tensor) -> None:
        """Hold a tensor, lest its `id` be given to another; one with memory is forgotten when the model lets it go."""
        if tensor.is_meta:
            self._kept.append(lambda: tensor)
        else:
            key = id(tensor)
            self._kept.append(weakref.ref(tensor, lambda _gone: self._forget(key)))

    def _forget(self, key: int) -> None:
        for table in (self._values, self._derived, self._walled, self._spoiled, self._tensors, self._versions):
            table.pop(key, None)

    def value(self, tensor: object) -> int | None:
        """The value that a tensor holds; None for what no input went into."""
        held = self._values.get(id(tensor)) if isinstance(tensor, Tensor) else None
        return None if held is None else held[0]

    def drop(self, start: int) -> None:
        """Take back the items from one on; what tensors hold of them cannot be read any more."""
        super().drop(start)
        for key, (value, _) in self._values.items():
            if value >= self.first + start:
                self._values[key] = 0, _LOST

    @property
    def seen(self) -> int:
        """How many tensors were bound so far."""
        return len(self._kept)

    def lose(self, seen: int) -> None:
        """What tensors hold that were bound behind so many cannot be read any more."""
        for kept in self._kept[seen:]:
            tensor = kept()
            if tensor is not None and id(tensor) in self._values:
                self._values[id(tensor)] = 0, _LOST

    def fits(self, tensor: Tensor) -> bool:
        """Whether a tensor has the shape of the value that it holds: it is neither stretched nor walled in."""
        held = self._values.get(id(tensor))
        return held is None or tuple(self.shape(held[0])) == tuple(tensor.shape[1:])

    def wall(self, tensor: Tensor, value: int, sides: tuple[int, ...]) -> None:
        """From now on a tensor holds a value with minus infinity around it, the last dimension's sides first."""
        self.bind(tensor, value)
        self._walled[id(tensor)] = sides

    def walls(self, tensor: Tensor) -> tuple[int, ...]:
        """How wide the minus infinity is that was put around a value; none for others."""
        return self._walled.get(id(tensor), ())

    def stale(self, given: object) -> str:
        """Why a tensor among arguments cannot be read: it was written to since it got its value, or that is gone."""
        for one in tensors_in(given):
            held = self._values.get(id(one))
            if held is not None and version_of(one) != held[1]:
                return self._spoiled.get(id(one), STALE)
        return ""

    def values_in(self, given: object) -> tuple[int, ...]:
        """Those of the tensors in arguments, in order."""
        return tuple([held[0] for one in tensors_in(given) if (held := self._values.get(id(one))) is not None])

    def tensor_name(self, tensor: object) -> str | None:
        """The name in the model's state dict of a parameter or buffer, or of what a view is of; None for any other.

        A view or copy that was written to since is another tensor.
        """
        if not isinstance(tensor, Tensor) or self._versions.get(id(tensor), version_of(tensor)) != version_of(tensor):
            return None
        return self._tensors.get(id(tensor))

    def tensor(self, name: str) -> Tensor:
        """A parameter or buffer of the model's."""
        return self._named[name]

    def part(self, tensor: Tensor, start: int, stop: int) -> Tensor:
        """Some rows of one of the model's own tensors, as one of those itself."""
        whole = self.tensor_name(tensor)
        assert whole is not None
        name = part_name(whole, start, stop)
        if name not in self._named:
            held = self._named[whole]
            rows = held.detach()[start:stop]
            self._named[name] = nn.Parameter(rows, held.requires_grad) if isinstance(held, nn.Parameter) else rows
            self.alias(self._named[name], name)
        return self._named[name]

    def alias(self, tensor: Tensor, name: str) -> None:
        """From now on a tensor is known to hold the elements of one of the model's own, in their order."""
        self._keep(tensor)
        self._tensors[id(tensor)] = name
        self._versions[id(tensor)] = version_of(tensor)
        self._derived[id(tensor)] = frozenset({name})

    def derive(self, tensor: Tensor, names: frozenset[str]) -> None:
        """From now on a tensor is one that is computed of the model's own tensors alone."""
        self._keep(tensor)
        self._derived[id(tensor)] = names

    def made_of(self, given: object) -> frozenset[str]:
        """The model's own tensors that arguments are, or are computed of without any input."""
        found: set[str] = set()
        for one in tensors_in(given):
            name = self.tensor_name(one)
            found |= self._derived.get(id(one), frozenset()) if name is None else {name}
        return frozenset(found)

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
        """Add an item, as `build` does, for what a tensor holds.

        Args:
            layer_type: of a layer.
            options: as PyTorch's arguments; defaults among them are left out.
            inputs: values.
            result: the tensor that holds what comes out; None for a step between.
            tensors: the layer's, by archlab's names; None for one that it does not have.
            path: of the item; by default one in the running module, called after the layer.

        Raises:
            UnsaidError: if archlab has no such layer for these inputs, or it gives another shape, or has other tensors.
        """
        output = None if result is None else tuple(result.shape[1:])
        owned = {name: self._owned(one) for name, one in (tensors or {}).items() if one is not None}
        value = self.build(layer_type, options, inputs, output=output, tensors=owned, path=path)
        if result is not None:
            self.bind(result, value)
        return value

    def _owned(self, tensor: Tensor) -> Owned:
        name = self.tensor_name(tensor)
        learnable = None if name is None else isinstance(self._named[name], nn.Parameter)
        return Owned(name, tuple(tensor.shape), learnable)

    def owner(self, name: str) -> nn.Module | None:
        """The module that has a parameter or buffer."""
        return self._modules.get(name.rpartition(".")[0])

    @contextmanager
    def within(self, running: Sequence[tuple[nn.Module, Scope]]) -> Iterator[None]:
        """While other modules run than those that do."""
        before, self.running = self.running, list(running)
        try:
            yield
        finally:
            self.running = before

    def named_after_module(self, start: int) -> None:
        """The running module, if it is without parts and a single item is there since, gives it its name."""
        module, scope = self.running[-1]
        is_one = len(self.items) == start + 1 and not any(True for _ in module.children())
        if is_one and scope.path and self.is_free(scope.path):
            self.rename(self.first + start, scope.path)

    def scopes(self) -> tuple[Scope, ...]:
        """Of the modules that run."""
        return tuple([scope for _, scope in self.running])

    def path_here(self, word: str) -> str:
        """A path in the running module."""
        path = self.running[-1][1].path if self.running else ""
        return f"{path}.{word}" if path else word


def version_of(tensor: Tensor) -> int:
    """How often a tensor, or what it is a view of, has been written to."""
    return tensor._version  # noqa: SLF001 - nothing else says it


def _named_tensors(model: nn.Module) -> list[tuple[str, Tensor]]:
    """Parameters and buffers, those that are tied under each of their names."""
    return [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]


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
