"""A network in a notebook: the studio's editor and panels below a cell, answered by the notebook's own Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from archlab.api.load import load
from archlab.api.network import Network
from archlab.diagnostics.requirements import require

if TYPE_CHECKING:
    from archlab.studio.widget import View

HEIGHT = 660
"""Of a view, in pixels."""


class Shown(NamedTuple):
    """What a view begins with.

    Attributes:
        text: a config.
        variant: of it; empty for none.
        settings: values of its params.
        file: beside which other configs may be extended; None for none.
    """

    text: str
    variant: str = ""
    settings: Mapping[str, object] = MappingProxyType({})
    file: Path | None = None


def view(network: Network | str | Path, *, height: int = HEIGHT) -> View:
    """A network in a notebook: its config in an editor, numbers behind each line as you type, panels beside it.

    The result's `text`, `variant` and `settings` are what the editor holds, and can be set; its `network` is the
    network of that. Nothing is written to a file.

    Args:
        network: it, or a target as `load` takes one, or the text of a config, of several lines. One that was loaded
            with another `input` is shown without blocks and params.
        height: of the view, in pixels; at least 200.

    Raises:
        ConfigError: if a target names no network.
        ValueError: for a deployed network, which no config describes.
        MissingRequirementError: if anywidget is not installed (extra `widget`), or the studio's page is not built.
    """
    require("anywidget", "widget", "the view of a network in a notebook")
    from archlab.studio.widget import View

    text, variant, settings, file = _shown(network)
    return View(text, variant, settings, file=file, height=height)


def _shown(network: Network | str | Path) -> Shown:
    if isinstance(network, str) and "\n" in network:
        return Shown(network)
    if not isinstance(network, Network):
        network = load(network)
    if network.graph.deployment is not None:
        raise ValueError("a view shows a config, and a deployed network has none; view it as it is written")
    if network.given_input is not None:
        return Shown(network.to_yaml())  # its own config does not say that input
    source = network.document.source
    variant = "" if network.variant is None else network.variant.name
    file = None if source.folder is None else source.folder / Path(source.name).name
    return Shown(source.text, variant, dict(network.settings), file)
