"""What changed between two networks: layers that came, went or changed, and the totals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Literal

from archlab.analysis.depth import depth
from archlab.analysis.renames import renames
from archlab.analysis.result import Analysis, LayerReport
from archlab.analysis.row import Row
from archlab.graph import Graph, Node
from archlab.layers.describe import describe, own_options
from archlab.layers.shape import Shape, shape_text

Kind = Literal["added", "removed", "changed"]


@dataclass(slots=True)
class Change:
    """One layer, or several under one path that all came or went.

    Attributes:
        kind: what happened.
        path: of the layer or the scope.
        what: type and options, or how many layers.
        details: option, `output` and the like to the values before and after.
        params: difference in params.
        macs: difference in MACs.
        follows: whether the layer is written as it was: what differs comes from what reaches it.
    """

    kind: Kind
    path: str
    what: str
    details: dict[str, tuple[Any, Any]]
    params: int
    macs: int
    follows: bool = False


class Difference:
    """Two networks compared layer by layer: layers of one path are one layer, and equal ones of equal inputs.

    Attributes:
        before: the first.
        after: the second.
    """

    def __init__(self, before: Analysis, after: Analysis) -> None:
        self.before = before
        self.after = after

    @cached_property
    def names(self) -> dict[str, str]:
        """New paths by old ones, of layers that are otherwise what they were."""
        return renames(self.before.graph, self.after.graph, _arguments)

    def changes(self) -> list[Change]:
        """What changed: in the order of the second network, with what went at its place in the first."""
        old = {self.names.get(layer.node.path, layer.node.path): layer for layer in self.before.layers}
        new = {layer.node.path: layer for layer in self.after.layers}
        arguments = _Arguments(self.before.graph, self.after.graph)
        ordered: list[tuple[Kind, LayerReport]] = []
        for kind, layer in self._in_order(old, new):
            if kind != "changed" or self._details(old[layer.node.path], layer, arguments):
                ordered.append((kind, layer))
        scopes: dict[Kind, set[str]] = {"added": _scopes(old), "removed": _scopes(new)}
        found: list[Change] = []
        for (kind, scope), group in groupby(ordered, lambda pair: (pair[0], _whole_scope(pair, scopes))):
            layers = [layer for _, layer in group]
            if kind == "changed" or len(layers) == 1 or not scope:
                found += [self._change(kind, layer, old, arguments) for layer in layers]
            else:
                found.append(_scope_change(kind, scope, layers))
        return found

    def totals(self) -> list[Row]:
        """The totals before and after."""
        rows = []
        after = _totals(self.after)
        for name, value in _totals(self.before).items():
            other = after[name]
            share = (other - value) / value if value and other is not None else None
            row = {"figure": name, "before": value, "after": other, "change": share}
            bounds = {key: True for key, one in self._sides() if one.total.is_bound(_BOUNDS.get(name, ""))}
            rows.append({**row, "lower_bound": bounds} if bounds else row)
        return rows

    def _sides(self) -> tuple[tuple[str, Analysis], ...]:
        return ("before", self.before), ("after", self.after)

    def to_dict(self) -> Row:
        """As `archlab diff --format json` prints it."""
        return {
            "before": self.before.graph.name,
            "after": self.after.graph.name,
            "totals": self.totals(),
            "changes": [
                {
                    "kind": change.kind,
                    "path": change.path,
                    "what": change.what,
                    "details": {name: {"before": a, "after": b} for name, (a, b) in change.details.items()},
                    "params": change.params,
                    "macs": change.macs,
                }
                for change in self.changes()
            ],
        }

    @staticmethod
    def _in_order(old: dict[str, LayerReport], new: dict[str, LayerReport]) -> list[tuple[Kind, LayerReport]]:
        """Both networks' layers in one order; what went stands behind the layer that it followed."""
        gone: dict[str, list[LayerReport]] = {}
        anchor = ""
        for path, layer in old.items():
            if path in new:
                anchor = path
            else:
                gone.setdefault(anchor, []).append(layer)
        ordered: list[tuple[Kind, LayerReport]] = [("removed", layer) for layer in gone.get("", [])]
        for path, layer in new.items():
            ordered.append(("changed" if path in old else "added", layer))
            ordered += [("removed", layer) for layer in gone.get(path, [])]
        return ordered

    def _change(self, kind: Kind, layer: LayerReport, old: dict[str, LayerReport], arguments: _Arguments) -> Change:
        what = describe(layer.node.layer)
        if kind == "changed":
            before = old[layer.node.path]
            details = self._details(before, layer, arguments)
            params, macs = layer.params - before.params, layer.macs - before.macs
            inferred = layer.node.layer.inferred(self.after.graph.input_shapes(layer.node))
            follows = details.keys() <= {*_FOLLOWING, *inferred}
            return Change(kind, layer.node.path, what, details, params, macs, follows)
        sign = 1 if kind == "added" else -1
        return Change(kind, layer.node.path, what, {}, sign * layer.params, sign * layer.macs)

    def _details(self, before: LayerReport, after: LayerReport, arguments: _Arguments) -> dict[str, tuple[Any, Any]]:
        """What differs between a layer and what it was."""
        one, two = before.node, after.node
        found: dict[str, tuple[Any, Any]] = {}
        if one.path != two.path:
            found["name"] = one.path, two.path
        if one.layer.type != two.layer.type:
            found["type"] = one.layer.type, two.layer.type
        else:
            found |= arguments.changed(one, two)
        pairs = {
            "shares": (one.shares and self.names.get(one.shares, one.shares), two.shares),
            "inputs": (_paths(self.before.graph, one, self.names), _paths(self.after.graph, two, {})),
            "output": (shape_text(one.shape), shape_text(two.shape)),
        }
        return found | {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


_FOLLOWING = ("shares", "inputs", "output")
"""What differs between layers beside their arguments and their names."""


def _scope_change(kind: Kind, scope: str, layers: list[LayerReport]) -> Change:
    sign = 1 if kind == "added" else -1
    params, macs = (sum([getattr(layer, name) for layer in layers]) for name in ("params", "macs"))
    return Change(kind, scope, f"{len(layers)} layers", {}, sign * params, sign * macs)


def _scopes(paths: Iterable[str]) -> set[str]:
    """Every scope that one of the paths is in, with the dot behind it."""
    found: set[str] = set()
    for path in paths:
        end = path.rfind(".")
        while end >= 0 and path[: end + 1] not in found:  # those around a known one are known
            found.add(path[: end + 1])
            end = path.rfind(".", 0, end)
    return found


def _whole_scope(pair: tuple[Kind, LayerReport], scopes: dict[Kind, set[str]]) -> str:
    """The largest scope around a layer that the other network has nothing of; empty if there is none.

    Args:
        pair: what happened to the layer, and the layer.
        scopes: of the other network, by what happened.
    """
    kind, layer = pair
    if kind == "changed":
        return ""
    path, end = layer.node.path, -1
    while (end := path.find(".", end + 1)) >= 0:
        if path[: end + 1] not in scopes[kind]:
            return path[:end]
    return ""


class _Arguments:
    """What differs between the arguments of two layers, found once for each pair of layers and input shapes."""

    def __init__(self, before: Graph, after: Graph) -> None:
        self._before = before
        self._after = after
        self._known: dict[tuple[object, ...], dict[str, tuple[Any, Any]]] = {}

    def changed(self, before: Node, after: Node) -> dict[str, tuple[Any, Any]]:
        """Name to the values before and after, of two layers of one type."""
        shapes = self._before.input_shapes(before), self._after.input_shapes(after)
        key = (id(before.layer), id(after.layer), *shapes)
        if key not in self._known:
            old, new = _arguments(before, shapes[0]), _arguments(after, shapes[1])
            names = dict.fromkeys([*old, *new])
            pairs = {name: (old.get(name), new.get(name)) for name in names}
            self._known[key] = {name: (_plain(a), _plain(b)) for name, (a, b) in pairs.items() if a != b}
        return self._known[key]


def _arguments(node: Node, shapes: tuple[Shape, ...]) -> dict[str, Any]:
    """Of the layer's PyTorch class, those among them that come from its input; of an opaque layer what is declared."""
    if node.layer.role == "opaque":
        return own_options(node.layer)
    return {**node.layer.inferred(shapes), **node.layer.torch_arguments()}


def _paths(graph: Graph, node: Node, names: dict[str, str]) -> str:
    paths = [graph.nodes[source].path for source in node.inputs]
    return " ".join([names.get(path, path) for path in paths])


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


_BOUNDS = {
    "params": "params",
    "MACs": "macs",
    "FLOPs": "flops",
    "activations": "activations",
    "memory": "memory",
    "training": "memory",
}
"""By figure: the number that opaque layers may leave unknown."""


def _totals(analysis: Analysis) -> dict[str, Any]:
    total = analysis.total
    sizes = [axis.sizes[-1] for axis in total.receptive_field.axes if axis is not None]
    return {
        "layers": len(analysis.layers),
        "depth": depth(analysis),
        "params": total.params,
        "MACs": total.macs,
        "FLOPs": total.flops,
        "activations": total.activations,
        "memory": total.memory.inference_peak,
        "training": None if analysis.training is None else analysis.training.peak,
        "receptive field": max(sizes) if sizes else None,
    }
