"""How PyTorch runs attention on a CPU: by its fused kernel, or as products of matrices with a softmax between them."""

from __future__ import annotations

from math import prod

from archlab.layers.norm import FLOAT_BYTES
from archlab.layers.operators import FIRST, Operator, permutation
from archlab.layers.room import KEEPS_NOTHING, KEEPS_OUTPUT, SHARES, Room, Training
from archlab.layers.runtime import Execution
from archlab.layers.strides import Sizes, Value, contiguous, iterated
from archlab.layers.tape import Tape


class AttentionTape(Tape):
    """The operators of attention over heads."""

    def __init__(self, execution: Execution) -> None:
        super().__init__(execution)
        self.training = execution.run.training

    def permuted(self, dims: Sizes, read: int) -> int:
        """The dimensions in another order."""
        return self.put(permutation(self.value(read), dims, read))

    def parts(self, count: int, heads: int, read: int = FIRST, *, head_first: bool = False) -> list[int]:
        """Queries, keys and values (or the last two) that lie beside one another: each (batch, heads, tokens, width).

        Args:
            count: how many there are.
            heads: how many heads.
            read: a value of (batch, ..., count * heads * width).
            head_first: whether those of a head lie together.
        """
        source = self.value(read)
        batch, width = source.sizes[0], source.sizes[-1] // (count * heads)
        tokens = source.elements // (batch * source.sizes[-1])
        inner = (heads, count) if head_first else (count, heads)
        split = self.reshaped((batch, tokens, *inner, width), read)
        whole = self.permuted((3, 0, 2, 1, 4) if head_first else (2, 0, 3, 1, 4), split)
        self.operators[whole] = self.operators[whole]._replace(stacks=True)
        value = self.value(whole)
        part = Operator(Value(value.sizes[1:], value.strides[1:]), (whole,), "view", SHARES)
        return [self.put(part) for _ in range(count)]

    def heads_of(self, heads: int, read: int = FIRST) -> int:
        """Queries by themselves: (batch, heads, tokens, width)."""
        source = self.value(read)
        batch, tokens = source.sizes[0], source.elements // (source.sizes[0] * source.sizes[-1])
        split = self.reshaped((batch, tokens, heads, source.sizes[-1] // heads), read)
        return self.permuted((0, 2, 1, 3), split)

    def fused(self, query: int, key: int, value: int, bias: int | None = None) -> int:
        """The CPU's fused kernel: it keeps what it reads and gives, and a logarithm for each query and head.

        What it gives lies as the queries do, gradients as those of tokens with their heads behind.
        A bias has no gradient, for which there is no such kernel.
        """
        batch, heads, tokens, width = self.value(query).sizes
        laid = iterated((batch, heads, tokens, width), (self.value(query),))
        logarithms = Room(fixed_bytes=FLOAT_BYTES * batch * heads * tokens)
        reads = (query, key, value) if bias is None else (query, key, value, bias)
        training = Training(inputs=tuple(range(len(reads))), output=True, kept=logarithms)
        if not self.training:
            return self.put(Operator(laid, reads, scratch=logarithms))
        return self.put(Operator(laid, reads, training=training, layout="tokens"))

    def written_out(self, query: int, key: int, value: int, dropout: float, bias: int | None = None) -> int:
        """Scaled queries times keys, plus a bias, their softmax, what is left out of it, times the values."""
        scores = self.matmul(self.scaled_by_number(query), self.turned(key))
        scores = scores if bias is None else self.sum(scores, bias)
        weights = self.softmax(self.in_float32(scores))
        self.keep_named((scores,), weights)
        dropped = self.dropped(weights, dropout)
        result = self.matmul(self.lowered(dropped), value)
        self.keep_named((dropped,), result)
        return result

    def by_math(self, query: int, key: int, value: int, dropout: float, bias: int | None = None) -> int:
        """What `scaled_dot_product_attention` does where no kernel fits: queries and keys are both scaled.

        All of it in float32; the result, and the weights beside it, are as precise as the queries then.
        """
        query, key, value = (self.in_float32(read) for read in (query, key, value))
        queries = self.scaled_by_number(query)
        scores = self.matmul(queries, self.scaled_by_number(self.turned(key)))
        scores = scores if bias is None else self.sum(scores, bias)
        weights = self.softmax(scores)
        dropped = self.dropped(weights, dropout)
        beside = self.lowered(dropped)
        product = self.matmul(dropped, value)
        result = self.lowered(product)
        named = (queries, weights) if result == product else (query, key, value, product, beside, queries, weights)
        self.keep_named(named, result)
        return result

    def rolled(self, shift: Sizes, read: int) -> int:
        """Rolled along axes behind the batch, if along any."""
        if not any(shift):
            return read
        value = contiguous(self.value(read).sizes)
        return self.put(Operator(value, (read,), training=KEEPS_NOTHING, layout="shape"))

    def scaled_by_number(self, read: int) -> int:
        """Times a number."""
        return self.map(KEEPS_NOTHING, read)

    def softmax(self, read: int) -> int:
        """Along the keys."""
        sizes = self.value(read).sizes
        return self.put(Operator(contiguous(sizes), (read,), training=KEEPS_OUTPUT, layout="shape"))

    def dropped(self, read: int, dropout: float) -> int:
        """Left out at random in training: factors are kept."""
        if not (self.training and dropout):
            return read
        value = self.value(read)
        factors = Room(fixed_elements=1 if dropout == 1 else value.elements)
        return self.put(Operator(value, (read,), training=Training(inputs=(), kept=factors, kept_first=True)))

    def turned(self, read: int) -> int:
        """Rows for columns."""
        last = len(self.value(read).sizes) - 1
        return self.permuted((*range(last - 1), last, last - 1), read)

    def matmul(self, left: int, right: int) -> int:
        """Of matrices for each sample and head, which are copied where they cannot be seen as one batch."""
        *_, rows, inner = self.value(left).sizes
        columns = self.value(right).sizes[-1]
        pairs = zip(self.value(left).sizes[:-2], self.value(right).sizes[:-2], strict=True)
        outer = tuple([max(pair) for pair in pairs])
        count = prod(outer)
        first = self.reshaped((count, rows, inner), self._stretched((*outer, rows, inner), left))
        second = self.reshaped((count, inner, columns), self._stretched((*outer, inner, columns), right))
        product = Operator(
            contiguous((count, rows, columns)),
            (first, second),
            training=Training(inputs=(0, 1)),
            layout="shape",
            is_product=True,
        )
        made = self.put(product)
        for read in (left, right):
            if read > FIRST:
                self.operators[read] = self.operators[read]._replace(until=max(made, self.operators[read].until))
        if len(outer) == 1:
            return made
        # autograd does not take it for a view (`_unsafe_view`), which may be written over
        seen = contiguous((*outer, rows, columns))
        return self.put(Operator(seen, (made,), "alias", SHARES._replace(gradient="reshape")))

    def _stretched(self, sizes: Sizes, read: int) -> int:
        return read if self.value(read).sizes == sizes else self.expanded(sizes, read)

    def merged(self, sizes: Sizes, read: int) -> int:
        """The heads beside one another again."""
        return self.reshaped(sizes, self.permuted((0, 2, 1, 3), read))
