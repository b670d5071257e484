"""Paths for nodes: `layer1.0.conv1`.

Rules, so that paths are those a PyTorch user would write:

* A named layer has its name. A named item that becomes several layers is a scope (`stem.conv`, `stem.bn`).
* A named item with `repeat` gets `.0`, `.1`, ...
* An unnamed layer has its type's short name: plain where it is the only one in its scope (`add`), else
  numbered from 1 (`conv1`, `conv2`). An unnamed block has the block's name, likewise (`unit1`; `conv3x3_1`).
* An unnamed residual or branches item adds no level of its own; a projection is in `shortcut`, paths are
  `branch1`, `branch2`, ...
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from archlab.config.expand.draft import Draft
from archlab.config.syntax.limits import MAX_PATH_LENGTH
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem


class Child(NamedTuple):
    """What a scope holds.

    Attributes:
        label: its name, unless it must be numbered.
        written: whether the user wrote the label.
        what: the index of a node, or a scope.
        shift: what the indices in it grow by: a copied use of a block has the scope of the first one.
    """

    label: str
    written: bool
    what: int | PathScope
    shift: int = 0

    def moved(self, by: int) -> Child:
        """The same where its nodes are copied to."""
        if isinstance(self.what, int):
            return self._replace(what=self.what + by)
        return self._replace(shift=self.shift + by)


class PathScope:
    """A level of the path: holds nodes and further scopes in order."""

    __slots__ = ("_names", "children")

    def __init__(self) -> None:
        self.children: list[Child] = []
        self._names: Sequence[str] | None = None

    def add(self, label: str, what: int | PathScope, *, written: bool, shift: int = 0) -> None:
        """Append a child."""
        self.children.append(Child(label, written, what, shift))

    def scope(self, label: str, *, written: bool) -> PathScope:
        """A new scope in this one."""
        child = PathScope()
        self.add(label, child, written=written)
        return child

    def assign(self, paths: list[str], nodes: Sequence[Draft], prefix: str = "", shift: int = 0) -> None:
        """Find the path of every node below.

        Args:
            paths: by the nodes' indices, to be filled in.
            nodes: of the network.
            prefix: the path of this scope, with a dot behind.
            shift: what the indices in it grow by.

        Raises:
            ConfigError: if one is too long.
        """
        if self._names is None:
            self._names = _distinct(tuple([(child.label, child.written) for child in self.children]))
        for name, (_, _, what, by) in zip(self._names, self.children, strict=True):
            path = prefix + name
            if isinstance(what, PathScope):
                what.assign(paths, nodes, path + ".", shift + by)
            elif len(path) > MAX_PATH_LENGTH:
                message = f"the layer's path has {len(path):,} characters, '{path[:60]}...'"
                hint = f"at most {MAX_PATH_LENGTH} are allowed; write shorter names, or fewer levels"
                raise single_problem(f"{message}; {hint}", Code.TOO_LARGE, nodes[what + shift].place)
            else:
                paths[what + shift] = path


@lru_cache(maxsize=256)  # most scopes have the labels of another: units of a stage, networks of a sweep
def _distinct(labels: tuple[tuple[str, bool], ...]) -> Sequence[str]:
    """The names for labels, of which some are written by the user and some may be numbered."""
    counts = Counter([label for label, written in labels if not written])
    taken = {label for label, written in labels if written}
    numbers: Counter[str] = Counter()
    names: list[str] = []
    for label, written in labels:
        name = label if written else _free_name(label, counts[label], numbers, taken)
        taken.add(name)
        names.append(name)
    return tuple(names)


def _free_name(label: str, count: int, numbers: Counter[str], taken: set[str]) -> str:
    if count == 1 and label not in taken:
        return label
    while True:
        numbers[label] += 1
        # conv3x3_2, since conv3x32 would read as another kernel
        name = f"{label}_{numbers[label]}" if label[-1].isdigit() else f"{label}{numbers[label]}"
        if name not in taken:
            return name
