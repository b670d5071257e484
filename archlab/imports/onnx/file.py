"""A file to an ONNX model: read whole, with bounds; data beside the file only within its folder."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.requirements import require
from archlab.files.inputs import remember

if TYPE_CHECKING:
    import onnx

MOST_BYTES = 2**31
"""Of a file: Protocol Buffers, which ONNX is written in, have no longer messages."""
FIRST_OPSET = 11
"""The first version of ONNX's operators that is read."""


def read_model(path: Path) -> onnx.ModelProto:
    """The model that a file holds; tensors beside it are not read.

    Raises:
        ConfigError: if the file cannot be read, or holds none.
        MissingRequirementError: without the package `onnx`.
    """
    require("onnx", "onnx", f"reading {path.name}")
    import onnx

    data = _content(path)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception:  # noqa: BLE001 - the decoder's own error, which has no typed name
        message = f"{path} is no ONNX file, or only a part of one: it cannot be decoded"
        raise single_problem(message, Code.UNREADABLE) from None
    if not model.HasField("graph") or not model.graph.node:
        raise single_problem(f"{path} is no ONNX file: there is no network in it", Code.UNREADABLE)
    if not _is_text(model):
        raise single_problem(f"{path} is damaged: a name in it is no text", Code.UNREADABLE)
    opset = opset_of(model)
    if opset < FIRST_OPSET:
        raise single_problem(
            f"{path} is written for opset {opset}, and {FIRST_OPSET} and later are read; convert it with "
            f"onnx.version_converter.convert_version(model, {FIRST_OPSET})",
            Code.VERSION,
        )
    return model


def _is_text(message: Any) -> bool:
    """Whether all texts of a model are such: what is not UTF-8 is decoded as bytes."""
    if type(message).__name__ == "TensorProto":
        return isinstance(message.name, str)  # its numbers are many
    for field, value in message.ListFields():
        is_single = hasattr(value, "ListFields") or isinstance(value, str | bytes)
        if field.message_type is not None:
            fine = all(map(_is_text, (value,) if is_single else value))
        elif field.type == field.TYPE_STRING:
            fine = all(isinstance(one, str) for one in ((value,) if is_single else value))
        else:
            continue
        if not fine:
            return False
    return True


def _content(path: Path) -> bytes:
    """All bytes of a regular file of a bounded size."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would keep us waiting
            raise single_problem(f"cannot read {path}: not a regular file", Code.UNREADABLE)
        if status.st_size > MOST_BYTES:
            message = f"{path} has {status.st_size:,} bytes; an ONNX file has at most {MOST_BYTES:,}, and its weights "
            raise single_problem(message + "beside it if they are more", Code.TOO_LARGE)
        data = path.read_bytes()
    except OSError as error:
        raise single_problem(f"cannot read {path}: {error.strerror or error}", Code.UNREADABLE) from None
    except ValueError as error:  # a name with a zero byte
        raise single_problem(f"cannot read {str(path)!r}: {error}", Code.UNREADABLE) from None
    remember(path)
    return data


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators that a model is written for; 1 where it does not say."""
    return max([one.version for one in model.opset_import if one.domain in ("", "ai.onnx")], default=1)
