"""`expect`: which figures a config may name, and what each may be."""

from __future__ import annotations

from archlab.config.syntax.yaml_nodes import Node, Scalar, Sequence
from archlab.layers.shape import AXIS_NAMES

GLOBAL = "global"
"""As a receptive field: every unit of the first result sees the whole input."""


EXPECT_KEYS = ("params", "buffers", "macs", "flops", "activations", "receptive_field", "stride")


_WHOLE = "a whole number"


_FORMS = {
    "receptive_field": "a whole number, global, or a list with one for each axis: [height, width]",
    "stride": "a number, or a list with one for each axis: [height, width]",
}
"""Of figures that each axis has its own of."""


def _is_figure(key: str, node: Node) -> bool:
    if isinstance(node, Sequence):
        parts = node.items
        return (
            key in _FORMS
            and len(parts) in AXIS_NAMES
            and all(isinstance(p, Scalar) and _is_figure(key, p) for p in parts)
        )
    if not isinstance(node, Scalar) or isinstance(node.value, bool):
        return False
    if key == "receptive_field" and node.value == GLOBAL:
        return True
    return isinstance(node.value, int) or (key == "stride" and isinstance(node.value, float))
