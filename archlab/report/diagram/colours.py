"""Colours of diagrams, on light and dark screens and on paper; boxes by what they cost."""

from __future__ import annotations

from typing import Literal

from archlab.report.diagram.boxes import Box, Diagram
from archlab.report.units import binary, si

FONT = '"Helvetica Neue",Helvetica,Arial,"Liberation Sans",sans-serif'

LIGHT = {
    "ink": "#24292e",
    "faint": "#5f6770",
    "line": "#737b84",
    "main": "#3c444c",
    "box": "#ffffff",
    "edge": "#8796a5",
    "group": "#f2f6fa",
    "head": "#dfe8f0",
    "skip": "#0072b2",
    "back": "#ffffff",
}
DARK = {
    "ink": "#e8eaec",
    "faint": "#a9b1b9",
    "line": "#8a929b",
    "main": "#ccd2d8",
    "box": "#1d242b",
    "edge": "#65737f",
    "group": "#20292f",
    "head": "#2c3944",
    "skip": "#56b4e9",
    "back": "#16191c",
}
HEAT = ("#fff7ec", "#fee8c8", "#fdd49e", "#fdbb84", "#fca26c")
HEAT_DARK = ("#241e18", "#3a2a1a", "#52371c", "#6d441c", "#87511c")
"""From the cheapest fifth of the scale to the dearest; the cost itself is written in the box, too."""

FIGURES = {"params": "params", "macs": "MACs", "memory": "of outputs"}
"""What boxes may be coloured by, and the word behind the number."""


Theme = Literal["screen", "light", "dark"]
"""Whose colours: of light or dark screens, whichever it is; or of one of them always, light ones on paper too."""


def diagram_style(theme: Theme = "screen") -> str:
    """CSS for light and dark screens and for print; colours are written out, since not every viewer knows variables."""
    font = f".archlab-diagram{{font-family:{FONT};font-size:12px}}"
    font += ".archlab-diagram .name{font-weight:600}"
    font += ".archlab-diagram .faint,.archlab-diagram .small,.archlab-diagram .shape{font-size:11px}"
    if theme == "dark":
        return f"{font}{_rules(DARK, HEAT_DARK)}"
    dark = f"@media screen and (prefers-color-scheme:dark){{{_rules(DARK, HEAT_DARK)}}}" if theme == "screen" else ""
    return f"{font}{_rules(LIGHT, HEAT)}{dark}"


def _rules(colour: dict[str, str], heat: tuple[str, ...]) -> str:
    rules = {
        "text": f"fill:{colour['ink']}",
        ".faint": f"fill:{colour['faint']}",
        ".shape": f"fill:{colour['faint']};stroke:{colour['back']};stroke-width:3px;paint-order:stroke",
        ".in .shape": f"stroke:{colour['group']}",
        "rect": f"fill:{colour['box']};stroke:{colour['edge']}",
        "rect.group": f"fill:{colour['group']}",
        "rect.head": f"fill:{colour['head']};stroke:{colour['edge']}",
        "rect.back": f"fill:{colour['back']};stroke:none",
        "path": f"fill:none;stroke:{colour['line']};stroke-width:1.3",
        "path.main": f"stroke:{colour['main']};stroke-width:2",
        "path.skip": f"stroke:{colour['skip']};stroke-width:2",
        "path.tip": f"fill:{colour['line']};stroke:none",
        "path.main-tip": f"fill:{colour['main']};stroke:none",
        "path.skip-tip": f"fill:{colour['skip']};stroke:none",
        **{f"rect.c{step}": f"fill:{fill}" for step, fill in enumerate(heat)},
    }
    return "".join(f".archlab-diagram {selector}{{{rule}}}" for selector, rule in rules.items())


class Costs:
    """How much each box costs, and its colour.

    Args:
        diagram: whose boxes are coloured.
        figure: params, macs, memory; None for no colours.
    """

    def __init__(self, diagram: Diagram, figure: str | None) -> None:
        self.figure = figure
        drawn = [one for box in diagram.boxes for one in (box.inside.boxes if box.inside else [box])]
        self._most = max([self._value(box) for box in drawn], default=0) if figure else 0

    def _value(self, box: Box) -> int:
        return {"params": box.params, "macs": box.macs, "memory": box.memory}[self.figure or "params"]

    def css(self, box: Box) -> str:
        """The class of a box' colour: fifths of the root, so that small costs are told apart too."""
        if not self._most:
            return ""
        return f' class="c{min(int((self._value(box) / self._most) ** 0.5 * len(HEAT)), len(HEAT) - 1)}"'

    def text(self, box: Box) -> str:
        """A box' cost in words; empty where there is none."""
        if self.figure is None:
            return ""
        value, unknown = self._value(box), self.figure in box.unknown
        shown = binary(value) if self.figure == "memory" else si(value)
        words = f"{shown} {FIGURES[self.figure]}" if value else ""
        return f">= {words}" if unknown and value else f"? {FIGURES[self.figure]}" if unknown else words

    def legend(self) -> str:
        """What the colours mean."""
        if self.figure is None:
            return ""
        most = binary(self._most) if self.figure == "memory" else si(self._most)
        return f"colour: {FIGURES[self.figure]} of a box, from none to {most}"
