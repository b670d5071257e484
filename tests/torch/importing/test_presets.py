"""Presets beside torchvision's own models, imported: the same numbers, memory and receptive field among them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models.segmentation.deeplabv3 import ASPP, DeepLabHead
from torchvision.models.segmentation.fcn import FCNHead
from torchvision.models.segmentation.lraspp import LRASPPHead
from torchvision.ops import SqueezeExcitation

from archlab.analysis import Analysis
from archlab.report.rows import analysis_dict
from tests import presets
from tests.references import PUBLISHED_BY_TORCHVISION, REFERENCES, SEGMENTATION, VIDEO, Undrawn
from tests.torch.importing.held import held

NAMES = (*PUBLISHED_BY_TORCHVISION, *SEGMENTATION, *VIDEO)


DENSENETS = tuple(name for name in NAMES if name.startswith("densenet"))
"""They join all earlier maps anew in each layer, which all stay until the block is done; the preset joins the last sum
and what is new, of which there is less at one time."""


def totals(analysis: Analysis) -> dict[str, Any]:
    """Every number of a network's total, by its path; names of layers, and sentences with them, are left out."""
    found: dict[str, Any] = {}

    def put(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                put(f"{path}.{key}", inner)
        elif not path.endswith(("layer", "layers", "reason")):
            found[path] = value

    put("total", analysis_dict(analysis)["total"])
    return found


def overwritten(model: nn.Module) -> nn.Module:
    """A model with its gates' and heads' activations in place, as the presets have them and torchvision has not."""
    for module in model.modules():
        if isinstance(module, SqueezeExcitation | FCNHead | DeepLabHead | LRASPPHead | ASPP):
            for part in module.modules():
                if isinstance(part, nn.ReLU | nn.Hardsigmoid):
                    part.inplace = True
    return model


@pytest.mark.parametrize("name", presets.each(NAMES))
def test_a_preset_is_the_model_imported(name: str) -> None:
    with torch.device("meta"), Undrawn():
        model = overwritten(REFERENCES[name]())
    one = held(model, tuple(presets.network(name).graph.input_shape))
    assert not one.opaque
    ours, imported = totals(presets.analysis(name)), totals(one.network.analyze())
    different = {key: (value, imported.get(key)) for key, value in ours.items() if imported.get(key) != value}
    if name in DENSENETS:
        for what in ("inference_peak", "ram"):
            peak, larger = different.pop(f"total.memory.{what}")
            assert peak < larger
    assert different == {}
