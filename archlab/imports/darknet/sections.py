"""What each section of Darknet's is as layers of archlab's."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from archlab.imports.darknet.activation import activate
from archlab.imports.darknet.network import Network
from archlab.imports.darknet.pool import avg_pool, local_avg_pool, max_pool
from archlab.imports.darknet.recurrent import crnn, gru, local, lstm, rnn
from archlab.imports.darknet.section import Section
from archlab.layers.shape import Shape, axis_count, shape_text

Rule = Callable[[Network, Section], None]

BATCH_NORM = {"eps": 1e-5}
BEYOND = ("antialiasing", "assisted_excitation", "sway", "rotate", "stretch", "stretch_sway", "cbn", "coordconv")
"""Options of a convolution that make it another layer."""


def _convolution(network: Network, section: Section) -> None:
    """`[convolutional]`: `pad=1` means half the kernel's size."""
    network.require_map(section)
    for name in BEYOND:
        if section.number(name, 0):
            raise section.problem(f"[convolutional] with '{name}' is not read", name)
    size, stride = section.integer("size", 1), section.integer("stride", 1)
    norm = section.integer("batch_normalize", 0) != 0
    options = {
        "out_channels": section.integer("filters", 1),
        "kernel_size": size,
        "stride": (section.integer("stride_y", stride), section.integer("stride_x", stride)),
        "padding": size // 2 if section.integer("pad", 0) else section.integer("padding", 0),
        "dilation": 1 if size == 1 else section.integer("dilation", 1),
        "groups": section.integer("groups", 1),
        "bias": not norm,
    }
    shared = _shared(network, section)
    network.weighted[network.number] = own = []
    network.add(section, "conv2d", "conv", options, share=shared[0] if shared else None)
    own.append(network.value)
    if norm:
        network.add(section, "batch_norm2d", "bn", BATCH_NORM, share=shared[1] if len(shared) > 1 else None)
        own.append(network.value)
    _tell_binary(network, section)
    activate(network, section)


def _shared(network: Network, section: Section) -> list[int]:
    """The values of the section whose weights these are."""
    if "share_index" not in section.values:
        return []
    written = section.integer("share_index", 0)
    number = written if written >= 0 else network.number + written
    if number not in network.weighted:
        raise section.problem(f"'share_index' names section {written}, which is no convolution before", "share_index")
    return network.weighted[number]


def _tell_binary(network: Network, section: Section) -> None:
    if section.integer("xnor", 0) or section.integer("binary", 0):
        network.remarks["some convolutions have binary weights in Darknet; they are counted as plain ones"] = None


def _connected(network: Network, section: Section) -> None:
    """`[connected]`, over all that enters."""
    network.flatten(section)
    norm = section.integer("batch_normalize", 0) != 0
    network.add(section, "linear", "connected", {"out_features": section.integer("output", 1), "bias": not norm})
    if norm:
        network.add(section, "batch_norm1d", "bn", BATCH_NORM)
    activate(network, section)


def _batch_norm(network: Network, section: Section) -> None:
    network.require_map(section)
    network.add(section, "batch_norm2d", "bn", BATCH_NORM)


def _shortcut(network: Network, section: Section) -> None:
    """`[shortcut]`: as many channels are added as both have; of a larger map every second position, or the like."""
    if section.text("weights_type", "none") != "none":
        raise section.problem("[shortcut] with 'weights_type' is not read", "weights_type")
    network.require_map(section)
    line = network.value
    for other in network.referred(section, "from"):
        wanted, network.value = network.builder.shape(line), other
        _fit(network, section, wanted)
        added, network.value = network.value, line
        network.add(section, "add", "shortcut", others=(added,))
        line = network.value
    activate(network, section, "linear")


def _fit(network: Network, section: Section, wanted: Shape) -> None:
    """Make what enters of another shape, as Darknet does it in silence."""
    own = network.require_map(section)
    steps = tuple([theirs // ours for theirs, ours in zip(own[1:], wanted[1:], strict=True)])
    if (
        steps[0] != steps[1]
        or steps[0] < 1
        or any(theirs % ours for theirs, ours in zip(own[1:], wanted[1:], strict=True))
    ):
        message = (
            f"[shortcut] adds a map of {shape_text(own)} to one of {shape_text(wanted)}, whose sizes do not divide it"
        )
        raise section.problem(message, "from")
    if steps[0] > 1:  # a window of one position takes it as it is
        network.add(section, "max_pool2d", "sample", {"kernel_size": 1, "stride": steps[0]})
    if own[0] > wanted[0]:
        network.add(section, "narrow", "narrow", {"dim": 1, "start": 0, "length": wanted[0]})
    elif own[0] < wanted[0]:
        network.add(section, "pad_channels", "pad", {"after": wanted[0] - own[0]})
    if tuple(own) != tuple(wanted):
        told = "some shortcuts add maps of unequal shapes: Darknet adds the channels that both have"
        network.remarks[told] = None


def _route(network: Network, section: Section) -> None:
    """`[route]`: maps behind one another, or a part of the channels of each."""
    groups, group = section.integer("groups", 1), section.integer("group_id", 0)
    if groups < 1 or not 0 <= group < groups:
        raise section.problem(f"[route] has {groups} groups, and 'group_id' {group}", "group_id")
    parts = []
    for value in network.referred(section, "layers"):
        network.value = value
        if groups > 1:
            channels = network.require_map(section)[0]
            length = channels // groups
            network.add(section, "narrow", "split", {"dim": 1, "start": group * length, "length": length})
        parts.append(network.value)
    network.value, *others = parts
    if others:
        network.add(section, "concat", "route", others=tuple(others))


def _upsample(network: Network, section: Section) -> None:
    stride = section.integer("stride", 2)
    if stride < 1:
        raise section.problem("[upsample] with a stride below 1 is not read", "stride")
    network.require_map(section)
    network.add(section, "upsample", "upsample", {"scale_factor": float(stride)})
    _scale(network, section, section.number("scale", 1))


def _scale(network: Network, section: Section, factor: float) -> None:
    if factor != 1:
        network.add(section, "scale", "scale", {"factor": factor})


def _reorg3d(network: Network, section: Section) -> None:
    """`[reorg3d]`: blocks of positions as channels, the offset in front of the channel."""
    channels, *_ = network.require_map(section)
    if section.integer("reverse", 0):
        raise section.problem("[reorg3d] with 'reverse' is not read", "reverse")
    network.add(section, "pixel_unshuffle", "reorg", {"downscale_factor": section.integer("stride", 1)})
    network.add(section, "channel_shuffle", "shuffle", {"groups": channels})


def _reorg(network: Network, section: Section) -> None:
    """`[reorg]`: of the shape of `[reorg3d]`, but in an order that mixes positions and channels."""
    channels, height, width = network.require_map(section)
    stride = section.integer("stride", 1)
    if section.integer("reverse", 0) or stride < 1 or height % stride or width % stride:
        raise section.problem(f"[reorg] of a map of {height}x{width} takes a stride that divides it", "stride")
    network.add_opaque(section, "reorg", (channels * stride * stride, height // stride, width // stride))


def _scale_channels(network: Network, section: Section) -> None:
    """`[scale_channels]`: a map times what stands here, a number for each channel (or each position)."""
    (scaled,) = network.referred(section, "from")[:1]
    gate, network.value = network.value, scaled
    network.add(section, "multiply", "scale_channels", others=(gate,))
    activate(network, section, "linear")


def _attend(network: Network, section: Section) -> None:
    """`[sam]`: two maps multiplied."""
    (other,) = network.referred(section, "from")[:1]
    network.add(section, "multiply", "sam", others=(other,))
    activate(network, section, "linear")


def _dropout(network: Network, section: Section) -> None:
    network.add(section, "dropout", "dropout", {"p": section.number("probability", 0.2)})


def _softmax(network: Network, section: Section) -> None:
    """`[softmax]` over all that enters, or over each of several groups, or a tree of them."""
    if section.integer("groups", 1) != 1 or "tree" in section.values or section.integer("spatial", 0):
        network.add_opaque(section, "softmax", network.shape)
        return
    network.flatten(section)
    _scale(network, section, 1 / (section.number("temperature", 1) or 1))
    network.add(section, "softmax", "softmax", {"dim": 1})


def _crop(network: Network, section: Section) -> None:
    """`[crop]`: the middle of the image; unless `noadjust=1`, values of 0 to 1 become -1 to 1."""
    for dim, name in ((2, "crop_height"), (3, "crop_width")):
        extent, wanted = network.require_map(section)[dim - 1], section.integer(name, 1)
        if not 1 <= wanted <= extent:
            raise section.problem(f"'{name}' is {wanted}, and the image {extent}", name)
        if wanted < extent:
            network.add(section, "narrow", "crop", {"dim": dim, "start": (extent - wanted) // 2, "length": wanted})
    if not section.integer("noadjust", 0):
        network.add(section, "scale", "scale", {"factor": 2.0})
        network.add(section, "shift", "shift", {"value": -1.0})


def _activation(network: Network, section: Section) -> None:
    activate(network, section, "linear")


def _detect(network: Network, section: Section) -> None:
    """`[yolo]` and the like: what they decode is a result as it is."""
    network.results.append((f"{section.kind}{network.number}", network.value))


def _nothing(network: Network, section: Section) -> None:
    """What is for training only."""


RULES: dict[str, Rule] = {
    **dict.fromkeys(("convolutional", "conv"), _convolution),
    **dict.fromkeys(("connected", "conn"), _connected),
    "batchnorm": _batch_norm,
    **dict.fromkeys(("maxpool", "max"), max_pool),
    **dict.fromkeys(("avgpool", "avg"), avg_pool),
    "local_avgpool": local_avg_pool,
    "shortcut": _shortcut,
    "route": _route,
    "upsample": _upsample,
    "reorg3d": _reorg3d,
    "reorg": _reorg,
    "scale_channels": _scale_channels,
    "sam": _attend,
    "dropout": _dropout,
    **dict.fromkeys(("softmax", "soft"), _softmax),
    "crop": _crop,
    "activation": _activation,
    "rnn": rnn,
    "gru": gru,
    "lstm": lstm,
    "crnn": crnn,
    "local": local,
    **dict.fromkeys(("yolo", "gaussian_yolo", "region", "detection", "contrastive"), _detect),
    **dict.fromkeys(("cost", "empty", "silence"), _nothing),
}
"""Sections by their names."""


def input_of(section: Section) -> tuple[int, ...]:
    """The shape that `[net]` says, channels first; of a network without images its number of `inputs`.

    Raises:
        ConfigError: if it says none.
    """
    sizes = tuple(section.integer(name, 0) for name in ("channels", "height", "width"))
    if min(sizes) > 0:
        return sizes
    flat = section.integer("inputs", prod(sizes))
    if flat < 1 or axis_count((flat,)):
        raise section.problem("[net] says the image's 'channels', 'height' and 'width', or the number of 'inputs'")
    return (flat,)
