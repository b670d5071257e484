"""A model and its input to a flat network."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.graph import OutputForm
from archlab.imports.flat import Flat
from archlab.imports.prune import pruned
from archlab.layers.foreign import error_text
from archlab.layers.shape import Shape
from archlab.torch.importing.recorder import Recorder, tensors_in
from archlab.torch.importing.tracer import BATCH, Tracer


def flatten(model: nn.Module, inputs: Mapping[str, Shape], *, name: str, origin: str) -> Flat:
    """A model as a flat network, in eval mode; the model is left as it was.

    Args:
        model: it.
        inputs: shapes without the batch, by name.
        name: of the network.
        origin: what it was imported from.

    Raises:
        ConfigError: if the model does not run on such inputs.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        recorder, result = _watched(model, inputs)
    finally:
        for module, mode in modes.items():
            module.training = mode
    form, outputs = _outputs(recorder, result)
    remarks = [f"opaque: {path}: {reason}" for path, reason in recorder.reasons.items()]
    flat = Flat(name, origin, dict(inputs), recorder.items, outputs, form, remarks)
    return pruned(flat, {parameter: one.numel() for parameter, one in model.named_parameters()})


def _watched(model: nn.Module, inputs: Mapping[str, Shape]) -> tuple[Recorder, Any]:
    device = next((one.device for one in (*model.parameters(), *model.buffers())), torch.device("meta"))
    tensors = {name: torch.zeros(BATCH, *shape, device=device) for name, shape in inputs.items()}
    tracer = Tracer(model, tensors)
    handles = []
    for module in model.modules():
        handles.append(module.register_forward_pre_hook(tracer.enter, with_kwargs=True))
        handles.append(module.register_forward_hook(tracer.leave, with_kwargs=True))
    try:
        with warnings.catch_warnings(), torch.no_grad(), tracer:
            warnings.simplefilter("ignore")
            return tracer.recorder, model(*tensors.values())
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - it is other people's code
        shapes = ", ".join(["x".join(map(str, shape)) for shape in inputs.values()])
        raise single_problem(f"the model does not run on {shapes}: {error_text(error)}", Code.SHAPE) from None
    finally:
        for handle in handles:
            handle.remove()


def _outputs(recorder: Recorder, result: Any) -> tuple[OutputForm, list[tuple[str, int]]]:
    """What the model returns, by label."""
    if isinstance(result, Tensor):
        return "single", [("output", _value(recorder, result))]
    if isinstance(result, Mapping):
        named = [(str(name), one) for name, value in result.items() for one in tensors_in(value)]
        return "dict", [(label, _value(recorder, one)) for label, one in named]
    several = list(tensors_in(result))
    if not several:
        raise single_problem("the model returns no tensor", Code.SHAPE)
    if len(several) == 1:
        return "single", [("output", _value(recorder, several[0]))]
    return "tuple", [(f"output{number}", _value(recorder, one)) for number, one in enumerate(several, 1)]


def _value(recorder: Recorder, tensor: Tensor) -> int:
    value = recorder.value(tensor)
    if value is None:
        raise single_problem("a result of the model does not come from its input", Code.SHAPE)
    return value
