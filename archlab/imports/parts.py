"""Rows of a tensor by a name of their own: `attn.in_proj_weight[0:256]`, where one holds those of several layers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_ROWS = re.compile(r"(.+)\[(\d+):(\d+)\]")


def part_name(name: str, start: int, stop: int) -> str:
    """Of the rows from one on to another, which is none of them."""
    return f"{name}[{start}:{stop}]"


def whole_name(name: str) -> str:
    """Of the tensor that a name, or one of its rows, is of."""
    found = _ROWS.fullmatch(name)
    return name if found is None else found[1]


def tensor_of(tensors: Mapping[str, Any], name: str) -> Any:
    """A tensor, or some of its rows, by a name of either."""
    found = _ROWS.fullmatch(name)
    return tensors[name] if found is None else tensors[found[1]][int(found[2]) : int(found[3])]
