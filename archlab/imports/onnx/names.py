"""Where nodes are in the model that was exported, as its exporter wrote it.

PyTorch's first exporter puts the modules into a node's name: `/layer1/layer1.0/conv1/Conv`. Its second one
(`dynamo=True`) notes them, with their classes, beside the node. Others write a path of their own with slashes, or none.
Names of weights (`layer1.0.conv1.weight`) tell it too, where they are the model's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from archlab.imports.flat import Scope
from archlab.imports.onnx.source import Node

MOST_PARTS = 24
MOST_LETTERS = 60
"""Of a part of a path."""
_NOTES = "pkg.torch.onnx."
_WEIGHT = re.compile(r"(?P<path>[A-Za-z_][\w.]*)\.(weight|weight_v|kernel)(_quantized)?")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_CONTAINERS = ("container", "Sequential")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a node is.

    Attributes:
        path: of its own, in dots; None where only the modules around it are known.
        scopes: modules around it; in `_spot`, that of its own path too.
    """

    path: str | None = None
    scopes: tuple[Scope, ...] = ()

    @property
    def above(self) -> str:
        """The path of the innermost module around it."""
        return self.scopes[-1].path if self.scopes else ""


class Spots:
    """Where all nodes are: a module's path stands for a node only where that is all there is in it.

    Args:
        nodes: all of them.
        inside: those, by `id`, that are in a layer with others, whose last tells where it is.
    """

    def __init__(self, nodes: Sequence[Node], inside: Container[int]) -> None:
        self._spots = {id(node): _spot(node) for node in nodes}
        found = [self._spots[id(node)] for node in nodes if id(node) not in inside]
        paths = {spot.path for spot in found if spot.path} | {scope.path for spot in found for scope in spot.scopes}
        uses = Counter([spot.path for spot in found if spot.path])
        self._above = {path[:end] for path in paths for end in range(len(path)) if path[end] == "."}
        self._above |= {path for path, count in uses.items() if count > 1}

    def of(self, node: Node, weight: str | None = None) -> Spot:
        """Where a node is.

        Args:
            node: it.
            weight: the name of the tensor that it has, which may say it better.
        """
        spot = self._spots.get(id(node), Spot())
        named = None if weight is None else _WEIGHT.fullmatch(weight)
        path = spot.path if named is None else plain_path(named["path"].split("."))
        scopes = tuple([scope for scope in spot.scopes if not scope.path or f"{path}.".startswith(f"{scope.path}.")])
        if path is not None and self._is_free(path):
            return Spot(path, tuple([scope for scope in scopes if scope.path != path]))
        return Spot(None, scopes if named is not None else spot.scopes)

    def stand_in(self, node: Node, original: Node) -> None:
        """A node is where another is."""
        self._spots[id(node)] = self._spots.get(id(original), Spot())

    def _is_free(self, path: str) -> bool:
        """Whether it is no module with others in it."""
        return bool(path) and path not in self._above


def _spot(node: Node) -> Spot:
    paths, kinds = _quoted(node, "name_scopes"), _quoted(node, "class_hierarchy")
    if len(paths) == len(kinds) >= 2:
        return _noted(paths[:-1], kinds[:-1])
    if node.name.startswith("/"):
        return _torch_name(node.name.split("/")[1:][: MOST_PARTS + 1])
    if "/" in node.name:
        parts = [part for part in node.name.split("/")[:MOST_PARTS] if part]
        return Spot(plain_path(parts) or None)
    return Spot()


def _quoted(node: Node, note: str) -> list[str]:
    return [one[0] or one[1] for one in _QUOTED.findall(node.notes.get(_NOTES + note, ""))]


def _noted(paths: list[str], kinds: list[str]) -> Spot:
    """The modules of the second exporter; the innermost is the node itself where it is one of PyTorch's own."""
    scopes: list[Scope] = []
    for path, kind in list(zip(paths, kinds, strict=True))[:MOST_PARTS]:
        scopes.append(Scope(plain_path(path.split(".")), plain_word(kind.rpartition(".")[2])))
    is_layer = kinds[-1].startswith("torch.nn.modules.") and not any(word in kinds[-1] for word in _CONTAINERS)
    if is_layer and len(scopes) > 1:
        return Spot(scopes[-1].path, tuple(scopes))
    return Spot(None, tuple(scopes))


def _torch_name(parts: list[str]) -> Spot:
    """The modules of the first exporter: a part repeats the one before it where that is a container."""
    scopes, before, path = [Scope("", "")], "", ""
    for part in parts[:-1]:
        word = part.removeprefix(f"{before}.") if before else part
        path = f"{path}.{plain_path(word.split('.'))}".strip(".")
        scopes.append(Scope(path, ""))
        before = part
    if len(scopes) == 1:
        return Spot(None, tuple(scopes))
    return Spot(path, tuple(scopes))


def plain_path(parts: Iterable[str]) -> str:
    """A path of plain words."""
    return ".".join([word for part in list(parts)[:MOST_PARTS] if (word := plain_word(part))])


def plain_word(text: str) -> str:
    """A part of a path without what a name cannot have."""
    return "".join([char if char.isascii() and char.isalnum() else "_" for char in text[:MOST_LETTERS]]).strip("_")
