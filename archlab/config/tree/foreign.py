"""Files of other programs, recognised by their text, so that they are called by their names."""

from __future__ import annotations

import re

from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Place, Source
from archlab.diagnostics.problem import Problem

# Compiled when a text is no config.
_DARKNET = r"(?m)^\[(net|network|convolutional|connected|maxpool|route|shortcut|yolo|region)\]\s*$"
_KERAS_CODE = r"(?m)^\s*(from|import) +(tensorflow|keras|tf_keras)\b|\bkeras\.(layers|Sequential|Model)\b"
_MM_CODE = r"(?m)^(model|_base_|data_preprocessor)\s*=\s*(dict\(|\[|['\"{])"
_PYTHON = r"(?m)^(import \w|from [\w.]+ import |class \w+\(|def \w+\()"

DARKNET = "a Darknet .cfg file ([net], [convolutional], ...)"
ULTRALYTICS = "an Ultralytics model file (nc, backbone, head)"
MMENGINE = "an mmengine (OpenMMLab) config (model = dict(type=...))"
KERAS = "a Keras model (class_name, config, layers)"
KERAS_CODE = "Python code of a Keras model"
PYTHON = "Python code"


_HINTS = {
    DARKNET: "archlab reads under a name that ends in .cfg",
    PYTHON: "archlab reads as MODULE:CALLABLE, a function or class that gives a torch.nn.Module",
}
"""What is said of a file instead of that it is not read."""


def foreign_text(source: Source) -> str | None:
    """What a text that is no YAML mapping is, None where that is not known."""
    text = source.text
    if re.search(_DARKNET, text):
        return DARKNET
    if re.search(_KERAS_CODE, text):
        return KERAS_CODE
    if re.search(_MM_CODE, text):
        return MMENGINE
    return PYTHON if re.search(_PYTHON, text) else None


def foreign_root(root: Node) -> str | None:
    """What a YAML or JSON text is, None where it may be a config.

    Args:
        root: its tree.
    """
    if not isinstance(root, Mapping) or {"input", "layers"} & set(root.entries):
        return None
    keys = root.entries
    if "class_name" in keys and "config" in keys:
        return KERAS
    if any(isinstance(keys.get(key), Sequence) for key in ("backbone", "head")):
        return ULTRALYTICS
    model = keys.get("model")
    if "_base_" in keys or (isinstance(model, Mapping) and isinstance(model.entries.get("type"), Scalar)):
        return MMENGINE
    return None


def foreign_problem(what: str, source: Source) -> Problem:
    """The one problem of a file of another program."""
    hint = _HINTS.get(what, "archlab does not read; write its layers anew (archlab new starts a config)")
    message = f"this is {what}, which {hint}"
    return Problem(message, Code.OTHER_FORMAT, Place(source, 0, 0, 0, max(1, len(source.line(0)))))
