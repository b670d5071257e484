"""Options of the test run."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rewrite` writes the expected outputs anew."""
    parser.addoption("--rewrite", action="store_true", help="write the expected outputs of bad configs anew")
