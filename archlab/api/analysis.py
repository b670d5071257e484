"""All numbers of one network: one result, many views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.analysis import Analysis as AnalysisData
from archlab.analysis.row import Row

if TYPE_CHECKING:
    import pandas as pd


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

    def _repr_html_(self) -> str:
        """For notebooks."""
        from archlab.report.markup import analysis_html

        return analysis_html(self)
