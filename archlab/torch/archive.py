"""A `.pt2` file of `torch.export.save`: its graph, which is JSON. Nothing in it is unpickled, and nothing run.

`torch.export.load` unpickles weights, constants and sample inputs that the file marks so, and evaluates expressions of
sizes: it runs what a stranger wrote. None of that is needed to know the network, so that only the JSON is read here.
"""

from __future__ import annotations

import json
import stat
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.files.inputs import remember

MOST_JSON = 64 << 20
"""Bytes of a graph."""
MOST_ENTRIES = 200_000
"""Files in an archive."""
MOST_NODES = 50_000
_GRAPHS = ("models/model.json", "serialized_exported_program.json")
"""Where the graph is; the second of PyTorch up to 2.7."""


@dataclass(frozen=True, slots=True)
class Program:
    """An exported program.

    Attributes:
        graph: nodes, and the sizes of values.
        signature: what the graph's inputs and outputs are of the model.
        version: of PyTorch that wrote it.
    """

    graph: Mapping[str, Any]
    signature: Mapping[str, Any]
    version: str

    @property
    def nodes(self) -> Sequence[Mapping[str, Any]]:
        """In their order."""
        found: Sequence[Mapping[str, Any]] = self.graph["nodes"]
        return found


def read_program(path: Path) -> Program:
    """The program that a file holds.

    Raises:
        ConfigError: if it cannot be read, or holds none.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would keep us waiting
            raise single_problem(f"cannot read {path}: not a regular file", Code.UNREADABLE)
        text = _graph(path)
        found = json.loads(text)
        module = found["graph_module"]
        program = Program(module["graph"], module["signature"], str(found.get("torch_version", ""))[:40])
        count = len(program.nodes)
    except ConfigError:
        raise
    except OSError as error:
        raise single_problem(f"cannot read {path}: {error.strerror or error}", Code.UNREADABLE) from None
    except _DAMAGED as error:
        raise single_problem(f"{path} holds no exported program: {_reason(error)}", Code.UNREADABLE) from None
    except (KeyError, TypeError, AttributeError):
        raise single_problem(f"{path} holds no exported program: its graph is damaged", Code.UNREADABLE) from None
    if count > MOST_NODES:
        raise single_problem(f"{path} has {count:,} nodes; at most {MOST_NODES:,} are read", Code.TOO_LARGE)
    remember(path)
    return program


def read_weights(path: Path) -> dict[str, Tensor]:
    """The parameters and buffers that a file holds as plain numbers, by the model's names.

    Raises:
        ConfigError: if it cannot be read, or holds some as pickles, which would run code.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith(_WEIGHTS))
            config = json.loads(_read(archive, name, MOST_JSON))["config"]
            folder = name.removesuffix(_WEIGHTS.rpartition("/")[2])
            found = {own: _weight(archive, folder, own, said) for own, said in config.items()}
    except ConfigError:
        raise
    except (OSError, StopIteration, KeyError, TypeError, AttributeError, *_DAMAGED) as error:
        raise single_problem(
            f"{path} holds no weights that can be read: {_reason(error)}", Code.WRONG_WEIGHTS
        ) from None
    remember(path)
    return found


def _weight(archive: zipfile.ZipFile, folder: str, own: str, said: Mapping[str, Any]) -> Tensor:
    """One tensor, of its bytes and what is said of them.

    Raises:
        ConfigError: if it is pickled.
    """
    if said["use_pickle"]:
        message = f"the weights '{own:.80}' are pickled, which would run code; save the model's state_dict()"
        raise single_problem(message, Code.WRONG_WEIGHTS)
    meta = said["tensor_meta"]
    sizes, strides = [[one["as_int"] for one in meta[key]] for key in ("sizes", "strides")]
    entry = archive.getinfo(folder + said["path_name"])
    data = bytearray(_read(archive, entry.filename, entry.compress_size))
    flat = (
        torch.frombuffer(data, dtype=_DTYPES[meta["dtype"]]) if data else torch.empty(0, dtype=_DTYPES[meta["dtype"]])
    )
    return flat.as_strided(sizes, strides, meta["storage_offset"]["as_int"]).clone()


_WEIGHTS = "data/weights/model_weights_config.json"
_DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
"""By PyTorch's numbers of them (`torch._export.serde.schema.ScalarType`)."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What reading a damaged archive raises."""


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A file of an archive.

    Raises:
        ConfigError: if it has more bytes than it may.
    """
    with archive.open(name) as entry:
        data = entry.read(most + 1)
    if len(data) > most:
        raise single_problem(f"{name[-60:]} in the archive has more than {most:,} bytes", Code.TOO_LARGE)
    return data


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return str(error).split("\n", maxsplit=1)[0][:120] or type(error).__name__


def _graph(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) > MOST_ENTRIES:
            raise single_problem(
                f"{path} holds {len(names):,} files; at most {MOST_ENTRIES:,} are read", Code.TOO_LARGE
            )
        name = next((name for ending in _GRAPHS for name in names if f"/{name}".endswith(f"/{ending}")), None)
        if name is None:
            other = "a state dict or a whole model" if any(one.endswith("data.pkl") for one in names) else "none of one"
            raise single_problem(
                f"{path} holds no exported program but {other}; torch.export.save writes one", Code.UNREADABLE
            )
        return _read(archive, name, MOST_JSON)
