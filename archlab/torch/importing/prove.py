"""An imported network held against its source: params, MACs, and outputs with weights copied by their names.

Zero-initialised norms and fresh running statistics hide mistakes, so all one-dimensional tensors are drawn anew first.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from archlab.analysis import analyze
from archlab.diagnostics.words import counted
from archlab.graph import Graph
from archlab.imports.flat import Flat
from archlab.imports.parts import tensor_of, whole_name
from archlab.torch.build import build
from archlab.torch.importing.opaque import keeps_samples
from archlab.torch.importing.recorder import tensors_in

SAMPLES = 2


@dataclass(frozen=True, slots=True)
class Proof:
    """What was compared.

    Attributes:
        params: of the source, of those that take part.
        macs: of the source for a sample, by PyTorch's counter.
        own_params: archlab's.
        own_macs: archlab's.
        difference: the largest of outputs; None where the network cannot be built.
        largest: of the source's outputs, in magnitude.
        opaque: layers that are opaque, whose outputs cannot be compared.
    """

    params: int
    macs: int
    own_params: int
    own_macs: int
    difference: float | None
    largest: float
    opaque: int = 0

    @property
    def ok(self) -> bool:
        """Whether every number is equal, and outputs but for rounding."""
        return is_near(self.difference, self.largest) and (self.params, self.macs) == (self.own_params, self.own_macs)

    def render(self) -> str:
        """A line for each comparison."""
        return "\n".join(
            [
                _line("params", self.params, self.own_params, "the model's own"),
                _line("MACs", self.macs, self.own_macs, "FlopCounterMode"),
                self._outputs(),
            ]
        )

    def _outputs(self) -> str:
        if self.difference is None:
            return f"outputs: not compared, since {counted(self.opaque, 'opaque layer')} cannot be built"
        if self.difference == 0:
            return "outputs: equal bit by bit, with all one-dimensional tensors drawn anew"
        return f"outputs: differ by {self.difference:.2g} at most, of values up to {self.largest:.3g}"


def is_near(difference: float | None, largest: float) -> bool:
    """Whether outputs are equal but for rounding, or were not compared."""
    return difference is None or difference <= 1e-4 * max(largest, 1e-6)


def _line(what: str, theirs: int, ours: int, witness: str) -> str:
    return f"{what}: {ours:,}" + (f", as {witness}" if theirs == ours else f", but {witness} says {theirs:,}")


def prove(model: nn.Module, flat: Flat, graph: Graph, places: Mapping[str, int] | None = None) -> Proof:
    """Compare a network with the model that it was imported from.

    Args:
        model: it, with weights; they are changed.
        flat: what was read of it.
        graph: the network.
        places: paths of the graph's layers to the flat network's items; by default they have the same paths.
    """
    model.eval()
    draw_anew(model)
    make = torch.zeros if flat.looks else torch.randn  # others may go another way
    sample = {name: make(SAMPLES, *shape) for name, shape in flat.inputs.items()}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        results = list(tensors_in(model(*sample.values())))
    theirs = [one for one in results if keeps_samples([one], SAMPLES)]  # the others are no layer's output
    total = analyze(graph).total
    opaque = sum(node.layer.role == "opaque" for node in graph.layers)
    used = {whole_name(name) for item in flat.items for name in item.tensors.values()}
    params = sum(one.numel() for name, one in model.named_parameters() if name in used)
    difference = None if opaque else largest_difference(graph, copied(model, flat, places), sample, theirs)
    largest = max((float(one.abs().max()) for one in theirs), default=0.0)
    macs = _macs(model, flat)
    if macs != total.macs:  # products of parameters and constants alone are no sample's work
        macs = _macs(model, flat, samples=2) - macs
    return Proof(params, macs, total.params, total.macs, difference, largest, opaque)


def _macs(model: nn.Module, flat: Flat, samples: int = 1) -> int:
    """Of so many samples, counted on the meta device; where the model looks at values, with attention written out.

    The counter does not know the CPU's fused attention.
    """
    device = "cpu" if flat.looks else "meta"
    again = copy.deepcopy(model).to(device).requires_grad_(False)  # the counter fails on modules that take parameters
    sample = [torch.zeros(samples, *shape, device=device) for shape in flat.inputs.values()]
    counter = FlopCounterMode(display=False)
    with warnings.catch_warnings(), torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        warnings.simplefilter("ignore")
        again(*sample)
    return int(counter.get_total_flops()) // 2


def draw_anew(model: nn.Module) -> None:
    """Draw one-dimensional parameters and running statistics, variances above zero."""
    with torch.no_grad():
        for name, one in [*model.named_parameters(), *model.named_buffers()]:
            if not one.is_floating_point():
                continue
            if name.endswith("running_var"):
                one.uniform_(0.5, 1.5)
            elif name.endswith("running_mean") or (one.dim() == 1 and isinstance(one, nn.Parameter)):
                one.copy_(torch.randn_like(one) * 0.2 + (1.0 if name.endswith("weight") else 0.0))


def copied(model: nn.Module, flat: Flat, places: Mapping[str, int] | None = None) -> dict[str, Tensor]:
    """The state dict of a network, of the tensors of the model that it was imported from; see `placed`."""
    state = dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers(remove_duplicate=False))
    return placed({name: one.detach() for name, one in state.items()}, flat, places)


def placed(tensors: Mapping[str, Tensor], flat: Flat, places: Mapping[str, int] | None = None) -> dict[str, Tensor]:
    """The state dict of a network.

    Args:
        tensors: by their names in the source.
        flat: what was read of it.
        places: paths of the graph's layers, or of what they are part of, to the flat network's items; by default they
            have the same paths.
    """
    by_path = places if places is not None else {item.path: number for number, item in enumerate(flat.items)}
    return {
        f"{path}.{own}": tensor_of(tensors, name)
        for path, number in by_path.items()
        if flat.items[number].share is None
        for own, name in flat.items[number].tensors.items()
    }


def largest_difference(
    graph: Graph, state: Mapping[str, Tensor], sample: Mapping[str, Tensor], theirs: list[Tensor]
) -> float:
    """Of the outputs of a network and of its source; infinite where they have other shapes.

    Args:
        graph: the network.
        state: its tensors, which may differ in dimensions of 1.
        sample: what enters, by name.
        theirs: the source's outputs.
    """
    built = build(graph, device="cpu")
    # a factor for each channel may be (C,) in the source and (C, 1, 1) here
    shapes = {name: one.shape for name, one in built.state_dict().items()}
    built.load_state_dict({name: one.reshape(shapes.get(name, one.shape)) for name, one in state.items()})
    built.eval()
    with torch.no_grad():
        ours = list(tensors_in(built(*sample.values())))
    if [one.shape for one in ours] != [one.shape for one in theirs]:
        return float("inf")
    return max((float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True)), default=0.0)
