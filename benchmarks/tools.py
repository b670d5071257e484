"""Which of the peers are installed, found out without importing them."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

INSTALL = 'pip install "archlab[bench]"'


def missing(packages: tuple[str, ...]) -> str | None:
    """Why a candidate is skipped, or None if all that it needs is installed."""
    absent = [package for package in packages if find_spec(package) is None]
    return f"{' and '.join(absent)} not installed; {INSTALL}" if absent else None


def versions() -> dict[str, str]:
    """Versions of everything that is timed."""
    names = ("archlab", "pydantic", "PyYAML", "torch", "torchvision", "fvcore", "torchinfo", "ptflops")
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
