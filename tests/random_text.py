"""Items of random networks as configs."""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archlab.api.network import Network, expand_document
from archlab.config.tree.targets import read_document
from archlab.diagnostics.place import Source
from tests.ranked import AsIs

Item = dict[str, Any]
Inputs = dict[str, list[int]]
"""Shapes by name."""

BLOCKS = {
    "hourglass": """
    params: {n: }
    layers:
      - type: branches
        merge: add
        paths:
          - {type: conv2d, out_channels: $block_in, kernel_size: 3, padding: 1}
          - - {type: max_pool2d, kernel_size: 2, stride: 2, padding: 1}
            - {use: hourglass, n: $(n - 1), when: $(n > 1)}
            - {type: conv2d, out_channels: $block_in, kernel_size: 3, padding: 1}
            - {type: interpolate, size: $block_in_size}
""",
    "attend": """
    inputs: [x, keys]
    params: {heads: 1}
    layers:
      - {from: keys, type: flatten, start_dim: 2}
      - {name: tokens, type: transpose, dim0: 1, dim1: 2}
      - {from: x, type: flatten, start_dim: 2}
      - {type: transpose, dim0: 1, dim1: 2}
      - {type: cross_attention, num_heads: $heads, with: [tokens]}
      - {type: transpose, dim0: 1, dim1: 2}
      - {type: unflatten, dim: 2, unflattened_size: $block_in_size}
""",
    "plain": """
    params: {n: }
    layers:
      - {type: layer_scale}
      - {type: leaky_relu, repeat: $n}
""",
}
"""By name: those of two axes, where the number of axes counts."""


def config_text(
    inputs: Inputs, items: list[Item], outputs: list[str], *, rank: int, head: str = "", blocks: str = ""
) -> str:
    """A config.

    Args:
        inputs: the network's; the only one goes without its name.
        items: each with a name.
        outputs: their names.
        rank: how many axes the maps have on which blocks of `BLOCKS` work.
        head: lines in front of all else.
        blocks: beside those of `BLOCKS` that items use.
    """
    lines = "".join([f"  - {flow(item)}\n" for item in items])
    used = [f"  {name}:{text}" for name, text in BLOCKS.items() if f"use: {name}" in lines]
    blocks += "".join(used).replace("2d", f"{rank}d")
    shapes = flow(inputs if len(inputs) > 1 else next(iter(inputs.values())))
    blocks = f"blocks:\n{blocks}" if blocks else ""
    return f"{head}input: {shapes}\n{blocks}layers:\n{lines}outputs: {flow(outputs)}\n"


def loose_ends(items: list[Item]) -> list[str]:
    """The items that no other reads."""
    read = {name for item in items for name in (item.get("from"), *item.get("with", []))}
    read |= {before["name"] for before, item in pairwise(items) if "from" not in item}
    return [item["name"] for item in items if item["name"] not in read]


def flow(value: Any) -> str:
    """A value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(part) for part in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def network_of(text: str) -> Network:
    """The network of a config, which may extend the files of `folder`.

    Raises:
        ConfigError: where its layers do not fit.
    """
    document, problems = read_document(Source("<random>", text, folder()), "random")
    return expand_document(document, None, problems, params={})


@cache
def folder() -> Path:
    """Where files lie that configs extend; it goes with the process."""
    made = TemporaryDirectory(prefix="archlab-random-")
    atexit.register(made.cleanup)
    return Path(made.name)


READING = ("from", "with", "share")
"""Keys whose values are names of items."""


def mentioned(value: Any, keys: tuple[str, ...] = READING) -> Iterator[str]:
    """All names that items read or share, those inside of others among them."""
    if isinstance(value, list):
        for part in value:
            yield from mentioned(part, keys)
    elif isinstance(value, dict):
        for key, part in value.items():
            if key in keys and not isinstance(part, bool):
                yield from [part] if isinstance(part, str) else part
            else:
                yield from mentioned(part, keys)


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The same items, where they read or share others by other names, and have them."""
    if isinstance(value, list):
        return type(value)([renamed(part, names) for part in value])
    if not isinstance(value, dict):
        return value
    made = AsIs() if isinstance(value, AsIs) else {}
    for key, part in value.items():
        if key in (*READING, "name") and isinstance(part, str):
            made[key] = names.get(part, part)
        elif key == "with":
            made[key] = [names.get(name, name) for name in part]
        else:
            made[key] = renamed(part, names)
    return made
