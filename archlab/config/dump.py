"""A network without blocks, params and expressions: a config that lists its primitive layers one by one."""

from __future__ import annotations

from typing import Any

import yaml

from archlab.config.syntax.naming import MAX_NAME_LENGTH, name_fault
from archlab.graph import Graph, Node
from archlab.layers.describe import own_options
from archlab.layers.shape import AXIS_NAMES

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_WIDE = 1 << 20
"""No item is broken over lines."""


def expanded_config(graph: Graph, *, expect: dict[str, int] | None = None) -> str:
    """The config's text; it gives the same layers with the same numbers, under names without dots.

    Args:
        graph: the network.
        expect: figures for `archlab validate`.
    """
    names = _names(graph)
    owners = {node.path: names[node.index] for node in graph.layers} if graph.repeats() else {}
    lines = ["archlab: 1", f"name: {_flow(graph.name)}", f"input: {_flow(_inputs(graph))}", "layers:"]
    lines += [f"  - {_flow(_item(graph, node, names, owners))}" for node in graph.nodes[len(graph.inputs) :]]
    outputs = _outputs(graph, names)
    if outputs is not None:
        lines.append(f"outputs: {_flow(outputs)}")
    if graph.init:
        lines.append("init:")
        lines += [f"  {layer_type}: {_flow(_tensors(tensors))}" for layer_type, tensors in graph.init.items()]
    if expect:
        lines.append(f"expect: {_flow(expect)}")
    return "\n".join(lines) + "\n"


def _inputs(graph: Graph) -> Any:
    """The only input's shape, or those of several by name."""
    several = {node.path: list(node.shape) for node in graph.inputs}
    return several if list(several) != ["input"] else several["input"]


def _names(graph: Graph) -> list[str]:
    """A name for each node: its path with `_` for `.`, numbered where two would be alike."""
    names = [node.path for node in graph.inputs]
    taken = {"input", *names}
    for node in graph.nodes[len(names) :]:
        base = node.path.replace(".", "_")[: MAX_NAME_LENGTH - 6]
        base = base if name_fault(base) is None else f"layer_{base}"
        name, number = base, 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        names.append(name)
    return names


def _item(graph: Graph, node: Node, names: list[str], owners: dict[str, str]) -> dict[str, Any]:
    item: dict[str, Any] = {"name": names[node.index]}
    if node.shares is None:
        item["type"] = node.layer.type
    else:
        item["share"] = owners[node.shares]
    first, *others = node.inputs
    above = node.index - 1 if node.index > len(graph.inputs) else 0
    if first != above:
        item["from"] = names[first]
    if others:
        item["with"] = [names[other] for other in others]
    if node.shares is not None:
        return item
    if node.layer.role == "opaque":
        return item | own_options(node.layer)
    item |= {name: _plain(value, per_axis=node.layer.rank > 0) for name, value in own_options(node.layer).items()}
    init = _own_init(graph, node)
    if init:
        item["init"] = init
    return item


def _own_init(graph: Graph, node: Node) -> dict[str, Any]:
    """The initialisers of a layer that are not its type's, of the tensors that it has."""
    owned = [tensor.name for tensor in node.layer.tensors(graph.input_shapes(node)) if tensor.learnable]
    if node.zero_init:
        return dict.fromkeys(owned, "zeros")
    written = node.init or {}
    return _tensors({tensor: initializer for tensor, initializer in written.items() if tensor in owned})


def _tensors(tensors: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for tensor, initializer in tensors.items():
        if initializer is None:
            found[tensor] = "default"
            continue
        options = {
            name: value
            for name, value in initializer.options().items()
            if value != type(initializer).model_fields[name].default
        }
        found[tensor] = {"type": initializer.type, **options} if options else initializer.type
    return found


def _outputs(graph: Graph, names: list[str]) -> Any:
    """`outputs`, where it is not just the last layer."""
    if graph.output_form == "dict":
        return {label: names[index] for label, index in graph.outputs}
    if graph.output_form == "tuple":
        return [names[index] for _, index in graph.outputs]
    (_, index), *_ = graph.outputs
    return None if index == len(graph.nodes) - 1 else names[index]


def _plain(value: Any, *, per_axis: bool) -> Any:
    """Tuples as lists, and equal values of all axes as one."""
    if isinstance(value, tuple):
        plain = [_plain(part, per_axis=False) for part in value]
        equal = (
            per_axis and len(plain) in AXIS_NAMES and len(set(map(repr, plain))) == 1 and not isinstance(plain[0], list)
        )
        return plain[0] if equal else plain
    return value


def _flow(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_DUMPER, default_flow_style=True, sort_keys=False, width=_WIDE, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")
