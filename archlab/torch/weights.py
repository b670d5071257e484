"""Weights from elsewhere: a state dict of any model with the same tensors.

Names differ from one code base to another (`downsample.0` is `shortcut.conv` here), the shapes of the tensors do not.
Which goes where, `matching` says; what has no match, and what could have another, is told, never left out in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from archlab.diagnostics.codes import Code
from archlab.diagnostics.place import printable
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.spelling import argument
from archlab.graph import Graph, Node
from archlab.torch.matching import COUNTER, Pair, Slot, match_modules
from archlab.torch.state import Weights, read_state, tensor_fault
from archlab.torch.weights_map import Rule, WeightsMap, fitting, mapped, read_map, with_parts

__all__ = ["Matching", "Weights", "load_weights", "match"]

MOST_NAMED = 8
"""Tensors named in a message."""


@dataclass
class Matching:
    """Which tensor goes where.

    Attributes:
        taken: the tensor for each of the network's, by name.
        missing: of the network, without a tensor.
        unused: of the state dict, without a place.
        sources: the name of each taken tensor in the state dict.
        by_map: taken because a map says so.
        by_name: taken because of their names.
        by_order: taken in order, which is the only one that fits.
        doubtful: taken in order, though others fit too: the modules' names here and there.
        not_finite: taken tensors with values that are not finite, and how many.
    """

    taken: dict[str, Tensor] = field(default_factory=dict)
    missing: list[Slot] = field(default_factory=list)
    unused: list[Slot] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    by_map: int = 0
    by_name: int = 0
    by_order: int = 0
    doubtful: dict[str, str] = field(default_factory=dict)
    not_finite: dict[str, int] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Whether every tensor has its place."""
        return not self.missing and not self.unused

    def render(self) -> str:
        """One line: how many fit, and the first on each side that do not."""
        lines = [f"{len(self.taken)} of {len(self.taken) + len(self.missing)} tensors found"]
        for what, slots in (("without weights", self.missing), ("without a place", self.unused)):
            if slots:
                lines.append(f"{what}: {_some([str(slot) for slot in slots])}")
        return printable("; ".join(lines))

    def summary(self) -> str:
        """One line: how many fit, and what says so."""
        ambiguous = len(self.taken) - self.by_map - self.by_name - self.by_order
        counts = {"by map": self.by_map, "by name": self.by_name, "by order": self.by_order, "ambiguous": ambiguous}
        how = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"{self.render()}; matched: {how}"

    def warnings(self) -> list[str]:
        """A sentence for each thing that a user should look at."""
        found: list[str] = []
        if self.doubtful:
            pairs = _some([f"{mine} <- {other}" for mine, other in self.doubtful.items()])
            found.append(
                f"several orders fit the shapes of {len(self.doubtful)} modules, and their names do not say which; "
                f"taken as they come: {pairs}; compare results ({argument('weights_check')}), "
                f"or name them ({argument('weights_map')})"
            )
        if self.not_finite:
            tensors = _some([f"{name} ({count:,} of its values)" for name, count in self.not_finite.items()])
            found.append(f"not finite (nan or inf): {tensors}")
        return [printable(text) for text in found]


def _some(texts: list[str]) -> str:
    more = f", and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more


def match(
    graph: Graph, state: Mapping[str, Tensor], rules: Sequence[Rule] = (), model: nn.Module | None = None
) -> Matching:
    """Match a state dict's tensors to those of a network.

    Args:
        graph: of the whole network.
        state: names to tensors, in the order of its model.
        rules: names that are known.
        model: whose opaque layers say themselves which tensors they own.

    Raises:
        ConfigError: if a rule does not fit.
    """
    state = _distinct(state)
    repeats = graph.repeats()
    ours = [
        slot
        for node in graph.layers
        if node.index not in repeats
        for slot in (_opaque_slots(node, model) if node.layer.role == "opaque" else _slots(node, graph))
    ]
    theirs = [Slot(name, tuple(tensor.shape)) for name, tensor in state.items()]
    found = Matching()
    known = mapped(rules, ours, theirs) if rules else {}
    for other, mine in known.items():
        if mine is not None:
            found.taken[mine], found.sources[mine] = state[other], other
    found.by_map = len(found.taken)
    open_slots = [slot for slot in ours if slot.name not in found.taken]
    for pair in match_modules(open_slots, [slot for slot in theirs if slot.name not in known], _Edges(graph).follows):
        _take(pair, state, found)
    used = {*found.sources.values(), *known}
    found.missing = [slot for slot in ours if slot.name not in found.taken and slot.word != COUNTER]
    found.unused = [slot for slot in theirs if slot.name not in used]
    return found


def _slots(node: Node, graph: Graph) -> list[Slot]:
    """The tensors that a layer owns."""
    return [
        Slot(f"{node.module}.{tensor.name}", tensor.shape)
        for tensor in node.layer.tensors(graph.input_shapes(node))
        if tensor.persistent
    ]


def _opaque_slots(node: Node, model: nn.Module | None) -> list[Slot]:
    """The tensors of another package's module; none where the model has not got it."""
    try:
        module = None if model is None else model.get_submodule(node.module)
    except AttributeError:  # of a part of the network
        module = None
    state = {} if module is None else module.state_dict()
    return [Slot(f"{node.module}.{name}", tuple(tensor.shape)) for name, tensor in state.items()]


def _distinct(state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors without further names of the same ones, as state dicts of models that share modules have them."""
    seen: set[tuple[object, ...]] = set()
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if tensor.layout is not torch.strided or tensor.is_meta or not tensor.numel():
            found[name] = tensor
            continue
        key = (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
        if key not in seen:
            found[name] = tensor
        seen.add(key)
    return found


class _Edges:
    """What reads what in a graph, by path."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        repeats = graph.repeats()
        self._index = {node.module: node.index for node in graph.layers if node.index not in repeats}

    def follows(self, before: str, after: str) -> bool:
        """Whether one layer reads what another gives, directly or through others."""
        start, end = self._of(before), self._of(after)
        seen, waiting = set[int](), [end]
        while waiting:
            index = waiting.pop()
            if index == start:
                return True
            further = [i for i in self._graph.nodes[index].inputs if i >= start and i not in seen]
            seen.update(further)
            waiting += further
        return False

    def _of(self, module: str) -> int:
        """The node of a module, or that of the opaque layer which it is a part of."""
        while module not in self._index:
            module = module.rpartition(".")[0]
        return self._index[module]


def _take(pair: Pair, state: Mapping[str, Tensor], found: Matching) -> None:
    names = {slot.meaning: slot.name for slot in pair.other.slots}
    taken = {slot.name: names[slot.meaning] for slot in pair.mine.slots if slot.meaning in names}
    if not taken:  # a single tensor under another name
        taken = {pair.mine.slots[0].name: pair.other.slots[0].name}
    found.sources |= taken
    found.taken |= {mine: state[other] for mine, other in taken.items()}
    if pair.how == "name":
        found.by_name += len(taken)
    elif pair.how == "order":
        found.by_order += len(taken)
    else:
        found.doubtful[pair.mine.name] = pair.other.slots[0].module


def load_weights(
    model: nn.Module,
    graph: Graph,
    weights: Weights,
    *,
    partial: bool = False,
    weights_map: WeightsMap | None = None,
    own_map: WeightsMap | None = None,
) -> Matching:
    """Load weights into a built model.

    Args:
        model: of the network, or of a part of it (`archlab.graph.subgraph`).
        graph: of the whole network.
        weights: a state dict, a file that holds one, or `torchvision:NAME` (downloaded by torchvision).
        partial: keep the model's own values where nothing fits, instead of refusing.
        weights_map: names of the state dict to the network's (see `weights_map`), where they are known.
        own_map: those of the weights of what the network was imported from, used where they fit.

    Raises:
        ConfigError: if the weights cannot be read or copied, or do not fit and `partial` is false.
    """
    state = read_state(weights)
    if weights_map is not None:
        rules = read_map(weights_map)
    else:
        rules = [] if own_map is None else read_map(own_map)
        rules = fitting(rules, with_parts(state, rules), model.state_dict())
    found = match(graph, with_parts(state, rules), rules, model)
    if not found.taken or not (found.fits or partial):
        shown = (
            f"the weights {weights}" if isinstance(weights, str) or not isinstance(weights, Mapping) else "the weights"
        )
        raise single_problem(f"{shown} do not fit {graph.name}: {found.render()}", Code.WRONG_WEIGHTS)
    wanted = model.state_dict()
    used = {name: value for name, value in found.taken.items() if name in wanted}
    for name, value in used.items():
        fault = tensor_fault(found.sources[name], value, wanted[name])
        if fault is not None:
            raise single_problem(f"the weights cannot be used: {fault}", Code.WRONG_WEIGHTS)
        count = _not_finite(value.to(wanted[name].dtype))
        if count:
            found.not_finite[found.sources[name]] = count
        used[name] = value.reshape(wanted[name].shape)
    model.load_state_dict(used, strict=False)
    return found


def _not_finite(value: Tensor) -> int:
    """How many of a tensor's values are no finite numbers; each is looked at only where their sum is none."""
    if not value.is_floating_point() or value.is_meta or value.sum().isfinite():
        return 0
    return int(value.numel() - value.isfinite().sum())
