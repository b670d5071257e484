"""The tree of scopes that node paths spell out: `layer1.0.conv1` is a leaf in scope `0` of scope `layer1`.

Scopes of the same structure (labels, layer types and wiring) get the same signature, a small number.
Every scope is a contiguous run of the graph's nodes, since the config is walked once from top to bottom.

Where weights are shared, a scope or a layer is a second call of an earlier one's submodule. A scope that calls a
submodule elsewhere, and is not as a whole such a call, has no class: its layers are called by the scope around it.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import reduce
from itertools import accumulate
from math import inf

from archlab.graph import Graph, Node
from archlab.layers.base import Layer
from archlab.layers.opaque import Opaque

_BLOCK = re.compile(r"in block '([A-Za-z_][A-Za-z0-9_]*)'")


@dataclass(slots=True, eq=False)
class Leaf:
    """One layer; or the slices that together are the whole of a value (`chunk`)."""

    nodes: list[Node]
    label: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    """Indices of the nodes whose values it gives."""
    signature: int = -1
    calls: str = ""
    """The path of its submodule."""
    is_own: bool = True
    """Whether its submodule is made for it, rather than for an earlier one."""

    @property
    def layer(self) -> Layer:
        """The layer (the first of the slices)."""
        return self.nodes[0].layer

    @property
    def is_module(self) -> bool:
        """Whether it is a submodule rather than an expression."""
        layer = self.layer
        return bool(layer.torch_class) and not (isinstance(layer, Opaque) and layer.is_function())

    @property
    def result(self) -> int | None:
        """Which of the values that its submodule returns it gives; None where that returns one."""
        found: int | None = getattr(self.layer, "result", None) if self.layer.role == "opaque" else None
        return found

    @property
    def kind(self) -> tuple[Hashable, ...]:
        """What is equal for layers that may stand in one class with other numbers."""
        own = (*self.layer.torch_arguments(), self.result) if self.layer.role == "opaque" else ()
        return self.layer.type, len(self.nodes), *own


@dataclass(slots=True, eq=False)
class Scope:
    """A level of the path tree."""

    label: str
    path: str
    children: list[Leaf | Scope] = field(default_factory=list)
    inputs: tuple[int, ...] = ()
    """Indices of the nodes outside that it reads, by first use."""
    outputs: tuple[int, ...] = ()
    """Indices of its nodes that are read outside: the last one first."""
    signature: int = -1
    position: int = 0
    """Its place among the scopes of its signature."""
    trail: tuple[str, ...] = ()
    """The blocks that all its nodes are in, the outermost first."""
    block: str | None = None
    """The block that it is a use of."""
    calls: str = ""
    """The path of its submodule."""
    is_own: bool = True
    """Whether its submodule is made for it, rather than for an earlier one."""
    holds_modules: bool = False
    """Whether any layer in it is a submodule."""
    is_open: bool = False
    """Whether its layers are called by the scope around it, since it calls a submodule elsewhere."""

    @property
    def is_repeated(self) -> bool:
        """Whether its children are the repetitions of one item."""
        return all(child.label.isdigit() for child in self.children)

    @property
    def modules(self) -> list[Leaf | Scope]:
        """The children that are submodules made for it. A scope is one even where nothing in it is."""
        return [child for child in self.children if child.is_own and (isinstance(child, Scope) or child.is_module)]

    @property
    def is_chain(self) -> bool:
        """Whether each child is a module that reads just the one before it, as in `nn.Sequential`."""
        value = self.inputs
        for child in self.children:
            if child.inputs != value or len(child.outputs) != 1:
                return False
            if isinstance(child, Leaf) and (not child.is_module or child.result is not None):
                return False
            if not child.is_own or child.calls != f"{self.path}.{child.label}" or "." in child.label:
                return False
            value = child.outputs
        return len(self.inputs) == 1 and self.outputs == value


class TreeReader:
    """Makes the tree of one graph.

    Attributes:
        root: the whole network.
        instances: the scopes by signature. A child's signature is lower than its parent's.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._last_reader: list[float] = [0] * len(graph.nodes)
        for node in graph.nodes:
            for source in node.inputs:
                self._last_reader[source] = node.index
        for _, index in graph.outputs:
            self._last_reader[index] = inf
        self._signatures: dict[Hashable, int] = {}
        self._scopes: dict[str, Scope] = {}
        self._lent = _lent_scopes(graph)
        self.instances: dict[int, list[Scope]] = {}
        self.root = _by_path(graph, graph.repeats())
        self._finish(self.root)
        self._register(self.root)
        _name_blocks(self.root, 0)

    def _register(self, scope: Scope) -> None:
        """Count the scopes that have submodules of their own, from the leaves up."""
        for child in scope.children:
            if isinstance(child, Scope) and child.is_own:
                self._register(child)
        others = self.instances.setdefault(scope.signature, [])
        scope.position = len(others)
        others.append(scope)

    def _finish(self, scope: Scope) -> None:
        """Fill in what depends on the children, from the leaves up."""
        if len({child.label for child in scope.children}) != len(scope.children):
            raise ValueError(f"the layers of '{scope.path}' do not follow one another")
        for child in scope.children:
            if isinstance(child, Scope):
                self._finish(child)
        if any(isinstance(child, Scope) and child.is_open for child in scope.children):
            scope.children = _opened(scope.children)
        scope.children = self._merge_slices(scope.children)
        self._connect(scope)
        scope.trail = reduce(_shared, map(_trail, scope.children)) if scope.children else ()
        for child in scope.children:
            if isinstance(child, Leaf):
                child.signature = self._number(child.kind)
        scope.holds_modules = any(map(_holds_modules, scope.children))
        self._find_module(scope)
        scope.signature = self._number(_structure(scope, scope.calls))
        self._scopes[scope.path] = scope

    def _find_module(self, scope: Scope) -> None:
        """Whether the scope is as a whole a call of an earlier one's submodule, or calls any elsewhere."""
        scope.calls = scope.path
        if scope is self.root:
            return
        if scope.path in self._lent:
            scope.is_open = True
            return
        if all(_is_inside(child, scope) for child in scope.children):
            return
        for child in scope.children:
            base = child.calls.removesuffix(f".{child.label}")
            other = self._scopes.get(base)
            if base not in (child.calls, scope.path) and other is not None and not other.is_open:
                if other.signature == self._signatures.get(_structure(scope, base)) and _functions_equal(scope, other):
                    scope.calls, scope.is_own = base, False
                    return
                break
        scope.is_open = True

    def _connect(self, scope: Scope) -> None:
        """What goes in and what comes out."""
        if scope is self.root:
            scope.inputs = tuple([node.index for node in self._graph.inputs])
            scope.outputs = tuple([index for _, index in self._graph.outputs])
            return
        made = {value for child in scope.children for value in child.outputs}
        read = dict.fromkeys(value for child in scope.children for value in child.inputs)
        scope.inputs = tuple([value for value in read if value not in made])
        end = max(made)  # the last node: whatever is made in a scope leaves it, or is read later in it
        *others, last = sorted(value for value in made if self._last_reader[value] > end)
        scope.outputs = (last, *others)

    def _merge_slices(self, children: list[Leaf | Scope]) -> list[Leaf | Scope]:
        """Slices that share one value out evenly, as one leaf: they are a `chunk`."""
        merged: list[Leaf | Scope] = []
        start = 0
        while start < len(children):
            count = self._count_slices(children, start)
            first = children[start]
            if count > 1 and isinstance(first, Leaf):
                slices = [child for child in children[start : start + count] if isinstance(child, Leaf)]
                first.nodes = [node for leaf in slices for node in leaf.nodes]
                first.outputs = tuple([node.index for node in first.nodes])
            merged.append(first)
            start += count
        return merged

    def _count_slices(self, children: list[Leaf | Scope], start: int) -> int:
        """How many children from `start` on are the equal slices of one value; 1 if they are not."""
        position = count = 0
        first = children[start]
        if not isinstance(first, Leaf) or first.layer.type != "narrow":
            return 1
        length = first.nodes[0].shape[0]
        for child in children[start:]:
            if not isinstance(child, Leaf) or child.layer.type != "narrow" or child.inputs != first.inputs:
                break
            if child.layer.torch_arguments() != {"dim": 1, "start": position, "length": length}:
                break
            position += length
            count += 1
        return count if position == self._graph.nodes[first.inputs[0]].shape[0] else 1

    def _number(self, structure: Hashable) -> int:
        return self._signatures.setdefault(structure, len(self._signatures))


def _lent_scopes(graph: Graph) -> set[str]:
    """The levels in which a submodule is of a layer that is left out, and which only others call."""
    paths = {node.path for node in graph.layers}
    orphans = {node.module for node in graph.layers} - paths
    return {level for path in orphans for level in accumulate(path.split(".")[:-1], "{}.{}".format)}


def _by_path(graph: Graph, repeats: frozenset[int]) -> Scope:
    """The scopes and leaves, without what connects them."""
    stack = [Scope("", "")]
    labels: tuple[str, ...] = ()
    for node in graph.nodes[len(graph.inputs) :]:
        *scopes, label = node.path.split(".")
        shared = len(_shared(labels, tuple(scopes)))
        del stack[shared + 1 :]
        for depth in range(shared, len(scopes)):
            scope = Scope(scopes[depth], ".".join(scopes[: depth + 1]))
            stack[-1].children.append(scope)
            stack.append(scope)
        labels = tuple(scopes)
        leaf = Leaf([node], label, node.inputs, (node.index,), calls=node.module, is_own=node.index not in repeats)
        stack[-1].children.append(leaf)
    return stack[0]


def _opened(children: list[Leaf | Scope]) -> list[Leaf | Scope]:
    """The children, with the children of open scopes in their place."""
    found: list[Leaf | Scope] = []
    for child in children:
        inner = child.children if isinstance(child, Scope) and child.is_open else []
        for part in inner:
            part.label = f"{child.label}.{part.label}"
        found += inner or [child]
    return found


def _is_inside(child: Leaf | Scope, scope: Scope) -> bool:
    """Whether what a child calls is in the scope; a function is."""
    return child.calls.startswith(f"{scope.path}.") or not _holds_modules(child)


def _holds_modules(child: Leaf | Scope) -> bool:
    return child.holds_modules if isinstance(child, Scope) else child.is_module


def _functions_equal(scope: Scope, other: Scope) -> bool:
    """Whether the layers of two scopes of one structure that are no modules have equal arguments."""
    for one, two in zip(scope.children, other.children, strict=True):
        if isinstance(one, Scope) and isinstance(two, Scope):
            if not _functions_equal(one, two):
                return False
        elif isinstance(one, Leaf) and not one.is_module and isinstance(two, Leaf):
            pairs = zip(one.nodes, two.nodes, strict=True)
            if any(mine.layer.torch_arguments() != its.layer.torch_arguments() for mine, its in pairs):
                return False
    return True


def _shared(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """The common beginning."""
    length = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
    return first[: min(len(first), len(second)) if length is None else length]


def _trail(child: Leaf | Scope) -> tuple[str, ...]:
    return child.trail if isinstance(child, Scope) else child.nodes[0].trail[::-1]


def _structure(scope: Scope, base: str) -> Hashable:
    """Everything but the numbers: labels, layer types and wiring, and which submodules are called again.

    Args:
        scope: the scope.
        base: the path of its submodule.
    """
    start = f"{base}." if base else ""
    sources = {value: (-1, number) for number, value in enumerate(scope.inputs)}
    parts = []
    for number, child in enumerate(scope.children):
        called = child.calls.removeprefix(start) if _holds_modules(child) else child.label
        again = None if called == child.label else (called, child.is_own)
        parts.append((child.label, child.signature, again, tuple([sources[value] for value in child.inputs])))
        sources |= {value: (number, output) for output, value in enumerate(child.outputs)}
    return tuple(parts), tuple([sources[value] for value in scope.outputs])


def _name_blocks(scope: Scope, depth: int) -> None:
    """Say which scopes are uses of a block: those with more blocks around them than the scope they are in."""
    for child in scope.children:
        if not isinstance(child, Scope):
            continue
        if child.is_repeated:
            _name_blocks(child, depth)
            continue
        if len(child.trail) > depth:
            found = _BLOCK.match(child.trail[-1])
            child.block = found.group(1) if found else None
        _name_blocks(child, len(child.trail))
