"""From one validated item to the primitive layers it stands for: the layer, its norm, its activation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archlab.config.items import Item
from archlab.config.problem import BadItemError, Problems
from archlab.config.suggest import did_you_mean
from archlab.config.validation import Places, unknown_option, validate_model
from archlab.config.yaml_nodes import Mapping, value_kind
from archlab.layers import Layer, find_layer, layer_types
from archlab.layers.conv import Conv2d

Trail = tuple[str, ...]


class Lowering:
    """Makes layers, once for each distinct set of arguments of an item."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._projections: dict[tuple[int, tuple[int, int], int], list[Layer]] = {}
        self._joins: dict[str, Layer] = {}

    def layers(self, item: Item, cls: type[Layer], values: dict[str, Any], trail: Trail) -> list[Layer] | None:
        """The layers of an item in order, or None with the problems recorded.

        Args:
            item: the item, which also holds the cache.
            cls: its layer class.
            values: its arguments, substituted.
            trail: through which blocks it came about.
        """
        # repr, since 1, 1.0 and True are equal as keys but not as arguments
        key = f"{cls.type}{values!r}"
        if key not in item.cache:
            item.cache[key] = self._make(item, cls, values, trail)
        return item.cache[key]

    def check_names(self, item: Item, cls: type[Layer], names: Iterable[str], trail: Trail) -> None:
        """Record the names that are no options of the layer, where its values are not all known."""
        attached = ("norm", "activation") if cls.takes_norm else ()
        for name in names:
            # what is no word at all is the rest of an expression that YAML cut at a comma
            if name not in cls.model_fields and name not in attached and name.isidentifier():
                message, code = unknown_option(cls, cls.type, name)
                self._problems.add(message, code, item.places.key(name), trail)

    def join(self, type_name: str) -> Layer:
        """A join that a combinator asks for."""
        if type_name not in self._joins:
            cls = find_layer(type_name)
            assert cls is not None
            self._joins[type_name] = cls()
        return self._joins[type_name]

    def projection(self, out_channels: int, stride: tuple[int, int], norm: Layer | None) -> list[Layer]:
        """The layers of a projecting shortcut (He et al. 2016, option B): 1x1 convolution, then the norm."""
        key = (out_channels, stride, id(norm))
        if key not in self._projections:
            conv = Conv2d(out_channels=out_channels, kernel_size=(1, 1), stride=stride, bias=norm is None)
            self._projections[key] = [conv] if norm is None else [conv, norm]
        return self._projections[key]

    def _make(self, item: Item, cls: type[Layer], values: dict[str, Any], trail: Trail) -> list[Layer] | None:
        attached: list[Layer | None] = []
        if cls.takes_norm:
            values = dict(values)
            for role in ("norm", "activation"):
                value = values.pop(role, None)
                if value is None:
                    continue
                if role == "norm":
                    values.setdefault("bias", False)
                attached.append(self._attached(item, role, value, trail))
        else:
            self._refuse_attached(item, cls, values)
        main = validate_model(cls, cls.type, values, item.places, self._problems, trail)
        made = [main, *attached]
        return [layer for layer in made if layer is not None] if None not in made else None

    def _refuse_attached(self, item: Item, cls: type[Layer], values: dict[str, Any]) -> None:
        for role in ("norm", "activation"):
            if role in values and role not in cls.model_fields:
                raise BadItemError(
                    f"{cls.type} takes no '{role}'; write it as a layer of its own on the next line",
                    "unknown-option",
                    item.places.key(role),
                )

    def _attached(self, item: Item, role: str, value: Any, trail: Trail) -> Layer | None:
        """The norm or activation written on a convolution: a type, or a mapping with its options."""
        options = dict(value) if isinstance(value, dict) else {"type": value}
        type_name = options.pop("type", None)
        places = self._attached_places(item, role)
        cls = find_layer(type_name) if isinstance(type_name, str) else None
        if cls is None or cls.role != role:
            problem = _not_attachable(role, type_name, places, exists=cls is not None)
            self._problems.add(problem.message, problem.code, problem.place, trail)
            return None
        if "inplace" in cls.model_fields:
            # Nothing else can read what stands in front of it, so that it may be overwritten.
            options.setdefault("inplace", True)
        return validate_model(cls, cls.type, options, places, self._problems, trail)

    def _attached_places(self, item: Item, role: str) -> Places:
        node = item.node.entries.get(role)
        if isinstance(node, Mapping):
            return Places(node.place, node.keys, {key: value.place for key, value in node.entries.items()})
        whole = item.places.value(role)
        return Places(whole, {}, {"type": whole})


def _not_attachable(role: str, type_name: Any, places: Places, *, exists: bool) -> BadItemError:
    place = places.value("type")
    if not isinstance(type_name, str):
        return BadItemError(
            f"'{role}' is a layer type or a mapping with 'type', not {value_kind(type_name)}", "wrong-type", place
        )
    known = [name for name in layer_types() if _role(name) == role]
    if exists:
        return BadItemError(
            f"'{type_name}' is not a{'n' * (role == 'activation')} {role}; there are {', '.join(known)}",
            "wrong-value",
            place,
        )
    hint = did_you_mean(type_name, known) or f"; there are {', '.join(known)}"
    return BadItemError(f"there is no {role} '{type_name[:80]}'{hint}", "unknown-layer", place)


def _role(layer_type: str) -> str:
    cls = find_layer(layer_type)
    return cls.role if cls is not None else ""
