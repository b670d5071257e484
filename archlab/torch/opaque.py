"""Classes and functions of other packages: imported and made where a model is built, and nowhere else.

Whatever goes wrong in them is told as a problem at the layer's line.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Hashable
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.overrides import get_overridable_functions

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, Problem
from archlab.graph import Graph, Node
from archlab.layers.base import Layer
from archlab.layers.foreign import error_text, is_foreign
from archlab.layers.opaque import Opaque
from archlab.layers.shape import Shape, shape_text


def make_foreign(node: Node, inputs: tuple[Shape, ...]) -> nn.Module:
    """The module of a layer whose class is another package's: an opaque one, or one that a package registers.

    Raises:
        ConfigError: if its class cannot be imported, is no `nn.Module`, or does not take the arguments.
    """
    layer = node.layer
    if isinstance(layer, Opaque) and layer.is_function():
        return FunctionOfTensors(_function(node), layer.torch_arguments())
    cls = _class(node)
    try:
        return cls(**layer.inferred(inputs), **layer.torch_arguments())
    except Exception as error:  # noqa: BLE001 - it is other people's code
        reason = f"{layer.torch_class} does not take its 'args': {error_text(error)}"
        raise _failed(node, reason, Code.WRONG_VALUE) from None


class FunctionOfTensors(nn.Module):
    """A function of PyTorch's as a module.

    Args:
        function: it.
        arguments: behind the tensors, by name.
    """

    def __init__(self, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        super().__init__()
        self.function = function
        self.arguments = arguments

    def forward(self, *inputs: Tensor) -> Any:
        """What the function gives."""
        return self.function(*inputs, **self.arguments)


def is_foreign_module(layer: Layer) -> bool:
    """Whether a layer's module is of a class that is none of PyTorch's, torchvision's or archlab's, as far as known."""
    return layer.role == "opaque" or (bool(layer.torch_class) and is_foreign(type(layer)))


def _class(node: Node) -> type[nn.Module]:
    _require_arguments(node)
    package, _, word = node.layer.torch_class.rpartition(".")
    found = _imported(node, package or "torch.nn", word)
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise _failed(node, f"{node.layer.torch_class} is no class of torch.nn.Module", Code.WRONG_VALUE)
    return found


def _function(node: Node) -> Callable[..., Any]:
    """A function on tensors of PyTorch's or torchvision's. A config may be a stranger's: others are not called."""
    _require_arguments(node)
    package, _, word = node.layer.torch_class.rpartition(".")
    found = getattr(Tensor, word, None) if package == "torch.Tensor" else _imported(node, package, word)
    is_known = isinstance(found, Hashable) and found in _functions_of_tensors()
    if word.startswith("_") or not callable(found) or not (is_known or package == "torchvision.ops"):
        reason = (
            f"{node.layer.type} is no function on tensors, and no other is called; write a class of torch.nn.Module "
            "that calls it"
        )
        raise _failed(node, reason, Code.UNKNOWN_LAYER)
    return found  # type: ignore[no-any-return]


@cache
def _functions_of_tensors() -> frozenset[Any]:
    """Those that PyTorch lets other kinds of tensors override: none writes a file or runs code."""
    return frozenset([one for several in get_overridable_functions().values() for one in several])


def _require_arguments(node: Node) -> None:
    if isinstance(node.layer, Opaque) and node.layer.fault():
        raise _failed(node, node.layer.fault(), Code.MISSING)


def _imported(node: Node, package: str, word: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = getattr(import_module(package), word, None)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is other people's code
        reason = f"{package} cannot be imported: {error_text(error)}"
        raise _failed(node, reason, Code.UNKNOWN_LAYER) from None
    if found is None:
        raise _failed(node, f"{package} has no '{word}'", Code.UNKNOWN_LAYER)
    return found


def opaque_nodes(graph: Graph) -> list[Node]:
    """The opaque layers that have a module of their own."""
    repeats = graph.repeats()
    return [node for node in graph.layers if node.layer.role == "opaque" and node.index not in repeats]


def picked(traced: fx.Graph, node: Node, call: fx.Node) -> fx.Node:
    """The value that a layer gives, out of what its module returns."""
    number = getattr(node.layer, "result", None) if node.layer.role == "opaque" else None
    return call if number is None else traced.call_function(operator.getitem, (call, number))


def given_shapes(model: fx.GraphModule, graph: Graph, batch: int = 1) -> dict[str, tuple[int, ...]]:
    """What shapes the opaque layers of a built model give, each by itself, with the batch; by path.

    Raises:
        ConfigError: if one does not run on what its config says that enters, or gives no tensor.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            found = {node.path: _run(model, graph, node, batch) for node in graph.layers if node.layer.role == "opaque"}
    finally:
        for module, mode in modes.items():
            module.training = mode
    return {path: tuple(value.shape) for path, value in found.items()}


def require_declared(model: fx.GraphModule, graph: Graph) -> None:
    """Refuse a built model whose opaque layers do not give the shapes that are declared.

    Raises:
        ConfigError: at the first that does not.
    """
    if not opaque_nodes(graph):
        return
    shapes = given_shapes(model, graph)
    for node in graph.layers:
        if node.layer.role == "opaque" and shapes[node.path] != (1, *node.shape):
            declared, given = shape_text((1, *node.shape)), shape_text(shapes[node.path])
            raise _failed(node, f"{node.layer.type} gives {given}, and its 'output' says {declared}", Code.SHAPE)


def _run(model: fx.GraphModule, graph: Graph, node: Node, batch: int) -> Tensor:
    module = model.get_submodule(node.module)
    some = next((tensor for tensor in (*module.parameters(), *module.buffers())), torch.zeros(()))
    dtype = some.dtype if some.is_floating_point() else torch.get_default_dtype()
    inputs = [torch.zeros(batch, *shape, device=some.device, dtype=dtype) for shape in graph.input_shapes(node)]
    try:
        value = module(*inputs)
    except Exception as error:  # noqa: BLE001 - it is other people's code
        shapes = " and ".join([shape_text(tuple(one.shape)) for one in inputs])
        raise _failed(node, f"{node.layer.type} does not run on {shapes}: {error_text(error)}", Code.SHAPE) from None
    return _chosen(node, value)


def _chosen(node: Node, value: object) -> Tensor:
    number, word = getattr(node.layer, "result", None), node.layer.type
    several = value if isinstance(value, tuple | list) else None
    kind = f"{len(several)} values" if several is not None else f"a {type(value).__name__}"
    if number is None:
        if isinstance(value, Tensor):
            return value
        hint = "write which is wanted, result: 0 for the first" if several is not None else "it must return a tensor"
        raise _failed(node, f"{word} returns {kind}; {hint}", Code.WRONG_VALUE)
    if several is None or number >= len(several) or not isinstance(several[number], Tensor):
        raise _failed(node, f"{word} returns {kind}, of which 'result: {number}' is no tensor", Code.WRONG_VALUE)
    chosen: Tensor = several[number]
    return chosen


def _failed(node: Node, reason: str, code: Code) -> ConfigError:
    return ConfigError([Problem(f"'{node.path}': {reason}", code, node.place, node.trail)])
