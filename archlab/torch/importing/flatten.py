"""A model and its input to a flat network."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.graph import OutputForm
from archlab.imports.flat import Flat
from archlab.imports.prune import pruned
from archlab.layers.foreign import error_text
from archlab.layers.shape import Shape
from archlab.torch.importing.recorder import Recorder, tensors_in
from archlab.torch.importing.results import labelled
from archlab.torch.importing.tracer import BATCH, Tracer

Make = Callable[[], nn.Module]


def flatten(
    model: nn.Module, inputs: Mapping[str, Shape], *, name: str, origin: str, remake: Make | None = None
) -> Flat:
    """A model as a flat network, in eval mode; the model is left as it was.

    It runs on the `meta` device, where nothing is computed; on its own where it cannot run there.

    Args:
        model: it.
        inputs: shapes without the batch, by name.
        name: of the network.
        origin: what it was imported from.
        remake: makes a model that is on the `meta` device once more, on the CPU.

    Raises:
        ConfigError: if the model does not run on such inputs, or is quantized.
    """
    _refuse_quantized(model)
    try:
        recorder, result = _watched(_on_meta(model), inputs, original=model)
    except Exception:
        if remake is None and _device(model).type == "meta":
            raise
        recorder, result = _watched(model if remake is None else remake(), inputs)
    remarks = [f"opaque: {path}: {reason}" for path, reason in recorder.reasons.items()]
    form, outputs = _outputs(recorder, result, remarks)
    if recorder.looked:
        looked = ", ".join(recorder.looked)
        remarks.append(f"the model looks at values ({looked}): another input may go another way than this one of zeros")
    if recorder.worked:
        remarks.append(
            f"products of parameters alone ({', '.join(sorted(recorder.worked)[:3])}), which are no sample's work, are "
            "not counted as MACs"
        )
    flat = Flat(name, origin, dict(inputs), recorder.items, outputs, form, remarks, looks=bool(recorder.looked))
    return pruned(flat, {parameter: one.numel() for parameter, one in model.named_parameters()})


_QUANTIZED = ("torch.ao.nn.quantized.", "torch.ao.nn.intrinsic.quantized.", "torch.nn.quantized.")
_FLOATING = ("FloatFunctional", "FXFloatFunctional")
"""Of these, what computes with floating-point numbers: models that may be quantized have them."""


def _refuse_quantized(model: nn.Module) -> None:
    for path, module in model.named_modules():
        if type(module).__module__.startswith(_QUANTIZED) and type(module).__name__ not in _FLOATING:
            raise single_problem(
                f"the model is quantized: '{path}' is a {type(module).__name__} of {type(module).__module__}, whose "
                "weights are packed integers; give the model that it was made from (for torchvision without "
                "quantize=true)",
                Code.WRONG_VALUE,
            )


def _device(model: nn.Module) -> torch.device:
    return next((one.device for one in (*model.parameters(), *model.buffers())), torch.device("cpu"))


def _on_meta(model: nn.Module) -> nn.Module:
    """A copy whose tensors hold nothing; the model itself if it holds nothing."""
    tensors = [*model.parameters(), *model.buffers()]
    if all(one.is_meta for one in tensors) and tensors:
        return model
    emptied = {id(one): _emptied(one) for one in tensors}
    return copy.deepcopy(model, dict(emptied))


def _emptied(tensor: Tensor) -> Tensor:
    empty = tensor.detach().to("meta")
    return nn.Parameter(empty, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty


def _watched(model: nn.Module, inputs: Mapping[str, Shape], original: nn.Module | None = None) -> tuple[Recorder, Any]:
    """What a pass calls, and its result.

    Args:
        model: it.
        inputs: shapes without the batch, by name.
        original: what the model is a copy of, whose tensors a function of one's own may still hold.

    Raises:
        ConfigError: if the model does not run.
    """
    device = _device(model)
    tensors = {name: torch.zeros(BATCH, *shape, device=device) for name, shape in inputs.items()}
    tracer = Tracer(model, tensors, original)
    modes = {module: module.training for module in model.modules()}
    handles = []
    for module in model.modules():
        handles.append(module.register_forward_pre_hook(tracer.enter, with_kwargs=True))
        handles.append(module.register_forward_hook(tracer.leave, with_kwargs=True))
    model.eval()
    try:
        with warnings.catch_warnings(), torch.no_grad(), tracer:
            warnings.simplefilter("ignore")
            return tracer.recorder, model(*tensors.values())
    except Exception as error:  # noqa: BLE001 - it is other people's code
        shapes = ", ".join(["x".join(map(str, shape)) for shape in inputs.values()])
        raise single_problem(f"the model does not run on {shapes}: {error_text(error)}", Code.SHAPE) from None
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes.items():
            module.training = mode


def _outputs(recorder: Recorder, result: Any, remarks: list[str]) -> tuple[OutputForm, list[tuple[str, int]]]:
    """What the model returns, by label; what no layer gives is left out, and a remark says so.

    Raises:
        ConfigError: if nothing is left.
    """
    is_named = isinstance(result, Mapping)
    numbered = ((f"output{number}", one) for number, one in enumerate(tensors_in(result), 1))
    found = list(labelled(result).items() if is_named else numbered)
    if not found:
        raise single_problem("the model returns no tensor", Code.SHAPE)
    reasons = [(label, one, recorder.stale(one)) for label, one in found]
    left = [f"{label}: {reason}" for label, _, reason in reasons if reason]
    kept = [(label, _value(recorder, one)) for label, one, reason in reasons if not reason]
    if not kept:
        hint = "; --until NAME ends it with what a module gives"
        raise single_problem(f"what the model gives does not have its samples in front: {left[0]}{hint}", Code.SHAPE)
    remarks += [f"a result is left out, which does not have its samples in front: {text}" for text in left]
    if is_named:
        return "dict", kept
    return ("tuple", kept) if len(kept) > 1 else ("single", [("output", kept[0][1])])


def _value(recorder: Recorder, tensor: Tensor) -> int:
    value = recorder.value(tensor)
    if value is None:
        raise single_problem("a result of the model does not come from its input", Code.SHAPE)
    return value
