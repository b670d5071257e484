"""Norms and activations written on the layer in front of them, as people write configs."""

from __future__ import annotations

from typing import Any

from archlab.imports.recover.facts import Facts, default_of, has_inplace, layer_class
from archlab.imports.recover.forms import Form, LayerForm, Options, ResidualForm
from archlab.layers.activation import InplaceActivation

_ORDER = ("norm", "activation")


def attached(forms: list[Form], facts: Facts, *, joins: bool = False) -> list[Form]:
    """A list in which what can be is written on the item in front of it.

    Args:
        forms: the list.
        facts: of the network.
        joins: whether on joins and residuals, else on all other layers.
    """
    done: list[Form] = []
    for form in forms:
        host = done[-1] if done else None
        if host is None or _is_join(host) is not joins or not _attach(host, form, facts):
            done.append(form)
    return done


def _is_join(form: Form) -> bool:
    if isinstance(form, LayerForm):
        cls = layer_class(form.type)
        return cls is not None and cls.role == "join"
    return isinstance(form, ResidualForm)


def _attach(host: Form, form: Form, facts: Facts) -> bool:
    """Write a form on the one above, where that is possible."""
    if not isinstance(form, LayerForm) or form.share is not None or form.inputs != (host.value,):
        return False
    if not isinstance(host, LayerForm | ResidualForm) or form.stop - form.start > 1 or form.start != host.stop:
        return False
    if facts.readers[host.value] != [form.start]:
        return False
    shared = {host.value, *([facts.value(host.start)] if isinstance(host, LayerForm) else []), form.value}
    if shared & facts.owners or (isinstance(host, LayerForm) and host.share is not None):
        return False
    role = _role(form)
    if role not in _allowed(host) or role in host.options or (role == "norm" and "activation" in host.options):
        return False
    written = written_attachment(form.type, form.options)
    if isinstance(host, LayerForm) and role == "norm":
        _say_bias(host)
    host.options[role] = written
    host.values, host.stop = (form.value, *host.values[1:]), form.stop
    return True


def _role(form: LayerForm) -> str:
    cls = layer_class(form.type)
    return "" if cls is None else cls.role


def _allowed(host: LayerForm | ResidualForm) -> tuple[str, ...]:
    if isinstance(host, ResidualForm):
        return _ORDER
    cls = layer_class(host.type)
    return () if cls is None else tuple([name for name in cls.attachments if name in _ORDER])


def _say_bias(host: LayerForm) -> None:
    """Behind a norm the bias is left out unless it is written."""
    cls = layer_class(host.type)
    if cls is None or "bias" not in cls.model_fields:
        return
    has_bias = host.options.pop("bias", default_of(host.type, "bias"))
    if has_bias is not False:
        host.options["bias"] = has_bias


def written_attachment(layer_type: str, options: Options) -> Any:
    """A norm or activation as it is written on another layer: a type, or a mapping with its options."""
    said = dict(options)
    if has_inplace(layer_type):
        cls = layer_class(layer_type)
        assert cls is not None
        layer = cls(**said)
        assert isinstance(layer, InplaceActivation)
        if layer.inplace and layer.is_reversible:
            del said["inplace"]
        elif not layer.inplace and layer.is_reversible:
            said["inplace"] = False
    return {"type": layer_type, **said} if said else layer_type
