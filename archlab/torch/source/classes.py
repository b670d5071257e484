"""Which scopes become classes, what the classes are called, and how their submodules are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from archlab.graph import Graph
from archlab.torch.source.arguments import Parameter, Slot, make_parameters, name_parameters
from archlab.torch.source.layers import Argument, layer_arguments
from archlab.torch.source.outside import constructor, outside_names
from archlab.torch.source.text import NamePool, class_name
from archlab.torch.source.tree import Leaf, Scope, TreeReader

MAX_INLINE_DEPTH = 3
"""Levels of `nn.Sequential` inside one another before a class is made of one."""
MAX_NAMED_LAYERS = 4
"""A chain of at most this many layers is named after them, as in `ConvBnReLU`."""
SQUEEZE_EXCITATION = frozenset({"avgpool", "fc1", "activation", "fc2", "scale_activation"})
"""Labels of the modules in the scope of a `squeeze_excitation`."""


@dataclass(slots=True, eq=False)
class Construction:
    """How a submodule is made: a call with slots for its arguments, or a sequence of further submodules."""

    function: str
    slots: list[Slot] = field(default_factory=list)
    members: dict[str, Construction] = field(default_factory=dict)

    def all_slots(self) -> Iterator[Slot]:
        """Its own slots and those of its members."""
        yield from self.slots
        for member in self.members.values():
            yield from member.all_slots()


@dataclass(slots=True, eq=False)
class GeneratedClass:
    """A class of the generated source: what all scopes of one structure have in common."""

    name: str
    base: str
    instances: list[Scope]
    members: dict[str, Construction]
    """How its submodules are made, by label."""
    functions: dict[int, list[Slot]]
    """Arguments of its layers that are not modules, by node of the first instance."""
    parameters: list[Parameter]

    @property
    def scope(self) -> Scope:
        """The first instance, whose nodes stand for those of all the others."""
        return self.instances[0]

    @property
    def stored(self) -> list[Parameter]:
        """Arguments that `forward` needs."""
        used = [slot.parameter for slots in self.functions.values() for slot in slots]
        return [parameter for parameter in self.parameters if parameter in used]


class Planner:
    """Makes the classes of one graph.

    Attributes:
        classes: each after those it uses; the network itself is the last.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        tree = TreeReader(graph)
        chosen = _choose(tree)
        self._outside = outside_names(graph)
        names = _names(graph.name, chosen, tree, NamePool(self._outside))
        self._by_signature: dict[int, GeneratedClass] = {}
        for signature in sorted(chosen):
            self._by_signature[signature] = self._make(names[signature], tree.instances[signature])
        self.classes = list(self._by_signature.values())

    def _make(self, name: str, instances: list[Scope]) -> GeneratedClass:
        scope = instances[0]
        own = set(scope.modules)
        members: dict[str, Construction] = {}
        functions: dict[int, list[Slot]] = {}
        for number, child in enumerate(scope.children):
            children = [instance.children[number] for instance in instances]
            if child in own:
                labels = child.calls.removeprefix(f"{scope.path}." if scope.path else "").split(".")
                _place(members, labels, self._construction(children, tuple(labels)))
            elif isinstance(child, Leaf) and not child.is_module and len(child.nodes) == 1:
                functions[child.nodes[0].index] = self._layer_slots(children, (child.label,))
        slots = [slot for member in members.values() for slot in member.all_slots()]
        slots += [slot for several in functions.values() for slot in several]
        parameters = name_parameters(make_parameters(slots), instances, self._graph, self._outside)
        return GeneratedClass(name, _base(scope), instances, members, functions, parameters)

    def _construction(self, children: Sequence[Leaf | Scope], where: tuple[str, ...]) -> Construction:
        """How one submodule is made in all instances of a class.

        Args:
            children: that submodule in each instance.
            where: the labels that lead to it.
        """
        first = children[0]
        if isinstance(first, Leaf):
            return Construction(constructor(first.layer), self._layer_slots(children, where))
        scopes = [child for child in children if isinstance(child, Scope)]
        if first.signature in self._by_signature:
            made = self._by_signature[first.signature]
            return Construction(made.name, [_argument_slot(p, scopes, where) for p in made.parameters])
        members = {
            child.label: self._construction([scope.children[number] for scope in scopes], (*where, child.label))
            for number, child in enumerate(first.children)
        }
        return Construction("nn.Sequential", members=members)

    def _layer_slots(self, children: Sequence[Leaf | Scope], where: tuple[str, ...]) -> list[Slot]:
        nodes = [child.nodes[0] for child in children if isinstance(child, Leaf)]
        by_instance = [
            {found.name: found for found in layer_arguments(node.layer, self._graph.input_shapes(node))}
            for node in nodes
        ]
        known: dict[str, Argument] = {}
        for arguments in by_instance:
            known |= arguments
        return [_layer_slot(example, by_instance, where) for example in known.values()]


def _place(members: dict[str, Construction], labels: list[str], made: Construction) -> None:
    """Put a submodule among the members, inside those that only hold others."""
    for label in labels[:-1]:
        members = members.setdefault(label, Construction("nn.Sequential")).members
    members[labels[-1]] = made


def _layer_slot(example: Argument, by_instance: Sequence[dict[str, Argument]], where: tuple[str, ...]) -> Slot:
    """A slot for one argument. An instance that does not give it has the default."""
    values: list[Any] = []
    for arguments in by_instance:
        found = arguments.get(example.name)
        values.append(example.default if found is None else found.value)
    noun = "features" if example.name in {"in_features", "out_features"} else "channels"
    keyword = "" if example.positional else example.name
    return Slot(example.name, tuple(values), example.default, keyword, where, noun)


def _argument_slot(parameter: Parameter, scopes: Sequence[Scope], where: tuple[str, ...]) -> Slot:
    """A slot for an argument of another generated class."""
    values = tuple([parameter.values[scope.position] for scope in scopes])
    keyword = "" if parameter.is_positional else parameter.name
    return Slot(parameter.argument, values, parameter.default, keyword, where, parameter.name)


def _base(scope: Scope) -> str:
    """The class's base class. The repetitions of an item cannot be attributes, since they are called 0, 1, ..."""
    if scope.path and scope.is_chain:
        return "nn.Sequential"
    if not scope.is_repeated or not scope.modules:
        return "nn.Module"
    if any("." in child.label for child in scope.children):
        return "nn.Module"
    numbered = [child.label for child in scope.modules] == [str(i) for i in range(len(scope.modules))]
    return "nn.ModuleList" if numbered else "nn.ModuleDict"


def _choose(tree: TreeReader) -> set[int]:
    """The signatures that become classes.

    A chain of modules is written where it is used, as `nn.Sequential`, unless it is used in several places.
    """
    places: Counter[int] = Counter()
    chosen: set[int] = set()
    for signature in sorted(tree.instances, reverse=True):  # parents before children
        scope = tree.instances[signature][0]
        shared = places[signature] > 1 and len(scope.children) > 1 and not scope.is_repeated
        if shared or not scope.is_chain or scope is tree.root:
            chosen.add(signature)
        weight = 1 if signature in chosen else places[signature]
        for child in scope.children:
            if isinstance(child, Scope) and child.is_own:
                places[child.signature] += weight
    return chosen | _too_deep(tree, chosen)


def _too_deep(tree: TreeReader, chosen: set[int]) -> set[int]:
    """Chains that would stand too deep inside one another."""
    depths: dict[int, int] = {}
    found: set[int] = set()
    for signature in sorted(tree.instances):  # children before parents
        children = [child for child in tree.instances[signature][0].children if isinstance(child, Scope)]
        depths[signature] = 1 + max((depths[child.signature] for child in children), default=0)
        if depths[signature] > MAX_INLINE_DEPTH:
            found.add(signature)
        if signature in chosen | found:
            depths[signature] = 0
    return found


def _names(network: str, chosen: set[int], tree: TreeReader, pool: NamePool) -> dict[int, str]:
    """A name for each class. Several structures of one block say in what they differ, where that has a word."""
    names = {tree.root.signature: pool.take(class_name(network))}
    by_base: dict[str, list[int]] = {}
    for signature in sorted(chosen - names.keys()):
        by_base.setdefault(_base_name(tree.instances[signature]), []).append(signature)
    for word, signatures in by_base.items():
        base = word if word not in pool.taken else f"{word}Block"
        features = {signature: _feature(tree.instances[signature][0]) for signature in signatures}
        tell = len(set(features.values())) > 1
        for signature in signatures:
            names[signature] = pool.take(base + features[signature] if tell else base)
    return names


def _feature(scope: Scope) -> str:
    """What distinguishes it from other structures of its block: a projection, or that nothing is joined."""
    if any(child.label == "shortcut" for child in scope.children):
        return "Projection"
    return "Plain" if len(scope.modules) == len(scope.children) else ""


def _base_name(instances: Sequence[Scope]) -> str:
    """After the block, the layer that the scope expands, the layers of a short chain, or the label."""
    blocks = {scope.block for scope in instances}
    first = instances[0]
    if len(blocks) == 1 and first.block is not None:
        return class_name(first.block)
    if first.is_chain and len(first.children) <= MAX_NAMED_LAYERS and not first.is_repeated:
        words = [_layer_word(child) for child in first.children if isinstance(child, Leaf)]
        if len(words) == len(first.children):
            return class_name(" ".join(words))
    labels = {_expanded_layer(scope) or _label(scope) for scope in instances}
    return class_name(labels.pop()) if len(labels) == 1 else "Block"


def _expanded_layer(scope: Scope) -> str:
    """What a scope that stands for one layer of the config is called; '' for any other scope."""
    for child in scope.children:
        if isinstance(child, Leaf) and child.layer.type == "deform_conv2d_op":
            return "ModulatedDeformableConv" if len(child.inputs) > 2 else "DeformableConv"
    return "SqueezeExcitation" if {child.label for child in scope.modules} == SQUEEZE_EXCITATION else ""


def _layer_word(leaf: Leaf) -> str:
    return leaf.layer.torch_class if leaf.layer.role == "activation" else leaf.layer.alias


def _label(scope: Scope) -> str:
    """The label without its number; that of the repeated item, where the scope is a repetition."""
    if scope.label.isdigit():
        *_, outer, _ = ["", *scope.path.split(".")]
        return f"{outer.rstrip('0123456789')} block"
    return scope.label.rstrip("0123456789")
