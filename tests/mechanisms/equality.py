"""A config of at most 15 lines against a model written by hand: what a mechanism must show."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from archlab.analysis.conditions import Conditions
from archlab.api.load import load
from archlab.api.model import build
from archlab.api.network import Network
from archlab.torch.verify import verify
from archlab.torch.verify_field import verify_receptive_field
from archlab.torch.verify_memory import verify_memory

FOLDER = Path(__file__).parent
MOST_LINES = 15


def assert_equal(name: str, model: nn.Module) -> Network:
    """Assert that a config says what a model does.

    Params, MACs (FlopCounterMode) and output are the model's, whose tensors stand in the order of the config's layers;
    shapes, receptive fields (gradients) and memory (live storages) are those of what archlab builds.

    Args:
        name: of the config, `NAME.yaml` in this folder.
        model: the same network by hand.
    """
    path = FOLDER / f"{name}.yaml"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    network = load(str(path))
    total = network.analyze().total
    model.eval()
    sample = torch.rand(2, *network.graph.input_shape)
    assert total.params == sum(parameter.numel() for parameter in model.parameters())
    # of a CPU's fused attention the counter knows nothing
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        expected = model(sample[:1])
    assert 2 * total.macs == counter.get_total_flops()
    _assert_same_output(network, model, sample)
    assert tuple(network.graph.nodes[network.graph.outputs[0][1]].shape) == _first(expected).shape[1:]
    for report in (verify(network), verify_receptive_field(network), verify_memory(network, Conditions())):
        assert report.ok, report.render()
    return network


def _assert_same_output(network: Network, model: nn.Module, sample: torch.Tensor) -> None:
    """Give the built model the other's tensors, in order, and compare what comes out."""
    built = build(network).eval()
    ours, theirs = built.state_dict(), model.state_dict()
    assert [tensor.shape for tensor in ours.values()] == [tensor.shape for tensor in theirs.values()]
    built.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    with torch.no_grad():
        ours_out, theirs_out = built(sample), model(sample)
    torch.testing.assert_close(ours_out, theirs_out)


def _first(result: object) -> torch.Tensor:
    if isinstance(result, dict):
        result = next(iter(result.values()))
    if isinstance(result, tuple | list):
        result = result[0]
    assert isinstance(result, torch.Tensor)
    return result
