"""Calls without any input among their arguments: what a network makes of constants and weights alone, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from archlab.imports.flat import Scope
from archlab.torch.importing.learned import function_word
from archlab.torch.importing.recorder import Recorder, tensors_in, version_of

MOST_ELEMENTS = 1 << 24
"""Of a tensor that is computed once more for its values."""
FOR_ITS_KIND = frozenset({"type_as", "to"})
"""Functions that take their further tensors for their kind alone."""
_IN_PLACE = frozenset({"iadd", "isub", "imul", "itruediv", "setitem", "copy", "fill", "zero"})

_OF_NUMBERS: dict[str, Callable[..., Any]] = {"add": torch.add, "sub": torch.sub, "mul": torch.mul}
"""What functions that write over a tensor compute."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call without any input.

    Attributes:
        func: the function.
        args: by place.
        kwargs: by name.
        number: which of its results a tensor is.
        running: the modules that ran, with their scopes.
    """

    func: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    number: int
    running: tuple[tuple[nn.Module, Scope], ...]

    @property
    def word(self) -> str:
        """The function's bare name."""
        return function_word(self.func)


class Origins:
    """The calls of a pass that no input went into.

    Args:
        recorder: what else has been called.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._calls: dict[int, Call] = {}
        self._versions: dict[int, int] = {}
        """`id` of results to how often they had been written to by then."""
        self._kept: list[Tensor] = []
        """Results, lest their `id` be given to others."""

    def learn(
        self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], outputs: Sequence[Tensor]
    ) -> None:
        """Note a call; what it writes over is not known any more."""
        given = {id(one) for one in tensors_in((args, kwargs))}
        name = getattr(func, "__name__", "")
        written = function_word(func) in _IN_PLACE or (name.endswith("_") and not name.endswith("__"))
        running = tuple(self._recorder.running)
        for number, output in enumerate(outputs):
            if kwargs.get("inplace") is True and args and args[0] is output:
                self._replaced(output, Call(func, args, {**kwargs, "inplace": False}, 0, running))
            elif written:
                self._written(output, Call(func, args, kwargs, 0, running))
            elif id(output) not in given:  # else it is what it was
                self._note(output, Call(func, args, kwargs, number, running))

    def _written(self, output: Tensor, call: Call) -> None:
        """What a tensor holds that was written over: what it held, and a number; else it is not known any more."""
        function = _OF_NUMBERS.get(call.word.removeprefix("i"))
        is_number = len(call.args) == 2 and isinstance(call.args[1], int | float) and not call.kwargs
        if function is None or not is_number or call.args[0] is not output:
            self._calls.pop(id(output), None)
        else:
            self._replaced(output, replace(call, func=function))

    def _replaced(self, output: Tensor, call: Call) -> None:
        """A tensor holds what a function makes of what it held, where that is known."""
        before = self._calls.pop(id(output), None)
        if before is None or self._versions[id(output)] != version_of(output) - 1:  # it was written to before this
            return
        held = torch.empty_like(output, device="meta")
        if self._recorder.made_of(output):
            self._recorder.derive(held, self._recorder.made_of(output))
        self._note(held, before)
        self._note(output, replace(call, args=(held, *call.args[1:])))

    def _note(self, tensor: Tensor, call: Call) -> None:
        self._calls[id(tensor)], self._versions[id(tensor)] = call, version_of(tensor)
        self._kept.append(tensor)

    def call(self, tensor: object) -> Call | None:
        """That a tensor is the result of; None where that is not known, or it was written to since through a view."""
        if not isinstance(tensor, Tensor) or self._versions.get(id(tensor)) != version_of(tensor):
            return None
        return self._calls.get(id(tensor))

    def values(self, tensor: Tensor) -> Tensor | None:
        """What a tensor holds that no weights went into; None where that is not known."""
        try:
            return self._valued(tensor, {})
        except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
            return None

    def _valued(self, tensor: Tensor, known: dict[int, Tensor | None]) -> Tensor | None:
        if id(tensor) in known:
            return known[id(tensor)]
        call, made = self.call(tensor), None
        if not tensor.is_meta:
            made = tensor
        elif call is None or self._recorder.tensor_name(tensor) is not None or tensor.numel() > MOST_ELEMENTS:
            pass
        elif call.word in FOR_ITS_KIND and isinstance(call.args[0], Tensor):
            source = self._valued(call.args[0], known)
            made = None if source is None else source.to(tensor.dtype)
        else:
            given = [self._valued(one, known) for one in tensors_in((call.args, call.kwargs))]
            if all(one is not None for one in given):
                found = call.func(*self._at_hand(call.args, known), **self._at_hand(call.kwargs, known))
                made = [*tensors_in(found)][call.number]
        known[id(tensor)] = made
        return made

    def _at_hand(self, given: Any, known: Mapping[int, Tensor | None]) -> Any:
        """Arguments on the CPU, with values."""
        if isinstance(given, Tensor):
            return known[id(given)]
        if isinstance(given, torch.device):
            return torch.device("cpu")
        if isinstance(given, Mapping):
            return {name: "cpu" if name == "device" else self._at_hand(one, known) for name, one in given.items()}
        if isinstance(given, tuple | list):
            found = [self._at_hand(one, known) for one in given]
            return tuple(found) if isinstance(given, tuple) else found
        return given
