"""`--size`, `--font-size` and `--no-title` of pictures, for papers and slides."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archlab.report.plot.look import Look, PanelLook

CHART = (6.6, 3.8)
"""Inches of a chart."""


def add_chart_look(parser: argparse._ActionsContainer) -> None:
    """Of one chart."""
    _add(parser, "chart", CHART, "6.6x3.8", 9.0, "9")


def add_panel_look(parser: argparse.ArgumentParser) -> None:
    """Of a picture of several panels."""
    group = parser.add_argument_group("the picture")
    _add(group, "picture", None, "what its panels need; below 6 wide they stand in one column", None, "9")


def _add(
    parser: argparse._ActionsContainer,
    what: str,
    size: tuple[float, float] | None,
    size_words: str,
    font_size: float | None,
    font_words: str,
) -> None:
    parser.add_argument(
        "--size", type=inches, default=size, metavar="WxH", help=f"of the {what}, in inches ({size_words})"
    )
    parser.add_argument(
        "--font-size",
        type=points,
        default=font_size,
        metavar="POINTS",
        help=f"of the {what}'s letters ({font_words})",
    )
    parser.add_argument("--no-title", action="store_true", help=f"leave the {what}'s title to the caption")


def inches(text: str) -> tuple[float, float]:
    """Width and height of a chart."""
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,3})?)x(\d{1,3}(?:\.\d{1,3})?)", text, re.ASCII)
    sizes = [float(part) for part in found.groups()] if found else []
    if not sizes or not all(1 <= size <= 40 for size in sizes):
        raise argparse.ArgumentTypeError(f"must be width x height from 1 to 40 inches, as 3.3x2.2, not '{text}'")
    return sizes[0], sizes[1]


def points(text: str) -> float:
    """The size of letters."""
    if not re.fullmatch(r"\d{1,2}(\.\d{1,2})?", text, re.ASCII) or not 4 <= float(text) <= 40:
        raise argparse.ArgumentTypeError(f"must be from 4 to 40 points, not '{text}'")
    return float(text)


def look_of(options: argparse.Namespace) -> Look:
    """What is asked for of a chart."""
    from archlab.report.plot.look import Look

    return Look(options.size, options.font_size, title=not options.no_title, x=options.x, y=options.y)


def panel_look_of(options: argparse.Namespace) -> PanelLook:
    """What is asked for of a picture of several panels."""
    from archlab.report.plot.look import PanelLook

    return PanelLook(options.size, options.font_size, title=not options.no_title)
