"""What is known of every value before anything is written: its sizes, and of constants their numbers or weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.imports.onnx.fold import MOST_FOLDED, Array, folded
from archlab.imports.onnx.infer import Inference, Kind, kind_of
from archlab.imports.onnx.source import MOST_NODES, Node, nodes_of

if TYPE_CHECKING:
    import onnx

FLOATS = (1, 10, 11, 16)
"""Element types that are fractions: single, half, double, bfloat16."""


@dataclass(frozen=True, slots=True)
class Weight:
    """A tensor of the file.

    Attributes:
        name: of the tensor.
        sizes: as it is in the file.
        turned: whether its two dimensions are exchanged on the way.
    """

    name: str
    sizes: tuple[int, ...]
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A value.

    Attributes:
        kind: type of its elements, and sizes.
        constant: whether no input goes into it.
        weight: the tensor of the file that it is, but for dimensions of 1; None for any other.
        array: its numbers, where it is a small constant.
    """

    kind: Kind
    constant: bool = False
    weight: Weight | None = None
    array: Array | None = None

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """Of its dimensions, the batch among them; None where they are not known."""
        return self.kind.sizes

    @property
    def number(self) -> float | None:
        """Of a constant whose elements are all one number; None of any other."""
        if self.array is None or self.array.dtype.kind not in "fiu" or not self.array.size:
            return None
        first = self.array.flat[0]
        return float(first) if bool((self.array == first).all()) else None


UNKNOWN = Value(Kind())


@dataclass
class Facts:
    """A graph with what is known of its values.

    Attributes:
        nodes: those that an input goes into, in order; branches that are taken written out.
        values: by name.
        readers: nodes that read a value, by its name.
        makers: the node that gives a value, by its name.
        results: names of what the graph gives.
        inputs: names of what enters.
    """

    inputs: tuple[str, ...]
    results: tuple[str, ...]
    nodes: list[Node] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    readers: dict[str, list[Node]] = field(default_factory=dict)
    makers: dict[str, Node] = field(default_factory=dict)

    def value(self, name: str) -> Value | None:
        """A value; None for a name that is left out."""
        return self.values.get(name, UNKNOWN) if name else None

    def input(self, node: Node, number: int) -> Value | None:
        """What enters a node; None where it is left out."""
        return self.value(node.inputs[number]) if number < len(node.inputs) else None


def propagate(
    model: onnx.ModelProto, graph: onnx.GraphProto, inputs: Mapping[str, tuple[int, ...]], ignored: Iterable[str] = ()
) -> Facts:
    """What is known of the values of a graph.

    Args:
        model: whose versions of operators count.
        graph: its graph.
        inputs: sizes of what enters, the batch among them, by name.
        ignored: inputs that are no part of the network, whose values are not known.

    Raises:
        ConfigError: if a node reads what nothing before it gives, or there are too many of them.
    """
    facts = Facts(tuple(inputs), tuple(one.name for one in graph.output))
    kinds = {one.name: one.type.tensor_type.elem_type for one in graph.input}
    symbols = _symbols(graph, inputs)
    beside = set(ignored)
    facts.values |= {one.name: Value(kind_of(one.type)) for one in graph.input if one.name in beside}
    for name, sizes in inputs.items():
        facts.values[name] = Value(Kind(kinds[name], sizes))
    for tensor in graph.initializer:
        facts.values[tensor.name] = initial(tensor)
    for sparse in graph.sparse_initializer:
        facts.values[sparse.values.name] = Value(Kind(sparse.values.data_type, tuple(sparse.dims)), constant=True)
    stated = {one.name: _stated(one, symbols) for one in graph.value_info}
    stated |= {one.name: _stated(one, symbols) for one in graph.output}
    _walk(facts, nodes_of(graph.node), Inference(model.opset_import, model.ir_version), stated)
    _refuse_missing(facts)
    return facts


def _symbols(graph: onnx.GraphProto, inputs: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """What names of sizes stand for, as the inputs' sizes tell."""
    found: dict[str, int] = {}
    for one in graph.input:
        for dim, size in zip(one.type.tensor_type.shape.dim, inputs.get(one.name, ()), strict=False):
            if dim.dim_param:
                found.setdefault(dim.dim_param, size)
    return found


def _stated(info: onnx.ValueInfoProto, symbols: Mapping[str, int]) -> Kind:
    """What the file says of a value, with numbers for the names of sizes."""
    kind = kind_of(info.type)
    if kind.sizes is not None or not info.type.tensor_type.HasField("shape"):
        return kind
    dims = info.type.tensor_type.shape.dim
    sizes = [dim.dim_value if dim.HasField("dim_value") else symbols.get(dim.dim_param, -1) for dim in dims]
    return Kind(kind.type, tuple(sizes) if min(sizes, default=-1) >= 0 else None)


def initial(tensor: onnx.TensorProto, name: str | None = None) -> Value:
    """A tensor of the file; its numbers only where they are few and in the file itself."""
    from onnx import numpy_helper

    sizes, array = tuple(tensor.dims), None
    if 0 <= prod(sizes) <= MOST_FOLDED and tensor.data_location != tensor.EXTERNAL:
        try:
            array = numpy_helper.to_array(tensor)
        except Exception:  # noqa: BLE001 - it is data of others, which may be anything
            array = None
    weight = Weight(name or tensor.name, sizes)
    return Value(Kind(tensor.data_type, sizes), constant=True, weight=weight, array=array)


def _walk(facts: Facts, nodes: list[Node], inference: Inference, stated: Mapping[str, Kind]) -> None:
    """Nodes in order, each after what it reads; branches whose condition is known are put in their place."""
    waiting = list(reversed(nodes))
    seen = 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > MOST_NODES:
            raise single_problem(f"the file has more than {MOST_NODES:,} nodes", Code.TOO_LARGE)
        branch = _taken(facts, node)
        if branch is not None:
            waiting += reversed(branch)
            continue
        for name in node.inputs:
            if name and name not in facts.values:
                raise single_problem(
                    f"{_shown(node)} reads '{name:.80}', which no node before it gives: the graph runs in a circle, is "
                    "out of order, or a part of it is missing",
                    Code.UNREADABLE,
                )
        for name in node.outputs:
            if name and name in facts.values:
                raise single_problem(f"{_shown(node)} gives '{name:.80}', which is there already", Code.UNREADABLE)
        _note(facts, node, inference, stated)


def _shown(node: Node) -> str:
    return f"the node '{node.name:.80}' ({node.op:.40})" if node.name else f"a node ({node.op:.40})"


def _note(facts: Facts, node: Node, inference: Inference, stated: Mapping[str, Kind]) -> None:
    inputs = [facts.value(name) for name in node.inputs]
    given = [one for one in inputs if one is not None]
    arrays = [None if one is None else one.array for one in inputs]
    kinds = [Kind() if one is None else one.kind for one in inputs]
    constant = node.op not in _RANDOM and all(one.constant for one in given) and not _reads_outside(node)
    whole = _known(node, given, arrays)
    if whole is not None:
        facts.values[node.outputs[0]] = whole
        return
    found = kinds[:1] if node.op == "Identity" and len(node.outputs) == 1 else inference.outputs(node, kinds, arrays)
    for number, name in enumerate(node.outputs):
        kind = found[number]
        said = stated.get(name, Kind())
        if kind.sizes is None and said.sizes is not None:
            kind = Kind(kind.type or said.type, said.sizes)
        kind = Kind(kind.type or said.type or (given[0].kind.type if given else 0), kind.sizes)
        if name:
            weight = _moved(node, given, kind) if constant and number == 0 else None
            facts.values[name] = Value(kind, constant, weight)
    if not constant:
        _link(facts, node)


_RANDOM = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial")


def _link(facts: Facts, node: Node) -> None:
    facts.nodes.append(node)
    for name in dict.fromkeys(node.inputs):
        facts.readers.setdefault(name, []).append(node)
    for name in node.outputs:
        facts.makers[name] = node


def _reads_outside(node: Node) -> bool:
    """Whether it holds graphs, which may read values that are not among its inputs."""
    return any(hasattr(value, "node") for value in node.attributes.values())


def _known(node: Node, inputs: list[Value], arrays: list[Array | None]) -> Value | None:
    """The only output of a node as a constant that is known; None where it is none."""
    if len(node.outputs) != 1 or not node.outputs[0]:
        return None
    if node.op == "Constant" and hasattr(node.attributes.get("value"), "dims"):
        return initial(node.attributes["value"], node.outputs[0])
    if node.op in ("Shape", "Size") and inputs and inputs[0].sizes is not None:
        return _sizes(node, inputs[0].sizes)
    if not all(one.constant for one in inputs) or any(one.array is None for one in inputs):
        return None
    array = folded(node, arrays)
    if array is None:
        return None
    kind = Kind(_element_type(array), array.shape)
    return Value(kind, constant=True, weight=_moved(node, inputs, kind), array=array)


def _element_type(array: Array) -> int:
    from onnx import helper

    try:
        return int(helper.np_dtype_to_tensor_dtype(array.dtype))
    except (KeyError, ValueError):
        return 0


def _sizes(node: Node, sizes: tuple[int, ...]) -> Value:
    import numpy as np

    start, end = node.attributes.get("start", 0), node.attributes.get("end")
    found = sizes[start:end] if node.op == "Shape" else prod(sizes)
    array = np.asarray(found, np.int64)
    return Value(Kind(7, array.shape), constant=True, array=array)


def _moved(node: Node, inputs: list[Value], kind: Kind) -> Weight | None:
    """The tensor of the file that a constant still is: renamed, turned, for each sample, with other 1s in its sizes."""
    weight = inputs[0].weight if inputs else None
    if weight is None or kind.sizes is None:
        return None
    if node.op == "Identity":
        # Exporters keep equal tensors once; the copy has the name that the model knows.
        return weight if weight.turned else Weight(node.outputs[0], weight.sizes)
    if node.op == "Transpose" and len(weight.sizes) == 2 and node.attributes.get("perm") in ((1, 0), None):
        return Weight(weight.name, weight.sizes, turned=not weight.turned)
    if node.op == "Expand":
        return weight if weight.sizes[1:] == kind.sizes[1:] and weight.sizes[:1] == (1,) else None
    if node.op in ("Reshape", "Squeeze", "Unsqueeze"):
        before = [size for size in inputs[0].sizes or () if size != 1]
        return weight if before == [size for size in kind.sizes if size != 1] else None
    return None


def _taken(facts: Facts, node: Node) -> list[Node] | None:
    """The nodes of the branch that an `If` takes, where its condition is known; None of any other node."""
    if node.op != "If" or not node.inputs:
        return None
    condition = facts.value(node.inputs[0])
    if condition is None or condition.array is None or condition.array.size != 1:
        return None
    body: Any = node.attributes.get("then_branch" if bool(condition.array.flat[0]) else "else_branch")
    if body is None or not hasattr(body, "node") or len(body.output) != len(node.outputs):
        return None
    for tensor in body.initializer:
        facts.values[tensor.name] = initial(tensor)
    passed = [
        Node("Identity", node.name, (one.name,), (name,), notes=node.notes)
        for one, name in zip(body.output, node.outputs, strict=True)
    ]
    return [*nodes_of(body.node), *passed]


def _refuse_missing(facts: Facts) -> None:
    for name in facts.results:
        if name not in facts.values:
            message = f"the file gives '{name:.80}' as a result, which no node makes: a part of it is missing"
            raise single_problem(message, Code.UNREADABLE)
