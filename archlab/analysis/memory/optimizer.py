"""What optimizers keep, and what their step takes, as `torch.optim` has them."""

from __future__ import annotations

from typing import NamedTuple

STEP_BYTES = 4
"""Adam counts the steps of each parameter in a float32."""


class Optimizer(NamedTuple):
    """The memory of one optimizer.

    Attributes:
        state: copies of each parameter that it keeps.
        counts: whether it counts the steps of each parameter.
        roots: whether its step takes the root of a state.
    """

    state: int
    counts: bool
    roots: bool

    def state_bytes(self, sizes: list[int]) -> int:
        """What it keeps from step to step.

        Args:
            sizes: bytes of each parameter tensor.
        """
        return self.state * sum(sizes) + self.counts * STEP_BYTES * len(sizes)

    def step_bytes(self, sizes: list[int], *, foreach: bool) -> int:
        """The most that its step takes at one time.

        Args:
            sizes: bytes of each parameter tensor.
            foreach: whether it takes all parameters together, as on GPUs (once for all), or each by itself.
        """
        if not self.roots or not sizes:
            return 0
        if foreach:
            return sum(sizes)  # all roots, divided in place
        # the root, what it is divided into, and that of the parameter before, whose name is still bound
        return max(2 * size + before for size, before in zip(sizes, [0, *sizes], strict=False))


OPTIMIZERS = {
    "sgd": Optimizer(state=0, counts=False, roots=False),
    "momentum": Optimizer(state=1, counts=False, roots=False),
    "adam": Optimizer(state=2, counts=True, roots=True),
    "adamw": Optimizer(state=2, counts=True, roots=True),
}
"""`torch.optim.SGD` without and with momentum, Adam, AdamW; all without `weight_decay` but AdamW, whose is in place."""
DEFAULT_OPTIMIZER = "momentum"
"""That of torchvision's recipes for CNNs."""
