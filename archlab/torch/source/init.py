"""The initial weights as the method `_init_weights`: what a config's `init` says, and what starts at zero."""

from __future__ import annotations

from itertools import accumulate

from archlab.config.init import Initializer
from archlab.graph import Graph
from archlab.torch.source.layers import REQUIRED
from archlab.torch.source.outside import class_text
from archlab.torch.source.text import INDENT, Atom, Bracket, call, layout, literal, string_literal

MODULE = "module"

DERIVED = {"LayerNorm": "torchvision.models.convnext.LayerNorm2d"}
"""A layer's class to that of another layer which derives from it, so that `isinstance` does not tell them apart."""


def init_statements(graph: Graph, indent: str) -> list[str]:
    """The loop over the modules; empty if the layers there are keep PyTorch's own initialisation."""
    inner = indent + INDENT
    zeros = _zero_branch(graph, inner)
    branches = list(zeros)
    for layer_type, initializers in graph.init.items():
        owned = _owned_tensors(graph, layer_type)
        lines: list[str] = []
        for tensor, initializer in initializers.items():
            lines += _assignment(tensor, initializer, owned, inner + INDENT)
        if lines:
            word = "elif" if branches else "if"
            branches += [f"{inner}{word} {_class_condition(graph, layer_type)}:", *lines]
    if not branches:
        return []
    loop = f"name, {MODULE} in self.named_modules()" if zeros else f"{MODULE} in self.modules()"
    return [f"{indent}for {loop}:", *branches]


def _zero_branch(graph: Graph, indent: str) -> list[str]:
    """What comes first, since `init` leaves these modules alone; empty if there are none."""
    paths = [node.path for node in graph.layers if node.zero_init]
    if not paths:
        return []
    return [
        *_name_condition(graph, paths, indent),
        f"{indent}{INDENT}for parameter in {MODULE}.parameters():",
        f"{indent}{2 * INDENT}nn.init.zeros_(parameter)",
    ]


def _name_condition(graph: Graph, paths: list[str], indent: str) -> list[str]:
    """The question for these submodules: by their label, where no other has it, else by their paths."""
    ending = f".{paths[0].rpartition('.')[2]}"
    every = {path for node in graph.layers for path in accumulate(node.path.split("."), "{}.{}".format)}
    if {path for path in every if path.endswith(ending)} == set(paths):
        return [f"{indent}if name.endswith({string_literal(ending)}):"]
    items = tuple([("", Atom(string_literal(path))) for path in paths])
    return layout(Bracket("{", items, "}"), "if name in ", ":", indent)


def _class_condition(graph: Graph, layer_type: str) -> str:
    """The question for the modules of one layer type."""
    classes = {node.layer.type: node.layer.torch_class for node in graph.layers}
    name = class_text(classes[layer_type])
    if DERIVED.get(classes[layer_type]) in classes.values():
        return f"type({MODULE}) is {name}"
    return f"isinstance({MODULE}, {name})"


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
