"""Learned tokens in front of others, and learned values of positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from archlab.torch.importing.learned import function_word
from archlab.torch.importing.recorder import Recorder

_REPEATS = ("expand", "repeat", "expand_as")


class Tokens:
    """Class tokens and position embeddings of a pass.

    Args:
        recorder: what else has been called.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._repeated: dict[int, Tensor] = {}
        """`id` of tensors that are a parameter once for each sample, to the parameter."""

    def note(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Whether a call is one of these, which is noted then.

        Raises:
            UnsaidError: if archlab has no such layer for what enters.
        """
        word = function_word(func)
        if word in ("cat", "concat", "concatenate"):
            return self._in_front(args, kwargs, result)
        if word in ("add", "iadd"):
            return self._of_positions(args, kwargs, result)
        return False

    def learn(self, func: Callable[..., Any], args: Sequence[Any], result: Any) -> None:
        """Look at a call without any input: a parameter once for each sample."""
        if function_word(func) not in _REPEATS or not args:
            return
        recorder, tensor = self._recorder, args[0]
        name = recorder.tensor_name(tensor)
        if name is None or not isinstance(result, Tensor):
            return
        if tuple(result.shape) == (recorder.batch, *tensor.shape[1:]) and tensor.shape[:1] == (1,):
            recorder.derive(result, frozenset({name}))
            self._repeated[id(result)] = tensor

    def _in_front(self, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> bool:
        """`cat([token.expand(batch, -1, -1), x], dim=1)`."""
        tensors = args[0] if args else kwargs.get("tensors", ())
        dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
        if len(tensors) != 2 or dim != 1 or result.dim() != 3:
            return False
        token, value = self._repeated.get(id(tensors[0])), self._recorder.value(tensors[1])
        if token is None or value is None:
            return False
        options = {"num_tokens": token.shape[1]}
        self._recorder.add("class_token", options, (value,), result, tensors={"class_token": token})
        return True

    def _of_positions(self, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> bool:
        """`x + pos_embed`, where a sample has as many elements as the parameter."""
        left, right = args[0], args[1] if len(args) > 1 else kwargs["other"]
        for tensor, learned in ((left, right), (right, left)):
            value = self._recorder.value(tensor)
            if value is not None and isinstance(learned, Tensor) and self._is_of_a_sample(learned, tensor):
                self._recorder.add("position_embedding", {}, (value,), result, tensors={"pos_embed": learned})
                return True
        return False

    def _is_of_a_sample(self, learned: Tensor, tensor: Tensor) -> bool:
        """Whether it is a parameter with an element for each of a sample's, along more than one dimension."""
        name = self._recorder.tensor_name(learned)
        if name is None or not isinstance(self._recorder.tensor(name), nn.Parameter):
            return False
        return tuple(learned.shape) == (1, *tensor.shape[1:]) and sum(size > 1 for size in learned.shape) > 1
