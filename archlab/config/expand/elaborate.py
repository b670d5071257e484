"""From a `Document` to a `Graph`: the walk over the items that substitutes, validates and computes shapes.

Each item is taken in turn: put the params in, validate one item with its Pydantic model, compute its
shape, go on. `residual`, `branches`, `use` and `repeat` disappear here.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingView
from contextlib import contextmanager
from typing import Any

from archlab.config.expand.blocks import Blocks, block_names
from archlab.config.expand.combinators import Combinators
from archlab.config.expand.emitter import Emitter
from archlab.config.expand.environment import Environment, Spot, value_size
from archlab.config.expand.lowering import Lowering
from archlab.config.expand.names import LeftOutError, NameTable, Value, Values
from archlab.config.expand.prune import Use
from archlab.config.expand.recording import Emission
from archlab.config.expand.rounding import Unequal
from archlab.config.syntax.expressions import UNKNOWN, UnknownValueError
from archlab.config.syntax.limits import MAX_BLOCK_DEPTH
from archlab.config.syntax.naming import PathScope
from archlab.config.syntax.substitute import Argument
from archlab.config.syntax.yaml_nodes import Mapping, Scalar, Sequence, value_kind
from archlab.config.syntax.yaml_nodes import Node as YamlNode
from archlab.config.tree.document import Document
from archlab.config.tree.items import MERGES, Item, read_item, unknown_layer
from archlab.diagnostics.problem import BadItemError, Problems
from archlab.diagnostics.words import one_of
from archlab.graph import Node
from archlab.layers import find_layer
from archlab.layers.base import Layer, Shape, channels_of
from archlab.layers.reshape import Input

_LEFT_OUT = Node(-1, Input(), (), ())
"""Stands for what enters an item that is not there."""
_NO_INDEX = object()
FAILED_ITEM_STEPS = 10
"""Work of an item that fails, hints and all, in the emitter's steps."""


class Elaborator:
    """Expands one document with given params."""

    def __init__(self, document: Document, params: MappingView[str, Any], problems: Problems) -> None:
        self._document = document
        self._params = params
        self._problems = problems
        self._lowering = Lowering(problems)
        self._emitter = Emitter(problems)
        self._combinators = Combinators(self._emitter, self._lowering, self._walk, self._evaluate)
        self._blocks = Blocks(document, self._emitter, self._lowering, problems, self._walk, self._evaluate)
        self._items: dict[int, Item] = {}
        self._names: frozenset[str] | None = None

    @property
    def nodes(self) -> list[Node]:
        """The nodes so far."""
        return self._emitter.nodes

    @property
    def unequal(self) -> list[Unequal]:
        """Joins that cannot take their maps."""
        return self._emitter.unequal

    @property
    def uses(self) -> list[Use]:
        """The uses of blocks with several outputs so far."""
        return self._blocks.uses

    def run(self, input_shape: Shape) -> tuple[Value, NameTable]:
        """Expand the layers.

        Args:
            input_shape: without batch.

        Returns:
            The last value and the names at the top level. `self._emitter.nodes` holds the nodes with their paths.

        Raises:
            ConfigError: where a bound is met.
        """
        assert self._document.layers is not None
        value: Value = self._emitter.append(Input(), (), input_shape, None, ())
        params = self._blocks.params = {**self._params, "input_size": value_size(value)}
        # no item can be called `input`: PyTorch's generated code has taken the word
        names = NameTable(parent=NameTable(values={"input": value}))
        environment = Environment({**params, **block_names(value)}, names, PathScope())
        value = self._walk(self._document.layers, value, environment)
        environment.scope.assign_paths()
        self._emitter.nodes[0].path = "input"
        return value, environment.names

    def _walk(self, layers: Sequence, value: Value, env: Environment) -> Value:
        for node in layers.items:
            value = self._item(node, value, env)
        return value

    def _item(self, node: YamlNode, value: Value, env: Environment) -> Value:
        self._emitter.step(1, node.place)
        item: Item | None = None
        try:
            item = self._items.get(id(node))
            if item is None:
                item = self._items[id(node)] = read_item(node)
            return self._visit(item, value, env)
        except BadItemError as error:
            self._problems.add(error.message, error.code, error.place, (*error.notes, *env.trail))
            self._emitter.step(FAILED_ITEM_STEPS, node.place)
        except UnknownValueError:
            pass
        self._define_unknown(node, env)
        return None

    def _define_unknown(self, node: YamlNode, env: Environment) -> None:
        """Let later references to a broken item pass: one mistake gives one problem."""
        name = node.entries.get("name") if isinstance(node, Mapping) else None
        if isinstance(name, Scalar):
            env.names.values.setdefault(name.text, None)

    def _visit(self, item: Item, above: Value, env: Environment) -> Value:
        """What the line below reads: what the item gives, or the line above where the item is not there."""
        value = self._entering(item, above, env)
        if value is _LEFT_OUT:
            if item.name is not None:
                env.names.skipped.add(item.name)
            return above
        others = [env.names.find(other, self._all_names()) for other in item.others]
        values: Values = (value, *others)
        if item.repeat is None:
            spot = Spot(env.scope, item.name or "", item.name is not None)
            values = self._once(item, values, env, spot)
        else:
            values = self._repeat(item, values, env)
        if item.name is not None:
            env.names.define(item.name, values[0], item.places.value("name"))
        return values[0]

    def _entering(self, item: Item, above: Value, env: Environment) -> Value:
        """What enters an item, `_LEFT_OUT` where its condition says that it is not there.

        Raises:
            BadItemError: if `from` names nothing that is there.
        """
        missing: LeftOutError | None = None
        value = above
        try:
            if item.source is not None:
                value = env.names.find(item.source, self._all_names())
        except LeftOutError as error:  # no harm where this item is left out with it
            if item.when is None:
                raise
            missing, value = error, None
        self._set_input_names(value, env)
        try:
            if item.when is not None and not self._condition(item.when, env):
                return _LEFT_OUT
        except UnknownValueError:  # it looks at what enters
            if missing is None:
                raise
        if missing is not None:
            raise missing
        return value

    def _repeat(self, item: Item, values: Values, env: Environment) -> Values:
        """One repetition behind the other: what comes out of one enters the next, other inputs stay."""
        count = self._count(item, env)
        scope = env.scope.scope(item.name, written=True) if item.name is not None else env.scope
        with _repetition(env, 0):
            for index in range(count):
                self._emitter.step(1 + len(values) // 10, item.place)
                env.variables["index"] = index
                self._set_input_names(values[0], env)
                spot = Spot(scope, str(index) if item.name is not None else "", item.name is not None)
                made = self._once(item, values, env, spot, index)
                values = (*made, *values[len(made) :])
                if item.name is not None:
                    env.names.values[f"{item.name}.{index}"] = values[0]
            if item.name is not None and item.kind == "use":
                labels = self._blocks.output_labels(item, env)
                env.names.values |= {f"{item.name}.{label}": made for label, made in zip(labels, values, strict=False)}
        return values

    def _count(self, item: Item, env: Environment) -> int:
        assert item.repeat is not None
        count = self._evaluate(item.repeat, env)
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise BadItemError(
                f"'repeat' must be a whole number of at least 0, not {value_kind(count)}",
                "wrong-value",
                item.repeat.node.place,
            )
        return count

    def _condition(self, when: Argument, env: Environment) -> bool:
        value = self._evaluate(when, env)
        if not isinstance(value, bool):
            raise BadItemError(f"'when' must be true or false, not {value_kind(value)}", "wrong-value", when.node.place)
        return value

    def _once(self, item: Item, values: Values, env: Environment, spot: Spot, index: int = 0) -> Values:
        arguments = {**item.arguments, **item.first} if item.first and index == 0 else item.arguments
        if item.kind == "layer":
            return (self._layer(item, values, env, spot, arguments),)
        if item.kind == "use":
            return self._blocks.use(item, values, env, spot, arguments)
        if env.depth >= MAX_BLOCK_DEPTH:
            raise BadItemError(f"nested deeper than {MAX_BLOCK_DEPTH} levels", "too-deep", item.place)
        combine = self._combinators.residual if item.kind == "residual" else self._combinators.branches
        return (combine(item, values[0], env, spot),)

    def _layer(self, item: Item, inputs: Values, env: Environment, spot: Spot, arguments: dict[str, Argument]) -> Value:
        type_name = self._evaluate(item.target, env)
        cls = find_layer(type_name) if isinstance(type_name, str) else None
        if cls is None:
            raise unknown_layer(type_name, item.places.value("type"))
        self._check_inputs(item, cls)
        values = self._values(item, cls, arguments, env)
        if values is None:
            return None
        lowered = self._lowering.lower(item, cls, values, env.trail)
        if lowered is None or None in inputs:
            return None
        known = tuple([node for node in inputs if node is not None])
        node = self._emitter.emit_lowered(item, lowered, known, env, spot)
        if env.recording is not None and node is not None and id(item.node) in env.recording.items:
            env.recording.emissions.append(Emission(item, cls, arguments, dict(env.variables), node))
        return node

    def _values(
        self, item: Item, cls: type[Layer], arguments: dict[str, Argument], env: Environment
    ) -> dict[str, Any] | None:
        """The arguments, or None where one cannot be evaluated; the others' names are still looked at."""
        values: dict[str, Any] = {}
        for name, argument in arguments.items():
            try:
                values[name] = self._evaluate(argument, env)
            except BadItemError as error:
                self._problems.add(error.message, error.code, error.place, env.trail)
        if len(values) == len(arguments):
            return values
        self._lowering.check_names(item, cls, arguments, env.trail)
        return None

    def _check_inputs(self, item: Item, cls: type[Layer]) -> None:
        reads_others = cls.role == "join" or cls.reads_others
        if not reads_others and item.others:
            message = f"{cls.type} has one input; 'with' belongs to {one_of(MERGES)}"
            raise BadItemError(message, "unknown-option", item.places.key("with"))
        if reads_others and not item.others:
            message = f"{cls.type} joins the line above with others; name them: with: [NAME]"
            if cls.role != "join":
                message = f"{cls.type} reads its offsets too (with: [NAME]); deform_conv2d makes them itself"
            raise BadItemError(message, "missing", item.place)

    # -- helpers --------------------------------------------------------------------------------------------

    def _evaluate(self, argument: Argument, env: Environment) -> Any:
        if not argument.dynamic:
            return argument.constant
        self._emitter.step(argument.cost, argument.node.place)
        return argument.value(env.variables)

    def _set_input_names(self, value: Value, env: Environment) -> None:
        env.variables["in_channels"] = UNKNOWN if value is None else channels_of(value.shape)
        env.variables["in_size"] = value_size(value)

    def _all_names(self) -> frozenset[str]:
        if self._names is None:
            self._names = frozenset(_written_names(self._document))
        return self._names


@contextmanager
def _repetition(env: Environment, index: int) -> Iterator[None]:
    """`index` has a value in there only, also where an item fails."""
    outer = env.variables.get("index", _NO_INDEX)
    env.variables["index"] = index
    try:
        yield
    finally:
        if outer is _NO_INDEX:
            del env.variables["index"]
        else:
            env.variables["index"] = outer


def _written_names(document: Document) -> list[str]:
    """Every name in the config, for hints."""
    found: list[str] = []
    pending: list[YamlNode] = [block.layers for block in document.blocks.values()]
    if document.layers is not None:
        pending.append(document.layers)
    while pending:
        node = pending.pop()
        if isinstance(node, Sequence):
            pending.extend(node.items)
        elif isinstance(node, Mapping):
            name = node.entries.get("name")
            if isinstance(name, Scalar):
                found.append(name.text)
            pending.extend(node.entries.values())
    return found
