"""What every reader gives: a network as a flat list of archlab's layers, as they are called, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archlab.graph import OutputForm
from archlab.layers.shape import Shape


class Scope(NamedTuple):
    """A module of the source during one call of it.

    Attributes:
        path: where it is in the source; empty for the whole.
        kind: its class, as `Bottleneck`.
        call: the how manieth call of it, from 0.
    """

    path: str
    kind: str
    call: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One call of one layer.

    Attributes:
        path: a name of its own in dots, as near to the source's as may be: `layer1.0.conv1`. None is a beginning of
            another (`layer1` beside `layer1.0`).
        type: a layer type of archlab's, or a dotted one of an opaque layer.
        options: as a config has them; those that are PyTorch's defaults left out.
        inputs: values by number: the network's inputs first, then the items, from 0.
        shape: what comes out, without the batch.
        share: the number of the value whose layer this is once more, weights and all; then there are no options.
        scopes: the modules around it, from the whole to the next.
        tensors: the layer's tensors to their names in the source's state dict, as
            `{"weight": "layer1.0.conv1.weight"}`, whose elements lie in the same order, though dimensions of size 1 may
            stand elsewhere; of an opaque layer all that are in it, by their own names.
    """

    path: str
    type: str
    options: Mapping[str, Any]
    inputs: tuple[int, ...]
    shape: Shape
    share: int | None = None
    scopes: tuple[Scope, ...] = ()
    tensors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flat:
    """A network as a list.

    Attributes:
        name: of the network.
        origin: what it was imported from, for a comment: `timm:resnet50d (timm 1.0.27)`.
        inputs: shapes without the batch, by name; the only one is called `input`.
        items: in the order of their calls.
        outputs: label and value of each result.
        output_form: what the source returns.
        remarks: what a reader of the result must know, in plain sentences: what was left out, folded or assumed.
        looks: whether the source goes one way or another by what values hold; this is the way of an input of zeros.
    """

    name: str
    origin: str
    inputs: Mapping[str, Shape]
    items: Sequence[Item]
    outputs: Sequence[tuple[str, int]]
    output_form: OutputForm = "single"
    remarks: Sequence[str] = ()
    looks: bool = False

    def item(self, value: int) -> Item | None:
        """The item that gives a value; None for an input."""
        number = value - len(self.inputs)
        return self.items[number] if number >= 0 else None
