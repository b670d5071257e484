"""The report of `archlab receptive-field --projective`: which units of every layer one input position reaches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from archlab.analysis.projective_field.axis_projection import AxisProjection, Bounds, merged
from archlab.analysis.projective_field.unreached import Unreached, unreached
from archlab.analysis.projective_field.ways import Projections
from archlab.analysis.row import Row
from archlab.layers.shape import UNIT_NAMES, map_size, shape_text, size_along
from archlab.report.rows import number
from archlab.report.units import axes_text, by_axis, percent_text, set_text
from archlab.report.viewpoint import input_dict, input_text

if TYPE_CHECKING:
    from archlab.analysis.receptive_field.fields import ReceptiveField
    from archlab.analysis.result import Analysis
    from archlab.graph import Node

NOTES = (
    "Size: how many units of the layer's map, from the first to the last, one input position reaches. Stride: units",
    "from one position to the next. Reached: the units that the position reaches. Coverage: share of the interval that",
    "is really reached. All, none: how many positions along an axis reach every unit, or none. Units are those of the",
    "map: where a receptive field goes on into the padding, a projective field ends; padding that repeats values of",
    "the map is followed. Layers that change nothing are left out.",
)
CONTEXT_NOTES = (
    "+context: through a gate on the way (squeeze-excitation, or a norm over the map) every position scales every",
    "unit, beyond those that it reaches.",
)
ADAPTIVE_NOTES = ("The fields are those of the regular grid; the offsets of deformable convolutions move it.",)


@dataclass(frozen=True)
class ProjectionReport:
    """Everything about the projective field of one input position.

    Attributes:
        analysis: of the network.
        node: the layer whose map is looked at.
        at: the position, along each axis of the input.
    """

    analysis: Analysis
    node: Node
    at: tuple[int, ...]

    @property
    def projections(self) -> Projections:
        """Of all positions to the layer, along each axis."""
        return self.analysis.projections[self.node.index]

    @property
    def reached(self) -> list[list[Bounds]] | None:
        """First and last of each run of units of the layer that it reaches, along each axis; None if none is."""
        return self.reached_at(self.node.index)

    def reached_at(self, index: int) -> list[list[Bounds]] | None:
        """The same of any node."""
        pairs = zip(self.analysis.projections[index], self.at, strict=True)
        found = [projection.reached(at) for projection, at in pairs]
        return found if all(found) else None

    @cached_property
    def unreached(self) -> list[Unreached]:
        """Along each axis, which positions reach no result."""
        graph = self.analysis.graph
        return [unreached(graph, self.analysis.projections, axis) for axis in range(len(self.at))]

    def to_dict(self) -> Row:
        """The JSON object."""
        graph, batch = self.analysis.graph, self.analysis.batch
        results = [(label, graph.nodes[index]) for label, index in graph.outputs]
        return {
            "name": graph.name,
            "variant": graph.variant,
            "input": input_dict(self.analysis),
            "layer": self.node.path,
            "at": list(self.at),
            **self._entries(self.node),
            "unreached": [_lists(found.positions) for found in self.unreached],
            "unreached_at": [found.cut_at for found in self.unreached],
            "layers": [
                {
                    "path": layer.node.path,
                    "type": layer.node.layer.type,
                    "output_shape": [batch, *layer.node.shape],
                    **self._entries(layer.node),
                }
                for layer in self.analysis.layers
            ],
            "outputs": [
                {"name": label, "path": node.path, "shape": [batch, *node.shape], **self._entries(node)}
                for label, node in results
            ],
        }

    def _entries(self, node: Node) -> Row:
        """What JSON says of a node's field."""
        seen, reached = self._receptive_field(node), self.reached_at(node.index)
        return {
            "projective_field": {
                **self._numbers.of(self.analysis.projections[node.index]),
                "global": seen.is_global,
                **({"unknown": True} if seen.unknown else {}),
                "context": "global" if seen.context else None,
                "adaptive": seen.adaptive,
            },
            "reached": None if reached is None else [_lists(runs) for runs in reached],
        }

    @cached_property
    def _numbers(self) -> _Numbers:
        return _Numbers()

    def _receptive_field(self, node: Node) -> ReceptiveField:
        return self.analysis.layers[node.index - 1].receptive_field

    def rows(self) -> list[Row]:
        """A flat row for each layer that changes the field, for the results that are maps, and for the chosen layer."""
        return [self._row(node) for node in self._shown]

    @cached_property
    def _shown(self) -> list[Node]:
        return [layer.node for layer in self.analysis.layers if self._is_shown(layer.node)]

    @cached_property
    def _results(self) -> frozenset[int]:
        return frozenset([index for _, index in self.analysis.graph.outputs])

    def _is_shown(self, node: Node) -> bool:
        if node is self.node:
            return True
        seen = self._receptive_field(node)
        if map_size(node.shape) is None or seen.is_global or seen.is_nothing:
            return False
        return node.index in self._results or all(at == 0 or self._differs(node, at) for at in node.inputs)

    def _differs(self, node: Node, source: int) -> bool:
        """Whether a node's field is another than that of one of its inputs."""
        before = self.analysis.graph.nodes[source]
        if _marks(self._receptive_field(node)) != _marks(self._receptive_field(before)):
            return True
        pairs = zip(self.analysis.projections[node.index], self.analysis.projections[source], strict=True)
        return not all(self._numbers.are_equal(one, other) for one, other in pairs)

    def _row(self, node: Node) -> Row:
        field = self._numbers.of(self.analysis.projections[node.index])
        return {
            "layer": node.path,
            "type": node.layer.type,
            "output": shape_text(node.shape),
            "size": axes_text([set_text(sizes) for sizes in field["sizes"]]),
            "stride": axes_text(field["stride"]),
            "reached": reached_text(self.reached_at(node.index)),
            "coverage": axes_text([percent_text(share) for share in field["coverage"]]),
            "all": axes_text(field["all"]),
            "none": axes_text(field["none"]),
            "marks": " ".join(_marks(self._receptive_field(node))),
        }

    @property
    def at_text(self) -> str:
        """`position 112,112`."""
        return f"position {','.join(map(str, self.at))}"

    def title(self) -> str:
        """Name, input and position."""
        return f"{self.analysis.graph.name}: {input_text(self.analysis)}, {self.at_text}"

    def sentences(self) -> list[str]:
        """What the position reaches of the layer, and which positions reach no result."""
        return [self.reach_text(), *self.unreached_texts()]

    def reach_text(self) -> str:
        """`position 112,112 reaches 7 x 7 of the 7 x 7 units of layer4.2.relu3`."""
        reached, size = self.reached, size_along(self.node.shape, len(self.at))
        if reached is None:
            return f"{self.at_text} reaches no unit of {self.node.path}"
        if size is None:
            return f"{self.at_text} reaches {self.node.path}"
        counts = [_count(runs) for runs in reached]
        own, whole = (" x ".join(map(str, values)) for values in (counts, size))
        most = "at most " if self._receptive_field(self.node).unknown else ""
        return f"{self.at_text} reaches {most}{own} of the {whole} units of {self.node.path}"

    def unreached_texts(self) -> list[str]:
        """`no result is reached by rows 221-223 and columns 221-223: left out by conv2`."""
        words = UNIT_NAMES[len(self.at)]
        found: dict[tuple[str, ...], list[str]] = {}
        for word, one in zip(words, self.unreached, strict=True):
            if one.positions:
                found.setdefault(tuple(one.cut_at), []).append(positions_text(word, one.positions))
        if not found:
            return ["every input position reaches a result"]
        graph = self.analysis.graph
        gates = any(self._receptive_field(graph.nodes[index]).context for _, index in graph.outputs if index)
        beside = " but through a gate" if gates else ""
        return [f"no result{beside} is reached by {' and '.join(texts)}{_blamed(at)}" for at, texts in found.items()]

    def notes(self) -> tuple[str, ...]:
        """What the numbers mean."""
        seen = [self._receptive_field(node) for node in self._shown]
        context = CONTEXT_NOTES if any(field.context for field in seen) else ()
        return NOTES + context + (ADAPTIVE_NOTES if any(field.adaptive for field in seen) else ())


class _Numbers:
    """What is told of projections, worked out once for each axis that layers share."""

    def __init__(self) -> None:
        self._known: dict[int, Row] = {}

    def of(self, projections: Projections) -> Row:
        """A projective field as lists with a value for each axis."""
        axes = [self._of_axis(one) for one in projections]
        return {name: [axis[name] for axis in axes] for name in axes[0]}

    def are_equal(self, one: AxisProjection, other: AxisProjection) -> bool:
        """Whether each position reaches the same units of both maps."""
        if one is other:
            return True
        if one.units != other.units or self._of_axis(one) != self._of_axis(other):
            return False
        runs = [merged(source.between(0, source.positions)) for source in (one, other)]
        return runs[0] == runs[1]

    def _of_axis(self, axis: AxisProjection) -> Row:
        found = self._known.get(id(axis))
        if found is None:
            counts, stride = axis.counts(), _stride(axis)
            found = self._known[id(axis)] = {
                "size": max(counts),
                "sizes": [*counts],
                "counts": [*counts.values()],
                "stride": None if stride is None else number(stride),
                "coverage": axis.coverage,
                "all": axis.reaching_all,
                "none": axis.unreaching_count,
            }
        return found


def _stride(projection: AxisProjection) -> Fraction | None:
    """None where there is no further unit to reach."""
    return None if projection.units == 1 else projection.stride


def _marks(field: ReceptiveField) -> list[str]:
    marks = (("+context", field.context), ("adaptive", field.adaptive), ("at most", field.unknown))
    return [mark for mark, applies in marks if applies]


def _lists(runs: Iterable[Bounds]) -> list[list[int]]:
    return [list(run) for run in runs]


def _count(runs: Iterable[Sequence[int]]) -> int:
    return sum([last - first + 1 for first, last in runs])


def _blamed(cut_at: Sequence[str]) -> str:
    if not cut_at:
        return ""
    more = f" and {len(cut_at) - 2} more" if len(cut_at) > 2 else ""
    return f": left out by {', '.join(cut_at[:2]) if more else ' and '.join(cut_at)}{more}"


def reached_text(reached: list[list[Bounds]] | None) -> str:
    """`53-59`, `0, 2, 4 x 12-14`; `none`."""
    return "none" if reached is None else by_axis(map(runs_text, reached), " x ")


def runs_text(runs: list[Bounds]) -> str:
    """`53-59`, `0, 2, 4`; `12-100 (45 of 89)` of many."""
    first, last = runs[0][0], runs[-1][1]
    if len(runs) > 3:
        return f"{first}-{last} ({_count(runs)} of {last - first + 1})"
    return ", ".join([str(start) if start == end else f"{start}-{end}" for start, end in runs])


def positions_text(word: str, runs: list[Bounds]) -> str:
    """`row 223`, `rows 221-223`, `112 rows (1, 3, 5, ...)`.

    Args:
        word: rows, columns, ...
        runs: of positions; at least one.
    """
    count = _count(runs)
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    if count == 1:
        return f"{word.removesuffix('s')} {texts[0]}"
    return f"{word} {', '.join(texts)}" if len(runs) <= 3 else f"{count:,} {word} ({', '.join(texts[:3])}, ...)"
