"""The design rules, a file each. To add one, write its file and its line here."""

from __future__ import annotations

from archlab.lint.rule import Rule
from archlab.lint.rules import (
    beyond_input,
    bias_before_norm,
    channel_tile,
    checkerboard,
    dominant_layer,
    dropped_positions,
    early_downsampling,
    even_kernel,
    final_activation,
    gridding,
    misaligned_join,
    padding_only,
    skipped_positions,
    unmixed_groups,
    unused_name,
)

RULES: dict[str, Rule] = {
    module.RULE.name: module.RULE
    for module in (
        gridding,
        checkerboard,
        skipped_positions,
        dropped_positions,
        padding_only,
        even_kernel,
        misaligned_join,
        beyond_input,
        early_downsampling,
        bias_before_norm,
        channel_tile,
        unmixed_groups,
        dominant_layer,
        final_activation,
        unused_name,
    )
}
"""By name, in the order of the help."""
