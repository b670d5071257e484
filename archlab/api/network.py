"""The Python face: targets to networks, networks to numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Self, Unpack

from archlab.analysis.conditions import ConditionOptions, Conditions
from archlab.api.analysis import Analysis
from archlab.api.questions import Questions
from archlab.config.expand.inputs import GivenInput, input_fault
from archlab.config.expand.network import expand
from archlab.config.tree.document import Document, Variant
from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import Problems, single_problem
from archlab.diagnostics.words import counted
from archlab.graph import Graph


class Network(Questions):
    """A config with its params chosen, expanded to a graph.

    Attributes:
        graph: the layers in order.
        document: the config as written.
        variant: the chosen variant, if any.
        settings: values that params were given, instead of the config's.
        given_input: the input, where it is not the config's.
        remarks: of an imported network: what was left out, folded or assumed, in plain sentences.
        written: of a deployed network: the network as it is written; None of any other.
    """

    def __init__(
        self,
        graph: Graph,
        document: Document,
        variant: Variant | None,
        *,
        settings: Mapping[str, Any] | None = None,
        given_input: GivenInput | None = None,
        weight_names: Mapping[str, str] | None = None,
        remarks: Sequence[str] = (),
    ) -> None:
        self.graph = graph
        self.document = document
        self.variant = variant
        self.settings = dict(settings or {})
        self.given_input = given_input
        self._weight_names = weight_names
        self.remarks = tuple(remarks)
        self.written: Network | None = None

    @property
    def weights_map(self) -> Mapping[str, str] | Path | None:
        """How its tensors are called in the weights of what it was imported from; None where they have its names.

        Of a config the file of names beside it, as `archlab import -o` writes it.
        """
        if self._weight_names is not None:
            return self._weight_names or None
        source = self.document.source
        if source.folder is None:
            return None
        from archlab.imports.weights import map_beside

        beside = map_beside(source.folder / Path(source.name).name)
        return beside if beside.is_file() else None

    @property
    def name(self) -> str:
        """The variant's name, or the config's."""
        return self.graph.name

    def analyze(self, conditions: Conditions | None = None, /, **options: Unpack[ConditionOptions]) -> Analysis:
        """All numbers: receptive field, parameters, MACs, FLOPs, memory.

        Args:
            conditions: under which; by default those of the options.
            options: the same as keyword arguments: `batch`, `dtype` (float32, float16, bfloat16 or int8), `optimizer`
                (sgd, momentum, adam or adamw), `autocast` (float16 or bfloat16), `checkpoint` (blocks, or patterns such
                as `layer*.*`, that a training step computes again), `channels_last`.

        Raises:
            ValueError: for conditions that cannot be.
            ConfigError: if there is no block to compute again, or it cannot be.
        """
        return Analysis(self.graph, Conditions(**options) if conditions is None else conditions)

    def deploy(self) -> Self:
        """The same network as a runtime on a device runs it.

        Batch norms are folded where that is exact, what only trains is gone, activations are fused.
        """
        from archlab.graph.deploy import deploy

        found = copy(self)
        found.graph = deploy(self.graph)
        found.written = self if self.written is None else self.written
        return found

    def __repr__(self) -> str:
        return f"<Network {printable(self.name)}: {counted(len(self.graph.layers), 'layer')}>"

    def __str__(self) -> str:
        return self.render()

    def _repr_html_(self) -> str:
        """For notebooks: what it is; its numbers and its config are folded."""
        from html import escape

        from archlab.api.shown import folded_html
        from archlab.report.markup import analysis_html

        numbers = folded_html("numbers", analysis_html(self.analyze()))
        config = folded_html("config", f"<pre>{escape(self.document.source.text)}</pre>")
        return f"<div><b>{escape(self.name)}</b>: {counted(len(self.graph.layers), 'layer')}{numbers}{config}</div>"


def expand_document(
    document: Document,
    variant: Variant | None,
    problems: Problems,
    *,
    params: Mapping[str, Any],
    input_shape: GivenInput | None = None,
) -> Network:
    """Expand a document.

    Raises:
        ConfigError: with every problem found, those of reading among them.
    """
    if input_shape is not None:
        several = input_shape if isinstance(input_shape, Mapping) else {"": input_shape}
        for shape in several.values():
            fault = input_fault(tuple(shape))
            if fault is not None:
                raise single_problem(fault, Code.BAD_INPUT)
        shapes = {name: tuple(shape) for name, shape in several.items()}
        input_shape = shapes if isinstance(input_shape, Mapping) else shapes[""]
    graph = expand(document, variant, params, problems, input_shape)
    return Network(graph, document, variant, settings=params, given_input=input_shape)
