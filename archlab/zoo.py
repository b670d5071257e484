"""The presets with their numbers."""

from __future__ import annotations

from pathlib import Path

from archlab.api import expand_document, read_document
from archlab.config.files import read_source
from archlab.presets import preset_files
from archlab.report.plain import Row, network_row


def preset_targets() -> list[str]:
    """Every network of the zoo by name: each family's variants, or the family where it has none."""
    return [target for path in preset_files() for target in _targets(path)]


def _targets(path: Path) -> list[str]:
    document, _ = read_document(read_source(path, shown_as=f"configs/{path.name}"), path.stem)
    return list(document.variants) or [path.stem]


def preset_rows() -> list[Row]:
    """One row for each network of the zoo."""
    rows: list[Row] = []
    for path in preset_files():
        document, problems = read_document(read_source(path, shown_as=f"configs/{path.name}"), path.stem)
        for variant in document.variants.values() or [None]:
            analysis = expand_document(document, variant, problems, params={}).analyze()
            numbers = network_row(analysis)
            shown = {key: numbers[key] for key in ("input", "params", "macs", "activations")}
            size = numbers["receptive_field_size_h"]
            rows.append({"family": path.stem, "name": analysis.graph.name, **shown, "receptive_field": size})
    return rows
