"""What changed between two networks: layers that came, went or changed, and the totals."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from archlab.analysis.result import Analysis, LayerReport
from archlab.graph import Graph, Node
from archlab.layers.base import shape_text
from archlab.report.figures import depth
from archlab.report.fold import describe
from archlab.report.plain import Row

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
    """

    kind: Kind
    path: str
    what: str
    details: dict[str, tuple[Any, Any]]
    params: int
    macs: int


class Difference:
    """Two networks compared layer by layer: layers of one path are one layer.

    Attributes:
        before: the first.
        after: the second.
    """

    def __init__(self, before: Analysis, after: Analysis) -> None:
        self.before = before
        self.after = after

    def changes(self) -> list[Change]:
        """What changed: in the order of the second network, with what went at its place in the first."""
        old = {layer.node.path: layer for layer in self.before.layers}
        new = {layer.node.path: layer for layer in self.after.layers}
        ordered: list[tuple[Kind, LayerReport]] = []
        for kind, layer in self._in_order(old, new):
            if kind != "changed" or _details(self._pair(old, layer), self._graphs()):
                ordered.append((kind, layer))
        found: list[Change] = []
        for (kind, scope), group in groupby(ordered, lambda pair: (pair[0], _whole_scope(pair, old, new))):
            layers = [layer for _, layer in group]
            if kind == "changed" or len(layers) == 1 or not scope:
                found += [self._change(kind, layer, old) for layer in layers]
            else:
                found.append(_scope_change(kind, scope, layers))
        return found

    def totals(self) -> list[Row]:
        """The totals before and after."""
        rows = []
        for name, value in _totals(self.before).items():
            other = _totals(self.after)[name]
            share = (other - value) / value if value and other is not None else None
            rows.append({"figure": name, "before": value, "after": other, "change": share})
        return rows

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

    def _graphs(self) -> tuple[Graph, Graph]:
        return self.before.graph, self.after.graph

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

    @staticmethod
    def _pair(old: dict[str, LayerReport], layer: LayerReport) -> tuple[LayerReport, LayerReport]:
        return old[layer.node.path], layer

    def _change(self, kind: Kind, layer: LayerReport, old: dict[str, LayerReport]) -> Change:
        what = describe(layer.node.layer)
        if kind == "changed":
            before = old[layer.node.path]
            details = _details((before, layer), self._graphs())
            return Change(kind, layer.node.path, what, details, layer.params - before.params, layer.macs - before.macs)
        sign = 1 if kind == "added" else -1
        return Change(kind, layer.node.path, what, {}, sign * layer.params, sign * layer.macs)


def _scope_change(kind: Kind, scope: str, layers: list[LayerReport]) -> Change:
    sign = 1 if kind == "added" else -1
    params, macs = (sum([getattr(layer, name) for layer in layers]) for name in ("params", "macs"))
    return Change(kind, scope, f"{len(layers)} layers", {}, sign * params, sign * macs)


def _whole_scope(pair: tuple[Kind, LayerReport], old: dict[str, LayerReport], new: dict[str, LayerReport]) -> str:
    """The largest scope around a layer that the other network has nothing of; empty if there is none."""
    kind, layer = pair
    if kind == "changed":
        return ""
    other = old if kind == "added" else new
    parts = layer.node.path.split(".")
    for length in range(1, len(parts)):
        scope = ".".join(parts[:length])
        if not any(path.startswith(scope + ".") for path in other):
            return scope
    return ""


def _details(pair: tuple[LayerReport, LayerReport], graphs: tuple[Graph, Graph]) -> dict[str, tuple[Any, Any]]:
    """What differs between two layers of one path."""
    (before, after), (one, two) = (layer.node for layer in pair), graphs
    found: dict[str, tuple[Any, Any]] = {}
    if before.layer.type != after.layer.type:
        found["type"] = before.layer.type, after.layer.type
    else:
        old, new = _arguments(one, before), _arguments(two, after)
        found |= {name: (_plain(old[name]), _plain(new[name])) for name in old if old[name] != new[name]}
    inputs = _paths(one, before), _paths(two, after)
    if inputs[0] != inputs[1]:
        found["inputs"] = inputs
    if before.shape != after.shape:
        found["output"] = shape_text(before.shape), shape_text(after.shape)
    return found


def _arguments(graph: Graph, node: Node) -> dict[str, Any]:
    """Of the layer's PyTorch class, those among them that come from its input."""
    return {**node.layer.inferred(graph.input_shapes(node)), **node.layer.torch_arguments()}


def _paths(graph: Graph, node: Node) -> str:
    return " ".join([graph.nodes[source].path for source in node.inputs])


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


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
