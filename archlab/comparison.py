"""Several networks side by side."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlab.analysis import Analysis
from archlab.api import Network, load
from archlab.config.problem import ConfigError, Problem
from archlab.report.plain import Row, network_row

if TYPE_CHECKING:
    import pandas as pd


class Comparison:
    """Analyses of several networks, one row each.

    Attributes:
        analyses: in the order asked for.
    """

    def __init__(self, analyses: list[Analysis]) -> None:
        self.analyses = analyses

    @property
    def rows(self) -> list[Row]:
        """One flat row for each network."""
        return [network_row(analysis) for analysis in self.analyses]

    def to_dict(self) -> dict[str, Any]:
        """The totals of every network, as `archlab compare --format json` prints them."""
        return {"networks": [_without_layers(analysis) for analysis in self.analyses]}

    def to_dataframe(self) -> pd.DataFrame:
        """One row for each network, as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def _repr_html_(self) -> str:
        """For notebooks."""
        from archlab.report.markup import rows_html

        return rows_html(self.rows)


def _without_layers(analysis: Analysis) -> dict[str, Any]:
    full = analysis.to_dict()
    del full["layers"]
    return full


def compare(
    targets: Iterable[str | Path | Network], *, batch: int = 1, dtype: str = "float32", **options: Any
) -> Comparison:
    """Analyse several networks.

    Args:
        targets: YAML paths, `path@variant`, presets, or networks already loaded.
        batch: number of samples.
        dtype: float32, float16, bfloat16 or int8.
        options: `input` and params, as for `load`, for all of them.

    Raises:
        ConfigError: with the problems of all targets.
    """
    problems: list[Problem] = []
    analyses: list[Analysis] = []
    for target in targets:
        try:
            network = target if isinstance(target, Network) else load(target, **options)
            analyses.append(network.analyze(batch=batch, dtype=dtype))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return Comparison(analyses)
