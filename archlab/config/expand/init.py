"""`init`: how weights are initialised, by layer type and, before that, on a layer itself.

    layers:
      - {name: head, type: linear, out_features: 10, init: {weight: {type: normal, std: 0.001}}}
    init:
      conv2d: {weight: {type: kaiming_normal, mode: fan_out, nonlinearity: relu}, bias: zeros}
      linear: {weight: {type: normal, std: 0.01}, bias: zeros}

Names and options are those of `torch.nn.init`; what is not named, or is `default`, keeps PyTorch's own.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingView
from typing import Any

from archlab.config.initializers import INITIALIZERS, Initializer, find_initializer
from archlab.config.syntax.expressions import UnknownValueError
from archlab.config.syntax.substitute import substitute
from archlab.config.syntax.yaml_nodes import Mapping, Node, Scalar, kind, value_kind
from archlab.config.tree.validation import Places, validate_model
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError, Problems
from archlab.diagnostics.suggest import did_you_mean
from archlab.layers import find_layer, layer_types, registered_types
from archlab.layers.base import Layer
from archlab.layers.macro import Macro

TENSORS = ("weight", "bias")
DEFAULT = "default"
"""PyTorch's own initialisation, whatever is said elsewhere."""

TensorInit = dict[str, Initializer | None]
"""Tensor name to initialiser, None for PyTorch's own."""


def read_init(node: Mapping, params: MappingView[str, Any], problems: Problems) -> dict[str, TensorInit]:
    """The initialisers of a config, by layer type.

    Args:
        node: the value of `init`.
        params: values for expressions.
        problems: the collector.
    """
    found: dict[str, TensorInit] = {}
    for layer_type, value in node.entries.items():
        place = node.keys[layer_type]
        if layer_type not in layer_types() and layer_type not in registered_types():
            message = f"'init' names layer types; there is no '{layer_type}'{did_you_mean(layer_type, layer_types())}"
            problems.add(message, Code.UNKNOWN_LAYER, place)
            continue
        cls = initialised_class(layer_type)
        if cls is None:
            message = f"'{layer_type}' stands for other layers, and 'init' names those; write conv2d"
            problems.add(message, Code.WRONG_VALUE, place)
            continue
        try:
            found[cls.type] = read_tensors(layer_type, cls, value, substitute(value, params), problems, ())
        except BadItemError as error:
            problems.add_error(error)
        except UnknownValueError:
            pass
    return found


def initialised_class(layer_type: str) -> type[Layer] | None:
    """The class of the nodes whose tensors a layer type means; None for a macro without tensors of its own."""
    cls = find_layer(layer_type)
    assert cls is not None
    return cls.operation if issubclass(cls, Macro) else cls


def read_tensors(
    layer_type: str, cls: type[Layer], node: Node, value: Any, problems: Problems, trail: tuple[str, ...]
) -> TensorInit:
    """The initialisers of one layer or layer type.

    Args:
        layer_type: as the user calls it.
        cls: of the nodes that own the tensors.
        node: where it is written.
        value: what is written, with expressions evaluated.
        problems: the collector.
        trail: through which blocks it came about.
    """
    if value == DEFAULT:
        return dict.fromkeys(TENSORS)
    if not isinstance(node, Mapping):
        message = f"init of {layer_type} is a mapping such as {{weight: zeros}}, or default, not {kind(node)}"
        problems.add(message, Code.WRONG_TYPE, node.place, trail)
        return {}
    made: TensorInit = {}
    for tensor, entry in node.entries.items():
        if tensor not in TENSORS:
            hint = did_you_mean(tensor, TENSORS) or "; it has weight and bias"
            problems.add(f"init has no tensor '{tensor}'{hint}", Code.UNKNOWN_OPTION, node.keys[tensor], trail)
            continue
        if value[tensor] == DEFAULT:
            made[tensor] = None
            continue
        initializer = _read_initializer(entry, value[tensor], problems, trail)
        if initializer is None:
            continue
        if initializer.needs_matrix and (tensor != "weight" or cls.role != "weighted"):
            message = f"{initializer.type} needs a weight of a convolution or linear layer, not {layer_type}'s {tensor}"
            problems.add(message, Code.WRONG_VALUE, entry.place, trail)
            continue
        made[tensor] = initializer
    return made


def _read_initializer(node: Node, value: Any, problems: Problems, trail: tuple[str, ...]) -> Initializer | None:
    options = dict(value) if isinstance(value, dict) else {"type": value}
    type_name = options.pop("type", None)
    cls = find_initializer(type_name) if isinstance(type_name, str) else None
    if cls is None and not isinstance(type_name, str):
        message = f"an initialiser is a name such as zeros, or a mapping with 'type', not {value_kind(type_name)}"
        problems.add(message, Code.WRONG_TYPE, _type_place(node).place, trail)
        return None
    if cls is None:
        hint = did_you_mean(type_name, INITIALIZERS) or f"; there are {', '.join(INITIALIZERS)} and {DEFAULT}"
        place = _type_place(node).place
        problems.add(f"there is no initialiser '{type_name}'{hint}", Code.UNKNOWN_INITIALISER, place, trail)
        return None
    return validate_model(cls, cls.type, options, Places.of(node), problems, trail)


def _type_place(node: Node) -> Node:
    if isinstance(node, Mapping):
        found = node.entries.get("type")
        if isinstance(found, Scalar):
            return found
    return node
