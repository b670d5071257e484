"""Colours and settings, the same on every machine: nothing of a user's matplotlibrc gets in.

The colours are those of Okabe and Ito, which people with any common colour blindness can tell apart, the light ones
made darker: each has a contrast of 3 to 1 with white. Lines also differ in dashes and markers, so that a picture
survives in grey.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.colors import ListedColormap

INK = "#333333"
FAINT = "#8a8a8a"
INPUT = "#000000"
THEORY = "#D55E00"
EFFECTIVE = "#0072B2"
MEASURED = "#008A64"
CRITICAL = "#B87400"
UNPRODUCTIVE = "#B8608F"
COPIES = "#2F86BD"
LIGHT = "#cfe3f1"
"""Beside the first colour of `SERIES`, with an edge of that: letters on it are `INK`."""
PADDING = "#eeeeee"
HOLES = "#c9c9c9"
DASHES = (0, (4, 2))
SERIES = ("#0072B2", "#D55E00", "#008A64", "#B8608F", "#A66A00", "#9467BD", "#B23B3B", "#5F6770")
"""Of lines that stand for networks; with 3 to 1 on white and on dark pages."""
SERIES_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1.5, 1.5, 1.5)), (0, (8, 2)))


def heat() -> ListedColormap:
    """Clear to light to dark: what is behind shows where the weight is next to nothing."""
    shares = [step / 255 for step in range(256)]
    colours = mpl.colormaps["YlGnBu"]([0.12 + 0.88 * share for share in shares])
    return ListedColormap([(*colour[:3], min(1.0, 10 * share)) for share, colour in zip(shares, colours, strict=True)])


SETTINGS: dict[Any, Any] = {
    "text.parse_math": False,  # names are data: a `$` in one is a dollar sign
    "svg.hashsalt": "archlab",  # the same ids in every file
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # TrueType: what publishers take, and text that can be searched
    "ps.fonttype": 42,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "figure.titlesize": 12,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "savefig.dpi": 150,
}


_SIZES: tuple[Any, ...] = (
    "font.size",
    "figure.titlesize",
    "axes.titlesize",
    "axes.labelsize",
    "xtick.labelsize",
    "ytick.labelsize",
    "legend.fontsize",
)


@contextmanager
def style(*, font_size: float | None = None) -> Iterator[None]:
    """Within it, matplotlib draws as this project does.

    Args:
        font_size: of all letters, in points; None for the pictures' own sizes.
    """
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        mpl.rcdefaults()
        for name, value in SETTINGS.items():
            mpl.rcParams[name] = value
        if font_size is not None:
            for name in _SIZES:
                mpl.rcParams[name] = font_size
        yield


def size_text(*sizes: int) -> str:
    """`427 x 427`: along each axis."""
    return " x ".join(map(str, sizes))


LINES = ("-", DASHES, ":")
"""Of a curve, by the number of its axis."""
