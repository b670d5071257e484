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
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise single_problem(f"{path} holds no exported program: {_reason(error)}", Code.UNREADABLE) from None
    except (KeyError, TypeError, AttributeError):
        raise single_problem(f"{path} holds no exported program: its graph is damaged", Code.UNREADABLE) from None
    if count > MOST_NODES:
        raise single_problem(f"{path} has {count:,} nodes; at most {MOST_NODES:,} are read", Code.TOO_LARGE)
    remember(path)
    return program


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "its graph is nested too deep"
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
        with archive.open(name) as entry:
            text = entry.read(MOST_JSON + 1)
    if len(text) > MOST_JSON:
        raise single_problem(f"the graph of {path} has more than {MOST_JSON:,} bytes", Code.TOO_LARGE)
    return text
