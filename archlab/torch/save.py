"""`archlab build`: a model as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archlab.config.problem import single_problem
from archlab.requirements import require
from archlab.torch.source import to_source

if TYPE_CHECKING:
    from archlab.api import Network

SUFFIXES = (".pt", ".py", ".pt2")


def save(network: Network, path: Path, *, seed: int | None = None) -> None:
    """Write a network as `.pt` (state dict), `.py` (PyTorch source) or `.pt2` (exported program).

    Args:
        network: what to build.
        path: its ending chooses the form.
        seed: of the initial weights; random if None.

    Raises:
        ConfigError: for another ending, or a file that cannot be written.
        MissingRequirementError: if torch is not installed (`.py` needs none).
    """
    if path.suffix not in SUFFIXES:
        raise single_problem(f"{path}: the ending must be one of {' '.join(SUFFIXES)}", "wrong-value")
    try:
        if path.suffix == ".py":
            path.write_text(to_source(network.graph), encoding="utf-8")
        else:
            _save_model(network, path, seed)
    except OSError as error:
        raise single_problem(f"cannot write {path}: {error.strerror or error}", "unwritable") from None


def _save_model(network: Network, path: Path, seed: int | None) -> None:
    require("torch", "torch", "building a model")

    import torch

    from archlab.torch.build import build

    if not path.parent.is_dir():
        raise single_problem(f"cannot write {path}: there is no folder {path.parent}", "unwritable")
    if seed is not None:
        torch.manual_seed(seed)
    model = build(network)
    if path.suffix == ".pt":
        torch.save(model.state_dict(), path)
        return
    from archlab.torch.export import export

    torch.export.save(export(model, network.graph), path)
