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
from dataclasses import dataclass, field, replace
from keyword import iskeyword
from math import prod
from typing import Any, NamedTuple

from archlab.imports.builder import Builder, Opacity, Owned
from archlab.imports.flat import Scope
from archlab.imports.onnx.names import Spot, Spots
from archlab.imports.onnx.propagate import Facts, Value, Weight
from archlab.imports.onnx.source import Node
from archlab.imports.unsaid import UnsaidError
from archlab.layers.opaque import MOST_DIMENSIONS, UNKNOWN_ARGS
from archlab.layers.shape import Shape

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


def _sum(one: Work | None, other: Work | None) -> Work | None:
    """Of two; None where one of them is not known."""
    if one is None or other is None:
        return None
    return Work(one.macs + other.macs, one.activations + other.activations)


@dataclass
class Part:
    """Nodes whose results do not have the samples in front.

    Attributes:
        sources: values of the network that enter it.
        operators: how many there are of each.
        weights: tensors of the file that are in it, with their elements.
        work: for a sample; None where it is not known.
        reason: why the first of them is no layer.
        counted: whether its tensors and work are in an item.
    """

    sources: list[int] = field(default_factory=list)
    operators: Counter[str] = field(default_factory=Counter)
    weights: dict[str, int] = field(default_factory=dict)
    work: Work | None = field(default_factory=Work)
    reason: str = ""
    counted: bool = False


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
        """Add what is known of a node that is no layer: an item, or to a part."""
        parts = list({id(part): part for name in node.inputs if (part := self._parts.get(name)) is not None}.values())
        part = self._joined(node, parts, reason)
        was_counted = part.counted
        known = {name: value.sizes for name in node.outputs if name and (value := self.facts.value(name)) is not None}
        if not self._append_all(node, part, known):
            part.counted = was_counted
            self._parts |= dict.fromkeys(known, part)

    def _append_all(self, node: Node, part: Part, known: Mapping[str, tuple[int, ...] | None]) -> bool:
        """Add the items of a part that ends in a node; False where it does not end there."""
        kind = opaque_type(node.op) if sum(part.operators.values()) == 1 else PART
        sizes = {name: own for name, own in known.items() if own is not None and self._keeps_samples(own)}
        if not part.sources or len(sizes) < len(known):
            return False
        before = len(self.items)
        try:
            for number, (name, own) in enumerate(sizes.items()):
                self._append_opaque(kind, part, name, own[1:], number if len(sizes) > 1 else None)
        except UnsaidError:
            self.restore(before)
            return False
        return True

    def _append_opaque(self, kind: str, part: Part, name: str, sizes: Shape, result: int | None) -> None:
        """Add the item of a result.

        Raises:
            UnsaidError: if it is larger than the language takes.
        """
        held = set() if part.counted else {owner for item in self.items for owner in item.tensors.values()}
        elements = {weight: count for weight, count in part.weights.items() if weight not in held and not part.counted}
        work = Work() if part.counted else part.work
        options: dict[str, Any] = {"output": sizes, "args": UNKNOWN_ARGS}
        options |= {} if result is None else {"result": result}
        options |= {"params": sum(elements.values()), "buffers": 0, **({} if work is None else work._asdict())}
        self._layer(kind, options, part.sources)
        path = self.path_here(kind.rpartition(".")[2].lower())
        told = Opacity(path, part.reason, {weight: weight for weight in elements})
        self.bind(name, self.build_opaque(kind, options, part.sources, told))
        part.counted = True

    def _joined(self, node: Node, parts: Sequence[Part], reason: str) -> Part:
        """A part with those that a node reads, and itself."""
        joined = Part(reason=parts[0].reason if parts else reason)
        for part in parts:
            joined.sources += [one for one in part.sources if one not in joined.sources]
            joined.operators += part.operators
            joined.weights |= part.weights
            joined.work = _sum(joined.work, part.work)
        joined.counted = bool(parts) and all(part.counted for part in parts)
        for name in node.inputs:
            value, number = self.facts.value(name), self._numbers.get(name)
            if number is not None and number not in joined.sources:
                joined.sources.append(number)
            elif value is not None and value.weight is not None and prod(value.weight.sizes) > 1:
                joined.weights[value.weight.name] = prod(value.weight.sizes)
        joined.operators[node.op] += 1
        joined.work = _sum(joined.work, self._work(node))
        return joined

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
    return Owned(tensor_name(weight, wanted), wanted)


def tensor_name(weight: Weight, wanted: tuple[int, ...]) -> str | None:
    """What an item calls a tensor of the file (`weights`): its name, and what is to be done with it.

    `fc.T` has its two dimensions exchanged, and `scale.flatten()` dimensions of 1 in front left out.
    """
    if weight.turned:
        return f"{weight.name}.T"
    return weight.name if _extent(weight.sizes) == _extent(wanted) else f"{weight.name}.flatten()"


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
