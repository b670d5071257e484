"""The built models: names, values against torchvision, training, compilation, export, initialisation."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
import torchvision
from torch import Tensor, nn

import archlab
from archlab.api.load import load, loads
from archlab.config.syntax.naming import RESERVED
from archlab.config.syntax.yaml_nodes import Scalar
from archlab.config.tree.targets import open_target
from archlab.torch.build import build
from archlab.torch.export import export
from tests import presets
from tests.more_references import MORE_REFERENCES
from tests.references import PUBLISHED_BY_TORCHVISION, REFERENCES, SEGMENTATION, VIDEO, alive

# Parallel branches of regnet and inception have names of their own in torchvision; their logits tell.
pytestmark = pytest.mark.filterwarnings("ignore:several orders fit the shapes")


def is_compared(name: str) -> bool:
    """Whether it is small enough for every test run, by its `expect`; `python -m tests.zoo_table` compares all."""
    document, variant, _ = open_target(name)
    expect = document.expect if variant is None else variant.expect
    assert expect is not None
    figures = {key: node.value for key, node in expect.entries.items() if isinstance(node, Scalar)}
    return int(figures["macs"] or 0) < 9_000_000_000 and int(figures["params"] or 0) < 100_000_000


COMPARED = [name for name in (*PUBLISHED_BY_TORCHVISION, *SEGMENTATION, *MORE_REFERENCES) if is_compared(name)]
IN_FULL = (
    *("resnet18", "mobilenet_v2"),
    *[
        pytest.param(name, marks=pytest.mark.whole)
        for name in ("alexnet", "vgg11", "resnext50_32x4d", "densenet121", "efficientnet_b0")
    ],
)
"""At their own size too, and in double precision; the others with a smaller image, for time."""


FEWER = {4096: 64, 256 * 6 * 6: 256 * 2 * 2}
"""As `presets.shallow` has AlexNet and VGG, whose hundred million weights take seconds to draw."""


class FewFeatures(nn.Linear):
    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(FEWER.get(in_features, in_features), FEWER.get(out_features, out_features))


def alexnet_of_few_features() -> nn.Module:
    """As `presets.shallow` has it."""
    with patch.object(nn, "Linear", FewFeatures):
        model: nn.Module = torchvision.models.alexnet()
    model.avgpool = nn.AdaptiveAvgPool2d(2)
    return model


@pytest.mark.parametrize("name", presets.each(COMPARED))
def test_logits_equal_torchvisions_with_its_weights(name: str) -> None:
    if name == "alexnet":  # in full with `--whole`
        model, network = alive(alexnet_of_few_features), presets.shallow(name, 128)
    else:
        model = alive(REFERENCES[name])
        network = load(name, input=(3, 96, 96) if name not in ("inception_v3", *SEGMENTATION) else (3, 160, 160))
    ours = build(network, weights=model.state_dict()).eval()
    assert_equal(ours, model, torch.randn(1, *network.graph.input_shape))


@pytest.mark.parametrize("name", IN_FULL)
def test_logits_at_full_size_and_in_double_precision(name: str) -> None:
    model = alive(REFERENCES[name])
    ours = build(load(name), weights=model.state_dict()).eval()
    assert_equal(ours, model, torch.randn(1, 3, 224, 224))
    assert_equal(ours.double(), model.double(), torch.randn(1, 3, 96, 96, dtype=torch.float64))


@pytest.mark.parametrize("name", VIDEO)
def test_video_networks_equal_torchvisions_with_its_weights(name: str) -> None:
    model = alive(REFERENCES[name])
    network = load(name, input=(3, 14, 224, 224) if name == "s3d" else (3, 6, 32, 32))
    ours = build(network, weights=model.state_dict()).eval()
    assert_equal(ours, model, torch.randn(1, *network.graph.input_shape))


def assert_equal(ours: nn.Module, model: nn.Module, sample: Tensor) -> None:
    with torch.no_grad():
        expected, found = model(sample), ours(sample)
    if isinstance(expected, dict):
        expected, found = expected["out"], found["out"]
    assert torch.equal(found, expected)
    assert expected.std() > 0


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_auxiliary_heads_are_torchvisions(name: str) -> None:
    model = alive(REFERENCES[f"{name}_aux"])
    network = load(f"{name}_aux")
    ours = build(network, weights=model.state_dict()).eval()
    model.training = True  # of the outermost alone: see references.with_heads
    sample = torch.randn(1, *network.graph.input_shape)
    with torch.no_grad():
        expected, found = model(sample), ours(sample)
    assert set(found) == set(expected._fields)
    assert all(torch.equal(found[label], getattr(expected, label)) for label in found)


NUMBER_FOR_NUMBER = (
    *("alexnet", "vgg11_bn", "resnet18", "resnext50_32x4d", "mobilenet_v2", "squeezenet1_1", "densenet121"),
    *(
        pytest.param("vgg11", marks=pytest.mark.whole),
        "efficientnet_b0",
        "mnasnet0_5",
        "mobilenet_v3_small",
        "shufflenet_v2_x0_5",
        "regnet_x_400mf",
    ),
)


@pytest.mark.parametrize("name", NUMBER_FOR_NUMBER)
def test_initialisation_is_torchvisions_number_for_number(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load(name)
    if name.startswith(("alexnet", "vgg")):
        monkeypatch.setattr(nn, "Linear", FewFeatures)
        network = presets.shallow(name, 224)
    torch.manual_seed(3)
    expected = torchvision.models.get_model(name, weights=None).state_dict()
    monkeypatch.undo()
    torch.manual_seed(3)
    found = build(network).state_dict()
    for (ours, a), (other, b) in zip(found.items(), expected.items(), strict=True):
        assert torch.equal(a, b), (ours, other)


def test_a_target_is_built_as_load_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "input: [8]\nparams: {n: 2}\nvariants: {wide: {n: 4}}\nlayers: [{type: linear, out_features: $n}]\n"
    )
    for target, features in ((path, 2), (str(path), 2), (f"{path}@wide", 4)):
        assert archlab.build(target).get_submodule("fc").out_features == features
    assert len(archlab.build("squeezenet1_1", device="meta").state_dict()) == 52
    assert archlab.verify(path).ok
    with pytest.raises(archlab.ConfigError, match="there is no preset 'resnet51'"):
        archlab.build("resnet51")


def test_submodules_have_the_nodes_paths_and_code_is_readable() -> None:
    network = load("resnet18")
    model = build(network)
    for node in network.graph.layers:
        if node.layer.torch_class:
            assert type(model.get_submodule(node.path)).__name__ == node.layer.torch_class
    assert 'getattr(self.layer1, "0").conv1(' in model.code


SMALL = """
input: [3, 16, 16]
blocks:
  unit:
    params: {width: , stride: 1}
    layers:
      - type: residual
        shortcut: project
        body:
          - {type: conv2d, out_channels: $width, kernel_size: 3, stride: $stride, padding: 1,
             norm: batch_norm2d, activation: relu}
          - {type: conv2d, out_channels: $width, kernel_size: 3, padding: 1, norm: batch_norm2d}
      - {type: relu, inplace: true}
layers:
  - {name: a, use: unit, width: 8, repeat: 2}
  - {name: b, use: unit, width: 16, stride: 2}
  - type: branches
    split: true
    paths:
      - []
      - {type: conv2d, out_channels: 4, kernel_size: 1, activation: silu}
      - {type: max_pool2d, kernel_size: 3, stride: 1, padding: 1}
      - {type: relu}
  - {name: gate, type: adaptive_avg_pool2d, output_size: 1}
  - {type: sigmoid}
  - {type: multiply, with: [b]}
  - {type: adaptive_avg_pool2d, output_size: 1}
  - {type: flatten}
  - {name: head, type: linear, out_features: 5}
"""


def small() -> archlab.Network:
    return loads(SMALL)


def test_it_trains() -> None:
    torch.manual_seed(0)
    model = build(small())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x, y = torch.randn(16, 3, 16, 16), torch.arange(16) % 5
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert losses[-1] < losses[0] / 2, losses


@pytest.mark.parametrize(
    "name",
    [
        *("alexnet", "vgg11_bn", "resnet18", "resnext50_32x4d", "mobilenet_v1_0_25", "mobilenet_v2", "convnext_tiny"),
        *("densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet_aux", "mnasnet0_5"),
        pytest.param("inception_v3_aux", marks=pytest.mark.whole),  # its heads need an image of 299
        *("mobilenet_v3_small", "regnet_y_400mf", "shufflenet_v2_x0_5", "squeezenet1_1", "lraspp"),
    ],
)
def test_every_family_takes_a_training_step(name: str) -> None:
    network = load(name) if name == "inception_v3_aux" else presets.shallow(name)
    model = build(network)
    before = [parameter.clone() for parameter in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    results = model(torch.randn(2, *network.graph.input_shape))
    values = results.values() if isinstance(results, dict) else [results]
    torch.stack([value.square().mean() for value in values]).sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize(
    "activation",
    ["{type: leaky_relu, negative_slope: -0.1}", "{type: elu, alpha: -1}", "{type: celu, alpha: -1}", "leaky_relu"],
)
def test_an_activation_is_in_place_where_its_backward_pass_allows_it(activation: str) -> None:
    text = f"input: [1, 4, 4]\nlayers: [{{type: conv2d, out_channels: 1, kernel_size: 1, activation: {activation}}}]"
    network = loads(text)
    model = build(network)
    model(torch.randn(1, 1, 4, 4)).sum().backward()
    assert network.graph.runtimes[-1].storage == ("inplace" if activation == "leaky_relu" else "new")


def test_it_compiles_without_graph_breaks() -> None:
    model = build(small()).eval()
    x = torch.randn(2, 3, 16, 16)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), model(x))
    explained = torch._dynamo.explain(model)(x)
    assert explained.graph_break_count == 0


def test_it_exports_with_a_dynamic_batch() -> None:
    network = small()
    model = build(network).eval()
    program = export(model, network.graph)
    for batch in (1, 2, 7):
        x = torch.randn(batch, 3, 16, 16)
        with torch.no_grad():
            torch.testing.assert_close(program.module()(x), model(x))


THREE_BLOCKS = """
extends: mobilenet_v3_small
blocks:
  small:
    layers:
      - {use: bneck, kernel: 3, exp: 16, out: 16, se: true, act: relu, stride: 2}
      - {use: bneck, kernel: 3, exp: 72, out: 16, se: false, act: relu}
      - {use: bneck, kernel: 5, exp: 96, out: 16, se: true, act: hardswish}
"""
"""Each kind of block once: to compile takes as long as there are layers."""


@pytest.mark.parametrize(
    "name",
    [
        *("resnet18", "squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x0_5", "unet_bilinear"),
        *[pytest.param(name, marks=pytest.mark.whole) for name in ("regnet_y_400mf", "mnasnet0_5")],
    ],
)
def test_families_compile_and_export(name: str) -> None:
    network = loads(THREE_BLOCKS, input=(3, 64, 64)) if name == "mobilenet_v3_small" else presets.shallow(name)
    model = build(network).eval()
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = model(x)
        torch.testing.assert_close(torch.compile(model, fullgraph=True, backend="aot_eager")(x), expected)
        program = export(model, network.graph).module()
        torch.testing.assert_close(program(x), expected)
        torch.testing.assert_close(program(x[:1]), model(x[:1]))


def test_device_dtype_and_pickling() -> None:
    network = small()
    assert all(p.device.type == "meta" for p in build(network, device="meta").parameters())
    model = build(network).to(torch.bfloat16).eval()
    assert model(torch.randn(1, 3, 16, 16, dtype=torch.bfloat16)).dtype == torch.bfloat16
    again = pickle.loads(pickle.dumps(build(network).eval()))  # noqa: S301 - our own bytes
    assert again(torch.randn(1, 3, 16, 16)).shape == (1, 5)


@pytest.mark.parametrize(
    ("outputs", "kind"), [("outputs: [a, b]", tuple), ("outputs: {x: b, y: a}", dict), ("outputs: b", Tensor)]
)
def test_outputs(outputs: str, kind: type) -> None:
    text = (
        "input: [3, 4, 4]\nlayers: [{name: a, type: relu}, {name: b, type: conv2d, out_channels: 2, kernel_size: 1}]\n"
    )
    result: Any = build(loads(text + outputs))(torch.randn(1, 3, 4, 4))
    assert isinstance(result, kind)
    if isinstance(result, dict):
        assert {key: value.shape[1] for key, value in result.items()} == {"x": 2, "y": 3}
    elif isinstance(result, tuple):
        assert [value.shape[1] for value in result] == [3, 2]


def test_names_that_modules_already_have_are_reserved() -> None:
    model = build(small())
    taken = {name for name in {*dir(model), *dir(nn.Module()), *dir(nn.Sequential())} if not name.startswith("_")}
    own = {"a", "b", "gate", "head"} | {name for name, _ in model.named_children()}
    assert taken - own <= RESERVED


def test_hostile_network_names_are_harmless() -> None:
    for name in ("a b", "1st", "x'); import os; ('", '"""', "<img src=x>", "é"):
        text = (
            f"name: {name!r}\ninput: [3, 4, 4]\nlayers: [{{type: relu}}]"
            if "'" not in name
            else (f'name: "{name}"\ninput: [3, 4, 4]\nlayers: [{{type: relu}}]')
        )
        if '"""' in name:
            text = 'name: \'"""\'\ninput: [3, 4, 4]\nlayers: [{type: relu}]'
        assert build(loads(text))(torch.ones(1, 3, 4, 4)).shape == (1, 3, 4, 4)


def test_init_of_a_layer_without_tensors_changes_nothing() -> None:
    text = "input: [4, 8, 8]\ninit: {add: {weight: zeros}, relu: {weight: ones}}\n"
    assert (
        build(loads(text + "layers: [{name: a, type: relu}, {type: add, with: [a]}]"))(torch.ones(1, 4, 8, 8)).sum()
        == 512
    )
