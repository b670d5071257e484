"""`archlab build`: a model as a file."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.requirements import require
from archlab.diagnostics.spelling import argument
from archlab.files.output import replacing, write_text
from archlab.graph import Graph, HasGraph
from archlab.graph.deploy import deploy
from archlab.graph.subgraph import cut
from archlab.torch.source import to_source

if TYPE_CHECKING:
    from torch import fx


SUFFIXES = (".pt", ".py", ".pt2", ".onnx")


@dataclass(frozen=True)
class BuildOptions:
    """What to build of a network, and with which weights.

    Attributes:
        seed: of the initial weights; random if None.
        weights: a file with a state dict, or `torchvision:NAME`; fresh ones if None.
        weights_map: a file of names in it to the network's.
        partial: keep fresh weights where those do not fit.
        check: a file with an input and the output that these weights give for it.
        outputs: layers whose values the model returns; those of the config if None.
        deploy: whether to write it as it is deployed, with batch norms folded.
    """

    seed: int | None = None
    weights: str | None = None
    weights_map: Path | None = None
    partial: bool = False
    check: Path | None = None
    outputs: Sequence[str] | None = None
    deploy: bool = False


def save(network: HasGraph, path: Path, options: BuildOptions | None = None) -> list[str]:
    """Write a network as `.pt` (state dict), `.py` (PyTorch source), `.pt2` (exported program) or `.onnx`.

    Args:
        network: what to build.
        path: its ending chooses the form.
        options: which part of it, and the weights.

    Returns:
        What became of the weights, where some are given: a line for each thing to be told.

    Raises:
        ConfigError: for another ending, weights that do not fit or give another output, or a file that cannot be
            written.
        MissingRequirementError: if torch is not installed (`.py` needs none).
    """
    options = options or BuildOptions()
    if options.check is not None and options.weights is None:
        raise single_problem(
            f"{argument('weights_check')} checks weights; give them with {argument('weights')}", Code.WRONG_VALUE
        )
    if options.weights_map is not None and options.weights is None:
        raise single_problem(
            f"{argument('weights_map')} names weights; give them with {argument('weights')}", Code.WRONG_VALUE
        )
    if path.suffix not in SUFFIXES:
        raise single_problem(f"{path}: the ending must be one of {' '.join(SUFFIXES)}", Code.WRONG_VALUE)
    try:
        if path.suffix != ".py":
            return _save_model(network, path, options)
        if options.weights is not None:
            raise single_problem(
                f"{path}: source holds no weights; write them to a .pt file beside it", Code.WRONG_VALUE
            )
        graph = network.graph if options.outputs is None else cut(network.graph, options.outputs)
        write_text(path, to_source(deploy(graph) if options.deploy else graph))
    except OSError as error:
        raise single_problem(f"cannot write {path}: {error.strerror or error}", Code.UNWRITABLE) from None
    return []


def _save_model(network: HasGraph, path: Path, options: BuildOptions) -> list[str]:
    require("torch", "torch", "building a model")

    import torch

    from archlab.torch.build import build
    from archlab.torch.weights import load_weights

    if not path.parent.is_dir():
        raise single_problem(f"cannot write {path}: there is no folder {path.parent}", Code.UNWRITABLE)
    if options.seed is not None:
        torch.manual_seed(options.seed)
    graph = network.graph if options.outputs is None else cut(network.graph, options.outputs)
    model = build(graph)
    told: list[str] = []
    if options.weights is not None:
        matching = load_weights(
            model,
            network.graph,
            options.weights,
            partial=options.partial,
            weights_map=options.weights_map,
            own_map=getattr(network, "weights_map", None),
        )
        told.append(f"{options.weights}: {matching.summary()}")
        told += [f"warning: {options.weights}: {text}" for text in matching.warnings()]
    if options.deploy:
        from archlab.torch.fold import fold

        model, graph = fold(model, graph)
    if options.check is not None:
        from archlab.torch.weights_check import check_weights

        told.append(check_weights(model, graph, options.check))
    _write(model, graph, path)
    return told


def _write(model: fx.GraphModule, graph: Graph, path: Path) -> None:
    import torch

    from archlab.torch.export import export, export_onnx

    with replacing(path) as made:
        if path.suffix == ".pt":
            _saved(lambda: torch.save(model.state_dict(), made))
        elif path.suffix == ".pt2":
            program = export(model, graph)
            _saved(lambda: torch.export.save(program, made))
        else:
            export_onnx(model, graph, made)


def _saved(write: Callable[[], None]) -> None:
    """Write with PyTorch, whose archives tell a full disk by an error of their own.

    Raises:
        OSError: if it cannot.
    """
    try:
        write()
    except RuntimeError as error:
        raise OSError(errno.EIO, "PyTorch's archive could not be written whole; is the disk full?") from error
