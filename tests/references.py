"""The PyTorch models that the presets describe, and what torch counts on them: the truth of the tests.

torchvision's own models wherever it publishes them, else plain PyTorch or torchvision's with a few changes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models
from torchvision.models.regnet import BlockParams

from archlab.config.tree.presets import preset_files
from tests import presets
from tests.more_references import MORE_REFERENCES

EXAMPLES = (
    *("dcgan_generator", "deformable_resnet", "dilated_context", "unet"),
    *("efficientdet", "hourglass", "retinanet", "ssd", "tcn", "unet3d", "wavenet", "yolov3"),
)
"""Families that tests/test_examples.py and tests/zoo/test_maps.py compare with models written from their papers."""
FROM_TIMM = ("coatnet", "convnextv2", "mobilevit", "nfnet", "resnest")
"""Families that tests/zoo/test_timm.py compares with timm."""
FAMILIES = tuple(path.stem for path in preset_files() if path.stem not in (*EXAMPLES, *FROM_TIMM))


def alexnet_slim() -> Any:
    """TF-Slim's alexnet_v2: conv1 without padding, so that 5x5 positions are left for the classifier."""
    model = models.alexnet()
    model.features[0].padding = (0, 0)
    model.avgpool = nn.AdaptiveAvgPool2d(5)
    model.classifier[1] = nn.Linear(256 * 5 * 5, 4096)
    return model


def resnet50_caffe() -> Any:
    """The original ResNet-50: the first 1x1 convolution of a stage halves the map."""
    model = models.resnet50()
    for stage in (model.layer2, model.layer3, model.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    return model


def resnet_slim(name: str) -> Any:
    """TF-Slim's resnet_v1: the last unit of each stage but the fourth halves the map; its shortcut has no params."""
    model = getattr(models, name)()
    model.maxpool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    for stage in (model.layer2, model.layer3, model.layer4):
        stage[0].conv2.stride = stage[0].downsample[0].stride = (1, 1)
    for stage in (model.layer1, model.layer2, model.layer3):
        stage[-1].conv2.stride = (2, 2)
        stage[-1].downsample = nn.MaxPool2d(1, stride=2)
    return model


def mobilenet_v1(width_mult: float = 1.0, *, tf_same: bool = False) -> nn.Module:
    """Table 1 of Howard et al. 2017."""
    layers: list[nn.Module] = []

    def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        padding = kernel // 2
        if tf_same and stride == 2:
            layers.append(nn.ZeroPad2d((0, 1, 0, 1)))
            padding = 0
        layers.append(nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False))
        layers.extend([nn.BatchNorm2d(outputs), nn.ReLU()])

    widths = [int(width * width_mult) for width in (32, 64, *[128] * 2, *[256] * 2, *[512] * 6, *[1024] * 2)]
    convolution(3, widths[0], 3, stride=2)
    for block, (inputs, outputs) in enumerate(pairwise(widths), 1):
        convolution(inputs, inputs, 3, stride=2 if block in {2, 4, 6, 12} else 1, groups=inputs)
        convolution(inputs, outputs, 1)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 1000))


def with_heads(name: str) -> nn.Module:
    """googlenet or inception_v3 with its auxiliary classifiers, which run in eval mode too."""
    model: nn.Module = models.get_model(name, weights=None, aux_logits=True, init_weights=False)
    model.eval()
    model.training = True  # of the outermost module alone, which decides about the heads
    return model


def segmentation(name: str) -> nn.Module:
    """torchvision's model, the one result that archlab's has."""
    model: nn.Module = models.get_model(name, weights=None, weights_backbone=None, aux_loss=False)
    return model


def regnet(name: str) -> nn.Module:
    """torchvision computes the widths with tensors, which must be real where the model's are not."""
    made = BlockParams.from_init_params

    def from_init_params(*args: Any, **kwargs: Any) -> BlockParams:
        with torch.device("cpu"):
            return made(*args, **kwargs)

    with patch.object(BlockParams, "from_init_params", from_init_params):
        model: nn.Module = models.get_model(name, weights=None)
    return model


REGNET_FLOPS = ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")
PUBLISHED_BY_TORCHVISION = (
    *("alexnet", "googlenet", "inception_v3", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"),
    *(f"convnext_{size}" for size in ("tiny", "small", "base", "large")),
    *(f"densenet{depth}" for depth in (121, 161, 169, 201)),
    *(f"efficientnet_b{number}" for number in range(8)),
    *(f"efficientnet_v2_{size}" for size in "sml"),
    *(f"mnasnet{width}" for width in ("0_5", "0_75", "1_0", "1_3")),
    *(f"regnet_{kind}_{flops}" for kind in "xy" for flops in REGNET_FLOPS),
    "regnet_y_128gf",
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "wide_resnet101_2"),
    *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
    *(f"shufflenet_v2_x{width}" for width in ("0_5", "1_0", "1_5", "2_0")),
    *("squeezenet1_0", "squeezenet1_1"),
    *(f"vgg{depth}{norm}" for norm in ("", "_bn") for depth in (11, 13, 16, 19)),
)
"""Every classification CNN of torchvision."""
SEGMENTATION = (
    *("fcn_resnet50", "fcn_resnet101", "deeplabv3_resnet50", "deeplabv3_resnet101"),
    *("deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"),
)
VIDEO = ("r3d_18", "mc3_18", "r2plus1d_18", "s3d")
"""torchvision's CNNs for video."""

REGNETS = tuple(name for name in PUBLISHED_BY_TORCHVISION if name.startswith("regnet"))
WITHOUT_HEADS: dict[str, Any] = {"aux_logits": False, "init_weights": False}
REFERENCES: dict[str, Callable[[], Any]] = {
    **{name: partial(models.get_model, name, weights=None) for name in (*PUBLISHED_BY_TORCHVISION, *VIDEO)},
    **{name: partial(models.get_model, name, weights=None, **WITHOUT_HEADS) for name in ("googlenet", "inception_v3")},
    **{name: partial(regnet, name) for name in REGNETS},
    **{f"{name}_aux": partial(with_heads, name) for name in ("googlenet", "inception_v3")},
    **{name: partial(segmentation, name) for name in SEGMENTATION[:5]},
    SEGMENTATION[5]: partial(models.get_model, SEGMENTATION[5], weights=None, weights_backbone=None),
    "alexnet_v2_slim": alexnet_slim,
    "resnet50_caffe": resnet50_caffe,
    "resnet50_slim": partial(resnet_slim, "resnet50"),
    "resnet101_slim": partial(resnet_slim, "resnet101"),
    "resnet152_slim": partial(resnet_slim, "resnet152"),
    "mobilenet_v2_1_4": partial(models.mobilenet_v2, width_mult=1.4),
    "mobilenet_v2_0_75": partial(models.mobilenet_v2, width_mult=0.75),
    "mobilenet_v2_0_5": partial(models.mobilenet_v2, width_mult=0.5),
    "mobilenet_v2_0_35": partial(models.mobilenet_v2, width_mult=0.35),
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v1_1_0": mobilenet_v1,
    "mobilenet_v1_0_75": partial(mobilenet_v1, 0.75),
    "mobilenet_v1_0_5": partial(mobilenet_v1, 0.5),
    "mobilenet_v1_0_25": partial(mobilenet_v1, 0.25),
    "mobilenet_v1_slim": partial(mobilenet_v1, tf_same=True),
}
"""Every family and variant, and the PyTorch model that it describes."""

DEFAULTS = {
    "vgg": "vgg16",
    "resnet": "resnet50",
    "resnext": "resnext50_32x4d",
    "convnext": "convnext_tiny",
    "densenet": "densenet121",
    "efficientnet": "efficientnet_b0",
    "efficientnet_v2": "efficientnet_v2_s",
    "mnasnet": "mnasnet1_0",
    "mobilenet_v3": "mobilenet_v3_large",
    "regnet": "regnet_y_400mf",
    "shufflenet_v2": "shufflenet_v2_x1_0",
    "squeezenet": "squeezenet1_0",
    "fcn": "fcn_resnet50",
    "deeplabv3": "deeplabv3_resnet50",
    "lraspp": "lraspp_mobilenet_v3_large",
    "video_resnet": "r3d_18",
}
"""Families whose own name means one of the variants."""
REFERENCES |= {family: REFERENCES[name] for family, name in DEFAULTS.items()} | MORE_REFERENCES


class OwnedTensor(NamedTuple):
    name: str
    shape: tuple[int, ...]
    learnable: bool


class Truth(NamedTuple):
    params: int
    macs: int
    activations: int
    tensors: dict[str, OwnedTensor]
    """By their names in the state dict, in its order."""


class Undrawn(TorchFunctionMode):
    """Modules made under it leave their tensors as they are: drawing on the meta device takes most of the time."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Calls anything but what draws, which gives back its tensor."""
        if func in {Tensor.normal_, Tensor.uniform_} or getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


DRAWN = 999_983
"""How many random numbers are drawn, a prime number of them; to draw each weight took several times as long."""


class Numbers:
    """Random numbers from -1 to 1 for one tensor after the other, in a circle: of one shape too they get others."""

    def __init__(self) -> None:
        self._drawn = torch.rand(DRAWN, generator=torch.Generator().manual_seed(0)).mul_(2).sub_(1)
        self._at = 0

    def fill(self, tensor: Tensor, bound: float) -> None:
        """With the next ones, times a bound."""
        flat, done = tensor.view(-1), 0
        while done < len(flat):
            given = self._drawn[self._at : self._at + len(flat) - done]
            torch.mul(given, bound, out=flat[done : done + len(given)])
            done += len(given)
            self._at = (self._at + len(given)) % DRAWN


def few_features(alexnet: models.AlexNet) -> models.AlexNet:
    """With 64 features in its classifier for 4,096, whose 59 million weights show no more, and 10 classes."""
    for place, sizes in ((1, (9216, 64)), (4, (64, 64)), (6, (64, 10))):
        alexnet.classifier[place] = nn.Linear(*sizes)
    return alexnet


def alive(make: Callable[[], nn.Module]) -> nn.Module:
    """A model in eval mode with random tensors, all different, that keep its values alive; nothing is the identity."""
    torch.manual_seed(0)
    numbers = Numbers()
    with torch.device("meta"), Undrawn():
        model = make()
    model = model.to_empty(device="cpu").eval()
    for name, tensor in model.state_dict().items():
        if tensor.dim() > 1:
            numbers.fill(tensor, (6 / tensor[0].numel()) ** 0.5)
        elif tensor.dim() == 0:
            tensor.fill_(1)  # num_batches_tracked
        elif name.endswith((".running_var", ".weight")):
            tensor.uniform_(0.5, 1.5)
        else:
            tensor.uniform_(-0.2, 0.2)
    return model


OF_EACH_VALUE = (
    *(nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.Dropout),
    *(nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Sigmoid, nn.Hardswish, nn.Hardsigmoid),
)
"""Modules whose output has the shape of their input, and of which no MAC is counted."""


def passed_over(model: nn.Module) -> nn.Module:
    """A model of which only shapes and MACs are asked: on the meta device torch takes norms apart, which is slow."""
    for module in model.modules():
        if isinstance(module, OF_EACH_VALUE):
            module.forward = lambda value: value  # type: ignore[assignment, method-assign]
    return model


def truth(name: str) -> Truth:
    """What its reference has; a family and the variant that its own name means have one."""
    return _truth(REFERENCES[name], presets.network(name).graph.input_shape, name.endswith("_aux"))


@cache
def _truth(make: Callable[[], Any], shape: tuple[int, ...], has_heads: bool) -> Truth:  # noqa: FBT001
    with torch.device("meta"), Undrawn():
        model: nn.Module = make()
        if not has_heads:
            model.eval()
        image = torch.empty(1, *shape)
    outputs: list[int] = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.Linear):
            module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output.numel()))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        passed_over(model)(image)
    learnable = dict(model.named_parameters())
    return Truth(
        params=sum(parameter.numel() for parameter in learnable.values()),
        macs=counter.get_total_flops() // 2,
        activations=sum(outputs),
        tensors={
            path: OwnedTensor(path.rpartition(".")[2], tuple(tensor.shape), path in learnable)
            for path, tensor in model.state_dict().items()
        },
    )
