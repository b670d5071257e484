"""Layers to nodes: shapes computed, bounds kept, paths given."""

from __future__ import annotations

from math import prod

from archlab.config.expand.environment import Environment, Spot
from archlab.config.expand.history import shape_notes
from archlab.config.expand.init import TensorInit
from archlab.config.expand.lowering import Lowered
from archlab.config.expand.names import Value
from archlab.config.expand.rounding import Unequal
from archlab.config.syntax.limits import MAX_DIFFERENT, MAX_ELEMENTS, MAX_INPUTS, MAX_MAP_SIZE, MAX_NODES, MAX_STEPS
from archlab.config.tree.items import Item
from archlab.config.tree.validation import Places
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import BadItemError, ConfigError, Problem, Problems
from archlab.graph import Node
from archlab.layers.base import Layer, Shape, ShapeError, channels_of, is_map, map_size, shape_text
from archlab.layers.fields import MAX_SIZE


class Emitter:
    """Collects the nodes of one network.

    Attributes:
        nodes: so far, in order.
        inputs: of all of them together.
        steps: work done so far.
        unequal: joins that cannot take their maps.
    """

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._shapes: dict[tuple[int, tuple[Shape, ...]], Shape] = {}
        self._different: set[tuple[Layer, tuple[Shape, ...]]] = set()
        self.steps = 0
        self.nodes: list[Node] = []
        self.inputs = 0
        self.unequal: list[Unequal] = []

    def emit_lowered(
        self, item: Item, lowered: Lowered, inputs: tuple[Node, ...], env: Environment, spot: Spot
    ) -> Value:
        """Emit an item's primitives; several under a written label get a scope of their own."""
        try:
            steps = lowered.steps(tuple([node.shape for node in inputs]))
        except ShapeError as error:
            self.shape_problem(error, lowered.main, item.places, env, inputs)
            return None
        scope, label = spot.scope, spot.label
        if len(steps) > 1 and (spot.written or lowered.main.scoped):
            scope, label = scope.scope(label or lowered.main.alias, written=spot.written), ""
        made: list[Node] = []
        for step in steps:
            read = tuple([made[i] if i >= 0 else inputs[-1 - i] for i in step.inputs])
            node = self.emit(step.layer, read, item.places, env)
            if node is None:
                return None
            node.zero_init = step.zero_init
            if lowered.init is not None and lowered.owns_init(step.layer):
                node.init = {**(node.init or {}), **lowered.init}
                self._check_init(node, read, lowered.init, item, env)
            scope.add(label or step.label or step.layer.alias, node, written=bool(label))
            made.append(node)
        return made[-1]

    def emit(self, layer: Layer, inputs: tuple[Node, ...], places: Places, env: Environment) -> Value:
        """A node for a layer; None with a problem where it cannot take its inputs."""
        try:
            shape = self.shape(layer, tuple([node.shape for node in inputs]), places.whole)
        except ShapeError as error:
            self.shape_problem(error, layer, places, env, inputs)
            return None
        node = self.append(layer, inputs, shape, places.whole, env.trail)
        if env.init:
            node.init = env.init.get(layer.type)
        return node

    def shape(self, layer: Layer, inputs: tuple[Shape, ...], place: Place | None) -> Shape:
        """What a layer gives, computed once.

        Raises:
            ShapeError: where it cannot take its inputs.
            BadItemError: where the result is too large.
            ConfigError: for too many different layers.
        """
        key = (id(layer), inputs)
        shape = self._shapes.get(key)
        if shape is None:
            self._different.add((layer, inputs))  # equal layers of several items are objects of their own
            if len(self._different) > MAX_DIFFERENT:
                message = f"the network has more than {MAX_DIFFERENT:,} different layers (in type, arguments or input)"
                self.stop(message, place)
            shape = layer.out_shape(inputs)
            _check_size(shape, place)
            self._shapes[key] = shape
        return shape

    def _check_init(self, node: Node, inputs: tuple[Node, ...], init: TensorInit, item: Item, env: Environment) -> None:
        """Record the tensors that `init` names and the layer does not have, such as the bias in front of a norm."""
        owned = {tensor.name for tensor in node.layer.tensors(tuple([value.shape for value in inputs]))}
        for tensor, initializer in init.items():
            if tensor not in owned and initializer is not None:
                message = f"{node.layer.type} has no {tensor} here, so that 'init' cannot set it"
                self._problems.add(message, "wrong-value", item.places.value("init"), env.trail)

    def append(
        self, layer: Layer, inputs: tuple[Node, ...], shape: Shape, place: Place | None, trail: tuple[str, ...]
    ) -> Node:
        """A node whose shape is known."""
        self.check_room(1, len(inputs), place)
        node = Node(len(self.nodes), layer, tuple([n.index for n in inputs]), shape, "", place, trail)
        self.add(node)
        return node

    def add(self, node: Node) -> None:
        """One more node, for which there is room."""
        self.nodes.append(node)
        self.inputs += len(node.inputs)

    def take_back(self, start: int) -> None:
        """Leave out the last nodes, from a number on."""
        self.inputs -= sum([len(node.inputs) for node in self.nodes[start:]])
        del self.nodes[start:]

    def check_room(self, count: int, inputs: int, place: Place | None) -> None:
        """Stop where so many further nodes, or inputs of theirs, are too many."""
        if len(self.nodes) + count > MAX_NODES + 1:
            self.stop(f"the network has more than {MAX_NODES:,} layers", place)
        if self.inputs + inputs > MAX_INPUTS:
            self.stop(f"the layers of the network have more than {MAX_INPUTS:,} inputs together", place)

    def shape_problem(
        self, error: ShapeError, layer: Layer, places: Places, env: Environment, inputs: tuple[Node, ...]
    ) -> None:
        """Record that a layer cannot take its inputs, at the option at fault if it is written; and their story."""
        message = f"{error.message}; {error.hint}" if error.hint else error.message
        option = error.option if error.option in places.values else layer.role
        count = len(self._problems.found)
        self._problems.add(message, "shape", places.value(option), (*shape_notes(inputs, self.nodes), *env.trail))
        if layer.role == "join" and len(self._problems.found) > count and all(is_map(node.shape) for node in inputs):
            self.unequal.append(Unequal(count, inputs))

    def export_names(self, item: Item, env: Environment, names: dict[str, Value], spot: Spot) -> None:
        """Make the names inside a named item visible after it, with the item's path in front."""
        if item.name is not None:
            self.step(len(names) + sum(map(len, names)) // 100, item.place)
            env.names.export(spot.label if item.repeat is None else f"{item.name}.{spot.label}", names)

    def step(self, amount: int, place: Place) -> None:
        """Count work, which is bounded."""
        self.steps += amount
        self._problems.work += amount
        if self.steps > MAX_STEPS:
            self.stop(f"expanding takes more than {MAX_STEPS:,} steps; are there too many repetitions?", place)

    def stop(self, message: str, place: Place | None) -> None:
        """Give up at a bound."""
        raise ConfigError([*self._problems.found, Problem(message, "too-large", place)])


def _check_size(shape: Shape, place: Place | None) -> None:
    size = map_size(shape)
    if size is not None and (channels_of(shape) > MAX_SIZE or max(size) > MAX_MAP_SIZE):
        message = f"the map has grown to {shape_text(shape)}; at most {MAX_SIZE:,} channels"
        raise BadItemError(f"{message} and {MAX_MAP_SIZE:,} positions are allowed", "too-large", place)
    if prod(shape) > MAX_ELEMENTS:
        message = f"the value has grown to {shape_text(shape)}; at most {MAX_ELEMENTS:,} elements are allowed"
        raise BadItemError(message, "too-large", place)
