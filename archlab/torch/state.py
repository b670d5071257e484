"""State dicts from elsewhere, read with care: a file or a mapping that somebody else has made."""

from __future__ import annotations

import errno
import stat
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.diagnostics.requirements import require
from archlab.files.inputs import remember
from archlab.torch.matching import COUNTER

HUB = "torchvision:"
"""In front of the name of published weights, such as `ResNet50_Weights.IMAGENET1K_V2`."""
WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Where training scripts keep the state dict in what they save."""
MOST_UNPACKED = 16
"""Times its size that a file may unpack to; torch.save packs nothing."""

Weights = Mapping[str, Tensor] | str | Path
"""A state dict, the file that holds one, or `torchvision:NAME`."""


def read_state(weights: Weights) -> Mapping[str, Tensor]:
    """The state dict: names to tensors with names and sizes of their own.

    Raises:
        ConfigError: if it cannot be read, or is none.
    """
    if isinstance(weights, str) and weights.startswith(HUB):
        return _published(weights.removeprefix(HUB))
    if isinstance(weights, str | Path):
        found, shown = read_file(Path(weights)), str(weights)
    else:
        found, shown = weights, "the mapping"
    for key in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    fault = _fault_of(found)
    if fault is not None:
        raise single_problem(f"{shown} does not hold a state dict, names to tensors: {fault}", Code.WRONG_WEIGHTS)
    state: Mapping[str, Tensor] = found
    return state


def _fault_of(found: Any) -> str | None:
    """Why something is no state dict, or None."""
    if not isinstance(found, Mapping):
        what = "a whole model; save its state_dict()" if isinstance(found, torch.nn.Module) else _kind(found)
        return f"it is {what}"
    if not found:
        return "it is empty"
    for key, value in found.items():
        if not isinstance(key, str):
            return f"the key {key!r:.60} is {_kind(key)}"
        if not isinstance(value, Tensor):
            return f"'{key:.100}' is {_kind(value)}"
        if value.is_nested:
            return f"'{key:.100}' is a nested tensor"
    return None


def _kind(value: object) -> str:
    if isinstance(value, Tensor):
        return "a tensor"
    if isinstance(value, bool | int | float | complex):
        return "a number"
    if isinstance(value, Mapping):
        return "a mapping"
    return f"of type {type(value).__name__}"


def tensor_fault(name: str, tensor: Tensor, wanted: Tensor | None) -> str | None:
    """Why a tensor cannot be copied into a parameter or buffer, and what to do; None if it can.

    Args:
        name: of the tensor in the state dict.
        tensor: its values.
        wanted: the parameter or buffer, where there is one.
    """
    dtype = str(tensor.dtype).removeprefix("torch.")
    if tensor.is_meta:
        return f"{name} has a shape but no values (it is on the device meta)"
    if tensor.layout is not torch.strided:
        return f"{name} is sparse ({str(tensor.layout).removeprefix('torch.')}); save {name}.to_dense()"
    if tensor.is_quantized:
        return f"{name} is quantized ({dtype}); save {name}.dequantize()"
    if tensor.is_complex():
        return f"{name} is complex ({dtype}), and the network's layers are real"
    is_whole = not tensor.is_floating_point()
    if is_whole and wanted is not None and wanted.is_floating_point():
        return f"{name} holds whole numbers ({dtype}), and the network's is {str(wanted.dtype).removeprefix('torch.')}"
    if wanted is not None and not is_whole and not wanted.is_floating_point() and not name.endswith(COUNTER):
        return f"{name} holds fractions ({dtype}), and the network's is {str(wanted.dtype).removeprefix('torch.')}"
    return None


def _published(name: str) -> Mapping[str, Tensor]:
    """Weights that torchvision publishes, from its cache or the net."""
    require("torchvision", "torch", "published weights")
    from torchvision.models import get_weight

    try:
        found = get_weight(name)
    except (ValueError, AttributeError, KeyError):
        message = f"torchvision has no weights '{name}'; write them as torchvision:ResNet50_Weights.IMAGENET1K_V2"
        raise single_problem(message, Code.WRONG_WEIGHTS) from None
    try:
        state: Mapping[str, Tensor] = found.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise single_problem(f"cannot get the weights {name}: {error}", Code.UNREADABLE) from None
    return state


def read_file(path: Path) -> Any:
    """What torch.save has put into a file, if that is data only: no code in it is run. Of ONNX and .pt2 the weights.

    Raises:
        ConfigError: if it cannot be read, holds anything but data, or unpacks to far more than its size.
    """
    if path.suffix.lower() == ".onnx":
        return _onnx_state(path)
    if path.suffix.lower() == ".pt2":
        from archlab.torch.archive import read_weights

        return read_weights(path)
    try:
        _refuse_bomb(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formats that `tensor_fault` tells
            found = torch.load(path, map_location="cpu", weights_only=True)
        remember(path)
    except ConfigError:
        raise
    except OSError as error:
        raise single_problem(f"cannot read {path}: {error.strerror or error}", Code.UNREADABLE) from None
    except Exception as error:  # noqa: BLE001 - from a damaged file the unpickler raises anything
        raise single_problem(f"{path} does not hold a state dict: {_reason(error)}", Code.WRONG_WEIGHTS) from None
    return found


def _onnx_state(path: Path) -> Mapping[str, Tensor]:
    """The tensors of an ONNX file's network, each of its own, since the file may keep equal ones once."""
    import numpy as np

    from archlab.imports.onnx.weights import network_tensors

    found = network_tensors(path)
    plain = {name: array if array.dtype.kind in "fiub" else array.astype(np.float32) for name, array in found.items()}
    return {name: torch.from_numpy(np.array(array, order="C")) for name, array in plain.items()}


def _reason(error: Exception) -> str:
    text = str(error)
    if "GLOBAL" in text or "Unsupported class" in text or "weights_only" in text.lower().replace(" ", "_"):
        return "it holds objects or code; save only the model's state_dict()"
    return text.splitlines()[0] if text else type(error).__name__


def _refuse_bomb(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would keep us waiting
        raise OSError(errno.EINVAL, "not a regular file")
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as packed:
        unpacked = sum(entry.file_size for entry in packed.infolist())
    size = path.stat().st_size
    if unpacked > MOST_UNPACKED * size:
        message = f"{path} has {size:,} bytes and unpacks to {unpacked:,}; torch.save packs nothing"
        raise single_problem(message, Code.TOO_LARGE)
