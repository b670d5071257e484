"""A graph to the fx graph of its forward pass: a call for each node, in order, or for each segment of nodes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from torch import fx, nn

from archlab.graph import Graph, Node
from archlab.graph.segments import Segment
from archlab.torch.checkpoint import run_module, run_segment
from archlab.torch.functions import FUNCTIONS
from archlab.torch.opaque import picked

PATH = "archlab_path"
"""Key in an fx node's `meta` that says which layer's output it is."""

Values = dict[int, fx.Node]


def trace(graph: Graph, root: nn.Module, segments: Sequence[Segment] = ()) -> fx.Graph:
    """The fx graph of a network.

    Args:
        graph: the network.
        root: its modules at their paths; what holds a segment becomes a module that runs it.
        segments: to be computed again in the backward pass.
    """
    traced = fx.Graph()
    inputs = graph.inputs
    values: Values = {node.index: traced.placeholder(node.path) for node in inputs}
    at = {segment.start: segment for segment in segments}
    index = len(inputs)
    while index < len(graph.nodes):
        if index in at:
            values |= _call_segment(traced, graph, root, at[index], values)
            index = at[index].stop
        else:
            values[index] = _call(traced, graph.nodes[index], values)
            index += 1
    traced.output(_result(graph, values))
    return traced


def _call(traced: fx.Graph, node: Node, values: Values, level: str = "") -> fx.Node:
    """One layer, its module looked for below a level of the path."""
    inputs = [values[index] for index in node.inputs]
    if node.layer.torch_class:
        call = picked(traced, node, traced.call_module(node.module.removeprefix(level), tuple(inputs)))
    else:
        call = FUNCTIONS[node.layer.type](traced, node.layer, inputs)
    call.meta[PATH] = node.path
    return call


def _call_segment(traced: fx.Graph, graph: Graph, root: nn.Module, segment: Segment, values: Values) -> Values:
    """A module of its own for the segment, and the call of it."""
    inner = fx.Graph()
    level = f"{segment.path}."
    names = ["input"] if len(segment.inputs) == 1 else [f"input{number + 1}" for number in range(len(segment.inputs))]
    inside = {index: inner.placeholder(name) for index, name in zip(segment.inputs, names, strict=True)}
    nodes = graph.nodes[segment.start : segment.stop]
    borrowed = _borrow(traced, inner, nodes, level)
    for node in nodes:
        if node.module in borrowed[1]:
            operands = (borrowed[1][node.module], *[inside[index] for index in node.inputs])
            inside[node.index] = picked(inner, node, inner.call_function(run_module, operands))
            inside[node.index].meta[PATH] = node.path
        else:
            inside[node.index] = _call(inner, node, inside, level)
    results = [inside[index] for index in segment.outputs]
    inner.output(results[0] if len(results) == 1 else tuple(results))
    parent, _, name = segment.path.rpartition(".")
    module = fx.GraphModule(_level(root, segment.path), inner, class_name="Segment")
    _level(root, parent).add_module(name, module)
    word = segment.path.replace(".", "_")
    block = traced.create_node("get_attr", segment.path, name=f"{word}_block")
    arguments = (block, *[values[index] for index in segment.inputs], *borrowed[0])
    call = traced.create_node("call_function", run_segment, arguments, name=word)
    if len(results) == 1:
        return {segment.outputs[0]: call}
    return {
        index: traced.call_function(operator.getitem, (call, number)) for number, index in enumerate(segment.outputs)
    }


def _borrow(
    traced: fx.Graph, inner: fx.Graph, nodes: Sequence[Node], level: str
) -> tuple[list[fx.Node], dict[str, fx.Node]]:
    """Modules elsewhere whose weights a segment shares: it is handed them, lest the state dict have them twice.

    Returns:
        What is handed over, and by path what the segment calls.
    """
    paths = dict.fromkeys(node.module for node in nodes if node.layer.torch_class and not node.module.startswith(level))
    given = [traced.create_node("get_attr", path, name=f"{path.replace('.', '_')}_module") for path in paths]
    return given, {path: inner.placeholder(path.replace(".", "_")) for path in paths}


def _level(root: nn.Module, path: str) -> nn.Module:
    """What is at a path; an empty module where nothing has been, since all there is shared, or functions."""
    module = root
    for name in path.split(".") if path else ():
        if not hasattr(module, name):
            module.add_module(name, nn.Module())
        module = module.get_submodule(name)
    return module


def _result(graph: Graph, values: Values) -> Any:
    if graph.output_form == "single":
        return values[graph.outputs[0][1]]
    if graph.output_form == "tuple":
        return tuple(values[index] for _, index in graph.outputs)
    return {label: values[index] for label, index in graph.outputs}
