"""Activation checkpointing in the built model: the same numbers, computed twice."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, fx, nn

from archlab.analysis.conditions import Conditions
from archlab.analysis.facts import collect_facts
from archlab.analysis.memory.training import training_memory
from archlab.api.load import load, loads
from archlab.api.network import Network
from archlab.diagnostics.problem import ConfigError
from archlab.graph.segments import find_segments
from archlab.torch.build import build
from archlab.torch.storages import count_training
from tests import presets
from tests.torch.course import differences


def both(network: Network, blocks: list[str]) -> tuple[fx.GraphModule, fx.GraphModule]:
    """The model without and with checkpoints, with the same weights."""
    plain, checkpointed = build(network), build(network, checkpoint=blocks)
    checkpointed.load_state_dict(plain.state_dict())
    return plain, checkpointed


def trained(model: nn.Module, sample: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Gradients and buffers after two steps' forward and backward passes."""
    torch.manual_seed(1)
    for _ in range(2):
        result = model(sample)
        results = result.values() if isinstance(result, dict) else result if isinstance(result, tuple) else (result,)
        sum(value.square().mean() for value in results).backward()
    return [p.grad for p in model.parameters() if p.grad is not None], list(model.buffers())


def assert_alike(network: Network, blocks: list[str], size: int) -> None:
    plain, checkpointed = both(network, blocks)
    sample = torch.randn(2, 3, size, size)
    assert list(plain.state_dict()) == list(checkpointed.state_dict())
    expected, found = trained(plain, sample), trained(checkpointed, sample)
    for before, after in zip((*expected[0], *expected[1]), (*found[0], *found[1]), strict=True):
        assert torch.equal(before, after)
    assert torch.equal(plain.eval()(sample), checkpointed.eval()(sample))


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("resnet18", ["layer*.*"]),
        ("resnet18", ["layer1.1", "layer2"]),
        ("densenet121", ["block*.*"]),
        ("shufflenet_v2_x0_5", ["*"]),  # branches and split channels
        ("mobilenet_v2", ["*"]),
        ("efficientnet_b0", ["stage*.*"]),  # stochastic depth: the same draws again
        ("squeezenet1_1", ["fire*"]),
    ],
)
def test_gradients_and_statistics_are_those_without(name: str, blocks: list[str]) -> None:
    """Equal numbers: running statistics are updated once, and what is random is drawn again as it was."""
    assert_alike(presets.shallow(name), blocks, 64)


def test_several_inputs_and_outputs() -> None:
    network = loads("""
        input: [3, 16, 16]
        blocks:
          pair:
            inputs: [x, y]
            outputs: [a, b]
            layers:
              - {name: a, from: x, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1, norm: batch_norm2d}
              - {name: b, type: add, with: [y]}
        layers:
          - {name: first, type: conv2d, out_channels: 4, kernel_size: 1}
          - {name: second, type: relu}
          - {name: blk, use: pair, with: [first], repeat: 2}
          - {type: add, with: [blk.b]}
    """)
    segments = find_segments(network.graph, ["blk.*"])
    assert [(len(segment.inputs), len(segment.outputs)) for segment in segments] == [(2, 2), (2, 2)]
    assert_alike(network, ["blk.*"], 16)


def test_cumulative_statistics() -> None:
    network = loads("""
        input: [3, 8, 8]
        layers:
          - {name: stem, type: conv2d, out_channels: 4, kernel_size: 3, norm: {type: batch_norm2d, momentum: null}}
    """)
    plain, checkpointed = both(network, ["stem"])
    sample = torch.randn(4, 3, 8, 8)
    assert all(map(torch.equal, trained(plain, sample)[1], trained(checkpointed, sample)[1]))
    assert int(checkpointed.get_submodule("stem.bn").num_batches_tracked) == 2  # type: ignore[arg-type]


def test_the_code_shows_the_segments() -> None:
    code = build(load("resnet18"), device="meta", checkpoint=["layer1"]).code
    assert "run_segment(layer1_block, maxpool)" in code
    assert "self.layer2" in code


def test_a_copy_runs_its_own_layers() -> None:
    model = build(presets.shallow("resnet18"), checkpoint=["layer*.*"])
    twin = copy.deepcopy(model)
    twin(torch.randn(2, 3, 32, 32)).sum().backward()
    assert all(p.grad is None for p in model.parameters())
    assert all(p.grad is not None for p in twin.parameters())


def test_it_compiles() -> None:
    """The compiled step gives the same gradients, and updates statistics once."""
    network = loads("""
        input: [3, 16, 16]
        blocks:
          unit: {layers: [{type: conv2d, out_channels: 4, kernel_size: 3, norm: batch_norm2d, activation: relu}]}
        layers: [{name: units, use: unit, repeat: 3}]
    """)
    plain, checkpointed = both(network, ["units.*"])
    sample = torch.randn(4, 3, 16, 16)
    compiled: nn.Module = torch.compile(checkpointed, backend="aot_eager_decomp_partition")  # type: ignore[assignment]
    expected, found = trained(plain, sample), trained(compiled, sample)
    for before, after in zip((*expected[0], *expected[1]), (*found[0], *found[1]), strict=True):
        assert torch.allclose(before, after, atol=1e-5)


@pytest.mark.parametrize(
    ("layers", "block", "problem"),
    [
        ("{name: a, type: conv2d, out_channels: 4, kernel_size: 1}", "b", "has no block 'b'; none of its layers"),
        ("{name: a, use: unit}, {name: b, use: unit}", "c", "has no block 'c'; there are a, b"),
        ("{name: unit1, use: unit}", "unit", "did you mean 'unit1'"),
        (
            "{type: conv2d, out_channels: 4, kernel_size: 1}, {name: a, use: acting}",
            "a",
            "'a.relu' overwrites what enters 'a'",
        ),
    ],
)
def test_what_cannot_be_computed_again(layers: str, block: str, problem: str) -> None:
    network = loads(f"""
        input: [3, 8, 8]
        blocks:
          unit: {{layers: [{{type: conv2d, out_channels: 4, kernel_size: 1}}, {{type: relu}}]}}
          acting: {{layers: [{{type: relu, inplace: true}}, {{type: conv2d, out_channels: 4, kernel_size: 1}}]}}
        layers: [{layers}]
    """)
    with pytest.raises(ConfigError) as caught:
        build(network, device="meta", checkpoint=[block])
    assert problem in str(caught.value)


ONE_LAYER = {
    "linear": "input: [64]\nblocks: {one: {layers: [{type: linear, out_features: 64}]}}\n",
    "no bias": "input: [64]\nblocks: {one: {layers: [{type: linear, out_features: 64, bias: false}]}}\n",
    "conv2d": "input: [3, 8, 8]\nblocks: {one: {layers: [{type: conv2d, out_channels: 3, kernel_size: 1}]}}\n",
    "two": "input: [9]\nblocks: {one: {layers: [{type: linear, out_features: 70}, {type: linear, out_features: 9}]}}\n",
}


@pytest.mark.parametrize("blocks", ["layer", "layer.*", "layer.3", "layer.0"])
@pytest.mark.parametrize("config", ONE_LAYER)
def test_the_peak_of_blocks_of_one_layer_is_that_of_live_storages(config: str, blocks: str) -> None:
    """A bias's gradient is summed up when a checkpoint has let go of what the layer read (pytorch issue 78731)."""
    network = loads(ONE_LAYER[config] + "layers: [{name: layer, use: one, repeat: 8}]")
    segments = tuple(find_segments(network.graph, [blocks]))
    assert len(segments) == (8 if "*" in blocks else 1)
    for batch in (1, 3, 137):
        conditions = Conditions(batch=batch, optimizer="sgd", checkpoint=[blocks], adds_in_place=False)
        predicted = training_memory(network.graph, collect_facts(network.graph), conditions).peak
        assert predicted == count_training(network, conditions).peak


def test_a_block_of_one_layer_trains_as_without() -> None:
    network = loads(ONE_LAYER["conv2d"] + "layers: [{name: layer, use: one, repeat: 3}]")
    assert_alike(network, ["layer.1"], 8)


def test_a_block_of_functions_alone() -> None:
    """It has no module of PyTorch's until it is run as a segment."""
    network = loads("""
input: [4, 6, 6]
layers:
  - {type: conv2d, out_channels: 4, kernel_size: 1}
  - {name: a, type: residual, body: [{name: b, type: branches, merge: multiply, paths: [[], []]}]}
  - {type: conv2d, out_channels: 2, kernel_size: 1}
""")
    sample = torch.randn(2, 4, 6, 6)
    plain = build(network)
    for block in ("a", "a.b"):
        model = build(network, checkpoint=[block])
        model.load_state_dict(plain.state_dict())
        assert torch.equal(model(sample), plain(sample))
        conditions = Conditions(2, checkpoint=[block], adds_in_place=False)
        assert not differences(network, conditions, training=True, peak_only=True)
