"""`archlab memory`: a run's storages, and the largest batch that fits a memory."""

from __future__ import annotations

from archlab.analysis.memory.fit import MOST_INPUTS, Fit, largest_batch
from archlab.analysis.memory.ledger import Timeline
from archlab.analysis.result import Analysis
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.spelling import argument
from archlab.report.memory import MemoryView


def memory_view(analysis: Analysis, *, training: bool = False, limit: int | None = None) -> MemoryView:
    """The memory of a forward pass or a training step.

    Args:
        analysis: of the network, with batch, dtype and optimizer.
        training: a training step instead of a forward pass.
        limit: bytes; also find the largest batches that fit them.

    Raises:
        ConfigError: for a training step that PyTorch refuses, such as one in int8, and for a limit where there are
            too many layers to look through several times.
    """
    if limit is not None:
        _check_size(analysis)
    timeline = _training(analysis) if training else analysis.inference
    fits = {} if limit is None else _fits(analysis, limit)
    return MemoryView(analysis, timeline, training=training, limit=limit, fits=fits)


def _training(analysis: Analysis) -> Timeline:
    if analysis.training is None:
        assert analysis.refusal is not None
        raise single_problem(analysis.refusal.reason, Code.WRONG_VALUE)
    return analysis.training


def _fits(analysis: Analysis, limit: int) -> dict[str, Fit]:
    memory = analysis.total.memory
    fits = {"inference": largest_batch(analysis.inference_peak, limit, fixed=memory.params + memory.buffers)}
    refusal = analysis.training_refusal(1)
    least = 1 if refusal is None else refusal.batch
    if least is not None:
        fits["training"] = largest_batch(analysis.training_peak, limit, least, fixed=memory.params)
    return fits


def _check_size(analysis: Analysis) -> None:
    graph = analysis.graph
    inputs = sum([len(node.inputs) for node in graph.nodes])
    if inputs > MOST_INPUTS:
        raise single_problem(
            f"{graph.name}: its layers have {inputs:,} inputs together, and a largest batch is looked for in networks "
            f"of at most {MOST_INPUTS:,}; compare the peaks of some batches with {argument('batch')}",
            Code.TOO_LARGE,
        )
