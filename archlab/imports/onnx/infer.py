"""Shapes of what an operator gives, by ONNX's own inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from archlab.imports.onnx.source import Node

if TYPE_CHECKING:
    import onnx

    from archlab.imports.onnx.fold import Array

MOST_SHOWN = 1024
"""Elements of a constant that inference is shown."""
MOST_SIZE = 2**31
"""Of a dimension."""


class Kind(NamedTuple):
    """What is known of a value's form.

    Attributes:
        type: of its elements, by ONNX's number; 0 where that is not known.
        sizes: of its dimensions; None where one of them is not known.
    """

    type: int = 0
    sizes: tuple[int, ...] | None = None


class Inference:
    """Asks ONNX what nodes give."""

    def __init__(self, opsets: Sequence[onnx.OperatorSetIdProto], ir_version: int) -> None:
        self._opsets = list(opsets)
        self._versions = {one.domain or "": one.version for one in opsets}
        self._ir_version = ir_version

    def outputs(self, node: Node, kinds: Sequence[Kind], arrays: Sequence[Array | None]) -> list[Kind]:
        """What a node gives, for each of its outputs.

        Args:
            node: it.
            kinds: of its inputs.
            arrays: their values where they are known.
        """
        from onnx import defs, numpy_helper, shape_inference

        nothing = [Kind()] * len(node.outputs)
        if node.proto is None:
            return nothing
        domain = "" if node.proto.domain == "ai.onnx" else node.proto.domain
        types = {name: _type(kind) for name, kind in zip(node.inputs, kinds, strict=True) if name and kind.type}
        data = {
            name: numpy_helper.from_array(array, name)
            for name, array in zip(node.inputs, arrays, strict=True)
            if name and array is not None and array.size <= MOST_SHOWN and array.dtype != object
        }
        try:
            schema = defs.get_schema(node.proto.op_type, self._versions.get(domain, 1), domain)
            found = shape_inference.infer_node_outputs(
                schema, node.proto, types, data, opset_imports=self._opsets, ir_version=self._ir_version
            )
        except Exception:  # noqa: BLE001 - it is C++ code, which is given anything
            return nothing
        return [kind_of(found[name]) if name in found else Kind() for name in node.outputs]


def _type(kind: Kind) -> onnx.TypeProto:
    from onnx import helper

    return helper.make_tensor_type_proto(kind.type, kind.sizes)


def kind_of(proto: onnx.TypeProto) -> Kind:
    """What ONNX says of a value, where all sizes are numbers."""
    if not proto.HasField("tensor_type"):
        return Kind()
    one = proto.tensor_type
    if not one.HasField("shape"):
        return Kind(one.elem_type)
    sizes = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in one.shape.dim]
    is_known = all(0 <= size < MOST_SIZE for size in sizes)
    return Kind(one.elem_type, tuple(sizes) if is_known else None)
