"""What archlab does not know, as opaque items: shape from the pass, params exact, MACs by PyTorch's own counter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from archlab.imports.builder import Opacity
from archlab.layers.opaque import UNKNOWN_ARGS
from archlab.torch.importing.recorder import Recorder


class Work(NamedTuple):
    """What a call computes for a sample.

    Attributes:
        macs: by `FlopCounterMode`.
        activations: output elements of convolutions and linear layers.
    """

    macs: int = 0
    activations: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """A call of what is not known.

    Attributes:
        kind: the full name of a class or function.
        path: of the item.
        reason: why it is not known.
        own: its parameters and buffers, by its own names.
        work: None where it is not known.
        arguments: of a function, behind its inputs; None where they are not known.
    """

    kind: str
    path: str
    reason: str
    own: Mapping[str, Tensor]
    work: Work | None
    arguments: Mapping[str, Any] | None = None


def add_opaque(recorder: Recorder, call: Unknown, values: Sequence[int], outputs: Sequence[Tensor]) -> None:
    """Add an item for each output of what is not known; the first of them has the params and the work.

    Args:
        recorder: it is added to.
        call: what is known of it.
        values: that enter.
        outputs: what comes out.
    """
    names = {name: known for name, one in call.own.items() if (known := recorder.tensor_name(one)) is not None}
    for number, output in enumerate(outputs):
        options: dict[str, Any] = {"output": tuple(output.shape[1:])}
        options["args"] = UNKNOWN_ARGS if call.arguments is None else dict(call.arguments)
        if not options["args"]:
            del options["args"]
        if len(outputs) > 1:
            options["result"] = number
        options |= _numbers(call) if not number else {"params": 0, "buffers": 0, "macs": 0, "activations": 0}
        told = (
            Opacity(call.path, call.reason, {}) if number else Opacity(call.path, call.reason, names, _elements(call))
        )
        recorder.bind(output, recorder.build_opaque(_dotted(call.kind), options, values, told))


def _numbers(call: Unknown) -> dict[str, int]:
    counted = {"params": 0, "buffers": 0}
    for kind, elements in _elements(call).values():
        counted[kind] += elements
    return counted if call.work is None else counted | call.work._asdict()


def _dotted(kind: str) -> str:
    """A full name as a config has it, also of what was defined inside of a function."""
    return kind.replace("<locals>.", "").replace("<lambda>", "lambda")


def _elements(call: Unknown) -> dict[str, tuple[str, int]]:
    """Of its tensors, by its own names."""
    return {
        name: ("params" if isinstance(one, nn.Parameter) else "buffers", one.numel()) for name, one in call.own.items()
    }


def keeps_samples(outputs: Sequence[Tensor], batch: int) -> bool:
    """Whether each output has the samples in front."""
    return bool(outputs) and all(one.dim() > 1 and one.shape[0] == batch for one in outputs)


def own_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters, and the buffers that are in its state dict."""
    buffers = dict(module.named_buffers())
    if buffers:
        names = module.state_dict().keys()
        buffers = {name: one for name, one in buffers.items() if name in names}
    return dict(module.named_parameters()) | buffers


_COUNTED = frozenset(
    {"linear", "bilinear"} | {f"conv{kind}{rank}d" for kind in ("", "_transpose") for rank in (1, 2, 3)}
)


class _Activations(TorchFunctionMode):
    """Counts the output elements of convolutions and linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Run a function; the linear layers inside of `multi_head_attention_forward` are not seen one by one."""
        result = func(*args, **(kwargs or {}))
        word = getattr(func, "__name__", "")
        if func is nn.functional.multi_head_attention_forward:
            query, key, value, width = args[:4]
            tokens = [one.numel() // one.shape[-1] for one in (query, key, value, query)]
            self.elements += sum(tokens) * width
        elif isinstance(result, Tensor) and word in _COUNTED:
            self.elements += result.numel()
        return result


def work_of(call: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], batch: int) -> Work | None:
    """Of a sample, by running a call once more; None where that fails.

    It is run on one sample, since there may be work that is the same for all of them; where it takes no other number,
    on as many as before.
    """
    for samples in (1, batch):
        counter, activations = FlopCounterMode(display=False), _Activations()
        try:
            with counter, torch.no_grad(), activations:
                call(*_first_of(args, samples, batch), **_first_of(kwargs, samples, batch))
        except Exception:  # noqa: BLE001, S112 - it is other people's code
            continue
        return Work(counter.get_total_flops() // 2 // samples, activations.elements // samples)
    return None


def _first_of(given: Any, samples: int, batch: int) -> Any:
    """Arguments whose tensors have the first samples alone."""
    if isinstance(given, Tensor):
        return given[:samples] if given.dim() and given.shape[0] == batch else given
    if isinstance(given, Mapping):
        return {name: _first_of(one, samples, batch) for name, one in given.items()}
    if not isinstance(given, tuple | list):
        return given
    found = [_first_of(one, samples, batch) for one in given]
    return tuple(found) if isinstance(given, tuple) else found
