"""The network's inputs: one shape, or several by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from archlab.config.syntax.expressions import UnknownValueError
from archlab.config.syntax.limits import MAX_INPUT_SIZE, MAX_MAP_SIZE
from archlab.config.syntax.naming import name_fault
from archlab.config.syntax.substitute import substitute
from archlab.config.syntax.yaml_nodes import Mapping as MappingNode
from archlab.config.syntax.yaml_nodes import Node
from archlab.config.tree.document import Params
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import BadItemError, Problems
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import listed
from archlab.layers.fields import MAX_SIZE
from archlab.layers.shape import AXIS_NAMES, Shape

MOST_INPUTS = 16
"""Inputs of a network."""
ONLY = "input"
"""What the only input is called."""


class NamedInput(NamedTuple):
    """An input.

    Attributes:
        shape: without batch.
        place: of its name; None for the only input, which has none.
    """

    shape: Shape
    place: Place | None = None


Inputs = dict[str, NamedInput]
GivenInput = Shape | Mapping[str, Shape]
"""A shape from outside: of the first input, or of some by name."""


def read_inputs(node: Node | None, params: Params, problems: Problems, given: GivenInput | None) -> Inputs | None:
    """The inputs of a config.

    Args:
        node: as written.
        params: for expressions in it.
        problems: the collector.
        given: shapes that go before those.

    Returns:
        By name, in order; None with a problem where they are wrong, or where there are none.
    """
    if isinstance(node, MappingNode):
        if given is not None and not isinstance(given, Mapping):
            given = dict.fromkeys([*node.entries][:1], given)
        return _several(node, params, problems, given or {})
    if isinstance(given, Mapping):
        if set(given) != {ONLY}:
            message = f"the network has one input, so that '{next(iter(given), '')}' names none"
            problems.add(f"{message}; give its sizes alone", Code.BAD_INPUT, None)
            return None
        given = given[ONLY]
    if given is None and node is not None:
        given = _read(node, params, problems)
    return None if given is None else {ONLY: NamedInput(given)}


def _several(node: MappingNode, params: Params, problems: Problems, given: Mapping[str, Shape]) -> Inputs | None:
    count = len(problems.found)
    if not 1 <= len(node.entries) <= MOST_INPUTS:
        message = f"'input' names {len(node.entries)} inputs; a network has 1 to {MOST_INPUTS}"
        problems.add(message, Code.BAD_INPUT, node.place)
        return None
    for name in given:
        if name not in node.entries:
            hint = did_you_mean(name, node.entries) or f"; there are {listed(node.entries)}"
            problems.add(f"the network has no input '{name}'{hint}", Code.BAD_INPUT, None)
    found: Inputs = {}
    for name, value in node.entries.items():
        fault = name_fault(name)
        if fault is not None:
            problems.add(f"the name '{name}' {fault}", Code.BAD_NAME, node.keys[name])
        shape = given[name] if name in given else _read(value, params, problems)
        if shape is not None:
            found[name] = NamedInput(shape, node.keys[name])
    return found if len(problems.found) == count and len(found) == len(node.entries) else None


def _read(node: Node, params: Params, problems: Problems) -> Shape | None:
    try:
        value = substitute(node, params)
    except BadItemError as error:
        problems.add_error(error)
        return None
    except UnknownValueError:
        return None
    fault = input_fault(value)
    if fault is not None:
        problems.add(fault, Code.BAD_INPUT, node.place)
        return None
    return tuple(value)


def input_fault(value: Any) -> str | None:
    """Why a value cannot be an input shape, or None if it can."""
    example = (
        "write [channels, height, width], for example [3, 224, 224]; "
        "or [features], [channels, length], [channels, depth, height, width]"
    )
    if not isinstance(value, tuple | list) or not all(type(size) is int for size in value):
        return f"'input' must be a list of whole numbers; {example}"
    if not 1 <= len(value) <= 1 + max(AXIS_NAMES):
        meant = f"; without the batch {list(value[1:])}" if len(value) == 2 + max(AXIS_NAMES) else ""
        return f"'input' has {len(value)} numbers{meant}; {example}"
    if any(size < 1 for size in value):
        return "the sizes of 'input' must be at least 1"
    if value[0] > MAX_SIZE:
        return f"'input' has too many channels; at most {MAX_SIZE:,} are allowed"
    most = MAX_MAP_SIZE if len(value) == 2 else MAX_INPUT_SIZE  # of one axis: seconds of sound
    if any(size > most for size in value[1:]):
        return f"'input' is too large; at most {most:,} positions along an axis are allowed"
    return None
