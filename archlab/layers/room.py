"""Memory that a layer takes in PyTorch beside its input and output: while it runs, and for its backward pass."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Room(NamedTuple):
    """An amount of memory, of which some parts depend on the network's dtype and on the batch.

    Attributes:
        elements: of the network's dtype, for each sample.
        sample_bytes: whatever the dtype, for each sample (positions of maxima).
        fixed_elements: of the network's dtype, once for the batch.
        fixed_bytes: whatever the dtype, once for the batch (statistics of each channel).
        read_elements: of the dtype of what is read first, once for the batch.
    """

    elements: int = 0
    sample_bytes: int = 0
    fixed_elements: int = 0
    fixed_bytes: int = 0
    read_elements: int = 0

    def bytes(self, element_size: int, batch: int) -> int:
        """In bytes."""
        per_sample = self.elements * element_size + self.sample_bytes
        return per_sample * batch + self.fixed_elements * element_size + self.fixed_bytes


NOTHING = Room()

Gradient = Literal["new", "shared", "view", "reshape", "permute", "expand", "reduced"]
"""Where the gradients of a layer's inputs live: new memory, or that of its output's gradient (a view: a part of it;
reshaped: copied where a view cannot be; permuted; expanded), or new memory into which a whole map is summed up."""


class Training(NamedTuple):
    """What autograd keeps of a layer between its forward and its backward pass, and what they take meanwhile.

    Attributes:
        inputs: which of its inputs are kept.
        output: whether its output is kept.
        kept: what is made for the backward pass alone.
        kept_first: whether that is there before the output is made (dropout's factors), rather than with it.
        kept_only: whether that is not even made where no gradient is wanted (the copy of what is overwritten).
        forward: taken while the forward pass runs, beside the output and what is kept.
        gradient: where the gradients of its inputs live.
        backward: taken while the backward pass runs, beside the gradients.
    """

    inputs: tuple[int, ...] = (0,)
    output: bool = False
    kept: Room = NOTHING
    kept_first: bool = False
    kept_only: bool = False
    forward: Room = NOTHING
    gradient: Gradient = "new"
    backward: Room = NOTHING


KEEPS_INPUT = Training()
KEEPS_OUTPUT = Training(inputs=(), output=True)
KEEPS_NOTHING = Training(inputs=())
SHARES = Training(inputs=(), gradient="shared")
VIEWS = Training(inputs=(), gradient="view")
