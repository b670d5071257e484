"""`archlab measure`: how long the built model takes, in whole and layer by layer, with warm-up and medians."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from archlab.diagnostics.requirements import require
from archlab.graph import HasGraph

require("torch", "torch", "measuring")

import torch
from torch import Tensor, fx

from archlab.analysis.conditions import Conditions
from archlab.analysis.facts import collect_facts
from archlab.analysis.memory.trainable import require_run, training_refusal
from archlab.torch.build import build
from archlab.torch.device import its_kernels, require_device
from archlab.torch.opaque import require_declared
from archlab.torch.precision import autocast, converted, converted_input
from archlab.torch.samples import samples
from archlab.torch.trace import PATH

Progress = Callable[[range], Iterable[int]]
Lowered = Callable[[], AbstractContextManager[Any]]
"""Makes the context of a forward pass: autocast, or nothing."""

WARM_UP = 3
"""Rounds before the first that counts: caches, clocks, and libraries that choose their algorithm."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of one thing, over the rounds.

    Attributes:
        median: the middle.
        low: a quarter of the rounds took less.
        high: a quarter took more.
    """

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured.

    Attributes:
        forward: in eval mode, without gradients.
        step: forward and backward pass in training mode; None where PyTorch refuses it.
        layers: median seconds of each layer's forward pass by itself, by path.
        peak: bytes that the device's allocator held in the training step, where it counts them.
    """

    forward: Times
    step: Times | None
    layers: dict[str, float]
    peak: int | None

    def to_dict(self) -> dict[str, Any]:
        """In seconds and bytes, for `--format json`; the layers are rows of their own."""
        return {
            "forward": asdict(self.forward),
            "forward_backward": None if self.step is None else asdict(self.step),
            "allocated_peak": self.peak,
        }


def measure(
    network: HasGraph,
    conditions: Conditions,
    *,
    device: str = "cpu",
    rounds: int = 10,
    progress: Progress = iter,
) -> Measurement:
    """Run the built model.

    Args:
        network: what to run.
        conditions: batch, dtype (a floating-point one), autocast, checkpoints, memory format; no optimizer runs.
        device: where, `cpu` or `cuda`.
        rounds: how many of each count.
        progress: wraps the rounds.

    Raises:
        ConfigError: if it cannot compute on the device, or PyTorch does not run the batch, or has no operator for it.
    """
    require_device(device)
    require_run(network.graph, conditions.batch)
    is_trained = training_refusal(network.graph, collect_facts(network.graph), conditions) is None
    built = build(network, device=device)
    require_declared(built, network.graph)
    model = converted(built, conditions)
    drawn = samples(network.graph, conditions.batch, partial(torch.randn, device=device))
    sample = tuple([converted_input(tensor, conditions) for tensor in drawn])
    lowered = partial(autocast, conditions, device)
    forward, layers = _Forward(model, lowered), _LayerTimer(model, lowered)
    blocks = conditions.checkpoint
    trained = converted(build(network, device=device, checkpoint=blocks), conditions) if blocks else model
    calls: list[tuple[str, Callable[..., object]]] = [("forward", forward), ("layers", layers)]
    if is_trained:
        calls.insert(1, ("step", _Step(trained, lowered)))
    runs: dict[str, list[float]] = defaultdict(list)
    if sample[0].is_cuda:
        torch.cuda.reset_peak_memory_stats(sample[0].device)
    with its_kernels(device), _flushed_denormals():
        for number in progress(range(WARM_UP + rounds)):
            for name, call in calls:
                seconds = _timed(call, sample)
                if number >= WARM_UP:
                    runs[name].append(seconds)
            if number == WARM_UP - 1:
                layers.seconds.clear()
    peak = torch.cuda.max_memory_allocated(sample[0].device) if sample[0].is_cuda else None
    medians = {path: median(values) for path, values in layers.seconds.items()}
    medians |= {node.path: 0.0 for node in network.graph.inputs[1:]}
    step = _times(runs["step"]) if is_trained else None
    return Measurement(_times(runs["forward"]), step, medians, peak)


@contextmanager
def _flushed_denormals() -> Iterator[None]:
    """Values next to nothing count as nothing.

    Fresh weights make many such values in eval mode, whose statistics are not those of any data, and CPUs take ten
    times as long for them: a time that no trained network has.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _timed(call: Callable[..., object], sample: tuple[Tensor, ...]) -> float:
    _wait(sample[0])
    start = perf_counter()
    call(*sample)
    _wait(sample[0])
    return perf_counter() - start


def _wait(sample: Tensor) -> None:
    """Until the device has done what it was asked to."""
    if sample.is_cuda:
        torch.cuda.synchronize(sample.device)


def _times(seconds: list[float]) -> Times:
    low, middle, high = quantiles(seconds, n=4) if len(seconds) > 1 else [seconds[0]] * 3
    return Times(middle, low, high)


class _Forward:
    """A forward pass in eval mode."""

    def __init__(self, model: fx.GraphModule, lowered: Lowered) -> None:
        self._model = model
        self._lowered = lowered

    def __call__(self, *sample: Tensor) -> None:
        self._model.eval()
        with torch.no_grad(), self._lowered():
            self._model(*sample)


class _Step:
    """A forward and backward pass in training mode."""

    def __init__(self, model: fx.GraphModule, lowered: Lowered) -> None:
        self._model = model
        self._lowered = lowered

    def __call__(self, *sample: Tensor) -> None:
        self._model.train()
        with self._lowered():
            result = self._model(*sample)
        results = result.values() if isinstance(result, dict) else result if isinstance(result, tuple) else (result,)
        torch.autograd.backward([value.sum() for value in results if value.requires_grad])
        self._model.zero_grad()


class _LayerTimer(fx.Interpreter):
    """Runs the model node by node in eval mode, timing each."""

    def __init__(self, model: fx.GraphModule, lowered: Lowered) -> None:
        super().__init__(model)
        self._lowered = lowered
        self._pending = 0.0
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def __call__(self, *sample: Tensor) -> None:
        self.module.eval()
        with torch.no_grad(), self._lowered():
            self.run(*sample)

    def run_node(self, n: fx.Node) -> Any:
        """Run and time one call; a layer of several calls has their sum."""
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        sample = next((value for value in args if isinstance(value, Tensor)), None)
        if sample is not None:
            _wait(sample)
        start = perf_counter()
        result = getattr(self, n.op)(n.target, args, kwargs)
        if sample is not None:
            _wait(sample)
        self._pending += perf_counter() - start
        if PATH in n.meta:
            self.seconds[n.meta[PATH]].append(self._pending)
            self._pending = 0.0
        elif n.op in ("placeholder", "output"):
            self._pending = 0.0
        return result
