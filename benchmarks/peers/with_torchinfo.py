"""torchinfo: runs the model with hooks. Its MACs include biases and norm."""

from __future__ import annotations

import torch
from torchinfo import summary
from torchvision.models import get_model


def count(model: torch.nn.Module) -> tuple[int, int]:
    """Params and MACs, on the device that the model is on."""
    result = summary(model, (1, 3, 224, 224), device=next(model.parameters()).device, verbose=0)
    return int(result.total_params), int(result.total_mult_adds)


if __name__ == "__main__":
    print(*count(get_model("resnet50").eval()))
