"""Items that hold lists of layers: `residual` and `branches`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from archlab.config.expand.emitter import Emitter
from archlab.config.expand.environment import Environment, Spot
from archlab.config.expand.history import shape_notes
from archlab.config.expand.lowering import Lowering
from archlab.config.expand.names import NameTable, Value
from archlab.config.expand.residual import (
    BodyPath,
    Shortcut,
    body_path,
    fitting_stride,
    is_written_first,
    read_shortcut,
)
from archlab.config.syntax.naming import PathScope
from archlab.config.syntax.substitute import Argument
from archlab.config.syntax.yaml_nodes import Mapping, Sequence, kind, value_kind
from archlab.config.tree.items import MERGES, Item
from archlab.diagnostics.problem import BadItemError
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import one_of
from archlab.graph import Node
from archlab.layers.base import is_map, shape_text
from archlab.layers.join import Narrow
from archlab.layers.reshape import Input

Walk = Callable[[Sequence, Value, Environment], Value]
Evaluate = Callable[[Argument, Environment], Any]

NO_SHORTCUT = Node(-1, Input(), (), ())
"""Stands for the shortcut of an `if_same` whose body changes the shape."""


class Combinators:
    """Expands residuals and branches; the lists in them are walked by the elaborator."""

    def __init__(self, emitter: Emitter, lowering: Lowering, walk: Walk, evaluate: Evaluate) -> None:
        self._emitter = emitter
        self._lowering = lowering
        self._walk = walk
        self._evaluate = evaluate

    def residual(self, item: Item, value: Value, env: Environment, spot: Spot) -> Value:
        """The sum of a body and its shortcut, whose layers stand in the order in which they are written."""
        inner = self._inner(item, env, spot)
        shortcut = read_shortcut(item, lambda argument: self._evaluate(argument, env))
        body = self._list(item, "body", "residual needs 'body', a list of layers")
        first = len(self._emitter.nodes)
        if isinstance(shortcut, Sequence) and is_written_first(item, shortcut):
            skip = self._layers(shortcut, value, inner)
            result = self._walk(body, value, inner)
        else:
            result = self._walk(body, value, inner)
            skip = self._shortcut(item, shortcut, value, result, inner, first)
        self._emitter.export_names(item, env, inner.names.values, spot)
        if result is None or value is None or skip is None:
            return None
        if skip is NO_SHORTCUT:
            return result
        if skip.shape != result.shape:
            raise self._unequal(item, shortcut, skip, result)
        return self._join("add", (result, skip), item, inner)

    def _layers(self, shortcut: Sequence, value: Value, env: Environment) -> Value:
        """What the layers of a shortcut give."""
        scope = PathScope()
        skip = self._walk(shortcut, value, replace(env, scope=scope, names=NameTable(parent=env.names)))
        if scope.children:
            env.scope.add("shortcut", scope, written=False)
        return skip

    def _shortcut(
        self, item: Item, shortcut: Shortcut, value: Value, result: Value, env: Environment, first: int
    ) -> Value:
        """What is added to the result of a body whose nodes begin at `first`, `NO_SHORTCUT` where nothing is."""
        if isinstance(shortcut, Sequence):
            return self._layers(shortcut, value, env)
        if value is None or result is None:
            return None
        path = body_path(self._emitter.nodes, first, value, result)
        if value.shape == result.shape and path.stride in {(1, 1), None}:
            return value
        if shortcut == "if_same":
            return NO_SHORTCUT
        if shortcut == "project":
            return self._project(item, value, result, path, env)
        return value

    def _project(self, item: Item, value: Node, result: Node, path: BodyPath, env: Environment) -> Value:
        """The body's stride and channels in a 1x1 convolution, with the norm of the body's last convolution."""
        are_maps = is_map(value.shape) and is_map(result.shape)
        stride = path.stride or fitting_stride(value.shape[1:], result.shape[1:]) if are_maps else None
        if stride is None:
            raise BadItemError(
                f"cannot project {shape_text(value.shape)} to {shape_text(result.shape)} by a 1x1 convolution; "
                "write the shortcut as a list of layers",
                "shape",
                item.places.value("shortcut"),
            )
        layers = self._lowering.projection(result.shape[0], stride, path.norm())
        scope = env.scope.scope("shortcut", written=False)
        node: Value = value
        for layer in layers:
            assert node is not None
            node = self._emitter.emit(layer, (node,), item.places, env)
            if node is None:
                return None
            scope.add(layer.alias, node, written=False)
        return node

    def _unequal(self, item: Item, shortcut: Shortcut, skip: Node, result: Node) -> BadItemError:
        hint = "; write shortcut: project for a 1x1 convolution in the shortcut" if shortcut == "identity" else ""
        return BadItemError(
            f"residual adds its body, {shape_text(result.shape)}, and its shortcut, {shape_text(skip.shape)}, "
            f"which must be of one shape{hint}",
            "shape",
            item.places.value("shortcut"),
            shape_notes((result, skip), self._emitter.nodes, ("body", "shortcut")),
        )

    def branches(self, item: Item, value: Value, env: Environment, spot: Spot) -> Value:
        """Parallel paths, merged."""
        inner = self._inner(item, env, spot)
        paths = self._paths(item)
        merge = self._word(item, "merge", "concat", MERGES, env)
        starts = self._split(item, value, len(paths), inner) if self._flag(item, "split", env) else [value] * len(paths)
        ends: list[Value] = []
        for number, (path, start) in enumerate(zip(paths, starts, strict=True), 1):
            scope = PathScope()
            names = NameTable(parent=inner.names)
            ends.append(self._walk(path, start, replace(inner, scope=scope, names=names)))
            if scope.children:
                inner.scope.add("branch", scope, written=False)
            inner.names.export(f"branch{number}", names.values)
        self._emitter.export_names(item, env, inner.names.values, spot)
        known = tuple([end for end in ends if end is not None])
        if len(known) < len(ends):
            return None
        return known[0] if len(known) == 1 else self._join(merge, known, item, inner)

    def _paths(self, item: Item) -> list[Sequence]:
        paths = self._list(item, "paths", "branches needs 'paths', a list of lists of layers")
        if not paths.items:
            raise BadItemError("branches needs at least one path", "missing", paths.place)
        lists: list[Sequence] = []
        for path in paths.items:
            if isinstance(path, Mapping):
                path = Sequence([path], path.place)  # noqa: PLW2901 - a single layer is a path of one
            if not isinstance(path, Sequence):
                raise BadItemError(
                    f"a path is a list of layers ([] for the identity), not {kind(path)}", "wrong-type", path.place
                )
            lists.append(path)
        return lists

    def _split(self, item: Item, value: Value, parts: int, env: Environment) -> list[Value]:
        if value is None:
            return [None] * parts
        share, rest = divmod(value.shape[0], parts)
        if rest:
            raise BadItemError(
                f"split shares {value.shape[0]} channels among {parts} paths, which does not divide",
                "shape",
                item.places.value("split"),
            )
        starts: list[Value] = []
        for number in range(parts):
            layer = Narrow(start=number * share, length=share)
            node = self._emitter.emit(layer, (value,), item.places, env)
            if node is None:  # the channels are last
                return [None] * parts
            env.scope.add(layer.alias, node, written=False)
            starts.append(node)
        return starts

    def _join(self, type_name: str, inputs: tuple[Node, ...], item: Item, env: Environment) -> Value:
        layer = self._lowering.join(type_name)
        node = self._emitter.emit(layer, inputs, item.places, env)
        if node is not None:
            env.scope.add(layer.alias, node, written=False)
        return node

    def _inner(self, item: Item, env: Environment, spot: Spot) -> Environment:
        """The environment inside a residual: a level of its own only where it has a name."""
        if item.name is None:
            return replace(env, depth=env.depth + 1)
        scope = spot.scope.scope(spot.label, written=True)
        return replace(env, depth=env.depth + 1, scope=scope, names=NameTable(parent=env.names))

    def _list(self, item: Item, key: str, missing: str) -> Sequence:
        node = item.lists.get(key)
        if node is None:
            raise BadItemError(missing, "missing", item.place)
        if not isinstance(node, Sequence):
            raise BadItemError(f"'{key}' must be a list of layers, not {kind(node)}", "wrong-type", node.place)
        return node

    def _word(self, item: Item, key: str, default: str, known: tuple[str, ...], env: Environment) -> str:
        node = item.lists.get(key)
        value = default if node is None else self._evaluate(Argument(node), env)
        if value not in known:
            assert node is not None
            hint = did_you_mean(value, known) if isinstance(value, str) else ""
            raise BadItemError(f"'{key}' is {one_of(known)}, not {value_kind(value)}{hint}", "wrong-value", node.place)
        return str(value)

    def _flag(self, item: Item, key: str, env: Environment) -> bool:
        node = item.lists.get(key)
        value = False if node is None else self._evaluate(Argument(node), env)
        if not isinstance(value, bool):
            assert node is not None
            raise BadItemError(f"'{key}' must be true or false, not {value_kind(value)}", "wrong-value", node.place)
        return value
