"""What can be asked of a network: each of the command line's answers as a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from archlab.analysis.conditions import ConditionOptions, Conditions
from archlab.api.analysis import Analysis
from archlab.config.expand.inputs import GivenInput
from archlab.config.tree.document import Document, Variant
from archlab.graph import Graph

if TYPE_CHECKING:
    from archlab.analysis.memory.fit import Fit
    from archlab.api.changes import Changes
    from archlab.api.check import Checked
    from archlab.api.designs import Best, Source, Sweep, Vary, Within
    from archlab.api.diagram import Diagram
    from archlab.api.explained import Explained
    from archlab.api.memory import Memory
    from archlab.api.projective_field import Projection
    from archlab.api.receptive_field import Field
    from archlab.api.timing import Bounds
    from archlab.diagnostics.problem import Problem
    from archlab.report.plot.picture import Picture


class Questions:
    """A network that answers as the command line does; conditions (`batch`, `dtype`, ...) are those of `analyze`."""

    graph: Graph
    document: Document
    variant: Variant | None
    settings: Mapping[str, Any]
    given_input: GivenInput | None

    def analyze(self, conditions: Conditions | None = None, /, **options: Unpack[ConditionOptions]) -> Analysis:
        """All numbers of it."""
        raise NotImplementedError

    def explain(self, path: str, **options: Unpack[ConditionOptions]) -> Explained:
        """A layer's formulas with its numbers, or a block's.

        Args:
            path: of the layer, or of a block with all layers below it.
            options: conditions.

        Raises:
            ConfigError: if there is neither.
        """
        return self.analyze(**options).explain(path)

    def memory(self, *, training: bool = False, **options: Unpack[ConditionOptions]) -> Memory:
        """Bytes alive in a forward pass, or in a training step, moment by moment.

        Args:
            training: a training step instead of a forward pass.
            options: conditions.

        Raises:
            ConfigError: for a training step that PyTorch refuses.
        """
        return self.analyze(**options).memory(training=training)

    def fit(self, memory: int | str, *, training: bool = False, **options: Unpack[ConditionOptions]) -> Fit:
        """The largest batch that a memory holds.

        Args:
            memory: in bytes, or as `24GiB`.
            training: of a training step instead of a forward pass.
            options: conditions.

        Raises:
            ConfigError: for what is no size, or a training step that PyTorch refuses.
        """
        return self.analyze(**options).fit(memory, training=training)

    def time(self, device: str | Path = "h100", **options: Unpack[ConditionOptions]) -> Bounds:
        """A lower bound of each layer's time on a device (roofline).

        Args:
            device: its name, or a .yaml file.
            options: conditions.

        Raises:
            ConfigError: if there is no such device, or it has no rate for the dtype.
        """
        return self.analyze(**options).time(device)

    def diff(self, other: Questions, **options: Unpack[ConditionOptions]) -> Changes:
        """What changed from this network to another one."""
        from archlab.api.names import told_apart

        mine, others = told_apart([self, other])
        return mine.analyze(**options).diff(others.analyze(**options))

    def diagram(self, depth: int | None = None) -> Diagram:
        """Stages, blocks and skips.

        Args:
            depth: parts of the path that make a box; by default what shows best.
        """
        return self.analyze().diagram(depth)

    def receptive_field(
        self, layer: str | None = None, unit: tuple[int, ...] | None = None, *, from_input: str | None = None
    ) -> Field:
        """What one unit sees; see `Analysis.receptive_field`."""
        return self.analyze().receptive_field(layer, unit, from_input=from_input)

    def projective_field(
        self, layer: str | None = None, at: tuple[int, ...] | None = None, *, from_input: str | None = None
    ) -> Projection:
        """Which units one position of the input reaches; see `Analysis.projective_field`."""
        return self.analyze().projective_field(layer, at, from_input=from_input)

    def picture(self, figure: str = "growth", **options: Unpack[ConditionOptions]) -> Picture:
        """A chart for a file or a notebook: growth, stages or memory."""
        return self.analyze(**options).picture(figure)

    def to_html(self, **options: Unpack[ConditionOptions]) -> str:
        """The page of the network, in one file."""
        return self.analyze(**options).to_html()

    def render(self, **options: Unpack[ConditionOptions]) -> str:
        """The table of `archlab analyze`."""
        return self.analyze(**options).render()

    def to_yaml(self) -> str:
        """The network without blocks and params, as a config with the same numbers (`archlab expand`)."""
        from archlab.config.dump import expanded_config

        return expanded_config(self.graph, expect=self.analyze().total.figures())

    def lint(self) -> list[Problem]:
        """What design rules remark of it."""
        from archlab.api.remarks import remarks

        return remarks(self.analyze(), self.document, self.variant, self.settings)

    def check(self, *limits: str, **options: Unpack[ConditionOptions]) -> Checked:
        """Hold it to limits, and to the `expect` of its config.

        Args:
            limits: such as `macs <= 300M and params <= 5M`; exact figures of `expect` are compared where there are no
                conditions and no other params.
            options: conditions.

        Raises:
            ConfigError: for what is no limit.
        """
        from archlab.api.check import check
        from archlab.api.designs import limits_of

        as_written = not (options or self.settings or self.given_input) and self.graph.deployment is None
        return check(self.graph.name, self, limits_of(limits), Conditions(**options), as_written=as_written)

    def sweep(
        self, vary: Vary, *, pareto: Sequence[str] = (), sort: Sequence[str] = (), **within: Unpack[Within]
    ) -> Sweep:
        """Every design of a space with its figures, or the exact Pareto front.

        Args:
            vary: values by param: `{"width": "16..128:8", "depth": [2, 3, 4]}`; `input` may vary too.
            pareto: figures of the front: receptive fields large, all others small.
            sort: by what; `-macs` has the largest first.
            within: `where="macs <= 300M"`, `sample`, `seed`, `batch`, `dtype`, `processes` (1).

        Raises:
            ConfigError: with every problem found.
        """
        from archlab.api.designs import swept

        return swept(self._source(), vary, pareto, sort, within)

    def best(self, vary: Vary, maximize: str, **within: Unpack[Within]) -> Best:
        """The best design of a space within limits.

        Args:
            vary: values by param, as for `sweep`.
            maximize: what should be large: a figure such as `receptive_field`, a param, or `entropy`.
            within: `where="macs <= 300M"`, `sample`, `seed`, `batch`, `dtype`, `processes` (1).

        Raises:
            ConfigError: with every problem found, and where nothing is within the limits.
        """
        from archlab.api.designs import best

        return best(self._source(), vary, maximize, within)

    def _source(self) -> Source:
        from archlab.api.designs import Source

        deployed = self.graph.deployment is not None
        return Source(self.document, self.variant, self.settings, self.given_input, deployed=deployed)
