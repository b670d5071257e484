"""Modules for layers that neither `torch.nn` nor torchvision has as a class.

Generated source holds copies of them, so that their lines are at most 100 columns wide
(`ruff.toml` here).
"""

from __future__ import annotations

from archlab.torch.modules.attention import (
    Attention,
    ClassToken,
    PositionEmbedding,
    RelativePositionBias,
    WindowAttention,
)
from archlab.torch.modules.filters import BlurPool, ChannelConv
from archlab.torch.modules.norms import (
    EvoNorm2dB0,
    EvoNorm2dS0,
    FilterResponseNorm2d,
    GlobalResponseNorm,
    RMSNorm2d,
)
from archlab.torch.modules.relative import RelativeRows, RelativeToAbsolute
from archlab.torch.modules.scale import LayerScale, PadChannels, WeightedAdd
from archlab.torch.modules.source import (
    Constant,
    RelativePositions,
    RelativePositionScores,
    SinePositions,
)
from archlab.torch.modules.weights import (
    ScaledStdConv2d,
    SpectralNormConv1d,
    SpectralNormConv2d,
    SpectralNormConv3d,
    StdConv2d,
    WeightNormConv1d,
    WeightNormConv2d,
    WeightNormConv3d,
)

__all__ = [
    "Attention",
    "BlurPool",
    "ChannelConv",
    "ClassToken",
    "Constant",
    "EvoNorm2dB0",
    "EvoNorm2dS0",
    "FilterResponseNorm2d",
    "GlobalResponseNorm",
    "LayerScale",
    "PadChannels",
    "PositionEmbedding",
    "RMSNorm2d",
    "RelativePositionBias",
    "RelativePositionScores",
    "RelativePositions",
    "RelativeRows",
    "RelativeToAbsolute",
    "ScaledStdConv2d",
    "SinePositions",
    "SpectralNormConv1d",
    "SpectralNormConv2d",
    "SpectralNormConv3d",
    "StdConv2d",
    "WeightNormConv1d",
    "WeightNormConv2d",
    "WeightNormConv3d",
    "WeightedAdd",
    "WindowAttention",
]
