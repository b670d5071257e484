"""The Chromium of this machine, for the tests of pages: `browser` in `conftest.py` starts it."""

from __future__ import annotations

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
NEEDED = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
