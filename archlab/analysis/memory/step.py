"""What the parts of a training step share: sizes, the ledger, and what autograd keeps."""

from __future__ import annotations

from dataclasses import dataclass, field

from archlab.analysis.facts import Facts
from archlab.analysis.memory.ledger import Kind, Ledger, Storage
from archlab.analysis.memory.program import Call, Program
from archlab.analysis.memory.shared import shared_modules
from archlab.layers.precision import FLOAT32, Precision
from archlab.layers.room import NOTHING, Room


@dataclass(slots=True, eq=False)
class Step:
    """A training step under way.

    Attributes:
        program: the calls of its forward pass.
        facts: of the graph's nodes.
        precisions: of the graph's nodes.
        params_size: bytes of an element of a parameter.
        ledger: storages taken and freed.
        channels_last: whether the weights lie in that memory format.
        kept: by call, what its backward pass needs and nobody has freed yet.
        recomputed: calls of checkpointed segments. What a checkpoint hands to a backward pass is freed with the last
            operator that reads it; else autograd holds it until the gradients have their shapes.
    """

    program: Program
    facts: list[Facts]
    precisions: list[Precision]
    params_size: int
    ledger: Ledger
    channels_last: bool
    kept: dict[int, list[Storage]] = field(default_factory=dict)
    recomputed: set[int] = field(default_factory=set)
    modules: dict[int, str] = field(init=False)
    """Those that several nodes call, by node."""
    is_uniform: bool = field(init=False)
    """Whether every value and parameter has one precision, so that nothing is ever copied into another."""
    _sizes: list[int] = field(init=False)
    _computes: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Find the sizes of elements, once for all calls."""
        calls = self.program.calls
        self.modules = shared_modules(self.program.graph)
        same = Precision(self.params_size, self.params_size)
        self.is_uniform = set(self.precisions) == {same}
        self._sizes = self._computes = [self.params_size] * len(calls)
        if not self.is_uniform:
            self._sizes, self._computes = [], []
            for call in calls:
                self._add_sizes(call)

    def _add_sizes(self, call: Call) -> None:
        """Of the next call."""
        precision = self.precisions[call.node]
        computes = self._computed_size(call, precision)
        size = precision.output if call.is_last else self._sizes[call.inputs[0]] if call.is_view else computes
        self._sizes.append(size)
        self._computes.append(size if call.is_view else computes)

    def _computed_size(self, call: Call, precision: Precision) -> int:
        computes = call.operator.computes
        if computes == "layer" or not call.index:
            return precision.compute
        if computes == "params":
            return self.params_size
        if computes == "float32":
            return FLOAT32
        read = call.inputs[:1] if computes == "first" else call.inputs
        return max([self._sizes[source] for source in read])

    def size_of(self, call: Call) -> int:
        """Bytes of an element of a call's value."""
        return self._sizes[call.index]

    def compute_of(self, call: Call) -> int:
        """Bytes of an element in the precision in which a call computes: a view has its value's."""
        return self._computes[call.index]

    def changes_precision(self, call: Call) -> bool:
        """Whether its value has another precision than what it reads first."""
        return self._sizes[call.index] != self._sizes[call.inputs[0]]

    def value_bytes(self, call: Call) -> int:
        """Of a call's value."""
        return call.elements * self.size_of(call)

    def computed_bytes(self, call: Call, elements: int) -> int:
        """Of elements in the precision in which a call computes."""
        return elements * self.compute_of(call)

    def room_bytes(self, call: Call, room: Room) -> int:
        """Of what a call takes beside its values."""
        if room is NOTHING:
            return 0
        read = room.read_elements * self._sizes[call.inputs[0]] if room.read_elements else 0
        return room.bytes(self._computes[call.index], 1) + read

    def take(self, call: Call, kind: Kind) -> Storage:
        """Memory of the size of a call's value."""
        return self.ledger.take(self.value_bytes(call), kind, call.node)
