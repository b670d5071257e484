"""Targets that are not archlab's own: `timm:resnet50d`, `module.path:callable`, `model.onnx`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any, NamedTuple

from archlab.layers.shape import Shape

FILES = {".onnx": "onnx", ".pt2": "pt2", ".cfg": "darknet"}
"""Endings of files that are read, with their readers."""
LIBRARIES = ("timm", "torchvision", "smp", "ultralytics", "hf")
"""Packages whose models are known by name."""
_NAMED = r"(?P<package>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<name>[^:/\\]+.*)"


class ImportOptions(NamedTuple):
    """How a target is imported.

    Attributes:
        input: the shape without the batch, of the only input or by name; None for what the model says of itself.
        arguments: of the callable that makes the model, by name.
        until: the results wanted instead of the model's: names of modules, or `raw` for what a detection head decodes.
    """

    input: Shape | Mapping[str, Shape] | None = None
    arguments: Mapping[str, Any] = MappingProxyType({})
    until: str | None = None


def reader_of(target: str) -> str | None:
    """Which reader a target is for: `onnx`, `pt2`, `darknet`, a library's name, or `callable`; None for archlab's."""
    ending = PurePath(target).suffix.lower()
    if ending in FILES:
        return FILES[ending]
    found = re.fullmatch(_NAMED, target) if ":" in target else None
    is_config = target.endswith((".yaml", ".yml"))
    if found is None or (is_config and found["package"] not in LIBRARIES):
        return "ultralytics" if is_config and _is_ultralytics(target) else None
    return found["package"] if found["package"] in LIBRARIES else "callable"


_LOOKED_AT = 65_536
"""Bytes of a file."""


def _is_ultralytics(path: str) -> bool:
    """Whether a file is a config in Ultralytics' language: rows under `backbone` and `head`."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read(_LOOKED_AT)
    except (OSError, ValueError):
        return False
    return all(re.search(rf"^{key}:", text, re.MULTILINE) for key in ("backbone", "head"))
