"""A value in another shape, as steps that merge neighbouring dimensions and split them."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from archlab.imports.unsaid import UnsaidError

Sizes = tuple[int, ...]
Step = tuple[str, Mapping[str, Any]]
"""A layer type and its options."""


def view_steps(before: Sizes, behind: Sizes) -> list[Step]:
    """The layers that make one shape another, both without the batch; none where they are equal.

    Raises:
        UnsaidError: where the elements are not as many.
    """
    dim, steps = 1, list[Step]()
    found = groups(before, behind)
    for number, (merged, split) in enumerate(found):
        if merged == split:
            dim += len(split)
            continue
        if len(merged) > 1:
            is_last = number == len(found) - 1
            steps.append(("flatten", {"start_dim": dim, "end_dim": -1 if is_last else dim + len(merged) - 1}))
        if len(split) != 1 or not merged:
            steps.append(("unflatten", {"dim": dim, "unflattened_size": split}))
        dim += len(split)
    return steps


def groups(before: Sizes, behind: Sizes) -> list[tuple[Sizes, Sizes]]:
    """Runs of dimensions on both sides that have as many elements, each as short as may be.

    Sizes of 1 go with the run in front of them; at the beginning with the first.

    Raises:
        UnsaidError: where the elements are not as many.
    """
    found: list[tuple[Sizes, Sizes]] = []
    i = j = 0
    while i < len(before) or j < len(behind):
        left, right = before[i : i + 1], behind[j : j + 1]
        i, j = i + 1, j + 1
        while prod(left) != prod(right) or not left or not right:
            if (prod(left) < prod(right) or not left) and i < len(before):
                left, i = (*left, before[i]), i + 1
            elif j < len(behind):
                right, j = (*right, behind[j]), j + 1
            else:
                raise UnsaidError(f"{before} cannot be seen as {behind}")
        while i < len(before) and before[i] == 1 and not (j < len(behind) and behind[j] == 1):
            left, i = (*left, 1), i + 1
        while j < len(behind) and behind[j] == 1 and not (i < len(before) and before[i] == 1):
            right, j = (*right, 1), j + 1
        found.append((left, right))
    return found
