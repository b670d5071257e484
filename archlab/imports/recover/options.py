"""Options of the layers of one slot, call by call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archlab.imports.recover.columns import GAP
from archlab.imports.recover.facts import default_of, layer_class
from archlab.imports.recover.forms import LayerForm

Rows = Sequence[LayerForm | None]
"""The layer in each call; None where there is none."""


def option_columns(rows: Rows) -> dict[str, list[Any]]:
    """The values of each option that some call gives, in the order of the fields; `auto` for paddings that are."""
    given = [row for row in rows if row is not None]
    names = list(dict.fromkeys([name for row in given for name in row.options]))
    columns = {name: [GAP if row is None else _option(row, name) for row in rows] for name in names}
    if "padding" in columns and _varies(columns["padding"]) and _is_auto(rows):
        columns["padding"] = [GAP if row is None else "auto" for row in rows]
    return {name: columns[name] for name in _in_order(given[0].type, names)}


def _option(row: LayerForm, name: str) -> Any:
    """An option as written or defaulted."""
    if name in row.options:
        return row.options[name]
    if name == "bias" and "norm" in row.options:
        return False
    return default_of(row.type, name)


def _varies(column: Sequence[Any]) -> bool:
    return len({repr(value) for value in column if value is not GAP}) > 1


def _is_auto(rows: Sequence[LayerForm | None]) -> bool:
    """Whether every padding is what `auto` means."""
    for row in rows:
        if row is None:
            continue
        cls = layer_class(row.type)
        if cls is None or not row.type.startswith("conv") or "transpose" in row.type:
            return False
        kernel, dilation, padding = (
            _listed(_option(row, name), cls.rank) for name in ("kernel_size", "dilation", "padding")
        )
        if padding != [step * (size - 1) // 2 for size, step in zip(kernel, dilation, strict=True)]:
            return False
    return True


def _listed(value: Any, rank: int) -> list[Any]:
    return list(value) if isinstance(value, list) else [value] * rank


def _in_order(layer_type: str, names: Sequence[str]) -> list[str]:
    """Options in the order of the layer's fields, what is attached behind them."""
    cls = layer_class(layer_type)
    if cls is None:
        return list(names)
    fields = list(cls.model_fields)
    return sorted(names, key=lambda name: fields.index(name) if name in fields else len(fields) + (name != "norm"))
