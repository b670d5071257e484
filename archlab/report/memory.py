"""What `archlab memory` says: the memory of a run moment by moment, and who holds it at the peak."""

from __future__ import annotations

from collections.abc import Iterator

from archlab.analysis.memory.fit import Fit
from archlab.analysis.memory.ledger import Kind, Moment, Storage, Timeline
from archlab.analysis.memory.lifetimes import last_uses
from archlab.analysis.result import Analysis
from archlab.analysis.row import Row
from archlab.report.deployment import deployed_word, int8_notes
from archlab.report.opaque import at_least
from archlab.report.units import binary

NOTES = (
    "Live storages, in the order in which PyTorch takes and frees them. What kernels take inside themselves, and what",
    "an allocator keeps in reserve, comes on top. A loss hands a gradient to each result and takes nothing else.",
)
DEPLOYED_NOTES = (
    "A buffer for each value, taken in the order of the file and freed after its last reader; an activation lies in",
    "its input's. What kernels take inside themselves comes on top, and so does the program.",
)
WORDS: dict[Kind, str] = {
    "input": "the input",
    "output": "output",
    "kept": "kept beside its input and output",
    "copy": "copy in another precision or order",
    "scratch": "while it runs",
    "gradient": "gradient",
    "parameter gradient": "gradient of its parameters",
}
_REASONS: dict[Kind, str] = {
    "input": "whoever calls the model",
    "parameter gradient": "the optimizer",
    "scratch": "",
}
MOST_NAMED = 3
"""Layers named as the reason why something is held."""


OPAQUE_NOTE = "Opaque layers take and keep more, which is not known: peaks are lower bounds, batches upper ones."


class MemoryView:
    """One run of a network.

    Attributes:
        analysis: of the network.
        timeline: of its forward pass, or of a training step.
        training: which of them.
        fits: the largest batches that were asked for, by `inference` and `training`.
        limit: the memory that they fit in.
    """

    def __init__(
        self,
        analysis: Analysis,
        timeline: Timeline,
        *,
        training: bool,
        limit: int | None = None,
        fits: dict[str, Fit] | None = None,
    ) -> None:
        self.analysis = analysis
        self.timeline = timeline
        self.training = training
        self.limit = limit
        self.fits = fits or {}
        self._nodes = analysis.graph.nodes
        self._last_use = last_uses(analysis.graph)

    def title(self) -> str:
        """What it is of, in a line."""
        run = f"a training step with {self.analysis.step_text()}" if self.training else "a forward pass"
        analysis = self.analysis
        return f"{analysis.graph.name}: {run}, batch {analysis.batch}, {analysis.dtype}{deployed_word(analysis)}"

    def peak_text(self) -> str:
        """How much, and when."""
        peak = at_least(self.analysis.total, "memory", binary(self.timeline.peak))
        return f"{peak} ({self.moment_text(self.timeline.peak_moment)})"

    def moment_text(self, moment: Moment) -> str:
        """`layer1.0.conv1, backward`."""
        return "the optimizer's step" if moment.node < 0 else f"{self._nodes[moment.node].path}, {moment.phase}"

    def parts(self) -> list[tuple[str, int]]:
        """What the peak is made of."""
        memory, moment = self.analysis.total.memory, self.timeline.peak_moment
        held = dict.fromkeys(WORDS, 0)
        for storage in self.timeline.holders(moment):
            held[storage.kind] += storage.size
        state = self.timeline.base - memory.flash
        parts = [
            ("params", memory.params),
            ("buffers", memory.buffers),
            ("scales and zero points", memory.quantization),
            ("optimizer state", state),
            ("input", held["input"]),
            ("outputs of layers", held["output"]),
            ("copies", held["copy"]),
            ("kept for backward", held["kept"]),
            ("gradients of values", held["gradient"]),
            ("gradients of params", held["parameter gradient"]),
            ("while a layer runs", held["scratch"]),
        ]
        return [part for part in parts if part[1]]

    def holders(self, most: int | None = None) -> list[Row]:
        """What is alive at the peak, the largest first."""
        moment = self.timeline.peak_moment
        return [
            {
                "bytes": storage.size,
                "layer": self._nodes[storage.node].path if storage.node >= 0 else "the optimizer",
                "what": WORDS[storage.kind]
                if storage.node >= 0
                else f"while {self.analysis.conditions.optimizer} steps",
                "held for": self._reason(storage, moment),
            }
            for storage in self.timeline.holders(moment)[:most]
        ]

    def _reason(self, storage: Storage, moment: Moment) -> str:
        """For whom it is held."""
        if storage.kind in _REASONS:
            return _REASONS[storage.kind]
        if storage.kind == "gradient":
            return "the backward pass of " + self._named([storage.node])
        now = moment.node
        pending = [segment for segment in storage.segments if segment.start <= now or moment.phase == "forward"]
        if pending:
            return self._listed([segment.path for segment in pending]) + ", to run again"
        waiting = [keeper for keeper in storage.keepers if keeper <= now or moment.phase == "forward"]
        if waiting and self.training:
            return "the backward pass of " + self._named(waiting)
        if self._last_use[storage.node] >= len(self._nodes):
            return "the result"
        return self._named([max(self._last_use[storage.node], storage.node)])

    def _named(self, indices: list[int]) -> str:
        return self._listed([self._nodes[index].path for index in indices])

    @staticmethod
    def _listed(names: list[str]) -> str:
        more = len(names) - MOST_NAMED
        return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")

    def moments(self) -> list[Row]:
        """Each layer's forward and backward pass."""
        return [
            {
                "phase": moment.phase,
                "layer": self._nodes[moment.node].path if moment.node >= 0 else "",
                "peak": moment.peak,
                "after": moment.after,
            }
            for moment in self.timeline.moments
        ]

    def folded(self, depth: int | None) -> list[Row]:
        """The same with layers of a common path of `depth` parts as one row, what runs again in backward."""
        rows: list[Row] = []
        for row in self.moments():
            if depth is not None and row["phase"] == "recompute":
                row["phase"] = "backward"
            path = row["layer"] if depth is None else ".".join(row["layer"].split(".")[:depth])
            if rows and rows[-1]["phase"] == row["phase"] and rows[-1]["layer"] == path:
                rows[-1]["peak"] = max(rows[-1]["peak"], row["peak"])
                rows[-1]["after"] = row["after"]
            else:
                rows.append({**row, "layer": path})
        return rows

    @property
    def notes(self) -> tuple[str, ...]:
        """What the numbers mean, and of which layers they are not known to the byte."""
        if self.analysis.total.is_bound("memory"):
            return (*NOTES, OPAQUE_NOTE)
        if self.analysis.is_deployed:
            return DEPLOYED_NOTES
        if self.analysis.dtype == "int8":
            return (*NOTES, *int8_notes([self.analysis]))
        return (*NOTES, *self._doubts()) if self.training else NOTES

    def _doubts(self) -> Iterator[str]:
        """Of which layers a training step's memory is not known to the byte."""
        conditions, graph = self.analysis.conditions, self.analysis.graph
        run = list(zip(graph.nodes, graph.runtimes, strict=True))
        if conditions.autocast is not None:
            doubts = {node.layer.type: runtime.autocast_doubt for node, runtime in run if runtime.autocast_doubt}
            yield from [f"Under autocast the memory of {name} {doubt}." for name, doubt in doubts.items()]
        if conditions.dtype in ("float16", "bfloat16"):
            doubts = {node.layer.type: runtime.half_doubt for node, runtime in run if runtime.half_doubt}
            yield from [f"In {conditions.dtype} the memory of {name} {doubt}." for name, doubt in doubts.items()]

    def checkpoint_lines(self) -> list[tuple[str, str]]:
        """What checkpoints save and cost, for people."""
        found = self.analysis.checkpointing if self.training else None
        if found is None:
            return []
        forward = self.analysis.total.macs
        share = f" (a forward pass has {forward:,})" if forward else ""
        change = f"save {binary(found.saved)}" if found.saved > 0 else f"take {binary(-found.saved)} more"
        change = change if found.saved else "save nothing"
        return [("checkpoints", f"{change} at the peak, and run {found.macs:,} MACs again{share}")]

    def fit_lines(self) -> list[tuple[str, str]]:
        """The largest batches, for people."""
        lines: list[tuple[str, str]] = []
        for run, fit in self.fits.items():
            assert self.limit is not None
            text = f"batch {fit.batch:,} in {binary(self.limit)} ({binary(fit.peak)})"
            if not fit.batch:
                needed = "one sample needs" if fit.least == 1 else f"the smallest batch, {fit.least}, needs"
                text = f"nothing fits in {binary(self.limit)}: {needed} {binary(fit.peak)}"
            lines.append((f"fits, {run}", text))
        refusal = self.analysis.refusal
        if self.fits and "training" not in self.fits and refusal is not None:
            lines.append(("fits, training", f"no batch: {refusal.reason}"))
        return lines

    def _step_dict(self) -> Row:
        """How the step is done, where it is one."""
        conditions, found = self.analysis.conditions, self.analysis.checkpointing if self.training else None
        return {
            "optimizer": conditions.optimizer if self.training else None,
            "autocast": conditions.autocast if self.training else None,
            "checkpoints": None
            if found is None
            else {
                "blocks": [segment.path for segment in self.analysis.segments],
                "saved": found.saved,
                "recomputed_macs": found.macs,
            },
        }

    def to_dict(self) -> Row:
        """As `--format json` prints it."""
        moment = self.timeline.peak_moment
        fits = {run: {"batch": fit.batch, "peak": fit.peak} for run, fit in self.fits.items()}
        return {
            "name": self.analysis.graph.name,
            "run": "training" if self.training else "inference",
            "batch": self.analysis.batch,
            "dtype": self.analysis.dtype,
            "channels_last": self.analysis.conditions.channels_last,
            **self._step_dict(),
            "peak": self.timeline.peak,
            **({"lower_bound": True} if self.analysis.total.is_bound("memory") else {}),
            "peak_phase": moment.phase,
            "peak_layer": self._nodes[moment.node].path if moment.node >= 0 else None,
            "parts": dict(self.parts()),
            "fit": {"limit": self.limit, **fits} if self.fits else None,
            "holders": self.holders(),
            "layers": self.moments(),
        }
