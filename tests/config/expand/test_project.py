"""`shortcut: project` beside bodies with gates, joins and resampling: as with the shortcut written out."""

from __future__ import annotations

import pytest

from archlab.api.load import loads
from archlab.diagnostics.problem import ConfigError

CONV = "{type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, stride: 2, norm: {type: batch_norm2d, eps: 0.01}}"
GATE = (
    "{type: adaptive_avg_pool2d, output_size: 1}, {type: conv2d, out_channels: 8, kernel_size: 1, activation: sigmoid}"
)
WITH_NORM = "[{type: conv2d, out_channels: 8, kernel_size: 1, stride: 2, norm: {type: batch_norm2d, eps: 0.01}}]"
WITHOUT = "[{type: conv2d, out_channels: 8, kernel_size: 1, stride: %s}]"
NAMED = CONV.replace("{type", "{name: x, type", 1)

GATE_NAMED = GATE.replace("{type: conv2d", "{name: gate, type: conv2d")
CASES = {
    "a gate first": (f"{NAMED}, {GATE}, {{type: multiply, with: [x]}}", WITH_NORM),
    "a gate last": (f"{NAMED}, {GATE_NAMED}, {{type: multiply, from: x, with: [gate]}}", WITH_NORM),
    "two gates": (
        f"{NAMED}, {GATE}, {{name: y, type: multiply, with: [x]}}, {GATE}, {{type: multiply, with: [y]}}",
        WITH_NORM,
    ),
    "a gate over the whole body": (f"{{type: branches, merge: multiply, paths: [[{GATE}], [{CONV}]]}}", WITH_NORM),
    "squeeze_excitation": (f"{CONV}, {{type: squeeze_excitation, squeeze_channels: 2}}", WITH_NORM),
    "up and down again": (
        "{type: upsample, scale_factor: 2}, {type: conv2d, out_channels: 8, kernel_size: 2, stride: 4}",
        WITHOUT % 2,
    ),
    "a resized map": (
        "{type: interpolate, size: [8, 16]}, {type: conv2d, out_channels: 8, kernel_size: 1}",
        WITHOUT % "[2, 1]",
    ),
    "a map resized along one axis by no whole stride": (
        "{type: interpolate, size: [6, 16]}, {type: conv2d, out_channels: 8, kernel_size: 1}",
        WITHOUT % "[3, 1]",
    ),
    "adaptive pooling": (
        "{type: conv2d, out_channels: 8, kernel_size: 1}, {type: adaptive_avg_pool2d, output_size: 8}",
        WITHOUT % 2,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_as_written_out(case: str) -> None:
    body, shortcut = CASES[case]
    config = "input: [4, 16, 16]\nlayers: [{type: residual, body: [%s], shortcut: %s}]"
    projected, written = (loads(config % (body, word)).graph for word in ("project", shortcut))
    assert [(n.path, n.layer, n.inputs, n.shape) for n in projected.nodes] == [
        (n.path, n.layer, n.inputs, n.shape) for n in written.nodes
    ]


@pytest.mark.parametrize(
    "body",
    [
        "{type: upsample, scale_factor: 2}",
        "{type: adaptive_avg_pool2d, output_size: 1}",  # any stride from 16 on would do
        "{type: interpolate, size: 2}",
        "{type: flatten}",
    ],
)
def test_what_no_convolution_projects_to(body: str) -> None:
    with pytest.raises(ConfigError, match="by a 1x1 convolution; write the shortcut as a list of layers"):
        loads(f"input: [4, 13, 13]\nlayers: [{{type: residual, shortcut: project, body: [{body}]}}]")


def test_a_body_that_does_not_begin_with_what_enters() -> None:
    head = "input: [4, 16, 16]\nlayers: [{name: stem, type: conv2d, out_channels: 4, kernel_size: 1}, {type: relu}, "
    body = CONV.replace("{type", "{from: stem, type", 1)
    projected, written = (
        loads(f"{head}{{type: residual, body: [{body}], shortcut: {word}}}]").graph for word in ("project", WITH_NORM)
    )
    found, expected = ([(n.path, n.layer, n.inputs) for n in graph.nodes] for graph in (projected, written))
    assert found == expected


BODIES = (
    *("conv2d, out_channels: 9, kernel_size: 1", "conv2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1"),
    *("conv2d, out_channels: 4, kernel_size: 3", "conv2d, out_channels: 4, kernel_size: 3, stride: 2"),
    *("adaptive_avg_pool2d, output_size: 3", "adaptive_avg_pool2d, output_size: 1", "upsample, scale_factor: 2"),
    *("flatten", "flatten, start_dim: 2", "channels_last", "amax, dim: 2", "max_pool2d, kernel_size: 2"),
)


def test_a_projection_is_named_where_it_is_one() -> None:
    """It was named to everybody whose body had another shape, and then refused."""
    named: dict[str, bool] = {}
    for body in BODIES:
        text = f"input: [4, 9, 8]\nlayers: [{{type: residual, body: [{{type: {body}}}]}}]"
        with pytest.raises(ConfigError, match="which must be of one shape; ") as caught:
            loads(text)
        named[body] = "write shortcut: project" in str(caught.value)
        projected = text.replace("residual,", "residual, shortcut: project,")
        if named[body]:
            loads(projected)
        else:
            with pytest.raises(ConfigError, match="write the shortcut as a list of layers"):
                loads(projected)
    assert [body for body, is_named in named.items() if is_named] == [*BODIES[:2]]
