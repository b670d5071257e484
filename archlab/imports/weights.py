"""Names of tensors in the source's state dict to those of the network, so that its weights can be loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from archlab.imports.flat import Flat
from archlab.imports.text import flow

SUFFIX = ".weights.yaml"
"""Of the file of names beside a config."""


def weight_names(flat: Flat, places: Mapping[str, int] | None = None) -> dict[str, str]:
    """Names in the source's state dict to the network's, of the tensors that are called otherwise there.

    Args:
        flat: what was read.
        places: paths of the network's layers to numbers of the flat network's items; by default the items' own.
    """
    found: dict[str, str] = {}
    for path, number in (places or {item.path: number for number, item in enumerate(flat.items)}).items():
        item = flat.items[number]
        if item.share is None:
            found |= {theirs: f"{path}.{own}" for own, theirs in item.tensors.items()}
    return {theirs: own for theirs, own in found.items() if theirs != own}


def map_text(names: Mapping[str, str], origin: str) -> str:
    """A file of names for `archlab build --weights-map`: a line for each module where its tensors keep their names.

    Args:
        names: of tensors, in the source's state dict to the network's.
        origin: where they come from, for a comment.
    """
    lines: dict[str, str] = {}
    for theirs, own in names.items():
        before, behind = theirs.rpartition(".")[::2], own.rpartition(".")[::2]
        whole = before[1] == behind[1] and before[0] and behind[0]
        lines.setdefault(*((before[0], behind[0]) if whole else (theirs, own)))
    # The first line that fits a name decides: a name of a tensor goes before one of the module that holds it.
    ordered = sorted(lines.items(), key=lambda pair: -pair[0].count("."))
    return f"# names in the weights of {origin} to names here\n" + "".join(
        [f"{flow(theirs)}: {flow(own)}\n" for theirs, own in ordered]
    )


def map_beside(config: Path) -> Path:
    """Where the file of names of a config is: `net.weights.yaml` beside `net.yaml`."""
    return config.with_name(f"{config.stem}{SUFFIX}")
