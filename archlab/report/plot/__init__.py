"""Pictures; the only package that imports matplotlib (the extra `plot`), without which it refuses to be imported."""

from __future__ import annotations

from archlab.diagnostics.requirements import require

require("matplotlib", "plot", "drawing a picture")
