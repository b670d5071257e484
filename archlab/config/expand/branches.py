"""An item that is branches: parallel paths, merged."""

from __future__ import annotations

from archlab.config.expand.environment import Environment, Spot
from archlab.config.expand.names import NameTable, Value
from archlab.config.expand.paths import PathScope
from archlab.config.expand.residual import level_of
from archlab.config.expand.walk import Walk
from archlab.config.syntax.yaml_nodes import value_kind
from archlab.config.tree.items import MERGES, BranchesItem, Layers
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import one_of
from archlab.layers.narrow import Narrow


def expand_branches(walk: Walk, item: BranchesItem, value: Value, env: Environment, spot: Spot) -> Value:
    """Expand one repetition.

    Args:
        walk: the expansion.
        item: the item.
        value: what enters each path.
        env: what is visible there.
        spot: where its nodes go.

    Raises:
        BadItemError: if a part is missing or wrong.
    """
    inner = level_of(item, env, spot)
    paths = _paths(item)
    merge, count = _merge(walk, item, env), len(paths)
    starts = _shares(walk, item, value, count, inner) if _is_split(walk, item, env) else [value] * count
    ends: list[Value] = []
    for number, (path, start) in enumerate(zip(paths, starts, strict=True), 1):
        scope, names = PathScope(), NameTable(parent=inner.names)
        ends.append(walk.layers(path, start, inner.inside(scope, names)))
        if scope.children:
            inner.scope.add("branch", scope, written=False)
        inner.names.export(f"branch{number}", names.values)
    walk.export(item, env, inner.names.values, spot)
    known = tuple([end for end in ends if end is not None])
    if len(known) < len(ends):
        return None
    return known[0] if len(known) == 1 else walk.add(walk.lowering.join(merge), known, item, inner)


def _paths(item: BranchesItem) -> list[Layers]:
    """The paths.

    Raises:
        BadItemError: if one is none.
    """
    paths: list[Layers] = []
    for path in item.paths:
        if isinstance(path, BadItemError):
            raise path.with_traceback(None)
        paths.append(path)
    return paths


def _merge(walk: Walk, item: BranchesItem, env: Environment) -> str:
    if item.merge is None:
        return "concat"
    value = walk.evaluate(item.merge.bounded(), env)
    if value not in MERGES:
        hint = did_you_mean(value, MERGES) if isinstance(value, str) else ""
        message = f"'merge' is {one_of(MERGES)}, not {value_kind(value)}{hint}"
        raise BadItemError(message, Code.WRONG_VALUE, item.merge.place)
    return str(value)


def _is_split(walk: Walk, item: BranchesItem, env: Environment) -> bool:
    if item.split is None:
        return False
    value = walk.evaluate(item.split.bounded(), env)
    if not isinstance(value, bool):
        message = f"'split' must be true or false, not {value_kind(value)}"
        raise BadItemError(message, Code.WRONG_VALUE, item.split.place)
    return value


def _shares(walk: Walk, item: BranchesItem, value: Value, parts: int, env: Environment) -> list[Value]:
    """The channels, shared among the paths."""
    if value is None:
        return [None] * parts
    share, rest = divmod(value.shape[0], parts)
    if rest:
        message = f"split shares {value.shape[0]} channels among {parts} paths, which does not divide"
        raise BadItemError(message, Code.SHAPE, item.places.value("split"))
    starts: list[Value] = []
    for number in range(parts):
        node = walk.add(Narrow(start=number * share, length=share), (value,), item, env)
        if node is None:  # the channels are last
            return [None] * parts
        starts.append(node)
    return starts
