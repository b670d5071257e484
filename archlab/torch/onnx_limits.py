"""What has no form in ONNX: which layer it is, where it is written, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from torch import fx

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, Problem
from archlab.graph import Graph, Node
from archlab.layers.shape import map_size, shape_text
from archlab.torch.trace import PATH

_NODE = re.compile(r"Error when translating node %(\w+) ")
_TARGET = re.compile(r"target=torch\.ops\.([\w.]+)")


def refuse_unwritable(graph: Graph) -> None:
    """Refuse layers that the exporter writes and no runtime reads.

    Raises:
        ConfigError: with a problem for each of them, at its line.
    """
    problems = [_problem(node, reason) for node in graph.layers if (reason := _reason(node)) is not None]
    if problems:
        raise ConfigError(problems)


def _reason(node: Node) -> str | None:
    if getattr(node.layer, "divisor_override", None) is not None:
        return "its average pooling divides by the window, and has no divisor_override"
    stride, padding = (getattr(node.layer, name, None) for name in ("stride", "output_padding"))
    if stride is None or padding is None:
        return None
    for step, further in zip(stride, padding, strict=True):
        if further >= step:
            return f"its output_padding must be less than the stride, and is {further} with a stride of {step}"
    return None


def unwritten(
    error: Exception, graph: Graph, program: torch.export.ExportedProgram, model: fx.GraphModule
) -> ConfigError:
    """The problem of a network that the exporter could not write.

    Args:
        error: what it said.
        graph: the network.
        program: what it exported.
        model: what the program was made from; its nodes know their layers.
    """
    text = f"{error}\n{error.__cause__ or ''}"
    operator = _TARGET.search(text)
    node = _layer_at(text, graph, program, model)
    if node is None or operator is None:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return ConfigError([Problem(f"{graph.name} cannot be written as ONNX: {lines[0]}", Code.UNSUPPORTED)])
    name = operator[1].removesuffix(".default").removeprefix("aten.").removeprefix("_")
    if node.layer.type.startswith("adaptive"):
        name = node.layer.type  # one of one axis is made of that of two
    return ConfigError([_problem(node, f"it has no operator for {name}{_instead(graph, node)}")])


def _layer_at(text: str, graph: Graph, program: torch.export.ExportedProgram, model: fx.GraphModule) -> Node | None:
    """The layer of the node that the error names, or of the first with its operator."""
    name, target = _NODE.search(text), _TARGET.search(text)
    calls = [call for call in program.run_decompositions().graph.nodes if call.op == "call_function"]
    calls += [call for call in program.graph.nodes if call.op == "call_function"]
    named = [call for call in calls if name is not None and call.name == name[1]]
    alike = [call for call in calls if target is not None and str(call.target) == target[1]]
    paths = {call.name: call.meta[PATH] for call in model.graph.nodes if PATH in call.meta}
    nodes = {node.path: node for node in graph.layers}
    for call in (*named, *alike):
        for source in _sources(call):
            if paths.get(source) in nodes:
                return nodes[paths[source]]
    return None


def _sources(call: fx.Node) -> Iterable[str]:
    """Names of the nodes that a node was made from, first to last."""
    pending = list(call.meta.get("from_node", ()))
    while pending:
        source = pending.pop()
        yield source.name
        pending += source.from_node


def _instead(graph: Graph, node: Node) -> str:
    """What to write for an adaptive pooling: in general, one whose windows are all alike."""
    if not node.layer.type.startswith("adaptive"):
        return ""
    if node.layer.type == "adaptive_avg_pool3d":
        return "; choose output_size 1, or write avg_pool3d with a kernel_size"
    size = map_size(graph.input_shapes(node)[0])
    return (
        "" if size is None else f" with windows of several sizes; choose an output_size that divides {shape_text(size)}"
    )


def _problem(node: Node, reason: str) -> Problem:
    message = f"{node.path} ({node.layer.type}) cannot be written as ONNX: {reason}"
    return Problem(message, Code.UNSUPPORTED, node.place, node.trail)
