"""What archlab does not know, as opaque items: shape from the pass, params exact, MACs by PyTorch's own counter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archlab.imports.flat import Item
from archlab.torch.importing.recorder import Recorder


@dataclass(frozen=True, slots=True)
class Unknown:
    """A call of what is not known.

    Attributes:
        kind: the full name of a class or function.
        path: of the item.
        reason: why it is not known.
        own: its parameters and buffers, by its own names.
        macs: of a sample; None where they are not known.
    """

    kind: str
    path: str
    reason: str
    own: Mapping[str, Tensor]
    macs: int | None = 0


def add_opaque(recorder: Recorder, call: Unknown, values: Sequence[int], outputs: Sequence[Tensor]) -> None:
    """Add an item for each output of what is not known; the first of them has the params and the work.

    Args:
        recorder: it is added to.
        call: what is known of it.
        values: that enter.
        outputs: what comes out.
    """
    learned = sum(one.numel() for one in call.own.values() if isinstance(one, nn.Parameter))
    kept = sum(one.numel() for one in call.own.values() if not isinstance(one, nn.Parameter))
    names = {name: known for name, one in call.own.items() if (known := recorder.tensor_name(one)) is not None}
    counted: dict[str, Any] = {"params": learned, "buffers": kept} | ({} if call.macs is None else {"macs": call.macs})
    for number, output in enumerate(outputs):
        options: dict[str, Any] = {"output": tuple(output.shape[1:])}
        if len(outputs) > 1:
            options["result"] = number
        options |= {"params": 0, "buffers": 0, "macs": 0} if number else counted
        item = Item(
            path=recorder.fresh_path(call.path),
            type=call.kind,
            options=options,
            inputs=tuple(dict.fromkeys(values)),
            shape=tuple(output.shape[1:]),
            scopes=recorder.scopes(),
            tensors={} if number else names,
        )
        recorder.bind(output, recorder.append(item, item.shape))
        recorder.reasons[item.path] = call.reason


def keeps_samples(outputs: Sequence[Tensor], batch: int) -> bool:
    """Whether each output has the samples in front."""
    return bool(outputs) and all(one.dim() > 1 and one.shape[0] == batch for one in outputs)


def own_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters, and the buffers that are in its state dict."""
    names = module.state_dict().keys()
    buffers = {name: one for name, one in module.named_buffers() if name in names}
    return dict(module.named_parameters()) | buffers


def macs_of(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], batch: int) -> int | None:
    """Of a sample, by `FlopCounterMode`; None where it cannot run once more."""
    counter = FlopCounterMode(display=False)
    try:
        with counter, torch.no_grad():
            module.forward(*args, **kwargs)
    except Exception:  # noqa: BLE001 - it is other people's code
        return None
    return counter.get_total_flops() // 2 // batch
