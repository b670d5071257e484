"""Names for items, from the source's attributes: `conv1`, `downsample`, `layer1`."""

from __future__ import annotations

import re

from archlab.config.syntax.naming import name_fault
from archlab.imports.recover.facts import Facts, layer_class
from archlab.imports.recover.forms import Form, LayerForm
from archlab.imports.recover.regions import Region

_GENERIC = {"cat", "mul", "add", "view", "reshape", "permute", "transpose", "chunk", "split", "getitem", "interpolate"}
"""Names of functions that say no more than the layer's type."""


_VAGUE = {"block", "blocks", "conv", "convs", "layer", "layers", "features", "net", "seq", "body", "model", "module"}
"""Names of containers that say nothing of what is in them."""


class Labels:
    """Names by item."""

    def __init__(self, facts: Facts, root: Region) -> None:
        self._facts = facts
        self._around: list[list[Region]] = [[] for _ in facts.flat.items]
        """The calls around an item, from the outside."""
        self._collect(root, [])
        self._weighted = [self._is_weighted(number) for number in range(len(facts.flat.items))]

    def _collect(self, region: Region, around: list[Region]) -> None:
        for child in region.children:
            if isinstance(child, Region):
                self._collect(child, [*around, child])
            else:
                self._around[child] = around

    def _is_weighted(self, number: int) -> bool:
        item = self._facts.item(number)
        cls = layer_class(item.type)
        return bool(item.tensors) and (cls is None or cls.role != "norm")

    def label(self, form: Form, inside: Region) -> str | None:
        """What a form is called in the source; None where that is a number or says nothing.

        Args:
            form: it.
            inside: the call whose list it stands in.
        """
        around = self._around[form.start]
        around = around[around.index(inside) + 1 :] if inside in around else around
        whole = range(form.start, form.stop)
        name = next((last_part(region.scope.path) for region in around if region.items == whole), "")
        if not name and isinstance(form, LayerForm):
            only = range(form.start, form.start + 1)
            name = next((last_part(region.scope.path) for region in around if region.items == only), "")
            name = name or last_part(self._facts.item(form.start).path)
        if isinstance(form, LayerForm) and (not name or name.isdigit()) and self._weighted[form.start]:
            name = self._only_of(around)
        if not name or name.isdigit() or name_fault(name) is not None:
            return None
        return None if isinstance(form, LayerForm) and self._says_nothing(form, name) else name

    def hint(self, form: Form, inside: Region) -> str | None:
        """What params of an item without a name may be called after: `branch2_0` in `branch2`."""
        around = self._around[form.start]
        around = around[around.index(inside) + 1 :] if inside in around else around
        whole, only = range(form.start, form.stop), range(form.start, form.start + 1)
        own = self._facts.item(form.start).path if isinstance(form, LayerForm) else ""
        while around and around[-1].items in (whole, only):
            own = around[-1].scope.path
            around = around[:-1]
        parts: list[str] = []
        for path in (own, *[region.scope.path for region in reversed(around)]):
            part = last_part(path)
            if not part:
                continue
            parts.insert(0, part)
            if not part.isdigit():
                break
        is_told = len(parts) <= 2 and bool(parts) and not parts[0].isdigit()
        name = "_".join(parts)
        return name if is_told and parts[0] not in _VAGUE and name_fault(name) is None else None

    def _only_of(self, around: list[Region]) -> str:
        """The nearest named call around whose only layer with weights it is."""
        for region in reversed(around):
            if sum(self._weighted[number] for number in region.items) > 1:
                return ""
            name = last_part(region.scope.path)
            if name and not name.isdigit():
                return name
        return ""

    def _says_nothing(self, form: LayerForm, name: str) -> bool:
        word = re.sub(r"_?\d+$", "", name)
        if self._weighted[form.start]:
            return False
        cls = layer_class(form.type)
        return word in _GENERIC or word in (form.type, cls.alias if cls is not None else "")


def last_part(path: str) -> str:
    """Of a path in dots."""
    return path.rpartition(".")[2]


def snake_case(kind: str) -> str:
    """A class's name as a block's: `BasicConv2d` as `basic_conv2d`."""
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower().strip("_")
    return word if name_fault(word) is None else f"block_{re.sub(r'[^a-z0-9_]', '_', word)}".rstrip("_")
