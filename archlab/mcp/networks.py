"""The network that a call names, and its numbers."""

from __future__ import annotations

from typing import Any

from archlab.analysis.conditions import Conditions
from archlab.api.analysis import Analysis
from archlab.api.network import Network, expand_document
from archlab.mcp.folder import Folder

_CONDITIONS = ("batch", "dtype", "optimizer")


def network_of(folder: Folder, arguments: dict[str, Any]) -> Network:
    """The network.

    Raises:
        ConfigError: with every problem found.
    """
    document, variant, problems = folder.given(arguments).opened()
    network = expand_document(
        document, variant, problems, params=arguments.get("params", {}), input_shape=arguments.get("input")
    )
    return network.deploy() if arguments.get("deploy") else network


def conditions_of(arguments: dict[str, Any]) -> Conditions:
    """Batch, dtype and optimizer."""
    return Conditions(**{name: arguments[name] for name in _CONDITIONS if name in arguments})


def analysis_of(folder: Folder, arguments: dict[str, Any]) -> Analysis:
    """Its numbers.

    Raises:
        ConfigError: with every problem found.
    """
    return network_of(folder, arguments).analyze(conditions_of(arguments))


def one_of_several(given: str | dict[str, Any]) -> dict[str, Any]:
    """The arguments of one of several networks, which may be a name alone."""
    return {"config": given} if isinstance(given, str) else given
