"""ptflops: runs the model with hooks (`pytorch`) or a dispatch mode (`aten`), named on the command line.

Its MACs include biases and, with `pytorch`, norm, activations and pooling.
"""

from __future__ import annotations

import sys

import torch
from ptflops import get_model_complexity_info
from torchvision.models import get_model


def count(model: torch.nn.Module, backend: str) -> tuple[int, int]:
    """Params and MACs."""
    macs, params = get_model_complexity_info(
        model, (3, 224, 224), as_strings=False, print_per_layer_stat=False, backend=backend
    )
    return int(params), int(macs)


if __name__ == "__main__":
    print(*count(get_model("resnet50").eval(), sys.argv[1]))
