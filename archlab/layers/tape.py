"""Layers made of several operators, written down as their `forward` is: one call for each operator.

What autograd keeps of each, and what its backward pass takes, is PyTorch's (tools/autograd/derivatives.yaml).
"""

from __future__ import annotations

from math import prod

from archlab.layers.operators import FIRST, Computes, Learned, Operator, larger, power, quotient, reshape, whole
from archlab.layers.room import KEEPS_INPUT, KEEPS_NOTHING, KEEPS_OUTPUT, SHARES, Gradient, Room, Training
from archlab.layers.runtime import Execution
from archlab.layers.strides import Sizes, Value, contiguous, iterated


class Tape:
    """Operators in order. A number says whose value is meant: an operator's, or an input's (`FIRST` and below).

    Attributes:
        operators: so far.
    """

    def __init__(self, execution: Execution) -> None:
        self.operators: list[Operator] = []
        self._inputs = execution.inputs
        self._run = execution.run

    def value(self, number: int) -> Value:
        """How a value lies."""
        return self._inputs[~number] if number <= FIRST else self.operators[number].value

    def put(self, operator: Operator) -> int:
        """Write one down; under autocast it computes in the widest of what it reads, where it has no parameter."""
        if operator.computes == "layer" and operator.reads and not operator.learns:
            operator = operator._replace(computes="inputs")
        self.operators.append(operator)
        return len(self.operators) - 1

    def ended(self, *named: int) -> tuple[Operator, ...]:
        """All of them, of which some have a name until the end."""
        last = len(self.operators) - 1
        for number in named:
            self.operators[number] = self.operators[number]._replace(until=last)
        return tuple(self.operators)

    # -- of one value

    def map(self, training: Training, read: int = FIRST, *, inplace: bool = False) -> int:
        """A function of each element."""
        source = self.value(read)
        if inplace:
            return self.put(Operator(source, (read,), "inplace", training))
        return self.put(Operator(iterated(source.sizes, (source,)), (read,), training=training))

    def constant(self, read: int = FIRST, *, inplace: bool = False) -> int:
        """The sum with a number."""
        return self.map(SHARES, read, inplace=inplace)

    def power(self, read: int = FIRST) -> int:
        """A power; under autocast it is one of a copy in float32, which it keeps."""
        read = self.in_float32(read)
        return self.map(power(self.value(read)), read)

    def in_float32(self, read: int) -> int:
        """A copy in float32 under autocast, where it is less precise; else itself."""
        return self._cast(read, "float32")

    def lowered(self, read: int) -> int:
        """A copy in the precision of the layer under autocast, where it has another; else itself."""
        return self._cast(read, "layer")

    def _cast(self, read: int, computes: Computes) -> int:
        if not self._run.autocast:
            return read
        source = self.value(read)
        value = iterated(source.sizes, (source,))
        self.operators.append(Operator(value, (read,), "cast", SHARES, computes=computes))
        return len(self.operators) - 1

    def keep_named(self, numbers: tuple[int, ...], until: int) -> None:
        """Have operators' values named at least until another one is done."""
        for number in numbers:
            if number > FIRST:
                last = max(until, self.operators[number].until)
                self.operators[number] = self.operators[number]._replace(until=last)

    def sqrt(self, read: int, *, inplace: bool = False) -> int:
        """A root: twice the result divides its gradient."""
        return self.map(KEEPS_OUTPUT._replace(backward=whole(self.value(read).elements)), read, inplace=inplace)

    def rsqrt(self, read: int) -> int:
        """An inverse root: the result's cube times a number multiplies its gradient."""
        return self.map(KEEPS_OUTPUT._replace(backward=whole(2 * self.value(read).elements)), read)

    def sigmoid(self, read: int) -> int:
        """A sigmoid."""
        return self.map(KEEPS_OUTPUT, read)

    def mean(self, dims: Sizes, read: int = FIRST) -> int:
        """A mean over dimensions, which stay with size 1."""
        return self._reduced(KEEPS_NOTHING, dims, read)

    def norm(self, dims: Sizes, read: int = FIRST) -> int:
        """The root of the sum of squares: the input divided by it, zeros masked, multiplies its gradient.

        Under autocast PyTorch asks for it in float32.
        """
        source, result = self.value(read), self._without(dims, self.value(read))
        room = Room(fixed_elements=source.elements, fixed_bytes=result.elements)
        return self._reduced(Training(output=True, backward=room), dims, read, "float32")

    def variance(self, dims: Sizes, read: int = FIRST) -> int:
        """The mean of squared deviations, which are made again in the backward pass with their mean."""
        source, result = self.value(read), self._without(dims, self.value(read))
        return self._reduced(KEEPS_INPUT._replace(backward=whole(source.elements + 2 * result.elements)), dims, read)

    def expanded(self, sizes: Sizes, read: int) -> int:
        """A view stretched to sizes; its gradient is summed up."""
        source = self.value(read)
        pairs = zip(source.sizes, source.strides, sizes, strict=True)
        strides = tuple([stride if before == size else 0 for before, stride, size in pairs])
        return self.put(Operator(Value(sizes, strides), (read,), "view", KEEPS_NOTHING, layout="shape"))

    def reshaped(self, sizes: Sizes, read: int = FIRST) -> int:
        """A view, or a copy."""
        return self.put(reshape(self.value(read), sizes, read))

    def _reduced(self, training: Training, dims: Sizes, read: int, computes: Computes = "layer") -> int:
        value = self._without(dims, self.value(read))
        return self.put(Operator(value, (read,), training=training, computes=computes))

    @staticmethod
    def _without(dims: Sizes, source: Value) -> Value:
        sizes = tuple([1 if dim in dims else size for dim, size in enumerate(source.sizes)])
        return iterated(sizes, (source._replace(sizes=sizes),))

    # -- of two values, of which sizes of 1 are stretched

    def product(self, left: int, right: int) -> int:
        """Both are kept, each for the other's gradient."""
        value = self._joined(left, right)
        return self.put(
            Operator(
                value,
                (left, right),
                training=Training(inputs=(0, 1)),
                gradients=(self._kind(value, left), self._kind(value, right)),
                is_product=True,
            )
        )

    def quotient(self, left: int, right: int) -> int:
        """Both are kept."""
        value = self._joined(left, right)
        kinds = self._kind(value, left), self._kind(value, right)
        return self.put(quotient(value, (left, right))._replace(gradients=kinds))

    def sum(self, left: int, right: int) -> int:
        """Nothing is kept; what is stretched gets its gradient summed up."""
        value = self._joined(left, right)
        kinds: list[Gradient] = ["shared" if self.value(n).sizes == value.sizes else "new" for n in (left, right)]
        return self.put(Operator(value, (left, right), training=SHARES, gradients=tuple(kinds)))

    def maximum(self, left: int, right: int) -> int:
        """Both are kept."""
        value = self._joined(left, right)
        kinds = self._kind(value, left), self._kind(value, right)
        return self.put(larger(value, (left, right))._replace(gradients=kinds))

    def _joined(self, left: int, right: int) -> Value:
        values = self.value(left), self.value(right)
        sizes = tuple([max(pair) for pair in zip(*[value.sizes for value in values], strict=True)])
        return iterated(sizes, values)

    def _kind(self, value: Value, read: int) -> Gradient:
        return "new" if self.value(read).sizes == value.sizes else "reduced"

    # -- of a value and a parameter

    def scaled(self, channels: int, read: int = FIRST, *, as_written: bool = False) -> int:
        """Times a factor for each channel, or one of all: the factors' gradient is a map before it is summed up.

        Args:
            channels: how many factors there are.
            read: what they scale.
            as_written: whether they have their one dimension, and no view with as many as the value: then there is a
                sum over the batch also where the batch is one.
        """
        source = self.value(read)
        sums = source.elements if as_written else summed(source, channels)
        return self.put(Operator(source_like(source), (read,), training=KEEPS_INPUT, learns=(channels,), sums=sums))

    def shifted(self, channels: int, read: int, *, as_written: bool = False) -> int:
        """Plus a number for each channel, or one of all: where no sum is made, their gradient is a view of the value's.

        Args:
            channels: how many numbers there are.
            read: to what they are added.
            as_written: as for `scaled`.
        """
        source = self.value(read)
        learned: Learned = "new" if as_written or summed(source, channels) else "view"
        return self.put(Operator(source_like(source), (read,), training=SHARES, learns=(channels,), learned=learned))

    def clipped(self, channels: int, read: int) -> int:
        """The largest of it and a threshold for each channel."""
        source = self.value(read)
        one = larger(source_like(source), (read,))
        training = KEEPS_INPUT._replace(backward=one.rooms[0])
        return self.put(one._replace(training=training, learns=(channels,), sums=summed(source, channels)))

    def of_parameter(self, sizes: Sizes, training: Training, read: int | None = None) -> int:
        """A function of a parameter of so many elements, or of what was made of one."""
        reads = () if read is None else (read,)
        learns = (prod(sizes),) if read is None else ()
        computes: Computes = "params"
        return self.put(Operator(contiguous(sizes), reads, training=training, learns=learns, computes=computes))


def summed(source: Value, channels: int) -> int:
    """Elements of the map that a parameter's gradient is before it is summed up; 0 where it has no more than that."""
    return 0 if source.elements == channels else source.elements


def source_like(source: Value) -> Value:
    """What an operator gives of a value and of a parameter that is stretched along its positions."""
    return iterated(source.sizes, (source,))
