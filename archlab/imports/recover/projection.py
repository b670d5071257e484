"""Whether shortcuts are what a word says: a projection where the shape changes, or nothing where it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archlab.imports.recover.facts import Facts, default_of, layer_class
from archlab.imports.recover.forms import Chain, Form, LayerForm, ResidualForm


def is_projection(residuals: Sequence[ResidualForm], facts: Facts) -> bool:
    """Whether each shortcut is `project`'s: a 1x1 convolution with the body's stride and norm where that is needed."""
    return all(_is_projected(one, facts) for one in residuals)


def _is_projected(one: ResidualForm, facts: Facts) -> bool:
    stride = _stride(one.body)
    assert one.shortcut is not None
    same = facts.shapes[one.inputs[0]] == facts.shapes[one.body.value] and stride == 1
    if not one.shortcut.forms:
        return same
    conv = one.shortcut.forms[0]
    if (
        len(one.shortcut.forms) > 1
        or same
        or one.is_shortcut_first
        or not isinstance(conv, LayerForm)
        or not conv.type.startswith("conv")
    ):
        return False
    allowed = {"out_channels", "kernel_size", "stride", "bias", "norm"}
    options = conv.options
    if not set(options) <= allowed or "transpose" in conv.type or options.get("kernel_size") != 1:
        return False
    has_bias = options.get("bias", "norm" not in options)
    return (
        options.get("stride", 1) == stride
        and has_bias is ("norm" not in options)
        and repr(options.get("norm")) == repr(_last_norm(one.body))
    )


def is_only_where_same(residuals: Sequence[ResidualForm], facts: Facts) -> bool:
    """Whether something is added where the body keeps the shape, as it is, and nothing where not."""
    for one in residuals:
        same = facts.shapes[one.inputs[0]] == facts.shapes[one.body.value] and _stride(one.body) == 1
        is_identity = one.shortcut is not None and not one.shortcut.forms
        if (one.shortcut is not None and not is_identity) or is_identity is not same:
            return False
    return not any(one.options for one in residuals)


def _main(chain: Chain) -> Iterator[Form]:
    """The layers of a body in order; of a residual in it its body's."""
    for form in chain.forms:
        if isinstance(form, ResidualForm):
            yield from _main(form.body)
        else:
            yield form


def _stride(chain: Chain) -> object:
    """The product of the strides along a body; a list where the axes differ."""
    total = 1
    for form in _main(chain):
        if isinstance(form, LayerForm):
            stride = form.options.get("stride", default_of(form.type, "stride"))
            if form.type.startswith(("max_pool", "avg_pool")) and stride is None:
                stride = form.options.get("kernel_size")
            if isinstance(stride, list):
                return stride
            total *= stride if isinstance(stride, int) else 1
    return total


def _last_norm(chain: Chain) -> object:
    """The norm behind the last convolution."""
    for form in reversed(list(_main(chain))):
        if isinstance(form, LayerForm):
            cls = layer_class(form.type)
            if cls is not None and cls.role == "weighted":
                return form.options.get("norm")
    return None
