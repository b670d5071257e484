"""`archlab verify`: the static numbers against the built model, layer by layer.

Four witnesses that are not archlab's own code: the tensors that really flow, the parameters and buffers
that the modules hold, `torch.utils.flop_counter.FlopCounterMode` around each node, and fvcore's
`FlopCountAnalysis` of the whole module.
"""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from html import escape
from typing import Any

from archlab.diagnostics.place import printable
from archlab.diagnostics.requirements import require
from archlab.diagnostics.words import counted

require("torch", "torch", "verifying")
require("fvcore", "torch", "verifying")

import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # fvcore still calls torch.jit.script when imported
    from fvcore.nn import FlopCountAnalysis, jit_handles

from torch import Tensor, fx, nn
from torch.utils.flop_counter import FlopCounterMode

from archlab.analysis import Analysis, LayerReport, analyze
from archlab.analysis.memory.trainable import require_run
from archlab.graph import HasGraph
from archlab.layers.shape import shape_text
from archlab.torch.build import build
from archlab.torch.counting import ATTENTION, DEFORMABLE, fvcore_attention, fvcore_deformable, torch_formulas
from archlab.torch.device import require_device
from archlab.torch.host import require_memory, require_time
from archlab.torch.opaque import given_shapes
from archlab.torch.samples import samples
from archlab.torch.trace import PATH
from archlab.torch.zeroed import zeroed

FVCORE_MAC_OPERATORS = (
    *("conv", "linear", "addmm", "matmul", "bmm", "mm", "einsum"),
    *("deform_conv2d", "scaled_dot_product_attention"),
)
"""Of fvcore's operators, those that it counts in multiply-accumulates of matrix products."""


@dataclass(slots=True)
class Difference:
    """One number that is not what the model shows."""

    path: str
    what: str
    predicted: str
    found: str
    witness: str

    def render(self) -> str:
        """As one line."""
        return f"  {self.path}: {self.what} {self.predicted}, but {self.witness} finds {self.found}"


@dataclass(slots=True)
class Verification:
    """What `verify` compared and what differs."""

    name: str
    layers: int
    params: int
    macs: int
    counters: tuple[str, ...] = ("FlopCounterMode", "fvcore")
    differences: list[Difference] = field(default_factory=list)
    opaque: int = 0
    """Opaque layers among them, of which what is declared is compared."""
    notes: list[str] = field(default_factory=list)
    """What they do not declare, and is found."""

    @property
    def ok(self) -> bool:
        """Whether every number is equal."""
        return not self.differences

    def __str__(self) -> str:
        return self.render()

    def __repr__(self) -> str:
        found = "ok" if self.ok else counted(len(self.differences), "difference")
        return f"<Verification of {printable(self.name)}: {found}>"

    def _repr_html_(self) -> str:
        """For notebooks: one line, what differs folded behind it."""
        first, _, rest = self.render().partition("\n")
        return f"<details><summary>{escape(first)}</summary><pre>{escape(rest) or 'nothing differs'}</pre></details>"

    def render(self) -> str:
        """A line, and one for each difference."""
        if self.ok:
            checked = f"output shapes, params, buffers, MACs ({', '.join(self.counters)})"
            layers = counted(self.layers, "layer")
            told = f", of {counted(self.opaque, 'opaque layer')} what is declared" if self.opaque else ""
            equal = f"{self.name}: ok, {layers} equal in {checked}{told}; {self.params:,} params, {self.macs:,} MACs"
            return "\n".join([equal, *self.notes])
        lines = [difference.render() for difference in self.differences]
        return "\n".join([f"{self.name}: {counted(len(lines), 'difference')}", *lines, *self.notes])


class _Recorder(fx.Interpreter):
    """Runs the model node by node, counting each one's MACs and keeping the shapes of the layers' outputs."""

    def __init__(self, model: fx.GraphModule) -> None:
        super().__init__(model)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.macs: dict[str, int] = {}
        self._pending = 0

    def run_node(self, n: fx.Node) -> Any:
        with FlopCounterMode(display=False, custom_mapping=torch_formulas()) as counter:
            result = super().run_node(n)
        # torch counts a multiply-accumulate as two operations
        self._pending += counter.get_total_flops() // 2
        if PATH in n.meta:  # not set on the first calls of a join of many inputs
            self.shapes[n.meta[PATH]] = tuple(result.shape)
            self.macs[n.meta[PATH]] = self._pending
            self._pending = 0
        return result


MOST_TRACED = 4_096
"""Layers of a network that `torch.jit` may trace for fvcore: 16,000 of them took a minute, 32,760 nearly four."""


def verify(network: HasGraph, *, batch: int = 1, device: str = "cpu") -> Verification:
    """Build a network, run it in eval mode, and compare every layer.

    Args:
        network: what to verify.
        batch: number of samples.
        device: where to run; `meta` computes shapes without values, and leaves fvcore out, as do more layers than
            `MOST_TRACED`.

    Raises:
        ConfigError: if there is no such device, PyTorch does not run the batch, or a processor could not.
    """
    require_run(network.graph, batch)
    analysis = analyze(network.graph, batch=batch)
    require_device(device, meta=True)
    if torch.device(device).type == "cpu":
        require_memory(analysis.total.memory.inference_peak, "the weights and values of a forward pass")
        require_time(analysis.total.macs)
    result = Verification(network.graph.name, len(analysis.layers), analysis.total.params, analysis.total.macs)
    # The numbers do not depend on the weights: leave out their costly initialisation.
    opaque = analysis.total.opaque
    made_on = "meta" if opaque is None else device  # other packages' modules may hold tensors that are no buffers
    model = (
        build(network, device=made_on).to(device) if opaque else build(network, device=made_on).to_empty(device=device)
    )
    model.eval()
    if opaque is not None:
        result.opaque = opaque.layers
        result.differences = _compare_given(analysis, model, batch)
        if result.differences:
            return result
    sample = samples(network.graph, batch, partial(torch.zeros, device=device))
    recorder = _Recorder(zeroed(model))
    with torch.no_grad():
        recorder.run(*sample)
    repeats = network.graph.repeats()
    for layer in analysis.layers[len(network.graph.inputs) - 1 :]:
        repeated = layer.node.index in repeats
        result.differences += _compare_layer(layer, recorder, model, batch, repeated=repeated)
        if layer.unknown and not repeated:
            result.notes += _undeclared(layer, recorder, model, batch)
        if layer.node.layer.role == "opaque" and layer.macs and not recorder.macs[layer.node.path]:
            result.notes.append(f"  {layer.node.path}: MACs {layer.macs:,} declared, and FlopCounterMode sees none")
    result.differences += _compare_totals(analysis, model)
    # fvcore traces with torch.jit, which needs values, and modules that it can trace
    many = len(analysis.layers) > MOST_TRACED
    if sample[0].device.type == "meta" or opaque is not None or many:
        result.counters = ("FlopCounterMode",)
        if many:
            result.notes.append(f"  fvcore traces at most {MOST_TRACED:,} layers here: its time is quadratic in them")
    else:
        result.differences += _compare_fvcore(analysis, model, sample)
    return result


def _compare_given(analysis: Analysis, model: fx.GraphModule, batch: int) -> list[Difference]:
    """The shapes that opaque layers give by themselves: what stands behind a wrong one would not run."""
    given = given_shapes(model, analysis.graph, batch)
    nodes = [layer.node for layer in analysis.layers if layer.node.layer.role == "opaque"]
    declared = {node.path: (batch, *node.shape) for node in nodes}
    return [
        Difference(path, "output", shape_text(shape), shape_text(given[path]), "running it")
        for path, shape in declared.items()
        if shape != given[path]
    ]


def _undeclared(layer: LayerReport, recorder: _Recorder, model: nn.Module, batch: int) -> list[str]:
    """What an opaque layer has of the numbers that its config does not declare."""
    module = model.get_submodule(layer.node.module)
    found = {
        "params": sum(tensor.numel() for tensor in module.parameters()),
        "buffers": sum(tensor.numel() for tensor in module.buffers()),
        "macs": recorder.macs[layer.node.path] // batch,
    }
    there = [f"{name}: {n}" for name, n in found.items() if name in layer.unknown and (n or name != "macs")]
    return [f"  {layer.node.path}: not declared, and found: {', '.join(there)}"] if there else []


def _compare_layer(
    layer: LayerReport, recorder: _Recorder, model: nn.Module, batch: int, *, repeated: bool
) -> list[Difference]:
    path = layer.node.path
    shape, observed_shape, observed_macs = (batch, *layer.node.shape), recorder.shapes[path], recorder.macs[path]
    found: list[Difference] = []
    if shape != observed_shape:
        found.append(Difference(path, "output", shape_text(shape), shape_text(observed_shape), "running it"))
    unseen = layer.node.layer.role == "opaque" and not observed_macs  # in operators that the counter does not know
    if layer.macs != observed_macs and "macs" not in layer.unknown and not unseen:
        found.append(Difference(path, "MACs", f"{layer.macs:,}", f"{observed_macs:,}", "FlopCounterMode"))
    if not layer.node.layer.torch_class or repeated:
        return found
    module = model.get_submodule(layer.node.module)
    for what, predicted, tensors in (
        ("params", layer.params, module.parameters()),
        ("buffers", layer.buffers, module.buffers()),
    ):
        counted = sum(tensor.numel() for tensor in tensors)
        if predicted != counted and what not in layer.unknown:
            found.append(Difference(path, what, f"{predicted:,}", f"{counted:,}", "its module"))
    return found


def _compare_totals(analysis: Analysis, model: nn.Module) -> list[Difference]:
    """The sums, and the bytes: dtypes included."""
    total, opaque = analysis.total, analysis.total.opaque
    params, buffers = list(model.parameters()), list(model.buffers())
    pairs = (
        ("params", total.params, sum(t.numel() for t in params)),
        ("buffers", total.buffers, sum(t.numel() for t in buffers)),
        ("bytes of params", total.memory.params, sum(t.numel() * t.element_size() for t in params)),
        ("bytes of buffers", total.memory.buffers, sum(t.numel() * t.element_size() for t in buffers)),
    )
    return [
        Difference("total", what, f"{predicted:,}", f"{counted:,}", "the model")
        for what, predicted, counted in pairs
        if predicted != counted and not (opaque and (what.startswith("bytes") or total.is_bound(what)))
    ]


def _count_worded_padding(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    """fvcore has no rule for a convolution whose padding is a word (`same`); give it its own rule for the others."""
    shapes = [jit_handles.get_shape(value) for value in (inputs[0], inputs[1], outputs[0])]
    return Counter({"conv": jit_handles.conv_flop_count(*shapes, transposed=False)})


def _compare_fvcore(analysis: Analysis, model: nn.Module, sample: tuple[Tensor, ...]) -> list[Difference]:
    """fvcore counts one FLOP per multiply-accumulate; its other operators (norms, pooling) are left out."""
    counts = FlopCountAnalysis(model, sample).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    counts.set_op_handle("aten::_convolution_mode", _count_worded_padding)
    counts.set_op_handle(DEFORMABLE, fvcore_deformable)
    counts.set_op_handle(ATTENTION, fvcore_attention)
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    by_operator = counts.by_operator()
    counted = int(sum(by_operator[name] for name in FVCORE_MAC_OPERATORS))
    if counted == analysis.total.macs:
        return []
    return [Difference("total", "MACs", f"{analysis.total.macs:,}", f"{counted:,}", "fvcore")]
