"""Layers that changed alike as one line: `17 layers: width x 0.5`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from archlab.analysis.difference import Change

LEAST = 3
"""So many changes are worth a fold."""
MOST_NAMES = 4
"""Layers that are named."""
WIDTHS = frozenset(
    {
        *("in_channels", "out_channels", "groups", "num_features", "in_features", "out_features", "num_channels"),
        *("normalized_shape", "squeeze_channels", "input_channels", "embed_dim", "output"),
    }
)
"""What of a layer is as wide as its values are."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Changes that are alike.

    Attributes:
        what: how, in words.
        changes: of single layers.
    """

    what: str
    changes: tuple[Change, ...]

    @property
    def params(self) -> int:
        """Difference in params of all."""
        return sum([change.params for change in self.changes])

    @property
    def macs(self) -> int:
        """Difference in MACs of all."""
        return sum([change.macs for change in self.changes])

    @property
    def names(self) -> str:
        """The first of them."""
        paths = [change.path for change in self.changes[:MOST_NAMES]]
        more = len(self.changes) - MOST_NAMES
        return ", ".join(paths) + (f" and {more:,} more" if more > 0 else "")


def folded(changes: Sequence[Change]) -> list[Change | Fold]:
    """The changes, those that are alike as one, in the place of the first of them."""
    keys = [_alike(change) for change in changes]
    groups: dict[Any, list[Change]] = {}
    for change, key in zip(changes, keys, strict=True):
        groups.setdefault(key, []).append(change)
    found: list[Change | Fold] = []
    for change, key in zip(changes, keys, strict=True):
        group = groups[key]
        if key is None or len(group) < LEAST:
            found.append(change)
        elif group[0] is change:
            found.append(Fold(_words(key, group), tuple(group)))
    return found


def _alike(change: Change) -> Any:
    """What changes that are alike have in common; None of one that stands by itself."""
    if change.kind != "changed" or not change.details:
        return None
    ratios = {name: _ratios(name, *pair) for name, pair in change.details.items()}
    if all(_is_width(name, ratio) for name, ratio in ratios.items()):
        return "width"
    if change.details.keys() == {"output"} and ratios["output"] and ratios["output"][0] == 1:
        return "size"
    return tuple([(name, ratio or repr(change.details[name])) for name, ratio in ratios.items()])


def _is_width(name: str, ratios: tuple[Fraction, ...]) -> bool:
    """Whether only channels or features are other: of an output the first number."""
    return name in WIDTHS and bool(ratios) and all(ratio == 1 for ratio in ratios[1:])


def _ratios(name: str, before: Any, after: Any) -> tuple[Fraction, ...]:
    """How many times as large each number is; empty for what is no number."""
    if name == "output":
        before, after = (text.split("x") if text.replace("x", "").isdigit() else None for text in (before, after))
    elif not isinstance(before, list):
        before, after = [before], [after]
    if not (isinstance(before, list) and isinstance(after, list)) or len(before) != len(after):
        return ()
    pairs = list(zip(before, after, strict=True))
    if not all(_is_whole(a) and _is_whole(b) and int(a) for a, b in pairs):
        return ()
    return tuple([Fraction(int(b), int(a)) for a, b in pairs])


def _is_whole(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.isdigit())


def _words(key: Any, changes: Sequence[Change]) -> str:
    if key in ("width", "size"):
        ratios = [
            ratio
            for change in changes
            for name, pair in change.details.items()
            for ratio in (_ratios(name, *pair)[:1] if key == "width" else _ratios(name, *pair)[1:])
        ]
        low, high = f"{float(min(ratios)):.3g}", f"{float(max(ratios)):.3g}"
        word = "width" if key == "width" else "map size"
        return f"{word} x {low}" if low == high else f"{word} x {low} to {high}"
    details = changes[0].details
    return ", ".join([_detail(name, changes, *details[name]) for name in details])


def _detail(name: str, changes: Sequence[Change], before: Any, after: Any) -> str:
    if all(change.details[name] == (before, after) for change in changes):
        return f"{name} {value_text(before)} -> {value_text(after)}"
    ratios = _ratios(name, before, after)
    return f"{name} x {'x'.join(f'{float(ratio):.3g}' for ratio in dict.fromkeys(ratios))}"


def value_text(value: object) -> str:
    """An argument's value."""
    if isinstance(value, list):
        return "x".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
