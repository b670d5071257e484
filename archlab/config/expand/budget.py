"""How much an expansion may do and make. A config is data from a stranger, and a few words can ask for anything."""

from __future__ import annotations

from archlab.config.syntax.limits import MAX_DIFFERENT, MAX_INPUTS, MAX_NODES, MAX_OPAQUE, MAX_STEPS
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import Problem
from archlab.layers.base import Layer
from archlab.layers.shape import Shape


class OverBudgetError(Exception):
    """A bound is met, which ends the expansion.

    Attributes:
        problem: which, and where.
    """

    def __init__(self, message: str, place: Place | None) -> None:
        super().__init__(message)
        self.problem = Problem(message, Code.TOO_LARGE, place)


class Budget:
    """Spent by every item that is visited and every argument that is evaluated.

    Attributes:
        spent: steps so far.
        nodes: layers so far, the input among them.
        inputs: of all of them together.
    """

    def __init__(self) -> None:
        self.spent = 0
        self.nodes = 0
        self.inputs = 0
        self._opaque: set[str] = set()
        self._different: set[tuple[Layer, tuple[Shape, ...]]] = set()
        self._worked_out: list[tuple[Layer, tuple[Shape, ...]]] = []
        """Not yet among them."""

    def spend(self, steps: int, place: Place) -> None:
        """Count work.

        Raises:
            OverBudgetError: where it is too much.
        """
        self.spent += steps
        if self.spent > MAX_STEPS:
            raise OverBudgetError(
                f"expanding takes more than {MAX_STEPS:,} steps; are there too many repetitions?", place
            )

    def add_nodes(self, count: int, inputs: int, place: Place | None) -> None:
        """Count layers that are about to be made, and their inputs.

        Raises:
            OverBudgetError: where they are too many.
        """
        self.nodes += count
        self.inputs += inputs
        if self.nodes > MAX_NODES + 1:
            raise OverBudgetError(f"the network has more than {MAX_NODES:,} layers", place)
        if self.inputs > MAX_INPUTS:
            raise OverBudgetError(f"the layers of the network have more than {MAX_INPUTS:,} inputs together", place)

    def take_back(self, count: int, inputs: int) -> None:
        """Layers that were counted are not made after all."""
        self.nodes -= count
        self.inputs -= inputs

    def add_opaque(self, layer_type: str, place: Place) -> None:
        """Count a class of another package.

        Raises:
            OverBudgetError: where there are too many different ones.
        """
        self._opaque.add(layer_type)
        if len(self._opaque) > MAX_OPAQUE:
            raise OverBudgetError(f"the network has layers of more than {MAX_OPAQUE} other packages' classes", place)

    def add_different(self, layer: Layer, inputs: tuple[Shape, ...], place: Place | None) -> None:
        """Count a layer that is worked out for these inputs; equal ones of several items count as one.

        Raises:
            OverBudgetError: where they are too many.
        """
        self._worked_out.append((layer, inputs))
        if len(self._different) + len(self._worked_out) <= MAX_DIFFERENT:  # comparing layers takes time, which few need
            return
        self._different.update(self._worked_out)
        self._worked_out.clear()
        if len(self._different) > MAX_DIFFERENT:
            raise OverBudgetError(
                f"the network has more than {MAX_DIFFERENT:,} different layers (in type, arguments or input)", place
            )
