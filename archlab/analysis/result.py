"""All numbers of one network, as data; `archlab.api.analysis` shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Self, Unpack

from archlab.analysis.conditions import ConditionOptions, Conditions
from archlab.analysis.facts import DTYPE_BYTES, Facts, collect_facts
from archlab.analysis.memory.inference import InferenceMemory, inference_memory, inference_timeline
from archlab.analysis.memory.ledger import Timeline
from archlab.analysis.memory.program import Program, inference_program, training_program
from archlab.analysis.memory.trainable import Refusal, training_refusal
from archlab.analysis.memory.training import training_memory
from archlab.analysis.memory.weights import WeightBytes, weight_bytes
from archlab.analysis.receptive_field.composition import Work
from archlab.analysis.receptive_field.fields import ReceptiveField, bounded_fields, receptive_fields
from archlab.analysis.receptive_field.outputs import OutputReport, last_spatial, output_reports, seen_at
from archlab.analysis.receptive_field.productivity import Productivity, productivity
from archlab.diagnostics.words import counted
from archlab.graph import Graph, Node
from archlab.graph.segments import find_segments
from archlab.graph.viewpoint import input_named, moved_up, seen_from
from archlab.layers.runtime import Storage
from archlab.layers.shape import is_map

if TYPE_CHECKING:
    from archlab.analysis.micro.arena import Arena
    from archlab.analysis.projective_field.ways import Projections
    from archlab.analysis.receptive_field.effective import Estimator


@dataclass(slots=True)
class LayerReport:
    """The numbers of one layer, for the whole batch."""

    node: Node
    params: int
    buffers: int
    macs: int
    flops: int
    activations: int
    activation_bytes: int
    """What the output takes; 0 where it shares the input's storage."""
    receptive_field: ReceptiveField
    storage: Storage
    """Where its output lives in eval mode."""
    shared: int = 0
    """Elements of params and buffers that are those of an earlier layer, and counted there."""
    unknown: tuple[str, ...] = ()
    """Of an opaque layer: which of these numbers nobody has declared; they are 0 here, and a lower bound."""


@dataclass(slots=True)
class MemoryReport:
    """Bytes of a network."""

    params: int
    buffers: int
    activations: int
    """All layers' outputs, the input left out."""
    inference_peak: int
    """params + buffers + the most activation bytes alive at one time, the input among them."""
    peak_layer: str
    """Path of the layer running at the peak."""
    quantization: int = 0
    """Scales and zero points of a deployed int8 network, which are params of nobody."""

    @property
    def flash(self) -> int:
        """What is stored: params, buffers, and what belongs to them."""
        return self.params + self.buffers + self.quantization

    @property
    def ram(self) -> int:
        """The most activation bytes alive at one time, the input among them."""
        return self.inference_peak - self.flash


class OpaqueShare(NamedTuple):
    """What opaque layers have of the totals, as far as it is declared (`layers.opaque`).

    Attributes:
        layers: how many there are.
        params: of the total.
        buffers: of the total.
        macs: of the total.
        flops: of the total.
        activations: of the total.
        unknown: the totals that are lower bounds, since not all layers declare theirs; `memory` is one always.
    """

    layers: int
    params: int
    buffers: int
    macs: int
    flops: int
    activations: int
    unknown: tuple[str, ...]


@dataclass(slots=True)
class Totals:
    """Sums over the layers."""

    params: int
    buffers: int
    macs: int
    flops: int
    activations: int
    memory: MemoryReport
    receptive_field: ReceptiveField
    """What one unit of the first result sees (`analysis.outputs`)."""
    receptive_field_index: int
    """Index of the node whose field that is."""
    opaque: OpaqueShare | None = None
    """What opaque layers have of it; None where there are none."""

    def figures(self) -> dict[str, int]:
        """What a config's `expect` holds it to: params and MACs, as far as they are known."""
        found = {"params": self.params, "macs": self.macs}
        return {name: value for name, value in found.items() if not self.is_bound(name)}

    def is_bound(self, number: str) -> bool:
        """Whether a number is a lower bound: `params`, `macs`, `memory`, ..."""
        return self.opaque is not None and number in self.opaque.unknown


class Checkpointing(NamedTuple):
    """What checkpoints do.

    Attributes:
        saved: bytes at the peak.
        macs: further multiply-accumulates, of the layers that run again.
    """

    saved: int
    macs: int


class Analysis:
    """The numbers of a network, layer by layer and in total.

    Attributes:
        graph: the network.
        conditions: batch, dtype, and how it is trained.
        segments: what a training step computes again.
        layers: one report for each layer, in order.
        total: their sums.
    """

    def __init__(self, graph: Graph, conditions: Conditions) -> None:
        self.graph = graph
        self.conditions = conditions
        self._facts = facts = collect_facts(graph)
        self._fields = fields = receptive_fields(graph, facts)
        self.segments = find_segments(graph, conditions.checkpoint)
        size = DTYPE_BYTES[conditions.dtype]
        memory = inference_memory(self._inference_program, size)
        rows = zip(graph.nodes, facts, fields, memory.new_bytes, strict=True)
        self.layers = [_layer(*row, conditions.batch) for row in rows][1:]
        self._weights = weight_bytes(graph, facts, conditions.dtype)
        self.total = _totals(self.layers, self._weights, memory, graph, fields)

    @property
    def batch(self) -> int:
        """Number of samples."""
        return self.conditions.batch

    @property
    def dtype(self) -> str:
        """Of parameters and activations."""
        return self.conditions.dtype

    @property
    def optimizer(self) -> str:
        """Of the training step."""
        return self.conditions.optimizer

    @cached_property
    def input_shape(self) -> list[int]:
        """With batch."""
        return [self.batch, *self.graph.input_shape]

    def weight_bytes(self, layer: LayerReport) -> WeightBytes:
        """What a layer's tensors take; some are of a dtype of their own (a count of batches, a bias)."""
        return self._weights[layer.node.index]

    @cached_property
    def is_deployed(self) -> bool:
        """Whether the network is as a runtime on a device runs it."""
        return self.graph.deployment is not None

    @cached_property
    def arena(self) -> Arena | None:
        """What TensorFlow Lite Micro takes for the activations of a deployed int8 network; None of any other."""
        if not self.is_deployed or self.dtype != "int8":
            return None
        from archlab.analysis.micro.arena import micro_arena

        return micro_arena(self.graph, self.batch)

    def deployed(self, dtype: str) -> Self:
        """The same network as it is deployed, in a dtype, in batches of one."""
        if dtype not in self._deployed:
            from archlab.graph.deploy import deploy

            self._deployed[dtype] = type(self)(deploy(self.graph), Conditions(dtype=dtype))
        return self._deployed[dtype]

    @cached_property
    def _deployed(self) -> dict[str, Self]:
        return {}

    @cached_property
    def outputs(self) -> list[OutputReport]:
        """What one unit of each result sees, the first result first."""
        return output_reports(self.graph, self._facts, self._fields)

    @cached_property
    def projections(self) -> list[Projections]:
        """Which units of its map each input position reaches, along each axis, of every node, the input first.

        Raises:
            ConfigError: where it would take too long.
        """
        from archlab.analysis.projective_field.fields import projective_fields

        return projective_fields(self.graph, self._facts, self._fields)

    def seen_from(self, name: str) -> Self:
        """The same network with fields of another input: receptive, projective and effective ones, of all layers.

        Args:
            name: of the input, which is the first of the analysis' graph.

        Raises:
            ConfigError: if there is none, or the fields would take too long.
        """
        start = input_named(self.graph, name)
        return self if start.index == 0 else type(self)(seen_from(self.graph, start), self.conditions)

    @cached_property
    def input_outputs(self) -> dict[str, OutputReport | None]:
        """By input, what one unit of the first result sees of it; None where it has no positions.

        Raises:
            ConfigError: where the fields of all inputs but the first would take too long together.
        """
        work = Work()
        found: dict[str, OutputReport | None] = {}
        for node in self.graph.inputs:
            if not is_map(node.shape):
                found[node.path] = None
            elif node.index == 0:
                found[node.path] = self.outputs[0]
            else:
                graph, facts = seen_from(self.graph, node), moved_up(self._facts, node)
                found[node.path] = output_reports(graph, facts, receptive_fields(graph, facts, work))[0]
        return found

    @cached_property
    def estimator(self) -> Estimator:
        """Of effective receptive fields."""
        from archlab.analysis.receptive_field.effective import Estimator

        return Estimator(self.graph, self._facts, self._fields)

    @cached_property
    def productivity(self) -> dict[int, Productivity]:
        """For each layer that looks around, by node index: whether its window can still add anything."""
        return productivity(self.graph, self._facts, self._fields)

    @cached_property
    def inference(self) -> Timeline:
        """The storages of a forward pass, moment by moment."""
        return inference_timeline(self._inference_program, self.total.memory.flash, DTYPE_BYTES[self.dtype])

    @cached_property
    def refusal(self) -> Refusal | None:
        """Why PyTorch refuses a training step: int8, no parameters, one value per channel in a batch norm."""
        return training_refusal(self.graph, self._facts, self.conditions, lambda: self._training_program)

    def inference_peak(self, batch: int) -> int:
        """Bytes at the peak of a forward pass with another batch."""
        memory = self.total.memory
        if batch == self.batch:
            return memory.inference_peak
        written = inference_program(self.graph, self._facts, replace(self.conditions, batch=batch))
        return memory.flash + inference_memory(written, DTYPE_BYTES[self.dtype]).peak

    def training_peak(self, batch: int) -> int:
        """Bytes at the peak of a training step with another batch, which PyTorch must not refuse."""
        if batch == self.batch and self.training is not None:
            return self.training.peak
        return training_memory(self.graph, self._facts, replace(self.conditions, batch=batch)).peak

    def training_refusal(self, batch: int) -> Refusal | None:
        """Why PyTorch refuses a training step with another batch."""
        if batch == self.batch:
            return self.refusal
        return training_refusal(self.graph, self._facts, replace(self.conditions, batch=batch))

    @cached_property
    def _inference_program(self) -> Program:
        return inference_program(self.graph, self._facts, self.conditions)

    @cached_property
    def _training_program(self) -> Program:
        return training_program(self.graph, self._facts, self.conditions)

    @cached_property
    def training(self) -> Timeline | None:
        """The storages of a training step, moment by moment; None where PyTorch refuses it (`refusal` says why)."""
        if self.refusal is not None:
            return None
        return training_memory(self.graph, self._facts, self.conditions, self._training_program)

    @cached_property
    def checkpointing(self) -> Checkpointing | None:
        """What checkpoints save in a training step and what they cost; None where there are none."""
        if self.training is None or not self.segments:
            return None
        conditions = replace(self.conditions, checkpoint=())
        without = training_memory(self.graph, self._facts, conditions, self._training_program)
        again = [moment.node for moment in self.training.moments if moment.phase == "recompute"]
        macs = sum([self._facts[index].macs for index in again]) * self.batch
        return Checkpointing(without.peak - self.training.peak, macs)

    def step_text(self) -> str:
        """How a training step is done, in words: `momentum, autocast to bfloat16, 16 blocks checkpointed`."""
        return ", ".join([self.optimizer, *self.unusual_conditions()])

    def unusual_conditions(self) -> list[str]:
        """What is unusual about it, in words."""
        words: list[str] = []
        if self.conditions.autocast is not None:
            words.append(f"autocast to {self.conditions.autocast}")
        if self.segments:
            words.append(f"{counted(len(self.segments), 'block')} checkpointed")
        if self.conditions.channels_last:
            words.append("channels_last")
        return words

    @property
    def bounded_field(self) -> ReceptiveField | None:
        """The total's receptive field at the largest offsets of adaptive layers, if there are any with a bound."""
        return self.bounded_field_of(self.total.receptive_field_index)

    def bounded_field_of(self, index: int) -> ReceptiveField | None:
        """The same of any node, by its index."""
        if not self._fields[index].adaptive or self._bounded_fields is None:
            return None
        return self._bounded_fields[index]

    @cached_property
    def _bounded_fields(self) -> list[ReceptiveField] | None:
        return bounded_fields(self.graph, self._facts)

    def __repr__(self) -> str:
        return f"<Analysis of {self.graph.name}: {self.total.params:,} params, {self.total.macs:,} MACs>"


def analyze(graph: Graph, **conditions: Unpack[ConditionOptions]) -> Analysis:
    """All numbers of a network.

    Args:
        graph: the network.
        conditions: see `Conditions`.

    Raises:
        ValueError: for conditions that cannot be.
        ConfigError: if there is no block to compute again, or it cannot be.
    """
    return Analysis(graph, Conditions(**conditions))


def _layer(node: Node, facts: Facts, field: ReceptiveField, new_bytes: int, batch: int) -> LayerReport:
    macs = facts.macs * batch
    return LayerReport(
        node,
        facts.params,
        facts.buffers,
        macs,
        2 * macs + facts.elementwise * batch,
        facts.activations * batch,
        new_bytes,
        field,
        facts.runtime.storage,
        facts.shared,
        facts.unknown,
    )


def _totals(
    layers: list[LayerReport],
    weights: list[WeightBytes],
    memory: InferenceMemory,
    graph: Graph,
    fields: list[ReceptiveField],
) -> Totals:
    seen = seen_at(graph.nodes[graph.outputs[0][1]], last_spatial(graph, fields))
    stored = WeightBytes(*[sum(part) for part in zip(*weights, strict=True)])
    return Totals(
        params=sum([layer.params for layer in layers]),
        buffers=sum([layer.buffers for layer in layers]),
        macs=sum([layer.macs for layer in layers]),
        flops=sum([layer.flops for layer in layers]),
        activations=sum([layer.activations for layer in layers]),
        memory=MemoryReport(
            params=stored.params,
            buffers=stored.buffers,
            activations=sum(memory.new_bytes[len(graph.inputs) :]),
            inference_peak=stored.total + memory.peak,
            peak_layer=graph.nodes[memory.peak_node].path,
            quantization=stored.quantization,
        ),
        receptive_field=fields[seen],
        receptive_field_index=seen,
        opaque=_opaque_share(layers),
    )


def _opaque_share(layers: list[LayerReport]) -> OpaqueShare | None:
    found = [layer for layer in layers if layer.node.layer.role == "opaque"]
    if not found:
        return None
    unknown = dict.fromkeys([name for layer in found for name in layer.unknown])
    return OpaqueShare(
        len(found),
        sum([layer.params for layer in found]),
        sum([layer.buffers for layer in found]),
        sum([layer.macs for layer in found]),
        sum([layer.flops for layer in found]),
        sum([layer.activations for layer in found]),
        tuple([name for name in SUMMED if name in unknown]),
    )


SUMMED = ("params", "buffers", "macs", "flops", "activations", "memory")
"""Totals that opaque layers may leave unknown."""
