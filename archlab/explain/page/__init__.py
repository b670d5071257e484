"""A layer as a page that answers: a unit shows what it reads, a position what reads it; sliders for options."""

from __future__ import annotations

from archlab.explain.page.render import page_html

__all__ = ["page_html"]
