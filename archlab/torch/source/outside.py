"""Classes outside `torch.nn`: imported by the generated source, or written into it where they are archlab's own."""

from __future__ import annotations

import ast
from pathlib import Path

from archlab.graph import Graph
from archlab.layers.base import Layer

OWN_PACKAGE = "archlab.torch.modules"
_OWN_FOLDER = Path(__file__).parent.parent / "modules"


def class_text(torch_class: str) -> str:
    """How generated code refers to a layer's class: `nn.Conv2d`, `DeformConv2d`."""
    package, _, name = torch_class.rpartition(".")
    return name if package else f"nn.{name}"


def constructor(layer: Layer) -> str:
    """What is called to make a layer: of an opaque one the whole path, `mypackage.MyModule`."""
    if layer.role != "opaque":
        return class_text(layer.torch_class)
    package, _, name = layer.torch_class.rpartition(".")
    return f"nn.{name}" if package == "torch.nn" else layer.torch_class


def outside_names(graph: Graph) -> set[str]:
    """The names that a network's classes outside `torch.nn`, or their packages, have in its source."""
    return {name for _, name in _outside_classes(graph)} | {name.partition(".")[0] for name in opaque_packages(graph)}


def opaque_packages(graph: Graph) -> list[str]:
    """What is to be imported for opaque layers, sorted."""
    found = {node.layer.torch_class.rpartition(".")[0] for node in graph.layers if node.layer.role == "opaque"}
    return sorted(found - {"torch.nn", "torch.Tensor"})


def import_lines(graph: Graph) -> list[str]:
    """The imports of a network's classes outside `torch.nn`, sorted."""
    names: dict[str, list[str]] = {}
    for package, name in _outside_classes(graph):
        if package != OWN_PACKAGE:
            names.setdefault(package, []).append(name)
    return [f"from {package} import {', '.join(listed)}" for package, listed in names.items()]


def definitions(graph: Graph) -> list[list[str]]:
    """The lines of each of archlab's own classes that a network uses.

    They are cut out of the files that the built model imports, as text: so the two cannot differ, and writing
    source needs no PyTorch.
    """
    wanted = {name for package, name in _outside_classes(graph) if package == OWN_PACKAGE}
    if not wanted:
        return []
    found: list[list[str]] = []
    for path in sorted(_OWN_FOLDER.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        found += [
            lines[statement.lineno - 1 : statement.end_lineno]
            for statement in ast.parse(text).body
            if isinstance(statement, ast.ClassDef) and statement.name in wanted
        ]
    return found


def _outside_classes(graph: Graph) -> list[tuple[str, str]]:
    """Package and name of each, sorted."""
    parts = [node.layer.torch_class.rpartition(".") for node in graph.layers if node.layer.role != "opaque"]
    return sorted({(package, name) for package, _, name in parts if package})
