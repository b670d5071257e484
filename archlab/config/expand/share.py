"""An item that is an earlier one with its weights: the same layers once more, on another input.

Nothing is walked a second time: PyTorch calls the same modules again, so that the layers are the earlier ones, options
and all, whatever enters. Their shapes are worked out anew.
"""

from __future__ import annotations

from dataclasses import replace

from archlab.config.expand.draft import Draft
from archlab.config.expand.environment import Environment, Spot
from archlab.config.expand.made import Made, Shift
from archlab.config.expand.names import Values
from archlab.config.expand.paths import PathScope
from archlab.config.expand.walk import Walk
from archlab.config.tree.items import Item, ShareItem, all_items
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError
from archlab.layers.base import Layer
from archlab.layers.shape import Shape, shape_text

NOTHING: Values = (None,)


def expand_share(walk: Walk, item: ShareItem, values: Values, env: Environment, spot: Spot) -> Values:
    """Expand one repetition.

    Args:
        walk: the expansion.
        item: the item.
        values: what enters it.
        env: what is visible there.
        spot: where its nodes go.

    Returns:
        What comes out, as of the earlier item.

    Raises:
        BadItemError: if there is no such item, or it cannot take these inputs with its weights.
    """
    known = env.names.find(item.original, env.file.names)
    made = env.names.made_by(item.original.text)
    if made is None:
        if known is None:
            return NOTHING
        message = f"'{item.original.text}' is no item, so that it has no layers to share"
        raise BadItemError(message, Code.WRONG_VALUE, item.original.place)
    _check_inputs(item, made, len(values))
    found = repeat_made(walk, item, made, values, env, spot)
    if found is None:
        return NOTHING
    again, shift = found
    if item.name is not None:
        label = spot.label if item.repeat is None else f"{item.name}.{spot.label}"
        walk.budget.spend(env.names.repeat(item.original.text, label, shift), item.place)
    return again.outputs


def again(walk: Walk, item: Item, made: Made, values: Values, env: Environment, spot: Spot) -> Values:
    """A later repetition of an item whose repetitions share their weights.

    Args:
        walk: the expansion.
        item: the item.
        made: what its first repetition made.
        values: what enters.
        env: what is visible there.
        spot: where its nodes go.

    Raises:
        BadItemError: if it cannot take these inputs with its weights.
    """
    found = repeat_made(walk, item, made, values, env, spot)
    if found is None:
        return NOTHING
    if item.name is not None:
        walk.budget.spend(env.names.repeat(f"{item.name}.0", f"{item.name}.{spot.label}", found[1]), item.place)
    return found[0].outputs


class Mark:
    """Where the walk stood when it came to an item."""

    __slots__ = ("_children", "_item", "_scope", "_start")

    def __init__(self, item: Item, scope: PathScope, start: int) -> None:
        self._item = item
        self._scope = scope
        self._children = len(scope.children)
        self._start = start

    def made(self, stop: int, inputs: Values, outputs: Values) -> Made:
        """What the item has made since then."""
        return Made(self._item, inputs, outputs, self._start, stop, tuple(self._scope.children[self._children :]))


def repeat_made(
    walk: Walk, item: Item, made: Made, values: Values, env: Environment, spot: Spot
) -> tuple[Made, Shift] | None:
    """The layers of an item once more, and where its values are; None where a problem leaves them unknown.

    Args:
        walk: the expansion.
        item: the item that shares, at which problems are told.
        made: what the earlier one made.
        values: what enters now.
        env: what is visible there.
        spot: where its nodes go.

    Raises:
        BadItemError: where weights would have other shapes, or it cannot be told which input is which.
    """
    if None in values or None in made.inputs or None in made.outputs:
        return None
    nodes = walk.nodes
    shift = Shift(made.start, len(nodes) - made.start, _entering(walk, item, made, values, env), nodes)
    inner = replace(env, trail=(f"with the weights of the item on line {made.item.place.line + 1}", *env.trail))
    walk.budget.spend(made.stop - made.start, item.place)
    for original in nodes[made.start : made.stop]:
        read = tuple([shift.of(index) for index in original.inputs])
        node = walk.emitter.emit(original.layer, read, item.places, inner)
        if node is None:
            return None
        _check_weights(walk, item, original, read)
        if original.layer.torch_class:
            node.shares = original.index if original.shares is None else original.shares
        node.zero_init, node.init = original.zero_init, original.init
    if walk.visits is not None:
        walk.visits.again(made.start, made.stop, shift.by, made.item)
    again = made.moved(shift)
    children = again.children
    if spot.label or isinstance(item, ShareItem):
        label = spot.label or made.item.name or ""
        children = tuple([child._replace(label=label, written=spot.written) for child in children])
    spot.scope.children += children
    walk.budget.spend(len(walk.uses) // 100, item.place)
    walk.uses += [use.moved(shift.by) for use in walk.uses if made.start <= use.start and use.stop <= made.stop]
    return again._replace(item=item, children=children), shift


def _check_inputs(item: ShareItem, made: Made, written: int) -> None:
    wanted = len(made.inputs)
    if written == wanted:
        return
    name, place = item.original.text, item.places.key("with") if item.others else item.place
    if wanted == 1:
        message = f"'{name}' has one input, the line above; leave out 'with'"
        raise BadItemError(message, Code.UNKNOWN_OPTION, place)
    message = f"'{name}' has {wanted} inputs, the line above and {wanted - 1} of 'with'; "
    message += "'with' names none here" if written == 1 else f"'with' names {written - 1} here"
    raise BadItemError(message, Code.UNKNOWN_OPTION if item.others else Code.MISSING, place)


def _entering(walk: Walk, item: Item, made: Made, values: Values, env: Environment) -> dict[int, Draft]:
    """What is read instead of what entered the earlier item, by index.

    Raises:
        BadItemError: where that cannot be told, since the earlier item reads one value in two ways.
    """
    entering: dict[int, Draft] = {}
    for before, now in zip(made.inputs, values, strict=True):
        assert before is not None
        assert now is not None
        if entering.setdefault(before.index, now) is not now:
            message = "two inputs of the earlier item are one value, so that they are one here as well"
            raise BadItemError(f"{message}; give it the same value twice", Code.WRONG_VALUE, item.places.value("share"))
    word = _reads_by_name(walk, made, env)
    if word is not None and isinstance(item, ShareItem):
        message = f"'{item.original.text}' reads what enters it by the name '{word}' too"
        hint = "let its layers read the line above, or make a block of it"
        raise BadItemError(f"{message}; {hint}", Code.WRONG_VALUE, item.original.place)
    return entering


def _reads_by_name(walk: Walk, made: Made, env: Environment) -> str | None:
    """The name in a combinator by which a layer reads what enters it: that value stays, and the line above does not."""
    for part in made.item.lists:
        for inner in all_items(part):
            walk.budget.spend(1, made.item.place)
            if isinstance(inner, Item):
                for reference in (*([inner.source] if inner.source else []), *inner.others):
                    if any(env.names.peek(reference.text) is value for value in made.inputs):
                        return reference.text
    return None


def _check_weights(walk: Walk, item: Item, original: Draft, read: tuple[Draft, ...]) -> None:
    """Refuse inputs for which a layer would have other weights.

    Raises:
        BadItemError: which names both places.
    """
    layer = original.layer
    if not layer.torch_class:
        return
    before = tuple([walk.nodes[index].shape for index in original.inputs])
    after = tuple([node.shape for node in read])
    if before == after:
        return
    fault = _fault(layer, before, after)
    if fault is not None:
        line = "" if original.place is None else f" (line {original.place.line + 1})"
        message = f"the weights cannot be the same: {layer.type}{line} {fault}"
        raise BadItemError(message, Code.SHAPE, item.places.value("share"))


def _fault(layer: Layer, before: tuple[Shape, ...], after: tuple[Shape, ...]) -> str | None:
    """What a layer takes from its input that would be another."""
    old, new = layer.inferred(before), layer.inferred(after)
    for name, value in old.items():
        if new[name] != value:
            return f"has {name}={value} there, and would have {new[name]} here"
    tensors = zip(layer.tensors(before), layer.tensors(after), strict=True)
    for one, other in tensors:
        if one.shape != other.shape:
            return f"has a {one.name} of {shape_text(one.shape)} there, and would have {shape_text(other.shape)} here"
    return None
