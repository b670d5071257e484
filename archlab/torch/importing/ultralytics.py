"""Ultralytics' models: its own configs by name, or a file in its language, built by the package itself."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.suggest import did_you_mean
from archlab.layers.shape import Shape
from archlab.torch.importing.results import set_forward

_ACTIVATION = re.compile(r"(torch\.)?nn\.\w+\(([\w=., +-]*)\)")
"""An activation as Ultralytics' configs write it; the package evaluates it as code."""
_CLASSES = {
    "classify": "ClassificationModel",
    "segment": "SegmentationModel",
    "pose": "PoseModel",
    "obb": "OBBModel",
    "semantic": "SemanticSegmentationModel",
    "depth": "DepthModel",
}
"""By the task of the head; of others, detection."""


def find_config(target: str, name: str) -> Path:
    """The file of a config: one that is there, or the package's own, whose scale may stand in its name.

    Raises:
        ConfigError: if there is none.
    """
    import ultralytics

    if Path(name).is_file():
        return Path(name)
    folder = Path(ultralytics.__file__).parent / "cfg" / "models"
    known = {path.stem: path for path in folder.rglob("*.yaml")}
    stem = Path(name).name.removesuffix(".yaml")
    plain = _without_scale(stem)
    if stem in known or plain in known:
        return known.get(stem) or known[plain]
    hint = did_you_mean(stem, known) or f"; it has {', '.join(sorted(known)[:4])} and others"
    raise single_problem(
        f"{target}: there is no such file, and ultralytics has no config '{stem}'{hint}", Code.UNREADABLE
    )


def _without_scale(stem: str) -> str:
    """`yolov8n-seg` as `yolov8-seg`."""
    return re.sub(r"^(yolo(?:e-)?[v]?\d+)[nsmlx](?=-|$)", r"\1", stem)


def make(path: Path, name: str) -> nn.Module:
    """The model of a config, with fresh weights.

    Args:
        path: of the config.
        name: as it was asked for, which may say the scale.

    Raises:
        ConfigError: if it holds what would be run as code.
    """
    from ultralytics.nn import tasks

    config = tasks.yaml_model_load(path)
    asked = re.match(r"yolo(?:e-)?[v]?\d+([nsmlx])(?:-|$)", Path(name).name.removesuffix(".yaml"))
    if asked is not None:
        config["scale"] = asked[1]
    activation = config.get("activation")
    if activation is not None and not _ACTIVATION.fullmatch(str(activation)):
        raise single_problem(
            f"{path.name}: 'activation' is no plain torch.nn activation: {activation}", Code.WRONG_VALUE
        )
    without_weights(config)
    head = str(config["head"][-1][2]).lower()
    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        model = _class(tasks, head)(config, verbose=False)
    if _embeddings(model) is not None:
        set_forward(model, partial(_with_embeddings, model))
    return model  # type: ignore[no-any-return]


def _embeddings(model: Any) -> tuple[str, Shape] | None:
    """What enters beside the image, and its shape: what classes are told by; None of others.

    Of YOLO-World texts that a model of its own has embedded; of YOLOE prompts, those of texts or of pictures.
    """
    kind, head = type(model).__name__, model.model[-1]
    if kind == "WorldModel":
        return "text", (head.nc, int(model.txt_feats.shape[-1]))
    return ("prompts", (head.nc, head.embed)) if kind.startswith("YOLOE") else None


def _with_embeddings(model: Any, image: Tensor, embeddings: Tensor) -> Any:
    """A pass in which they enter, one for each class, rather than those that the model holds until some are set."""
    model.model[-1].nc = embeddings.shape[1]
    word = "txt_feats" if type(model).__name__ == "WorldModel" else "vpe"
    return type(model).forward(model, image, **{word: embeddings})


def without_weights(config: dict[str, Any]) -> None:
    """Rows of torchvision's models, whose weights Ultralytics would fetch, ask for none."""
    for row in (*config.get("backbone", ()), *config.get("head", ())):
        if isinstance(row, list) and len(row) == 4 and row[2] == "TorchVision" and isinstance(row[3], list):
            row[3][2:3] = [None]


def _class(tasks: Any, head: str) -> Any:
    if head.startswith("rtdetr"):
        return tasks.RTDETRDetectionModel
    if head.startswith("yoloe"):
        return tasks.YOLOESegModel if "segment" in head else tasks.YOLOEModel
    if head.startswith("world"):
        return tasks.WorldModel
    words = ("semantic", *_CLASSES)
    return getattr(tasks, next((_CLASSES[word] for word in words if word in head), "DetectionModel"))


@contextmanager
def _quiet() -> Iterator[None]:
    """The activation that a config sets for all models is set back afterwards."""
    from ultralytics.nn.modules import conv

    before = conv.Conv.default_act
    try:
        yield
    finally:
        conv.Conv.default_act = before


def input_of(model: nn.Module) -> Shape | dict[str, Shape]:
    """Channels by 640 by 640; of classifiers by 224. Where classes are embeddings, those too."""
    size = 224 if type(model).__name__ == "ClassificationModel" else 640
    image = (int(getattr(model, "yaml", {}).get("channels", 3) or 3), size, size)
    beside = _embeddings(model)
    return image if beside is None else {"image": image, beside[0]: beside[1]}
