"""`archlab memory`: a run's storages, and the largest batch that fits a memory."""

from __future__ import annotations

from dataclasses import replace

from archlab.analysis.memory.fit import Fit, largest_batch
from archlab.analysis.memory.ledger import Timeline
from archlab.analysis.result import Analysis
from archlab.diagnostics.problem import single_problem
from archlab.report.memory import MemoryView


def memory_view(analysis: Analysis, *, training: bool = False, limit: int | None = None) -> MemoryView:
    """The memory of a forward pass or a training step.

    Args:
        analysis: of the network, with batch, dtype and optimizer.
        training: a training step instead of a forward pass.
        limit: bytes; also find the largest batches that fit them.

    Raises:
        ConfigError: for a training step that PyTorch refuses, such as one in int8.
    """
    timeline = _training(analysis) if training else analysis.inference
    fits = {} if limit is None else _fits(analysis, limit)
    return MemoryView(analysis, timeline, training=training, limit=limit, fits=fits)


def _training(analysis: Analysis) -> Timeline:
    if analysis.training is None:
        assert analysis.refusal is not None
        raise single_problem(analysis.refusal.reason, "wrong-value")
    return analysis.training


def _fits(analysis: Analysis, limit: int) -> dict[str, Fit]:
    def with_batch(batch: int) -> Analysis:
        return Analysis(analysis.graph, replace(analysis.conditions, batch=batch))

    fits = {"inference": largest_batch(lambda batch: with_batch(batch).total.memory.inference_peak, limit)}
    refusal = with_batch(1).refusal
    least = 1 if refusal is None else refusal.batch
    if least is not None:
        fits["training"] = largest_batch(lambda batch: _training(with_batch(batch)).peak, limit, least)
    return fits
