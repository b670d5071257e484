"""Colours of drawings, light and dark, each at least 3:1 against what is behind it; and the CSS that says so.

Nothing is told by colour alone: what is read has letters or dots and a thick line, padding is dashed, zeros are dotted
squares with a 0, the output unit has a frame of its own.
"""

from __future__ import annotations

LIGHT = {
    "back": "#ffffff",
    "ink": "#1f2328",
    "faint": "#57606a",
    "cell": "#f6f8fa",
    "line": "#6e7781",
    "read": "#0969da",
    "on": "#ffffff",
    "unit": "#bc4c00",
}
DARK = {
    "back": "#0d1117",
    "ink": "#e6edf3",
    "faint": "#9198a1",
    "cell": "#161b22",
    "line": "#848d97",
    "read": "#58a6ff",
    "on": "#0d1117",
    "unit": "#f0883e",
}


def style() -> str:
    """CSS for light and dark screens, and for print; colours are written out, as not every viewer knows variables."""
    font = '.archlab-layer text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif}'
    font += ".archlab-layer .title{font-size:14px;font-weight:600}"
    font += ".archlab-layer .mid{text-anchor:middle;dominant-baseline:central}"
    font += ".archlab-layer .small{font-size:10px}.archlab-layer .turned{text-anchor:middle}"
    dark = f"@media screen and (prefers-color-scheme:dark){{{_rules(DARK)}}}"
    return f"{font}{_rules(LIGHT)}{dark}"


def _rules(colour: dict[str, str]) -> str:
    rules = {
        "text": f"fill:{colour['ink']}",
        ".faint": f"fill:{colour['faint']}",
        ".back": f"fill:{colour['back']}",
        ".cells": f"fill:{colour['cell']};stroke:{colour['line']}",
        ".padding": f"fill:none;stroke:{colour['line']};stroke-dasharray:3 2",
        ".zeros": f"fill:none;stroke:{colour['line']};stroke-dasharray:1 2",
        ".read": f"fill:{colour['read']};stroke:{colour['ink']};stroke-width:2",
        ".lit": f"fill:{colour['cell']};stroke:{colour['read']};stroke-width:3",
        ".grid": f"fill:none;stroke:{colour['ink']};stroke-dasharray:2 2",
        ".over": f"fill:none;stroke:{colour['read']};stroke-width:3",
        ".on": f"fill:{colour['on']}",
        ".unit": f"fill:{colour['unit']};stroke:{colour['ink']};stroke-width:2",
        ".row": f"fill:none;stroke:{colour['unit']};stroke-width:2",
        ".link": f"fill:{colour['unit']};fill-opacity:.12;stroke:{colour['unit']};stroke-dasharray:5 3",
        ".wire": f"fill:none;stroke:{colour['line']}",
        ".hot": f"fill:none;stroke:{colour['unit']};stroke-width:2.5",
        ".tap": f"fill:{colour['back']};stroke:{colour['unit']};stroke-width:2",
        ".arrow": f"fill:none;stroke:{colour['unit']};stroke-width:1.5",
    }
    return "".join(f".archlab-layer {selector}{{{rule}}}" for selector, rule in rules.items())


def motion(count: int, seconds: float) -> str:
    """CSS that shows one frame after another, for ever; it stands still below a pointer.

    Who wants no motion sees the first frame alone, and so does print.

    Args:
        count: frames.
        seconds: for each.
    """
    whole, shown = count * seconds, 100 / count
    return (
        ".archlab-layer .f{visibility:hidden}.archlab-layer .f0{visibility:visible}"
        f"@keyframes archlab-frame{{0%{{visibility:visible}}{shown:.4f}%,100%{{visibility:hidden}}}}"
        f"@media screen and (prefers-reduced-motion:no-preference){{.archlab-layer .f{{visibility:hidden;"
        f"animation:archlab-frame {whole:g}s step-end infinite}}}}"
        ".archlab-layer:hover .f{animation-play-state:paused!important}"
    )
