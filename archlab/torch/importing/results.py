"""Results wanted instead of a model's own: outputs of some of its modules, or a detector's maps before decoding.

The model's `forward` is replaced by one that gives them. What would run behind them does not, so that it is no part of
the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from torch import Tensor, nn

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.imports.text import output_labels

RAW = "raw"


class _ReachedError(Exception):
    """All that was wanted is there."""


def with_results(model: nn.Module, until: str | None) -> nn.Module:
    """A model that gives what is wanted; itself where that is its own results.

    Args:
        model: it, which is changed.
        until: names of modules, with commas between; `raw`; None.

    Raises:
        ConfigError: if there are no such modules, or the model is no detector that is known.
    """
    if until is None:
        return model
    if until == RAW:
        set_forward(model, _raw_forward(model))
        return model
    paths = [path.strip() for path in until.split(",") if path.strip()]
    known = dict(model.named_modules())
    known.pop("")
    for path in paths:
        if path not in known:
            hint = did_you_mean(path, known) or f"; it has {', '.join(list(known)[:4])} and others"
            raise single_problem(f"the model has no module '{path}'{hint}", Code.UNKNOWN_NAME)
    set_forward(model, partial(_until, model.forward, model, paths))
    return model


def set_forward(model: nn.Module, forward: Any) -> None:
    """Give a model another `forward`, which copies of it keep."""
    object.__setattr__(model, "forward", forward)


def _until(forward: Any, model: nn.Module, paths: Sequence[str], *args: Any, **kwargs: Any) -> Any:
    """The outputs of modules; a pass ends when all are there."""
    found: dict[str, Any] = {}

    def keep(path: str, _module: nn.Module, _args: Any, result: Any) -> None:
        found[path] = result
        if len(found) == len(paths):
            raise _ReachedError

    handles = [model.get_submodule(path).register_forward_hook(partial(keep, path)) for path in paths]
    try:
        forward(*args, **kwargs)
    except _ReachedError:
        pass
    finally:
        for handle in handles:
            handle.remove()
    missing = [path for path in paths if path not in found]
    if missing:
        raise ValueError(f"{', '.join(missing)} did not run")
    if len(paths) == 1:
        return found[paths[0]]
    return labelled({path.replace(".", "_"): one for path, one in found.items()})


def labelled(value: Any) -> dict[str, Tensor]:
    """All tensors in results, in order, by where they are in them, in words that can name an output."""
    found = list(_placed(value, ""))
    return dict(zip(output_labels([label for label, _ in found]), [tensor for _, tensor in found], strict=True))


def _placed(value: Any, label: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield label, value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _placed(one, f"{label}_{name}" if label else str(name))
    elif isinstance(value, tuple | list):
        for number, one in enumerate(value):
            yield from _placed(one, f"{label}_{number}" if label else f"output{number}")


@contextmanager
def _used_head_alone(head: Any) -> Iterator[None]:
    """While the one of two heads does not run that is there for training alone."""
    forward, used = head.forward_head, (head.one2one if head.end2end else head.one2many)["box_head"]
    head.forward_head = lambda x, **parts: forward(x, **parts) if parts.get("box_head") is used else {}
    try:
        yield
    finally:
        del head.forward_head


def _raw_forward(model: nn.Module) -> Any:
    """What gives a detector's maps before they are decoded.

    Raises:
        ConfigError: if it is none that is known.
    """
    names = {f"{base.__module__}.{base.__qualname__}" for base in type(model).__mro__}
    if any(name.startswith("torchvision.models.detection.") for name in names):
        return partial(_torchvision_raw, model)
    if any(name.startswith("ultralytics.nn.tasks.") for name in names):
        return partial(_ultralytics_raw, model.forward, model)
    raise single_problem(
        f"{type(model).__name__} is no detector of torchvision's or Ultralytics'; name the modules whose outputs are "
        "wanted: --until head.cls,head.reg",
        Code.WRONG_VALUE,
    )


def _torchvision_raw(model: Any, x: Tensor) -> dict[str, Tensor]:
    """Scores and regressions of all anchors. Behind proposals there are no maps of the image."""
    features = model.backbone(x)
    maps = [features] if isinstance(features, Tensor) else list(features.values())
    if not hasattr(model, "rpn"):
        return labelled(model.head(maps))
    objectness, deltas = model.rpn.head(maps)
    return labelled({"objectness": list(objectness), "deltas": list(deltas)})


def _of_all_positions(forward: Any, head: Any, *given: Tensor) -> dict[str, Tensor]:
    """RT-DETR's scores and boxes (less their anchors) of all positions.

    The decoder behind them refines the best of these, as heads for proposals do: which, no layer says. Those at the
    border, whose anchors reach too far, are among them here.
    """
    reached: list[Tensor] = []

    def stop(features: Tensor, *_others: Any) -> Any:
        reached.append(features)
        raise _ReachedError

    head._get_decoder_input = stop  # noqa: SLF001 - that is where positions are chosen
    try:
        forward(*given)
    except _ReachedError:
        pass
    finally:
        del head._get_decoder_input  # noqa: SLF001
    features = head.enc_output(reached[0])
    return {"scores": head.enc_score_head(features), "boxes": head.enc_bbox_head(features)}


def _ultralytics_raw(forward: Any, model: Any, *given: Tensor) -> dict[str, Tensor] | Tensor:
    """What the head gives in training, which decodes nothing; of two heads that which is used afterwards."""
    head = model.model[-1]
    if hasattr(head, "enc_score_head"):
        return _of_all_positions(forward, head, *given)
    mode, head.training = head.training, True
    try:
        with _used_head_alone(head) if hasattr(head, "one2one") else nullcontext():
            found = forward(*given)
    finally:
        head.training = mode
    if isinstance(found, dict) and "one2one" in found:
        found = found["one2one" if head.end2end else "one2many"]
    if isinstance(found, dict):
        found = {name: one for name, one in found.items() if name != "feats"}  # these enter the head
    return found if isinstance(found, Tensor) else labelled(found)
