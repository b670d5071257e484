"""The page: one file, nothing asked of anyone else."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.explain.block import BlockExplanation
from archlab.explain.drawing.scene import Scene
from archlab.explain.drawing.svg import picture_svg
from archlab.explain.layer import Explanation
from archlab.explain.page.data import page_data
from archlab.explain.text import body_lines
from archlab.version import __version__

FOLDER = Path(__file__).parent
_SLOT = re.compile(r"\{\{(\w+)\}\}")


def page_html(explanation: Explanation | BlockExplanation, scene: Scene, command: str = "") -> str:
    """A layer's page.

    Args:
        explanation: its formulas, which stand below.
        scene: what is drawn.
        command: that made it, for the footer.

    Raises:
        ConfigError: for a layer of three axes, whose page would be one of slices.
    """
    if scene.rank > 2:
        message = f"{scene.title}: a page answers for one or two axes; -o FILE.svg draws slices of three"
        raise single_problem(message, Code.WRONG_VALUE)
    data = json.dumps(page_data(scene), separators=(",", ":")).replace("<", "\\u003c")
    values = {
        "title": escape(scene.title),
        "heading": escape(scene.title),
        "version": escape(__version__),
        "css": _file("page.css"),
        "script": _file("page.js"),
        "data": data,
        "remarks": "".join(f"<p class=note>{escape(remark)}</p>" for remark in scene.remarks()),
        "picture": picture_svg(scene),
        "sections": "".join(
            f"<details><summary>{escape(section.title)}</summary><div class=scroll tabindex=0><pre>"
            f"{escape(chr(10).join(body_lines(section)))}</pre></div></details>"
            for section in explanation.sections
        ),
        "command": f"<p><code>{escape(command)}</code></p>" if command else "",
    }
    return _SLOT.sub(lambda slot: values[slot[1]], _file("page.html"))


def _file(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
