"""What is done to folded tensors, function by function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.composites import maps
from archlab.torch.importing.composites.attended import attended, project
from archlab.torch.importing.composites.blocks import every_nth, merged_blocks, narrow_to
from archlab.torch.importing.composites.multihead import is_of_one, multihead, multihead_of_several
from archlab.torch.importing.composites.own_weights import as_matrices, as_result, by_sample, convolved, inside
from archlab.torch.importing.composites.places import (
    ZERO,
    Folded,
    Padded,
    Sliding,
    along_rows,
    as_tokens,
    is_view,
    narrowed,
    numbered,
    orders,
    origin,
    rows_of,
    to_absolute,
    unstretched,
)
from archlab.torch.importing.composites.rolled import begun_elsewhere, rolled, unrolled
from archlab.torch.importing.composites.scores import Scores, product
from archlab.torch.importing.composites.strided import once, strided
from archlab.torch.importing.functions import rule_of
from archlab.torch.importing.learned import function_word
from archlab.torch.importing.recorder import Recorder, tensors_in
from archlab.torch.importing.rules.arguments import by_name, given_only
from archlab.torch.importing.views import reshape

Held = Folded | Padded | Scores | Sliding
_ELEMENTWISE = frozenset({"gelu", "relu", "silu", "hardswish", "dropout", "add", "iadd", "sigmoid", "tanh", "mish"})
_APART = frozenset(
    {"matmul", "bmm", "softmax", "scaled_dot_product_attention", "sigmoid", "gelu", "relu", "silu", "add", "iadd"}
    | {"linear", "layer_norm", "mul", "imul", "dropout", "normalize", "cat", "concat", "concatenate"}
)
"""Functions that do the same to everything in front of the last two dimensions, or along one that they name."""
_ALONG = {"softmax": (1, -1), "normalize": (2, 1)} | dict.fromkeys(("cat", "concat", "concatenate"), (1, 0))
"""Functions along a dimension: the place of that among their arguments, and which it is by default."""
_BY_ROWS = frozenset({"linear", "layer_norm", "rms_norm"})
_PASSED_ON = frozenset({"contiguous", "clone", "to", "type_as", "float", "detach"})
_TIMES = frozenset({"mul", "imul", "rmul"})
_OVER = frozenset({"div", "truediv", "itruediv"})


class Folds:
    """Folded tensors of a pass.

    Args:
        recorder: what else has been called.
        said: notes a call by the rules for single functions, or says by `UnsaidError` why it is no layer.
    """

    def __init__(self, recorder: Recorder, said: Callable[..., None]) -> None:
        self._recorder, self._said = recorder, said
        self._held: dict[int, Held] = {}
        self._kept: list[Tensor] = []
        """Tensors that are folded, lest their `id` be given to others."""

    def holds(self, given: object) -> bool:
        """Whether a tensor among arguments is folded."""
        return bool(self._held) and any(id(one) in self._held for one in tensors_in(given))

    def count(self) -> int:
        """How many tensors have been folded so far."""
        return len(self._kept)

    def forget(self, mark: int, kept: object) -> None:
        """Of the tensors folded since there were so many none is any more, but those that are kept."""
        names = {id(one) for one in tensors_in(kept)}
        for tensor in self._kept[mark:]:
            if id(tensor) not in names:
                self.release(tensor)

    def release(self, tensor: Tensor) -> None:
        """A tensor is not folded any more."""
        self._held.pop(id(tensor), None)

    def note(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Whether a call is one of folded tensors, or makes one; it is noted then.

        Raises:
            UnsaidError: where folded tensors go into what is not known of them.
        """
        word = function_word(func)
        if word in ("reshape_as", "view_as") and isinstance(args[1], Tensor):
            func, args = Tensor.reshape, (args[0], tuple(args[1].shape))
        if not self.holds((args, kwargs)):
            return self._begun(func, args, kwargs, result)
        if is_view(func, args) and isinstance(self._of(args[0]), Folded | Padded):
            self._view(func, args, kwargs, result)
            return True
        rule = _RULES.get(word)
        if rule is None:
            raise UnsaidError(f"{word} of folded samples")
        rule(self, func, args, kwargs, result)
        return True

    def fold(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Whether a call that no rule knows only moves elements; its results are folded then."""
        if not args or self._recorder.value(args[0]) is None or not is_view(func, args):
            return False
        self._view(func, args, kwargs, result)
        return True

    # -- what tensors are -------------------------------------------------------------------------------------

    def _of(self, tensor: Any) -> Held | None:
        """What a tensor is as a folded one, one that holds a value too."""
        held = self._held.get(id(tensor))
        if held is not None:
            return held
        recorder, value = self._recorder, self._recorder.value(tensor)
        return None if value is None else Folded(value, numbered(recorder.batch, recorder.shape(value)))

    def _rooted(self, folded: Folded) -> Folded:
        """The same elements as those of the value that views were made of."""
        if folded.pending is not None:
            return folded
        root = origin(self._recorder, folded.value)
        return Folded(root.value, root.places.reshape(-1)[folded.places], folded.factor * root.factor)

    def _folded(self, tensor: Any) -> Folded:
        held = self._of(tensor)
        if not isinstance(held, Folded):
            raise UnsaidError("what meets folded samples is of another kind")
        return held

    def _hold(self, tensor: Tensor, held: Held) -> None:
        self._kept.append(tensor)
        self._held[id(tensor)] = held

    def _settle(self, tensor: Tensor, folded: Folded) -> None:
        """A tensor is folded, or holds a value again where its samples lie in front."""
        recorder = self._recorder
        is_open = folded.pending is not None or folded.factor != 1 or tensor.dim() < 2
        if not is_open and tensor.shape[0] == recorder.batch:
            before = len(recorder.items)
            try:
                if self._bind(tensor, folded):
                    return
            except UnsaidError:
                recorder.drop(before)
        self._hold(tensor, folded)

    def _bind(self, tensor: Tensor, folded: Folded) -> bool:
        """Whether a tensor's elements are those of a value in another order of its dimensions, which it holds then."""
        recorder, value = self._recorder, folded.value
        order = orders(recorder.batch, recorder.shape(value), folded.places)
        if order is None:
            return merged_blocks(recorder, value, folded.places, tensor)
        if order != tuple(range(len(order))):
            value = recorder.add("permute", {"dims": order}, (value,))
        reshape(recorder, value, tensor)
        return True

    def is_open(self, tensor: Tensor) -> bool:
        """Whether a tensor is part of attention that is not told yet."""
        held = self._held.get(id(tensor))
        return isinstance(held, Scores) or (isinstance(held, Folded) and held.pending is not None)

    def settled(self, tensor: Tensor) -> bool:
        """Whether a tensor only has other elements' order; it holds a value then where its samples lie in front.

        Raises:
            UnsaidError: if no layers give that.
        """
        held, recorder = self._held.get(id(tensor)), self._recorder
        if not isinstance(held, Folded) or held.pending is not None:
            return False
        if tensor.dim() > 1 and tensor.shape[0] == recorder.batch:
            recorder.bind(tensor, self._value_of(held, held.places))
            self.release(tensor)
        return True

    def _value_of(self, folded: Folded, places: Tensor) -> int:
        """A value with the elements at places of a folded tensor's, multiplied as that is."""
        value = self._moved(folded.value, places)
        if folded.factor == 1:
            return value
        return once(self._recorder, "scale", {"factor": folded.factor}, value)

    def _moved(self, value: int, places: Tensor) -> int:
        """A value with the elements at some places of another: at even distances, once that is prepared or undone.

        Raises:
            UnsaidError: if they lie elsewhere.
        """
        recorder, before, reasons = self._recorder, len(self._recorder.items), list[UnsaidError]()
        for prepared in (lambda *given: given[1:], to_absolute, narrowed, begun_elsewhere):
            try:
                found = prepared(recorder, value, places)
                if found is not None and (found[0] != value or not reasons):
                    return strided(recorder, *found)
            except UnsaidError as error:
                recorder.drop(before)
                reasons.append(error)
        try:
            behind, starts = unrolled(places)
            return rolled(recorder, strided(recorder, value, behind), starts)
        except UnsaidError:
            recorder.drop(before)
            raise reasons[0] from None

    def apart(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Whether a call can be said that does the same to each sample's parts, which lie among the samples.

        Raises:
            UnsaidError: if it can not, or there is no such layer.
        """
        word, recorder = function_word(func), self._recorder
        if is_view(func, args) and isinstance(self._of(args[0]), Folded):
            self._view(func, args, kwargs, result)
            return True
        if word in maps.WORDS and isinstance(result, Tensor):
            self._of_maps(func, args, kwargs, result)
            return True
        if word not in _APART or not isinstance(result, Tensor):
            raise UnsaidError(f"{word} of folded samples")
        given = [self._apart_of(one) for one in args]
        named = {name: self._apart_of(one) for name, one in kwargs.items()}
        if word in _ALONG:
            given, named = _from_behind(word, given, named)
        made = _empty_result(func, given, named)
        self._said(func, given, named, made)
        value = recorder.value(made)
        assert value is not None
        apart = (recorder.batch, result.shape[0] // recorder.batch, *result.shape[1:])
        places = numbered(recorder.batch, recorder.shape(value)).expand(apart).reshape(result.shape)
        self._settle(result, Folded(value, places))
        return True

    def _of_maps(
        self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor
    ) -> None:
        """A convolution, pooling or norm of maps that lie among the samples."""
        folded, recorder, tensor = self._folded(args[0]), self._recorder, args[0]
        parts, left = divmod(tensor.shape[0], recorder.batch)
        if left or folded.pending is not None:
            raise UnsaidError("folded samples that do not lie apart")
        places = folded.places.reshape(recorder.batch, parts, *tensor.shape[1:]).transpose(1, 2)
        further = maps.Further(recorder, self._stand_in(self._value_of(folded, places)), parts)
        value = further.said(func, args, kwargs)
        made = numbered(recorder.batch, recorder.shape(value)).transpose(1, 2).reshape(result.shape)
        self._settle(result, Folded(value, made))

    def _conv(self, _func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> None:
        """A convolution of samples beside one another, each with weights of its own."""
        options, batch = by_name("input weight bias stride padding dilation groups", args, kwargs), self._recorder.batch
        held, weight = self._of(options["input"]), self._of(options["weight"])
        if not isinstance(held, Folded | Padded) or not isinstance(weight, Folded) or options.get("bias") is not None:
            raise UnsaidError("conv2d of folded samples")
        if getattr(held, "pending", None) or weight.pending is not None:
            raise UnsaidError("conv2d of attention without a projection")
        matrices = self._value_of(weight, as_matrices(weight.places, batch, options.get("groups", 1)))
        windows = given_only(options, "stride", "padding", "dilation") | {
            "kernel_size": tuple(options["weight"].shape[2:])
        }
        value = convolved(self._recorder, self._whole_map(held), matrices, windows, tuple(result.shape[2:]))
        self._settle(result, Folded(value, as_result(batch, tuple(self._recorder.shape(value)))))

    def _whole_map(self, held: Folded | Padded) -> int:
        """The map of each of samples that lie beside one another, with the zeros that were put around it."""
        batch = self._recorder.batch
        if isinstance(held, Folded):
            return self._value_of(held, by_sample(held.places, batch))
        places, sides = inside(by_sample(held.places, batch))
        source = self._stand_in(self._value_of(Folded(held.value, places), places))
        made = nn.functional.pad(source, sides)
        self._said(nn.functional.pad, (source, sides), {}, made)
        value = self._recorder.value(made)
        assert value is not None
        return value

    def _apart_of(self, given: Any) -> Any:
        """Instead of a tensor whose samples' parts lie among the samples one that has a dimension for them."""
        if isinstance(given, tuple | list):
            return [self._apart_of(one) for one in given]
        held = self._held.get(id(given))
        if not isinstance(given, Tensor):
            return given
        if not isinstance(held, Folded):
            if held is not None or self._recorder.value(given) is not None:
                raise UnsaidError("folded samples and others")
            return given
        sizes = (given.shape[0] // self._recorder.batch, *given.shape[1:])
        if sizes[0] * self._recorder.batch != given.shape[0] or held.pending is not None:
            raise UnsaidError("folded samples that do not lie apart")
        places = unstretched(held.places.reshape(self._recorder.batch, *sizes))
        return self._stand_in(self._value_of(held, places))

    # -- functions --------------------------------------------------------------------------------------------

    def _view(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
        held = self._held.get(id(args[0]))
        if isinstance(held, Padded):
            self._of_padded(held, func(held.places, *args[1:], **kwargs), result)
            return
        for tensor, folded in zip(tensors_in(result), self._folded(args[0]).moved(func, args, kwargs), strict=True):
            if id(tensor) not in self._held:  # a view may be the tensor itself
                self._settle(tensor, folded)

    def _begun(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Attention of tensors that hold values, by PyTorch's own function or by a product; windows of a map."""
        word = function_word(func)
        if self._recorder.value(next(iter(tensors_in(args)), None)) is None:
            return False
        if word == "scaled_dot_product_attention":
            self._fused(None, args, kwargs, result)
        elif word in ("matmul", "bmm") and _is_of_heads(args, result):
            self._matmul(None, args, kwargs, result)
        elif func is Tensor.unfold and args[0].dim() == 4 and args[1] % 4 == 2:
            value = self._recorder.value(args[0])
            assert value is not None
            self._hold(result, Sliding(value, *args[2:]))
        else:
            return False
        return True

    def _windows(self, func: Any, args: Sequence[Any], _kwargs: Any, result: Tensor) -> None:
        """Windows of columns, whose rows are in windows already: those of a map."""
        held, recorder = self._held.get(id(args[0])), self._recorder
        if not isinstance(held, Sliding) or func is not Tensor.unfold or args[1] % args[0].dim() != 3:
            raise UnsaidError("windows of folded samples")
        (_, size, step), (channels, *_) = args[1:], recorder.shape(held.value)
        own = {"kernel_size": (held.size, size), "stride": (held.step, step)}
        value = recorder.add("unfold", own, (held.value,))
        columns = numbered(recorder.batch, recorder.shape(value))
        rows, across = result.shape[2:4]
        places = columns.reshape(recorder.batch, channels, held.size, size, rows, across).permute(0, 1, 4, 5, 2, 3)
        self._settle(result, Folded(value, places))

    def _of_padded(self, held: Padded, places: Any, result: Any) -> None:
        """Parts of what is padded, which are folded where no zeros are left in them."""
        for tensor, part in zip(tensors_in(result), tensors_in(places), strict=True):
            if bool((part == ZERO).any()):
                self._hold(tensor, Padded(held.value, part))
            else:
                self._settle(tensor, Folded(held.value, part))

    def _pad(self, _func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> None:
        """Padding by nothing, or by zeros, which may be left out again: as where scores are skewed."""
        held = self._held[id(args[0])]
        if result.shape == args[0].shape:
            self._hold(result, held)
            return
        given = dict(zip(("input", "pad", "mode", "value"), args, strict=False)) | dict(kwargs)
        is_open = not isinstance(held, Folded | Padded) or getattr(held, "factor", 1) != 1
        if (
            is_open
            or getattr(held, "pending", None)
            or given.get("mode", "constant") != "constant"
            or given.get("value")
        ):
            raise UnsaidError("folded samples are padded")
        assert isinstance(held, Folded | Padded)
        places = torch.nn.functional.pad(held.places, given["pad"], value=ZERO)
        self._hold(result, Padded(held.value, places))

    def _concat(self, _func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> None:
        """Parts of one value behind one another."""
        folded = [self._folded(one) for one in (args[0] if args else kwargs["tensors"])]
        dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
        if any((one.value, one.factor, one.pending) != (folded[0].value, 1, None) for one in folded):
            raise UnsaidError("folded samples of several values behind one another")
        self._settle(result, replace(folded[0], places=torch.cat([one.places for one in folded], dim)))
        if id(result) in self._held and dim % result.dim():
            self._concat_of_every_nth(folded, dim % result.dim(), result)

    def _concat_of_every_nth(self, folded: Sequence[Folded], dim: int, result: Tensor) -> None:
        """Every so many positions of a value behind one another, as they are: no layer merges such blocks."""
        recorder, before = self._recorder, len(self._recorder.items)
        try:
            taken = [every_nth(recorder, one.value, one.places) for one in folded]
            if all(part.step == 1 for parts in taken for part in parts):
                return
            made = [narrow_to(recorder, one.value, parts) for one, parts in zip(folded, taken, strict=True)]
            recorder.add("concat", {"dim": dim}, made, result)
        except UnsaidError:
            recorder.drop(before)
            return
        self.release(result)

    def _pass_on(self, _func: Any, args: Sequence[Any], _kwargs: Any, result: Tensor) -> None:
        held = self._held[id(args[0])]
        self._hold(result, held)

    def _scale(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> None:
        tensor, number = args[0], args[1] if len(args) > 1 else kwargs.get("other")
        if isinstance(tensor, int | float):
            tensor, number = number, tensor
        held = self._of(tensor)
        if not isinstance(held, Folded | Scores) or not isinstance(number, int | float) or not number:
            raise UnsaidError("folded samples by what is no number")
        factor = 1 / number if function_word(func) in _OVER else float(number)
        self._hold(result, replace(held, factor=held.factor * factor))

    def _elementwise(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> None:
        """What is alike for all elements, done to the values."""
        if any(isinstance(self._held.get(id(one)), Scores) for one in tensors_in(args)):
            self._on_scores(func, args, kwargs, result)
            return
        tensors = list(tensors_in(args))
        folded = [self._folded(one) for one in tensors]
        if len({one.value for one in folded}) > 1:
            folded = [self._rooted(one) for one in folded]
        first = folded[0]
        if any(one.pending is not None or one.factor != 1 for one in folded):
            raise UnsaidError(f"{function_word(func)} of folded samples that are something else yet")
        if not all(torch.equal(one.places, first.places) for one in folded):
            width = first.places.shape[-1]
            folded = [Folded(value, along_rows(rows, width)) for value, rows in map(self._rows, folded)]
        if not all(torch.equal(one.places, folded[0].places) for one in folded):
            raise UnsaidError(f"{function_word(func)} of samples that are folded in several ways")
        if self._are_several_shapes(folded):
            folded = [replace(one, value=as_tokens(self._recorder, one.value)) for one in folded]
        if self._are_several_shapes(folded):
            raise UnsaidError(f"{function_word(func)} of samples that are folded in several ways")
        values = {id(tensor): one.value for tensor, one in zip(tensors, folded, strict=True)}
        value, _ = self._on_values(func, values, args, kwargs)
        self._settle(result, replace(folded[0], value=value))

    def _are_several_shapes(self, folded: Sequence[Folded]) -> bool:
        return len({tuple(self._recorder.shape(one.value)) for one in folded}) > 1

    def _on_values(
        self, func: Callable[..., Any], values: Mapping[int, int], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[int, Tensor]:
        """A function of values, by `id` of the tensors in whose place they are, by its own rule."""
        recorder = self._recorder
        given = [self._stand_in(values[id(one)]) if id(one) in values else one for one in args]
        made, rule = _empty_result(func, given, kwargs), rule_of(func)
        if rule is None:
            raise UnsaidError(f"there is no layer for {function_word(func)}")
        rule(recorder, given, kwargs, made)
        value = recorder.value(made)
        assert value is not None
        return value, made

    def _stand_in(self, value: int) -> Tensor:
        """A tensor that holds a value, of its own shape."""
        made = torch.empty(self._recorder.batch, *self._recorder.shape(value), device="meta")
        self._recorder.bind(made, value)
        return made

    def _by_rows(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> None:
        """What is done along the last dimension, at all positions alike."""
        folded = self._folded(args[0])
        if folded.factor != 1:
            raise UnsaidError("folded samples are multiplied in front of a layer")
        if folded.pending is not None:
            if function_word(func) != "linear":
                raise UnsaidError("attention without a projection")
            names = ("input", "weight", "bias")
            given = dict(zip(names, args, strict=False)) | dict(kwargs)
            value, rows = project(self._recorder, folded, given["weight"], given.get("bias"))
            self._settle(result, Folded(value, along_rows(rows, result.shape[-1])))
            return
        value, rows = self._rows(folded)
        value, made = self._on_values(func, {id(args[0]): value}, args, kwargs)
        self._settle(result, Folded(value, along_rows(rows, made.shape[-1])))

    def _by_channels(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> None:
        """A norm of each channel, which is the last dimension of rows."""
        folded = self._folded(args[0])
        if folded.factor != 1 or folded.pending is not None or result.dim() != 2:
            raise UnsaidError(f"{function_word(func)} of folded samples")
        value, rows = self._rows(folded)
        count = len(self._recorder.shape(value))
        front = self._permuted(value, (0, count, *range(1, count)))
        made, _ = self._on_values(func, {id(args[0]): front}, args, kwargs)
        back = self._permuted(made, (0, *range(2, count + 1), 1))
        self._settle(result, Folded(back, along_rows(rows, result.shape[1])))

    def _rows(self, folded: Folded) -> tuple[int, Tensor]:
        """A value whose last dimension is that of a folded tensor, and the rows that this has: each of them, once.

        Raises:
            UnsaidError: if there is no such value.
        """
        value, rows = self._some_rows(folded)
        count = self._recorder.batch * prod(self._recorder.shape(value)[:-1])
        if not torch.equal(rows.reshape(-1).sort().values, torch.arange(count)):
            raise UnsaidError("some of a value's rows, or some more than once")
        return value, rows

    def _some_rows(self, folded: Folded) -> tuple[int, Tensor]:
        recorder, width = self._recorder, folded.places.shape[-1]
        shape = recorder.shape(folded.value)
        rows = rows_of(folded.places, shape[-1])
        if rows is not None:
            return folded.value, rows
        for dim, size in enumerate(shape, 1):
            if size != width:
                continue
            order = (0, *[one for one in range(1, len(shape) + 1) if one != dim], dim)
            moved = numbered(recorder.batch, shape).permute(order).reshape(-1)
            where = torch.empty_like(moved)
            where[moved] = torch.arange(moved.numel())
            rows = rows_of(where[folded.places], width)
            if rows is not None:
                return self._permuted(folded.value, order), rows
        raise UnsaidError("the last dimension of folded samples is none of the map's")

    def _permuted(self, value: int, order: tuple[int, ...]) -> int:
        """A value in another order, which is there already where it was needed before."""
        recorder = self._recorder
        for number, item in enumerate(recorder.items[value - recorder.first + 1 :], value + 1):
            if item.type == "permute" and item.inputs == (value,) and tuple(item.options["dims"]) == order:
                return number
        return recorder.add("permute", {"dims": order}, (value,))

    # -- attention --------------------------------------------------------------------------------------------

    def _matmul(self, _func: Any, args: Sequence[Any], _kwargs: Any, result: Tensor) -> None:
        left, right = self._of(args[0]), self._folded(args[1])
        if isinstance(left, Folded) and left.pending is None and right.pending is None:
            self._hold(result, product(left, right, result))
        elif isinstance(left, Scores) and left.is_softmax and tuple(args[0].shape) == left.shape and right.factor == 1:
            parts = (left.query, left.key, right)
            self._attend(parts, left, result)
        else:
            raise UnsaidError("a product of folded samples that is no attention")

    def _fused(self, _func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> None:
        names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
        given = dict(zip(names, args, strict=False)) | dict(kwargs)
        if given.get("is_causal") or given.get("enable_gqa"):
            raise UnsaidError("attention with a causal mask")
        query, key, value = (self._folded(given[name]) for name in names[:3])
        mask, scale = given.get("attn_mask"), given.get("scale")
        width = query.places.shape[-1]
        learned, has_constants = self._added(mask) if mask is not None else (frozenset(), False)
        scores = Scores(
            query,
            key,
            (),
            width**-0.5 if scale is None else float(scale),
            learned,
            has_constants,
            dropout=float(given.get("dropout_p") or 0.0),
            is_fused=True,
        )
        self._attend((query, key, value), scores, result)

    def _added(self, mask: Any) -> tuple[frozenset[str], bool]:
        """The parameters that went into what is added to scores, and whether there may be a mask."""
        names = self._recorder.made_of(mask)
        learned = frozenset([name for name in names if isinstance(self._recorder.tensor(name), nn.Parameter)])
        return learned, not learned

    def _on_scores(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> None:
        """A sum with biases or a mask; weights left out in training."""
        word = function_word(func)
        held = self._held.get(id(args[0]))
        if not isinstance(held, Scores):
            raise UnsaidError(f"{word} of scores and something else")
        if word == "dropout":
            dropped = args[1] if len(args) > 1 else kwargs.get("p", 0.5)
            self._hold(result, replace(held, dropout=float(dropped)))
            return
        other = args[1] if len(args) > 1 else kwargs.get("other")
        is_sum = word in ("add", "iadd") and not held.is_softmax
        if not is_sum or not isinstance(other, Tensor) or self._of(other) is not None:
            raise UnsaidError(f"{word} of scores")
        learned, has_constants = self._added(other)
        self._hold(
            result,
            replace(held, learned=held.learned | learned, has_constants=held.has_constants or has_constants),
        )

    def _softmax(self, _func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> None:
        held = self._held.get(id(args[0]))
        dim = args[1] if len(args) > 1 else kwargs.get("dim")
        if not isinstance(held, Scores) or dim not in (-1, result.dim() - 1) or held.is_softmax:
            raise UnsaidError("softmax of folded samples that is no attention")
        self._hold(result, replace(held, is_softmax=True))

    def _reshape_scores(self, _func: Any, args: Sequence[Any], _kwargs: Any, result: Tensor) -> None:
        """Scores in another shape, in the same order: as a mask for each window needs them."""
        held = self._held.get(id(args[0]))
        if not isinstance(held, Scores) or result.shape[-2:] != held.shape[-2:]:
            raise UnsaidError("scores in another order")
        self._hold(result, held)

    def _multihead(self, _func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
        names = ("query", "key", "value")
        parts = [self._folded((dict(zip(names, args, strict=False)) | dict(kwargs))[name]) for name in names]
        tensor = result[0] if isinstance(result, tuple) else result
        if is_of_one(parts):
            self._settle(tensor, multihead(self._recorder, args, kwargs, *self._rows(parts[0])))
        else:
            found = multihead_of_several(self._recorder, args, kwargs, [self._rows(one) for one in parts])
            self._settle(tensor, found)

    def _attend(self, parts: Sequence[Folded], scores: Scores, result: Tensor) -> None:
        self._hold(result, attended(self._recorder, [self._rooted(one) for one in parts], scores, result.shape))


def _empty_result(func: Callable[..., Any], given: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What a function gives of values that hold nothing, wherever its weights lie."""
    empty = [one.to("meta") if isinstance(one, Tensor) else one for one in given]
    named = {name: one.to("meta") if isinstance(one, Tensor) else one for name, one in kwargs.items()}
    return func(*empty, **named)


def _from_behind(word: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Arguments whose dimension counts from the last one, since there is a further one in front.

    Args:
        word: the function's.
        args: of values with that dimension.
        kwargs: by name.

    Raises:
        UnsaidError: if it is along the samples, or along several.
    """
    place, default = _ALONG[word]
    named = {name: one for name, one in kwargs.items() if name != "_stacklevel"}
    dim = named.pop("dim", args[place] if len(args) > place else default)
    count = next(iter(tensors_in(args))).dim() - 1
    if not isinstance(dim, int) or dim % count == 0:
        raise UnsaidError(f"{word} of folded samples along others")
    return [*args[:place]], named | {"dim": dim % count - count}


def _is_of_heads(args: Sequence[Any], result: Any) -> bool:
    """Whether a product is one of matrices for each head."""
    return isinstance(result, Tensor) and result.dim() >= 3 and all(isinstance(one, Tensor) for one in args[:2])


_Rule = Callable[[Folds, Any, Sequence[Any], Mapping[str, Any], Any], None]
_RULES: dict[str, _Rule] = {
    **dict.fromkeys(_PASSED_ON, Folds._pass_on),  # noqa: SLF001 - its own
    **dict.fromkeys(_TIMES | _OVER, Folds._scale),  # noqa: SLF001
    **dict.fromkeys(_ELEMENTWISE, Folds._elementwise),  # noqa: SLF001
    **dict.fromkeys(_BY_ROWS, Folds._by_rows),  # noqa: SLF001
    **dict.fromkeys(("matmul", "bmm"), Folds._matmul),  # noqa: SLF001
    **dict.fromkeys(("view", "reshape"), Folds._reshape_scores),  # noqa: SLF001
    **dict.fromkeys(("cat", "concat", "concatenate"), Folds._concat),  # noqa: SLF001
    "batch_norm": Folds._by_channels,  # noqa: SLF001
    "conv2d": Folds._conv,  # noqa: SLF001
    "unfold": Folds._windows,  # noqa: SLF001
    "pad": Folds._pad,  # noqa: SLF001
    "softmax": Folds._softmax,  # noqa: SLF001
    "scaled_dot_product_attention": Folds._fused,  # noqa: SLF001
    "multi_head_attention_forward": Folds._multihead,  # noqa: SLF001
}
"""By function word, for folded tensors."""
