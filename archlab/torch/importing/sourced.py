"""Values that a network makes of constants and weights alone, as layers from a `constant` or `sine_positions` on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import pi, prod
from typing import Any

import torch
from torch import Tensor, nn

from archlab.imports.unsaid import UnsaidError
from archlab.layers.laid import Laid
from archlab.layers.shape import is_map
from archlab.layers.source import SinePositions as SinePositionsLayer
from archlab.torch.importing.functions import rule_of
from archlab.torch.importing.learned import function_word, takes_all
from archlab.torch.importing.origins import Call, Origins
from archlab.torch.importing.recorder import Recorder, tensors_in
from archlab.torch.modules import RelativeRows, SinePositions

_MEETS = frozenset(
    {"add", "iadd", "radd", "sub", "isub", "subtract", "rsub", "mul", "imul", "rmul", "multiply"}
    | {"div", "truediv", "itruediv", "divide", "true_divide", "maximum", "minimum"}
)
"""Functions in which a value meets what comes from no input."""
_ELEMENTWISE = frozenset(
    {*_MEETS, "sigmoid", "tanh", "relu", "softplus", "silu", "gelu", "clamp", "clamp_min", "neg", "negative", "abs"}
    | {"square", "sqrt", "rsqrt", "reciprocal", "pow", "dropout", "exp", "log"}
)
"""Functions that may be done where a tensor has dimensions of 1 in front."""
_COPIES = frozenset({"to", "float", "type_as", "contiguous", "clone", "detach", "expand_as"})
_REPEATS = frozenset({"repeat", "expand"})
_MOVES = frozenset({"permute", "transpose", "reshape", "view", "flatten", "unflatten", "movedim"})
_STRETCHES = frozenset({"getitem", "unsqueeze", "squeeze", "view", "reshape"})
"""Functions that may do no more than add dimensions of 1, or leave them out."""
_LAYERS = frozenset(
    {"conv1d", "conv2d", "conv3d", "linear", "batch_norm", "layer_norm", "group_norm", "gelu", "interpolate"}
)
_CONCATS = frozenset({"cat", "concat", "concatenate"})
_PRODUCTS = frozenset({"matmul", "linear"})
"""Functions by which a value may be multiplied with a matrix."""
_TURNS = frozenset({"transpose", "t", "mT", "T", "swapaxes", "permute"})
"""Functions that exchange the two dimensions of a matrix, where its shape says so."""
Sizes = tuple[int, ...]
MOST_TILES = 1 << 12
"""Copies of a value behind one another."""
TEMPERATURES = (10000.0, 20.0)
"""Of sines in published networks (Vaswani et al. 2017; DETR's followers)."""
_FORMS: tuple[dict[str, Any], ...] = (
    *({"normalize": normalize, "scale": scale} for normalize, scale in ((True, 2 * pi), (False, 2 * pi), (True, pi))),
    {"start": 0},
    {"start": 0, "interleave": False},
)
"""Of these, how positions count and channels lie (DETR's; from 0; RT-DETR's)."""
_NO_SINES = "it is made of constants that are no sines of positions"
_TOKENS = 3
"""Dimensions of samples, tokens and channels."""


class Sourced:
    """What values meet that comes from no input.

    Args:
        recorder: what else has been called.
        origins: how tensors came about.
    """

    def __init__(self, recorder: Recorder, origins: Origins) -> None:
        self._recorder, self._origins = recorder, origins

    def note(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Whether a call is one of a value and of what comes from no input, which is noted then."""
        recorder, before = self._recorder, len(self._recorder.items)
        if function_word(func) in _PRODUCTS:
            return self._times(func, args, kwargs, result)
        if function_word(func) in _CONCATS:
            return self._behind(func, args, kwargs, result)
        if function_word(func) not in _MEETS or kwargs or len(args) != 2 or not isinstance(result, Tensor):
            return False
        values = [recorder.value(one) for one in args]
        if (values[0] is None) == (values[1] is None):
            return False
        beside = next(value for value in values if value is not None)
        try:
            made = [
                self._stand_in(one, beside, result.dim()) if value is None else one
                for one, value in zip(args, values, strict=True)
            ]
            rule = rule_of(func)
            assert rule is not None
            rule(recorder, made, {}, result)
        except UnsaidError:
            recorder.drop(before)
            return False
        recorder.worked -= recorder.made_of(args)  # they are some sample's work now
        return True

    def _behind(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Whether a call has values and what comes from no input behind one another, which is noted then."""
        recorder, before = self._recorder, len(self._recorder.items)
        tensors = args[0] if args else kwargs.get("tensors", ())
        values = [recorder.value(one) for one in tensors]
        beside = next((value for value in values if value is not None), None)
        rule = rule_of(func)
        if beside is None or rule is None or not isinstance(result, Tensor):
            return False
        try:
            made = [
                self._held(self.value_of(one, beside, tuple(one.shape))) if value is None else one
                for one, value in zip(tensors, values, strict=True)
            ]
            rule(recorder, (made, *args[1:]), {name: one for name, one in kwargs.items() if name != "tensors"}, result)
        except UnsaidError:
            recorder.drop(before)
            return False
        return True

    def _times(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
        """Whether a call is a product of a value and of weights that stand as a matrix, which is noted then."""
        recorder, before = self._recorder, len(self._recorder.items)
        names = ("input", "weight", "bias") if function_word(func) == "linear" else ("input", "other")
        given = dict(zip(names, args, strict=False)) | dict(kwargs)
        left, right = given.get("input"), given.get(names[1])
        if not (isinstance(left, Tensor) and isinstance(right, Tensor) and isinstance(result, Tensor)):
            return False
        bias = given.get("bias")
        if recorder.value(left) is None:
            return False
        try:
            if bias is not None:
                self._with_bias(left, right, bias, result)
            elif right.dim() > 2:
                self._by_matrices(left, right, result)
            elif function_word(func) == "linear":
                self._by_matrix(left, right, result, is_turned=True)
            elif (weight := self._turned(right)) is not None:
                rule = rule_of(torch.nn.functional.linear)
                assert rule is not None
                rule(recorder, (left, weight), {}, result)
            else:
                self._by_matrix(left, right, result, is_turned=False)
        except UnsaidError:
            recorder.drop(before)
            return False
        recorder.worked -= recorder.made_of(right)
        return True

    def _with_bias(self, left: Tensor, weight: Tensor, bias: Tensor, result: Tensor) -> None:
        """A linear layer whose bias alone is computed."""
        recorder = self._recorder
        if recorder.tensor_name(weight) is None or recorder.tensor_name(bias) is not None:
            raise UnsaidError("weights that are computed")
        product = torch.empty_like(result, device="meta")
        linear, plus = rule_of(torch.nn.functional.linear), rule_of(torch.add)
        assert linear is not None
        assert plus is not None
        linear(recorder, (left, weight), {}, product)
        value = recorder.value(product)
        assert value is not None
        plus(recorder, (product, self._stand_in(bias, value, result.dim())), {}, result)

    def _turned(self, matrix: Tensor) -> Tensor | None:
        """The parameter whose rows are a matrix's columns, as a linear layer has it."""
        recorder = self._recorder
        name, call = recorder.tensor_name(matrix), self._origins.call(matrix)
        if name is not None and matrix.shape[1] == 1 and isinstance(recorder.tensor(name), nn.Parameter):
            turned = matrix.reshape(1, -1)
            recorder.alias(turned, name)
            return turned
        source = call.args[0] if call is not None and call.args and call.word in _TURNS else None
        name = recorder.tensor_name(source)
        if name is None or not isinstance(source, Tensor) or not isinstance(recorder.tensor(name), nn.Parameter):
            return None
        return source if tuple(source.shape) == tuple(matrix.shape[::-1]) else None

    def _by_matrix(self, left: Tensor, matrix: Tensor, result: Tensor, *, is_turned: bool) -> None:
        """A value by a constant, the rows of which are the columns of the matrix where it is turned."""
        recorder, beside = self._recorder, self._recorder.value(left)
        assert beside is not None
        is_row = left.dim() == 2  # a matrix of one row for each sample
        dims = 3 if is_row else left.dim()
        shape, name = (1,) * (dims - 2) + tuple(matrix.shape), recorder.tensor_name(matrix)
        if is_row and name is not None:  # neither rows nor columns are positions
            right = self._flat_constant(matrix, name, shape, beside)
        else:
            right = self.value_of(matrix, beside, shape)
        if is_turned:
            right = recorder.add("transpose", {"dim0": dims - 2, "dim1": dims - 1}, (right,))
        if not is_row:
            recorder.add("matmul", {}, (beside, right), result)
            return
        row = recorder.add("unflatten", {"dim": 1, "unflattened_size": (1, left.shape[1])}, (beside,))
        recorder.add("flatten", {}, (recorder.add("matmul", {}, (row, right)),), result)

    def _by_matrices(self, left: Tensor, matrices: Tensor, result: Tensor) -> None:
        """A value by several matrices of weights, which are the same for all samples."""
        recorder, beside = self._recorder, self._recorder.value(left)
        assert beside is not None
        right, lead = self._pairs(matrices, beside), left.dim() - 1 - matrices.dim()
        if lead < 0:
            raise UnsaidError("several matrices for each value")
        if lead:
            sizes = (*(1,) * lead, matrices.shape[0])
            right = recorder.add("unflatten", {"dim": 1, "unflattened_size": sizes}, (right,))
        recorder.add("matmul", {}, (beside, right), result)

    def _pairs(self, tensor: Tensor, beside: int) -> int:
        """Rows that queries and keys look up by how far they lie apart, in whatever order of dimensions.

        Raises:
            UnsaidError: if a tensor did not come about so.
        """
        call = self._origins.call(tensor)
        if call is None or not call.args or not isinstance(call.args[0], Tensor):
            raise UnsaidError("it is not known how it came about")
        source = call.args[0]
        if call.word == "permute":
            dims = call.args[1] if isinstance(call.args[1], tuple | list) else call.args[1:]
            order = (0, *[dim % tensor.dim() + 1 for dim in dims])
            return self._recorder.add("permute", {"dims": order}, (self._pairs(source, beside),))
        index = call.args[1] if call.word == "getitem" else None
        name, places = self._recorder.tensor_name(source), None
        if isinstance(index, Tensor) and index.dim() == 2 and source.dim() == 2:
            places = self._origins.values(index)
        if name is None or places is None or not isinstance(self._recorder.tensor(name), nn.Parameter):
            raise UnsaidError("it looks up what is not known")
        queries, keys = places.shape
        if not torch.equal(RelativeRows(queries, keys).index, places.flatten()):
            raise UnsaidError("it looks up other places than those of pairs")
        learned = {"shape": tuple(source.shape), "learnable": True}
        rows = self._constant_of_its_own(source, name, learned, (1, *source.shape), beside)
        return self._recorder.add("relative_rows", {"queries": queries, "keys": keys}, (rows,))

    def _stand_in(self, tensor: Any, beside: int, dims: int) -> Tensor:
        if not isinstance(tensor, Tensor):
            raise UnsaidError("it is no tensor")
        return self._held(self.value_of(tensor, beside, (1,) * (dims - tensor.dim()) + tuple(tensor.shape)))

    def value_of(self, tensor: Tensor, beside: int, shape: Sizes) -> int:
        """A tensor that comes from no input as a value.

        Args:
            tensor: it.
            beside: the value that it meets.
            shape: that it is to have, the samples in front: its own but for dimensions of 1.

        Raises:
            UnsaidError: if it is not known how it came about.
        """
        recorder = self._recorder
        if (
            len(shape) < 2
            or shape[0] not in (1, recorder.batch)
            or _wide(tensor.shape) not in (_wide(shape), _wide(shape[1:]))
        ):
            raise UnsaidError(f"what comes from no input is of {tuple(tensor.shape)}")
        name = recorder.tensor_name(tensor)
        if name is not None:
            return self._constant(tensor, name, shape, beside)
        call = self._origins.call(tensor)
        if call is None:
            raise UnsaidError("it is not known how it came about")
        if not recorder.made_of(tensor):
            return self._positions(tensor, shape, beside)
        if call.word in _CONCATS and call.args:
            return self._pieces(call, tensor, shape, beside)
        return self._called(call, tensor, shape, beside)

    def _constant(self, tensor: Tensor, name: str, shape: Sizes, beside: int) -> int:
        learnable = isinstance(self._recorder.tensor(name), nn.Parameter)
        options: dict[str, Any] = {"shape": shape[1:]} | ({"learnable": True} if learnable else {})
        if shape[0] != 1 or self._recorder.tensor(name).numel() != tensor.numel():
            raise UnsaidError("weights for each sample")
        try:
            return self._recorder.add("constant", options, (beside,), tensors={"value": tensor})
        except UnsaidError:  # its dimensions do not hold what those of the value do that it meets
            return self._constant_of_its_own(tensor, name, options, shape, beside)

    def _constant_of_its_own(
        self, tensor: Tensor, name: str, options: Mapping[str, Any], shape: Sizes, beside: int
    ) -> int:
        """A map of other positions, as before it is interpolated; else what has none, as a matrix."""
        recorder = self._recorder
        try:
            before = self._before(beside, lambda size: len(size) == len(shape) - 1)
            return recorder.add("constant", options, (before,), tensors={"value": tensor})
        except UnsaidError:
            return self._flat_constant(tensor, name, shape, beside)

    def _flat_constant(self, tensor: Tensor, name: str, shape: Sizes, beside: int) -> int:
        """A constant whose dimensions hold no positions, whatever those of the value hold that it meets."""
        recorder, flat = self._recorder, tensor.reshape(-1)
        recorder.alias(flat, name)
        learned = {"learnable": True} if isinstance(recorder.tensor(name), nn.Parameter) else {}
        options = {"shape": (tensor.numel(),), **learned}
        value = recorder.add("constant", options, (beside,), tensors={"value": flat})
        return recorder.add("unflatten", {"dim": 1, "unflattened_size": shape[1:]}, (value,))

    def _positions(self, tensor: Tensor, shape: Sizes, beside: int) -> int:
        """Sines of a map's positions, by their values."""
        values = self._origins.values(tensor)
        if values is None or len(shape) not in (3, 4, 5):
            raise UnsaidError("it is made of constants that are not known")
        found = values.reshape(shape)
        if not torch.equal(found, found[:1].expand_as(found)):
            raise UnsaidError("it is made of constants that are others for each sample")
        options = sines_of(found[0])
        if options is None and len(shape) == _TOKENS:
            return self._of_tokens(found[0], beside)
        if options is None:
            raise UnsaidError(_NO_SINES)
        beside = self._before(beside, lambda size: tuple(size[1:]) == shape[2:])
        return self._recorder.add("sine_positions", options, (beside,))

    def _of_tokens(self, values: Tensor, beside: int) -> int:
        """Sines of the positions of a map whose tokens they meet."""
        recorder = self._recorder
        before = self._before(beside, lambda size: len(size) > 2 and prod(size[1:]) == values.shape[0])
        options = sines_of(values.T.reshape(-1, *recorder.shape(before)[1:]))
        if options is None:
            raise UnsaidError(_NO_SINES)
        merged = recorder.add("flatten", {"start_dim": 2}, (recorder.add("sine_positions", options, (before,)),))
        return recorder.add("transpose", {"dim0": 1, "dim1": 2}, (merged,))

    def _before(self, value: int, is_wanted: Callable[[Sizes], bool]) -> int:
        """The last map of a size on the way to a value.

        Args:
            value: it.
            is_wanted: whether channels and axes are those of the map.

        Raises:
            UnsaidError: if there is none.
        """
        recorder = self._recorder
        waiting, seen = [value], set[int]()
        while waiting:
            at = waiting.pop(0)
            shape = recorder.shape(at)
            if not isinstance(shape, Laid) and is_wanted(shape):
                return at
            if at >= recorder.first:
                further = [one for one in recorder.items[at - recorder.first].inputs if one not in seen]
                seen.update(further)
                waiting += further
        raise UnsaidError("there is no map of that size")

    def _called(self, call: Call, tensor: Tensor, shape: Sizes, beside: int) -> int:
        """A function of what comes from no input."""
        word, source = call.word, next((one for one in call.args if isinstance(one, Tensor)), None)
        if source is None:
            raise UnsaidError("its arguments are not known")
        is_repeated = word in _REPEATS and tuple(source.shape[1:]) == tuple(tensor.shape[1:])
        is_stretched = word in _STRETCHES and _wide(source.shape) == _wide(tensor.shape)
        if word in _COPIES or is_repeated or (is_stretched and (word != "getitem" or takes_all(call.args[1]))):
            return self.value_of(source, beside, (1, *shape[1:]) if is_repeated else shape)
        if word == "softmax" and shape[len(shape) - source.dim() :] == tuple(source.shape):
            dim = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim")
            if isinstance(dim, int):
                along = {"dim": dim - source.dim() if dim >= 0 else dim}
                return self._ruled(replace(call, args=(source,), kwargs=along), beside, shape, [shape])
        if word == "tile":
            return self._tiled(call, source, shape, beside)
        if word == "getitem" and isinstance(call.args[1], int) and _wide(tensor.shape) == _wide(shape):
            return self._taken(source, call.args[1] % source.shape[0], shape, beside)
        if word in _ELEMENTWISE:
            return self._ruled(call, beside, shape, [_beside(one, tensor, shape) for one in tensors_in(call.args)])
        if word in _MOVES or word in _LAYERS:
            if tuple(tensor.shape[1:]) != shape[1:] or tensor.dim() != len(shape):
                raise UnsaidError("its samples do not lie in front")
            return self._ruled(call, beside, shape, [tuple(source.shape)])
        raise UnsaidError(f"{word} of what comes from no input")

    def _pieces(self, call: Call, tensor: Tensor, shape: Sizes, beside: int) -> int:
        """Several behind one another: `cat((q_bias, zeros, v_bias))`."""
        dim, lead = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim", 0), len(shape) - tensor.dim()
        if not isinstance(dim, int) or lead < 1 or shape[lead:] != tuple(tensor.shape):
            raise UnsaidError("what comes from no input, behind one another along samples")
        values = [self.value_of(one, beside, (*shape[:lead], *one.shape)) for one in call.args[0]]
        return self._recorder.add("concat", {"dim": lead + dim % tensor.dim()}, values)

    def _tiled(self, call: Call, source: Tensor, shape: Sizes, beside: int) -> int:
        """The same values behind one another: `tile(x, (2, 3))`."""
        dims = call.args[1] if len(call.args) > 1 else call.kwargs.get("dims", ())
        times = (1,) * (len(shape) - len(dims)) + tuple(dims)
        if source.dim() != len(shape) or len(times) > len(shape) or times[0] != 1 or prod(times) > MOST_TILES:
            raise UnsaidError("tiles of what comes from no input")
        value = self.value_of(source, beside, tuple(source.shape))
        for dim, count in enumerate(times):
            if count > 1:
                value = self._recorder.add("concat", {"dim": dim}, (value,) * count)
        return value

    def _taken(self, source: Tensor, number: int, shape: Sizes, beside: int) -> int:
        """One of several that lie along the first dimension: `alpha[0]`."""
        recorder = self._recorder
        whole = self.value_of(source, beside, (1, *source.shape))
        one = recorder.add("narrow", {"dim": 1, "start": number, "length": 1}, (whole,))
        flat = recorder.add("flatten", {}, (one,))
        if len(shape) == 2:
            return flat
        split = recorder.add("unflatten", {"dim": 1, "unflattened_size": shape[1:]}, (flat,))
        return recorder.add("as_map", {}, (split,)) if is_map(recorder.shape(beside)) else split

    def _ruled(self, call: Call, beside: int, shape: Sizes, sources: Sequence[Sizes]) -> int:
        """A function by its own rule, where the modules ran that called it.

        Args:
            call: of it.
            beside: the value that its result meets.
            shape: of its result.
            sources: of the first tensors that it takes, which are values; further ones are weights.
        """
        rule, recorder = rule_of(call.func), self._recorder
        if rule is None:
            raise UnsaidError(f"there is no layer for {call.word}")
        waiting, given = list(sources), list[Any]()
        for one in call.args:
            is_value = isinstance(one, Tensor) and waiting
            given.append(self._held(self.value_of(one, beside, waiting.pop(0))) if is_value else one)
        made = torch.empty(recorder.batch, *shape[1:], device="meta")
        before = len(recorder.items)
        with recorder.within(call.running):
            rule(recorder, given, call.kwargs, made)
            recorder.named_after_module(before)
        value = recorder.value(made)
        if value is None:
            raise UnsaidError(f"{call.word} gives no value")
        return value

    def _held(self, value: int) -> Tensor:
        """A tensor that holds a value, of its own shape."""
        made = torch.empty(self._recorder.batch, *self._recorder.shape(value), device="meta")
        self._recorder.bind(made, value)
        return made


def _wide(shape: Sequence[int]) -> list[int]:
    """The sizes that are not 1."""
    return [size for size in shape if size != 1]


def _beside(source: Tensor, made: Tensor, shape: Sizes) -> Sizes:
    """The shape of an argument of an elementwise function, whose result is to have a shape.

    Raises:
        UnsaidError: if that is not known.
    """
    if source.shape == made.shape:
        return shape
    if source.numel() == 1:
        return (1,) * len(shape)
    if tuple(made.shape) == shape[len(shape) - made.dim() :]:
        return (1,) * (len(shape) - source.dim()) + tuple(source.shape)
    raise UnsaidError("what comes from no input stretches")


def sines_of(values: Tensor) -> dict[str, Any] | None:
    """The options of `sine_positions` that give these values; None if none do.

    Args:
        values: (channels, *axes).
    """
    size = list(values.shape[1:])
    count, left = divmod(values.shape[0], len(size))
    if left or count % 2:
        return None
    for temperature in TEMPERATURES:
        for form in _FORMS:
            made = SinePositions(size, count, temperature=temperature, **form).positions
            if torch.allclose(made, values.float(), atol=1e-4):
                own = {"num_pos_feats": count, "temperature": temperature, **form}
                fields = SinePositionsLayer.model_fields
                return {name: value for name, value in own.items() if value != fields[name].default}
    return None
