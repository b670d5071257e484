"""How a chart for a paper or a slide is to look: its size, its letters, its title."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """Of a chart.

    Attributes:
        size: width and height in inches; a column of a two-column article is 3.3 wide.
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
