"""Params of the file: the number of classes, and norms and activations that stand in many lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from archlab.imports.recover.block import Entry
from archlab.imports.recover.network import Written
from archlab.layers.shape import Shape

_OFTEN = 3
"""Lines in which a mapping stands that becomes a param."""


def file_params(written: Written, result: Shape) -> dict[str, Any]:
    """Params that the file gets, put in where they are meant.

    Args:
        written: the network.
        result: the shape of its first result.
    """
    params: dict[str, Any] = {}
    taken = {param.name for part in written.blocks for param in part.block.columns.params}
    _classes(written, params, taken, result)
    for key in ("norm", "activation"):
        _attached(written, key, params, taken)
    return params


def _classes(written: Written, params: dict[str, Any], taken: set[str], result: Shape) -> None:
    """The last layer's features."""
    weighted = [entry for entry in written.layers.entries if "out_features" in entry or "out_channels" in entry]
    if written.layers.outputs or not weighted or "num_classes" in taken:
        return
    last = weighted[-1]
    key = "out_features" if "out_features" in last else "out_channels"
    is_result = isinstance(last[key], int) and (last[key],) == tuple(result)
    if is_result and "use" not in last and "repeat" not in last:
        params["num_classes"] = last[key]
        last[key] = "$num_classes"


def _attached(written: Written, key: str, params: dict[str, Any], taken: set[str]) -> None:
    """A norm or an activation with options that stands in several lines."""
    places = [holder for holder in _holders(written) if isinstance(holder.get(key), dict)]
    counts = Counter([repr(holder[key]) for holder in places])
    if not counts or key in taken:
        return
    text, count = counts.most_common(1)[0]
    if count < _OFTEN:
        return
    for holder in places:
        if repr(holder[key]) == text:
            params[key] = holder[key]
            holder[key] = f"${key}"


def _holders(written: Written) -> Iterator[Entry]:
    for entries in (*[part.block.entries for part in written.blocks], written.layers.entries):
        yield from _entries(entries)


def _entries(entries: Sequence[Entry]) -> Iterator[Entry]:
    for entry in entries:
        if "use" not in entry:
            yield entry
        for key in ("body", "shortcut"):
            if isinstance(entry.get(key), list):
                yield from _entries(entry[key])
        for path in entry.get("paths", ()):
            yield from _entries(path)
