"""Layers to nodes: shapes computed, bounds kept."""

from __future__ import annotations

from math import prod

from archlab.config.expand.budget import Budget
from archlab.config.expand.draft import Draft
from archlab.config.expand.environment import Environment, Spot
from archlab.config.expand.history import shape_notes
from archlab.config.expand.init import TensorInit
from archlab.config.expand.lowering import Lowered
from archlab.config.expand.names import Value
from archlab.config.expand.rounding import Unequal
from archlab.config.syntax.limits import MAX_ELEMENTS, MAX_MAP_SIZE
from archlab.config.tree.items import LayerItem
from archlab.config.tree.validation import Places
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import BadItemError, Problems
from archlab.layers.base import Layer
from archlab.layers.fields import MAX_SIZE
from archlab.layers.foreign import checked_shape, is_foreign
from archlab.layers.macro import Macro
from archlab.layers.shape import Shape, ShapeError, channels_of, is_map, map_size, shape_text


class Emitter:
    """Collects the nodes of one network.

    Attributes:
        nodes: so far, in order.
        unequal: joins that cannot take their maps.
    """

    def __init__(self, problems: Problems, budget: Budget) -> None:
        self._problems = problems
        self._budget = budget
        self._shapes: dict[tuple[int, tuple[Shape, ...]], Shape] = {}
        """What a layer gives, by its identity and what enters."""
        self._lowered_shapes: dict[tuple[int, tuple[Shape, ...]], list[Shape]] = {}
        """The same of an item's primitives."""
        self.nodes: list[Draft] = []
        self.unequal: list[Unequal] = []

    def emit_lowered(
        self, item: LayerItem, lowered: Lowered, inputs: tuple[Draft, ...], env: Environment, spot: Spot
    ) -> Value:
        """Emit an item's primitives; several under a written label get a scope of their own."""
        entering = tuple([node.shape for node in inputs])
        try:
            steps = lowered.steps(entering)
        except ShapeError as error:
            self._shape_problem(error, lowered.main, item.places, env, inputs)
            return None
        scope, label = spot.scope, spot.label
        if len(steps) > 1 and (spot.written or (isinstance(lowered.main, Macro) and lowered.main.scoped)):
            scope, label = scope.scope(label or lowered.main.alias, written=spot.written), ""
        key = id(lowered), entering
        known = self._lowered_shapes.get(key)
        shapes: list[Shape] = known or []
        made: list[Draft] = []
        for number, step in enumerate(steps):
            read = tuple([made[i] if i >= 0 else inputs[-1 - i] for i in step.inputs])
            init = lowered.init if lowered.init is not None and lowered.owns_init(step.layer) else None
            if known is None:
                shape = self._shape(step.layer, read, item.places, env)
                if shape is None:
                    return None
                shapes.append(shape)
                if init is not None:
                    self._check_init(step.layer, read, init, item.places, env)
            node = self.append(step.layer, read, shapes[number], item.place, env, init, zero_init=step.zero_init)
            scope.add(label or step.label or step.layer.alias, node.index, written=bool(label))
            made.append(node)
        self._lowered_shapes[key] = shapes
        return made[-1]

    def emit(self, layer: Layer, inputs: tuple[Draft, ...], places: Places, env: Environment) -> Value:
        """A node for a layer; None with a problem where it cannot take its inputs."""
        shape = self._shape(layer, inputs, places, env)
        return None if shape is None else self.append(layer, inputs, shape, places.whole, env)

    def shape(self, layer: Layer, inputs: tuple[Shape, ...], place: Place | None) -> Shape:
        """What a layer gives for inputs of some shapes, worked out once.

        Raises:
            ShapeError: where it cannot take them.
            BadItemError: where the result is too large.
            OverBudgetError: for too many different layers.
        """
        key = id(layer), inputs
        if key not in self._shapes:
            self._budget.add_different(layer, inputs, place)
            shape = checked_shape(layer, inputs) if is_foreign(type(layer)) else layer.out_shape(inputs)
            _check_size(shape, place)
            self._shapes[key] = shape
        return self._shapes[key]

    def _shape(self, layer: Layer, inputs: tuple[Draft, ...], places: Places, env: Environment) -> Shape | None:
        """What a layer gives; None with a problem where it cannot take its inputs.

        Raises:
            BadItemError: where the result is too large.
            OverBudgetError: for too many different layers.
        """
        try:
            return self.shape(layer, tuple([node.shape for node in inputs]), places.whole)
        except ShapeError as error:
            self._shape_problem(error, layer, places, env, inputs)
            return None

    def _check_init(
        self, layer: Layer, inputs: tuple[Draft, ...], init: TensorInit, places: Places, env: Environment
    ) -> None:
        """Record the tensors that `init` names and the layer does not have, such as the bias in front of a norm."""
        owned = {tensor.name for tensor in layer.tensors(tuple([value.shape for value in inputs]))}
        for tensor, initializer in init.items():
            if tensor not in owned and initializer is not None:
                message = f"{layer.type} has no {tensor} here, so that 'init' cannot set it"
                self._problems.add(message, Code.WRONG_VALUE, places.value("init"), env.trail)

    def append(
        self,
        layer: Layer,
        inputs: tuple[Draft, ...],
        shape: Shape,
        place: Place | None,
        env: Environment,
        own_init: TensorInit | None = None,
        *,
        zero_init: bool = False,
    ) -> Draft:
        """A node whose shape is known."""
        self._budget.add_nodes(1, len(inputs), place)
        init = env.init.get(layer.type) if env.init else None
        if own_init is not None:
            init = {**(init or {}), **own_init}
        read = tuple([value.index for value in inputs])
        node = Draft(len(self.nodes), layer, read, shape, place, env.trail, zero_init, init)
        self.nodes.append(node)
        return node

    def _shape_problem(
        self, error: ShapeError, layer: Layer, places: Places, env: Environment, inputs: tuple[Draft, ...]
    ) -> None:
        """Record that a layer cannot take its inputs, at the option at fault if it is written; and their story."""
        message = f"{error.message}; {error.hint}" if error.hint else error.message
        option = error.option if error.option in places.values else layer.role
        count = len(self._problems.found)
        self._problems.add(message, Code.SHAPE, places.value(option), (*shape_notes(inputs, self.nodes), *env.trail))
        maps_only = all(is_map(node.shape) for node in inputs) and len({len(node.shape) for node in inputs}) == 1
        if layer.role == "join" and len(self._problems.found) > count and maps_only:
            self.unequal.append(Unequal(count, inputs))


def _check_size(shape: Shape, place: Place | None) -> None:
    size = map_size(shape)
    if size is not None and (channels_of(shape) > MAX_SIZE or max(size) > MAX_MAP_SIZE):
        message = f"the map has grown to {shape_text(shape)}; at most {MAX_SIZE:,} channels"
        raise BadItemError(f"{message} and {MAX_MAP_SIZE:,} positions are allowed", Code.TOO_LARGE, place)
    if prod(shape) > MAX_ELEMENTS:
        message = f"the value has grown to {shape_text(shape)}; at most {MAX_ELEMENTS:,} elements are allowed"
        raise BadItemError(message, Code.TOO_LARGE, place)
