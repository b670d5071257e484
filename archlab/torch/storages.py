"""Bytes of live storages, counted while a model runs: the witness of the predicted memory.

Every tensor that an operator of PyTorch returns is followed by its storage, from when it is first seen until it
is freed. That is what a model needs; what kernels take inside themselves (the columns of a convolution, say) and
what an allocator keeps in reserve come on top, and depend on the device.

Of a convolution's result its elements are counted: a CPU's kernel for transposed ones along three axes hands it out in
a storage of its input's size, where that is larger (`slow_conv_transpose3d`, taken for one small sample in one group).

On the `meta` device nothing is computed, so that a step of any size is counted in seconds. Most results are those
of the CPU; one operator's unused statistics are left out (`_used`), and a few layers are made of other operators.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from archlab.diagnostics.requirements import require
from archlab.graph import HasGraph

require("torch", "torch", "counting memory")

import torch
from torch import Tensor, fx, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from archlab.analysis.conditions import Conditions
from archlab.torch.autocast import cuda_lists_on_cpu
from archlab.torch.build import build
from archlab.torch.device import require_device
from archlab.torch.opaque import require_declared
from archlab.torch.precision import autocast, converted, converted_input
from archlab.torch.samples import samples
from archlab.torch.zeroed import zero, zeroed


class Counted(NamedTuple):
    """What was counted.

    Attributes:
        peak: bytes.
        operator: of PyTorch, running then.
    """

    peak: int
    operator: str

    def without(self, size: int) -> Counted:
        """Less what is not the network's."""
        return self._replace(peak=self.peak - size)


class LiveStorages(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of storages while it is active.

    Attributes:
        live: now.
        peak: the most so far.
        operator: which operator ran at the peak.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = 0
        self.peak = 0
        self.operator = ""
        self._sizes: dict[int, int] = {}

    def begin(self) -> Counted:
        """Begin a new phase: the peak of the one that ends."""
        ended = Counted(self.peak, self.operator)
        self.peak = self.live
        return ended

    def follow(self, tensor: Tensor, size: int | None = None) -> None:
        """Count a tensor's storage until it is freed.

        Args:
            tensor: whose.
            size: in bytes, where that is not what the storage says.
        """
        storage = tensor.untyped_storage()
        key = storage._cdata  # noqa: SLF001 - the one name of a storage, as PyTorch's own trackers use it
        if key not in self._sizes:
            self._sizes[key] = storage.nbytes() if size is None else size
            self.live += self._sizes[key]
            weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self.live -= self._sizes.pop(key, 0)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operator and follow what it returns."""
        result = func(*args, **(kwargs or {}))
        for tensor in _used(func, args, result):
            self.follow(tensor, tensor.nbytes if func is torch.ops.aten.convolution.default else None)
        if self.live > self.peak:
            self.peak, self.operator = self.live, str(func)
        return result


def _used(func: Any, args: tuple[Any, ...], result: Any) -> Iterator[Tensor]:
    """The tensors of a result, without those that the meta device alone makes."""
    if func is torch.ops.aten.native_batch_norm.default and not args[_IS_TRAINING] and result[0].is_meta:
        result = result[0]
    for value in tree_iter(result):
        if isinstance(value, Tensor):
            yield value


_IS_TRAINING = 5
"""Position of an argument of `aten::native_batch_norm`; with False, real devices return no statistics."""


class Loss(torch.autograd.Function):
    """A loss that hands a gradient to each result that needs one, and takes nothing else."""

    @staticmethod
    def forward(ctx: Any, *results: Tensor) -> Tensor:
        """A scalar."""
        ctx.like = [(result.shape, result.dtype, result.device) for result in results]
        return results[0].new_empty(())

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        """Ones, of each such result's shape."""
        return tuple(
            [
                torch.ones(shape, dtype=dtype, device=device) if needed else None
                for (shape, dtype, device), needed in zip(ctx.like, ctx.needs_input_grad, strict=True)
            ]
        )


OPTIMIZERS: dict[str, Callable[[Iterable[Tensor], bool], torch.optim.Optimizer]] = {
    "sgd": lambda parameters, foreach: torch.optim.SGD(parameters, lr=0.1, foreach=foreach),
    "momentum": lambda parameters, foreach: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, foreach=foreach),
    "adam": lambda parameters, foreach: torch.optim.Adam(parameters, foreach=foreach),
    "adamw": lambda parameters, foreach: torch.optim.AdamW(parameters, foreach=foreach),
}
"""By their names in `analysis.optimizer`."""


def count_inference(network: HasGraph, conditions: Conditions, *, device: str = "meta") -> Counted:
    """Live storages of a forward pass in eval mode.

    Args:
        network: what to run.
        conditions: batch, dtype, memory format; the rest is of training.
        device: where; `meta` computes nothing.
    """
    model = _model(network, device, replace(conditions, checkpoint=())).eval()
    return count_model(model, *_sample(model, network, conditions))


def count_model(model: nn.Module, *sample: Tensor) -> Counted:
    """Live storages of a forward pass of any model, as it is, without gradients."""
    with _counting(model, sample) as storages, torch.no_grad():
        model(*sample)
    return Counted(storages.peak, storages.operator)


def count_training(network: HasGraph, conditions: Conditions, *, device: str = "meta") -> Counted:
    """Live storages of the second training step: the optimizer's state is there, gradients are not.

    The loss is one that takes nothing (`Loss`); its two scalars are left out.

    Args:
        network: what to train.
        conditions: how; gradients are never added in place while something counts.
        device: where; `meta` computes nothing, and does not know autocast. On a CPU, autocast has CUDA's lists.
    """
    (counted,) = count_trainings(network, conditions, [conditions.optimizer], device=device)
    return counted


def count_trainings(
    network: HasGraph, conditions: Conditions, optimizers: Iterable[str], *, device: str = "meta"
) -> Iterator[Counted]:
    """The same for each of several optimizers, one after the other as they are asked for, with one model."""
    has_opaque = any(node.layer.role == "opaque" for node in network.graph.layers)
    model: fx.GraphModule | None = None
    for optimizer in optimizers:
        if model is None or has_opaque:  # a module of somebody else may keep what a step did
            model = _model(network, device, conditions).train()
        elif device != "meta":
            zero(model)
        with cuda_lists_on_cpu() if conditions.autocast and device == "cpu" else nullcontext():
            counted = _count_training(model, network, replace(conditions, optimizer=optimizer), device)
        yield counted


def _count_training(model: fx.GraphModule, network: HasGraph, conditions: Conditions, device: str) -> Counted:
    steps = OPTIMIZERS[conditions.optimizer](model.parameters(), conditions.foreach)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    steps.step()
    steps.zero_grad()
    sample = _sample(model, network, conditions)
    with _counting(model, sample) as storages:
        for state in steps.state.values():
            for value in state.values():
                if isinstance(value, Tensor):
                    storages.follow(value)
        with autocast(conditions, device):
            results = _results(model(*sample))
        at_forward = storages.begin()
        loss = Loss.apply(*results)
        loss.backward()
        at_backward = storages.begin()
        steps.step()
        at_step = storages.begin()
    scalar = loss.element_size()  # the loss, and its gradient in the backward pass
    return max(at_forward, at_backward.without(2 * scalar), at_step.without(scalar))


def _model(network: HasGraph, device: str, conditions: Conditions) -> fx.GraphModule:
    """The model with zeros for weights: what it needs does not depend on them."""
    require_device(device, meta=True)
    graph = network.graph
    has_opaque = any(node.layer.role == "opaque" for node in graph.layers)
    made_on = device if has_opaque else "meta"  # what else such a module holds would be lost
    built = build(network, device=made_on, checkpoint=conditions.checkpoint)
    if has_opaque:
        require_declared(built, graph)
    model = converted(built, conditions)
    if device != "meta" and not has_opaque:
        model = zeroed(model.to_empty(device=device))
    return model


def _sample(model: nn.Module, network: HasGraph, conditions: Conditions) -> tuple[Tensor, ...]:
    like = next(iter(model.parameters()), torch.empty(0))
    made = samples(network.graph, conditions.batch, partial(torch.zeros, device=like.device))
    return tuple([converted_input(tensor, conditions) for tensor in made])


@contextmanager
def _counting(model: nn.Module, sample: tuple[Tensor, ...]) -> Iterator[LiveStorages]:
    """An active count that begins with the model's tensors and its input."""
    storages = LiveStorages()
    for tensor in (*model.parameters(), *model.buffers(), *sample):
        storages.follow(tensor)
    storages.peak = storages.live
    with storages:
        yield storages


def _results(value: Any) -> tuple[Tensor, ...]:
    if isinstance(value, dict):
        return tuple(value.values())
    return value if isinstance(value, tuple) else (value,)
