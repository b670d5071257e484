"""Sums and means of several values that are stacked along a further dimension in front of the samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from archlab.torch.importing.learned import function_word
from archlab.torch.importing.recorder import Recorder, tensors_in


class Stacks:
    """Values stacked in front of the samples, until they are summed up.

    Args:
        recorder: what else has been called.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._stacked: dict[int, tuple[Tensor, ...]] = {}
        """`id` of stacks to what they are of."""
        self._kept: list[Tensor] = []

    def holds(self, given: object) -> bool:
        """Whether a stack is among arguments."""
        return bool(self._stacked) and any(id(one) in self._stacked for one in tensors_in(given))

    def note(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Whether a call is `stack(values)` or a sum or mean of those along their further dimension.

        Raises:
            UnsaidError: if the values have several shapes.
        """
        word = function_word(func)
        dim = args[1] if len(args) > 1 else kwargs.get("dim")
        if word == "stack" and dim in (None, 0):
            tensors = args[0] if args else kwargs["tensors"]
            if all(self._recorder.value(one) is not None for one in tensors):
                self._stacked[id(result)] = tuple(tensors)
                self._kept.append(result)
                return True
        if word not in ("sum", "mean") or not args or id(args[0]) not in self._stacked:
            return False
        if dim not in (0, (0,), [0]) or result.dim() != args[0].dim() - 1:
            return False
        values = [value for one in self._stacked[id(args[0])] if (value := self._recorder.value(one)) is not None]
        if word == "sum":
            self._recorder.add("add", {}, values, result)
        else:
            total = self._recorder.add("add", {}, values) if len(values) > 1 else values[0]
            self._recorder.add("scale", {"factor": 1 / len(values)}, (total,), result)
        return True
