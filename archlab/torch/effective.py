"""Effective receptive field of a built network, measured with gradients.

The gradient of one unit (summed over its channels) with respect to the input, squared and summed over the
input's channels, tells how much each input position matters (Luo et al. 2016). Each sample's map is divided
by its sum before the mean over samples is taken, so that neither the scale of the weights nor that of the
images counts. Squares, because in a random linear network their expectation is the share of paths, which is
the estimate of `analysis.effective`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Any

from archlab.diagnostics.codes import Code
from archlab.diagnostics.requirements import require
from archlab.diagnostics.spelling import argument
from archlab.diagnostics.words import all_of

require("torch", "torch", "measuring an effective receptive field")

import torch
from torch import Tensor, fx
from torch.nn import functional

from archlab.analysis.receptive_field.effective import SHARE, EffectiveAxis, EffectiveField
from archlab.config.syntax.folders import is_folder
from archlab.diagnostics.problem import single_problem
from archlab.files.inputs import remember
from archlab.graph import Graph
from archlab.layers.laid import unit_index
from archlab.layers.shape import AXIS_NAMES, Shape, map_size, shape_text
from archlab.torch.build import build
from archlab.torch.device import require_device
from archlab.torch.opaque import require_declared
from archlab.torch.trace import PATH
from archlab.torch.weights import load_weights

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Shares = list[Any]
"""Of a map: nested lists, one level for each of its axes."""
Progress = Callable[[Iterable[int]], Iterable[int]]
"""Hands the samples' numbers through and may show how far it has come."""


@dataclass(frozen=True)
class MeasuredField:
    """What the gradients of one unit say.

    Attributes:
        shares: of each input position, as lists along its axes: row by row of two; they sum to 1.
        axes: the same, summed along each axis.
        area: exp(entropy) of the shares, in input positions.
        contribution_area: the fewest input positions that together hold 95 % of the shares.
        samples: how many gradients the mean is of.
        silent: samples left out because the unit had no gradient at all.
        images: where the images are from.
        weights: where the weights are from.
    """

    shares: Shares
    axes: EffectiveField
    area: float
    contribution_area: int
    samples: int
    silent: int
    images: str
    weights: str


@dataclass(frozen=True)
class Sampling:
    """What to take the mean over.

    Attributes:
        samples: images, and fresh weights with each unless `weights` is given.
        seed: of the first sample; each further one has the next.
        images: a folder of .png and .jpg files; random images if None.
        weights: a state dict (.pt); fresh weights if None.
        device: where the model runs.
    """

    samples: int = 16
    seed: int = 0
    images: Path | None = None
    weights: Path | None = None
    device: str = "cpu"


def measure(
    graph: Graph,
    index: int,
    unit: tuple[int, ...],
    spans: tuple[tuple[int, int], ...],
    sampling: Sampling,
    progress: Progress = iter,
) -> MeasuredField:
    """Measure the effective field of one unit, in eval mode.

    Args:
        graph: the network; its input must be a map.
        index: of the node.
        unit: an index for each axis of the node's map; ignored for a flat output.
        spans: first and last position of the theoretical field, along each axis.
        sampling: over which images and weights.
        progress: wraps the samples.

    Raises:
        ConfigError: for files that do not fit, or if no sample has a gradient.
    """
    require_device(sampling.device)
    images = None if sampling.images is None else _image_files(sampling.images, graph)
    count = sampling.samples if images is None else min(sampling.samples, len(images))
    state = torch.random.get_rng_state()
    model: fx.GraphModule | None = None
    total = torch.zeros(graph.input_shape[1:], dtype=torch.float64)
    silent = 0
    try:
        for number in progress(range(count)):
            torch.manual_seed(sampling.seed + number)
            if model is None or sampling.weights is None:
                model = _ready(graph, index, sampling)
            image = torch.randn(graph.input_shape) if images is None else _read_image(images[number], graph)
            others = [torch.randn(1, *node.shape).to(sampling.device) for node in graph.inputs[1:]]
            shares = _shares(model, image.to(sampling.device), others, graph.nodes[index].shape, unit)
            if shares is None:
                silent += 1
            else:
                total += shares
    finally:
        torch.random.set_rng_state(state)
    if silent == count:
        path = graph.nodes[index].path
        raise single_problem(
            f"no input position has a gradient to unit {','.join(map(str, unit))} of {path} in any of {count} samples: "
            f"it does not read the input, or its activation is off; try another {argument('unit')}, "
            f"{argument('layer')} or {argument('seed')}",
            Code.NO_GRADIENT,
        )
    return _result(total / total.sum(), spans, count, silent, sampling)


def _ready(graph: Graph, index: int, sampling: Sampling) -> fx.GraphModule:
    """The model with its weights, cut off behind the node."""
    model = build(graph)
    require_declared(model, graph)
    if sampling.weights is not None:
        for text in load_weights(model, graph, sampling.weights).warnings():
            warnings.warn(f"{sampling.weights}: {text}", stacklevel=2)
    stop_at(model, graph.nodes[index].path)
    return model.to(sampling.device).eval().requires_grad_(requires_grad=False)


def stop_at(model: fx.GraphModule, path: str) -> None:
    """Make a built model return one layer's output and run nothing that comes after it."""
    traced = model.graph
    *_, output = traced.nodes
    target = next(node for node in traced.nodes if node.meta.get(PATH) == path)
    output.args = (target,)
    for node in reversed(list(traced.nodes)):
        if node is target:
            break
        if node is not output:
            traced.erase_node(node)
    traced.eliminate_dead_code()
    model.recompile()


def _shares(
    model: fx.GraphModule, image: Tensor, others: list[Tensor], shape: Shape, unit: tuple[int, ...]
) -> Tensor | None:
    """The squared gradient, summed over channels, as shares of its sum; None if there is none."""
    image = image.requires_grad_()
    output = model(image[None], *others)[0]
    value = output[unit_index(shape, unit)].sum() if map_size(shape) else output.sum()
    if not value.requires_grad:
        return None
    (gradient,) = torch.autograd.grad(value, image, allow_unused=True)
    if gradient is None:
        return None
    gradient = gradient.detach().to("cpu", torch.float64)
    largest = gradient.abs().max()
    if not torch.isfinite(largest) or largest == 0:
        return None
    energy = (gradient / largest).square().sum(0)
    return energy / energy.sum()


def _result(
    shares: Tensor, spans: tuple[tuple[int, int], ...], count: int, silent: int, sampling: Sampling
) -> MeasuredField:
    axes = [
        EffectiveAxis(0, _along(shares, axis).tolist(), spans[axis], shares.shape[axis]) for axis in range(shares.dim())
    ]
    present = shares[shares > 0]
    held = shares.flatten().sort(descending=True).values.cumsum(0)
    return MeasuredField(
        shares=shares.tolist(),
        axes=EffectiveField(tuple(axes)),
        area=exp(-float((present * present.log()).sum())),
        contribution_area=int((held < SHARE - 1e-12).sum()) + 1,
        samples=count - silent,
        silent=silent,
        images="random images (normal)" if sampling.images is None else f"images of {sampling.images}",
        weights="fresh weights for each" if sampling.weights is None else f"weights of {sampling.weights}",
    )


def _along(shares: Tensor, axis: int) -> Tensor:
    """The sums over all other axes."""
    others = [other for other in range(shares.dim()) if other != axis]
    return shares.sum(others) if others else shares


def _image_files(folder: Path, graph: Graph) -> list[Path]:
    names = AXIS_NAMES[len(graph.input_shape) - 1]
    if len(names) != len(AXIS_NAMES[2]):
        raise single_problem(
            f"{argument('images', folder)}: images have height and width, and the input "
            f"{shape_text(graph.input_shape)} has {all_of(names)}; without it, random values are taken",
            Code.WRONG_VALUE,
        )
    require("PIL", "torch", "reading images")
    if not is_folder(str(folder)):
        raise single_problem(f"{argument('images', folder)}: there is no such folder", Code.UNREADABLE)
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise single_problem(
            f"{argument('images', folder)}: no file ends with {', '.join(IMAGE_SUFFIXES)}", Code.UNREADABLE
        )
    return found


def _read_image(path: Path, graph: Graph) -> Tensor:
    """An image in the input's size: RGB with ImageNet's mean and deviation, or grey with its own."""
    from PIL import Image  # comes with torchvision, whose own reading of images is being removed

    channels, *size = graph.input_shape
    if channels not in (1, 3):
        raise single_problem(
            f"{argument('images')}: the input {shape_text(graph.input_shape)} has {channels} channels; "
            "images have 1 or 3",
            Code.WRONG_VALUE,
        )
    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGB" if channels == 3 else "L")
        remember(path)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise single_problem(f"cannot read the image {path}: {error}", Code.UNREADABLE) from None
    flat = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    pixels = flat.reshape(picture.height, picture.width, channels).permute(2, 0, 1)
    resized = functional.interpolate(pixels[None] / 255, size, mode="bilinear", antialias=True)
    image = resized[0]
    if channels == 1:
        return (image - image.mean()) / (image.std() + 1e-6)
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    return (image - mean[:, None, None]) / std[:, None, None]
