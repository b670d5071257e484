"""Models by name: `timm:resnet50d`, `torchvision:resnet50`, `module.path:callable`. No weights are fetched."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archlab.diagnostics.codes import Code
from archlab.diagnostics.problem import ConfigError, single_problem
from archlab.diagnostics.requirements import require
from archlab.diagnostics.suggest import did_you_mean
from archlab.imports.flat import Flat
from archlab.imports.targets import ImportOptions, reader_of
from archlab.layers.foreign import error_text
from archlab.layers.shape import Shape
from archlab.torch.importing.calls import read_call
from archlab.torch.importing.flatten import flatten
from archlab.torch.importing.results import with_results
from archlab.torch.importing.valueless import NothingDrawn

IMAGE, VIDEO = (3, 224, 224), (3, 16, 224, 224)
"""What torchvision's models take where nothing else is said: an image, or frames in a row."""
FRAMES = {"image1": (3, 520, 960), "image2": (3, 520, 960)}
"""What its optical flow takes: two images, of the size that its weights were measured on."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model that can be made, and what is known of it.

    Attributes:
        make: makes it, with fresh weights, on the device that is PyTorch's default then.
        target: as it was asked for.
        name: of the network.
        origin: for a comment.
        input_of: what the made model takes by itself; None where it does not say.
    """

    make: Callable[[], nn.Module]
    target: str
    name: str
    origin: str
    input_of: Callable[[nn.Module], Shape | Mapping[str, Shape] | None]

    def made(self, device: str) -> nn.Module:
        """The model on a device; on `meta`, where it cannot be made there, made on the CPU and then moved.

        Raises:
            ConfigError: with what went wrong.
        """
        try:
            with warnings.catch_warnings(), torch.device(device), NothingDrawn():
                warnings.simplefilter("ignore")
                return self.make()
        except ConfigError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is other people's code
            if device == "meta":
                return self.made("cpu").to("meta")
            raise single_problem(f"{self.target} cannot be made: {error_text(error)}", Code.WRONG_VALUE) from None

    def inputs(self, model: nn.Module, options: ImportOptions) -> dict[str, Shape]:
        """The shapes that enter, by name: those given, or those that the model says.

        Of several that the model says, one without a name is the first.

        Raises:
            ConfigError: if neither does, or what is given has other names than the model's own.
        """
        given, own = options.input, self.input_of(model)
        if given is None and own is None:
            what = "the shape of a sample, channels first"
            raise single_problem(
                f"{self.target} does not say what enters it; give {what}: --input 3x224x224", Code.BAD_INPUT
            )
        if isinstance(own, Mapping):
            return dict(own) | self._named(given, list(own))
        found = own if given is None else given
        assert found is not None
        return dict(found) if isinstance(found, Mapping) else {"input": tuple(found)}

    def _named(self, given: Shape | Mapping[str, Shape] | None, names: list[str]) -> dict[str, Shape]:
        """What is given of a model's own inputs."""
        if not isinstance(given, Mapping):
            return {} if given is None else {names[0]: tuple(given)}
        for name in given:
            if name not in names:
                hint = did_you_mean(name, names) or f"; it has {', '.join(names)}"
                raise single_problem(f"{self.target} has no input '{name}'{hint}", Code.BAD_INPUT)
        return dict(given)


def read_named(target: str, options: ImportOptions) -> Flat:
    """A model by name as a flat network.

    Raises:
        ConfigError: if there is none of that name, or it does not run.
    """
    source = open_source(target, options)
    model = source.made("meta")
    inputs = source.inputs(model, options)
    return flatten(model, inputs, name=source.name, origin=source.origin, remake=lambda: source.made("cpu"))


def open_source(target: str, options: ImportOptions) -> Source:
    """The model that a target names.

    Raises:
        ConfigError: if there is none.
        MissingRequirementError: if the package that has it is not installed.
    """
    readers = {
        "timm": _timm,
        "torchvision": _torchvision,
        "smp": _smp,
        "ultralytics": _ultralytics,
        "hf": _hf,
        "callable": _callable,
    }
    reader = reader_of(target) or ""
    if reader not in readers:
        raise single_problem(f"'{target.partition(':')[0]}:' is not read", Code.UNKNOWN_PRESET)
    source = readers[reader](target, options)
    return replace(source, make=lambda: with_results(source.make(), options.until))


def _torchvision(target: str, options: ImportOptions) -> Source:
    require("torchvision", "torch", f"reading {target}")
    import torchvision

    name = target.partition(":")[2]
    _require_known(target, name, torchvision.models.list_models())
    builder = torchvision.models.get_model_builder(name)
    is_detector = ".detection" in builder.__module__
    if is_detector and options.until is None:
        raise single_problem(
            f"{target} is a detector, whose boxes depend on what it finds; give --until raw for its maps before "
            "decoding, or names of modules",
            Code.WRONG_VALUE,
        )
    # a backbone's weights would be fetched by default
    plain = {"weights_backbone": None} if "weights_backbone" in inspect.signature(builder).parameters else {}
    return Source(
        make=lambda: torchvision.models.get_model(name, weights=None, **{**plain, **options.arguments}),
        target=target,
        name=name,
        origin=f"{target} (torchvision {torchvision.__version__})",
        input_of=lambda model: _torchvision_input(model, name, is_video=".video" in builder.__module__),
    )


def _torchvision_input(model: Any, name: str, *, is_video: bool) -> Shape | Mapping[str, Shape]:
    """What a detector resizes to; else what the first weights were trained for."""
    import torchvision

    if ".optical_flow" in type(model).__module__:
        return FRAMES
    transform = getattr(model, "transform", None)
    if transform is not None:
        height, width = transform.fixed_size or (transform.min_size[-1],) * 2
        return (3, height, width)
    if isinstance(getattr(model, "image_size", None), int):
        return (3, model.image_size, model.image_size)
    weights = [one for one in torchvision.models.get_model_weights(name) if "SWAG" not in one.name]
    made = weights[0].transforms() if weights else None
    size = getattr(made, "crop_size", None) or getattr(made, "resize_size", None)
    if not size:
        return VIDEO if is_video else IMAGE
    height, width = (size * 2)[:2]
    return (3, VIDEO[1], height, width) if is_video else (3, height, width)


def _smp(target: str, options: ImportOptions) -> Source:
    """`smp:Unet(encoder_name=resnet34)`."""
    require("segmentation_models_pytorch", "smp", f"reading {target}")
    import segmentation_models_pytorch as smp

    name, arguments = read_call(target, target.partition(":")[2])
    classes = {word: made for word, made in vars(smp).items() if isinstance(made, type) and issubclass(made, nn.Module)}
    _require_known(target, name, list(classes))
    given = {"encoder_weights": None, **arguments, **options.arguments}
    return Source(
        make=lambda: classes[name](**given),
        target=target,
        name="_".join([name, *[str(value) for value in arguments.values()]]).lower(),
        origin=f"{target} (segmentation_models_pytorch {smp.__version__})",
        input_of=lambda _model: (int(given.get("in_channels", 3)), *IMAGE[1:]),
    )


def _ultralytics(target: str, options: ImportOptions) -> Source:
    """`ultralytics:yolov8n`, or a file in its language."""
    require("ultralytics", "ultralytics", f"reading {target}")
    import ultralytics

    from archlab.torch.importing.ultralytics import find_config, input_of, make

    name = target.removeprefix("ultralytics:")
    path = find_config(target, name)
    if options.arguments:
        raise single_problem(f"{target} takes no arguments: they stand in its config", Code.WRONG_VALUE)
    return Source(
        make=lambda: make(path, name),
        target=target,
        name=Path(name).name.removesuffix(".yaml"),
        origin=f"{target} (ultralytics {ultralytics.__version__})",
        input_of=input_of,
    )


def _hf(target: str, _options: ImportOptions) -> Source:
    name = target.partition(":")[2]
    raise single_problem(
        f"{target} is not read: what transformers knows under '{name}' has to be fetched first; write a function that "
        "makes the model from its config, and give it as module:function",
        Code.UNKNOWN_PRESET,
    )


def _timm(target: str, options: ImportOptions) -> Source:
    require("timm", "timm", f"reading {target}")
    import timm

    name = target.partition(":")[2]
    _require_known(target, name.partition(".")[0], timm.list_models())
    return Source(
        make=lambda: timm.create_model(name, pretrained=False, **options.arguments),
        target=target,
        name=name,
        origin=f"{target} (timm {timm.__version__})",
        input_of=_timm_input,
    )


def _timm_input(model: nn.Module) -> Shape | None:
    """What the model's own `default_cfg` says."""
    size = (getattr(model, "default_cfg", None) or {}).get("input_size")
    return None if size is None else tuple(size)


def _require_known(target: str, name: str, known: list[str]) -> None:
    if name not in known:
        package = target.partition(":")[0]
        hint = did_you_mean(name, known) or f"; it has {len(known)} others"
        raise single_problem(f"{package} has no model '{name}'{hint}", Code.UNKNOWN_PRESET)


def _callable(target: str, options: ImportOptions) -> Source:
    """What a module of the user's own gives: its code runs."""
    package, _, word = target.partition(":")
    found = _found(target, package, word)

    def make() -> nn.Module:
        made = found if isinstance(found, nn.Module) else found(**options.arguments)
        if not isinstance(made, nn.Module):
            raise single_problem(f"{target} gives a {type(made).__name__}, not a torch.nn.Module", Code.WRONG_VALUE)
        return made

    return Source(make, target, word.rpartition(".")[2], target, lambda _model: None)


def _found(target: str, package: str, word: str) -> Any:
    """What a module has under a name; modules of the current folder are found too.

    Raises:
        ConfigError: if there is none, or it cannot be called.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: Any = import_module(package)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is other people's code
        raise single_problem(f"{package} cannot be imported: {error_text(error)}", Code.UNREADABLE) from None
    for part in word.split("."):
        if not hasattr(found, part):
            hint = did_you_mean(part, [name for name in dir(found) if not name.startswith("_")])
            raise single_problem(f"{package} has no '{word}'{hint}", Code.UNKNOWN_PRESET)
        found = getattr(found, part)
    if not callable(found):
        raise single_problem(f"{target} is no function or class: it cannot be called", Code.WRONG_VALUE)
    return found
