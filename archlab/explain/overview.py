"""Without a layer: which kinds of layers a network has, one to look at of each, and how to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archlab.analysis.result import Analysis
from archlab.layers.describe import describe
from archlab.layers.shape import shape_text


@dataclass(frozen=True, slots=True)
class KindOfLayer:
    """Layers with the same options."""

    what: str
    paths: list[str]
    """In order."""
    output: str
    """Shape of the first."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A network's layers by kind."""

    analysis: Analysis
    kinds: list[KindOfLayer]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.analysis.graph.name,
            "kinds": [{"what": kind.what, "output": kind.output, "paths": kind.paths} for kind in self.kinds],
        }


def overview(analysis: Analysis) -> Overview:
    """The kinds, in the order in which they first occur."""
    found: dict[str, KindOfLayer] = {}
    for report in analysis.layers[len(analysis.graph.inputs) - 1 :]:
        what = describe(report.node.layer)
        kind = found.setdefault(what, KindOfLayer(what, [], shape_text(report.node.shape)))
        kind.paths.append(report.node.path)
    return Overview(analysis, list(found.values()))
