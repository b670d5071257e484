"""A graph as plain PyTorch source that runs without archlab.

    to_source(graph) ──tree──▶ scopes ──classes──▶ classes ──forward──▶ statements ──here──▶ text

What the text guarantees: its state dict has the nodes' paths as keys, so that weights of the built model
load with `strict=True`; the same graph always gives the same text; and nothing that a config's author wrote
can become code (see `text`). Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence

from archlab.analysis.facts import collect_facts
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, Problem, single_problem
from archlab.graph import Graph
from archlab.layers.opaque import Opaque
from archlab.layers.shape import Shape, shape_text
from archlab.torch.source.classes import Construction, GeneratedClass, Planner
from archlab.torch.source.forward import ForwardWriter, Statement
from archlab.torch.source.init import init_statements
from archlab.torch.source.outside import definitions, import_lines, opaque_packages
from archlab.torch.source.sequence import sequence
from archlab.torch.source.text import (
    INDENT,
    WIDTH,
    Atom,
    Bracket,
    Expression,
    NamePool,
    assignment,
    call,
    layout,
    plain_text,
)

BODY = 2 * INDENT
MAX_LISTED_TENSORS = 4
MOST_SHAPES = 4
"""Of one side that a summary lists."""
"""A longer tuple of tensors has the type `tuple[Tensor, ...]`."""
MOST_LAYERS = 20_000
"""Layers of a network that is written as source."""


def to_source(graph: Graph) -> str:
    """The PyTorch source of a network.

    The module defines a class named after the network, whose submodules have the nodes' paths. Run as a
    script, it builds the model, feeds it a random input and prints the output's shape.

    Args:
        graph: the network.

    Raises:
        ConfigError: for too many layers.
    """
    if len(graph.layers) > MOST_LAYERS:
        raise single_problem(
            f"{graph.name}: {len(graph.layers):,} layers are too many for source, which has at most {MOST_LAYERS:,}; "
            "archlab.build makes the model itself",
            Code.TOO_LARGE,
        )
    _require_arguments(graph)
    classes = Planner(graph).classes
    body: list[str] = []
    for lines in [*definitions(graph), *[_class_lines(made, graph) for made in classes]]:
        body += ["", "", *lines]
    body += ["", "", *_main_lines(classes[-1].name, graph)]
    uses_ordered = any("OrderedDict(" in line for line in body)
    imports = ["from collections import OrderedDict"] if uses_ordered else []
    imports += ["from typing import Any"] if any(": Any" in line for line in body) else []
    imports += [""] if imports else []
    imports += [f"import {package}" for package in sorted({"torch", *opaque_packages(graph)})]
    imports += ["from torch import Tensor, nn", *import_lines(graph)]
    header = [*_docstring(graph), "", *imports]
    return "\n".join([*header, *body, ""])


def _require_arguments(graph: Graph) -> None:
    """Refuse opaque layers whose arguments are not known.

    Raises:
        ConfigError: at each of them.
    """
    found = [
        Problem(f"'{node.path}': {node.layer.fault()}", Code.MISSING, node.place, node.trail)
        for node in graph.layers
        if isinstance(node.layer, Opaque) and node.layer.fault()
    ]
    if found:
        raise ConfigError(found)


def _docstring(graph: Graph) -> list[str]:
    facts = collect_facts(graph)
    least = "at least " if any("params" in fact.unknown for fact in facts) else ""
    params = sum(fact.params for fact in facts)
    several = [f"{shape_text(node.shape)} ({node.path})" for node in graph.inputs]
    size = shape_text(graph.input_shape) if len(several) == 1 else " and ".join(several)
    return [
        f'"""{plain_text(graph.name)} in plain PyTorch.',
        "",
        f"Input: a batch of {size}. Parameters: {least}{params:,}. Written by archlab; runs without it.",
        '"""',
    ]


def _class_lines(made: GeneratedClass, graph: Graph) -> list[str]:
    """A class: how its submodules are made, what it does, and its initial weights."""
    methods = [_init_lines(made, graph)]
    if made.base != "nn.Sequential":
        methods.append(_forward_lines(made, graph))
    weights = _weights_method(made)
    if not made.scope.path:
        statements = init_statements(graph, BODY)
        methods.append([f"{INDENT}def {weights}(self) -> None:", *statements] if statements else [])
    lines = [f"class {made.name}({made.base}):"]
    if made.scope.path:
        lines += [f'{INDENT}"""{_class_summary(made, graph)}"""', ""]
    for method in filter(None, methods):
        lines += [*method, ""]
    return lines[:-1]


def _class_summary(made: GeneratedClass, graph: Graph) -> str:
    """Where the class is used, and from what shape to what shape there."""
    scope = made.scope
    shapes = f"{_shapes(scope.inputs, graph)} to {_shapes(scope.outputs, graph)}"
    others = len(made.instances) - 1
    summary = f"{scope.path} ({shapes}){f' and {others} more' if others else ''}."
    return summary if len(summary) < WIDTH - len(INDENT) - 6 else f"{shapes}."


def _shapes(values: Sequence[int], graph: Graph) -> str:
    texts = [shape_text(graph.nodes[value].shape) for value in values]
    if len(texts) > MOST_SHAPES:
        return f"{len(texts)} times {texts[0]}" if len(set(texts)) == 1 else f"{len(texts)} values"
    return ", ".join(texts)


def _weights_method(made: GeneratedClass) -> str:
    return NamePool(child.label for child in made.scope.children).take("_init_weights")


def _init_lines(made: GeneratedClass, graph: Graph) -> list[str]:
    """The constructor; none where there is nothing to construct."""
    body: list[str] = []
    body += [f"{BODY}self.{parameter.name} = {parameter.name}" for parameter in made.stored]
    if made.base == "nn.Module":
        for label, construction in made.members.items():
            if label.isdigit():  # no attribute can be written so
                body += layout(call("self.add_module", (Atom(f'"{label}"'), _construct(construction))), "", "", BODY)
            else:
                body += assignment(Atom(f"self.{label}"), _construct(construction), BODY)
        if not made.scope.path and init_statements(graph, BODY):
            body.append(f"{BODY}self.{_weights_method(made)}()")
        if not body:
            return []
        body.insert(0, f"{BODY}super().__init__()")
    else:
        body = [*layout(_container(made), "", "", BODY), *body]
    signature = _signature("__init__", [parameter.declaration for parameter in made.parameters], "None")
    return [*signature, *body]


def _container(made: GeneratedClass) -> Expression:
    """The call of a container's own constructor with all its submodules."""
    members = {label: _construct(construction) for label, construction in made.members.items()}
    if made.base == "nn.Sequential":
        return sequence("super().__init__", members)
    if made.base == "nn.ModuleList":
        return call("super().__init__", (Bracket("[", tuple([("", m) for m in members.values()]), "]"),))
    items = tuple([(f'"{label}": ', member) for label, member in members.items()])
    return call("super().__init__", (Bracket("{", items, "}"),))


def _construct(construction: Construction) -> Expression:
    """The expression that makes a submodule."""
    if construction.members:
        members = {label: _construct(member) for label, member in construction.members.items()}
        return sequence(construction.function, members)
    written = [slot for slot in construction.slots if not slot.is_left_out]
    positional = tuple([slot.atom for slot in written if not slot.keyword])
    return call(construction.function, positional, {s.keyword: s.atom for s in written if s.keyword})


def _forward_lines(made: GeneratedClass, graph: Graph) -> list[str]:
    forward = ForwardWriter(made, graph).write()
    lines = _signature("forward", [f"{name}: Tensor" for name in forward.arguments], _return_type(made, graph))
    for statement in forward.statements:
        lines += _statement_lines(statement, None if made.scope.path else graph)
    return lines


def _return_type(made: GeneratedClass, graph: Graph) -> str:
    count = len(made.scope.outputs)
    if not made.scope.path and graph.output_form != "tuple":
        return "Tensor" if graph.output_form == "single" else "dict[str, Tensor]"
    if made.scope.path and count == 1:
        return "Tensor"
    return f"tuple[{', '.join(['Tensor'] * count)}]" if count <= MAX_LISTED_TENSORS else "tuple[Tensor, ...]"


def _statement_lines(statement: Statement, graph: Graph | None) -> list[str]:
    """A statement; with a graph, followed by the shape where it changes."""
    if statement.target is None:
        return layout(statement.expression, "return ", "", BODY)
    lines = assignment(statement.target, statement.expression, BODY)
    if graph is not None and len(lines) == 1 and statement.source is not None:
        shape = graph.nodes[statement.value].shape
        comment = f"{lines[0]}  # {shape_text(shape)}"
        if shape != graph.nodes[statement.source].shape and len(comment) <= WIDTH:
            return [comment]
    return lines


def _signature(name: str, arguments: Sequence[str], result: str) -> list[str]:
    items = tuple([("", Atom(argument)) for argument in ("self", *arguments)])
    return layout(Bracket(f"{name}(", items, ")"), "def ", f" -> {result}:", INDENT)


def _main_lines(name: str, graph: Graph) -> list[str]:
    """What runs when the source is a script."""
    shapes: list[Shape] = [(1, *node.shape) for node in graph.inputs]
    lines = [
        'if __name__ == "__main__":',
        f"{INDENT}model = {name}().eval()",
        f"{INDENT}with torch.no_grad():",
        f"{BODY}result = model({', '.join([f'torch.randn{shape}' for shape in shapes])})",
    ]
    if graph.output_form == "single":
        lines.append(f"{INDENT}print(tuple(result.shape))")
    elif graph.output_form == "tuple":
        lines += [f"{INDENT}for output in result:", f"{BODY}print(tuple(output.shape))"]
    else:
        lines += [f"{INDENT}for label, output in result.items():", f"{BODY}print(label, tuple(output.shape))"]
    lines.append(f'{INDENT}print(f"{{sum(p.numel() for p in model.parameters()):,}} parameters")')
    return lines
