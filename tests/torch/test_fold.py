"""Folded models beside PyTorch's own folding of single layers, and beside the networks that they are made of."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

import archlab
from archlab.torch.fold import fold
from tests.command import run


def randomised(model: nn.Module) -> nn.Module:
    """With statistics and scales that change what passes, and a variance of a channel far from the others'."""
    source = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            with torch.no_grad():
                for tensor, least, most in ((module.weight, 0.5, 1.5), (module.bias, -0.5, 0.5)):
                    if isinstance(tensor, Tensor):
                        tensor.uniform_(least, most, generator=source)
                if module.running_mean is not None and module.running_var is not None:
                    module.running_mean.uniform_(-0.5, 0.5, generator=source)
                    module.running_var.uniform_(0.5, 2, generator=source)
                    module.running_var[0] = 100
    return model.eval()


CASES = {
    "conv1d": ("[4, 9]", "conv1d, out_channels: 6, kernel_size: 3", "batch_norm1d"),
    "conv2d": ("[4, 9, 9]", "conv2d, out_channels: 6, kernel_size: 3, bias: false", "batch_norm2d"),
    "groups": ("[4, 9, 9]", "conv2d, out_channels: 6, kernel_size: 3, groups: 2", "batch_norm2d, affine: false"),
    "conv3d": ("[2, 5, 5, 5]", "conv3d, out_channels: 6, kernel_size: 3", "batch_norm3d, bias: false"),
    "transposed": ("[4, 9, 9]", "conv_transpose2d, out_channels: 6, kernel_size: 2, stride: 2", "batch_norm2d"),
    "linear": ("[4]", "linear, out_features: 6", "batch_norm1d, eps: 0.1"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_folded_layer_has_the_weights_of_pytorchs_own_folding(name: str) -> None:
    shape, front, norm = CASES[name]
    text = f"archlab: 1\ninput: {shape}\nlayers:\n  - {{type: {front}, name: f}}\n  - {{type: {norm}, name: n}}\n"
    network = archlab.loads(text)
    model = randomised(archlab.build(network))
    own: Any = model.get_submodule("f")
    bn: Any = model.get_submodule("n")
    if isinstance(own, nn.Linear):
        expected: Any = fuse_linear_bn_eval(own, bn)
    else:
        expected = fuse_conv_bn_eval(own, bn, transpose="Transpose" in type(own).__name__)
    folded = fold(model, network.graph)[0].state_dict()
    torch.testing.assert_close(folded["f.weight"], expected.weight.detach())
    torch.testing.assert_close(folded["f.bias"], expected.bias.detach())


def test_groups_of_a_transposed_convolution() -> None:
    """PyTorch's folding does not take them, since channels of a group lie together, so the values are compared."""
    layers = "{type: conv_transpose2d, out_channels: 6, kernel_size: 3, groups: 2, norm: batch_norm2d}"
    _require_equal(f"archlab: 1\ninput: [4, 5, 5]\nlayers:\n  - {layers}\n")


DEFORMED = "  - {type: deform_conv2d, out_channels: 6, kernel_size: 3, norm: batch_norm2d}\n"
MIXED = """\
archlab: 1
input: [4, 12, 12]
layers:
  - {type: batch_norm2d, activation: relu}
  - {name: a, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, groups: 2, norm: batch_norm2d,
     activation: silu}
  - {type: dropout, p: 0.5}
  - type: residual
    body:
      - {type: conv2d, out_channels: 8, kernel_size: 1, norm: batch_norm2d, activation: sigmoid}
      - {type: stochastic_depth, p: 0.5, mode: row}
  - {type: batch_norm2d, track_running_stats: false}
  - {type: conv2d, out_channels: 6, kernel_size: 3, weight: scaled_standardized, norm: batch_norm2d}
  - {type: conv2d, out_channels: 6, kernel_size: 3, weight: standardized}
  - {type: conv2d, out_channels: 6, kernel_size: 3, weight: weight_norm, norm: batch_norm2d}
  - {type: conv2d, out_channels: 6, kernel_size: 1, weight: spectral_norm}
  - {type: prelu}
  - {type: deform_conv2d, out_channels: 6, kernel_size: 3, norm: batch_norm2d}
  - {type: flatten}
  - {type: batch_norm1d}
  - {type: linear, out_features: 5, norm: batch_norm1d, activation: tanh}
"""


def _require_equal(target: str, **options: Any) -> None:
    network = archlab.loads(target) if "\n" in target else archlab.load(target, **options)
    torch.manual_seed(0)
    model = randomised(archlab.build(network)).double()
    folded = fold(model, network.graph)[0]
    values = [torch.randn(2, *node.shape, dtype=torch.float64) for node in network.graph.inputs]
    with torch.no_grad():
        written, deployed = model(*values), folded(*values)
    for one, other in zip(_listed(written), _listed(deployed), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-9, atol=1e-11 * float(one.abs().max()))
        assert float(one.abs().max()) > 0


def _listed(result: Any) -> list[Tensor]:
    values = list(result.values()) if isinstance(result, dict) else result
    return list(values) if isinstance(values, tuple | list) else [values]


def test_every_kind_of_fold_in_one_network() -> None:
    _require_equal(MIXED)


SMALL = (3, 64, 64)
QUICK = ("mobilenet_v3_small", "shufflenet_v2_x0_5", "googlenet", "dcgan_generator")
FURTHER = (
    *("mobilenet_v2", "resnet18", "densenet121", "efficientnet_b0", "regnet_y_400mf", "res2net50_26w_4s"),
    *("deeplabv3_resnet50", "dm_nfnet_f0", "unet", "hourglass_2", "se_resnet50", "xception", "unet3d"),
)
"""With `--whole`; with these it is seventeen."""
CHOICES = [*QUICK, *[pytest.param(target, marks=pytest.mark.whole) for target in FURTHER]]


@pytest.mark.parametrize("target", CHOICES)
def test_networks_of_the_zoo_stay_what_they_are(target: str) -> None:
    small = {"unet": (1, 64, 64), "unet3d": (1, 16, 16, 16)}
    _require_equal(target, input=None if target == "dcgan_generator" else small.get(target, SMALL))


def test_the_written_forms_are_one_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.yaml").write_text(MIXED.replace(DEFORMED, ""))
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("net_deployed", None)
    for ending in ("pt", "py", "pt2"):
        status, _, err = run(capsys, "build", "net.yaml", "--deploy", "--seed", "3", "-o", f"net_deployed.{ending}")
        assert (status, err) == (0, "")
    spec = importlib.util.spec_from_file_location("net_deployed", tmp_path / "net_deployed.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (model_class,) = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, nn.Module) and value.__name__.lower().startswith("net")
    ]
    model = model_class().eval()
    model.load_state_dict(torch.load("net_deployed.pt", weights_only=True))
    exported = torch.export.load("net_deployed.pt2").module()
    torch.manual_seed(3)
    written = archlab.build("net.yaml").eval()
    value = torch.randn(2, 4, 12, 12)
    with torch.no_grad():
        expected = written(value)
        for found in (model(value), exported(value)):
            torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.whole
def test_so_is_onnx(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(MIXED.replace(DEFORMED, ""))
    assert run(capsys, "build", "net.yaml", "--deploy", "--seed", "3", "-o", "net.onnx")[0] == 0
    torch.manual_seed(3)
    written = archlab.build("net.yaml").eval()
    value = torch.randn(2, 4, 12, 12)
    session = onnxruntime.InferenceSession("net.onnx", providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: value.numpy()})[0]
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found), written(value), rtol=1e-3, atol=1e-4)


def test_deployed_networks_are_built_folded_and_never_with_checkpoints() -> None:
    network = archlab.loads(MIXED).deploy()
    model = archlab.build(network)
    assert not model.training
    assert {"a.conv.bias", "a.conv.weight"} <= set(model.state_dict())
    part = archlab.build(network, outputs=["a"])
    assert set(part(torch.randn(1, 4, 12, 12))) == {"a"}
    with pytest.raises(archlab.ConfigError, match="a deployed model is not trained"):
        archlab.build(network, checkpoint=["a"])
