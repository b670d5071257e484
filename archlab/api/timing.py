"""`archlab time` and `archlab measure`: a network's lower bounds on a device, and what the built model takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.analysis.time.device import Device
from archlab.analysis.time.roofline import roofline
from archlab.api.shown import Shown
from archlab.report.time import TimeView
from archlab.report.units import binary, duration

if TYPE_CHECKING:
    from archlab.torch.measure import Measurement, Times


class Bounds(Shown, TimeView):
    """Layers with the lower bounds of their times."""

    def render(self, depth: int | None = 1) -> str:
        """The table of `archlab time`.

        Args:
            depth: of blocks to fold to; None folds nothing.
        """
        from archlab.report.time_table import time_table

        return time_table(self, depth, [])

    def _rows(self) -> list[Row]:
        return self.rows()

    def _title(self) -> str:
        return f"Bounds of {self.title()}: {duration(self.seconds)}"


def time_view(analysis: Analysis, device: Device, measurement: Measurement | None = None) -> Bounds:
    """The bounds of every layer, beside what was measured.

    Raises:
        ConfigError: if the device has no rate for the dtype.
    """
    measured = None if measurement is None else measurement.layers
    return Bounds(analysis, device, roofline(analysis, device), measured)


def measured_dict(view: TimeView, measurement: Measurement) -> dict[str, Any]:
    """What was measured, and what was predicted of memory, as numbers."""
    training = view.analysis.training
    return {
        **measurement.to_dict(),
        "rank_correlation": rank_correlation(view),
        "predicted_inference_peak": view.analysis.inference.peak,
        "predicted_training_peak": None if training is None else training.peak,
    }


def measured_lines(view: TimeView, measurement: Measurement) -> list[tuple[str, str]]:
    """The same as labels and texts."""
    training = view.analysis.training
    lines = [
        ("forward", f"{_text(measurement.forward)}; {measurement.forward.median / view.seconds:.1f} x the bound"),
        ("forward + backward", _step_text(view, measurement)),
        ("order of the layers", f"rank correlation of bound and measured {rank_correlation(view):.2f}"),
        ("memory, predicted", f"{binary(view.analysis.inference.peak)} forward"),
    ]
    if training is not None:
        lines.append(("", f"{binary(training.peak)} training step with {view.analysis.step_text()}"))
    if measurement.peak is not None:
        lines.append(("memory, allocated", f"{binary(measurement.peak)} forward + backward, without an optimizer"))
    return lines


def _step_text(view: TimeView, measurement: Measurement) -> str:
    if measurement.step is not None:
        return _text(measurement.step)
    assert view.analysis.refusal is not None
    return f"not run; {view.analysis.refusal.reason}"


def _text(times: Times) -> str:
    return f"{duration(times.median)} (median; half of the rounds {duration(times.low)} to {duration(times.high)})"


def rank_correlation(view: TimeView) -> float:
    """Spearman's coefficient between the layers' bounds and their measured times; views are left out."""
    assert view.measured is not None
    pairs = [(t.seconds, view.measured[t.layer.node.path]) for t in view.times if t.seconds]
    if len(pairs) < 2:
        return 1.0
    ours, theirs = (_ranks([pair[side] for pair in pairs]) for side in (0, 1))
    mean = (len(pairs) - 1) / 2
    covariance = sum([(a - mean) * (b - mean) for a, b in zip(ours, theirs, strict=True)])
    spread = sum([(a - mean) ** 2 for a in ours]) * sum([(b - mean) ** 2 for b in theirs])
    return float(covariance / spread**0.5) if spread else 1.0


def _ranks(values: list[float]) -> list[float]:
    """Ranks from 0, equal values sharing the mean of theirs."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in order[start : end + 1]:
            ranks[place] = (start + end) / 2
        start = end + 1
    return ranks
