"""Detectors up to their raw maps: torchvision's, and others written from their papers."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import detection, efficientnet_b0


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


def _norm(width: int) -> nn.Module:
    return nn.BatchNorm2d(width, eps=0.001, momentum=0.01)


def _separable(outputs: int, *, bias: bool = False) -> list[nn.Module]:
    return [nn.Conv2d(64, 64, 3, padding=1, groups=64, bias=False), nn.Conv2d(64, outputs, 1, bias=bias)]


def _fit(inputs: int) -> nn.Module:
    """To the pyramid's channels."""
    return nn.Identity() if inputs == 64 else nn.Sequential(nn.Conv2d(inputs, 64, 1, bias=False), _norm(64))


class BiFPNNode(nn.Module):
    """A sum with fast normalised weights (section 3.3 of Tan et al. 2020, "EfficientDet"), and a convolution."""

    def __init__(self, inputs: int, count: int) -> None:
        super().__init__()
        self.fit = _fit(inputs)
        self.weight = nn.Parameter(torch.ones(count))
        self.end = nn.Sequential(nn.SiLU(), *_separable(64), _norm(64))

    def forward(self, own: Tensor, *others: Tensor) -> Any:
        weights = self.weight.relu() / (self.weight.relu().sum() + 1e-4)
        values = [self.fit(own), *others]
        total = values[0] * weights[0]
        for value, weight in zip(values[1:], weights[1:], strict=True):
            total = total + value * weight
        return self.end(total)


class BiFPNCell(nn.Module):
    """Figure 2 (d): down from the coarsest of five levels, and up again."""

    def __init__(self, inputs: tuple[int, ...]) -> None:
        super().__init__()
        self.finer = nn.ModuleList([BiFPNNode(inputs[level], 2) for level in (3, 2, 1, 0)])
        self.coarser = nn.ModuleList([BiFPNNode(inputs[level], 3 if level < 4 else 2) for level in (1, 2, 3, 4)])

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        now = [levels[4]]
        for node, own in zip(self.finer, levels[3::-1], strict=True):
            now.insert(0, node(own, nn.functional.interpolate(now[0], size=own.shape[2:])))
        results = [now[0]]
        for level, node in enumerate(self.coarser, 1):
            down = nn.functional.max_pool2d(results[-1], 3, 2, 1)
            results.append(node(levels[level], now[level], down) if level < 4 else node(levels[level], down))
        return results


class EfficientDetHead(nn.Module):
    """Three convolutions of all levels, with norms of each, and a fourth."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Sequential(*_separable(64)) for _ in range(3)])
        self.norms = nn.ModuleList([nn.ModuleList([_norm(64) for _ in range(5)]) for _ in range(3)])
        self.predict = nn.Sequential(*_separable(outputs, bias=True))

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        results: list[Tensor] = []
        for level, entering in enumerate(levels):
            x = entering
            for conv, norms in zip(self.convs, self.norms, strict=True):
                x = nn.functional.silu(norms.get_submodule(str(level))(conv(x)))
            results.append(self.predict(x))
        return results


class EfficientDet(nn.Module):
    """EfficientDet-D0 with 90 classes and 9 anchors on torchvision's EfficientNet-B0."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = efficientnet_b0(weights=None).features[:8]
        self.p6 = _fit(320)
        self.cells = nn.ModuleList([BiFPNCell((40, 112, 320, 64, 64)), *(BiFPNCell((64,) * 5) for _ in range(2))])
        self.classes, self.boxes = EfficientDetHead(810), EfficientDetHead(36)

    def forward(self, x: Tensor) -> list[Any]:
        levels: list[Tensor] = []
        for stage, layer in enumerate(self.backbone):
            x = layer(x)
            levels += [x] if stage in (3, 5, 7) else []
        levels.append(nn.functional.max_pool2d(self.p6(x), 3, 2, 1))
        levels.append(nn.functional.max_pool2d(levels[-1], 3, 2, 1))
        for cell in self.cells:
            levels = cell(levels)
        return [*self.classes(levels), *self.boxes(levels)]
