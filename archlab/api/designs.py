"""Spaces of designs from Python: sweeps, exact fronts, and the best design within limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from archlab.analysis.conditions import Conditions
from archlab.analysis.row import Row
from archlab.api.shown import Shown
from archlab.config.expand.inputs import GivenInput
from archlab.config.syntax.quantity import QuantityError
from archlab.config.tree.document import Document, Variant
from archlab.config.tree.figures import FigureLimit, parse_figure_limits
from archlab.config.tree.presets import preset_folder
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import Problems, single_problem
from archlab.diagnostics.words import counted
from archlab.report.fit import fit_config, fit_dict, fit_text
from archlab.report.sweep import columns_of, save_parquet, sweep_csv, sweep_dict, sweep_rows, sweep_table
from archlab.sweep.figures import Designs
from archlab.sweep.fit import Fitted, fit
from archlab.sweep.front import front, front_of, wishes
from archlab.sweep.order import arranged
from archlab.sweep.run import sweep
from archlab.sweep.vary import read_vary, space_of, value_text
from archlab.sweep.work import Question

Vary = Mapping[str, "str | Iterable[Any]"]
"""Values by param: `"16..128:8"`, `[16, 32]`, `range(1, 5)`; `input` too."""


class Within(TypedDict, total=False):
    """Which designs are looked at, as keyword arguments.

    Attributes:
        where: limits, such as `macs <= 300M and memory.inference_peak <= 8MiB`.
        sample: draw so many designs instead of taking all.
        seed: of the draw.
        batch: samples.
        dtype: of params and activations.
        processes: how many run at a time; one by default, so that a script needs no `if __name__ == "__main__"`.
    """

    where: str
    sample: int | None
    seed: int
    batch: int
    dtype: str
    processes: int


class Source:
    """What the designs are of.

    Attributes:
        document: the config.
        variant: the chosen one, if any.
        settings: values that params have already.
        given: the input, if it is not the config's.
        deployed: whether designs are taken as they run on a device.
    """

    def __init__(
        self,
        document: Document,
        variant: Variant | None,
        settings: Mapping[str, Any],
        given: GivenInput | None,
        *,
        deployed: bool,
    ) -> None:
        self.document = document
        self.variant = variant
        self.settings = settings
        self.given = given
        self.deployed = deployed

    def question(self, vary: Vary, within: Within) -> Question:
        """What is asked.

        Raises:
            ConfigError: with every problem found.
        """
        problems = Problems()
        nodes = read_vary([f"{name}={_written(values)}" for name, values in vary.items()])
        space = space_of(
            self.document, self.variant, nodes, {}, problems, settings=self.settings, input_shape=self.given
        )
        problems.raise_if_any()
        assert space is not None
        space = replace(space, deployed=self.deployed)
        conditions = Conditions(batch=within.get("batch", 1), dtype=within.get("dtype", "float32"))
        limits = tuple(limits_of([within["where"]])) if within.get("where") else ()
        return Question(space, conditions, limits, within.get("sample"), within.get("seed", 0))


def limits_of(texts: Iterable[str]) -> list[FigureLimit]:
    """Limits as `macs <= 300M and params <= 5M`.

    Raises:
        ConfigError: for what is none.
    """
    try:
        return [limit for text in texts for limit in parse_figure_limits(text)]
    except QuantityError as error:
        raise single_problem(str(error), Code.WRONG_VALUE) from None


def _written(values: str | Iterable[Any]) -> str:
    return values if isinstance(values, str) else f"[{', '.join(map(value_text, values))}]"


class Sweep(Shown):
    """Designs with their figures.

    Attributes:
        question: what was asked.
        designs: column by column.
    """

    def __init__(self, question: Question, designs: Designs) -> None:
        self.question = question
        self.designs = designs

    def __len__(self) -> int:
        return len(self.designs)

    @property
    def rows(self) -> list[Row]:
        """A flat row for each design: what varies, then its figures."""
        return sweep_rows(self.question.space, self.designs)

    def render(self) -> str:
        """The first designs as a table."""
        return sweep_table(self.question.space, self.designs, colour=False)

    def to_dict(self) -> Row:
        """As `archlab sweep --format json` prints it."""
        return sweep_dict(self.question.space, self.designs, self.question.limits)

    def to_csv(self) -> str:
        """All designs as CSV.

        Raises:
            ConfigError: for too many.
        """
        return sweep_csv(self.question.space, self.designs)

    def to_parquet(self, path: str | Path) -> None:
        """All designs as a Parquet file.

        Raises:
            MissingRequirementError: without the extra `sweep`.
        """
        save_parquet(self.question.space, self.designs, Path(path))

    def to_html(self) -> str:
        """A page with the designs and two charts.

        Raises:
            MissingRequirementError: without the extra `report`.
        """
        from archlab.report.page.sweep import sweep_page

        return sweep_page(self.question, self.designs, command="")

    def _rows(self) -> list[Row]:
        columns = columns_of(self.question.space, self.designs)
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def _title(self) -> str:
        space = self.question.space
        return f"Sweep of {space.document.name}: {counted(len(self.designs), 'design')} of {space.size:,}"


class Best(Shown):
    """The best design within limits.

    Attributes:
        fitted: it, with those behind it.
        question: what was asked.
        target: what was varied, as a config extends it.
    """

    def __init__(self, fitted: Fitted, question: Question, target: str) -> None:
        self.fitted = fitted
        self.question = question
        self.target = target

    @property
    def settings(self) -> dict[str, Any]:
        """The params of the best design."""
        return self.fitted.settings[0]

    @property
    def input(self) -> GivenInput | None:
        """Its input, where that varies."""
        given: GivenInput | None = self.fitted.settings[1]
        return given

    def render(self) -> str:
        """The design as options, how far it uses the limits, and those behind it."""
        return fit_text(self.fitted, self.question.limits, colour=False)

    def to_dict(self) -> Row:
        """As `archlab fit --format json` prints it."""
        return fit_dict(self.fitted, self.question.limits)

    def to_config(self) -> str:
        """A config that extends the network with the best values, for a file beside it.

        Raises:
            ConfigError: for a network from a text, which no file can extend.
        """
        if not self.target:
            message = "a network from a text has no file that another could extend; write it to a file, and load that"
            raise single_problem(message, Code.EXTENDS_PATH)
        return fit_config(self.fitted, self.question.limits, self.target, None)

    def _rows(self) -> list[Row]:
        return sweep_rows(self.fitted.space, self.fitted.designs)

    def _title(self) -> str:
        chosen = ", ".join([f"{name}={value_text(value)}" for name, value in self.settings.items()])
        return f"Best of {self.question.space.document.name} by {self.fitted.goal}: {chosen}"


def swept(source: Source, vary: Vary, pareto: Sequence[str], sort: Sequence[str], within: Within) -> Sweep:
    """Every design, or the exact front.

    Args:
        source: what the designs are of.
        vary: values by param.
        pareto: figures of the front: fields large, all others small; none for all designs.
        sort: by what, `-macs` for the largest first.
        within: which designs are looked at.

    Raises:
        ConfigError: with every problem found.
    """
    question = source.question(vary, within)
    wanted = wishes(pareto) if pareto else ()
    if wanted and question.sample is None:
        designs = front(question, wanted)
    else:
        designs = sweep(question, within.get("processes", 1))
        designs = designs.picked(front_of(designs, wanted)) if wanted else designs
    return Sweep(question, arranged(question.space, designs, sort, None))


def best(source: Source, vary: Vary, maximize: str, within: Within) -> Best:
    """The best design within the limits.

    Raises:
        ConfigError: with every problem found, and where nothing is within the limits.
    """
    question = source.question(vary, within)
    return Best(fit(question, maximize, within.get("processes", 1)), question, _target(source))


def _target(source: Source) -> str:
    """How a config extends what was varied: a preset by its name, a file by its path; empty for a text."""
    text, variant = source.document.source, source.variant
    if text.folder is None:
        return ""
    if text.folder == preset_folder():
        return Path(text.name).stem if variant is None else variant.name
    return f"{text.folder / Path(text.name).name}{'' if variant is None else f'@{variant.name}'}"
