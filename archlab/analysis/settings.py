"""Under which conditions a network is analysed."""

from __future__ import annotations

from dataclasses import dataclass

from archlab.analysis.memory.optimizer import DEFAULT_OPTIMIZER, OPTIMIZERS
from archlab.graph.segments import Segment

DTYPES = ("float32", "float16", "bfloat16", "int8")
TRAINED_DTYPES = DTYPES[:3]
LOWER_DTYPES = ("float16", "bfloat16")
"""Of mixed precision."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Conditions of a run.

    Attributes:
        batch: number of samples.
        dtype: of parameters and activations.
        optimizer: of the training step, a name in `OPTIMIZERS`.
        autocast: the lower dtype of mixed precision, under which a training step's forward pass runs; parameters stay
            as they are.
        segments: those that a training step checkpoints.
        channels_last: whether the input and the weights lie in that memory format.
        foreach: whether the optimizer takes all parameters together.
        adds_in_place: whether gradients are added in place where nothing else holds them. They are not while
            a dispatch mode watches, as every tool does that counts storages.
    """

    batch: int = 1
    dtype: str = "float32"
    optimizer: str = DEFAULT_OPTIMIZER
    autocast: str | None = None
    segments: tuple[Segment, ...] = ()
    channels_last: bool = False
    foreach: bool = True
    adds_in_place: bool = True

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: for an unknown dtype or optimizer, a batch below 1, or autocast from anything but float32.
        """
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, not {self.dtype!r}")
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, not {self.batch}")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {self.optimizer!r}")
        if self.autocast is not None and self.autocast not in LOWER_DTYPES:
            raise ValueError(f"autocast must be one of {', '.join(LOWER_DTYPES)}, not {self.autocast!r}")
        if self.autocast is not None and self.dtype != "float32":
            raise ValueError(f"autocast lowers the precision of float32, not of {self.dtype}")

    def step_text(self) -> str:
        """How a training step is done, in words: `momentum, autocast to bfloat16, 16 blocks checkpointed`."""
        return ", ".join([self.optimizer, *self.conditions()])

    def conditions(self) -> list[str]:
        """What is unusual about it, in words."""
        words: list[str] = []
        if self.autocast is not None:
            words.append(f"autocast to {self.autocast}")
        if self.segments:
            count = len(self.segments)
            words.append(f"{count} block{'s' if count > 1 else ''} checkpointed")
        if self.channels_last:
            words.append("channels_last")
        return words
