"""Imported networks held against the models themselves: params, MACs, shapes, and outputs with the same weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archlab
from archlab.api.imported import network_of
from archlab.api.network import Network
from archlab.imports.flat import Flat
from archlab.imports.parts import tensor_of
from archlab.torch.importing.flatten import flatten
from archlab.torch.importing.recorder import tensors_in
from archlab.torch.initialize import Undrawn

Shape = tuple[int, ...]
BATCH = 2


@dataclass
class Held:
    """A model as archlab's network.

    Attributes:
        model: it.
        flat: as it was read.
        network: as archlab has it.
        inputs: shapes without the batch.
    """

    model: nn.Module
    flat: Flat
    network: Network
    inputs: Mapping[str, Shape]

    @property
    def opaque(self) -> list[str]:
        """Paths of what archlab does not know."""
        return [item.path for item in self.flat.items if "." in item.type]


def held(model: nn.Module, shape: Shape | Mapping[str, Shape], remake: Callable[[], nn.Module] | None = None) -> Held:
    """A model imported, as `flatten` takes it."""
    inputs = dict(shape) if isinstance(shape, Mapping) else {"input": tuple(shape)}
    flat = flatten(model, inputs, name="imported", origin=type(model).__name__, remake=remake)
    return Held(model, flat, network_of(flat), inputs)


def used_params(one: Held) -> int:
    """Elements of the model's parameters that take part in its results: see `untouched`."""
    left = untouched(one.model, one.inputs)
    return sum(param.numel() for name, param in one.model.named_parameters() if name not in left)


def untouched(model: nn.Module, inputs: Mapping[str, Shape]) -> set[str]:
    """Parameters that no result depends on, by what autograd remembers; of fixed ones too."""
    model.eval()
    named = dict(model.named_parameters())
    fixed = [param for param in named.values() if not param.requires_grad and param.is_floating_point()]
    for param in fixed:
        param.requires_grad_(True)
    results = [tensor for tensor in tensors_in(model(*samples(model, inputs))) if tensor.requires_grad]
    learned = {name: param for name, param in named.items() if param.requires_grad}
    for param in fixed:
        param.requires_grad_(False)
    reached = {id(tensor) for tensor in leaves(results)}
    return {name for name, param in learned.items() if id(param) not in reached}


def leaves(results: Sequence[Tensor]) -> Iterator[Tensor]:
    """The tensors that a backward pass from some results would come to."""
    yield from [tensor for tensor in results if tensor.is_leaf]
    waiting = [tensor.grad_fn for tensor in results if tensor.grad_fn is not None]
    seen = set(waiting)
    while waiting:
        function = waiting.pop()
        if hasattr(function, "variable"):
            yield function.variable
        for inner, _ in function.next_functions:
            if inner is not None and inner not in seen:
                seen.add(inner)
                waiting.append(inner)


def samples(model: nn.Module, inputs: Mapping[str, Shape], batch: int = BATCH) -> list[Tensor]:
    """Random inputs where a model lies."""
    device = next((one.device for one in (*model.parameters(), *model.buffers())), torch.device("cpu"))
    return [torch.randn(batch, *shape, device=device) for shape in inputs.values()]


def counted_macs(model: nn.Module, inputs: Mapping[str, Shape], batch: int = 1) -> int:
    """Of samples, by PyTorch's own counter; of one alone, since some work is done once for all of a batch."""
    model.eval()
    counter, learned = FlopCounterMode(display=False), [one for one in model.parameters() if one.requires_grad]
    model.requires_grad_(False)  # the counter fails on modules that take parameters
    with counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):  # it does not know the CPU's fused attention
        model(*samples(model, inputs, batch=batch))
    for parameter in learned:
        parameter.requires_grad_(True)
    flops = counter.get_total_flops()
    assert flops % 2 == 0
    return flops // 2


def wrong_shapes(one: Held) -> list[str]:
    """Items whose node gives another shape than the model did."""
    nodes = {node.path: tuple(node.shape) for node in one.network.graph.nodes}
    return [item.path for item in one.flat.items if nodes.get(item.path, tuple(item.shape)) != tuple(item.shape)]


def randomise(model: nn.Module, seed: int = 0) -> None:
    """Values for all tensors that do not leave anything unseen: vectors, statistics and zeros are drawn anew."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in (*model.named_parameters(), *model.named_buffers()):
            if not tensor.is_floating_point():
                continue
            if name.endswith("running_var"):
                tensor.copy_(torch.rand(tensor.shape, generator=random) + 0.5)
            elif name.endswith("running_mean"):
                tensor.copy_(torch.randn(tensor.shape, generator=random) * 0.1)
            elif not isinstance(tensor, nn.Parameter):
                continue
            elif max(tensor.shape, default=1) == tensor.numel():  # in whatever form, (C, 1, 1) too
                around = 0.0 if name.endswith("bias") else 1.0
                tensor.copy_(around + 0.3 * torch.randn(tensor.shape, generator=random))
            elif not tensor.any() or (tensor == tensor.flatten()[0]).all():
                tensor.copy_(0.02 * torch.randn(tensor.shape, generator=random))


def built(one: Held) -> nn.Module:
    """Archlab's model with the weights of the source."""
    with warnings.catch_warnings(), Undrawn():  # all of its weights are copied, as is asserted below
        warnings.simplefilter("ignore")
        made = archlab.build(one.network)
    source = {**dict(one.model.named_buffers()), **one.model.state_dict()}  # those that it leaves out too
    state = made.state_dict()
    copied: set[str] = set()
    for name, origin in names(one).items():
        state[name].copy_(tensor_of(source, origin).reshape(state[name].shape))
        copied.add(name)
    left = {name for name in set(state) - copied if not name.endswith("num_batches_tracked")}
    assert not left, f"not in the source: {sorted(left)[:5]}"
    return made.eval()


def names(one: Held) -> dict[str, str]:
    """Archlab's names of tensors to the source's."""
    nodes = {node.path for node in one.network.graph.nodes}
    found: dict[str, str] = {}
    for item in one.flat.items:
        if item.share is None:
            assert not item.tensors or item.path in nodes or any(path.startswith(f"{item.path}.") for path in nodes)
            found |= {f"{item.path}.{name}": origin for name, origin in item.tensors.items()}
    return found


def difference(one: Held, seed: int = 0) -> float:
    """The largest difference of results, relative to the largest value of each; 0 where all bits are equal."""
    torch.manual_seed(seed)
    given = samples(one.model, one.inputs)
    one.model.eval()
    with torch.no_grad():
        wanted = list(tensors_in(one.model(*[tensor.clone() for tensor in given])))
        found = list(tensors_in(built(one)(*[tensor.clone() for tensor in given])))
    return largest(wanted, found)


def largest(wanted: Sequence[Tensor], found: Sequence[Tensor]) -> float:
    """The largest difference, relative to the largest value."""
    assert [tensor.shape for tensor in wanted] == [tensor.shape for tensor in found]
    worst = 0.0
    for left, right in zip(wanted, found, strict=True):
        assert left.isfinite().all(), "values are not finite"
        assert left.numel() < 2 or left.std() > 0, "values are all alike"
        worst = max(worst, float((left - right).abs().max() / left.abs().max()))
    return worst


def numbers(one: Held) -> dict[str, Any]:
    """Archlab's and the model's own figures, by name."""
    total = one.network.analyze().total
    return {
        "params": (total.params, used_params(one)),
        "macs": (total.macs, counted_macs(one.model, one.inputs)),
        "shapes": (wrong_shapes(one), []),
    }
