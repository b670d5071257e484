"""Presets whose results are maps against models of their papers, or torchvision's: figures and values."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archlab.api.load import load
from archlab.api.network import Network
from archlab.config.syntax.yaml_nodes import Scalar
from archlab.config.tree.targets import open_target
from archlab.torch.build import build
from archlab.torch.verify_field import verify_receptive_field
from tests import presets
from tests.references import Numbers, Undrawn, passed_over
from tests.zoo.dense_models import TCN, PoseNet, WaveNet, unet3d
from tests.zoo.detection_models import SSD, EfficientDet, RetinaNet, Yolo3

# Their modules have other names, and shapes alone leave some open; what comes out tells.
pytestmark = pytest.mark.filterwarnings("ignore:several orders fit the shapes")

EIGHT_STACKS = partial(PoseNet, 8)
MODELS: dict[str, tuple[Callable[..., nn.Module], tuple[int, ...]]] = {
    "efficientdet": (EfficientDet, (3, 64, 64)),
    "efficientdet_d0": (EfficientDet, (3, 128, 256)),
    "hourglass": (EIGHT_STACKS, (3, 64, 64)),
    "hourglass_2": (partial(PoseNet, 2), (3, 64, 128)),
    "hourglass_8": (EIGHT_STACKS, (3, 64, 64)),
    "retinanet": (RetinaNet, (3, 64, 64)),
    "retinanet_resnet50_fpn": (RetinaNet, (3, 72, 100)),
    "ssd": (SSD, (3, 268, 268)),
    "ssd300_vgg16": (SSD, (3, 268, 268)),
    "tcn": (TCN, (1, 784)),
    "unet3d": (partial(unet3d, 1), (3, 8, 16, 24)),
    "unet3d_valid": (partial(unet3d, 0), (3, 92, 92, 92)),
    "wavenet": (WaveNet, (256, 200)),
    "yolov3": (Yolo3, (3, 64, 96)),
    "yolov3_608": (Yolo3, (3, 64, 64)),
}
"""The model, and an input small enough for every test run."""
NARROWER = {"unet3d_valid": {"width": 8}}
"""For values: what crops its maps takes no smaller input than 92x92x92."""
FAMILIES = ("efficientdet", "hourglass", "retinanet", "ssd", "tcn", "unet3d", "wavenet", "yolov3")


def test_every_variant_has_a_model() -> None:
    names = [name for family in FAMILIES for name in (family, *open_target(family)[0].variants)]
    assert sorted(names) == sorted(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_figures_are_the_models(name: str) -> None:
    network = presets.network(name)
    params, flops, maps = _figures(MODELS[name][0], network.graph.input_shape)
    total = presets.analysis(name).total
    assert (total.params, 2 * total.macs) == (params, flops)
    assert [network.graph.nodes[index].shape for _, index in network.graph.outputs] == maps
    assert _expected(network) == {"params": total.params, "macs": total.macs}


@cache
def _figures(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> tuple[int, int, list[tuple[int, ...]]]:
    """Params, operations and the maps' shapes; a family and the variant that its own name means have one model."""
    with torch.device("meta"), Undrawn():
        model, sample = make().eval(), torch.empty(1, *shape)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        maps = _maps(passed_over(model)(sample))
    params = sum(parameter.numel() for parameter in model.parameters())
    return params, counter.get_total_flops(), [tuple(found.shape[1:]) for found in maps]


def _expected(network: Network) -> dict[str, Any]:
    expect = network.document.expect if network.variant is None else network.variant.expect
    assert expect is not None
    return {key: node.value for key, node in expect.entries.items() if isinstance(node, Scalar)}


def _maps(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)


@pytest.mark.parametrize(
    "name", [name for name in MODELS if name not in {*FAMILIES, "hourglass_8"} or name in {"tcn", "wavenet"}]
)
def test_values_are_the_models_with_its_weights(name: str) -> None:
    make, size = MODELS[name]
    narrower = NARROWER.get(name, {})
    network = load(name, input=size, **narrower)
    model = _alive(partial(make, **narrower))
    ours = build(network, weights=model.state_dict()).eval()
    sample = torch.randn(1, *size)
    with torch.no_grad():
        expected, found = _maps(model(sample)), _maps(ours(sample))
    assert len(expected) == len(found)
    for theirs, mine in zip(expected, found, strict=True):
        assert torch.equal(mine, theirs)
        assert theirs.isfinite().all()
        assert theirs.std() > 0


def _alive(make: Callable[[], nn.Module]) -> nn.Module:
    """A model with random tensors, all different, none of which lets values vanish."""
    torch.manual_seed(0)
    numbers = Numbers()
    with Undrawn():
        model = make().eval()
    for name, tensor in model.state_dict().items():
        if tensor.dim() > 1:
            numbers.fill(tensor, (3 / tensor[0].numel()) ** 0.5)
        elif tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5) if name.endswith(("var", "weight")) else tensor.uniform_(-0.2, 0.2)
    return model


def test_the_3d_unet_has_the_papers_parameters() -> None:
    """19,069,955, which is one vector for each norm and none for the up-convolutions' bias."""
    layers = load("unet3d").graph.layers
    biases = sum(node.shape[0] for node in layers if node.layer.type == "conv_transpose3d")
    norms = sum(node.shape[0] for node in layers if node.layer.type == "batch_norm3d")
    assert load("unet3d").analyze().total.params - biases - norms == 19_069_955


def test_the_3d_unet_gives_the_papers_size() -> None:
    """44x44x28 of 132x132x116 positions."""
    assert load("unet3d_valid").graph.layers[-1].shape == (3, 28, 44, 44)


def test_no_sample_of_wavenet_sees_the_next() -> None:
    network = load("wavenet", input=(256, 24), dilations=3, stacks=2, num_values=4, residual=2, dilated=2, skip=3)
    assert verify_receptive_field(network).ok
    axis = load("wavenet").analyze().total.receptive_field.axes[0]
    assert axis is not None
    assert axis.sizes == [1 + 1 + 5 * 1023]
    assert axis.start == -5116


@pytest.mark.parametrize(("name", "billions"), [("yolov3", "65.86"), ("yolov3_608", "140.69")])
def test_yolos_operations_are_darknets(name: str, billions: str) -> None:
    """What Darknet prints, which counts products and additions."""
    assert f"{2 * presets.analysis(name).total.macs / 1e9:.2f}" == billions


@pytest.mark.parametrize(("name", "billions"), [("retinanet_resnet50_fpn", "151.54"), ("ssd300_vgg16", "34.858")])
def test_detectors_operations_are_torchvisions(name: str, billions: str) -> None:
    """Those of its published weights."""
    digits = len(billions.partition(".")[2])
    assert f"{presets.analysis(name).total.macs / 1e9:.{digits}f}" == billions
