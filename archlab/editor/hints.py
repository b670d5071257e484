"""Numbers behind each item of a config: what comes out, params, MACs, what a unit sees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from archlab.config.expand.visits import Visit
from archlab.diagnostics.place import Place
from archlab.editor.numbers import Numbers
from archlab.editor.parts import PARTS
from archlab.editor.snapshot import Snapshot
from archlab.layers.shape import shape_text
from archlab.report.units import binary, field_text, si

BETWEEN = " · "


class Hint(NamedTuple):
    """Numbers behind a stretch of text.

    Attributes:
        line: from 0.
        column: from 0, behind the last character of the item.
        text: the numbers.
        tooltip: what they are.
    """

    line: int
    column: int
    text: str
    tooltip: str


def hints(snapshot: Snapshot, parts: Sequence[str] = PARTS, lines: tuple[int, int] | None = None) -> list[Hint]:
    """A hint for each item of this text that the network has layers of, in the order of the text.

    An item in a block that is used several times has the range over its uses. While a line cannot be read, those in
    front of it keep their numbers.

    Args:
        snapshot: of the text.
        parts: which numbers.
        lines: the first and the last that are looked at; all of them by default.
    """
    snapshot = snapshot.mended
    first, last = lines or (0, len(snapshot.source.lines))
    uses: dict[int, list[Visit]] = {}
    for visit in snapshot.visits.found:
        place = visit.item.place
        if place.source is snapshot.source and first <= place.line <= last and visit.value is not None:
            uses.setdefault(id(visit.item), []).append(visit)
    peak = _peak_item(snapshot) if "peak" in parts else None
    found = [_hint(visits, snapshot, parts, peak) for visits in uses.values()]
    return sorted([hint for hint in found if hint.text])


def _hint(visits: list[Visit], snapshot: Snapshot, parts: Sequence[str], peak: int | None) -> Hint:
    numbers, place = snapshot.numbers, visits[0].item.place
    line, column = end_of(place)
    told = [text for part in parts if part in _TEXTS for text in _TEXTS[part](numbers, visits)]
    if len(visits) > 1 and told:
        told.append(f"x{len(visits)}")
    if id(visits[0].item) == peak and snapshot.analysis is not None:
        told.append(f"peak {binary(snapshot.analysis.total.memory.inference_peak)}")
    return Hint(line, column, BETWEEN.join(told), _tooltip(visits, numbers))


def end_of(place: Place) -> tuple[int, int]:
    """Where a hint stands: behind an item on one line, else behind its first line."""
    line = place.source.line(place.line)
    column = place.end_column if place.end_line == place.line else len(line.rstrip())
    return place.line, min(column, len(line))


def _range(texts: Iterable[str], before: str = "", behind: str = "") -> list[str]:
    """One text where all are equal, else the first and the last, or how many others there are; none of none.

    Args:
        texts: one for each use.
        before: stands in front of them once.
        behind: stands behind them once.
    """
    found = list(texts)
    if not found:
        return []
    different = set(found)
    if len(different) == 1:
        text = found[0]
    else:
        text = (
            f"{found[0]} ... {found[-1]}" if found[0] != found[-1] else f"{found[0]} ... ({len(different) - 1} others)"
        )
    return [f"{before}{text}{behind}"]


def _shapes(numbers: Numbers, visits: list[Visit]) -> list[str]:
    return _range([shape_text(numbers.nodes[visit.value].shape) for visit in visits if visit.value is not None])


def _params(numbers: Numbers, visits: list[Visit]) -> list[str]:
    values = [numbers.between(visit.start, visit.stop)[0] for visit in visits]
    return _range([si(value) for value in values], behind=" params") if any(values) else []


def _macs(numbers: Numbers, visits: list[Visit]) -> list[str]:
    values = [numbers.between(visit.start, visit.stop)[1] for visit in visits]
    return _range([si(value) for value in values], behind=" MACs") if any(values) else []


def _fields(numbers: Numbers, visits: list[Visit]) -> list[str]:
    found = [numbers.fields[visit.value] for visit in visits if visit.value is not None]
    return _range([field_text(field) for field in found if field is not None and not field.is_nothing], "field ")


_TEXTS = {"shape": _shapes, "params": _params, "macs": _macs, "receptive_field": _fields}


def _tooltip(visits: list[Visit], numbers: Numbers) -> str:
    params, macs = (sum(parts) for parts in zip(*[numbers.between(v.start, v.stop) for v in visits], strict=True))
    layers = sum([visit.stop - visit.start for visit in visits])
    places = f" at {len(visits)} places" if len(visits) > 1 else ""
    return f"{layers:,} layers{places}: {params:,} params, {macs:,} MACs together" if layers else ""


def _peak_item(snapshot: Snapshot) -> int | None:
    """The innermost item whose layer runs at the peak of a forward pass, by identity."""
    if snapshot.analysis is None:
        return None
    path = snapshot.analysis.total.memory.peak_layer
    index = next((node.index for node in snapshot.visits.nodes if node.path == path), None)
    if index is None:
        return None
    around = [visit for visit in snapshot.visits.found if visit.start <= index < visit.stop]
    own = [visit for visit in around if visit.item.place.source is snapshot.source]
    return id(min(own, key=lambda visit: visit.stop - visit.start).item) if own else None
