"""How values lie in memory: sizes and strides, and what PyTorch makes of them (ATen's rules, step by step).

Whether a reshape is a view or a copy, and in which order a new value lies, depends on the strides of what is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import NamedTuple

Sizes = tuple[int, ...]

_CHANNELS_INNERMOST = {4: (1, 3, 2, 0), 5: (1, 4, 3, 2, 0)}
"""By number of dimensions, the batch among them: the only values that have a memory format with the channels last
(`torch.channels_last`, `torch.channels_last_3d`), and its order, the innermost first."""


class Value(NamedTuple):
    """A tensor's sizes, the batch first, and its strides, in elements."""

    sizes: Sizes
    strides: Sizes

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.sizes)

    @property
    def is_contiguous(self) -> bool:
        """Whether it lies in the order of its sizes, without gaps."""
        if self.strides == contiguous(self.sizes).strides:
            return True
        return _is_packed(self, range(len(self.sizes) - 1, -1, -1))

    @property
    def is_channels_last(self) -> bool:
        """Whether it lies with its channels innermost, without gaps."""
        return len(self.sizes) in _CHANNELS_INNERMOST and _is_packed(self, _CHANNELS_INNERMOST[len(self.sizes)])

    @property
    def suggests_channels_last(self) -> bool:
        """Whether PyTorch takes it for one with its channels innermost (`suggest_memory_format`)."""
        if len(self.sizes) not in _CHANNELS_INNERMOST or self.strides[1] == 0:
            return False
        least = 0
        for dim in _CHANNELS_INNERMOST[len(self.sizes)]:
            stride = self.strides[dim]
            if stride < least or (dim == 0 and least == self.strides[1]):
                return False
            least = stride * self.sizes[dim] if self.sizes[dim] > 1 else stride
        return True

    @property
    def convolves_channels_last(self) -> bool:
        """Whether a convolution takes it for one with its channels innermost; one of one axis as a map of one row.

        That is made contiguous before, which one channel, or one position, is by whatever strides.
        """
        if len(self.sizes) == 3:
            return self.is_contiguous and as_row(self).suggests_channels_last
        return self.suggests_channels_last

    @property
    def is_dense(self) -> bool:
        """Whether it has neither gaps nor overlaps, in whatever order."""
        if self.strides == contiguous(self.sizes).strides:
            return True
        return _is_packed(self, sorted(range(len(self.sizes)), key=lambda dim: self.strides[dim]))

    def permuted(self, dims: Sizes) -> Value:
        """The same memory with its dimensions in another order."""
        return Value(tuple([self.sizes[dim] for dim in dims]), tuple([self.strides[dim] for dim in dims]))

    def with_size(self, dim: int, size: int) -> Value:
        """A slice along a dimension."""
        return self._replace(sizes=(*self.sizes[:dim], size, *self.sizes[dim + 1 :]))


def _is_packed(value: Value, dims: Sequence[int]) -> bool:
    """Whether strides grow as sizes do along dimensions, the innermost first."""
    expected = 1
    for dim in dims:
        if value.sizes[dim] != 1:
            if value.strides[dim] != expected:
                return False
            expected *= value.sizes[dim]
    return True


def ordered(sizes: Sizes, dims: Sequence[int]) -> Value:
    """A new value that lies without gaps in an order of dimensions, the innermost first."""
    strides, step = [1] * len(sizes), 1
    for dim in dims:
        strides[dim] = step
        step *= sizes[dim]
    return Value(sizes, tuple(strides))


@lru_cache(maxsize=8_192)
def contiguous(sizes: Sizes) -> Value:
    """A new value in the order of its sizes."""
    return ordered(sizes, range(len(sizes) - 1, -1, -1))


def channels_last(sizes: Sizes) -> Value:
    """A new value with its channels innermost."""
    return ordered(sizes, _CHANNELS_INNERMOST[len(sizes)])


def turned(value: Value) -> Value:
    """A value in that memory format, if it is a batch of maps: itself where its strides say so already.

    As `Tensor.to(memory_format=)` has it, which gives one channel, or one position, the strides of the format too.
    """
    has_format = len(value.sizes) in _CHANNELS_INNERMOST
    return channels_last(value.sizes) if has_format and not value.suggests_channels_last else value


def in_format_of(sizes: Sizes, like: Value) -> Value:
    """A new value in the memory format that another suggests."""
    has_format = len(sizes) in _CHANNELS_INNERMOST
    return channels_last(sizes) if has_format and like.suggests_channels_last else contiguous(sizes)


def convolved(sizes: Sizes, like: Value) -> Value:
    """A new value in the order that a convolution finds in another."""
    if not like.convolves_channels_last:
        return contiguous(sizes)
    return ordered(sizes, (1, 2, 0)) if len(sizes) == 3 else channels_last(sizes)


def as_row(value: Value) -> Value:
    """A map of one axis as one of one row."""
    sizes, strides = value
    return Value((*sizes[:2], 1, sizes[2]), (*strides[:2], sizes[2] * strides[2], strides[2]))


@lru_cache(maxsize=8_192)
def iterated(sizes: Sizes, operands: tuple[Value, ...]) -> Value:
    """What an elementwise operator gives (`TensorIterator`).

    Args:
        sizes: of the result.
        operands: in order; sizes of 1 are stretched.
    """
    if all(operand.sizes == sizes for operand in operands):
        if all(operand.is_contiguous for operand in operands):
            return contiguous(sizes)
        if all(operand.is_channels_last for operand in operands):
            return channels_last(sizes)
        first = operands[0]
        if all(operand.strides == first.strides for operand in operands) and first.is_dense:
            return first
    stretched = [_stretched(operand, sizes) for operand in operands]
    return ordered(sizes, _iteration_order(sizes, stretched))


def _stretched(operand: Value, sizes: Sizes) -> Sizes:
    """Its strides, 0 where it is stretched to a size."""
    lead = len(sizes) - len(operand.sizes)
    own = [
        0 if size == 1 and sizes[lead + dim] != 1 else stride
        for dim, (size, stride) in enumerate(zip(operand.sizes, operand.strides, strict=True))
    ]
    return (*(0,) * lead, *own)


def _iteration_order(sizes: Sizes, operands: list[Sizes]) -> list[int]:
    """Dimensions, the innermost first: an insertion sort with comparisons that may leave the order open."""
    order = list(range(len(sizes) - 1, -1, -1))
    for start in range(1, len(order)):
        upper = start
        for lower in range(start - 1, -1, -1):
            compared = _compared(sizes, operands, order[lower], order[upper])
            if compared < 0:
                break
            if compared > 0:
                order[lower], order[upper] = order[upper], order[lower]
                upper = lower
    return order


def _compared(sizes: Sizes, operands: list[Sizes], first: int, second: int) -> int:
    """Above 0 where the first dimension is to come behind the second."""
    for strides in operands:
        one, other = strides[first], strides[second]
        if one == 0 or other == 0:
            continue
        if one != other:
            return -1 if one < other else 1
        if sizes[first] > sizes[second]:
            return 1
    return 0


@lru_cache(maxsize=8_192)
def viewed(value: Value, sizes: Sizes) -> Value | None:
    """The same memory under other sizes; None where that takes a copy (ATen's `computeStride`)."""
    strides = [0] * len(sizes)
    to, base, chunk, seen = len(sizes) - 1, value.strides[-1], 1, 1
    for dim in range(len(value.sizes) - 1, -1, -1):
        chunk *= value.sizes[dim]
        if dim and (value.sizes[dim - 1] == 1 or value.strides[dim - 1] == chunk * base):
            continue
        while to >= 0 and (seen < chunk or sizes[to] == 1):
            strides[to] = seen * base
            seen *= sizes[to]
            to -= 1
        if seen != chunk:
            return None
        if dim:
            base, chunk, seen = value.strides[dim - 1], 1, 1
    return Value(sizes, tuple(strides)) if to < 0 else None


def reshaped(value: Value, sizes: Sizes) -> tuple[Value, bool]:
    """A value under other sizes, and whether that is a view rather than a copy."""
    found = viewed(value, sizes)
    return (contiguous(sizes), False) if found is None else (found, True)
