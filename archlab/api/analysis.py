"""All numbers of one network: one result, many views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.analysis import Analysis as AnalysisData
from archlab.analysis.row import Row

if TYPE_CHECKING:
    import pandas as pd

    from archlab.report.field import FieldReport
    from archlab.report.projection import ProjectionReport


class Analysis(AnalysisData):
    """The numbers of a network, with their views."""

    __doc__ = AnalysisData.__doc__

    def to_dict(self) -> Row:
        """The result as `archlab analyze --format json` prints it."""
        from archlab.report.rows import analysis_dict

        return analysis_dict(self)

    def to_dataframe(self) -> pd.DataFrame:
        """One row for each layer, as a pandas DataFrame."""
        import pandas as pd

        from archlab.report.rows import layer_rows

        return pd.DataFrame(layer_rows(self))

    def receptive_field(
        self, layer: str | None = None, unit: tuple[int, ...] | None = None, *, from_input: str | None = None
    ) -> FieldReport:
        """What one unit sees, as `archlab receptive-field` says it.

        Args:
            layer: its path; by default the one whose field the total gives.
            unit: row and column in its map; by default the middle.
            from_input: which input's positions, of several; by default the first's.

        Raises:
            ConfigError: if there is no such input, layer or unit, or the input has no positions.
        """
        from archlab.api.receptive_field import receptive_field

        return receptive_field(self, layer=layer, unit=unit, from_input=from_input)

    def projective_field(
        self, layer: str | None = None, at: tuple[int, ...] | None = None, *, from_input: str | None = None
    ) -> ProjectionReport:
        """Which units one position of the input reaches, as `archlab receptive-field --projective` says it.

        Args:
            layer: path of the one that is looked at first; by default the one whose field the total gives.
            at: row and column of the input; by default the middle.
            from_input: which input, of several; by default the first.

        Raises:
            ConfigError: if there is no such input, layer or position, or the input has no positions.
        """
        from archlab.api.projective_field import projective_field

        return projective_field(self, layer=layer, at=at, from_input=from_input)

    def _repr_html_(self) -> str:
        """For notebooks."""
        from archlab.report.markup import analysis_html

        return analysis_html(self)
