"""From a `Document` to a `Graph`: the walk over the items that substitutes, validates and computes shapes.

Each item is taken in turn: put the params in, validate one item with its Pydantic model, compute its
shape, go on. `residual`, `branches`, `use` and `repeat` disappear here.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingView
from typing import Any

from archlab.config.combinators import Combinators
from archlab.config.document import Block, Document
from archlab.config.emitter import Emitter
from archlab.config.environment import Environment, Spot
from archlab.config.expressions import UNKNOWN, UnknownValueError
from archlab.config.items import MERGES, Item, read_item, unknown_layer
from archlab.config.limits import MAX_BLOCK_DEPTH
from archlab.config.lowering import Lowering
from archlab.config.names import NameTable, Value
from archlab.config.naming import PathScope, block_label
from archlab.config.problem import BadItemError, Problems
from archlab.config.substitute import Argument
from archlab.config.suggest import did_you_mean, listed, one_of
from archlab.config.yaml_nodes import Mapping, Scalar, Sequence, value_kind
from archlab.config.yaml_nodes import Node as YamlNode
from archlab.graph import Node
from archlab.layers import find_layer
from archlab.layers.base import Layer, Shape, channels_of, map_size
from archlab.layers.reshape import Input


class Elaborator:
    """Expands one document with given params."""

    def __init__(self, document: Document, params: MappingView[str, Any], problems: Problems) -> None:
        self._document = document
        self._params = params
        self._problems = problems
        self._lowering = Lowering(problems)
        self._emitter = Emitter(problems)
        self._combinators = Combinators(self._emitter, self._lowering, self._walk, self._evaluate)
        self._items: dict[int, Item] = {}
        self._defaults: dict[int, Argument] = {}
        self._names: frozenset[str] | None = None

    @property
    def nodes(self) -> list[Node]:
        """The nodes so far."""
        return self._emitter.nodes

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
        self._params = {**self._params, "input_size": _size(value)}
        environment = Environment({**self._params, **_block_names(value)}, NameTable(), PathScope())
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
            self._problems.add(error.message, error.code, error.place, env.trail)
        except UnknownValueError:
            pass
        self._define_unknown(node, env)
        return None

    def _define_unknown(self, node: YamlNode, env: Environment) -> None:
        """Let later references to a broken item pass: one mistake gives one problem."""
        name = node.entries.get("name") if isinstance(node, Mapping) else None
        if isinstance(name, Scalar):
            env.names.values.setdefault(name.text, None)

    def _visit(self, item: Item, value: Value, env: Environment) -> Value:
        if item.source is not None:
            value = env.names.find(item.source, self._all_names())
        self._set_input_names(value, env)
        if item.when is not None and not self._condition(item.when, env):
            if item.name is not None:
                env.names.skipped.add(item.name)
            return value
        if item.repeat is None:
            spot = Spot(env.scope, item.name or "", item.name is not None)
            value = self._once(item, value, env, spot, first=True)
        else:
            value = self._repeat(item, value, env)
        if item.name is not None:
            env.names.define(item.name, value, item.places.value("name"))
        return value

    def _repeat(self, item: Item, value: Value, env: Environment) -> Value:
        count = self._count(item, env)
        scope = env.scope.scope(item.name, written=True) if item.name is not None else env.scope
        outer_index = env.variables.get("index")
        for index in range(count):
            self._emitter.step(1, item.place)
            env.variables["index"] = index
            self._set_input_names(value, env)
            spot = Spot(scope, str(index) if item.name is not None else "", item.name is not None)
            value = self._once(item, value, env, spot, first=index == 0)
            if item.name is not None:
                env.names.values[f"{item.name}.{index}"] = value
        if outer_index is None:
            env.variables.pop("index", None)
        else:
            env.variables["index"] = outer_index
        return value

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

    def _once(self, item: Item, value: Value, env: Environment, spot: Spot, *, first: bool) -> Value:
        arguments = {**item.arguments, **item.first} if first and item.first else item.arguments
        if item.kind == "layer":
            return self._layer(item, value, env, spot, arguments)
        if item.kind == "use":
            return self._use(item, value, env, spot, arguments)
        if env.depth >= MAX_BLOCK_DEPTH:
            raise BadItemError(f"nested deeper than {MAX_BLOCK_DEPTH} levels", "too-deep", item.place)
        if item.kind == "residual":
            return self._combinators.residual(item, value, env, spot)
        return self._combinators.branches(item, value, env, spot)

    def _layer(self, item: Item, value: Value, env: Environment, spot: Spot, arguments: dict[str, Argument]) -> Value:
        type_name = self._evaluate(item.target, env)
        cls = find_layer(type_name) if isinstance(type_name, str) else None
        if cls is None:
            raise unknown_layer(str(type_name), item.places.value("type"))
        inputs = self._inputs(item, cls, value, env)
        values = self._values(item, cls, arguments, env)
        if values is None:
            return None
        lowered = self._lowering.lower(item, cls, values, env.trail)
        if lowered is None or None in inputs:
            return None
        return self._emitter.emit_lowered(
            item, lowered, tuple([node for node in inputs if node is not None]), env, spot
        )

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

    def _inputs(self, item: Item, cls: type[Layer], value: Value, env: Environment) -> list[Value]:
        if cls.role != "join":
            if item.others:
                raise BadItemError(
                    f"{cls.type} has one input; 'with' belongs to {one_of(MERGES)}",
                    "unknown-option",
                    item.places.key("with"),
                )
            return [value]
        if not item.others:
            raise BadItemError(
                f"{cls.type} joins the line above with others; name them: with: [NAME]", "missing", item.place
            )
        return [value, *(env.names.find(other, self._all_names()) for other in item.others)]

    # -- blocks ---------------------------------------------------------------------------------------------

    def _use(self, item: Item, value: Value, env: Environment, spot: Spot, arguments: dict[str, Argument]) -> Value:
        block = self._block(item, env)
        variables = self._block_variables(item, block, value, env, arguments)
        line = item.place.line + 1
        step = f"in block '{block.name}', used{f' by {item.name}' if item.name else ''} at line {line}"
        inner = Environment(
            variables=variables,
            names=NameTable(),
            scope=spot.scope.scope(spot.label or block_label(block.name), written=spot.written),
            trail=(step, *env.trail),
            open_blocks=(*env.open_blocks, block.name),
            depth=env.depth + 1,
        )
        value = self._walk(block.layers, value, inner)
        self._emitter.export_names(item, env, inner, spot)
        return value

    def _block(self, item: Item, env: Environment) -> Block:
        name = self._evaluate(item.target, env)
        place = item.places.value("use")
        block = self._document.blocks.get(name) if isinstance(name, str) else None
        if block is None:
            blocks = self._document.blocks
            hint = did_you_mean(str(name), blocks) or f"; there are {listed(blocks)}"
            raise BadItemError(f"there is no block '{str(name)[:80]}'{hint}", "unknown-block", place)
        if block.name in env.open_blocks:
            circle = " -> ".join([*env.open_blocks[env.open_blocks.index(block.name) :], block.name])
            raise BadItemError(f"the block '{block.name}' uses itself ({circle})", "recursive-block", place)
        if env.depth >= MAX_BLOCK_DEPTH:
            raise BadItemError(f"blocks are nested deeper than {MAX_BLOCK_DEPTH} levels", "too-deep", place)
        if item.others:
            raise BadItemError("a block takes no 'with'; only joins do", "unknown-option", item.places.key("with"))
        return block

    def _block_variables(
        self, item: Item, block: Block, value: Value, env: Environment, arguments: dict[str, Argument]
    ) -> dict[str, Any]:
        """The file's params, the block's own, and `block_in`; nothing of the caller."""
        self._refuse_unknown_arguments(item, block, arguments)
        self._emitter.step((len(block.params) + len(self._params)) // 10, item.place)
        given: dict[str, Any] = {}
        for name, argument in arguments.items():
            if name in block.params:
                try:
                    given[name] = self._evaluate(argument, env)
                except UnknownValueError:
                    given[name] = UNKNOWN
        variables = dict(self._params)
        variables |= _block_names(value)
        for name, default in block.params.items():
            required = isinstance(default, Scalar) and default.value is None
            if name in given and not (required and given[name] is None):
                variables[name] = given[name]
            elif required:
                message = f"block '{block.name}' needs '{name}', which has no default"
                self._problems.add(message, "missing", item.place, env.trail)
                variables[name] = UNKNOWN
            else:
                variables[name] = self._default(default).value(variables)
        return variables

    def _default(self, node: YamlNode) -> Argument:
        """A block param's default, read once."""
        argument = self._defaults.get(id(node))
        if argument is None:
            argument = self._defaults[id(node)] = Argument(node)
        self._emitter.step(argument.size, node.place)
        return argument

    def _refuse_unknown_arguments(self, item: Item, block: Block, arguments: dict[str, Argument]) -> None:
        for name in arguments:
            if name not in block.params:
                hint = did_you_mean(name, block.params) or f"; it has {listed(block.params)}"
                raise BadItemError(
                    f"block '{block.name}' has no param '{name}'{hint}", "unknown-option", item.places.key(name)
                )

    # -- helpers --------------------------------------------------------------------------------------------

    def _evaluate(self, argument: Argument, env: Environment) -> Any:
        if argument.dynamic:
            text = argument.node.text if isinstance(argument.node, Scalar) else ""
            self._emitter.step(argument.size + len(text) // 20, argument.node.place)
        return argument.value(env.variables)

    def _set_input_names(self, value: Value, env: Environment) -> None:
        env.variables["in_channels"] = UNKNOWN if value is None else channels_of(value.shape)
        env.variables["in_size"] = _size(value)

    def _all_names(self) -> frozenset[str]:
        if self._names is None:
            self._names = frozenset(_written_names(self._document))
        return self._names


def _size(value: Value) -> Any:
    """Height and width of a map, for expressions; null for a flat value."""
    if value is None:
        return UNKNOWN
    size = map_size(value.shape)
    return None if size is None else list(size)


def _block_names(value: Value) -> dict[str, Any]:
    """Channels and size of what enters a block."""
    return {"block_in": UNKNOWN if value is None else channels_of(value.shape), "block_in_size": _size(value)}


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
