"""The tables of docs/import.md: what a pass recognises, by the rules themselves."""

from __future__ import annotations

import re
from textwrap import fill
from types import ModuleType

from archlab.layers import find_layer, layer_types
from archlab.torch.importing import lookalikes, position_networks, sourced
from archlab.torch.importing.composites import folds, maps, multihead, own_weights, rolled, stacks, tokens
from archlab.torch.importing.rules import (
    activations,
    biases,
    convolutions,
    joins,
    layout,
    norms,
    pooling,
    products,
    reductions,
    resizing,
    slices,
)

START, END = "<!-- recognised: made from the code -->", "<!-- recognised: end -->"
RULES = (convolutions, norms, activations, pooling, resizing, joins, products, reductions, slices, layout)
COMPOSITES = (folds, maps, rolled, own_weights, multihead, tokens, stacks, biases, sourced, position_networks)


def tables() -> str:
    """Modules, functions and composites, between the marks."""
    parts = [_modules(), _others(), _functions(), _composites()]
    return "\n\n".join([START, *parts, END])


def between(text: str) -> str:
    """What a page has between the marks."""
    return START + text.partition(START)[2].partition(END)[0] + END


def _modules() -> str:
    classes = {cls.torch_class for name in layer_types() if (cls := find_layer(name)) is not None and cls.torch_class}
    known = sorted({one.rpartition(".")[2] for one in classes if not one.startswith("archlab")})
    return _listed("Modules of PyTorch's and torchvision's, and of classes that change nothing of them", known)


def _others() -> str:
    kinds = sorted({name.rpartition(".")[2] for name in lookalikes._READERS})
    return _listed("Modules of timm's that compute what one layer does", kinds)


def _functions() -> str:
    rows = ["| functions, methods and operators | |", "|---|---|"]
    for module in RULES:
        names = ", ".join(f"`{name}`" for name in sorted(module.RULES))
        rows.append(f"| {_title(module)} | {names} |")
    return "\n".join(rows)


def _composites() -> str:
    lines = [fill(f"- {_title(module)}", 100, subsequent_indent="  ") for module in COMPOSITES]
    rules = ", ".join(f"`{name}`" for name in sorted(folds._APART | maps.WORDS | {*folds._RULES}))
    told = fill(f"On folded samples (windows, heads, tokens among the samples): {rules}.", 100)
    return "\n".join(["Told from several calls together:\n", *lines, "", told])


def _listed(title: str, names: list[str]) -> str:
    return fill(f"{title}: {', '.join(f'`{name}`' for name in names)}.", 100, break_on_hyphens=False)


def _title(module: ModuleType) -> str:
    return re.sub(r"\s+", " ", (module.__doc__ or "").partition("\n\n")[0]).strip().rstrip(".")
