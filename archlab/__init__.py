"""archlab: design and analyse convolutional networks written as YAML.

Importing this package imports neither PyTorch, NumPy nor pandas, and Pydantic only when a name below is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archlab.version import __version__

if TYPE_CHECKING:
    from archlab.api.analysis import Analysis
    from archlab.api.comparison import Comparison, compare
    from archlab.api.imported import from_module
    from archlab.api.load import load, loads
    from archlab.api.model import build, verify
    from archlab.api.network import Network
    from archlab.diagnostics.problem import ConfigError, Problem
    from archlab.studio.notebook import view

_HOME = {
    "Analysis": "archlab.api.analysis",
    "Comparison": "archlab.api.comparison",
    "ConfigError": "archlab.diagnostics.problem",
    "Network": "archlab.api.network",
    "Problem": "archlab.diagnostics.problem",
    "build": "archlab.api.model",
    "compare": "archlab.api.comparison",
    "from_module": "archlab.api.imported",
    "load": "archlab.api.load",
    "loads": "archlab.api.load",
    "verify": "archlab.api.model",
    "view": "archlab.studio.notebook",
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
    "from_module",
    "load",
    "loads",
    "verify",
    "view",
]
