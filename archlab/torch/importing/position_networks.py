"""Biases of attention that a network makes of relative positions (Swin V2, `RelPosMlp`), or of one head's row.

What is compared: the calls from the table of positions to the bias, and the shapes of that table and of the scores. The
numbers in the table and in the index into it are not looked at, since a pass has none; `prove` compares outputs.
"""

from __future__ import annotations

from math import isqrt, prod
from typing import Any

import torch
from torch import Tensor

from archlab.imports.unsaid import UnsaidError
from archlab.torch.importing.functions import rule_of
from archlab.torch.importing.origins import Call, Origins
from archlab.torch.importing.recorder import Recorder

_LAYOUT = frozenset(
    {
        "view",
        "reshape",
        "flatten",
        "permute",
        "transpose",
        "contiguous",
        "unsqueeze",
        "squeeze",
        "to",
        "float",
        "dropout",
    }
)
_LAYERS = frozenset({"linear", "relu", "gelu", "silu", "sigmoid", "tanh", "mul", "rmul", "imul"})


class PositionNetworks:
    """Reads how a bias came about.

    Args:
        recorder: what else has been called.
        origins: how tensors came about.
    """

    def __init__(self, recorder: Recorder, origins: Origins) -> None:
        self._recorder, self._origins = recorder, origins

    def rows_of(self, bias: Tensor, beside: int) -> tuple[int, tuple[int, ...]]:
        """The rows that a bias (..., heads, queries, keys) looks up, as a value, and the size of the window.

        Args:
            bias: it.
            beside: the scores that it is added to.

        Raises:
            UnsaidError: if it did not come about so.
        """
        calls, table = self._chain(bias)
        *_, queries, keys = bias.shape
        size = tuple([(axis + 1) // 2 for axis in table.shape[-3:-1]])
        odd = all(axis % 2 for axis in table.shape[-3:-1])
        if (
            table.shape[-1] != 2
            or not odd
            or queries != keys
            or prod(size) != keys
            or table.numel() != 2 * prod([2 * axis - 1 for axis in size])
        ):
            raise UnsaidError("a bias made of a table that is none of relative positions")
        value = self._recorder.add("relative_positions", {"size": size, **self._spacing(table)}, (beside,))
        for call in calls:
            value = self._called(call, value)
        return value, size

    def rows_of_head(self, bias: Tensor, beside: int) -> tuple[int, tuple[int, ...]]:
        """The rows that a bias (queries, keys) looks up, of one head of a table (heads, distances), as `rows_of`.

        Raises:
            UnsaidError: if it did not come about so.
        """
        head, tensor = None, bias
        while self._recorder.tensor_name(tensor) is None:
            call = self._origins.call(tensor)
            if call is None or not call.args or call.word not in {"getitem", *_LAYOUT}:
                raise UnsaidError("it is not known how a bias came about")
            if call.word == "getitem" and isinstance(call.args[1], int):
                head = call.args[1] % call.args[0].shape[0]
            elif call.word == "getitem" and not _looks_up_columns(call.args[1]):
                raise UnsaidError("a bias that is some of a table's")
            tensor = call.args[0]
        area, side = bias.shape[-1], isqrt(bias.shape[-1])
        if head is None or tensor.dim() != 2 or bias.shape[-2:] != (area, area) or {tensor.shape[1], side**2} != {area}:
            raise UnsaidError("a bias that is no head's of distances")
        recorder = self._recorder
        flat, name = tensor.reshape(-1), recorder.tensor_name(tensor)
        assert name is not None
        recorder.alias(flat, name)  # its dimensions hold no positions, whatever those of the scores hold
        options = {"shape": tuple(flat.shape), "learnable": True}
        whole = recorder.add("constant", options, (beside,), tensors={"value": flat})
        table = recorder.add("unflatten", {"dim": 1, "unflattened_size": tuple(tensor.shape)}, (whole,))
        row = recorder.add("narrow", {"dim": 1, "start": head, "length": 1}, (table,))
        return recorder.add("transpose", {"dim0": 1, "dim1": 2}, (row,)), (side, side)

    def _chain(self, bias: Tensor) -> tuple[list[Call], Tensor]:
        """The layers between a table and a bias, in order, and the table; one call looks rows up on the way.

        Raises:
            UnsaidError: if there is anything else.
        """
        found, lookups, tensor = list[Call](), 0, bias
        while self._recorder.tensor_name(tensor) is None and self._recorder.made_of(tensor):
            call = self._origins.call(tensor)
            if call is None or not call.args:
                raise UnsaidError("it is not known how a bias came about")
            tensors = [one for one in call.args if isinstance(one, Tensor)]
            if call.word == "getitem" and isinstance(call.args[1], Tensor):
                lookups += 1
            elif call.word in _LAYERS:
                found.append(call)
            elif call.word not in _LAYOUT and call.word != "getitem":
                raise UnsaidError(f"{call.word} on the way to a bias")
            tensor = tensors[0]
        if lookups != 1:
            raise UnsaidError("a bias that is looked up in no table")
        return found[::-1], tensor

    def _spacing(self, table: Tensor) -> dict[str, Any]:
        """Swin V2's own spacing, or timm's."""
        name = self._recorder.tensor_name(table)
        module = None if name is None else self._recorder.owner(name)
        if any(getattr(module, "pretrained_window_size", None) or ()):
            raise UnsaidError("relative positions of another window than its own")
        return {} if getattr(module, "mode", "swin") == "cr" else {"spacing": "swin"}

    def _called(self, call: Call, value: int) -> int:
        recorder, rule = self._recorder, rule_of(call.func)
        assert rule is not None
        given = torch.empty(recorder.batch, *recorder.shape(value), device="meta")
        recorder.bind(given, value)
        first = next(number for number, one in enumerate(call.args) if isinstance(one, Tensor))
        args = [given if number == first else one for number, one in enumerate(call.args)]
        width = call.args[1].shape[0] if call.word == "linear" else given.shape[-1]
        made = torch.empty(*given.shape[:-1], width, device="meta")
        with recorder.within(call.running):
            before = len(recorder.items)
            rule(recorder, args, call.kwargs, made)
            recorder.named_after_module(before)
        found = recorder.value(made)
        assert found is not None
        return found


def _looks_up_columns(index: Any) -> bool:
    """Whether an index is `[:, places]`."""
    return isinstance(index, tuple) and len(index) == 2 and index[0] == slice(None) and isinstance(index[1], Tensor)
