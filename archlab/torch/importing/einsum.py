"""`einsum` of two tensors as what it is made of: dimensions in another order, and a product of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Product(NamedTuple):
    """A sum of products of two tensors as a product of matrices.

    Attributes:
        left: the order of the first tensor's dimensions: its own but for the last, those of both, rows, what is summed
            over.
        right: of the second's: those of both, what is summed over, columns.
        result: the order of (own, both, rows, columns) in which the result lies.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    result: tuple[int, ...]

    def of(self, one: Tensor, other: Tensor) -> Tensor:
        """The product."""
        made = torch.matmul(_ordered(one, self.left), _ordered(other, self.right))
        return _ordered(made, self.result)


def product_of(args: Sequence[Any]) -> Product | None:
    """What `einsum(equation, a, b)` is as a product; None where it is something else.

    One dimension each is rows, columns and summed over; all others are of the result, and of both or the first alone.
    """
    if len(args) == 2 and isinstance(args[1], tuple | list):
        args = (args[0], *args[1])
    if len(args) != 3 or not isinstance(args[0], str) or "..." in args[0] or "->" not in args[0]:
        return None
    given, result = args[0].replace(" ", "").split("->")
    if given.count(",") != 1:
        return None
    left, right = given.split(",")
    if any(len(set(word)) < len(word) for word in (left, right, result)):
        return None
    both = [letter for letter in result if letter in left and letter in right]
    *own, rows = [letter for letter in left if letter not in right] or [""]
    columns = [letter for letter in right if letter not in left]
    summed = [letter for letter in left if letter in right and letter not in result]
    made = [*own, *both, *rows, *columns]
    if not len(rows) == len(columns) == len(summed) == 1 or sorted(result) != sorted(made):
        return None
    if own and own[0] != result[0]:  # the samples' dimension stays in front
        return None
    return Product(
        tuple([left.index(letter) for letter in (*own, *both, *rows, *summed)]),
        tuple([right.index(letter) for letter in (*both, *summed, *columns)]),
        tuple([made.index(letter) for letter in result]),
    )


def _ordered(tensor: Tensor, order: tuple[int, ...]) -> Tensor:
    return tensor if order == tuple(range(len(order))) else tensor.permute(order)
