"""A layer's explanation as plain text, for whoever shows it beside something else."""

from __future__ import annotations

from archlab.analysis.result import Analysis
from archlab.explain.layer import explain_layer
from archlab.explain.text import explanation_text


def layer_text(analysis: Analysis, path: str) -> str:
    """All sections.

    Args:
        analysis: of the network.
        path: of the layer.

    Raises:
        ConfigError: if there is no layer of that path.
    """
    return explanation_text(explain_layer(analysis, path))
