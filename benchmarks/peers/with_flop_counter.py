"""torch's own FlopCounterMode on the meta device: neither weights nor arithmetic."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import get_model


def count(model: torch.nn.Module) -> tuple[int, int]:
    """Params and MACs of a model on the meta device."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.empty(1, 3, 224, 224, device="meta"))
    return sum(p.numel() for p in model.parameters()), int(counter.get_total_flops()) // 2


if __name__ == "__main__":
    with torch.device("meta"):
        resnet50 = get_model("resnet50").eval()
    print(*count(resnet50))
