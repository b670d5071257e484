"""archlab: design and analyse convolutional networks written as YAML.

Importing this package imports neither PyTorch, NumPy nor pandas, and Pydantic only when a name below is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archlab.version import __version__

if TYPE_CHECKING:
    from archlab.analysis import Analysis
    from archlab.api import Network, load, loads
    from archlab.comparison import Comparison, compare
    from archlab.config.problem import ConfigError, Problem
    from archlab.torch.build import build
    from archlab.torch.verify import verify

_HOME = {
    "Analysis": "archlab.analysis",
    "Comparison": "archlab.comparison",
    "ConfigError": "archlab.config.problem",
    "Network": "archlab.api",
    "Problem": "archlab.config.problem",
    "build": "archlab.torch.build",
    "compare": "archlab.comparison",
    "load": "archlab.api",
    "loads": "archlab.api",
    "verify": "archlab.torch.verify",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'archlab' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*_HOME, "__version__"])


__all__ = [
    "Analysis",
    "Comparison",
    "ConfigError",
    "Network",
    "Problem",
    "__version__",
    "build",
    "compare",
    "load",
    "loads",
    "verify",
]
