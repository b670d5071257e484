"""Several operators that are one layer: found before anything is written, from the last of them backwards.

Exporters write what has no operator of its own as several: SiLU as a sigmoid and a product, GELU by the error function,
group norms by an instance norm between two reshapes. Such operators are one layer only where nothing else reads what is
between them.
"""

from __future__ import annotations

from archlab.imports.onnx.patterns.affine import AFFINE
from archlab.imports.onnx.patterns.look import Fused, Look
from archlab.imports.onnx.patterns.norms import NORMS
from archlab.imports.onnx.patterns.products import PRODUCTS
from archlab.imports.onnx.patterns.turns import TURNS
from archlab.imports.onnx.propagate import Facts
from archlab.imports.onnx.source import MALFORMED

PATTERNS = (*NORMS, *PRODUCTS, *TURNS, *AFFINE)
"""Each looks at a node as the last of several; those first that take more."""


def find_patterns(facts: Facts) -> tuple[dict[int, Fused], set[int]]:
    """Layers of several nodes.

    Args:
        facts: what is known of a graph.

    Returns:
        By the `id` of their last node; and those of all others that are in them.
    """
    look = Look(facts)
    found: dict[int, Fused] = {}
    for node in reversed(facts.nodes):
        if id(node) in look.taken or len(node.outputs) != 1:
            continue
        for pattern in PATTERNS:
            try:
                fused = pattern(look, node)
            except MALFORMED:
                continue
            if fused is not None and look.is_closed(node, fused.inside):
                found[id(node)] = fused
                look.taken.update(id(one) for one in fused.inside)
                break
    return found, look.taken
