"""What rules count, against gradients of the built models and of PyTorch's own layers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from torch import nn

import archlab
from archlab.layers import find_layer
from archlab.layers.geometry import Window
from archlab.lint.rules import RULES
from archlab.lint.rules.checkerboard import overlaps
from archlab.lint.rules.dropped_positions import unread
from archlab.lint.rules.padding_only import blind_units, live_taps
from archlab.lint.rules.skipped_positions import read_share
from tests.chunks import check_each, in_chunks
from tests.lint.test_rules import found

CASES = 150


def built(text: str) -> nn.Module:
    """The model with positive weights, so that nothing cancels out."""
    model = archlab.build(archlab.loads(text))
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.1)
    return model.double()


def seen(text: str, channels: int, size: int, output: tuple[int, ...] | None = None) -> torch.Tensor:
    """The gradient of one element of the result, or of all of them, at the input."""
    image = torch.ones(1, channels, size, size, dtype=torch.double, requires_grad=True)
    result = built(text)(image)
    (result.sum() if output is None else result[(0, *output)]).backward()
    assert image.grad is not None
    return image.grad[0]


def test_gridding(tmp_path: Path) -> None:
    rule = RULES["gridding"]
    rows = seen(rule.triggers, 3, 64, (0, 32, 32)).sum((0, 2)).nonzero().flatten()
    share = len(rows) / int(rows[-1] - rows[0] + 1)
    assert f"sees {share:.0%} of the positions" in found(tmp_path, rule.triggers, "gridding")[0]
    rows = seen(rule.passes, 3, 64, (0, 32, 32)).sum((0, 2)).nonzero().flatten()
    assert len(rows) == rows[-1] - rows[0] + 1


@pytest.mark.parametrize("name", ["triggers", "passes"])
def test_checkerboard(name: str, tmp_path: Path) -> None:
    text = getattr(RULES["checkerboard"], name)
    layer = next(module for module in built(text).modules() if isinstance(module, nn.ConvTranspose2d))
    nn.init.ones_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    counts = layer(torch.ones(1, 8, 16, 16, dtype=torch.double))[0, 0, 4:-4, 4:-4] / 8
    messages = found(tmp_path, text, "checkerboard")
    assert bool(messages) == (counts.min() != counts.max())
    assert not messages or f"{counts.min():.0f} to {counts.max():.0f} weights reach" in messages[0]


def test_unmixed_groups() -> None:
    rule = RULES["unmixed-groups"]
    assert seen(rule.triggers, 16, 16, (0, 5, 5)).sum((1, 2)).count_nonzero() == 16 / 4
    assert seen(rule.passes, 16, 16, (0, 5, 5)).sum((1, 2)).count_nonzero() == 16


def test_biases_before_a_norm_have_no_gradient() -> None:
    model = archlab.build(archlab.loads(RULES["bias-before-norm"].triggers)).double().train()
    result = model(torch.randn(4, 3, 16, 16, dtype=torch.double))
    (result * torch.randn_like(result)).sum().backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    weight, bias = gradients["conv.weight"], gradients["conv.bias"]
    assert weight is not None
    assert bias is not None
    assert bias.abs().max() < 1e-9 * weight.abs().max()


def test_even_kernels_shift_by_half_a_position() -> None:
    rows = seen(RULES["even-kernel"].triggers, 3, 32, (0, 16, 16)).sum((0, 2)).nonzero().flatten().double()
    assert abs(rows.mean() - 16) == 0.5


def test_misaligned_join(tmp_path: Path) -> None:
    text = RULES["misaligned-join"].triggers
    (message,) = found(tmp_path, text, "misaligned-join")
    near = "[{type: conv2d, out_channels: 8, kernel_size: 1}, {type: narrow, dim: 2, start: 0, length: 28},\n"
    near += "        {type: narrow, dim: 3, start: 0, length: 28}]"
    far = "[{type: conv2d, out_channels: 8, kernel_size: 5}]"
    centres = []
    for other in (near, far):
        assert other in text
        rows = seen(text.replace(f"{other},", "").replace(other, ""), 3, 32, (0, 14, 14)).sum((0, 2)).nonzero()
        centres.append(rows.double().mean())
    assert f"centred {abs(centres[0] - centres[1]):.3g} input positions apart" in message


@pytest.mark.parametrize("cases", in_chunks(range(CASES), 50))
def test_counts_along_an_axis(cases: list[int]) -> None:
    check_each(cases, check_counts)


def check_counts(case: int) -> None:
    choose = random.Random(case)  # noqa: S311 - reproducible cases
    kernel, stride, dilation = choose.randint(1, 5), choose.randint(1, 5), choose.randint(1, 4)
    padding, size = choose.randint(0, 9), choose.randint(1, 30)
    reach = (kernel - 1) * dilation
    if size + 2 * padding <= reach:
        size += reach
    window = Window(kernel, stride, padding, dilation)
    image = torch.ones(1, 1, size, dtype=torch.double, requires_grad=True)
    weight = torch.ones(1, 1, kernel, dtype=torch.double, requires_grad=True)
    result = nn.functional.conv1d(image, weight, None, stride, padding, dilation)
    torch.autograd.backward(result.sum())
    assert image.grad is not None
    assert weight.grad is not None
    units, touched = result.shape[-1], image.grad.flatten() > 0
    assert live_taps(window, size, units) == weight.grad.count_nonzero()
    assert blind_units(window, size, units) == bool((result == 0).any())
    inner = touched[reach : reach + stride]
    if len(inner) == stride and reach + stride - 1 <= window.between(0, units - 1)[1] - reach:
        assert read_share([window]) == pytest.approx(inner.double().mean().item())
    if 1 < stride <= kernel and dilation == 1:
        assert unread(window, size, units) == size - 1 - int(touched.nonzero()[-1])


def test_overlaps_of_transposed_convolutions() -> None:
    check_each(range(60), check_overlaps)


def check_overlaps(case: int) -> None:
    choose = random.Random(case)  # noqa: S311 - reproducible cases
    kernel, stride, dilation = choose.randint(1, 7), choose.randint(1, 5), choose.randint(1, 3)
    made = find_layer("conv_transpose1d")
    assert made is not None
    options = {"out_channels": 1, "kernel_size": kernel, "stride": stride, "dilation": dilation}
    layer = made.model_validate(options)
    shape = layer.out_shape(((1, 60),))
    counts = sorted(overlaps(layer.reads(((1, 60),), shape)[0][0]))
    twin = nn.ConvTranspose1d(1, 1, kernel, stride, dilation=dilation, bias=False)
    nn.init.ones_(twin.weight)
    result = twin(torch.ones(1, 1, 60))
    inner = result.flatten()[len(result.flatten()) // 2 :][:stride].tolist()
    assert stride == 1 or counts == sorted(inner)
