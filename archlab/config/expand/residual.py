"""An item that is a residual: a body, a shortcut around it, and their sum."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from archlab.config.expand.draft import Draft
from archlab.config.expand.environment import Environment, Spot
from archlab.config.expand.history import shape_notes
from archlab.config.expand.layer import attach
from archlab.config.expand.names import NameTable, Value
from archlab.config.expand.paths import PathScope
from archlab.config.expand.shortcut import WORDS, BodyPath, Strides, body_path, fitting_stride
from archlab.config.expand.walk import Walk
from archlab.config.syntax.expressions import UnknownValueError
from archlab.config.syntax.yaml_nodes import value_kind
from archlab.config.tree.items import Item, Layers, ResidualItem
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError
from archlab.diagnostics.suggest import did_you_mean
from archlab.layers.base import Layer
from archlab.layers.input import Input
from archlab.layers.shape import is_map, shape_text

_NO_SHORTCUT = Draft(-1, Input(), (), ())
"""Stands for the shortcut of an `if_same` whose body changes the shape."""


def expand_residual(walk: Walk, item: ResidualItem, value: Value, env: Environment, spot: Spot) -> Value:
    """Expand one repetition: body and shortcut, whose layers stand in the order in which they are written.

    Args:
        walk: the expansion.
        item: the item.
        value: what enters it.
        env: what is visible there.
        spot: where its nodes go.

    Raises:
        BadItemError: if a part is missing or wrong, or the sum cannot be.
    """
    inner = level_of(item, env, spot)
    word = _word(walk, item, env)
    behind = _attached(walk, item, env)
    if isinstance(item.body, BadItemError):
        raise item.body
    first = len(walk.nodes)
    if isinstance(item.shortcut, Layers) and item.is_shortcut_first:
        skip = _written(walk, item.shortcut, value, inner)
        result = walk.layers(item.body, value, inner)
    else:
        result = walk.layers(item.body, value, inner)
        if isinstance(item.shortcut, Layers):
            skip = _written(walk, item.shortcut, value, inner)
        else:
            skip = _meant(walk, item, word, value, result, inner, first)
    walk.export(item, env, inner.names.values, spot, inner.names.made)
    if result is None or value is None or skip is None:
        return None
    if skip is _NO_SHORTCUT:
        return attach(walk, item, result, behind(False), inner)
    if skip.shape != result.shape:
        raise _unequal(walk, item, _remedy(walk, word, value, result, first), skip, result)
    return attach(walk, item, walk.add(walk.lowering.join("add"), (result, skip), item, inner), behind(True), inner)


def _attached(walk: Walk, item: ResidualItem, env: Environment) -> Callable[[bool], list[Layer]]:
    """What is written behind the sum, by whether it may overwrite what it reads: a sum of its own, or the body's end.

    Raises:
        BadItemError: if it cannot be evaluated.
        UnknownValueError: if it is none of those there are, which a problem tells.
    """
    written = {name: walk.evaluate(argument.bounded(), env) for name, argument in item.attached.items()}

    def make(may_overwrite: bool) -> list[Layer]:  # noqa: FBT001 - the one thing that it is asked
        layers: list[Layer] = []
        for name, value in written.items():
            if value is not None:
                node = item.attached[name].node
                layer = walk.lowering.attached(item, name, value, node, env.trail, may_overwrite=may_overwrite)
                if layer is None:
                    raise UnknownValueError
                layers.append(layer)
                may_overwrite = True
        return layers

    make(True)
    return make


def level_of(item: Item, env: Environment, spot: Spot) -> Environment:
    """The environment inside a combinator: a level of its own only where it has a name."""
    if item.name is None:
        return env.inside(None, deeper=True)
    return env.inside(spot.scope.scope(spot.label, written=True), NameTable(parent=env.names), deeper=True)


def _word(walk: Walk, item: ResidualItem, env: Environment) -> str:
    """What the shortcut is called; nothing where it is a list of layers.

    Raises:
        BadItemError: if there is no such shortcut.
    """
    if item.shortcut is None:
        return "identity"
    if isinstance(item.shortcut, Layers):
        return ""
    value = walk.evaluate(item.shortcut.bounded(), env)
    if value in WORDS:
        return str(value)
    raise BadItemError(
        f"'shortcut' is identity, project, if_same or a list of layers, not {value_kind(value)}",
        Code.WRONG_VALUE,
        item.shortcut.place,
        hint=partial(did_you_mean, value, WORDS) if isinstance(value, str) else None,
    )


def _written(walk: Walk, shortcut: Layers, value: Value, env: Environment) -> Value:
    """What the layers of a shortcut give."""
    scope = PathScope()
    skip = walk.layers(shortcut, value, env.inside(scope, NameTable(parent=env.names)))
    if scope.children:
        env.scope.add("shortcut", scope, written=False)
    return skip


def _meant(
    walk: Walk, item: ResidualItem, word: str, value: Value, result: Value, env: Environment, first: int
) -> Value:
    """What a word adds to the result of a body whose nodes begin at `first`, `_NO_SHORTCUT` where nothing is."""
    if value is None or result is None:
        return None
    if word == "identity":
        return value
    if word == "if_same" and value.shape != result.shape:
        return _NO_SHORTCUT
    path = body_path(walk.nodes, first, value, result)
    if value.shape == result.shape and (path.stride is None or set(path.stride) <= {1}):
        return value
    if word == "if_same":
        return _NO_SHORTCUT
    return _projection(walk, item, value, result, path, env)


def _stride(value: Draft, result: Draft, path: BodyPath) -> Strides | None:
    """Along each axis, that of a 1x1 convolution beside a body; None where there can be no such convolution."""
    if not (is_map(value.shape) and is_map(result.shape)) or len(value.shape) != len(result.shape):
        return None
    return path.stride or fitting_stride(value.shape[1:], result.shape[1:])


def _projection(walk: Walk, item: ResidualItem, value: Draft, result: Draft, path: BodyPath, env: Environment) -> Value:
    """The body's stride and channels in a 1x1 convolution, with the norm of the body's last convolution."""
    stride = _stride(value, result, path)
    if stride is None:
        raise BadItemError(
            f"cannot project {shape_text(value.shape)} to {shape_text(result.shape)} by a 1x1 convolution; "
            "write the shortcut as a list of layers",
            Code.SHAPE,
            item.places.value("shortcut"),
        )
    inner = env.inside(env.scope.scope("shortcut", written=False))
    node: Value = value
    for layer in walk.lowering.projection(result.shape[0], stride, path.norm()):
        assert node is not None
        node = walk.add(layer, (node,), item, inner)
        if node is None:
            return None
    return node


def _remedy(walk: Walk, word: str, value: Draft, result: Draft, first: int) -> str:
    """What to write where a shortcut that a word means and the body, whose nodes begin at `first`, cannot be added."""
    if not word:
        return ""
    stride = _stride(value, result, body_path(walk.nodes, first, value, result))
    if stride is not None and word == "identity":
        sizes = tuple([-(-size // step) for size, step in zip(value.shape[1:], stride, strict=True)])
        if sizes == result.shape[1:]:
            return "; write shortcut: project for a 1x1 convolution in the shortcut"
    padding = "" if stride is None else "change the padding in the body, or "
    return f"; {padding}write the shortcut as a list of layers"


def _unequal(walk: Walk, item: ResidualItem, remedy: str, skip: Draft, result: Draft) -> BadItemError:
    return BadItemError(
        f"residual adds its body, {shape_text(result.shape)}, and its shortcut, {shape_text(skip.shape)}, "
        f"which must be of one shape{remedy}",
        Code.SHAPE,
        item.places.value("shortcut"),
        shape_notes((result, skip), walk.nodes, ("body", "shortcut")),
    )
