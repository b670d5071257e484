"""A view of a tensor in another shape, as steps that merge neighbouring dimensions and split them."""

from __future__ import annotations

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.imports.views import view_steps
from archlab.torch.importing.recorder import Recorder


def reshape(recorder: Recorder, value: int, result: Tensor) -> None:
    """Bind a result to a value in another shape: no step where they are equal.

    Raises:
        UnsaidError: where the samples do not stay apart.
    """
    if not result.dim() or result.shape[0] != recorder.batch:
        raise UnsaidError("it puts samples and other dimensions together")
    steps = view_steps(tuple(recorder.shape(value)), tuple(result.shape[1:]))
    if not steps:
        recorder.bind(result, value)
    for number, (layer_type, options) in enumerate(steps):
        value = recorder.add(layer_type, options, (value,), result if number == len(steps) - 1 else None)
