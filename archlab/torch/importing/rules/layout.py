"""The same values in another order or shape."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.recorder import Recorder
from archlab.torch.importing.rules.arguments import Arguments, Named, Rule, by_name, only_value
from archlab.torch.importing.views import reshape


def _same(recorder: Recorder, args: Arguments, _kwargs: Named, result: Any) -> None:
    """What gives the same values in the same places."""
    if tuple(result.shape) != tuple(args[0].shape) or result.dtype != args[0].dtype:
        raise UnsaidError("it changes the shape or the precision")
    value = recorder.value(args[0])
    if value is None:
        raise UnsaidError("it takes what does not come from an input")
    recorder.bind(result, value)


def _reshape(recorder: Recorder, args: Arguments, _kwargs: Named, result: Any) -> None:
    if result.dtype != args[0].dtype:
        raise UnsaidError("it reads the same bytes as another type")
    reshape(recorder, only_value(recorder, args[0]), result)


def _stretch(recorder: Recorder, args: Arguments, _kwargs: Named, result: Any) -> None:
    """Sizes of 1 stretched, which joins do by themselves: what else reads the result refuses it."""
    value = only_value(recorder, args[0])
    if result.dim() != args[0].dim() or result.shape[0] != args[0].shape[0]:
        raise UnsaidError("it adds dimensions")
    recorder.bind(result, value)


def _ordered(recorder: Recorder, tensor: Tensor, order: tuple[int, ...], result: Tensor) -> None:
    """Dimensions in another order, the batch among them."""
    value = only_value(recorder, tensor)
    if order == tuple(range(len(order))):
        recorder.bind(result, value)
        return
    if order[0] != 0:
        raise UnsaidError("it puts the samples behind another dimension")
    recorder.add("permute", {"dims": list(order)}, (value,), result)


def _permute(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    dims = kwargs.get("dims", args[1] if len(args) == 2 and isinstance(args[1], tuple | list) else tuple(args[1:]))
    count = result.dim()
    _ordered(recorder, args[0], tuple([dim % count for dim in dims]), result)


def _transpose(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input dim0 dim1", args, kwargs)
    tensor, count = options["input"], result.dim()
    first, second = options["dim0"] % count, options["dim1"] % count
    value = only_value(recorder, tensor)
    if first == second:
        recorder.bind(result, value)
        return
    if 0 in (first, second):
        raise UnsaidError("it puts the samples behind another dimension")
    recorder.add("transpose", {"dim0": first, "dim1": second}, (value,), result)


def _turned(recorder: Recorder, args: Arguments, _kwargs: Named, result: Any) -> None:
    """`x.mT`: the last two dimensions exchanged."""
    count = result.dim()
    _transpose(recorder, (args[0], count - 2, count - 1), {}, result)


def _movedim(recorder: Recorder, args: Arguments, kwargs: Named, result: Any) -> None:
    options = by_name("input source destination", args, kwargs)
    source, destination = options["source"], options["destination"]
    if not (isinstance(source, int) and isinstance(destination, int)):
        raise UnsaidError("it moves several dimensions")
    order = list(range(result.dim()))
    order.insert(destination % result.dim(), order.pop(source % result.dim()))
    _ordered(recorder, options["input"], tuple(order), result)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("contiguous", "clone", "to", "float", "type_as", "detach", "data", "alias"), _same),
    **dict.fromkeys(("flatten", "view", "reshape", "squeeze", "unsqueeze", "unflatten"), _reshape),
    **dict.fromkeys(("view_as", "reshape_as"), _reshape),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), _stretch),
    "permute": _permute,
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), _transpose),
    "mT": _turned,
    **dict.fromkeys(("movedim", "moveaxis"), _movedim),
}
