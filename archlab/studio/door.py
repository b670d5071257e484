"""The one way in for a process that does nothing but answer: a browser's Python, and that of the local server."""

from __future__ import annotations

import gc
import os

# As `archlab.__main__` has it: plugins of Pydantic are of no use here, and few objects are garbage.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
gc.set_threshold(50_000, 20, 20)

from archlab.studio.asking import ask  # noqa: E402

__all__ = ["ask"]
