"""What `archlab time` and `archlab measure` say: lower bounds of each layer on a device, beside measured times."""

from __future__ import annotations

from itertools import groupby

from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.analysis.time.device import Device
from archlab.analysis.time.roofline import LayerTime
from archlab.layers.describe import describe
from archlab.report.deployment import deployed_word
from archlab.report.units import binary

NOTES = (
    "Bound: the layer's FLOPs at the device's peak rate or its bytes (inputs, parameters and output, once each) at its",
    "bandwidth, whichever takes longer. Most layers take more than that; less where a cache still holds what a layer",
    "reads, or where a convolution is computed with fewer multiplications (Winograd).",
)


class TimeView:
    """A network's lower bounds on a device.

    Attributes:
        analysis: with batch and dtype.
        device: on which.
        times: of each layer.
        measured: seconds of each layer, if they were measured, by path.
    """

    def __init__(
        self, analysis: Analysis, device: Device, times: list[LayerTime], measured: dict[str, float] | None = None
    ) -> None:
        self.analysis = analysis
        self.device = device
        self.times = times
        self.measured = measured

    @property
    def seconds(self) -> float:
        """The sum of the layers' bounds."""
        return sum([time.seconds for time in self.times])

    def title(self) -> str:
        """What it is of, in a line."""
        analysis = self.analysis
        what = f"{analysis.graph.name}: batch {analysis.batch}, {analysis.dtype}{deployed_word(analysis)}"
        return f"{what}, a forward pass on {self.device.description or self.device.name}"

    def memory_lines(self) -> list[tuple[str, str]]:
        """How much of a device's flash and RAM the network takes, where the device tells them."""
        memory, arena = self.analysis.total.memory, self.analysis.arena
        ram, what = memory.ram, "activations"
        if arena is not None and arena.size is not None:
            ram, what = arena.size, "TensorFlow Lite Micro's arena"
        lines: list[tuple[str, str]] = []
        for label, needed, there, of_what in (
            ("flash", memory.flash, self.device.flash, "weights"),
            ("RAM", ram, self.device.ram, what),
        ):
            if there is not None:
                lines.append((label, f"{binary(needed)} of {binary(there)}, {needed / there:.1%}: {of_what}"))
        return lines

    def bounds(self) -> list[tuple[str, float, int]]:
        """Seconds and layers bound by arithmetic and by memory."""
        found: list[tuple[str, float, int]] = []
        for word in ("compute", "memory"):
            times = [time for time in self.times if time.bound == word]
            found.append((word, sum([time.seconds for time in times]), len(times)))
        return found

    def rows(self) -> list[Row]:
        """One for each layer."""
        return [self._row(time.layer.node.path, describe(time.layer.node.layer), [time]) for time in self.times]

    def folded(self, depth: int | None) -> list[Row]:
        """Layers with a common path of `depth` parts as one row."""
        if depth is None:
            return self.rows()
        rows: list[Row] = []
        for path, group in groupby(self.times, lambda time: ".".join(time.layer.node.path.split(".")[:depth])):
            times = list(group)
            what = describe(times[0].layer.node.layer) if len(times) == 1 else f"{len(times)} layers"
            rows.append(self._row(path, what, times))
        return rows

    def _row(self, path: str, what: str, times: list[LayerTime]) -> Row:
        flops, moved = (sum(values) for values in zip(*[(t.layer.flops, t.moved) for t in times], strict=True))
        by_bound = {word: sum([t.seconds for t in times if t.bound == word]) for word in ("compute", "memory")}
        seconds = sum(by_bound.values())
        row: Row = {
            "layer": path,
            "type": what,
            "flops": flops,
            "bytes": moved,
            "intensity": flops / moved if moved else None,
            "seconds": seconds,
            "bound": max(by_bound, key=lambda word: by_bound[word]) if seconds else None,
        }
        if self.measured is not None:
            row["measured"] = sum([self.measured[t.layer.node.path] for t in times])
        return row

    def to_dict(self) -> Row:
        """As `--format json` prints it."""
        return {
            "name": self.analysis.graph.name,
            "batch": self.analysis.batch,
            "dtype": self.analysis.dtype,
            "device": self.device.model_dump(exclude_none=True),
            "seconds": self.seconds,
            "bounds": {word: {"seconds": seconds, "layers": layers} for word, seconds, layers in self.bounds()},
            "layers": self.rows(),
        }
