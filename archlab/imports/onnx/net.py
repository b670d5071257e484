"""The items of an ONNX graph as they grow, and what becomes of nodes that are no layer.

A node that no rule says is an opaque item, if its result has the samples in front. Where a node puts samples and other
dimensions together (windows, boxes), or the sizes of its result are not known, it begins a *part*: all that reads it
belongs to that, up to the next result that has the samples in front again, and the whole part is one opaque item. A
part that never ends in such a result is left out, and the network's results are what enters it; that is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from keyword import iskeyword
from math import prod
from typing import Any, NamedTuple

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.imports.builder import Builder, Opacity, Owned
from archlab.imports.flat import Scope
from archlab.imports.onnx.names import Spot, Spots
from archlab.imports.onnx.propagate import FLOATS, Facts, Value, Weight
from archlab.imports.onnx.source import Node
from archlab.imports.onnx.tensors import is_vector
from archlab.imports.unsaid import UnsaidError
from archlab.layers.opaque import MOST_DIMENSIONS, UNKNOWN_ARGS
from archlab.layers.shape import Shape

MOST_SOURCES = 1000
"""Values that a part reads."""
PART = "onnx.Part"
"""The type of an opaque item for several nodes."""
_COUNTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
"""Operators whose multiply-accumulates are known from sizes."""
_UNCOUNTED = frozenset(
    {
        *("LSTM", "GRU", "RNN", "Einsum", "DeformConv", "Attention", "QLinearConv", "QLinearMatMul", "ConvInteger"),
        *(
            "MatMulInteger",
            "If",
            "Loop",
            "Scan",
            "DFT",
            "STFT",
            "MelWeightMatrix",
            "LinearAttention",
            "CausalConvWithState",
        ),
    }
)
"""Those that do some, how many is not known. All others of ONNX's own do none."""


class Work(NamedTuple):
    """What is computed for a sample.

    Attributes:
        macs: multiply-accumulates.
        activations: elements that convolutions and linear layers give.
    """

    macs: int = 0
    activations: int = 0


def _added(one: Work | None, other: Work | None) -> Work | None:
    """Of two; None where one of them is not known."""
    if one is None or other is None:
        return None
    return Work(one.macs + other.macs, one.activations + other.activations)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A node whose result does not have the samples in front, with those before it.

    Attributes:
        node: it.
        before: the parts that it reads.
        sources: values of the network that enter all of them.
        reason: why the first of them is no layer.
    """

    node: Node
    before: tuple[Part, ...]
    sources: tuple[int, ...]
    reason: str


class Sum(NamedTuple):
    """What is in nodes.

    Attributes:
        weights: tensors of the file, with their elements.
        work: for a sample; None where it is not known.
    """

    weights: dict[str, int]
    work: Work | None


class Net(Builder):
    """Items, and which name of the file holds which value.

    Attributes:
        facts: what is known of the file's values.
        batch: samples.
        softmax_axis: the dimension along which a softmax runs that names none.
    """

    def __init__(
        self, facts: Facts, inputs: Mapping[str, Shape], batch: int, opset: int, inside: Container[int] = ()
    ) -> None:
        super().__init__(inputs)
        self.facts = facts
        self.batch = batch
        self.softmax_axis = -1 if opset >= 13 else 1
        self._numbers = {name: number for number, name in enumerate(facts.inputs)}
        self._parts: dict[str, Part] = {}
        self._said: set[int] = set()
        """Nodes that are in opaque items."""
        self._places = {id(node): number for number, node in enumerate(facts.nodes)}
        self._spots = Spots(facts.nodes, inside)
        self._spot = Spot()

    # where it is

    def scopes(self) -> tuple[Scope, ...]:
        """The modules around the node that is being said."""
        return self._spot.scopes

    def path_here(self, word: str) -> str:
        """The node's own path, or one in the innermost module around it."""
        if self._spot.path is not None:
            return self._spot.path
        return f"{self._spot.above}.{word}".strip(".")

    def at(self, node: Node, weight: Value | None = None) -> None:
        """From now on items are where a node is."""
        name = weight.weight.name if weight is not None and weight.weight is not None else None
        self._spot = self._spots.of(node, name)

    def place(self, node: Node) -> int:
        """Of a node in the file's order."""
        return self._places[id(node)]

    def stand_in(self, node: Node, original: Node) -> None:
        """A node is where another is."""
        self._spots.stand_in(node, original)

    # what it reads

    def number(self, name: str) -> int | None:
        """The value that a name holds; None of a constant, and of what is in a part."""
        return self._numbers.get(name)

    def data(self, node: Node, number: int = 0) -> int:
        """The value of an input that must have one.

        Raises:
            UnsaidError: if it is left out, or comes from no input of the network.
        """
        name = node.inputs[number] if number < len(node.inputs) else ""
        found = self._numbers.get(name)
        if found is None:
            raise UnsaidError("it takes what does not come from an input")
        return found

    def value(self, node: Node, number: int) -> Value | None:
        """What is known of an input; None where it is left out."""
        return self.facts.input(node, number)

    def sizes(self, node: Node, number: int = 0) -> tuple[int, ...]:
        """Of an input, the batch in front.

        Raises:
            UnsaidError: if they are not known.
        """
        value = self.value(node, number)
        if value is None or value.sizes is None:
            raise UnsaidError("the sizes of what enters it are not known")
        return value.sizes

    def result(self, node: Node, number: int = 0) -> tuple[int, ...]:
        """Sizes of an output, the batch in front.

        Raises:
            UnsaidError: if they are not known, or it does not have the samples in front.
        """
        value = self.facts.value(node.outputs[number])
        if value is None or value.sizes is None:
            raise UnsaidError("the sizes of its result are not known")
        if not self._keeps_samples(value.sizes):
            raise UnsaidError("it puts samples and other dimensions together")
        return value.sizes

    def _keeps_samples(self, sizes: tuple[int, ...] | None) -> bool:
        return (
            sizes is not None and 2 <= len(sizes) <= MOST_DIMENSIONS + 1 and sizes[0] == self.batch and min(sizes) > 0
        )

    # what it writes

    def bind(self, name: str, value: int) -> None:
        """From now on a name holds a value."""
        self._numbers[name] = value

    def put(
        self,
        node: Node,
        layer_type: str,
        options: Mapping[str, Any],
        inputs: Sequence[int],
        tensors: Mapping[str, Owned] | None = None,
    ) -> None:
        """Add the item of a node, whose first output it gives.

        Raises:
            UnsaidError: if archlab has no such layer, or it gives another shape, or has other tensors.
        """
        output = self.result(node)[1:]
        self.bind(node.outputs[0], self.build(layer_type, options, inputs, output=output, tensors=tensors or {}))

    def opaque(self, node: Node, reason: str) -> None:
        """Add what is known of a node that is no layer: an item, or to a part.

        Raises:
            ConfigError: if a part reads more values than a layer takes.
        """
        part = self._part(node, reason)
        known = {name: value.sizes for name in node.outputs if name and (value := self.facts.value(name)) is not None}
        if not self._append_all(part, known):
            self._parts |= dict.fromkeys(known, part)

    def _part(self, node: Node, reason: str) -> Part:
        parts = tuple({id(part): part for name in node.inputs if (part := self._parts.get(name)) is not None}.values())
        own = [number for name in node.inputs if (number := self._numbers.get(name)) is not None]
        sources = tuple(dict.fromkeys([*[one for part in parts for one in part.sources], *own]))
        if len(sources) > MOST_SOURCES:
            message = f"a part of the file that has no samples in front reads more than {MOST_SOURCES:,} values"
            raise single_problem(message, Code.TOO_LARGE)
        return Part(node, parts, sources, parts[0].reason if parts else reason)

    def _append_all(self, part: Part, known: Mapping[str, tuple[int, ...] | None]) -> bool:
        """Add the items of a part that ends in a node; False where it does not end there."""
        kind = PART if part.before else opaque_type(part.node.op)
        sizes = {name: own for name, own in known.items() if own is not None and self._keeps_samples(own)}
        if not part.sources or len(sizes) < len(known):
            return False
        try:
            for own in sizes.values():
                self._made(kind, {"output": own[1:]}, part.sources)
        except UnsaidError:  # larger than the language takes
            return False
        counted = self._sum(part)
        for number, (name, own) in enumerate(sizes.items()):
            result = number if len(sizes) > 1 else None
            self._append(kind, part, (name, own[1:], result), Sum({}, Work()) if number else counted)
        return True

    def _append(self, kind: str, part: Part, output: tuple[str, Shape, int | None], counted: Sum) -> None:
        """Add the item of a result: its name, its sizes, and which of several it is."""
        name, sizes, result = output
        options: dict[str, Any] = {
            "output": sizes,
            "args": UNKNOWN_ARGS,
            **({} if result is None else {"result": result}),
        }
        options |= {"params": sum(counted.weights.values()), "buffers": 0}
        options |= {} if counted.work is None else counted.work._asdict()
        path = self.path_here(kind.rpartition(".")[2].lower())
        told = Opacity(path, part.reason, {weight: weight for weight in counted.weights})
        self.bind(name, self.build_opaque(kind, options, part.sources, told))

    def _sum(self, part: Part) -> Sum:
        """What is in a part and in no item yet: every node and every tensor counts once."""
        weights: dict[str, int] = {}
        work: Work | None = Work()
        for node in self._unsaid(part):
            self._said.add(id(node))
            work = _added(work, self._work(node))
            weights |= self._weights(node)
        held = {owner for item in self.items for owner in item.tensors.values()} if weights else set()
        return Sum({name: count for name, count in weights.items() if name not in held}, work)

    def _unsaid(self, part: Part) -> list[Node]:
        """The nodes of a part that are in no item yet."""
        found: dict[int, Node] = {}
        waiting = [part]
        while waiting:
            one = waiting.pop()
            if id(one.node) not in self._said and id(one.node) not in found:
                found[id(one.node)] = one.node
                waiting += one.before
        return list(found.values())

    def left(self, parts: Sequence[Part]) -> tuple[Counter[str], int]:
        """The operators of parts that never end, by how often, and the elements of tensors in them alone."""
        nodes = {id(node): node for part in parts for node in self._unsaid(part)}
        weights = {name: count for node in nodes.values() for name, count in self._weights(node).items()}
        held = {owner for item in self.items for owner in item.tensors.values()}
        params = sum(count for name, count in weights.items() if name not in held)
        return Counter([node.op for node in nodes.values()]), params

    def _weights(self, node: Node) -> dict[str, int]:
        """The tensors of fractions that a node has, with their elements."""
        values = [value for name in node.inputs if (value := self.facts.value(name)) is not None]
        found = [value.weight for value in values if value.weight is not None and value.kind.type in FLOATS]
        return {weight.name: prod(weight.sizes) for weight in found if prod(weight.sizes) > 1}

    def _work(self, node: Node) -> Work | None:
        """What a node computes for a sample; None where that is not known."""
        if node.op not in _COUNTED:
            return None if node.op in _UNCOUNTED or "." in node.op else Work()
        left, right = self.value(node, 0), self.value(node, 1)
        output = self.facts.value(node.outputs[0])
        if not (left and right and output) or not (left.sizes and right.sizes) or output.sizes is None:
            return None
        learned = prod(output.sizes) if node.op != "MatMul" or right.constant else 0
        return Work(_macs(node, left.sizes, right.sizes, output.sizes) // self.batch, learned // self.batch)

    def part_of(self, name: str) -> Part | None:
        """The part that a value is in, that has not ended."""
        return None if name in self._numbers else self._parts.get(name)

    def restore(self, count: int) -> None:
        """Take back items that were added in vain."""
        if len(self.items) == count:
            return
        self.drop(count)
        limit = self.first + count
        self._numbers = {name: value for name, value in self._numbers.items() if value < limit}


def _macs(node: Node, left: Shape, right: Shape, output: Shape) -> int:
    if node.op == "Conv":
        return prod(output) * prod(right[1:])
    if node.op == "ConvTranspose":
        return prod(left) * prod(right[1:])
    turned = node.op == "Gemm" and node.attributes.get("transA", 0)
    return prod(output) * (left[0] if turned else left[-1])


def owned(value: Value | None, sizes: Sequence[int] | None = None, *, turned: bool = False) -> Owned:
    """A constant as a tensor of a layer.

    Args:
        value: it.
        sizes: as the layer has it, where it differs in dimensions of 1 only.
        turned: whether its two dimensions are to be exchanged.

    Raises:
        UnsaidError: if it comes from an input, or is none.
    """
    if value is None or not value.constant or value.sizes is None:
        raise UnsaidError("its weights come from an input")
    shape = tuple(reversed(value.sizes)) if turned else value.sizes
    wanted = shape if sizes is None else tuple(sizes)
    if [size for size in shape if size != 1] != [size for size in wanted if size != 1]:
        raise UnsaidError(f"its weights are of {list(shape)}, and {list(wanted)} are wanted")
    if value.weight is None:
        return Owned(None, wanted)
    weight = replace(value.weight, turned=value.weight.turned != turned)
    uniform = prod(wanted) > 1 and is_vector(wanted) and value.number is not None
    return Owned(tensor_name(weight, wanted), wanted, uniform=uniform)


def tensor_name(weight: Weight, wanted: tuple[int, ...]) -> str | None:
    """What an item calls a tensor of the file (`weights`): its name, and what is to be done with it.

    `fc.T` has its two dimensions exchanged, and `scale.flatten()` dimensions of 1 in front left out.
    """
    if weight.turned:
        return f"{weight.name}.T"
    if weight.sizes == wanted or (len(wanted) > 1 and _extent(weight.sizes) == _extent(wanted)):
        return weight.name
    return f"{weight.name}.flatten()"


def _extent(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes without those of 1 at the end, which say nothing."""
    size = len(sizes)
    while size and sizes[size - 1] == 1:
        size -= 1
    return sizes[:size]


def opaque_type(op: str) -> str:
    """The type of an operator as a dotted name: `onnx.NonMaxSuppression`, `onnx.com.microsoft.FusedConv`."""
    words = [re.sub(r"\W", "_", word, flags=re.ASCII)[:40] for word in op.split(".")[:4]]
    plain = [f"{word}_" if iskeyword(word) else word for word in words if word]
    return ".".join(["onnx", *[word if word[0].isalpha() or word[0] == "_" else f"_{word}" for word in plain]])[:180]
