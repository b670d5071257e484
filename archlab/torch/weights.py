"""Weights from elsewhere: a state dict of any model with the same tensors in the same order.

Names differ from one code base to another (`downsample.0` is `shortcut.conv` here), the order and the shapes of the
tensors do not. So modules are matched in order, by what they own and its shapes; what has no match is told, never
left out in silence.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from archlab.config.problem import single_problem
from archlab.graph import Graph
from archlab.requirements import require

HUB = "torchvision:"
"""In front of the name of published weights, such as `ResNet50_Weights.IMAGENET1K_V2`."""
WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Where training scripts keep the state dict in what they save."""
COUNTER = "num_batches_tracked"
"""Which old state dicts lack, and which nothing but a cumulative mean needs."""
MOST_NAMED = 8
"""Tensors named in a message."""

EQUAL_SHAPES = 10_000
"""Worth of a pair of modules, beside which names decide only between pairs of equal number."""

Weights = Mapping[str, Tensor] | str | Path
"""A state dict, the file that holds one, or `torchvision:NAME`."""


class Slot(NamedTuple):
    """One tensor of a state dict."""

    name: str
    shape: tuple[int, ...]

    @property
    def word(self) -> str:
        """The last part of its name, which says what it is."""
        return self.name.rpartition(".")[2]

    def __str__(self) -> str:
        return f"{self.name} ({'x'.join(map(str, self.shape)) or 'a number'})"


@dataclass
class Matching:
    """Which tensor goes where.

    Attributes:
        taken: the tensor for each of the network's, by name.
        missing: of the network, without a tensor.
        unused: of the state dict, without a place.
    """

    taken: dict[str, Tensor] = field(default_factory=dict)
    missing: list[Slot] = field(default_factory=list)
    unused: list[Slot] = field(default_factory=list)

    @property
    def fits(self) -> bool:
        """Whether every tensor has its place."""
        return not self.missing and not self.unused

    def render(self) -> str:
        """One line: how many fit, and the first on each side that do not."""
        lines = [f"{len(self.taken)} of {len(self.taken) + len(self.missing)} tensors found"]
        for what, slots in (("without weights", self.missing), ("without a place", self.unused)):
            if slots:
                more = f", and {len(slots) - MOST_NAMED} more" if len(slots) > MOST_NAMED else ""
                lines.append(f"{what}: {', '.join(map(str, slots[:MOST_NAMED]))}{more}")
        return "; ".join(lines)


def match(graph: Graph, state: Mapping[str, Tensor]) -> Matching:
    """Match a state dict's tensors to those of a network.

    By name where all names are the same, else in order, by the last part of the name and the shape.

    Args:
        graph: of the whole network.
        state: names to tensors, in the order of its model.
    """
    ours = [
        Slot(f"{node.path}.{tensor.name}", tensor.shape)
        for node in graph.layers
        for tensor in node.layer.tensors(graph.input_shapes(node))
    ]
    theirs = [Slot(name, tuple(tensor.shape)) for name, tensor in state.items()]
    found = Matching()
    if {slot.name for slot in ours} == set(state) and all(state[slot.name].shape == slot.shape for slot in ours):
        found.taken = {slot.name: state[slot.name] for slot in ours}
        return found
    mine, others = _modules(ours), _modules(theirs)
    for owned in dict.fromkeys([*mine, *others]):
        _align(mine.get(owned, []), others.get(owned, []), state, found)
    found.missing = [slot for slot in found.missing if slot.word != COUNTER]
    return found


def _modules(slots: list[Slot]) -> dict[tuple[str, ...], list[list[Slot]]]:
    """The tensors of each module together, in order, by what the module owns.

    Modules of another kind may stand elsewhere: ConvNeXt's `layer_scale` comes behind the layers of its block here, and
    in front of them in torchvision.
    """
    by_module: dict[str, list[Slot]] = {}
    for slot in slots:
        by_module.setdefault(slot.name.rpartition(".")[0], []).append(slot)
    found: dict[tuple[str, ...], list[list[Slot]]] = {}
    for module in by_module.values():
        owned = tuple([slot.word for slot in module if slot.word != COUNTER])
        found.setdefault(owned, []).append(module)
    return found


def _align(ours: list[list[Slot]], theirs: list[list[Slot]], state: Mapping[str, Tensor], found: Matching) -> None:
    """Match modules that own the same kinds of tensors, in order, by their shapes."""
    pairs = dict(_pairs(ours, theirs))
    matched = set(pairs.values())
    found.unused += [slot for place, module in enumerate(theirs) if place not in matched for slot in module]
    for place, mine in enumerate(ours):
        other = theirs[pairs[place]] if place in pairs else []
        words = {slot.word: slot.name for slot in other}
        found.taken |= {slot.name: state[words[slot.word]] for slot in mine if slot.word in words}
        found.missing += [slot for slot in mine if slot.word not in words]


def _pairs(ours: list[list[Slot]], theirs: list[list[Slot]]) -> list[tuple[int, int]]:
    """As many modules of the same shapes as possible, in order; where there is a choice, of like names.

    The alignment of two sequences (Needleman & Wunsch 1970).
    """
    if [_shapes(module) for module in ours] == [_shapes(module) for module in theirs]:
        return [(place, place) for place in range(len(ours))]
    best = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]  # of what begins at both places
    for i in range(len(ours) - 1, -1, -1):
        for j in range(len(theirs) - 1, -1, -1):
            worth = _worth(ours[i], theirs[j])
            best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + worth if worth else 0)
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(ours) and j < len(theirs):
        worth = _worth(ours[i], theirs[j])
        if worth and best[i][j] == best[i + 1][j + 1] + worth:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _worth(mine: list[Slot], other: list[Slot]) -> int:
    """Of a pair: nothing where the shapes differ, a little more where the names do not."""
    if _shapes(mine) != _shapes(other):
        return 0
    name, other_name = (module[0].name.rpartition(".")[0] for module in (mine, other))
    if name == other_name:
        return EQUAL_SHAPES + 2
    return EQUAL_SHAPES + (name.rpartition(".")[2] == other_name.rpartition(".")[2])


def _shapes(module: list[Slot]) -> tuple[tuple[int, ...], ...]:
    return tuple([slot.shape for slot in module if slot.word != COUNTER])


def load_weights(model: nn.Module, graph: Graph, weights: Weights, *, partial: bool = False) -> Matching:
    """Load weights into a built model.

    Args:
        model: of the network, or of a part of it (`archlab.cut`).
        graph: of the whole network, whose order the tensors have.
        weights: a state dict, a file that holds one, or `torchvision:NAME` (downloaded by torchvision).
        partial: keep the model's own values where nothing fits, instead of refusing.

    Raises:
        ConfigError: if the weights cannot be read, or do not fit and `partial` is false.
    """
    found = match(graph, _state(weights))
    if not found.taken or not (found.fits or partial):
        shown = weights if isinstance(weights, str | Path) else "the weights"
        raise single_problem(f"{shown} does not fit {graph.name}: {found.render()}", "wrong-weights")
    wanted = set(model.state_dict())
    model.load_state_dict({name: value for name, value in found.taken.items() if name in wanted}, strict=False)
    return found


def _state(weights: Weights) -> Mapping[str, Tensor]:
    if isinstance(weights, str) and weights.startswith(HUB):
        return _published(weights.removeprefix(HUB))
    return _read(Path(weights)) if isinstance(weights, str | Path) else weights


def _published(name: str) -> Mapping[str, Tensor]:
    """Weights that torchvision publishes, from its cache or the net."""
    require("torchvision", "torch", "published weights")
    from torchvision.models import get_weight

    try:
        found = get_weight(name)
    except (ValueError, AttributeError, KeyError):
        message = f"torchvision has no weights '{name}'; write them as torchvision:ResNet50_Weights.IMAGENET1K_V2"
        raise single_problem(message, "wrong-weights") from None
    try:
        state: Mapping[str, Tensor] = found.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise single_problem(f"cannot get the weights {name}: {error}", "unreadable") from None
    return state


def _read(path: Path) -> Mapping[str, Tensor]:
    """The state dict in a file, also inside of what training scripts save around it."""
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise single_problem(f"cannot read {path}: {error.strerror or error}", "unreadable") from None
    except (RuntimeError, pickle.UnpicklingError, TypeError, AttributeError, EOFError, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise single_problem(f"{path} does not hold a state dict: {reason}", "wrong-weights") from None
    for key in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not found or not all(isinstance(value, Tensor) for value in found.values()):
        raise single_problem(f"{path} does not hold a state dict: names to tensors", "wrong-weights")
    return found
