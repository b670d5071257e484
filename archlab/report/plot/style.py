"""Colours and settings, the same on every machine: nothing of a user's matplotlibrc gets in.

The colours are those of Okabe and Ito, which people with any common colour blindness can tell apart; lines
also differ in dashes and markers, so that a picture survives in grey.
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
MEASURED = "#009E73"
CRITICAL = "#E69F00"
UNPRODUCTIVE = "#CC79A7"
COPIES = "#56B4E9"
PADDING = "#eeeeee"
HOLES = "#c9c9c9"
DASHES = (0, (4, 2))


def heat() -> ListedColormap:
    """Clear to light to dark: what is behind shows where the weight is next to nothing."""
    steps = [(step / 255, mpl.colormaps["YlGnBu"](0.12 + 0.88 * step / 255)) for step in range(256)]
    return ListedColormap([(*colour[:3], min(1.0, 10 * share)) for share, colour in steps])


SETTINGS: dict[Any, Any] = {
    "text.parse_math": False,  # names are data: a `$` in one is a dollar sign
    "svg.hashsalt": "archlab",  # the same ids in every file
    "svg.fonttype": "path",
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


@contextmanager
def style() -> Iterator[None]:
    """Within it, matplotlib draws as this project does."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        mpl.rcdefaults()
        for name, value in SETTINGS.items():
            mpl.rcParams[name] = value
        yield


def size_text(*sizes: int) -> str:
    """`427 x 427`: along each axis."""
    return " x ".join(map(str, sizes))


LINES = ("-", DASHES, ":")
"""Of a curve, by the number of its axis."""
