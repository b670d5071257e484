"""An item that is branches: parallel paths, merged."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from archlab.config.expand.environment import Environment, Spot
from archlab.config.expand.names import WHEN_FALSE, NameTable, Value
from archlab.config.expand.paths import PathScope
from archlab.config.expand.residual import level_of
from archlab.config.expand.split import split
from archlab.config.expand.walk import Walk
from archlab.config.syntax.yaml_nodes import value_kind
from archlab.config.tree.items import MERGES, BranchesItem, Path
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import one_of


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
    tracks = _tracks(walk, item, inner)
    merge = _merge(walk, item, env)
    ends = [
        _run(walk, track, start, inner)
        for track, start in zip(tracks, split(walk, item, value, len(tracks), inner), strict=True)
    ]
    walk.export(item, env, inner.names.values, spot, inner.names.made)
    known = tuple([end for end in ends if end is not None])
    if len(known) < len(ends):
        return None
    return known[0] if len(known) == 1 else walk.add(walk.lowering.join(merge), known, item, inner)


class Track(NamedTuple):
    """A path that is there, or one of its repetitions.

    Attributes:
        path: as written.
        number: among those without a name, from 1.
        turn: which repetition it is, if any.
        scope: where the layers of its repetitions go, where they have a name.
    """

    path: Path
    number: int
    turn: int | None
    scope: PathScope | None


def _tracks(walk: Walk, item: BranchesItem, env: Environment) -> list[Track]:
    """The paths that are there, in order.

    Raises:
        BadItemError: if one is none, or none is there.
    """
    tracks: list[Track] = []
    unnamed = 0
    for path in item.paths:
        if isinstance(path, BadItemError):
            raise path
        if not walk.condition(path.when, env):
            if path.name is not None:
                env.names.skipped[path.name] = WHEN_FALSE
            continue
        if path.repeat is None:
            unnamed += path.name is None
            tracks.append(Track(path, unnamed, None, None))
            continue
        scope = None
        if path.name is not None:
            scope = PathScope()
            env.names.repeated.add(path.name)
        for index in range(walk.count(path.repeat, env)):
            walk.budget.spend(1, path.place)
            unnamed += path.name is None
            tracks.append(Track(path, unnamed, index, scope))
    if not tracks:
        raise BadItemError("branches has no path here: all are left out", Code.MISSING, item.place)
    return tracks


def _run(walk: Walk, track: Track, start: Value, env: Environment) -> Value:
    """What a path gives, whose layers and names get a level of their own."""
    path, turn = track.path, track.turn
    scope, names = PathScope(), NameTable(parent=env.names)
    inside = env.inside(scope, names)
    end = walk.layers(path.layers, start, inside if turn is None else inside.indexed(turn))
    if path.name is None:
        if scope.children:
            env.scope.add("branch", scope, written=False)
        env.names.export(f"branch{track.number}", names.values, names.made)
        return end
    if scope.children:
        _name_scope(track, scope, env)
    label = path.name if turn is None else f"{path.name}.{turn}"
    env.names.export(label, names.values, names.made)
    if not turn:
        assert path.name_place is not None
        env.names.define(path.name, end, path.name_place)
    env.names.values |= {path.name: end, label: end}
    return end


def _name_scope(track: Track, scope: PathScope, env: Environment) -> None:
    """Put the layers of a named path where they belong: `pool`, or `pool.0`, `pool.1`, ..."""
    assert track.path.name is not None
    if track.scope is None:
        env.scope.add(track.path.name, scope, written=True)
        return
    if not track.scope.children:
        env.scope.add(track.path.name, track.scope, written=True)
    track.scope.add(str(track.turn), scope, written=True)


def _merge(walk: Walk, item: BranchesItem, env: Environment) -> str:
    if item.merge is None:
        return "concat"
    value = walk.evaluate(item.merge.bounded(), env)
    if value not in MERGES:
        hint = partial(did_you_mean, value, MERGES) if isinstance(value, str) else None
        message = f"'merge' is {one_of(MERGES)}, not {value_kind(value)}"
        raise BadItemError(message, Code.WRONG_VALUE, item.merge.place, hint=hint)
    return str(value)
