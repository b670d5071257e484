"""What a layer runs: the operators of PyTorch that it calls, one after the other, as their memory needs.

Most layers are one operator, whose facts are in their `Runtime` (`storage`, `workspace`, `training`). Those that are
made of several say which (`Runtime.operators`): what each returns, what autograd keeps of it, and how long a variable
holds it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from archlab.layers.room import KEEPS_INPUT, KEEPS_NOTHING, NOTHING, SHARES, Gradient, Room, Training
from archlab.layers.strides import Sizes, Value, channels_last, contiguous, convolved, in_format_of, iterated, reshaped

FIRST = -1
"""Among an operator's reads: the layer's first input; -2 its second, and so on."""

Layout = Literal["iterated", "like", "format", "shape", "weight"]
"""In which order a new value lies: as elementwise operators have it, as its input, in its input's memory format, as its
sizes say, or with the channels last where either the input or the weight suggests it."""

GradientLayout = Literal[
    "own",
    "kept",
    "output",
    "format",
    "own format",
    "shape",
    "weight",
    "expanded",
    "stretched",
    "scaled",
    "masked",
    "sliced",
    "base",
    "tokens",
]
"""In which order a new gradient lies: as elementwise operators have it that read the output's gradient first (`own`),
the value that it is of (`kept`) or the output; in the memory format of that value, or of the output's gradient; as its
sizes say; as a convolution's; as that of the mean of whole maps, which is expanded, or of a mean along any dimensions
(`stretched`); as one stretched and multiplied by the value (`scaled`), or by where that is the output (`masked`); as a
slice's; or just as the value that it is of; or, of heads, as that of their tokens (`tokens`)."""

Holding = Literal["new", "inplace", "view", "alias", "cast"]
"""Where a value lives: in new memory, in its first input's, overwritten or seen otherwise, or it is that input; or that
is so where its precision is float32 already (a cast)."""


Computes = Literal["layer", "inputs", "first", "params", "float32"]
"""In which precision an operator computes under autocast: as its layer says, in the widest of its inputs, in its first
input's, in the parameters', or in float32, its inputs read as they are."""

Unwanted = Literal["not made", "dropped", "held"]
"""What becomes of gradients that nobody wants: they are not made, made and dropped at once, or held until the others
have been handed on."""


Learned = Literal["new", "view", "handed on"]
"""Where a parameter's gradient lives: in new memory; in that of its value's gradient, which stays for that; or there
unless something else holds it when all gradients have been handed on, and it is copied."""


class Run(NamedTuple):
    """Under which conditions operators run.

    Attributes:
        batch: number of samples.
        training: whether in training mode.
        channels_last: whether the weights lie in that memory format.
        watched: whether a dispatch mode watches, which keeps PyTorch from adding in place.
        autocast: whether in mixed precision.
    """

    batch: int
    training: bool
    channels_last: bool
    watched: bool
    autocast: bool = False


class Operator(NamedTuple):
    """One call of an operator.

    Attributes:
        value: what it gives.
        reads: earlier operators of the layer by number, or the layer's inputs (`FIRST` and below).
        holding: where its value lives.
        training: what autograd keeps of it, and what its backward pass takes; rooms count the whole batch.
        gradients: where the gradient of each read lives, where they differ.
        layout: in which order the gradients of what it reads lie, where they are new.
        dims: of a permutation, for its gradient.
        learns: elements of each parameter that it makes gradients of.
        computes: in which precision under autocast.
        rooms: what making the gradient of each read takes, where they are made one by one, the last one first.
    scratch: what it takes beside its value without autograd.
        until: the number of the operator that still finds its value under a name; by default its last reader.
        is_product: whether each input is kept for the others' gradients only.
    kept_for: for each input, the inputs for whose gradients it is kept; empty where that is any.
        unwanted: what becomes of its inputs' gradients where nobody wants them.
        owns_weight: whether the first of the parameters that it makes gradients of is its weight, which may as well be
            a value that it reads.
        weight_for_input: whether autograd keeps the weight for the input's gradient only.
        weight_is_view: whether the weight that it reads is a view of the parameter, whose gradient comes last.
        is_turned: whether its weight suggests that memory format.
        sums: elements of the weight's gradient before it is summed up; 0 where it is made as it is.
        sums_bias: whether the bias's gradient is its output's summed up.
        stacks: whether its value is read in parts alone, whose gradients are put behind one another (`unbind`).
        learned: where the gradient of its parameter lives.
        gradient_storage: elements that the storage of its input's new gradient has at least, whatever that's own.
    """

    value: Value
    reads: tuple[int, ...] = (FIRST,)
    holding: Holding = "new"
    training: Training = KEEPS_NOTHING
    gradients: tuple[Gradient, ...] = ()
    layout: GradientLayout = "own"
    dims: Sizes = ()
    learns: tuple[int, ...] = ()
    computes: Computes = "layer"
    rooms: tuple[Room, ...] = ()
    scratch: Room = NOTHING
    until: int = -1
    is_product: bool = False
    kept_for: tuple[tuple[int, ...], ...] = ()
    unwanted: Unwanted = "not made"
    owns_weight: bool = True
    weight_for_input: bool = False
    weight_is_view: bool = False
    is_turned: bool = False
    sums: int = 0
    sums_bias: bool = False
    stacks: bool = False
    learned: Learned = "new"
    gradient_storage: int = 0

    def gradient(self, number: int) -> Gradient:
        """Where the gradient of a read lives."""
        return self.gradients[number] if self.gradients else self.training.gradient


def laid(layout: Layout, sizes: Sizes, inputs: tuple[Value, ...], *, is_turned: bool) -> Value:
    """A new value in an order.

    Args:
        layout: which order.
        sizes: of the value.
        inputs: what it is made of.
        is_turned: whether the weight suggests that the channels are last.
    """
    if layout == "like" and inputs[0].is_dense:
        return inputs[0]
    if layout in {"iterated", "like"}:
        return iterated(sizes, inputs)
    if layout == "weight" and is_turned:
        return channels_last(sizes)
    if layout == "weight":
        return convolved(sizes, inputs[0])
    return in_format_of(sizes, inputs[0]) if layout == "format" else contiguous(sizes)


def whole(elements: int) -> Room:
    """Room for so many elements of the network's dtype, whatever the batch."""
    return Room(fixed_elements=elements)


def of_batch(room: Room, batch: int) -> Room:
    """A room for each sample as one for the batch."""
    if room is NOTHING or batch == 1:
        return room
    return Room(0, 0, room.elements * batch + room.fixed_elements, room.sample_bytes * batch + room.fixed_bytes)


def training_of_batch(training: Training, batch: int) -> Training:
    """What is kept and taken for each sample as that for the batch."""
    if batch == 1 or training.kept is training.forward is training.backward is NOTHING:
        return training
    return training._replace(
        kept=of_batch(training.kept, batch),
        forward=of_batch(training.forward, batch),
        backward=of_batch(training.backward, batch),
    )


def view(value: Value, reads: tuple[int, ...] = (FIRST,)) -> Operator:
    """The same memory seen otherwise; so is its gradient, or else copied."""
    return Operator(value, reads, "view", SHARES._replace(gradient="reshape"))


def permutation(source: Value, dims: Sizes, read: int = FIRST) -> Operator:
    """Its dimensions in another order."""
    return Operator(source.permuted(dims), (read,), "view", SHARES._replace(gradient="permute"), dims=dims)


def copy_in_order(source: Value, read: int = FIRST) -> Operator:
    """A copy in the order of its sizes, whose gradient is the copy's."""
    return Operator(contiguous(source.sizes), (read,), "new", SHARES)


def reshape(source: Value, sizes: Sizes, read: int = FIRST) -> Operator:
    """A view where that can be, else a copy."""
    value, is_view = reshaped(source, sizes)
    return view(value, (read,)) if is_view else Operator(value, (read,), "new", SHARES._replace(gradient="reshape"))


def power(value: Value) -> Training:
    """Of a power: its derivative is the base's power, times the exponent, times the gradient."""
    return KEEPS_INPUT._replace(backward=whole(2 * value.elements))


def quotient(value: Value, reads: tuple[int, ...]) -> Operator:
    """A division: the divisor's gradient takes two quotients and a sign on its way, before the dividend's is made."""
    rooms = (NOTHING, whole(3 * value.elements))
    return Operator(value, reads, training=Training(inputs=(0, 1)), rooms=rooms, kept_for=((1,), (0, 1)))


def larger(value: Value, reads: tuple[int, ...]) -> Operator:
    """A maximum or minimum: a gradient takes its half, the choice of one of these, and two masks on its way."""
    room = Room(fixed_elements=2 * value.elements, fixed_bytes=2 * value.elements)
    return Operator(value, reads, training=Training(inputs=(0, 1)), rooms=(room, room))
