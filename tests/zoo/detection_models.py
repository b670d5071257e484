"""Detectors up to their raw maps: torchvision's, and others written from their papers."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import detection


class RetinaNet(nn.Module):
    """torchvision's retinanet_resnet50_fpn, from its backbone to its last convolutions."""

    def __init__(self) -> None:
        super().__init__()
        model = detection.retinanet_resnet50_fpn(weights=None, weights_backbone=None)
        self.backbone, self.head = model.backbone, model.head

    def forward(self, x: Tensor) -> list[Tensor]:
        levels = list(self.backbone(x).values())
        classes, boxes = self.head.classification_head, self.head.regression_head
        return [
            *(classes.cls_logits(classes.conv(level)) for level in levels),
            *(boxes.bbox_reg(boxes.conv(level)) for level in levels),
        ]


class SSD(nn.Module):
    """torchvision's ssd300_vgg16, the same parts of it."""

    def __init__(self) -> None:
        super().__init__()
        model = detection.ssd300_vgg16(weights=None, weights_backbone=None)
        self.backbone, self.head = model.backbone, model.head

    def forward(self, x: Tensor) -> list[Any]:
        levels = list(self.backbone(x).values())
        heads = [self.head.classification_head.module_list, self.head.regression_head.module_list]
        return [conv(level) for head in heads for conv, level in zip(head, levels, strict=True)]


_DARKNET53 = "c32.3 c64.3/2 u32 c128.3/2 u64*2 c256.3/2 u128*8 c512.3/2 u256*8 c1024.3/2 u512*4"
_YOLO3 = (
    f"{_DARKNET53} c512.1 c1024.3 c512.1 c1024.3 c512.1 c1024.3 yolo"
    " route79 c256.1 up route85,61 c256.1 c512.3 c256.1 c512.3 c256.1 c512.3 yolo"
    " route91 c128.1 up route97,36 c128.1 c256.3 c128.1 c256.3 c128.1 c256.3 yolo"
)
"""cfg/yolov3.cfg of Darknet: `cWIDTH.KERNEL/STRIDE`; `uWIDTH*TIMES` two of them and a shortcut; layers by number."""


class Yolo3(nn.Module):
    """Runs the layers of a Darknet cfg in order, each of which any later one may read by its number."""

    def __init__(self, classes: int = 80) -> None:
        super().__init__()
        self.kinds: list[str] = []
        self.steps = nn.ModuleList()
        widths = [3]
        for word in _layers(_YOLO3):
            if word.startswith("c"):
                width, kernel, stride = (int(number) for number in re.findall(r"\d+", f"{word}/1")[:3])
                self._add("conv", _darknet_conv(widths[-1], width, kernel, stride))
                widths.append(width)
            elif word == "yolo":
                self._add("conv", nn.Conv2d(widths[-1], 3 * (5 + classes), 1))
                self._add("yolo", nn.Identity())
                widths += [3 * (5 + classes)] * 2
            else:
                self._add(word, nn.Upsample(scale_factor=2) if word == "up" else nn.Identity())
                read = [int(number) for number in re.findall(r"\d+", word)]
                widths.append(sum(widths[number + 1] for number in read) if read else widths[-1])

    def _add(self, kind: str, module: nn.Module) -> None:
        self.kinds.append(kind)
        self.steps.append(module)

    def forward(self, x: Tensor) -> list[Tensor]:
        made: list[Tensor] = []
        for kind, step in zip(self.kinds, self.steps, strict=True):
            if kind == "shortcut":
                x = x + made[-3]
            elif kind.startswith("route"):
                x = torch.cat([made[int(number)] for number in re.findall(r"\d+", kind)], 1)
            else:
                x = step(x)
            made.append(x)
        return [x for kind, x in zip(self.kinds, made, strict=True) if kind == "yolo"]


def _layers(text: str) -> list[str]:
    """The words, units written out."""
    found: list[str] = []
    for word in text.split():
        if word.startswith("u") and word != "up":
            width, times = (int(number) for number in re.findall(r"\d+", f"{word}*1")[:2])
            found += [f"c{width}.1", f"c{2 * width}.3", "shortcut"] * times
        else:
            found.append(word)
    return found


def _darknet_conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1))
