"""Optional dependencies: what is missing, and the line that installs it."""

from __future__ import annotations

from importlib.util import find_spec


class MissingRequirementError(ImportError):
    """An optional dependency is not installed."""


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # an import hook says so itself
        return False


def require(module: str, extra: str, purpose: str) -> None:
    """Refuse to go on without an optional dependency.

    Args:
        module: the module that must be there.
        extra: the extra of archlab that brings it.
        purpose: what needs it, for the message.

    Raises:
        MissingRequirementError: with the exact line to type.
    """
    if not _is_installed(module):
        line = f'pip install "archlab[{extra}]"'
        raise MissingRequirementError(f"{purpose} needs {module}, which is not installed: {line}")
