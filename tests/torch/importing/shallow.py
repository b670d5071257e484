"""torchvision's models with fewer repetitions of their blocks: all kinds of layers are there, and of what they read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.efficientnet import MBConvConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig, MobileNetV3
from torchvision.models.regnet import BlockParams
from torchvision.models.resnet import BasicBlock

CONVNEXT = [CNBlockConfig(96, 192, 2), CNBlockConfig(192, 384, 1), CNBlockConfig(384, None, 1)]
EFFICIENTNET = [
    MBConvConfig(1, 3, 1, 32, 16, 1),
    MBConvConfig(6, 3, 2, 16, 24, 3),
    MBConvConfig(6, 5, 2, 24, 40, 1),
    MBConvConfig(6, 3, 2, 40, 80, 1),
    MBConvConfig(6, 5, 1, 80, 112, 2),
]
MOBILENET_V2 = [[1, 16, 1, 1], [6, 24, 3, 2], [6, 32, 1, 2], [6, 64, 1, 2], [6, 96, 2, 1]]
"""Expansion, features, units and the stride of the first of them."""
REGNET = BlockParams([1, 2, 1], [48, 104, 208], [8, 8, 8], [1.0, 1.0, 1.0], [2, 2, 2], se_ratio=0.25)
"""Of RegNetY-400MF without its last stage."""


def small_mobilenet() -> nn.Module:
    """MobileNet V3 small with a block of each kind: with and without gate and shortcut, of both sizes.

    One with a shortcut stands behind its like.
    """
    blocks = [
        (16, 3, 16, 16, True, "RE", 2, 1),
        (16, 3, 72, 24, False, "RE", 2, 1),
        (24, 3, 88, 24, False, "RE", 1, 1),
        (24, 3, 88, 24, False, "RE", 1, 1),
        (24, 5, 96, 40, True, "HS", 2, 1),
        (40, 5, 240, 40, True, "HS", 1, 1),
    ]
    made: nn.Module = MobileNetV3([InvertedResidualConfig(*block, 1.0) for block in blocks], 1024)
    return made


SHALLOW: dict[str, Callable[[], nn.Module]] = {
    "convnext_tiny": partial(models.ConvNeXt, CONVNEXT, 0.1),
    "densenet121": partial(models.DenseNet, 32, (3, 2, 2, 2)),
    "efficientnet_b0": partial(models.EfficientNet, EFFICIENTNET, 0.2),
    "mobilenet_v2": partial(models.MobileNetV2, inverted_residual_setting=MOBILENET_V2),
    "mobilenet_v3_small": small_mobilenet,
    "regnet_y_400mf": partial(models.RegNet, REGNET),
    "resnet18": partial(models.ResNet, BasicBlock, [2, 1, 1, 1]),
    "shufflenet_v2_x0_5": partial(models.ShuffleNetV2, [2, 1, 1], [24, 48, 96, 192, 1024]),
    "shufflenet_v2_x1_0": partial(models.ShuffleNetV2, [2, 1, 1], [24, 116, 232, 464, 1024]),
}
"""By the name of the whole model."""
