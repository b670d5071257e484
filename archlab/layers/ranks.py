"""The classes of one and of three axes, made from the class of two that their family writes down.

`Conv2d` stands in its family's file; `Conv1d` and `Conv3d` differ from it in names and in `rank` alone, and are made
when a network uses them.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import new_class
from typing import Any, TypeVar, cast

from archlab.layers.base import Layer

L = TypeVar("L", bound=Layer)

_WORDS = {
    1: {
        "(C, H, W)": "(C, L)",
        "(C, 1, 1)": "(C, 1)",
        "H', W'": "L'",
        "2D": "1D",
        "Height and width": "Length",
        "area": "length",
    },
    3: {"(C, H, W)": "(C, D, H, W)", "(C, 1, 1)": "(C, 1, 1, 1)", "H', W'": "D', H', W'", "2D": "3D", "area": "volume"},
}
"""By number of axes: what docstrings say instead."""

_made: dict[tuple[type[Layer], int], type[Layer]] = {}


def ranked_type(layer_type: str, rank: int) -> str:
    """The type of so many axes: `conv2d` and 3 give `conv3d`."""
    return layer_type.replace("2d", f"{rank}d")


def ranks(layer_type: str, of: Iterable[int] = (1, 2, 3)) -> tuple[str, ...]:
    """The types of a family that has one for each number of axes, by its type of two."""
    return tuple([ranked_type(layer_type, rank) for rank in of])


def of_rank(twin: type[L], rank: int) -> type[L]:
    """The class for maps of `rank` axes, after its family's class for two.

    Args:
        twin: the class of two axes, whose base is the family.
        rank: number of axes.
    """
    if rank == twin.rank:
        return twin
    if (twin, rank) not in _made:
        _made[twin, rank] = _make(twin, rank)
    return cast("type[L]", _made[twin, rank])


def _make(twin: type[Layer], rank: int) -> type[Layer]:
    own = {name: value for name, value in vars(twin).items() if name in twin.__class_vars__}
    own |= {"type": ranked_type(twin.type, rank), "rank": rank}
    if twin.torch_class:
        own["torch_class"] = ranked_type(twin.torch_class, rank)
    namespace: dict[str, Any] = {
        **own,
        "__module__": twin.__module__,
        "__qualname__": ranked_type(twin.__name__, rank),
        "__doc__": _reworded(twin.__doc__ or "", rank),
    }
    return new_class(ranked_type(twin.__name__, rank), twin.__bases__, exec_body=lambda made: made.update(namespace))


def _reworded(text: str, rank: int) -> str:
    for before, after in _WORDS[rank].items():
        text = text.replace(before, after)
    return ranked_type(text, rank)
