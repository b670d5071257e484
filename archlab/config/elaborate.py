"""From a `Document` to a `Graph`: the walk over the items that substitutes, validates and computes shapes.

Each item is taken in turn: put the params in, validate one item with its Pydantic model, compute its
shape, go on. `residual`, `branches`, `use` and `repeat` disappear here.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingView
from dataclasses import dataclass, replace
from typing import Any

from archlab.config.document import Block, Document
from archlab.config.expressions import UNKNOWN, UnknownValueError
from archlab.config.items import Item, read_item, unknown_layer
from archlab.config.limits import MAX_BLOCK_DEPTH, MAX_MAP_SIZE, MAX_NODES, MAX_STEPS
from archlab.config.lowering import Lowered, Lowering
from archlab.config.names import NameTable, Value
from archlab.config.naming import PathScope
from archlab.config.problem import BadItemError, ConfigError, Place, Problem, Problems
from archlab.config.residual import Shortcut, body_norm, read_shortcut, total_stride
from archlab.config.substitute import Argument
from archlab.config.suggest import did_you_mean, listed, one_of
from archlab.config.validation import Places
from archlab.config.yaml_nodes import Mapping, Scalar, Sequence, kind, value_kind
from archlab.config.yaml_nodes import Node as YamlNode
from archlab.graph import Node
from archlab.layers import find_layer
from archlab.layers.base import MAP_RANK, Layer, Shape, ShapeError, shape_text
from archlab.layers.fields import MAX_SIZE
from archlab.layers.reshape import Input

MERGES = ("concat", "add", "multiply")

NO_SHORTCUT = Node(-1, Input(), (), ())
"""Stands for the shortcut of an `if_same` whose body changes the shape."""


@dataclass(slots=True)
class Environment:
    """What is visible where the walk stands."""

    variables: dict[str, Any]
    names: NameTable
    scope: PathScope
    trail: tuple[str, ...] = ()
    open_blocks: tuple[str, ...] = ()
    depth: int = 0


@dataclass(slots=True)
class Spot:
    """Where a single repetition of an item goes: its scope, its label there, and whether the user wrote the label."""

    scope: PathScope
    label: str
    written: bool


class Elaborator:
    """Expands one document with given params."""

    def __init__(self, document: Document, params: MappingView[str, Any], problems: Problems) -> None:
        self._document = document
        self._params = params
        self._problems = problems
        self._lowering = Lowering(problems)
        self._items: dict[int, Item] = {}
        self._defaults: dict[int, Argument] = {}
        self._shapes: dict[tuple[int, tuple[Shape, ...]], Shape] = {}
        self._steps = 0
        self._names: frozenset[str] | None = None
        self.nodes: list[Node] = []

    def run(self, input_shape: Shape) -> tuple[Value, NameTable]:
        """Expand the layers.

        Args:
            input_shape: without batch.

        Returns:
            The last value and the names at the top level. `self.nodes` holds the nodes with their paths.

        Raises:
            ConfigError: where a bound is met.
        """
        assert self._document.layers is not None
        value: Value = self._append(Input(), (), input_shape, None, ())
        environment = Environment(dict(self._params), NameTable(), PathScope())
        environment.variables["block_in"] = input_shape[0]
        value = self._walk(self._document.layers, value, environment)
        environment.scope.assign_paths()
        self.nodes[0].path = "input"
        return value, environment.names

    # -- lists and items ------------------------------------------------------------------------------------

    def _walk(self, layers: Sequence, value: Value, env: Environment) -> Value:
        for node in layers.items:
            value = self._item(node, value, env)
        return value

    def _item(self, node: YamlNode, value: Value, env: Environment) -> Value:
        self._step(1, node.place)
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
        self._set_in_channels(value, env)
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
            self._step(1, item.place)
            env.variables["index"] = index
            self._set_in_channels(value, env)
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
            return self._residual(item, value, env, spot)
        return self._branches(item, value, env, spot)

    # -- layers ---------------------------------------------------------------------------------------------

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
        return self._emit_lowered(item, lowered, tuple([node for node in inputs if node is not None]), env, spot)

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

    def _emit_lowered(
        self, item: Item, lowered: Lowered, inputs: tuple[Node, ...], env: Environment, spot: Spot
    ) -> Value:
        """Emit an item's primitives; several under a written label get a scope of their own."""
        try:
            steps = lowered.steps(tuple([node.shape for node in inputs]))
        except ShapeError as error:
            self._shape_problem(error, lowered.main, item.places, env)
            return None
        scope, label = spot.scope, spot.label
        if len(steps) > 1 and (spot.written or getattr(lowered.main, "scoped", False)):
            scope, label = scope.scope(label or lowered.main.alias, written=spot.written), ""
        made: list[Node] = []
        for step in steps:
            read = tuple([made[i] if i >= 0 else inputs[-1 - i] for i in step.inputs])
            node = self._emit(step.layer, read, item.places, env)
            if node is None:
                return None
            node.zero_init = step.zero_init
            scope.add(label or step.label or step.layer.alias, node, written=bool(label))
            made.append(node)
        return made[-1]

    def _emit(self, layer: Layer, inputs: tuple[Node, ...], places: Places, env: Environment) -> Value:
        shapes = tuple([node.shape for node in inputs])
        key = (id(layer), shapes)
        shape = self._shapes.get(key)
        if shape is None:
            try:
                shape = self._shapes[key] = layer.out_shape(shapes)
            except ShapeError as error:
                self._shape_problem(error, layer, places, env)
                return None
        if len(shape) == MAP_RANK and (shape[0] > MAX_SIZE or max(shape[1:]) > MAX_MAP_SIZE):
            message = f"the map has grown to {shape_text(shape)}; at most {MAX_SIZE:,} channels"
            raise BadItemError(f"{message} and {MAX_MAP_SIZE:,} positions are allowed", "too-large", places.whole)
        return self._append(layer, inputs, shape, places.whole, env.trail)

    def _shape_problem(self, error: ShapeError, layer: Layer, places: Places, env: Environment) -> None:
        message = f"{error.message}; {error.hint}" if error.hint else error.message
        option = error.option if error.option in places.values else layer.role
        self._problems.add(message, "shape", places.value(option), env.trail)

    def _append(
        self, layer: Layer, inputs: tuple[Node, ...], shape: Shape, place: Place | None, trail: tuple[str, ...]
    ) -> Node:
        if len(self.nodes) > MAX_NODES:
            self._stop(f"the network has more than {MAX_NODES:,} layers", place)
        node = Node(len(self.nodes), layer, tuple([n.index for n in inputs]), shape, "", place, trail)
        self.nodes.append(node)
        return node

    # -- blocks ---------------------------------------------------------------------------------------------

    def _use(self, item: Item, value: Value, env: Environment, spot: Spot, arguments: dict[str, Argument]) -> Value:
        block = self._block(item, env)
        variables = self._block_variables(item, block, value, env, arguments)
        line = item.place.line + 1
        step = f"in block '{block.name}', used{f' by {item.name}' if item.name else ''} at line {line}"
        inner = Environment(
            variables=variables,
            names=NameTable(),
            scope=spot.scope.scope(spot.label or block.name, written=spot.written),
            trail=(step, *env.trail),
            open_blocks=(*env.open_blocks, block.name),
            depth=env.depth + 1,
        )
        value = self._walk(block.layers, value, inner)
        self._export_inner(item, env, inner, spot)
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
        self._step((len(block.params) + len(self._params)) // 10, item.place)
        given: dict[str, Any] = {}
        for name, argument in arguments.items():
            if name in block.params:
                try:
                    given[name] = self._evaluate(argument, env)
                except UnknownValueError:
                    given[name] = UNKNOWN
        variables = dict(self._params)
        variables["block_in"] = value.shape[0] if value is not None else UNKNOWN
        for name, default in block.params.items():
            if given.get(name) is not None:
                variables[name] = given[name]
            elif isinstance(default, Scalar) and default.value is None:
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
        self._step(argument.size, node.place)
        return argument

    def _refuse_unknown_arguments(self, item: Item, block: Block, arguments: dict[str, Argument]) -> None:
        for name in arguments:
            if name not in block.params:
                hint = did_you_mean(name, block.params) or f"; it has {listed(block.params)}"
                raise BadItemError(
                    f"block '{block.name}' has no param '{name}'{hint}", "unknown-option", item.places.key(name)
                )

    # -- combinators ----------------------------------------------------------------------------------------

    def _inner(self, item: Item, env: Environment, spot: Spot) -> Environment:
        """The environment inside a residual: a level of its own only where it has a name."""
        if item.name is None:
            return replace(env, depth=env.depth + 1)
        scope = spot.scope.scope(spot.label, written=True)
        return replace(env, depth=env.depth + 1, scope=scope, names=NameTable(parent=env.names))

    def _export_inner(self, item: Item, env: Environment, inner: Environment, spot: Spot) -> None:
        if item.name is not None:
            self._step(len(inner.names.values), item.place)
            env.names.export(spot.label if item.repeat is None else f"{item.name}.{spot.label}", inner.names)

    def _residual(self, item: Item, value: Value, env: Environment, spot: Spot) -> Value:
        inner = self._inner(item, env, spot)
        shortcut = read_shortcut(item, lambda argument: self._evaluate(argument, env))
        body = self._list(item, "body", "residual needs 'body', a list of layers")
        result = self._walk(body, value, inner)
        skip = self._shortcut(item, shortcut, value, result, inner)
        self._export_inner(item, env, inner, spot)
        if result is None or value is None or skip is None:
            return None
        if skip is NO_SHORTCUT:
            return result
        if skip.shape != result.shape:
            raise self._unequal(item, shortcut, skip.shape, result.shape)
        return self._join("add", (result, skip), item, inner)

    def _shortcut(self, item: Item, shortcut: Shortcut, value: Value, result: Value, env: Environment) -> Value:
        """What is added to the body's result, `NO_SHORTCUT` where nothing is."""
        if isinstance(shortcut, Sequence):
            scope = PathScope()
            skip = self._walk(shortcut, value, replace(env, scope=scope, names=NameTable(parent=env.names)))
            if scope.children:
                env.scope.add("shortcut", scope, written=False)
            return skip
        if value is None or result is None:
            return None
        stride = total_stride(self.nodes, result, value)
        if value.shape == result.shape and stride in {(1, 1), None}:
            return value
        if shortcut == "if_same":
            return NO_SHORTCUT
        if shortcut == "project":
            return self._project(item, value, result, stride, env)
        return value

    def _project(
        self, item: Item, value: Node, result: Node, stride: tuple[int, int] | None, env: Environment
    ) -> Value:
        """The body's stride and channels in a 1x1 convolution, with the norm of the body's last convolution."""
        if stride is None or len(value.shape) != 3 or len(result.shape) != 3:
            raise BadItemError(
                f"cannot project {shape_text(value.shape)} to {shape_text(result.shape)} by a 1x1 convolution; "
                "write the shortcut as a list of layers",
                "shape",
                item.places.value("shortcut"),
            )
        layers = self._lowering.projection(result.shape[0], stride, body_norm(self.nodes, result, value))
        scope = env.scope.scope("shortcut", written=False)
        node: Value = value
        for layer in layers:
            assert node is not None
            node = self._emit(layer, (node,), item.places, env)
            if node is None:
                return None
            scope.add(layer.alias, node, written=False)
        return node

    def _unequal(self, item: Item, shortcut: Shortcut, skip: Shape, result: Shape) -> BadItemError:
        hint = "; write shortcut: project for a 1x1 convolution in the shortcut" if shortcut == "identity" else ""
        return BadItemError(
            f"residual adds its body, {shape_text(result)}, and its shortcut, {shape_text(skip)}, "
            f"which must be of one shape{hint}",
            "shape",
            item.places.value("shortcut"),
        )

    def _branches(self, item: Item, value: Value, env: Environment, spot: Spot) -> Value:
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
            inner.names.export(f"branch{number}", names)
        self._export_inner(item, env, inner, spot)
        known = tuple([end for end in ends if end is not None])
        return self._join(merge, known, item, inner) if len(known) == len(ends) else None

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
        cls = find_layer("narrow")
        assert cls is not None
        starts: list[Value] = []
        for number in range(parts):
            layer = cls(start=number * share, length=share)  # type: ignore[call-arg]
            node = self._emit(layer, (value,), item.places, env)
            assert node is not None
            env.scope.add(layer.alias, node, written=False)
            starts.append(node)
        return starts

    def _join(self, type_name: str, inputs: tuple[Node, ...], item: Item, env: Environment) -> Value:
        layer = self._lowering.join(type_name)
        node = self._emit(layer, inputs, item.places, env)
        if node is not None:
            env.scope.add(layer.alias, node, written=False)
        return node

    # -- helpers --------------------------------------------------------------------------------------------

    def _evaluate(self, argument: Argument, env: Environment) -> Any:
        if argument.dynamic:
            text = argument.node.text if isinstance(argument.node, Scalar) else ""
            self._step(argument.size + len(text) // 20, argument.node.place)
        return argument.value(env.variables)

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
            raise BadItemError(f"'{key}' is {one_of(known)}, not {value_kind(value)}", "wrong-value", node.place)
        return str(value)

    def _flag(self, item: Item, key: str, env: Environment) -> bool:
        node = item.lists.get(key)
        value = False if node is None else self._evaluate(Argument(node), env)
        if not isinstance(value, bool):
            assert node is not None
            raise BadItemError(f"'{key}' must be true or false, not {value_kind(value)}", "wrong-value", node.place)
        return value

    def _set_in_channels(self, value: Value, env: Environment) -> None:
        env.variables["in_channels"] = value.shape[0] if value is not None else UNKNOWN

    def _all_names(self) -> frozenset[str]:
        if self._names is None:
            self._names = frozenset(_written_names(self._document))
        return self._names

    def _step(self, amount: int, place: Place) -> None:
        self._steps += amount
        if self._steps > MAX_STEPS:
            self._stop(f"expanding takes more than {MAX_STEPS:,} steps; are there too many repetitions?", place)

    def _stop(self, message: str, place: Place | None) -> None:
        raise ConfigError([*self._problems.found, Problem(message, "too-large", place)])


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
