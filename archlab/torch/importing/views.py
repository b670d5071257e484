"""A view of a tensor in another shape, as steps that merge neighbouring dimensions and split them."""

from __future__ import annotations

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.recorder import Recorder

Sizes = tuple[int, ...]


def reshape(recorder: Recorder, value: int, result: Tensor) -> None:
    """Bind a result to a value in another shape: no step where they are equal.

    Raises:
        UnsaidError: where the samples do not stay apart.
    """
    if not result.dim() or result.shape[0] != recorder.batch:
        raise UnsaidError("it puts samples and other dimensions together")
    before, behind = tuple(recorder.shape(value)), tuple(result.shape[1:])
    if before == behind:
        recorder.bind(result, value)
        return
    dim = 1
    steps: list[tuple[str, dict[str, object]]] = []
    for merged, split in groups(before, behind):
        if merged == split:
            dim += len(split)
            continue
        if len(merged) > 1:
            steps.append(("flatten", {"start_dim": dim, "end_dim": dim + len(merged) - 1}))
        if len(split) != 1 or not merged:
            steps.append(("unflatten", {"dim": dim, "unflattened_size": split}))
        dim += len(split)
    for number, (layer_type, options) in enumerate(steps):
        value = recorder.add(layer_type, options, (value,), result if number == len(steps) - 1 else None)


def groups(before: Sizes, behind: Sizes) -> list[tuple[Sizes, Sizes]]:
    """Runs of dimensions on both sides that have as many elements, each as short as may be.

    Sizes of 1 go with the run in front of them; at the beginning with the first.
    """
    found: list[tuple[Sizes, Sizes]] = []
    i = j = 0
    while i < len(before) or j < len(behind):
        left, right = before[i : i + 1], behind[j : j + 1]
        i, j = i + 1, j + 1
        while _product(left) != _product(right) or not left or not right:
            if (_product(left) < _product(right) or not left) and i < len(before):
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


def _product(sizes: Sizes) -> int:
    number = 1
    for size in sizes:
        number *= size
    return number
