"""Maps that cannot be joined because a stride has rounded: which layer it was, and input sizes that work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import gcd
from typing import NamedTuple

from archlab.config.expand.draft import Draft
from archlab.diagnostics.problem import Problem, Problems
from archlab.layers.geometry import Window
from archlab.layers.shape import UNIT_NAMES, Shape, is_map, shape_text

MOST_NOTES = 3
FARTHEST = 64
"""How many positions from the input's size is looked for one that works."""
MOST_NODES = 12_000
"""Layers that may be made on the search."""
Try = Callable[[Shape], tuple[Problems, int]]
"""Expands the network for another input: its problems, and the work of it, in layers."""


class Unequal(NamedTuple):
    """A join whose inputs are maps of unequal sizes.

    Attributes:
        number: of its problem among those found.
        inputs: what it reads.
    """

    number: int
    inputs: tuple[Draft, ...]

    @property
    def axes(self) -> tuple[bool, ...]:
        """Along which axes they differ."""
        return tuple([len(set(sizes)) > 1 for sizes in zip(*[node.shape[1:] for node in self.inputs], strict=True)])


def explain_unequal(problems: Problems, unequal: Unequal, nodes: list[Draft], attempt: Try) -> None:
    """Add to a join's problem what rounded, which inputs work, and how to resize one map to the other.

    Args:
        problems: the collector, whose problem is replaced.
        unequal: the join.
        nodes: of the network so far, its input first.
        attempt: expands the network for another input.
    """
    notes = list(_rounded(unequal, nodes))
    if not notes:
        return
    problem = problems.found[unequal.number]
    shape = nodes[0].shape
    has_axes = len(shape) - 1 == len(unequal.axes)  # else the maps come from other inputs
    found = _sizes_that_work(problem, problems, unequal, shape, attempt) if has_axes else []
    size = list(unequal.inputs[1].shape[1:])
    hints = [*found, f"or resize one to the other: {{type: interpolate, size: {size}}} (in a block: $block_in_size)"]
    message = "; ".join([problem.message, *(hints if found else [hints[-1].removeprefix("or ")])])
    trail = (*notes[:MOST_NOTES], *problem.trail)
    problems.found[unequal.number] = problem._replace(message=message, trail=trail)


def _rounded(unequal: Unequal, nodes: list[Draft]) -> Iterator[str]:
    """A note for each strided layer, on the way to one input alone, that does not divide its map."""
    ways = [_way(node, nodes) for node in unequal.inputs]
    shared = set.intersection(*[set(way) for way in ways])
    for index in sorted(set().union(*ways) - shared):
        node = nodes[index]
        before = nodes[node.inputs[0]].shape
        if not (is_map(before) and is_map(node.shape)) or len(before) - 1 != len(unequal.axes):
            continue
        reads = node.layer.reads((before,) * len(node.inputs), node.shape)[0] if len(node.inputs) == 1 else ()
        for axis, read in enumerate(reads):
            size, left = before[axis + 1], node.shape[axis + 1]
            if unequal.axes[axis] and isinstance(read, Window) and read.stride > 1 and size % read.stride:
                line = "" if node.place is None else f" at line {node.place.line + 1}"
                lost = size - 1 - ((left - 1) * read.stride - read.padding + (read.kernel - 1) * read.dilation)
                units = UNIT_NAMES[len(reads)][axis]
                says = f"drops {lost} of {size} {units}" if lost > 0 else f"makes {left} of {size} {units}"
                yield f"{node.layer.type}{line} {says} (stride {read.stride})"
                break


def _way(node: Draft, nodes: list[Draft]) -> list[int]:
    """Back to the input, over first inputs."""
    way: list[int] = []
    while node.inputs:
        way.append(node.index)
        node = nodes[node.inputs[0]]
    return way


def _sizes_that_work(problem: Problem, problems: Problems, unequal: Unequal, shape: Shape, attempt: Try) -> list[str]:
    """The nearest inputs on both sides for which the join and all else is right, as a hint; empty if there is none."""
    known = {(other.code, other.place) for other in problems.found} - {(problem.code, problem.place)}
    room = MOST_NODES

    def works(wanted: Shape) -> bool:
        nonlocal room
        made, count = attempt(wanted)
        room -= count
        return all((other.code, other.place) in known for other in made.found)

    def moved(by: int) -> Shape:
        return tuple([size + by * off for size, off in zip(shape, (False, *unequal.axes), strict=True)])

    nearest: dict[int, int] = {}
    for distance in range(1, FARTHEST + 1):
        for by in (-distance, distance):
            if by // distance not in nearest and room > 0 and min(moved(by)) >= 1 and works(moved(by)):
                nearest[by // distance] = by
    found = [nearest[direction] for direction in sorted(nearest)]
    if not found:
        return []
    words = " and ".join([shape_text(moved(by)) for by in found])
    if len(found) == 1:
        return [f"an input of {words} works"]
    low, high = found
    common = gcd(*[size for by in found for size, off in zip(moved(by)[1:], unequal.axes, strict=True) if off])
    beyond = [*range(low - common, low), *range(high + 1, high + common + 1)] if common == high - low else []
    # Only what holds for the next ones on both sides is called a rule.
    rule = bool(beyond) and all(
        room > 0 and min(moved(by)) >= 1 and works(moved(by)) == ((by - low) % common == 0) for by in beyond
    )
    multiples = f" (multiples of {common})" if rule else ""
    return [f"the nearest inputs that work are {words}{multiples}"]
