"""Layers, units and positions that a caller names."""

from __future__ import annotations

from typing import TypeVar

from archlab.analysis.result import Analysis
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.spelling import argument, spelling
from archlab.diagnostics.suggest import did_you_mean
from archlab.diagnostics.words import one_of
from archlab.graph import Node
from archlab.graph.viewpoint import input_named
from archlab.layers.shape import UNIT_NAMES, is_map, shape_text

Data = TypeVar("Data", bound=Analysis)
"""An analysis, with or without its views."""


def seen_from(analysis: Data, name: str | None, kind: str) -> Data:
    """The analysis with the fields of an input, which must have positions.

    Args:
        analysis: of the network.
        name: of the input; by default the first.
        kind: of the field that is asked for: receptive, projective.

    Raises:
        ConfigError: if there is no such input, or it is flat.
    """
    graph = analysis.graph
    start = graph.nodes[0] if name is None else input_named(graph, name)
    if is_map(start.shape):
        return analysis.seen_from(start.path)
    own = f" {start.path}" if len(graph.inputs) > 1 else ""
    hint = ""
    maps = [node.path for node in graph.inputs if is_map(node.shape)]
    if maps:
        hint = f"; write {argument('from_input', maps[0])}" + (f" (or {one_of(maps[1:])})" if maps[1:] else "")
    raise single_problem(
        f"{graph.name}: the input{own} ({shape_text(start.shape)}) has no positions, so that nothing has a "
        f"{kind} field{hint}",
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
