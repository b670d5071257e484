"""`init` of a config as the method `_init_weights`."""

from __future__ import annotations

from archlab.config.init import Initializer
from archlab.graph import Graph
from archlab.torch.source.layers import REQUIRED
from archlab.torch.source.text import INDENT, Atom, call, layout, literal

MODULE = "module"


def init_statements(graph: Graph, indent: str) -> list[str]:
    """The loop over the modules; empty if the config says nothing about the layers there are."""
    branches: list[str] = []
    for layer_type, initializers in graph.init.items():
        owned = _owned_tensors(graph, layer_type)
        lines: list[str] = []
        for tensor, initializer in initializers.items():
            lines += _assignment(tensor, initializer, owned, indent + 2 * INDENT)
        if lines:
            torch_class = next(n.layer.torch_class for n in graph.layers if n.layer.type == layer_type)
            word = "elif" if branches else "if"
            branches += [f"{indent}{INDENT}{word} isinstance({MODULE}, nn.{torch_class}):", *lines]
    return [f"{indent}for {MODULE} in self.modules():", *branches] if branches else []


def _owned_tensors(graph: Graph, layer_type: str) -> list[set[str]]:
    """For each layer of a type: the names of its tensors."""
    return [
        {tensor.name for tensor in node.layer.tensors(graph.input_shapes(node))}
        for node in graph.layers
        if node.layer.type == layer_type
    ]


def _assignment(tensor: str, initializer: Initializer, owned: list[set[str]], indent: str) -> list[str]:
    """The call for one tensor, with a question first where some of the layers do not have it."""
    if not any(tensor in names for names in owned):
        return []
    lines: list[str] = []
    if not all(tensor in names for names in owned):
        lines.append(f"{indent}if {MODULE}.{tensor} is not None:")
        indent += INDENT
    fields = type(initializer).model_fields
    required = [Atom(f"{MODULE}.{tensor}")]
    named: dict[str, Atom] = {}
    for name, value in initializer.options().items():
        default = REQUIRED if fields[name].is_required() else fields[name].default
        if default is REQUIRED:
            required.append(Atom(literal(value)))
        elif literal(value) != literal(default):
            named[name] = Atom(literal(value))
    return lines + layout(call(f"nn.init.{initializer.type}_", tuple(required), named), "", "", indent)
