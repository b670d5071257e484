"""Squeeze and excitation, where branches are just that."""

from __future__ import annotations

from archlab.imports.recover.facts import Facts
from archlab.imports.recover.forms import BranchesForm, Form, LayerForm, Options, ResidualForm


def gate_of(form: BranchesForm | ResidualForm, facts: Facts) -> LayerForm | None:
    """Branches as `squeeze_excitation`: the map times what two 1x1 convolutions make of its mean."""
    if not isinstance(form, BranchesForm) or form.merge != "multiply" or form.split or len(form.paths) != 2:
        return None
    ways = [path.forms for path in form.paths if path.forms]
    if len(ways) != 1 or len(ways[0]) != 3 or not all(isinstance(one, LayerForm) for one in ways[0]):
        return None
    pool, squeeze, excite = ways[0]
    if not _is_mean(pool) or not _is_pointwise(squeeze) or not _is_pointwise(excite):
        return None
    assert isinstance(squeeze, LayerForm)
    assert isinstance(excite, LayerForm)
    if excite.options["out_channels"] != facts.channels(form.inputs[0]):
        return None
    options: Options = {"squeeze_channels": squeeze.options["out_channels"]}
    for name, layer, usual in (("activation", squeeze, "relu"), ("scale_activation", excite, "sigmoid")):
        if layer.options["activation"] != usual:
            options[name] = layer.options["activation"]
    return LayerForm(form.inputs, form.values, form.start, form.stop, "squeeze_excitation", options)


def _is_mean(form: Form) -> bool:
    return (
        isinstance(form, LayerForm) and form.type.startswith("adaptive_avg_pool") and form.options == {"output_size": 1}
    )


def _is_pointwise(form: Form) -> bool:
    if not isinstance(form, LayerForm) or form.type not in ("conv1d", "conv2d", "conv3d"):
        return False
    return set(form.options) == {"out_channels", "kernel_size", "activation"} and form.options["kernel_size"] == 1
