"""`archlab memory`: a run's storages, and the largest batch that fits a memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from archlab.analysis.memory.fit import MOST_INPUTS, Fit, largest_batch
from archlab.analysis.memory.ledger import Timeline
from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.api.shown import Shown
from archlab.config.syntax.quantity import BYTES, QuantityError, parse_quantity
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.spelling import argument
from archlab.report.memory import MemoryView

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from archlab.report.plot.look import PanelOptions


class Memory(Shown, MemoryView):
    """One run of a network, moment by moment."""

    def render(self, depth: int | None = 1) -> str:
        """The table of `archlab memory`.

        Args:
            depth: of blocks to fold to; None folds nothing.
        """
        from archlab.report.memory_table import memory_table

        return memory_table(self, depth)

    def draw(self, axes: Axes) -> None:
        """Draw the bytes alive onto axes of matplotlib."""
        from archlab.report.plot.timeline import draw_on

        draw_on(axes, self)

    def save(self, path: str | Path, **look: Unpack[PanelOptions]) -> None:
        """Draw the bytes alive, moment by moment, into a .png, .svg or .pdf file.

        Args:
            path: of the file.
            look: `size` in inches (below 6 wide the legend stands below), `font_size` in points, `title`.

        Raises:
            ConfigError: if it cannot be written.
        """
        from archlab.report.plot.look import PanelLook
        from archlab.report.plot.timeline import save_timeline

        save_timeline(self, Path(path), PanelLook(**look))

    def _rows(self) -> list[Row]:
        return self.moments()

    def _title(self) -> str:
        return f"Memory of {self.title()}: {self.peak_text()}"


def memory_view(analysis: Analysis, *, training: bool = False, limit: int | None = None) -> Memory:
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
    return Memory(analysis, timeline, training=training, limit=limit, fits=fits)


def size_of(memory: int | str) -> int:
    """Bytes, also as `24GiB`.

    Raises:
        ConfigError: for what is no size.
    """
    if isinstance(memory, int):
        return memory
    try:
        return int(parse_quantity(memory, BYTES))
    except QuantityError as error:
        raise single_problem(str(error), Code.WRONG_VALUE) from None


def largest_fit(analysis: Analysis, limit: int, *, training: bool) -> Fit:
    """The largest batch that a memory holds.

    Raises:
        ConfigError: for a training step that PyTorch refuses, and for too many layers.
    """
    _check_size(analysis)
    if training:
        _training(analysis)
    return _fits(analysis, limit)["training" if training else "inference"]


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
