"""Under which conditions a network is analysed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from archlab.analysis.optimizer import DEFAULT_OPTIMIZER, OPTIMIZERS

DTYPES = ("float32", "float16", "bfloat16", "int8")
TRAINED_DTYPES = DTYPES[:3]
LOWER_DTYPES = ("float16", "bfloat16")
"""Of mixed precision."""


class ConditionOptions(TypedDict, total=False):
    """Conditions as keyword arguments; see `Conditions`."""

    batch: int
    dtype: str
    optimizer: str
    autocast: str | None
    checkpoint: Sequence[str]
    channels_last: bool


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions of a run.

    Attributes:
        batch: number of samples.
        dtype: of parameters and activations: float32, float16, bfloat16 or int8.
        optimizer: of the training step, a name in `OPTIMIZERS`: sgd, momentum, adam or adamw.
        autocast: the lower dtype of mixed precision (`torch.autocast`), under which a training step's forward pass
            runs; parameters stay as they are.
        checkpoint: blocks, or patterns such as `layer*.*`, that a training step computes again instead of keeping.
        channels_last: whether the input and the weights lie in that memory format.
        foreach: whether the optimizer takes all parameters together.
        adds_in_place: whether gradients are added in place where nothing else holds them. They are not while
            a dispatch mode watches, as every tool does that counts storages.

    Raises:
        ValueError: for an unknown dtype or optimizer, a batch below 1, or autocast from anything but float32.
    """

    batch: int = 1
    dtype: str = "float32"
    optimizer: str = DEFAULT_OPTIMIZER
    autocast: str | None = None
    checkpoint: Sequence[str] = ()
    channels_last: bool = False
    foreach: bool = True
    adds_in_place: bool = True

    def __post_init__(self) -> None:
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
