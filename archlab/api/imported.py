"""Networks that are not written in archlab's language, as `Network`s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.api.network import Network, expand_document
from archlab.config.tree.targets import read_document
from archlab.diagnostics.place import Source
from archlab.graph import Graph
from archlab.imports.flat import Flat
from archlab.imports.targets import ImportOptions, reader_of
from archlab.imports.text import flat_config
from archlab.imports.weights import weight_names

if TYPE_CHECKING:
    from torch import nn


def network_of(flat: Flat) -> Network:
    """A flat network, read as the config that it is, with the paths of its source.

    Raises:
        ConfigError: if the language refuses it.
    """
    listed = flat_config(flat)
    document, problems = read_document(Source(f"<{flat.origin}>", listed.text), flat.name)
    network = expand_document(document, None, problems, params={})
    graph = _with_paths(network.graph, listed.paths)
    return Network(graph, network.document, None, weight_names=weight_names(flat), remarks=flat.remarks)


def _with_paths(graph: Graph, paths: Mapping[str, str]) -> Graph:
    """A graph whose nodes have the source's paths; what an item expands to lies below its path."""

    def renamed(path: str) -> str:
        name, dot, below = path.partition(".")
        return f"{paths.get(name, name)}{dot}{below}"

    nodes = [
        replace(node, path=renamed(node.path), shares=None if node.shares is None else renamed(node.shares))
        for node in graph.nodes
    ]
    return replace(graph, nodes=nodes)


def from_module(
    model: nn.Module,
    input: tuple[int, ...] | Mapping[str, tuple[int, ...]],  # noqa: A002 - as `load` calls it
    *,
    name: str | None = None,
) -> Network:
    """The network of a PyTorch model, found by one forward pass that computes nothing.

    Args:
        model: it; it is left as it was.
        input: the shape that enters, without the batch: (channels, *axes); of several inputs by the names of
            `forward`'s arguments.
        name: of the network; by default the class's.

    Raises:
        ConfigError: if the model does not run on such an input.
        MissingRequirementError: without PyTorch.
    """
    from archlab.torch.importing.flatten import flatten

    shapes = dict(input) if isinstance(input, Mapping) else {"input": tuple(input)}
    kind = type(model).__name__
    origin = f"{type(model).__module__}.{type(model).__qualname__}"
    return network_of(flatten(model, shapes, name=name or kind, origin=origin))


def load_foreign(target: str, options: ImportOptions) -> Network:
    """The network of a target that is not archlab's own.

    Raises:
        ConfigError: if there is none, or it cannot be read.
    """
    return network_of(read_flat(target, options))


def read_flat(target: str, options: ImportOptions) -> Flat:
    """A target that is not archlab's own, as a flat network.

    Raises:
        ConfigError: if there is none, or it cannot be read.
    """
    reader = reader_of(target)
    if reader == "darknet":
        from archlab.imports.darknet import read_darknet

        return read_darknet(target, options)
    if reader == "onnx":
        from archlab.imports.onnx.read import read_onnx

        return read_onnx(Path(target), options)
    if reader == "pt2":
        from archlab.torch.importing.exported import read_exported

        return read_exported(Path(target), options)
    from archlab.torch.importing.sources import read_named

    return read_named(target, options)
