"""From one validated item to the primitive layers it stands for: the layer, its norm, its activation."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from archlab.config.expand.init import TensorInit, initialised_class, read_tensors
from archlab.config.expand.weight import with_weight
from archlab.config.syntax.yaml_nodes import Mapping, Node, value_kind
from archlab.config.tree.items import Item, LayerItem
from archlab.config.tree.validation import Places, option_names, unknown_option, validate_model
from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import BadItemError, Problems
from archlab.diagnostics.suggest import did_you_mean
from archlab.layers import Layer, find_layer, types_with_role
from archlab.layers.activation import InplaceActivation
from archlab.layers.conv import Conv2d, ConvNd
from archlab.layers.foreign import error_text, expanded, is_foreign
from archlab.layers.macro import Macro, Step, chain
from archlab.layers.ranks import of_rank
from archlab.layers.shape import Shape

Trail = tuple[str, ...]
UNEVEN_PADDINGS = ("same_tf", "causal")
"""Paddings of convolutions and poolings that differ in front and behind."""


class Lowered:
    """A validated item: its layer, and the layers written on it."""

    __slots__ = ("_padded", "_steps", "attached", "init", "main")

    def __init__(self, main: Layer, attached: dict[str, Layer], init: TensorInit | None) -> None:
        self.main = main
        self.attached = attached
        self.init = init
        self._steps: dict[tuple[Shape, int], list[Step]] = {}
        self._padded: list[Layer] = []
        """What the layer is for some inputs, where its padding depends on their size."""

    def owns_init(self, layer: Layer) -> bool:
        """Whether the item's `init` is that of a primitive."""
        main = self.main
        is_main = layer is main or any(layer is padded for padded in self._padded)
        return is_main or (isinstance(main, Macro) and isinstance(layer, main.operation or ()))

    def steps(self, inputs: tuple[Shape, ...]) -> list[Step]:
        """The primitives for input shapes.

        Raises:
            ShapeError: if the layer cannot take them.
        """
        key = inputs[0], len(inputs)
        if key not in self._steps:
            if isinstance(self.main, Macro):
                self._steps[key] = expanded(self.main, inputs[0], self.attached)
            else:
                first = Step(self.main, tuple([-1 - number for number in range(len(inputs))]))
                self._steps[key] = [first, *chain(0, *self.attached.values())]
            if getattr(self.main, "padding", None) in UNEVEN_PADDINGS:
                self._steps[key], padded = _padded(self._steps[key], inputs[0])
                self._padded.append(padded)
        return self._steps[key]


def _padded(steps: list[Step], shape: Shape) -> tuple[list[Step], Layer]:
    """Primitives with numbers for a padding that differs in front and behind, and which of them the item means."""
    main = steps[0].layer
    if isinstance(main, ConvNd):
        from archlab.layers.uneven_padding import with_padding  # few networks have it

        return with_padding(steps, shape)
    from archlab.layers.same_pool import pooled_same

    return pooled_same(main, shape)


def attachment_role(name: str) -> str:
    """The role of a layer written as `norm`, `activation` or `scale_activation`."""
    return "norm" if name == "norm" else "activation"


class Lowering:
    """Makes layers, once for each distinct set of arguments of an item."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._projections: dict[tuple[int, tuple[int, ...], int], list[Layer]] = {}
        self._joins: dict[str, Layer] = {}
        self._attachments: dict[tuple[str, str, bool], Layer] = {}
        self._lowered: dict[tuple[LayerItem, str, Hashable], Lowered | None] = {}

    def lower(
        self, item: LayerItem, cls: type[Layer], values: dict[str, Any], what: Hashable, trail: Trail
    ) -> Lowered | None:
        """The layers of an item, or None with the problems recorded.

        Args:
            item: the item.
            cls: its layer class.
            values: its arguments, substituted.
            what: equal for equal values.
            trail: through which blocks it came about.
        """
        key = item, cls.type, what
        if key not in self._lowered:
            make = self._guarded if is_foreign(cls) else self._make
            self._lowered[key] = make(item, cls, values, trail)
        return self._lowered[key]

    def _guarded(self, item: LayerItem, cls: type[Layer], values: dict[str, Any], trail: Trail) -> Lowered | None:
        """The same of another package's class, whose validators may raise anything."""
        try:
            return self._make(item, cls, values, trail)
        except BadItemError:
            raise
        except Exception as error:  # noqa: BLE001 - it is other people's code
            message = f"{cls.type}, of {cls.__module__}, fails on these options: {error_text(error)}"
            raise BadItemError(message, Code.WRONG_VALUE, item.place) from None

    def check_names(self, item: LayerItem, cls: type[Layer], names: Iterable[str], trail: Trail) -> None:
        """Record the names that are no options of the layer, where its values are not all known."""
        for name in names:
            # what is no word at all is the rest of an expression that YAML cut at a comma
            if name not in option_names(cls) and name not in cls.attachments and name.isidentifier():
                message, code = unknown_option(cls, cls.type, name)
                self._problems.add(message, code, item.places.key(name), trail)

    def join(self, type_name: str) -> Layer:
        """A join that a combinator asks for."""
        if type_name not in self._joins:
            cls = find_layer(type_name)
            assert cls is not None
            self._joins[type_name] = cls()
        return self._joins[type_name]

    def projection(self, out_channels: int, stride: tuple[int, ...], norm: Layer | None) -> list[Layer]:
        """The layers of a projecting shortcut (He et al. 2016, option B): 1x1 convolution, then the norm."""
        key = (out_channels, stride, id(norm))
        if key not in self._projections:
            rank = len(stride)
            conv = of_rank(Conv2d, rank)(
                out_channels=out_channels, kernel_size=(1,) * rank, stride=stride, bias=norm is None
            )
            self._projections[key] = [conv] if norm is None else [conv, norm]
        return self._projections[key]

    def _make(self, item: LayerItem, cls: type[Layer], values: dict[str, Any], trail: Trail) -> Lowered | None:
        values = dict(values)
        init = values.pop("init", None)
        attached: dict[str, Layer | None] = {}
        for name in cls.attachments:
            value = values.pop(name, None)
            if value is not None:
                argument = item.arguments.named.get(name)
                attached[name] = self.attached(item, name, value, None if argument is None else argument.node, trail)
        if "norm" in attached and "bias" in cls.model_fields:
            values.setdefault("bias", False)
        self._refuse_attached(item, cls, values)
        weighted = with_weight(item, cls, values, self._problems, trail)
        if weighted is None:
            return None
        cls, places = weighted
        main = validate_model(cls, cls.type, values, places, self._problems, trail)
        known = {name: layer for name, layer in attached.items() if layer is not None}
        tensors = None if init is None else self._init(item, cls, init, trail)
        return Lowered(main, known, tensors) if main is not None and len(known) == len(attached) else None

    def _init(self, item: LayerItem, cls: type[Layer], value: Any, trail: Trail) -> TensorInit | None:
        """The initialisers written on the layer."""
        owner = initialised_class(cls.type)
        if owner is None or owner.tensors is Layer.tensors or owner.role == "opaque":
            what = "stands for other layers" if owner is None else "has no weights"
            what = "initialises itself" if owner is not None and owner.role == "opaque" else what
            hint = "; write those with their own init" if owner is None else ""
            place = item.places.key("init")
            self._problems.add(
                f"{cls.type} {what}, so that it takes no 'init'{hint}", Code.UNKNOWN_OPTION, place, trail
            )
            return None
        return read_tensors(cls.type, owner, item.arguments.named["init"].node, value, self._problems, trail)

    def _refuse_attached(self, item: LayerItem, cls: type[Layer], values: dict[str, Any]) -> None:
        for name in ("norm", "activation"):
            if name in values and name not in cls.model_fields:
                raise BadItemError(
                    f"{cls.type} takes no '{name}'; write it as a layer of its own on the next line",
                    Code.UNKNOWN_OPTION,
                    item.places.key(name),
                )

    def attached(
        self, item: Item, name: str, value: Any, node: Node | None, trail: Trail, *, may_overwrite: bool = True
    ) -> Layer | None:
        """The norm or activation written on an item: a type, or a mapping with its options.

        Args:
            item: the item.
            name: the key that it is written under.
            value: what is written, with expressions evaluated.
            node: where, if it is not written for one repetition only.
            trail: through which blocks it came about.
            may_overwrite: whether nothing else can need what stands in front of it.
        """
        role = attachment_role(name)
        options = dict(value) if isinstance(value, dict) else {"type": value}
        type_name = options.pop("type", None)
        is_own = isinstance(type_name, str) and "." not in type_name
        cls = find_layer(type_name) if is_own else None
        if cls is None or cls.role != role:
            places = _attached_places(item, name, node)
            problem = _not_attachable(role, type_name, places, exists=cls is not None)
            self._problems.add(problem.message, problem.code, problem.place, trail)
            return None
        for own in options.keys() & set(cls.attachments):
            message = f"'{own}' is written on the layer, beside '{name}'"
            self._problems.add(message, Code.UNKNOWN_OPTION, _attached_places(item, name, node).key(own), trail)
            return None
        key = cls.type, repr(options), may_overwrite
        if key in self._attachments:
            return self._attachments[key]
        places = _attached_places(item, name, node)
        layer: Layer | None = validate_model(cls, cls.type, options, places, self._problems, trail)
        if layer is None:
            return None
        may_overwrite = may_overwrite and "inplace" not in options
        if isinstance(layer, InplaceActivation) and may_overwrite and layer.is_reversible:
            # Nothing else can read what stands in front of it, so that it may be overwritten.
            layer = layer.model_copy(update={"inplace": True})
        self._attachments[key] = layer
        return layer


def _attached_places(item: Item, name: str, node: Node | None) -> Places:
    if isinstance(node, Mapping):
        return Places.of(node)
    whole = item.places.value(name)
    return Places(whole, {}, {"type": whole})


def _not_attachable(role: str, type_name: Any, places: Places, *, exists: bool) -> BadItemError:
    place = places.value("type")
    if not isinstance(type_name, str):
        return BadItemError(
            f"'{role}' is a layer type or a mapping with 'type', not {value_kind(type_name)}", Code.WRONG_TYPE, place
        )
    known = types_with_role(role)
    if exists:
        return BadItemError(
            f"'{type_name}' is not a{'n' * (role == 'activation')} {role}; there are {', '.join(known)}",
            Code.WRONG_VALUE,
            place,
        )
    return BadItemError(
        f"there is no {role} '{type_name[:80]}'",
        Code.UNKNOWN_LAYER,
        place,
        hint=lambda: did_you_mean(type_name, known) or f"; there are {', '.join(known)}",
    )
