"""What the parts of a training step share: sizes, the ledger, and what autograd keeps."""

from __future__ import annotations

from dataclasses import dataclass, field

from archlab.analysis.facts import Facts
from archlab.analysis.ledger import Kind, Ledger, Storage
from archlab.analysis.order import Orders
from archlab.graph import Graph
from archlab.layers.precision import Precision
from archlab.layers.room import NOTHING, Room


@dataclass(slots=True)
class Step:
    """A training step under way.

    Attributes:
        graph: the network.
        facts: of its nodes.
        precisions: of its nodes.
        params_size: bytes of an element of a parameter.
        batch: number of samples.
        ledger: storages taken and freed.
        orders: of the values in memory.
        channels_last: whether the weights lie in that memory format.
        needs_gradient: for each node, whether its value's gradient is wanted.
        kept: by node, what its backward pass needs and nobody has freed yet.
        recomputed: nodes of checkpointed segments. What a checkpoint hands to a backward pass is freed with the last
            operator that reads it; else autograd holds it until the gradients have their shapes.
    """

    graph: Graph
    facts: list[Facts]
    precisions: list[Precision]
    params_size: int
    batch: int
    ledger: Ledger
    orders: Orders
    channels_last: bool
    needs_gradient: list[bool] = field(init=False)
    kept: dict[int, list[Storage]] = field(default_factory=dict)
    recomputed: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Find what needs a gradient: parameters, and what comes behind them."""
        needs = self.needs_gradient = []
        for node, fact in zip(self.graph.nodes, self.facts, strict=True):
            needs.append(fact.params > 0 or any(needs[i] for i in node.inputs))

    def value_bytes(self, index: int) -> int:
        """Of a node's value."""
        return self.facts[index].elements * self.precisions[index].output * self.batch

    def computed_bytes(self, index: int, elements: int) -> int:
        """Of elements for each sample, in the precision in which a node computes."""
        return elements * self.precisions[index].compute * self.batch

    def room_bytes(self, index: int, room: Room) -> int:
        """Of what a node takes beside its values."""
        return 0 if room is NOTHING else room.bytes(self.precisions[index].compute, self.batch)

    def take(self, index: int, kind: Kind) -> Storage:
        """Memory of the size of a node's value."""
        return self.ledger.take(self.value_bytes(index), kind, index)
