"""Models by name: `timm:resnet50d`, `torchvision:resnet50`, `module.path:callable`. No weights are fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import single_problem
from archlab.diagnostics.requirements import require
from archlab.imports.flat import Flat
from archlab.imports.targets import ImportOptions, reader_of
from archlab.layers.foreign import error_text
from archlab.layers.shape import Shape
from archlab.torch.importing.flatten import flatten


class Source(NamedTuple):
    """A model, and what is known of it.

    Attributes:
        model: it, on the meta device where it can be made there.
        name: of the network.
        origin: for a comment.
        input: what it takes by itself; None where it does not say.
    """

    model: nn.Module
    name: str
    origin: str
    input: Shape | None


def read_named(target: str, options: ImportOptions) -> Flat:
    """A model by name as a flat network.

    Raises:
        ConfigError: if there is none of that name, or it does not run.
    """
    source = open_source(target, options)
    given = options.input if options.input is not None else source.input
    if given is None:
        message = f"{target} does not say what enters; give its shape without the batch: --input 3x224x224"
        raise single_problem(message, Code.BAD_INPUT)
    shapes = dict(given) if isinstance(given, Mapping) else {"input": tuple(given)}
    return flatten(source.model, shapes, name=source.name, origin=source.origin)


def open_source(target: str, options: ImportOptions) -> Source:
    """The model that a target names.

    Raises:
        ConfigError: if there is none.
    """
    reader = reader_of(target)
    package, _, name = target.partition(":")
    if reader == "torchvision":
        return _torchvision(name, options)
    if reader == "timm":
        return _timm(name, options)
    raise single_problem(f"'{package}:' is not read", Code.UNKNOWN_PRESET)


def _made(target: str, make: Callable[[], Any]) -> nn.Module:
    """A model on the meta device; where it cannot be made there, on the CPU and then moved.

    Raises:
        ConfigError: with what went wrong.
    """
    try:
        with torch.device("meta"):
            made = make()
    except Exception:  # noqa: BLE001 - it is other people's code
        try:
            made = make().to("meta")
        except Exception as error:  # noqa: BLE001 - it is other people's code
            raise single_problem(f"{target} cannot be made: {error_text(error)}", Code.WRONG_VALUE) from None
    assert isinstance(made, nn.Module)
    return made


def _torchvision(name: str, options: ImportOptions) -> Source:
    require("torchvision", "torch", f"reading torchvision:{name}")
    import torchvision

    made = _made(f"torchvision:{name}", lambda: torchvision.models.get_model(name, weights=None, **options.arguments))
    return Source(made, name, f"torchvision:{name} (torchvision {torchvision.__version__})", (3, 224, 224))


def _timm(name: str, options: ImportOptions) -> Source:
    require("timm", "timm", f"reading timm:{name}")
    import timm

    made = _made(f"timm:{name}", lambda: timm.create_model(name, pretrained=False, **options.arguments))
    size = getattr(made, "default_cfg", {}).get("input_size")
    return Source(made, name, f"timm:{name} (timm {timm.__version__})", None if size is None else tuple(size))
