"""Layers, units and positions that a caller names."""

from __future__ import annotations

from archlab.analysis.result import Analysis
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.spelling import argument, spelling
from archlab.diagnostics.suggest import did_you_mean
from archlab.graph import Graph, Node
from archlab.layers.shape import UNIT_NAMES, is_map, shape_text


def require_positions(graph: Graph, kind: str) -> None:
    """Refuse a network whose input is no map.

    Args:
        graph: the network.
        kind: of the field that nothing has: receptive, projective.

    Raises:
        ConfigError: if its input is flat.
    """
    if not is_map(graph.input_shape):
        raise single_problem(
            f"{graph.name}: the input {shape_text(graph.input_shape)} has no positions, so that nothing has a "
            f"{kind} field",
            Code.WRONG_VALUE,
        )


def chosen_layer(analysis: Analysis, path: str | None) -> Node:
    """A layer by its path; by default the one whose field the total gives.

    Raises:
        ConfigError: if there is none.
    """
    nodes = analysis.graph.nodes
    if path is None:
        return nodes[analysis.total.receptive_field_index or analysis.graph.outputs[0][1] or 1]
    found = next((node for node in nodes[1:] if node.path == path), None)
    if found is None:
        hint = did_you_mean(path, [node.path for node in nodes[1:]]) or f"; see {spelling().layers}"
        raise single_problem(f"{analysis.graph.name} has no layer '{path}'{hint}", Code.UNKNOWN_LAYER)
    return found


def checked_place(name: str, place: tuple[int, ...], size: tuple[int, ...], whose: str, unit: str) -> tuple[int, ...]:
    """A place that is there.

    Args:
        name: of the argument that says it.
        place: from 0 on, along each axis.
        size: of the map.
        whose: the map, in words.
        unit: what is at a place: a unit, a position.

    Raises:
        ConfigError: if it has another number of axes, or lies outside of the map.
    """
    words = UNIT_NAMES.get(len(size), ("features",) * len(size))
    written = argument(name, ",".join(map(str, place)))
    if len(place) != len(size):
        has = "one axis" if len(size) == 1 else f"{len(size)} axes"
        form = ",".join([word.removesuffix("s").upper() for word in words])
        raise single_problem(f"{written}: {whose} has {has}; write {form}", Code.WRONG_VALUE)
    if any(not 0 <= at < units for at, units in zip(place, size, strict=True)):
        has = " and ".join([f"{units} {word}" for units, word in zip(size, words, strict=True)])
        last = ",".join([str(units - 1) for units in size])
        raise single_problem(f"{written}: {whose} has {has}, so that the last {unit} is {last}", Code.WRONG_VALUE)
    return place
