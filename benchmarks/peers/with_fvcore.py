"""fvcore: traces the model with real tensors. Its total includes norm and pooling."""

from __future__ import annotations

import torch
from fvcore.nn import FlopCountAnalysis, parameter_count
from torchvision.models import get_model


def count(model: torch.nn.Module) -> tuple[int, int]:
    """Params and MACs."""
    analysis = FlopCountAnalysis(model, torch.zeros(1, 3, 224, 224)).unsupported_ops_warnings(enabled=False)
    return parameter_count(model)[""], int(analysis.total())


if __name__ == "__main__":
    print(*count(get_model("resnet50").eval()))
