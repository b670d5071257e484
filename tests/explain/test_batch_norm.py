"""Batch norm's formulas, read as Python, are what PyTorch computes; the folded numbers are the deployed network's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import archlab
from archlab.explain import Explanation, explain_layer

CONV = "  - {name: conv, type: conv2d, out_channels: 4, kernel_size: 3, bias: BIAS}\n"


def explained(text: str, path: str = "bn") -> Explanation:
    return explain_layer(archlab.loads(f"input: [3, 6, 6]\nlayers:\n{text}").analyze(batch=2), path)


def said(explanation: Explanation) -> dict[str, Any]:
    section = explanation.section("batch_norm")
    assert section is not None
    return {step.name: step.result for step in section.steps}


def computed(formula: str, **values: Tensor | float) -> Tensor:
    """A formula of the section with tensors put in."""
    text = formula.replace("x x", "TIMES_X").replace(" x ", " * ").replace("TIMES_X", "* x")
    result: Tensor = eval(text, {"sqrt": torch.sqrt, **values})  # noqa: S307 - our own lines
    return result


@pytest.mark.parametrize("momentum", [0.1, 0.25])
@pytest.mark.parametrize("affine", [True, False])
def test_the_formulas_are_pytorchs(momentum: float, affine: bool) -> None:  # noqa: FBT001 - a parameter of the test
    options = f"momentum: {momentum}, affine: {str(affine).lower()}, eps: 0.001"
    found = said(explained(f"  - {{name: bn, type: batch_norm2d, {options}}}"))
    norm = nn.BatchNorm2d(3, eps=0.001, momentum=momentum, affine=affine).double()
    torch.manual_seed(0)
    learned: dict[str, Any] = {}
    if affine:
        for name in ("weight", "bias"):
            nn.init.uniform_(getattr(norm, name), 0.5, 2)
            learned[name] = getattr(norm, name).detach()[:, None, None]
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    mean = x.mean((0, 2, 3), keepdim=True)[0]
    variance = x.var((0, 2, 3), correction=0, keepdim=True)[0]
    before = {name: getattr(norm, name)[:, None, None].clone() for name in ("running_mean", "running_var")}
    torch.testing.assert_close(computed(found["in training, y"], x=x, mean=mean, var=variance, **learned), norm(x))
    n = found["values of a channel"]
    assert n == 72
    after = {
        name: computed(found[name], mean=mean, var=variance, n=float(n), **before)
        for name in ("running_mean", "running_var")
    }
    for name, value in after.items():
        torch.testing.assert_close(value.flatten(), getattr(norm, name))
    scale = computed(found["scale"], **after, **learned)
    shift = computed(found["shift"], scale=scale, **after, **learned)
    torch.testing.assert_close(computed(found["in eval mode, y"], x=x, scale=scale, shift=shift), norm.eval()(x))


@pytest.mark.parametrize("bias", ["true", "false"])
def test_folding(bias: str) -> None:
    """Weights as PyTorch's own fusion makes them, numbers as the deployed network has them."""
    text = CONV.replace("BIAS", bias) + "  - {name: bn, type: batch_norm2d}\n"
    explanation = explained(text)
    found = said(explanation)
    network = archlab.loads(f"input: [3, 6, 6]\nlayers:\n{text}")
    deployed = network.deploy().analyze(batch=2).total
    assert (found["params folded"], found["FLOPs folded"]) == (deployed.params, deployed.flops)
    written = network.analyze(batch=2).total
    assert (found["params of both"], found["FLOPs of both"]) == (written.params, written.flops)
    conv, norm = nn.Conv2d(3, 4, 3, bias=bias == "true").eval(), nn.BatchNorm2d(4).eval()
    for name in ("weight", "bias", "running_mean", "running_var"):
        nn.init.uniform_(getattr(norm, name), 0.5, 2)
    values = {name: getattr(norm, name).detach() for name in ("weight", "bias", "running_mean", "running_var")}
    scale = computed(found["scale"], **values)
    shift = computed(found["shift"], scale=scale, **values)
    fused = fuse_conv_bn_eval(conv, norm)
    weight = computed(found["conv, folded: weight"], scale=scale[:, None, None, None], weight=conv.weight)
    torch.testing.assert_close(weight, fused.weight)
    own = {} if conv.bias is None else {"bias": conv.bias}
    torch.testing.assert_close(computed(found["conv, folded: bias"], scale=scale, shift=shift, **own), fused.bias)


def test_where_it_does_not_fold() -> None:
    section = explained("  - {name: bn, type: batch_norm2d}\n").section("batch_norm")
    assert section is not None
    assert "stays a scale and a shift" in section.notes[-1]
    kept = explained("  - {name: bn, type: batch_norm2d, track_running_stats: false}").section("batch_norm")
    assert kept is not None
    assert "nothing folds" in kept.notes[-1]
