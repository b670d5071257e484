"""Targets to networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archlab.api.network import Network, expand_document
from archlab.config.expand.inputs import GivenInput
from archlab.config.tree.targets import open_target, open_text
from archlab.diagnostics.place import Source
from archlab.imports.targets import ImportOptions, reader_of


def load(target: str | Path, *, input: GivenInput | None = None, **params: Any) -> Network:  # noqa: A002 - the config's word
    """The network that a target names.

    Args:
        target: a YAML path, `path@variant`, the name of a preset or variant, `-` for stdin, or a network that is not
            archlab's own: `timm:resnet50d`, `torchvision:resnet50`, `module.path:callable` (see `imports.targets`).
        input: (channels, *axes) instead of the config's; of several inputs by name, or of the first.
        params: new values for the config's params.

    Raises:
        ConfigError: with every problem found.
    """
    if reader_of(str(target)) is not None:
        from archlab.api.imported import load_foreign

        return load_foreign(str(target), ImportOptions(input, params))
    document, variant, problems = open_target(target)
    return expand_document(document, variant, problems, params=params, input_shape=input)


def loads(text: str, *, name: str = "config", input: GivenInput | None = None, **params: Any) -> Network:  # noqa: A002
    """The network that a YAML text describes; like `load`, for text."""
    document, variant, problems = open_text(Source(f"<{name}>", text), name)
    return expand_document(document, variant, problems, params=params, input_shape=input)
