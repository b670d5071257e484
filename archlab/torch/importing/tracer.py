"""One forward pass of a model, watched: each call of a known module or function becomes an item.

Modules are seen by hooks, functions by `torch.overrides.TorchFunctionMode`. What is known is said by tables: the layer
classes themselves (`modules`), and rules for functions (`functions`). What is not becomes an opaque item (`opaque`):
nothing that computes is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.imports.flat import Scope
from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.callables import function_name, named_arguments
from archlab.torch.importing.composites.composites import Composites
from archlab.torch.importing.einsum import product_of
from archlab.torch.importing.functions import rule_of
from archlab.torch.importing.learned import function_word, learn
from archlab.torch.importing.modules import Match, known_module
from archlab.torch.importing.opaque import Unknown, Work, add_opaque, keeps_samples, own_tensors, work_of
from archlab.torch.importing.origins import FOR_ITS_KIND, Origins
from archlab.torch.importing.position_networks import PositionNetworks
from archlab.torch.importing.recorder import Recorder, tensors_in
from archlab.torch.importing.rules.arguments import MISFIT
from archlab.torch.importing.sourced import Sourced
from archlab.torch.importing.valueless import shaped

BATCH = 5
"""Samples in the pass: a size that no network is likely to have beside."""
_CONSTANTS = frozenset(
    {f"new_{word}" for word in ("zeros", "ones", "full", "empty", "tensor")}
    | {f"{word}_like" for word in ("zeros", "ones", "full", "empty")}
)
"""Functions that take a tensor for its size and kind alone."""
_PRODUCTS = frozenset({"linear", "conv1d", "conv2d", "conv3d", "matmul", "bmm", "mm", "einsum", "addmm"})


LOOKING = (
    *("item", "tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__contains__"),
    *("nonzero", "argwhere", "equal", "allclose", "masked_select", "unique"),
)
"""Functions that tell what a value holds, or whose shape depends on it."""


@dataclass
class Call:
    """A module while it runs.

    Attributes:
        module: it.
        scope: of what is called in it.
        start: how many items there were when it began.
        seen: how many tensors were bound by then.
        inputs: values that enter, by number.
        known: what it is as a layer; None where its inside is looked at.
        reasons: why what was called in it cannot be said; then all of it becomes one opaque item.
        mark: how many tensors had been folded when it began.
        is_folded: whether some of what enters was folded.
    """

    module: nn.Module
    scope: Scope
    start: int
    seen: int
    inputs: tuple[int, ...]
    known: Match | None = None
    reasons: list[str] = field(default_factory=list)
    mark: int = 0
    is_folded: bool = False


def _result(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What a function gives; of a norm or an activation without values its shape."""
    found = shaped(func, args, kwargs)
    return func(*args, **kwargs) if found is None else found


class Tracer(TorchFunctionMode):
    """Watches a forward pass.

    Attributes:
        recorder: what was called.
    """

    def __init__(self, model: nn.Module, inputs: Mapping[str, Tensor], original: nn.Module | None = None) -> None:
        super().__init__()
        self.recorder = Recorder(model, inputs, original)
        self.composites = Composites(self.recorder, self._plain, self._said)
        self._origins = Origins(self.recorder)
        biases = PositionNetworks(self.recorder, self._origins)
        self.recorder.position_rows, self.recorder.head_rows = biases.rows_of, biases.rows_of_head
        self._sourced = Sourced(self.recorder, self._origins)
        self._paths = {id(module): path for path, module in model.named_modules()}
        self._calls: list[Call] = []
        self._counts: dict[str, int] = {}
        self._inside = 0
        """How many known modules are running: what they call is their own business."""
        self._paused = False
        """While something is run once more."""
        self._deferred: dict[int, tuple[Callable[..., Any], Any]] = {}
        """`id` of tensors that are stretched or walled in, to the calls that made them, for those who need them so."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Run a function; note it, unless it is a known module's."""
        kwargs = kwargs or {}
        if self._inside or self._paused:
            return _result(func, args, kwargs)
        product = product_of(args) if func is torch.einsum else None
        if product is not None and self._is_product(*tensors_in(args)):
            with self:
                return product.of(*tensors_in(args))
        stale = self.recorder.stale((args, kwargs))
        result = _result(func, args, kwargs)
        self._note(func, args, kwargs, result, stale)
        return result

    def _is_product(self, one: Tensor, other: Tensor) -> bool:
        """Whether two tensors that meet in `einsum` are known as what their product can be said of."""
        return self._is_seen(one) and (self._is_seen(other) or bool(self.recorder.made_of(other)))

    def _is_seen(self, tensor: Tensor) -> bool:
        """Whether an input went into a tensor."""
        return self.recorder.value(tensor) is not None or self.composites.holds(tensor)

    def _note(
        self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any, stale: str
    ) -> None:
        recorder = self.recorder
        outputs = [one for one in tensors_in(result) if recorder.tensor_name(one) is None]
        if getattr(func, "__name__", "") in LOOKING and recorder.values_in((args, kwargs)):
            recorder.looked[recorder.path_here(func.__name__.strip("_"))] = None
        is_folded = self.composites.holds((args, kwargs))
        if function_word(func) == "setitem" and not self._is_left_out():
            self.composites.assigned(*args)
        if not outputs or function_word(func) in _CONSTANTS:
            return
        given = args[:1] if function_word(func) in FOR_ITS_KIND else (args, kwargs)
        if not is_folded and not recorder.values_in(given):
            learn(recorder, func, args, kwargs, outputs)
            self._origins.learn(func, args, kwargs, outputs)
            if function_word(func) in _PRODUCTS:
                recorder.worked |= recorder.made_of(outputs)
            self.composites.learn(func, args, result)
        elif self._is_left_out():
            self._leave_out(outputs)
        elif stale:
            self._stale(func, outputs, (args, kwargs), stale)
        elif not self.composites.note(func, args, kwargs, result):
            self._plain(func, args, kwargs, result)

    def _plain(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
        """A call that is no part of a composite."""
        outputs = [one for one in tensors_in(result) if self.recorder.tensor_name(one) is None]
        reason = self._ruled(func, args, kwargs, result)
        if reason and self._made_fit((args, kwargs)):
            reason = self._ruled(func, args, kwargs, result)
        if (
            reason
            and not self._sourced.note(func, args, kwargs, result)
            and not self.composites.fold(func, args, kwargs, result)
            and not self._marked(func, args, kwargs, result)
        ):
            self._unknown(func, outputs, (args, kwargs), self.composites.reason or reason)
        for one in outputs:
            if not self.recorder.fits(one):
                self._deferred[id(one)] = func, (args, kwargs)

    def _marked(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Whether a call can be said by its rule if what enters is taken for something else than it is."""
        with self.recorder.marking():
            return not self._ruled(func, args, kwargs, result)

    def _said(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
        """Say a call by its rule, or as one of what comes from no input.

        Raises:
            UnsaidError: if that cannot be done.
        """
        reason = self._ruled(func, args, kwargs, result)
        if reason and not self._sourced.note(func, args, kwargs, result):
            raise UnsaidError(reason)

    def _ruled(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> str:
        """Say a call by its rule; the reason where that cannot be done."""
        rule, before = rule_of(func), len(self.recorder.items)
        if rule is None:
            return f"there is no layer for {function_name(func)}"
        try:
            rule(self.recorder, args, kwargs, result)
        except UnsaidError as error:
            self.recorder.drop(before)
            return str(error)
        return ""

    def _made_fit(self, given: Any) -> bool:
        """Opaque items for what made arguments that are stretched or walled in; whether there are such."""
        given_once = {id(one): one for one in tensors_in(given)}.values()
        found = [one for one in given_once if not self.recorder.fits(one) and id(one) in self._deferred]
        for one in found:
            func, call = self._deferred.pop(id(one))
            stale = self.recorder.stale(call)
            if stale:
                self._give_up(stale, [one])
            else:
                self._unknown(func, [one], call, MISFIT)
        return bool(found)

    def _is_left_out(self) -> bool:
        """Whether a module that runs is left out as a whole."""
        return any(call.reasons for call in self._calls)

    def _leave_out(self, outputs: Sequence[Tensor]) -> None:
        """What is read by the rest of a module that is left out as a whole."""
        for one in outputs:
            self.recorder.bind(one, 0)

    def _unknown(self, func: Callable[..., Any], outputs: Sequence[Tensor], given: Any, reason: str) -> None:
        """An opaque item for a function; for the running module where parameters are used.

        What puts samples together is no layer. Where it takes no work the reason waits for one who reads it, as nobody
        does of a mean that only decides which way the model goes.
        """
        recorder = self.recorder
        own, has_parts = recorder.made_of(given), any(True for _ in self._calls[-1].module.children())
        values = recorder.values_in(given)
        if self.composites.holds(given) or (own and not has_parts) or not values:
            self._give_up(reason, outputs)
            return
        args, kwargs = given
        path = recorder.path_here(re.sub(r"\W", "_", function_name(func).rpartition(".")[2]))
        work, named = work_of(func, args, kwargs, recorder.batch), named_arguments(func, args, kwargs)
        if not keeps_samples(outputs, recorder.batch):
            self._mixed(outputs, work, reason)
            return
        tensors = {name: recorder.tensor(name) for name in sorted(own)}
        made = Unknown(function_name(func), path, reason, tensors, None if own & recorder.worked else work, named)
        add_opaque(recorder, made, values, outputs)

    def _stale(self, func: Callable[..., Any], outputs: Sequence[Tensor], given: Any, reason: str) -> None:
        """What reads a value that is gone."""
        args, kwargs = given
        if any(keeps_samples([one], self.recorder.batch) for one in outputs):
            self._give_up(reason, outputs)
        else:
            self._mixed(outputs, work_of(func, args, kwargs, self.recorder.batch), reason)

    def _mixed(self, outputs: Sequence[Tensor], work: Work | None, reason: str) -> None:
        """What has samples put together, which may be read by nobody; its work would be lost."""
        if work is None or work.macs:
            self._give_up(reason, outputs)
        for one in outputs:
            self.recorder.spoil(one, reason)

    def _give_up(self, reason: str, outputs: Sequence[Tensor]) -> None:
        """The running module becomes one opaque item."""
        self._calls[-1].reasons.append(reason)
        self._leave_out(outputs)

    def enter(self, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """A module begins."""
        if not self._paused:
            with _unwatched():
                self._enter(module, args, kwargs)

    def _enter(self, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        path = self._paths[id(module)]
        scope = Scope(path, type(module).__name__, self._counts.get(path, 0))
        self._counts[path] = scope.call + 1
        if not self._inside:
            self._made_fit((args, kwargs))
        recorder = self.recorder
        call = Call(module, scope, len(recorder.items), recorder.seen, recorder.values_in((args, kwargs)))
        call.mark = self.composites.mark()
        call.is_folded = self.composites.holds((args, kwargs))
        stale = "" if self._inside else self.recorder.stale((args, kwargs))
        if stale:
            self._calls[-1].reasons.append(stale)
        if not (self._inside or self._is_left_out()) and call.inputs and not call.is_folded:
            call.known = known_module(module)
        self._calls.append(call)
        self.recorder.running.append((module, scope))
        self._inside += call.known is not None

    def leave(self, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
        """A module ends."""
        if self._paused:
            return
        with _unwatched():
            call = self._ended(module, result)
        if self._inside:
            return
        if not self._calls:
            self.composites.unfold(result)
            call.reasons += self._unread(call, result)
        if call.reasons:
            self._collapse(call, args, kwargs, result)
        self.composites.ended(call.mark, result)

    def _unread(self, call: Call, result: Any) -> list[str]:
        """Why a result of the model is no layer's output, though it could be one."""
        whole = [one for one in tensors_in(result) if keeps_samples([one], self.recorder.batch)]
        return [reason for one in whole if not call.reasons and (reason := self.recorder.stale(one))][:1]

    def _ended(self, module: nn.Module, result: Any) -> Call:
        while self._calls[-1].module is not module:  # a pass that ends before its modules do
            cut = self._left()
            self._calls[-1].reasons += cut.reasons
        call = self._left()
        if not self._inside and call.known is not None:
            self._add_known(call, call.known, result)
        elif not self._inside and not call.reasons:
            self._named_after(call)
        return call

    def _left(self) -> Call:
        self.recorder.running.pop()
        call = self._calls.pop()
        self._inside -= call.known is not None
        return call

    def _named_after(self, call: Call) -> None:
        """A module without parts that is a single item gives it its name."""
        recorder, value = self.recorder, self.recorder.first + call.start
        is_one = len(recorder.items) == call.start + 1 and not any(True for _ in call.module.children())
        if is_one and call.scope.path and recorder.is_free(call.scope.path):
            recorder.rename(value, call.scope.path)

    def _add_known(self, call: Call, match: Match, result: Any) -> None:
        if not isinstance(result, Tensor):
            call.reasons.append(f"{call.scope.kind} gives no tensor")
            return
        if match.known is None:
            self.recorder.bind(result, call.inputs[0])
            return
        type_, options, path = *match.known, call.scope.path or None
        try:
            with self.recorder.marking():
                self.recorder.add(type_, options, call.inputs, result, tensors=match.tensors, path=path)
        except UnsaidError as error:
            call.reasons.append(str(error))

    def _collapse(self, call: Call, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
        """One opaque item in place of all that a module called."""
        results, reason = list(tensors_in(result)), "; ".join(dict.fromkeys(call.reasons))
        # a recurrent layer's last state has its layers in front, and is seldom read
        outputs = [one for one in results if keeps_samples([one], self.recorder.batch)]
        if call.is_folded or not call.inputs or not outputs:
            if not self._calls:
                raise single_problem(f"what the model gives does not have its samples in front: {reason}", Code.SHAPE)
            self._give_up(f"{call.scope.kind}: {reason}", results)
            return
        for one in outputs:
            self.composites.release(one)
        self.recorder.drop(call.start)
        self.recorder.lose(call.seen)
        kind = f"{type(call.module).__module__}.{type(call.module).__qualname__}"
        self._paused = True
        work = work_of(call.module.forward, args, kwargs, self.recorder.batch)
        self._paused = False
        path, own = call.scope.path or "model", own_tensors(call.module)
        add_opaque(self.recorder, Unknown(kind, path, reason, own, work), call.inputs, outputs)
        for one in results:
            if not keeps_samples([one], self.recorder.batch):
                self.recorder.spoil(one, f"{call.scope.kind}: {reason}")


def _unwatched() -> AbstractContextManager[None]:
    """While what is looked at is none of the model's calls."""
    return torch._C.DisableTorchFunction()  # noqa: SLF001 - there is no other name for it
