"""What every PyTorch tool pays before it starts: the imports."""

from __future__ import annotations

import torch  # noqa: F401 - the import is what is timed
import torchvision  # noqa: F401
