"""What is shown where the pointer rests: a layer's formulas with its numbers, an option's meaning, a param's value."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from archlab.config.expand.visits import Visit
from archlab.config.schema import layer_schema
from archlab.config.syntax.yaml_nodes import Mapping, Scalar
from archlab.diagnostics.place import Place
from archlab.diagnostics.problem import ConfigError
from archlab.diagnostics.words import counted
from archlab.editor.numbers import Numbers
from archlab.editor.snapshot import Snapshot
from archlab.editor.tree import holds, item_at, tree_of
from archlab.explain.layer import explain_layer
from archlab.explain.markdown import explanation_markdown
from archlab.layers import find_layer
from archlab.layers.shape import shape_text
from archlab.report.units import field_text

MOST_LAYERS = 12
"""Rows of a table of the layers that came of an item."""


class Hover(NamedTuple):
    """Markdown, and what it is about."""

    text: str
    place: Place


def hover(snapshot: Snapshot, line: int, column: int) -> Hover | None:
    """What is known of the item, or of the option, at a position; None of nothing there."""
    root = tree_of(snapshot.source)
    item = None if root is None else item_at(root, line, column)
    if item is None:
        return None
    key = next((key for key, place in item.keys.items() if holds(place, line, column)), None)
    described = None if key in (None, "type", "use", "share") else _option(item, str(key))
    if described is not None and key is not None:
        return Hover(described, item.keys[key])
    text = _numbers(snapshot, item)
    return None if text is None else Hover(text, item.place)


def _option(item: Mapping, key: str) -> str | None:
    """An option of a layer: what it means, and its default."""
    kind = item.entries.get("type")
    cls = find_layer(kind.text) if isinstance(kind, Scalar) else None
    option = None if cls is None else layer_schema(cls)["properties"].get(key)
    if not option:
        return None
    default = f" Default: `{option['default']}`." if option.get("default") is not None else ""
    described = str(option.get("description", "")).rstrip(".")
    return f"**{key}**{f': {described}.' if described else ''}{default}"


def _numbers(snapshot: Snapshot, item: Mapping) -> str | None:
    """What the layers of an item cost and see, and the formulas of the first use where it is one layer."""
    visits = [visit for visit in snapshot.visits.found if _is(visit, item) and visit.value is not None]
    if not visits:
        return None
    parts = [_summary(snapshot.numbers, visits), _table(snapshot.numbers, visits[0])]
    node = snapshot.numbers.nodes[visits[0].start] if visits[0].stop > visits[0].start else None
    if snapshot.analysis is not None and node is not None and _is_layer(item):
        with suppress(ConfigError):  # where it was pruned
            parts.append(explanation_markdown(explain_layer(snapshot.analysis, node.path)))
    return "\n\n".join(parts)


def _is(visit: Visit, item: Mapping) -> bool:
    # the tree was read anew, so that places tell which is which
    return visit.item.place[1:] == item.place[1:]


def _is_layer(item: Mapping) -> bool:
    kind = item.entries.get("type")
    return isinstance(kind, Scalar) and find_layer(kind.text) is not None


def _summary(numbers: Numbers, visits: list[Visit]) -> str:
    sums = [numbers.between(visit.start, visit.stop) for visit in visits]
    params, macs = sum([one for one, _ in sums]), sum([one for _, one in sums])
    places = f" at {counted(len(visits), 'place')}" if len(visits) > 1 else ""
    return f"**{params:,}** params, **{macs:,}** MACs{places}"


def _table(numbers: Numbers, visit: Visit) -> str:
    rows = ["| layer | output | params | MACs | receptive field |", "| --- | --- | ---: | ---: | --- |"]
    for index in range(visit.start, min(visit.stop, visit.start + MOST_LAYERS)):
        node, field = numbers.nodes[index], numbers.fields[index]
        params, macs = numbers.between(index, index + 1)
        seen = "" if field is None else field_text(field)
        rows.append(f"| `{node.path}` | {shape_text(node.shape)} | {params:,} | {macs:,} | {seen} |")
    more = visit.stop - visit.start - MOST_LAYERS
    return "\n".join([*rows, *([f"\nand {counted(more, 'layer')} more"] if more > 0 else [])])
