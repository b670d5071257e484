"""The composites of a pass: tried before the rules for single functions, and given up where they lead nowhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.composites.assigned import assigned
from archlab.torch.importing.composites.folds import Folds
from archlab.torch.importing.composites.stacks import Stacks
from archlab.torch.importing.composites.tokens import Tokens
from archlab.torch.importing.recorder import Recorder, tensors_in

Plain = Callable[[Callable[..., Any], Sequence[Any], Mapping[str, Any], Any], None]
"""Notes a call by the rules for single functions."""


@dataclass(frozen=True, slots=True)
class _Noted:
    """A call whose result is folded."""

    func: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any


class Composites:
    """Attention, windows, class tokens and position embeddings.

    Attributes:
        reason: why the last call that looked like a part of one is none; empty where there was none such.

    Args:
        recorder: what else has been called.
        plain: notes a call that is no part of one.
        said: notes a call, or says by `UnsaidError` why it is no layer.
    """

    def __init__(self, recorder: Recorder, plain: Plain, said: Plain) -> None:
        self._recorder, self._plain = recorder, plain
        self.reason = ""
        self._folds, self._tokens, self._stacks = Folds(recorder, said), Tokens(recorder), Stacks(recorder)
        self._noted: dict[int, _Noted] = {}
        """`id` of folded tensors to the calls that they are results of."""

    def holds(self, given: object) -> bool:
        """Whether a tensor among arguments is folded."""
        return self._folds.holds(given) or self._stacks.holds(given)

    def learn(self, func: Callable[..., Any], args: Sequence[Any], result: Any) -> None:
        """Look at a call without any input."""
        self._tokens.learn(func, args, result)

    def note(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Whether a call is part of a composite, or is noted otherwise since it meets folded tensors."""
        before, self.reason = len(self._recorder.items), ""
        try:
            is_noted = any(part.note(func, args, kwargs, result) for part in (self._stacks, self._folds, self._tokens))
        except UnsaidError as error:
            self._recorder.drop(before)
            self.reason = str(error)
            is_noted = self.holds((args, kwargs)) and self._unfolded(func, args, kwargs, result)
        if is_noted:
            self._remember(func, args, kwargs, result)
        return is_noted

    def fold(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Whether a call that no rule knows only moves elements; what it gives is folded then."""
        before = len(self._recorder.items)
        try:
            is_folded = not self._unfolding and self._folds.fold(func, args, kwargs, result)
        except (UnsaidError, RuntimeError, IndexError):
            self._recorder.drop(before)
            return False
        if is_folded:
            self._remember(func, args, kwargs, result)
        return is_folded

    def _remember(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
        noted, given = _Noted(func, args, kwargs, result), {id(one) for one in tensors_in((args, kwargs))}
        made = [one for one in tensors_in(result) if self.holds(one) and id(one) not in given]
        self._noted.update({id(one): noted for one in made})

    _unfolding = False

    def _unfolded(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Note what led to folded tensors by the rules for single functions; whether a call of them is noted then."""
        self.unfold((args, kwargs))
        return self.holds((args, kwargs)) and self._apart(func, args, kwargs, result)

    def _apart(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        before = len(self._recorder.items)
        try:
            with self._recorder.marking():
                return self._folds.apart(func, args, kwargs, result)
        except (UnsaidError, RuntimeError, TypeError):
            self._recorder.drop(before)
            return False

    def unfold(self, given: object) -> None:
        """Note the calls that led to folded tensors by the rules for single functions, as far as samples stay apart."""
        for tensor in tensors_in(given):
            if self.holds(tensor) and not self._settled(tensor):
                self._unfold(tensor)

    def _settled(self, tensor: Tensor) -> bool:
        before = len(self._recorder.items)
        try:
            with self._recorder.marking():
                return self._folds.settled(tensor)
        except UnsaidError:
            self._recorder.drop(before)
            return False

    def _unfold(self, tensor: Tensor) -> None:
        noted = self._noted.get(id(tensor))
        if noted is None:
            return
        self.unfold((noted.args, noted.kwargs))
        if self.holds((noted.args, noted.kwargs)):
            if self._folds.is_open(tensor):
                self._apart(noted.func, noted.args, noted.kwargs, noted.result)
        elif self._keeps_samples(tensor) and self._recorder.values_in((noted.args, noted.kwargs)):
            for one in tensors_in(noted.result):
                self._folds.release(one)
            self._unfolding = True
            self._plain(noted.func, noted.args, noted.kwargs, noted.result)
            self._unfolding = False

    def _keeps_samples(self, tensor: Tensor) -> bool:
        return tensor.dim() > 1 and tensor.shape[0] == self._recorder.batch

    def assigned(self, tensor: Tensor, index: Any, given: Any) -> None:
        """Note that a tensor's last rows and columns were written over, as `scores[..., 1:, 1:] = values`."""
        before = len(self._recorder.items)
        if not isinstance(given, Tensor):
            return
        self.unfold((tensor, given))
        if self.holds((tensor, given)):
            return
        for of_marks in (nullcontext, self._recorder.marking):
            try:
                with of_marks():
                    value = assigned(self._recorder, tensor, index, given)
            except UnsaidError:
                self._recorder.drop(before)
            else:
                self._recorder.bind(tensor, value)
                return

    def release(self, tensor: Tensor) -> None:
        """A tensor is not folded: a module gives it that is one item."""
        self._folds.release(tensor)

    def mark(self) -> int:
        """How many tensors have been folded."""
        return self._folds.count()

    def ended(self, mark: int, kept: object) -> None:
        """A module ended: what was folded in it is no more, but for what it gives and what that was made of."""
        found, waiting = dict[int, Tensor](), list(tensors_in(kept))
        while waiting:
            tensor = waiting.pop()
            noted = self._noted.get(id(tensor))
            if id(tensor) not in found and noted is not None:
                waiting += tensors_in((noted.args, noted.kwargs))
            found[id(tensor)] = tensor
        self._folds.forget(mark, list(found.values()))
