"""Networks of other configs as blocks, and with items changed, removed and put in."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torchvision.models import resnet18

from tests.mechanisms.equality import assert_equal


class Pyramid(nn.Module):
    """Two levels over torchvision's network."""

    def __init__(self) -> None:
        super().__init__()
        whole = resnet18()
        self.stem = nn.Sequential(whole.conv1, whole.bn1, whole.relu, whole.maxpool, whole.layer1)
        self.layer2, self.layer3 = whole.layer2, whole.layer3
        self.coarse, self.fine = nn.Conv2d(256, 32, 1), nn.Conv2d(128, 32, 1)

    def forward(self, x: Tensor) -> Any:
        fine = self.layer2(self.stem(x))
        coarse = self.coarse(self.layer3(fine))
        return self.fine(fine) + nn.functional.interpolate(coarse, scale_factor=2), coarse


def edited() -> nn.Module:
    whole = resnet18()
    first, third = nn.Conv2d(3, 64, 3, padding=1, stride=2), nn.Conv2d(128, 96, 3, padding=1, stride=2)
    return nn.Sequential(
        *(first, nn.Dropout2d(), nn.BatchNorm2d(64, eps=0.001), nn.ReLU(), whole.layer1, nn.Sigmoid(), whole.layer2),
        *(third, whole.avgpool, nn.Flatten(), nn.Dropout(), nn.Linear(96, 10)),
    )


def test_a_backbone_is_torchvisions() -> None:
    network = assert_equal("backbone", Pyramid())
    assert [node.path for node in network.graph.layers][:4] == ["body.conv1", "body.bn1", "body.relu", "body.maxpool"]


def test_items_changed_removed_and_put_in() -> None:
    assert_equal("extends_edited", edited())
