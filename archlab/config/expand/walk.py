"""What the walk over the tree carries from item to item: one object that each kind of item is expanded with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from archlab.config.expand.budget import Budget
from archlab.config.expand.copies import Copies
from archlab.config.expand.draft import Draft
from archlab.config.expand.emitter import Emitter
from archlab.config.expand.environment import Environment, Spot
from archlab.config.expand.file import File
from archlab.config.expand.init import TensorInit
from archlab.config.expand.lowering import Lowering
from archlab.config.expand.made import Made
from archlab.config.expand.names import Value, Values
from archlab.config.expand.prune import Use
from archlab.config.expand.visits import Visits
from archlab.config.syntax.yaml_nodes import Scalar, value_kind
from archlab.config.tree.argument import Argument
from archlab.config.tree.document import Block, Document
from archlab.config.tree.items import Item, Layers, is_wildcard
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError, Problems
from archlab.layers.base import Layer


class Walk(ABC):
    """One expansion of a document.

    Attributes:
        document: the tree.
        file: the document with values for its params; `input_size` is known once the walk begins.
        problems: the collector.
        budget: what may still be done.
        lowering: makes layers.
        emitter: makes nodes of them.
        copies: what uses of blocks have given.
        block_inits: what the blocks' own `init` says, by the block and the config that it sees.
        uses: of blocks with several outputs, so far.
        endless: blocks of which a problem says that they use themselves without end.
        visits: of items, where they are wanted.
    """

    def __init__(self, document: Document, params: Mapping[str, Any], problems: Problems, budget: Budget) -> None:
        self.document = document
        self.file = File(document.blocks, params, document.names)
        self.problems = problems
        self.budget = budget
        self.lowering = Lowering(problems)
        self.emitter = Emitter(problems, budget)
        self.copies = Copies(self.emitter)
        self.block_inits: dict[tuple[Block, File], dict[str, TensorInit]] = {}
        self.uses: list[Use] = []
        self.endless: set[str] = set()
        self.visits: Visits | None = None

    @abstractmethod
    def layers(self, layers: Layers, value: Value, env: Environment) -> Value:
        """Expand a list of items one behind the other.

        Args:
            layers: the list.
            value: what the first reads.
            env: where the list stands.

        Returns:
            What the last gives.
        """

    @property
    def nodes(self) -> list[Draft]:
        """The nodes so far."""
        return self.emitter.nodes

    def evaluate(self, argument: Argument, env: Environment) -> Any:
        """The value of an argument.

        Raises:
            BadItemError: if an expression in it cannot be evaluated.
            UnknownValueError: if it names what an earlier problem left unknown.
        """
        if not argument.dynamic:
            return argument.constant
        self.budget.spend(argument.cost, argument.place)
        return argument.value(env.variables)

    def condition(self, when: Argument | None, env: Environment, key: str = "when") -> bool:
        """Whether what has this `when` is there.

        Args:
            when: the condition; there it is where there is none.
            env: what is visible there.
            key: what it is called, if not `when`.

        Raises:
            BadItemError: if it is neither true nor false.
            UnknownValueError: if an earlier problem leaves it unknown.
        """
        if when is None:
            return True
        value: Any = self.evaluate(when, env)
        if not isinstance(value, bool):
            message = f"'{key}' must be true or false, not {value_kind(value)}"
            raise BadItemError(message, Code.WRONG_VALUE, when.place)
        return value

    def count(self, repeat: Argument, env: Environment) -> int:
        """How many times.

        Raises:
            BadItemError: if it is no such number.
            UnknownValueError: if an earlier problem leaves it unknown.
        """
        count = self.evaluate(repeat, env)
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            message = f"'repeat' must be a whole number of at least 0, not {value_kind(count)}"
            raise BadItemError(message, Code.WRONG_VALUE, repeat.place)
        return count

    def find(self, reference: Scalar, env: Environment) -> Values:
        """What a reference names: one value, or those of all repetitions.

        Raises:
            BadItemError: if there is no such name yet.
            UnknownValueError: if an earlier problem leaves it unknown how many repetitions there are.
        """
        if not is_wildcard(reference):
            return (env.names.find(reference, env.file.names),)
        found = env.names.find_all(reference, env.file.names)
        self.budget.spend(len(found), reference.place)
        return found

    def add(self, layer: Layer, inputs: tuple[Draft, ...], item: Item, env: Environment) -> Value:
        """A layer that an item makes of itself, under its short name; None with a problem where it does not fit."""
        node = self.emitter.emit(layer, inputs, item.places, env)
        if node is not None:
            env.scope.add(layer.alias, node.index, written=False)
        return node

    def export(
        self,
        item: Item,
        env: Environment,
        names: Mapping[str, Value],
        spot: Spot,
        made: Mapping[str, Made] | None = None,
    ) -> None:
        """Make the names inside a named item visible after it, with the item's path in front."""
        if item.name is not None:
            self.budget.spend(len(names) + sum(map(len, names)) // 100, item.place)
            env.names.export(spot.label if item.repeat is None else f"{item.name}.{spot.label}", names, made)
