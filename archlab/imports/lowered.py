"""An item as the primitives that it is once a config is read: what shape it gives, and which tensors it has.

Most items are one layer. A `Macro` is several, a convolution may have its weight made anew (`weight`) or its padding
differ in front and behind (`padding: same_tf`), and norms and activations may be written on a layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from archlab.config.expand.lowering import UNEVEN_PADDINGS
from archlab.imports.unsaid import UnsaidError
from archlab.layers import Layer, find_layer
from archlab.layers.base import TensorSpec
from archlab.layers.describe import own_options
from archlab.layers.macro import Macro, Step, chain
from archlab.layers.shape import Shape, ShapeError


class Lowered(NamedTuple):
    """An item and its facts.

    Attributes:
        layer: it, or the main one of its layers.
        options: as a config has them; PyTorch's defaults left out.
        shape: what comes out.
        tensors: of all its layers that are in a state dict, by their names below the item's path.
    """

    layer: Layer
    options: dict[str, Any]
    shape: Shape
    tensors: dict[str, TensorSpec]


def lowered(layer_type: str, options: Mapping[str, Any], inputs: tuple[Shape, ...]) -> Lowered:
    """What an item is.

    Args:
        layer_type: its type.
        options: as a config may have them, attached layers and `weight` as words or as mappings with a `type`.
        inputs: the shapes that enter.

    Raises:
        UnsaidError: if archlab has no such layer, or it does not take these.
    """
    cls = find_layer(layer_type)
    if cls is None:
        raise UnsaidError(f"there is no {layer_type}")
    own = {name: value for name, value in options.items() if name not in cls.attachments and name != "weight"}
    try:
        attached = {name: _layer(options[name]) for name in cls.attachments if options.get(name) is not None}
        main, weight = _with_weight(cls, own, options.get("weight"))
        steps = _steps(main, inputs, attached)
        shapes = _shapes(steps, inputs)
    except (ValidationError, ShapeError) as error:
        raise UnsaidError(f"{layer_type}: {_reason(error)}") from None
    added = type(main).model_fields.keys() - cls.model_fields.keys()  # by what makes the weight
    written = {name: value for name, value in own_options(main).items() if name not in added}
    further = {name: _written(layer) for name, layer in attached.items()}
    tensors = _tensors(steps, inputs, shapes)
    return Lowered(main, {**written, **weight, **further}, shapes[-1], tensors)


def _layer(value: Any) -> Layer:
    """A layer written on another: a word, or a mapping with its options."""
    options = dict(value) if isinstance(value, Mapping) else {"type": value}
    layer_type = options.pop("type")
    cls = find_layer(layer_type)
    if cls is None:
        raise UnsaidError(f"there is no {layer_type}")
    return cls(**options)


def _written(layer: Layer) -> Any:
    options = own_options(layer)
    return {"type": layer.type, **options} if options else layer.type


def _with_weight(cls: type[Layer], options: Mapping[str, Any], value: Any) -> tuple[Layer, dict[str, Any]]:
    """The layer that `weight` makes of a convolution, and how it is written."""
    if value is None:
        return cls(**options), {}
    given = dict(value) if isinstance(value, Mapping) else {"type": value}
    word = given.pop("type")
    made = find_layer(f"{word}_conv{cls.rank}d")
    if made is None:
        raise UnsaidError(f"there is no weight {word} of a {cls.type}")
    layer = made(**options, **given)
    further = {name: own for name, own in own_options(layer).items() if name in given}
    return layer, {"weight": {"type": word, **further} if further else word}


def _steps(main: Layer, inputs: tuple[Shape, ...], attached: Mapping[str, Layer]) -> list[Step]:
    if isinstance(main, Macro):
        return main.steps(inputs[0], attached)
    first = Step(main, tuple([-1 - number for number in range(len(inputs))]))
    steps = [first, *chain(0, *attached.values())]
    if getattr(main, "padding", None) in UNEVEN_PADDINGS:
        from archlab.layers.uneven_padding import with_padding  # few networks have it

        return with_padding(steps, inputs[0])[0]
    return steps


def _inputs(step: Step, inputs: Sequence[Shape], shapes: Sequence[Shape]) -> tuple[Shape, ...]:
    return tuple([shapes[read] if read >= 0 else inputs[-1 - read] for read in step.inputs])


def _shapes(steps: Sequence[Step], inputs: tuple[Shape, ...]) -> list[Shape]:
    shapes: list[Shape] = []
    for step in steps:
        shapes.append(step.layer.out_shape(_inputs(step, inputs, shapes)))
    return shapes


def _tensors(steps: Sequence[Step], inputs: tuple[Shape, ...], shapes: Sequence[Shape]) -> dict[str, TensorSpec]:
    found: dict[str, TensorSpec] = {}
    for step in steps:
        label = "" if len(steps) == 1 else f"{step.label or step.layer.alias}."
        specs = step.layer.tensors(_inputs(step, inputs, shapes))
        found |= {f"{label}{spec.name}": spec for spec in specs if spec.persistent}
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join([f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()])
    return str(error)
