"""An item that is a layer: its class found, its arguments evaluated, its primitives made."""

from __future__ import annotations

from functools import partial
from typing import Any

from archlab.config.expand.environment import Environment, Spot
from archlab.config.expand.lowering import Lowered
from archlab.config.expand.names import Value, Values
from archlab.config.expand.walk import Walk
from archlab.config.syntax.yaml_nodes import value_kind
from archlab.config.tree.argument import Arguments
from archlab.config.tree.items import COMBINATORS, MERGES, Item, LayerItem
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import BadItemError
from archlab.diagnostics.suggest import called_alone, did_you_mean
from archlab.diagnostics.words import counted, one_of
from archlab.layers import fault_of, find_declared, find_layer, layer_types, registered_types
from archlab.layers.base import Layer
from archlab.layers.shape import FLAT_AXES, Shape, axis_count, shape_text


def expand_layer(
    walk: Walk, item: LayerItem, arguments: Arguments, inputs: Values, env: Environment, spot: Spot
) -> Value:
    """Expand one repetition of a layer.

    Args:
        walk: the expansion.
        item: the item.
        arguments: of this repetition.
        inputs: what enters it.
        env: what is visible there.
        spot: where its nodes go.

    Raises:
        BadItemError: if there is no such layer, or it does not take so many inputs.
        UnknownValueError: if an earlier problem leaves an argument unknown.
    """
    type_name = walk.evaluate(item.target, env)
    cls = find_layer(type_name) if isinstance(type_name, str) else None
    if cls is None and isinstance(type_name, str) and "output" in arguments.named:
        cls = find_declared(type_name)
    if cls is None:
        raise _unknown_layer(type_name, item.places.value("type"))
    _check_inputs(item, cls, len(inputs))
    if cls.role == "opaque":
        walk.budget.add_opaque(cls.type, item.place)
    lowered = lower_item(walk, item, cls, arguments, env)
    if lowered is None or None in inputs:
        return None
    known = tuple([node for node in inputs if node is not None])
    if cls.role == "join" and len(known) == 1:  # of no repetitions
        return attach(walk, item, known[0], list(lowered.attached.values()), env)
    value = walk.emitter.emit_lowered(item, lowered, known, env, spot)
    if cls.role == "opaque" and value is not None:
        _check_axes(item, cls, value.shape, [node.shape for node in walk.nodes if not node.inputs])
    return value


def _check_axes(item: LayerItem, cls: type[Layer], shape: Shape, entering: list[Shape]) -> None:
    """Refuse a map with other axes than the network's inputs have.

    Raises:
        BadItemError: if that is what comes out.
    """
    count, wanted = axis_count(shape), {axis_count(one) for one in entering} - {0} or {FLAT_AXES}
    if not count or count in wanted:
        return
    have = counted(max(wanted), "axis", "axes")
    message = (
        f"{cls.type} gives a map of {counted(count, 'axis', 'axes')} ({shape_text(shape)}), but the input has {have}"
    )
    raise BadItemError(message, Code.SHAPE, item.places.value("output"))


def attach(walk: Walk, item: Item, value: Value, layers: list[Layer], env: Environment) -> Value:
    """A value with a norm or an activation behind it, as an item says; None where a problem leaves it unknown."""
    for layer in layers:
        if value is None:
            return None
        value = walk.add(layer, (value,), item, env)
    return value


def lower_item(walk: Walk, item: LayerItem, cls: type[Layer], arguments: Arguments, env: Environment) -> Lowered | None:
    """The layers of an item, or None with the problems recorded.

    Raises:
        BadItemError: if it takes no such norm or activation.
        UnknownValueError: if an earlier problem leaves an argument unknown.
    """
    values = _values(walk, item, cls, arguments, env)
    if values is None:
        return None
    # repr, since 1, 1.0 and True are equal as keys but not as arguments
    key = arguments if arguments.constants is not None else repr(values)
    return walk.lowering.lower(item, cls, values, key, env.trail)


def _values(
    walk: Walk, item: LayerItem, cls: type[Layer], arguments: Arguments, env: Environment
) -> dict[str, Any] | None:
    """The arguments, or None where one cannot be evaluated; the others' names are still looked at."""
    if arguments.constants is not None:
        return arguments.constants
    values: dict[str, Any] = {}
    for name, argument in arguments.named.items():
        try:
            values[name] = walk.evaluate(argument, env)
        except BadItemError as error:
            walk.problems.add_error(error, env.trail)
    if len(values) == len(arguments.named):
        return values
    walk.lowering.check_names(item, cls, arguments.named, env.trail)
    return None


def _check_inputs(item: LayerItem, cls: type[Layer], count: int) -> None:
    if cls.role == "opaque":
        return
    reads_others = cls.others != "none"
    if not reads_others and item.others:
        message = f"{cls.type} has one input; 'with' belongs to {one_of(MERGES)}"
        raise BadItemError(message, Code.UNKNOWN_OPTION, item.places.key("with"))
    if not reads_others and count > 1:
        message = f"{cls.type} has one input, and 'from' names {count}; all repetitions belong to {one_of(MERGES)}"
        raise BadItemError(message, Code.WRONG_VALUE, item.places.value("from"))
    if reads_others and cls.others != "optional" and not item.others and not item.reads_all:
        message = f"{cls.type} joins the line above with others; name them: with: [NAME]"
        if cls.role != "join":
            message = f"{cls.type} reads its offsets too (with: [NAME]); deform_conv2d makes them itself"
        if cls.others == "attended":
            message = f"{cls.type} attends to another value, whose name it needs: with: [NAME]"
        raise BadItemError(message, Code.MISSING, item.place)


def _unknown_layer(name: object, place: Place) -> BadItemError:
    if not isinstance(name, str):
        return BadItemError(f"'type' must be the name of a layer, not {value_kind(name)}", Code.WRONG_TYPE, place)
    fault = fault_of(name)
    if fault:
        return BadItemError(f"the layer type '{name}' is of no use: {fault}", Code.UNKNOWN_LAYER, place)
    return BadItemError(
        f"there is no layer type '{name[:80]}'", Code.UNKNOWN_LAYER, place, hint=partial(_layer_like, name)
    )


def _layer_like(name: str) -> str:
    """A hint at the layer that was meant."""
    known = (*layer_types(), *registered_types(), *COMBINATORS)
    hint = did_you_mean(name, known) or did_you_mean(called_alone(name).lower(), known)
    if not hint and "." in name:
        return "; a layer of one's own has the path of its class, as mypackage.MyModule or torch.nn.LSTM"
    return hint or "; see archlab schema"
