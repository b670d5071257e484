"""Networks that are not written in archlab's language, as `Network`s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.api.network import Network, expand_document
from archlab.config.tree.targets import read_document
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import Source
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.diagnostics.requirements import require
from archlab.diagnostics.words import counted
from archlab.graph import Graph
from archlab.imports.flat import Flat
from archlab.imports.sizes import other_inputs, told_alone, with_sizes
from archlab.imports.targets import FILES, ImportOptions, reader_of
from archlab.imports.text import flat_config, read_listed
from archlab.imports.until import with_results
from archlab.imports.weights import map_text, weight_names

if TYPE_CHECKING:
    from torch import nn

    from archlab.torch.importing.prove import Proof
    from archlab.torch.importing.prove_onnx import FileProof


@dataclass(frozen=True, slots=True)
class Import:
    """A network that was imported, as a config.

    Attributes:
        text: YAML.
        flat: what was read.
        network: of the config, read again.
        names: paths of the network's layers to numbers of the flat network's items.
        fallbacks: what could not be written in short, in plain words.
        fingerprint: of both graphs.
    """

    text: str
    flat: Flat
    network: Network
    names: Mapping[str, int]
    fallbacks: Sequence[str]
    fingerprint: str

    def told(self) -> list[str]:
        """What a person should know of it, a line each."""
        total = self.network.analyze().total
        count = counted(len(self.network.graph.layers), "layer")
        lines = len([line for line in self.text.splitlines() if not line.startswith("#")])
        checked = f"read again, the graph is the flat one's ({self.fingerprint[:12]})"
        return [
            f"{self.flat.origin}: {count} in {counted(lines, 'line')}; {checked}",
            f"{total.params:,} params, {total.macs:,} MACs",
            *self.flat.remarks,
            *[f"not in short: {text}" for text in self.fallbacks],
        ]

    def weight_names(self) -> dict[str, str]:
        """Names of tensors in the source's state dict to the config's, where they differ."""
        return weight_names(self.flat, self.names)

    def map_text(self) -> str:
        """The same as a file for `archlab build --weights-map`."""
        return map_text(self.weight_names(), self.flat.origin)

    def prove(self, target: str, options: ImportOptions) -> Proof | FileProof:
        """Compare params, MACs and outputs with the model's; of an ONNX file the outputs with onnxruntime's.

        Raises:
            ConfigError: if the target is a file that nothing runs here.
            MissingRequirementError: without what runs it.
        """
        if reader_of(target) == "onnx":
            from archlab.torch.importing.prove_onnx import prove_onnx

            return prove_onnx(Path(target), self.flat, self.network.graph, self.names, until=options.until)
        if reader_of(target) in FILES.values():
            raise single_problem(f"{target} does not run here: there is nothing to compare with", Code.WRONG_VALUE)
        from archlab.torch.importing.prove import prove
        from archlab.torch.importing.sources import open_source

        model = open_source(target, options).made("cpu")
        return prove(model, self.flat, self.network.graph, self.names)


def import_target(target: str, options: ImportOptions, *, flat: bool = False) -> Import:
    """A target that is not archlab's own, as a config whose graph is proved to be the same.

    Args:
        target: it.
        options: how it is imported.
        flat: one line for each layer, instead of blocks.

    Raises:
        ConfigError: if there is none, it cannot be read, or the language refuses it.
    """
    from archlab.imports.recover import listed_config, recovered_config

    found = _followed(target, options, read_flat(target, options))
    written = listed_config(found) if flat else recovered_config(found)
    document, problems = read_document(Source(f"<{found.origin}>", written.text), found.name)
    network = expand_document(document, None, problems, params={})
    return Import(written.text, found, network, written.names, written.fallbacks, written.fingerprint)


def _followed(target: str, options: ImportOptions, flat: Flat) -> Flat:
    """A model's network with sizes that follow its input's, as far as a second pass at another size shows."""
    told = None
    for inputs in other_inputs(flat.inputs) if reader_of(target) not in FILES.values() else ():
        given = inputs if list(inputs) != ["input"] else inputs["input"]
        try:
            return with_sizes(flat, read_flat(target, options._replace(input=given)))
        except ConfigError as error:
            told = told or told_alone(flat, inputs, error.problems[0].message)
    return told or flat


def network_of(flat: Flat) -> Network:
    """A flat network, read as the config that it is, with the paths of its source.

    Raises:
        ConfigError: if the language refuses it.
    """
    listed = flat_config(flat)
    document, problems = read_listed(listed, flat)
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
    require("torch", "torch", "reading a module")
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
        MissingRequirementError: without what reads it.
    """
    reader = reader_of(target)
    if reader == "darknet":
        from archlab.imports.darknet import read_darknet

        return with_results(read_darknet(target, options), options.until)
    if reader == "onnx":
        from archlab.imports.onnx.read import read_onnx

        return with_results(read_onnx(Path(target), options), options.until)
    require("torch", "torch", f"reading {target}")
    if reader == "pt2":
        from archlab.torch.importing.exported import read_exported

        return with_results(read_exported(Path(target), options), options.until)
    from archlab.torch.importing.sources import read_named

    return read_named(target, options)
