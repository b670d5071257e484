"""What no tool of this kind can undercut: start Python, import pydantic and yaml, build one small model."""

from __future__ import annotations

import yaml
from pydantic import BaseModel


class Conv(BaseModel):
    """A model with a required and an optional field."""

    out_channels: int
    kernel_size: int = 1


if __name__ == "__main__":
    Conv.model_validate(yaml.safe_load("{out_channels: 64, kernel_size: 7}"))
