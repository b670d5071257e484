"""From a `Document` to nodes: the walk over the items that substitutes, validates and computes shapes.

Each item is taken in turn: put the params in, validate one item with its Pydantic model, compute its
shape, go on. `residual`, `branches`, `use` and `repeat` disappear here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from archlab.config.expand.budget import OverBudgetError
from archlab.config.expand.environment import Environment, Spot, value_size
from archlab.config.expand.inputs import NamedInput
from archlab.config.expand.layer import expand_layer
from archlab.config.expand.names import WHEN_FALSE, LeftOutError, NameTable, Value, Values
from archlab.config.expand.paths import PathScope
from archlab.config.expand.residual import expand_residual
from archlab.config.expand.share import Mark, again, expand_share
from archlab.config.expand.use import block_names, expand_use, output_labels
from archlab.config.expand.walk import Walk
from archlab.config.syntax.expressions import UnknownValueError
from archlab.config.syntax.limits import MAX_BLOCK_DEPTH
from archlab.config.tree.argument import Argument
from archlab.config.tree.items import (
    BranchesItem,
    BrokenItem,
    Item,
    LayerItem,
    Layers,
    ResidualItem,
    ShareItem,
    UseItem,
)
from archlab.config.tree.overrides import is_removal
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError, ConfigError, TooManyProblemsError
from archlab.graph import Node
from archlab.layers.base import Layer
from archlab.layers.input import Input

FAILED_ITEM_STEPS = 10
"""Work of an item that fails, hints and all, in the budget's steps."""


class Elaborator(Walk):
    """Expands one document with given params."""

    _paths: list[str]

    def run(self, inputs: Mapping[str, NamedInput]) -> tuple[Value, NameTable]:
        """Expand the layers.

        Args:
            inputs: by name, the first of which the first line reads.

        Returns:
            The last value and the names at the top level. `finished` has the nodes.

        Raises:
            ConfigError: where a path is too long.
            OverBudgetError: where a bound is met.
        """
        assert self.document.layers is not None
        env = self._begin(inputs)
        try:
            value = self.layers(self.document.layers, self.nodes[0], env)
        except (OverBudgetError, TooManyProblemsError):
            if self.visits is not None:  # who shows numbers has them of the layers in front of the bound
                with suppress(ConfigError):
                    self._end(env)
            raise
        self._end(env)
        return value, env.names

    def run_part(
        self, inputs: Mapping[str, NamedInput], part: Layers, entering: Layer | None
    ) -> tuple[Value, NameTable]:
        """Expand some of the items alone, which name none of the others.

        Args:
            inputs: of the network, by name.
            part: the items.
            entering: stands for the items in front of them, and reads the first input; None where there are none.

        Returns:
            The last value and the names.

        Raises:
            ConfigError: where a path is too long.
            OverBudgetError: where a bound is met.
        """
        env = self._begin(inputs)
        value: Value = self.nodes[0]
        if entering is not None:
            first = self.nodes[0]
            value = self.emitter.append(entering, (first,), entering.out_shape((first.shape,)), None, env)
            env.scope.add(entering.alias, value.index, written=False)
        value = self.layers(part, value, env)
        self._end(env)
        return value, env.names

    def _begin(self, inputs: Mapping[str, NamedInput]) -> Environment:
        """The inputs as nodes, and what the top level sees."""
        scope = PathScope()
        outside = Environment({}, NameTable(), scope)
        values: dict[str, Value] = {
            name: self.emitter.append(Input(), (), one.shape, one.place, outside) for name, one in inputs.items()
        }
        value: Value = self.nodes[0]
        self.file = replace(self.file, params={**self.file.params, "input_size": value_size(value)})
        # no item can be called `input`: PyTorch's generated code has taken the word
        names = NameTable(parent=NameTable(values={**values, "input": value}))
        for name, one in inputs.items():
            if one.place is not None:
                names.places[name] = one.place
                scope.add(name, len(scope.children), written=True)
        return Environment({**self.file.params, **block_names(value)}, names, scope, file=self.file)

    def _end(self, env: Environment) -> None:
        self._paths = ["input"] * len(self.nodes)
        try:
            env.scope.assign(self._paths, self.nodes)
        finally:
            if self.visits is not None:
                self.visits.nodes = self.finished()

    def finished(self) -> list[Node]:
        """The nodes with their paths."""
        paths = self._paths
        return [
            draft.node(path, None if draft.shares is None else paths[draft.shares])
            for draft, path in zip(self.nodes, paths, strict=True)
        ]

    def layers(self, layers: Layers, value: Value, env: Environment) -> Value:
        """Expand a list of items; one mistake gives one problem, and later references to a broken item pass."""
        for item in layers.items:
            value = self._item(item, value, env)
        return value

    def _item(self, item: Item | BrokenItem, value: Value, env: Environment) -> Value:
        self.budget.spend(1, item.place)
        try:
            if isinstance(item, BrokenItem):
                raise item.error
            return self._visit(item, value, env)
        except BadItemError as error:
            self.problems.add_error(error, env.trail)
            error.with_traceback(None)  # a broken item keeps its error, which would keep this walk with all its layers
            self.budget.spend(FAILED_ITEM_STEPS, item.place)
        except UnknownValueError:
            pass
        if item.name is not None:
            env.names.values.setdefault(item.name, None)
        return None

    def _visit(self, item: Item, above: Value, env: Environment) -> Value:
        """What the line below reads: what the item gives, or the line above where the item is not there."""
        entering, inside = self._entering(item, above, env)
        if inside is None:
            if item.name is not None:
                env.names.skipped[item.name] = _why_left_out(item)
            return above
        values = (*entering, *[value for other in item.others for value in self.find(other, env)])
        start = len(self.nodes)
        read, mark = values, Mark(item, env.scope, start) if self.document.shares else None
        if item.repeat is None:
            spot = Spot(env.scope, item.name or "", item.name is not None)
            values = self._once(item, values, inside, spot, 0, 1)
        else:
            values = self._repeated(item, item.repeat, values, inside)
        if self.visits is not None:
            given = values[0] if values else None
            self.visits.add(item, start, len(self.nodes), None if given is None else given.index)
        if item.name is not None:
            env.names.define(item.name, values[0], item.places.value("name"))
            if mark is not None:
                env.names.made[item.name] = mark.made(len(self.nodes), read, values)
        return values[0]

    def _entering(self, item: Item, above: Value, env: Environment) -> tuple[Values, Environment | None]:
        """What enters an item as its first input (or as all of them, where that are repetitions), and its environment.

        There is no environment where its condition says that the item is not there.

        Raises:
            BadItemError: if `from` names nothing that is there.
        """
        missing: LeftOutError | None = None
        values: Values = (above,)
        try:
            if item.source is not None:
                values = self.find(item.source, env)
        except LeftOutError as error:  # no harm where this item is left out with it
            if item.when is None:
                raise
            missing, values = error, (None,)
        inside = env if item.is_plain else env.at(values[0] if values else None)
        try:
            if not self.condition(item.when, inside):
                return values, None
        except UnknownValueError:  # it looks at what enters
            if missing is None:
                raise
        if missing is not None:
            raise missing
        if not values:
            message = f"'{item.source.text if item.source else ''}' names no repetitions here, so that nothing enters"
            raise BadItemError(message, Code.UNKNOWN_NAME, item.places.value("from"))
        return values, inside

    def _repeated(self, item: Item, repeat: Argument, values: Values, env: Environment) -> Values:
        """One repetition behind the other: what comes out of one enters the next, other inputs stay."""
        count = self.count(repeat, env)
        if item.name is not None:
            env.names.repeated.add(item.name)
        made = values
        scope = env.scope.scope(item.name, written=True) if item.name is not None else env.scope
        inside, first = env, None
        is_shared = item.shares is not None and self.condition(item.shares, env, "share")
        for index in range(count):
            self.budget.spend(1 + len(values) // 10, item.place)
            inside = env if item.is_plain else env.at(values[0], index)
            spot = Spot(scope, str(index) if item.name is not None else "", item.name is not None)
            mark = Mark(item, scope, len(self.nodes)) if self.document.shares else None
            if first is None:
                made = self._once(item, values, inside, spot, index, count)
            else:
                made = again(self, item, first, values, inside, spot)
            record = None if mark is None else mark.made(len(self.nodes), values, made)
            made = (*made, *values[len(made) :])
            values = made[: len(values)]
            if item.name is not None:
                env.names.values[f"{item.name}.{index}"] = made[0]
                if record is not None:
                    env.names.made[f"{item.name}.{index}"] = record
            if is_shared and first is None:
                first = record
        if item.name is not None and isinstance(item, UseItem):
            labels = output_labels(self, item, inside if count else env.at(values[0], 0))
            env.names.values |= {f"{item.name}.{label}": value for label, value in zip(labels, made, strict=False)}
        return made

    def _once(self, item: Item, values: Values, env: Environment, spot: Spot, index: int, count: int) -> Values:
        """One repetition of so many."""
        if isinstance(item, LayerItem):
            return (expand_layer(self, item, item.arguments_of(index, count), values, env, spot),)
        if isinstance(item, UseItem):
            return expand_use(self, item, item.arguments_of(index, count), values, env, spot)
        if isinstance(item, ShareItem):
            return expand_share(self, item, values, env, spot)
        if len(values) > 1:
            message = f"a combinator has one input, and 'from' names {len(values)}; all repetitions belong to joins"
            raise BadItemError(message, Code.WRONG_VALUE, item.places.value("from"))
        if env.depth >= MAX_BLOCK_DEPTH:
            raise BadItemError(f"nested deeper than {MAX_BLOCK_DEPTH} levels", Code.TOO_DEEP, item.place)
        if isinstance(item, ResidualItem):
            return (expand_residual(self, item, values[0], env, spot),)
        assert isinstance(item, BranchesItem)
        # With what splits channels, which makes a layer's class: where a network has branches.
        from archlab.config.expand.branches import expand_branches

        return (expand_branches(self, item, values[0], env, spot),)


def _why_left_out(item: Item) -> str:
    """For messages: its own condition, or an extending config."""
    if item.when is not None and is_removal(item.when.node):
        place = item.when.place
        return f"since line {place.line + 1} of {place.source.name} removes it"
    return WHEN_FALSE
