"""Uses of blocks: a block's params put in, its inputs named, its layers walked, its outputs found."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as MappingView
from typing import Any

from archlab.config.expand.emitter import Emitter
from archlab.config.expand.environment import Environment, Spot, value_size
from archlab.config.expand.init import TensorInit, read_init
from archlab.config.expand.lowering import Lowering
from archlab.config.expand.names import LeftOutError, NameTable, Value, Values
from archlab.config.expand.prune import Use
from archlab.config.expand.recording import Recording
from archlab.config.expand.replay import CannotCopyError, Copier, Expansion, Given, changed_layers, replay_key
from archlab.config.expand.sight import Sight, look
from archlab.config.syntax.expressions import UNKNOWN, UnknownValueError
from archlab.config.syntax.limits import MAX_BLOCK_DEPTH
from archlab.config.syntax.naming import PathScope, block_label
from archlab.config.syntax.substitute import Argument
from archlab.config.syntax.yaml_nodes import Node, Scalar, Sequence, value_kind
from archlab.config.tree.document import Block, Document
from archlab.config.tree.items import Item
from archlab.diagnostics.problem import BadItemError, Problems
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed
from archlab.layers.base import channels_of

Walk = Callable[[Sequence, Value, Environment], Value]
Evaluate = Callable[[Argument, Environment], Any]
Arguments = dict[str, Argument]


class Blocks:
    """Expands uses of a document's blocks; their layers are walked by the elaborator."""

    def __init__(
        self,
        document: Document,
        emitter: Emitter,
        lowering: Lowering,
        problems: Problems,
        walk: Walk,
        evaluate: Evaluate,
    ) -> None:
        self._blocks = document.blocks
        self._emitter = emitter
        self._lowering = lowering
        self._problems = problems
        self._walk = walk
        self._evaluate = evaluate
        self._defaults: dict[int, Argument] = {}
        self._inits: dict[str, dict[str, TensorInit]] = {}
        self._sights: dict[str, Sight] = {}
        self._expansions: dict[tuple[object, ...], Expansion] = {}
        self.uses: list[Use] = []
        """Of blocks with several outputs, so far."""
        self.params: MappingView[str, Any] = {}
        """What every block sees: the file's params and `input_size`."""

    def use(self, item: Item, values: Values, env: Environment, spot: Spot, arguments: Arguments) -> Values:
        """Expand one use.

        Args:
            item: the item.
            values: what enters it, at least as many as the block has inputs.
            env: where it stands.
            spot: where its nodes go.
            arguments: the block's params.

        Returns:
            The block's outputs: those it names, or else its last value.

        Raises:
            BadItemError: if there is no such block here, or it does not take these inputs or params.
        """
        block = self._block(item, env)
        given = self._given(item, block, env, arguments)
        self._emitter.step((len(block.inputs) + len(block.outputs)) // 10, item.place)
        values = values[: max(len(block.inputs), 1)]
        scope = spot.scope.scope(spot.label or block_label(block.name), written=spot.written)
        sight = self._sight(block)
        start = len(self._emitter.nodes)
        key = replay_key(id(item), values, given, sight, (env.trail, env.depth))
        known = self._expansions.get(key)
        copied = None if known is None else self._copy(known, item, values, given, scope)
        if copied is not None and known is not None and known.uses:
            self.uses += [use.moved(start - known.start) for use in known.uses]
        if copied is None:
            made = self._expand(item, block, values, given, env, scope)
            copied = made.names, made.outputs
            if not self._problems.found:
                self._expansions[key] = made
        names, outputs = copied
        if block.outputs:
            names = {**names, **{output.text: made for output, made in zip(block.outputs, outputs, strict=False)}}
        self._emitter.export_names(item, env, names, spot)
        return outputs

    def _copy(
        self, known: Expansion, item: Item, values: Values, given: Given, scope: PathScope
    ) -> tuple[dict[str, Value], Values] | None:
        """The names inside and the outputs of a copy, None where there must be another walk."""
        self._emitter.step(known.steps, item.place)
        self._emitter.check_room(len(known.nodes), sum([len(node.inputs) for node in known.nodes]), item.place)
        try:
            layers = changed_layers(known, given, self._lowering)
            return Copier(known, values, self._emitter).copy(layers, scope)
        except CannotCopyError:
            return None

    def _expand(
        self, item: Item, block: Block, values: Values, given: Given, env: Environment, scope: PathScope
    ) -> Expansion:
        """Walk the block's layers."""
        sight = self._sight(block)
        steps, start, first_use = self._emitter.steps, len(self._emitter.nodes), len(self.uses)
        line = item.place.line + 1
        step = f"in block '{block.name}', used{f' by {item.name}' if item.name else ''} at line {line}"
        inner = Environment(
            variables=self._variables(item, block, values[0], given, env),
            names=_input_names(block, values),
            scope=scope,
            trail=(step, *env.trail),
            open_blocks=(*env.open_blocks, block.name),
            depth=env.depth + 1,
            init={**env.init, **self._init(block)} if block.init is not None else env.init,
            recording=Recording(sight.items) if sight.items else None,
        )
        last = self._walk(block.layers, values[0], inner)
        outputs = self._outputs(block, last, inner)
        nodes = self._emitter.nodes[start:]
        emissions = inner.recording.emissions if inner.recording is not None else []
        steps = self._emitter.steps - steps
        if len(block.outputs) > 1:
            made = tuple([output.index for output in outputs if output is not None and output.index >= start])
            if len(made) > 1:
                self.uses.append(Use(start, start + len(nodes), made))
        uses = self.uses[first_use:]
        return Expansion(values, start, nodes, scope, inner.names.values, outputs, steps, inner.trail, emissions, uses)

    def output_labels(self, item: Item, env: Environment) -> list[str]:
        """What the block of an item calls its outputs."""
        name = self._evaluate(item.target, env)
        return (
            [output.text for output in self._blocks[name].outputs]
            if isinstance(name, str) and name in self._blocks
            else []
        )

    def _outputs(self, block: Block, last: Value, inner: Environment) -> Values:
        if not block.outputs:
            return (last,)
        found: list[Value] = []
        for output in block.outputs:
            try:
                found.append(inner.names.find(output, frozenset()))
            except LeftOutError as error:
                self._problems.add(f"{error.reason}; a block has all its outputs", error.code, error.place, inner.trail)
                found.append(None)
            except BadItemError as error:
                self._problems.add(error.message, error.code, error.place, inner.trail)
                found.append(None)
        return tuple(found)

    def _block(self, item: Item, env: Environment) -> Block:
        name = self._evaluate(item.target, env)
        place = item.places.value("use")
        if not isinstance(name, str):
            raise BadItemError(f"'use' must be the name of a block, not {value_kind(name)}", "wrong-type", place)
        block = self._blocks.get(name)
        if block is None:
            hint = did_you_mean(name, self._blocks) or f"; there are {listed(self._blocks)}"
            raise BadItemError(f"there is no block '{name[:80]}'{hint}", "unknown-block", place)
        if block.name in env.open_blocks:
            circle = " -> ".join([*env.open_blocks[env.open_blocks.index(block.name) :], block.name])
            raise BadItemError(f"the block '{block.name}' uses itself ({circle})", "recursive-block", place)
        if env.depth >= MAX_BLOCK_DEPTH:
            raise BadItemError(f"blocks are nested deeper than {MAX_BLOCK_DEPTH} levels", "too-deep", place)
        self._check_inputs(item, block)
        return block

    def _check_inputs(self, item: Item, block: Block) -> None:
        wanted, written = max(len(block.inputs), 1), 1 + len(item.others)
        if written == wanted:
            return
        if not block.inputs:
            message = f"block '{block.name}' has one input and takes no 'with'; name its inputs: inputs: [x, skip]"
        else:
            names = listed(block.inputs)
            message = f"block '{block.name}' has {wanted} inputs ({names}), the line above and those of 'with'; "
            message += "'with' names none here" if written == 1 else f"'with' names {written - 1}, not {wanted - 1}"
        place = item.places.key("with") if item.others else item.place
        raise BadItemError(message, "unknown-option" if item.others else "missing", place)

    def _given(self, item: Item, block: Block, env: Environment, arguments: Arguments) -> Given:
        """The values of the arguments."""
        self._refuse_unknown_arguments(item, block, arguments)
        given: Given = {}
        for name, argument in arguments.items():
            try:
                given[name] = self._evaluate(argument, env)
            except UnknownValueError:
                given[name] = UNKNOWN
        return given

    def _variables(self, item: Item, block: Block, value: Value, given: Given, env: Environment) -> dict[str, Any]:
        """The file's params, the block's own, and `block_in`; nothing of the caller."""
        self._emitter.step((len(block.params) + len(self.params)) // 10, item.place)
        variables = dict(self.params)
        variables |= block_names(value)
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

    def _sight(self, block: Block) -> Sight:
        """What the block's layers look at, read once."""
        if block.name not in self._sights:
            self._sights[block.name] = look(block)
        return self._sights[block.name]

    def _init(self, block: Block) -> dict[str, TensorInit]:
        """The block's own initialisers, read once."""
        assert block.init is not None
        if block.name not in self._inits:
            self._inits[block.name] = read_init(block.init, self.params, self._problems)
        return self._inits[block.name]

    def _default(self, node: Node) -> Argument:
        """A block param's default, read once."""
        argument = self._defaults.get(id(node))
        if argument is None:
            argument = self._defaults[id(node)] = Argument(node)
        self._emitter.step(argument.size, node.place)
        return argument

    def _refuse_unknown_arguments(self, item: Item, block: Block, arguments: Arguments) -> None:
        for name in arguments:
            if name not in block.params:
                hint = did_you_mean(name, block.params) or f"; it has {listed(block.params)}"
                raise BadItemError(
                    f"block '{block.name}' has no param '{name}'{hint}", "unknown-option", item.places.key(name)
                )


def block_names(value: Value) -> dict[str, Any]:
    """Channels and size of what enters a block, for its expressions."""
    return {"block_in": UNKNOWN if value is None else channels_of(value.shape), "block_in_size": value_size(value)}


def _input_names(block: Block, values: Values) -> NameTable:
    """The names in a block at its start: its inputs, which are not seen from outside but cannot be given again."""
    if not block.inputs:
        return NameTable()
    inputs = NameTable(values=dict(zip(block.inputs, values, strict=False)))
    return NameTable(parent=inputs, places=dict(block.inputs))
