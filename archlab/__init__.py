"""archlab: design and analyse convolutional networks written as YAML.

Importing this package imports neither PyTorch, NumPy nor pandas, and Pydantic only when a name below is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archlab.version import __version__

if TYPE_CHECKING:
    from archlab.analysis import Analysis
    from archlab.api.comparison import Comparison, compare
    from archlab.api.network import Network, load, loads
    from archlab.diagnostics.problem import ConfigError, Problem
    from archlab.torch.build import build
    from archlab.torch.verify import verify

_HOME = {
    "Analysis": "archlab.analysis",
    "Comparison": "archlab.api.comparison",
    "ConfigError": "archlab.diagnostics.problem",
    "Network": "archlab.api.network",
    "Problem": "archlab.diagnostics.problem",
    "build": "archlab.torch.build",
    "compare": "archlab.api.comparison",
    "load": "archlab.api.network",
    "loads": "archlab.api.network",
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
