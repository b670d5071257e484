"""How a chart for a paper or a slide is to look: its size, its letters, its title."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

NARROW = 6
"""Inches below which a picture has its panels in one column."""


@dataclass(frozen=True)
class PanelLook:
    """Of a picture of several panels.

    Attributes:
        size: width and height in inches; None for what the panels need.
        font_size: in points; None for the picture's own sizes.
        title: whether there is one.
    """

    size: tuple[float, float] | None = None
    font_size: float | None = None
    title: bool = True

    @property
    def is_narrow(self) -> bool:
        """Whether panels stand below one another, and legends below them."""
        return self.size is not None and self.size[0] < NARROW


PANELS = PanelLook()
"""As the panels need it."""


@dataclass(frozen=True)
class Look:
    """Of a chart.

    Attributes:
        size: width and height in inches; a column of a two-column article is 3.17 to 3.5 wide.
        font_size: in points.
        title: whether there is one.
        x: the figure across, of a scatter; None for MACs.
        y: the figure up, or the one that is drawn; None for the chart's own.
    """

    size: tuple[float, float] = (6.6, 3.8)
    font_size: float = 9
    title: bool = True
    x: str | None = None
    y: str | None = None


class LookOptions(TypedDict, total=False):
    """The same as keywords."""

    size: tuple[float, float]
    font_size: float
    title: bool
    x: str | None
    y: str | None


class PanelOptions(TypedDict, total=False):
    """Those of several panels as keywords."""

    size: tuple[float, float] | None
    font_size: float | None
    title: bool
