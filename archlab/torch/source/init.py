"""The initial weights as the method `_init_weights`: what a config's `init` says, and what starts at zero."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

from archlab.config.initializers.base import Initializer
from archlab.graph import Graph, Node
from archlab.torch.source.layers import REQUIRED
from archlab.torch.source.outside import class_text
from archlab.torch.source.text import INDENT, Atom, Bracket, call, layout, literal, string_literal

MODULE = "module"

DERIVED: dict[str, tuple[str, ...]] = {
    "LayerNorm": ("torchvision.models.convnext.LayerNorm2d",),
    "Conv1d": (
        "archlab.torch.modules.ChannelConv",
        "archlab.torch.modules.SpectralNormConv1d",
        "archlab.torch.modules.WeightNormConv1d",
    ),
    "Conv2d": (
        "archlab.torch.modules.ScaledStdConv2d",
        "archlab.torch.modules.SpectralNormConv2d",
        "archlab.torch.modules.StdConv2d",
        "archlab.torch.modules.WeightNormConv2d",
    ),
    "Conv3d": ("archlab.torch.modules.SpectralNormConv3d", "archlab.torch.modules.WeightNormConv3d"),
}
"""A layer's class to those of other layers which derive from it, so that `isinstance` does not tell them apart."""


def init_statements(graph: Graph, indent: str) -> list[str]:
    """The loop over the modules; empty if the layers there are keep PyTorch's own initialisation."""
    inner = indent + INDENT
    branches = _zero_branches(graph, inner) + _layer_branches(graph, inner)
    asks_names = bool(branches)
    for layer_type, initializers in graph.init.items():
        lines = _assignments(initializers, _owned_tensors(graph, layer_type), inner + INDENT)
        if lines:
            branches.append([f"{inner}if {_class_condition(graph, layer_type)}:", *lines])
    if not branches:
        return []
    loop = f"name, {MODULE} in self.named_modules()" if asks_names else f"{MODULE} in self.modules()"
    first, *others = branches
    for branch in others:
        first += [branch[0].replace("if ", "elif ", 1), *branch[1:]]
    return [f"{indent}for {loop}:", *first]


def _zero_branches(graph: Graph, indent: str) -> list[list[str]]:
    """What comes first, since `init` leaves these modules alone; empty if there are none."""
    paths = [node.module for node in _owners(graph) if node.zero_init]
    if not paths:
        return []
    condition = _name_condition(graph, paths, indent)
    loop = f"{indent}{INDENT}for parameter in {MODULE}.parameters():"
    return [[*condition, loop, f"{indent}{2 * INDENT}nn.init.zeros_(parameter)"]]


def _layer_branches(graph: Graph, indent: str) -> list[list[str]]:
    """The modules with an `init` of their own, those together that are set alike."""
    groups: dict[str, list[Node]] = {}
    for node in _owners(graph):
        usual = {t: i for t, i in graph.init.get(node.layer.type, {}).items() if i is not None}
        if node.init is not None and not node.zero_init and graph.initializers(node) != usual:
            groups.setdefault(repr(graph.initializers(node)), []).append(node)
    branches: list[list[str]] = []
    for nodes in groups.values():
        owned = [_tensor_names(graph, node) for node in nodes]
        lines = _assignments(graph.initializers(nodes[0]), owned, indent + INDENT)
        condition = _name_condition(graph, [node.module for node in nodes], indent)
        branches.append([*condition, *(lines or [f"{indent}{INDENT}pass"])])
    return branches


def _name_condition(graph: Graph, paths: list[str], indent: str) -> list[str]:
    """The question for these submodules: by their label, where no other has it, else by their paths."""
    ending = f".{paths[0].rpartition('.')[2]}"
    every = {path for node in _owners(graph) for path in accumulate(node.module.split("."), "{}.{}".format)}
    if {path for path in every if path.endswith(ending)} == set(paths):
        return [f"{indent}if name.endswith({string_literal(ending)}):"]
    if len(paths) == 1:
        return [f"{indent}if name == {string_literal(paths[0])}:"]
    items = tuple([("", Atom(string_literal(path))) for path in paths])
    return layout(Bracket("{", items, "}"), "if name in ", ":", indent)


def _owners(graph: Graph) -> list[Node]:
    """The layers whose submodules are made for them."""
    repeats = graph.repeats()
    return [node for node in graph.layers if node.index not in repeats]


def _class_condition(graph: Graph, layer_type: str) -> str:
    """The question for the modules of one layer type."""
    classes = {node.layer.type: node.layer.torch_class for node in graph.layers}
    name = class_text(classes[layer_type])
    if not set(DERIVED.get(classes[layer_type], ())).isdisjoint(classes.values()):
        return f"type({MODULE}) is {name}"
    return f"isinstance({MODULE}, {name})"


def _owned_tensors(graph: Graph, layer_type: str) -> list[set[str]]:
    """For each layer of a type: the names of its tensors."""
    return [_tensor_names(graph, node) for node in graph.layers if node.layer.type == layer_type]


def _tensor_names(graph: Graph, node: Node) -> set[str]:
    return {tensor.name for tensor in node.layer.tensors(graph.input_shapes(node))}


def _assignments(initializers: Mapping[str, Initializer | None], owned: list[set[str]], indent: str) -> list[str]:
    """The calls for a module's tensors."""
    lines: list[str] = []
    for tensor, initializer in initializers.items():
        if initializer is not None:
            lines += _assignment(tensor, initializer, owned, indent)
    return lines


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
