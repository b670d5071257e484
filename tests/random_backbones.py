"""Backbones of random networks: configs in files, extended and edited, and the same layers written out.

What `extends` makes of a config is done here once more, on lists of items.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from archlab.api.network import Network
from archlab.graph import Graph
from archlab.layers import Layer
from tests.random_text import Inputs, Item, config_text, flow, folder, loose_ends, mentioned, network_of, renamed

NAME = "body"
"""What the block is called."""


class Edit(NamedTuple):
    """What becomes of an item.

    Attributes:
        override: as it is written under `layers` of an extending config.
        items: what stands in its place.
        kind: of the edit.
    """

    override: Any
    items: list[Item]
    kind: str


class Backbone(NamedTuple):
    """A config in a file.

    Attributes:
        extends: the file's name, with its variant.
        params: values that the block gives.
        items: what the file says, written out: all its layers.
        outputs: of the block, the last first.
        kinds: of the edits, and of what gives the param its value.
    """

    extends: str
    params: dict[str, int]
    items: list[Item]
    outputs: list[str]
    kinds: list[str]

    @property
    def block(self) -> str:
        """As it stands under `blocks`."""
        params = f", params: {flow(self.params)}" if self.params else ""
        return f"  {NAME}: {{extends: {self.extends}, outputs: {flow(self.outputs)}{params}}}\n"


WIDTH = "$width"
"""How many channels the first convolution gives: the param of the config."""


def write_backbone(draw: random.Random, items: list[Item], shape: list[int], tag: int) -> Backbone | None:
    """Files of a config with a param and a variant, and one that edits it.

    Args:
        draw: of all that is drawn here.
        items: of the config; the first is a convolution.
        shape: of its input.
        tag: part of the files' names.

    Returns:
        None where no item is left.
    """
    rank, width = len(shape) - 1, items[0]["out_channels"]
    kinds: list[str] = []
    items = [{**items[0], "out_channels": WIDTH}, *items[1:]]
    head = f"params: {{width: {width}}}\nvariants: {{other: {{width: {width + 2}}}}}\n"
    extends = f"base{tag}.yaml"
    _write(extends, config_text({"input": shape}, items, loose_ends(items), rank=rank, head=head))
    if draw.random() < 0.3:
        extends, width = f"{extends}@other", width + 2
        kinds.append("a variant")
    edits = _edits(draw, items, rank)
    kinds += [edit.kind for edit in edits.values()]
    written = [new for item in items for new in (edits[item["name"]].items if item["name"] in edits else [item])]
    if not written:
        return None
    if edits:
        head = f"extends: {extends}\n"
        if draw.random() < 0.3:
            width = draw.choice([2, 4])
            head += f"params: {{width: {width}}}\n"
            kinds.append("a param of a file")
        extends = f"edited{tag}.yaml"
        _write(extends, _edited_text(written, edits, shape, head))
    params: dict[str, int] = {}
    if draw.random() < 0.3:
        params["width"] = width = draw.choice([2, 4, 6])
        kinds.append("a param of the block")
    written = [{key: width if value == WIDTH else value for key, value in item.items()} for item in written]
    chosen = sorted(draw.sample(range(len(written)), min(len(written), draw.choice([1, 1, 2, 3]))), reverse=True)
    outputs = [written[place]["name"] for place in chosen]
    return Backbone(extends, params, written, outputs, kinds)


def _edited_text(written: list[Item], edits: dict[str, Edit], shape: list[int], head: str) -> str:
    """The config that extends another, whose blocks are those that its layers use."""
    rank = len(shape) - 1
    whole = config_text({"input": shape}, written, loose_ends(written), rank=rank, head=head)
    start, _, rest = whole.partition("\nlayers:\n")
    lines = "".join([f"  {name}: {flow(edit.override)}\n" for name, edit in edits.items()])
    return f"{start}\nlayers:\n{lines}{rest[rest.rindex('outputs:') :]}"


def _write(name: str, text: str) -> None:
    (folder() / name).write_text(text, encoding="utf-8")


def _edits(draw: random.Random, items: list[Item], rank: int) -> dict[str, Edit]:
    """By the item's name."""
    read = {*mentioned(items)}
    found: dict[str, Edit] = {}
    for item in items:
        if draw.random() < 0.35:
            ways = [kind for kind, fits in _WAYS.items() if fits(item, item["name"] in read)]
            if ways:
                kind = draw.choice(ways)
                found[item["name"]] = _edit(draw, kind, item, rank)
    return found


_WAYS: dict[str, Callable[[Item, bool], bool]] = {
    "removed": lambda _item, is_read: not is_read,
    "replaced by a list": lambda item, is_read: not is_read and "share" not in item,
    "around": lambda item, _: "from" not in item and "share" not in item,
    "arguments": lambda item, _: item.get("type", "").startswith("conv") and "share" not in item,
    "a use for a type": lambda item, _: "type" in item and not {"with", "share"} & set(item),
    "a type for a use": lambda item, _: "use" in item and "with" not in item,
}
"""By kind of edit: whether an item may be edited so, where others read it by its name or not."""


def _edit(draw: random.Random, kind: str, item: Item, rank: int) -> Edit:
    name = item["name"]
    kept: Item = {key: item[key] for key in ("name", "from", "repeat") if key in item}
    if kind == "removed":
        return Edit(None, [], kind)
    if kind == "replaced by a list":
        parts = [_small(draw, rank, f"{name}_{number}") for number in range(draw.choice([1, 2]))]
        return Edit(parts, parts, kind)
    if kind == "around":
        before, after = _small(draw, rank, f"{name}_before"), _small(draw, rank, f"{name}_after")
        override = draw.choice([{"before": [before]}, {"after": [after]}, {"before": [before], "after": [after]}])
        return Edit(override, [*override.get("before", []), item, *override.get("after", [])], kind)
    if kind == "arguments":
        some: list[Item] = [{"bias": False}, {"stride": 1}, {"padding": "auto"}, {"kernel_size": draw.randint(1, 3)}]
        arguments = draw.choice(some)
        return Edit(arguments, [{**item, **arguments}], kind)
    new: Item = {"use": "plain", "n": draw.randint(0, 2)} if kind == "a use for a type" else {"type": "relu"}
    return Edit(new, [{**kept, **new}], kind)


def _small(draw: random.Random, rank: int, name: str) -> Item:
    conv = {"type": f"conv{rank}d", "out_channels": "$in_channels", "kernel_size": 3, "padding": 1}
    return {"name": name, **draw.choice([conv, {"type": "relu"}, {"type": "sigmoid"}, {"type": "layer_scale"}])}


def written_out(backbone: Backbone, inputs: Inputs, items: list[Item], outputs: list[str], rank: int) -> Network | None:
    """A network whose first item uses the block, with the block's layers in its place.

    Args:
        backbone: the block.
        inputs: the network's.
        items: its items.
        outputs: its outputs.
        rank: how many axes its maps have.

    Returns:
        None where a layer is needed for its weights alone, which cannot be written so.
    """
    inner = {item["name"]: f"{NAME}_{item['name']}" for item in backbone.items}
    outer = {f"{items[0]['name']}.{name}": inner[name] for name in backbone.outputs}
    outer[items[0]["name"]] = inner[backbone.outputs[0]]
    last = list(inner).index(backbone.outputs[0])
    whole = [*renamed(backbone.items[: last + 1], inner), *renamed(items[1:], outer)]
    whole = [_first(whole[0], items[0]), *[{"from": before["name"], **item} for before, item in pairwise(whole)]]
    ends = [outer.get(name, name) for name in outputs]
    needed = _needed(whole, ends)
    kept = [item for item in whole if item["name"] in needed]
    if {*mentioned(kept, ("share",))} - needed:
        return None
    return network_of(config_text(inputs, kept, ends, rank=rank))


def _first(item: Item, use: Item) -> Item:
    return {"from": use["from"], **item} if "from" in use else item


def _needed(items: list[Item], ends: list[str]) -> set[str]:
    """The items that outputs are made from, each of which says what it reads."""
    reads = {item["name"]: [*mentioned(item, ("from", "with"))] for item in items}
    needed: set[str] = set()
    waiting = [*ends]
    while waiting:
        name = waiting.pop()
        if name in reads and name not in needed:
            needed.add(name)
            waiting += reads[name]
    return needed


def differences(used: Graph, written: Graph) -> list[str]:
    """In what two networks differ but for the names of their layers."""
    one, other = _layers(used), _layers(written)
    pairs = zip(one, other, strict=False)
    found = [f"{mine[0]}: {mine[1:]} instead of {theirs[1:]}" for mine, theirs in pairs if mine[1:] != theirs[1:]]
    if len(one) != len(other):
        found.append(f"{len(one)} layers instead of {len(other)}")
    if [index for _, index in used.outputs] != [index for _, index in written.outputs]:
        found.append("other outputs")
    return [f"  written out, {line}" for line in found]


def _layers(graph: Graph) -> list[tuple[str, Layer, tuple[int, ...], tuple[int, ...], int]]:
    """Of each node: path, layer, inputs, shape, and the first node that has its module."""
    first: dict[str, int] = {}
    return [
        (node.path, node.layer, node.inputs, node.shape, first.setdefault(node.module, node.index))
        for node in graph.nodes
    ]
