"""A model's graph as nodes whose attributes are plain values, with its local functions written out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.imports.unsaid import UnsaidError

if TYPE_CHECKING:
    import onnx

MOST_NODES = 50_000
MOST_METADATA = 20_000
"""Letters of one note of the exporter's that are looked at."""

MALFORMED = (ArithmeticError, AttributeError, IndexError, TypeError, ValueError)
"""What reading a node raises whose inputs or attributes are not those of its operator."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operator.

    Attributes:
        op: its type; of another domain than ONNX's own with that in front: `com.microsoft.FusedConv`.
        name: as the exporter wrote it.
        inputs: names of values; empty for one that is left out.
        outputs: likewise.
        attributes: numbers, texts and lists of them; tensors and graphs as ONNX has them.
        notes: what the exporter wrote beside it, by key.
        proto: the node itself.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    proto: onnx.NodeProto | None = None

    def integer(self, name: str, default: int) -> int:
        """A whole number.

        Raises:
            UnsaidError: if it is none.
        """
        value = self.attributes.get(name, default)
        if type(value) is not int:
            raise UnsaidError(f"its {name} is no whole number")
        return value

    def number(self, name: str, default: float) -> float:
        """A number, as short as single precision takes it.

        Raises:
            UnsaidError: if it is none.
        """
        value = self.attributes.get(name, default)
        if not isinstance(value, int | float):
            raise UnsaidError(f"its {name} is no number")
        return tidy(value)

    def integers(self, name: str) -> tuple[int, ...] | None:
        """A list of whole numbers; None where there is none.

        Raises:
            UnsaidError: if it is another value.
        """
        value = self.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, tuple) or not all(type(one) is int for one in value):
            raise UnsaidError(f"its {name} are no whole numbers")
        return value

    def text(self, name: str, default: str) -> str:
        """A text.

        Raises:
            UnsaidError: if it is none.
        """
        value = self.attributes.get(name, default)
        if not isinstance(value, str):
            raise UnsaidError(f"its {name} is no text")
        return value


def tidy(value: float) -> float:
    """The shortest number that single precision takes for this one: 1e-05 for 9.999999747378752e-06."""
    import numpy as np

    with np.errstate(over="ignore"):
        return float(str(np.float32(value)))


def inlined(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model without local functions: their nodes are where they were called.

    Raises:
        ConfigError: if they call one another in a circle, or make more nodes than are read.
    """
    from onnx import inliner

    if not model.functions:
        return model
    sizes = _function_sizes(model)
    count = sum(1 + sizes.get((node.domain, node.op_type), 0) for node in model.graph.node)
    if count > MOST_NODES:
        raise _too_many(count)
    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # noqa: BLE001 - it is C++ code, which is given anything
        reason = str(error).strip().split("\n", maxsplit=1)[0][:200]
        raise single_problem(f"the file's functions cannot be written out: {reason}", Code.UNREADABLE) from None


def _function_sizes(model: onnx.ModelProto) -> dict[tuple[str, str], int]:
    """How many nodes each function is, with all that it calls."""
    bodies = {(one.domain, one.name): one for one in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    for start in bodies:
        waiting = [start]
        while waiting:
            key = waiting[-1]
            calls = [(node.domain, node.op_type) for node in bodies[key].node]
            missing = [call for call in dict.fromkeys(calls) if call in bodies and call not in sizes]
            if key in sizes or not missing:
                sizes.setdefault(key, sum(1 + sizes.get(call, 0) for call in calls))
                waiting.pop()
            elif any(call in waiting for call in missing):
                raise single_problem(f"the file's function '{key[1]:.60}' calls itself", Code.UNREADABLE)
            else:
                waiting.append(missing[0])
    return sizes


def nodes_of(protos: Iterable[onnx.NodeProto]) -> list[Node]:
    """Nodes, in the order of the file.

    Raises:
        ConfigError: if there are more than are read.
    """
    found = list(protos)
    if len(found) > MOST_NODES:
        raise _too_many(len(found))
    return [_node(proto) for proto in found]


def _too_many(count: int) -> Exception:
    return single_problem(f"the file has {count:,} nodes; at most {MOST_NODES:,} are read", Code.TOO_LARGE)


def _node(proto: onnx.NodeProto) -> Node:
    own = proto.domain in ("", "ai.onnx")
    return Node(
        op=proto.op_type if own else f"{proto.domain}.{proto.op_type}",
        name=proto.name,
        inputs=tuple(proto.input),
        outputs=tuple(proto.output),
        attributes={one.name: _value(one) for one in proto.attribute},
        notes={one.key: one.value[:MOST_METADATA] for one in proto.metadata_props},
        proto=proto,
    )


def _value(attribute: onnx.AttributeProto) -> Any:
    kinds = type(attribute)
    plain = {kinds.FLOAT: "f", kinds.INT: "i", kinds.TENSOR: "t", kinds.GRAPH: "g"}
    several = {kinds.FLOATS: "floats", kinds.INTS: "ints"}
    if attribute.type in plain:
        return getattr(attribute, plain[attribute.type])
    if attribute.type in several:
        return tuple(getattr(attribute, several[attribute.type]))
    if attribute.type == kinds.STRING:
        return attribute.s.decode("utf-8", "replace")
    return None
