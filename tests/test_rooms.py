"""The plan of the house: which folders there are, which may import which, and that no import runs up or in a circle.

Imports are read from the source, those inside functions and those for types only among them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "archlab"
ROOMS = (
    "cli",
    "mcp",
    "studio",
    "editor",
    "zoo",
    "api",
    "lint",
    "explain",
    "report",
    "torch",
    "imports",
    "sweep",
    "analysis",
    "config",
    "graph",
    "layers",
    "files",
    "diagnostics",
)
"""From the top floor to the ground: each imports from those behind it only."""
DOORS = ("__init__", "__main__", "version")
"""Modules outside of the rooms: what `import archlab` and the program open, and a number."""


@cache
def modules() -> dict[str, Path]:
    """Every module by its name without `archlab.`; a package goes by its folder's."""
    found: dict[str, Path] = {}
    for path in [path for path in PACKAGE.rglob("*.py") if "node_modules" not in path.parts]:
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return found


BODIES = ("body", "orelse", "finalbody", "handlers", "cases")
"""Where statements have statements; expressions, which are most of a tree, have none."""


@cache
def statements(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """Those of a file that import something."""
    found: list[ast.Import | ast.ImportFrom] = []
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append(node)
        for name in BODIES:
            waiting += getattr(node, name, ())
    return found


def imported(path: Path) -> Iterator[str]:
    """The modules of archlab's that a file imports."""
    for node in statements(path):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".", 1)[0] == "archlab":
            module = (node.module or "").partition(".")[2]
            for alias in node.names:
                inner = f"{module}.{alias.name}".strip(".")
                yield inner if inner in modules() else module or "__init__"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                assert not alias.name.startswith("archlab."), f"{path}: write 'from {alias.name} import ...'"


@cache
def imports() -> dict[str, frozenset[str]]:
    """Module to the modules that it imports."""
    return {name: frozenset(imported(path)) for name, path in modules().items()}


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def test_every_module_is_in_a_room() -> None:
    assert {room(name) for name in modules()} == {*ROOMS, *DOORS}


def test_no_import_runs_up() -> None:
    floor = {name: number for number, name in enumerate(ROOMS)}
    up = [
        f"{module} imports {other}"
        for module, others in imports().items()
        for other in others
        if room(module) in floor and floor.get(room(other), len(ROOMS)) < floor[room(module)]
    ]
    assert up == []


def test_only_doors_are_imported_from_outside_of_the_rooms() -> None:
    outside = {other for others in imports().values() for other in others if room(other) in DOORS}
    assert outside == {"version"}


@pytest.mark.parametrize("level", [1, 2, None], ids=["rooms", "folders", "modules"])
def test_there_is_no_circle(level: int | None) -> None:
    """Between rooms; between their folders, a loose module being one of its own; between modules."""

    def part(module: str) -> str:
        folder = module if modules()[module].name == "__init__.py" else module.rpartition(".")[0] or module
        shallow = level == 2 and "." not in folder
        return module if level is None or shallow else ".".join(folder.split(".")[:level])

    arrows: dict[str, set[str]] = {}
    for module, others in imports().items():
        arrows.setdefault(part(module), set()).update(part(other) for other in others)
    for name, parts in arrows.items():
        parts.discard(name)
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


def test_only_torch_imports_torch() -> None:
    heavy = {"torch", "torchvision", "fvcore", "onnx"}
    for name, path in modules().items():
        found = {
            alias.name.split(".")[0]
            for node in statements(path)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        own = {"onnx"} if name.startswith("imports.onnx") else set()
        assert room(name) == "torch" or name == "api.model" or not (found - own) & heavy, name
