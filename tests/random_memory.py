"""Random networks for memory: every layer type, alone, in pairs and in short chains, first, in the middle and last.

`python -m tests.random_memory 5000` draws so many with their conditions, counts live storages of each on the CPU, in
eval mode and in a training step, and prints every disagreement with the prediction. `python -m tests.random_memory 5000
0 1` counts the peaks of training steps under autocast, of the same seeds.
"""

from __future__ import annotations

import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import NamedTuple

from archlab.analysis import Analysis
from archlab.analysis.conditions import Conditions
from archlab.analysis.facts import collect_facts
from archlab.analysis.memory.program import training_program
from archlab.analysis.memory.trainable import layer_refusal
from archlab.api.network import Network
from archlab.graph import Graph
from archlab.layers import layer_types
from archlab.layers.instance_norm import InstanceNormNd
from archlab.layers.laid import ChannelsLast, Laid, positions_of, roles_of
from archlab.layers.shape import axis_count, is_map
from tests.random_networks import NetworkMaker
from tests.random_text import Item

MOST_ELEMENTS = 6_000
"""Of a value: small enough for thousands of networks."""
TRIES = 30
FLOAT = 4
"""Bytes of a value in single precision."""

Draw = random.Random


class Case(NamedTuple):
    """A network and the conditions of its run."""

    network: Network
    conditions: Conditions


class MemoryNetworkMaker(NetworkMaker):
    """Draws one network of 1 to 6 items of any type; what does not fit is drawn again."""

    def __init__(self, seed: int, kinds: Sequence[str]) -> None:
        super().__init__(seed)
        self.kinds = kinds
        draw = self.random
        channels = draw.choice([1, 2, 4, 4, 8, 8])
        size = draw.choice([1, 2, 3, 4, 6, 7, 8, 8, 12] if self.rank < 3 else [1, 2, 3, 4, 6, 7])
        others = [size if draw.random() < 0.5 else draw.choice([1, 2, 5, 6, 8, 9]) for _ in range(self.rank - 1)]
        self.input = [channels] if draw.random() < 0.1 else [channels, size, *others]

    def make(self) -> Network:
        """A network; what hangs loose is among its outputs, and now and then what does not."""
        learns = self.random.choice(["first", "first", "last", "drawn"])
        if learns == "first":
            self._extend({**self._learning(), "name": "n0"})
        wanted = self.random.choice([1, 1, 2, 2, 2, 3, 4, 5, 6])
        for _ in range(wanted):
            for _ in range(TRIES):
                if self._extend({**self._draw(), "name": f"n{len(self.items)}"}):
                    break
        if self.last is None or learns == "last":
            self._extend({**self._learning(), "name": f"n{len(self.items)}"})
        assert self.last is not None
        return self.last

    def _learning(self) -> Item:
        """A layer with parameters, for whatever shape comes."""
        shape = self.last.graph.nodes[-1].shape if self.last is not None else tuple(self.input)
        if len(shape) == 1 or isinstance(shape, ChannelsLast):
            return {"type": "linear", "out_features": self.random.choice([4, 8])}
        if isinstance(shape, Laid) or self.random.random() < 0.1:
            return {"type": "prelu"}
        return {"type": "conv2d", "out_channels": self.random.choice([1, 4, 8, 8]), "kernel_size": 1}

    def _extra_outputs(self) -> list[str]:
        return [item["name"] for item in self.items if self.random.random() < 0.06]

    def _is_welcome(self, graph: Graph) -> bool:
        """Whether a network is small enough, and has no offsets that are no numbers (torchvision crashes)."""
        types = {node.layer.type for node in graph.nodes}
        if "deform_conv2d_op" in types and types & {"divide", "pow"}:
            return False
        if any(node.layer.type == "weighted_add" and prod(node.shape) == 1 for node in graph.nodes):
            return False  # the gradients of its single weights, joined, are then as large as all else
        return all(0 < prod(node.shape) <= MOST_ELEMENTS for node in graph.nodes)

    def _draw(self) -> Item:
        draw = self.random
        shape = self.last.graph.nodes[-1].shape if self.last is not None else tuple(self.input)
        if self.items and draw.random() < 0.12:
            return self._join()
        if self.items and draw.random() < 0.06:
            return draw.choice([self._residual, self._branches])()
        if self.items and draw.random() < 0.12:
            return self._again()
        reads_map = bool(self.items) and is_map(shape) and len(shape) == 1 + self.rank
        if self.further.shapes and reads_map and self._own.random() < 0.2:
            return self.further.item(shape)
        if len(shape) > 1 and not roles_of(shape)[-1] and draw.random() < 0.15:
            return _attention(draw, shape)
        if isinstance(shape, ChannelsLast) and draw.random() < 0.4:
            return {"type": "channels_first"}
        kind = draw.choice(self.kinds)
        return DRAWN[kind](draw, shape)

    def _conv(self) -> Item:
        return _conv(self.random, (4, 8, 8))

    def _join(self) -> Item:
        if self._own.random() < 0.3:
            return self._attended()
        if self.random.random() < 0.1:
            other = self._some_name()
            left_out = {"sr_ratio", *(key for options in WINDOWS for key in options)}
            item = {key: value for key, value in _attention(self.random, ()).items() if key not in left_out}
            return {**item, "type": "cross_attention", "with": [other]}
        count = self.random.choice([1, 1, 1, 2, 3])
        others = [self._some_name() for _ in range(count)]
        item = {"type": self.random.choice(JOINS), "with": others}
        if item["type"] == "weighted_add":
            item["normalization"] = self.random.choice(["none", "softmax", "fast"])
        return item

    def _attended(self) -> Item:
        """Attention between values, mostly of the line above to itself."""
        own = self._own
        last = self.items[-1]["name"]
        others = [last if own.random() < 0.7 else self._some_name() for _ in range(2)]
        return {"type": "scaled_dot_product_attention", "with": others}

    def _branches(self) -> Item:
        """Paths of one or two layers of any type, or none."""
        draw = self.random
        shape = (4, 8, 8)
        paths = [
            [DRAWN[draw.choice(self.kinds)](draw, shape) for _ in range(draw.choice([0, 1, 1, 2]))]
            for _ in range(draw.choice([2, 2, 3]))
        ]
        return {"type": "branches", "merge": draw.choice(JOINS), "paths": paths}

    def _residual(self) -> Item:
        draw = self.random
        body = [DRAWN[draw.choice(self.kinds)](draw, (4, 8, 8)) for _ in range(draw.choice([1, 2]))]
        return {"type": "residual", "shortcut": draw.choice(["identity", "project", "if_same"]), "body": body}


def _pair(draw: Draw, low: int, high: int) -> int | list[int]:
    if draw.random() < 0.6:
        return draw.randint(low, high)
    return [draw.randint(low, high), draw.randint(low, high)]


def _attached(draw: Draw, item: Item) -> Item:
    """Now and then a norm and an activation, which is then in place."""
    if draw.random() < 0.3:
        item["norm"] = draw.choice(
            ["batch_norm2d", "layer_norm2d", "instance_norm2d", {"type": "group_norm", "num_groups": 2}]
        )
    if draw.random() < 0.3:
        item["activation"] = draw.choice(["relu", "elu", "silu", "hardswish", "sigmoid", "gelu", "prelu"])
    return item


def _conv(draw: Draw, _shape: tuple[int, ...]) -> Item:
    item: Item = {
        "type": "conv2d",
        "out_channels": draw.choice([1, 2, 4, 8]),
        "kernel_size": _pair(draw, 1, 4),
        "stride": draw.choice([1, 1, 1, 2]),
        "padding": draw.choice(["auto", 0, 1, [0, 1]]),
        "groups": draw.choice([1, 1, 1, 2, 4]),
        "bias": draw.random() < 0.7,
    }
    if item["stride"] == 1 and draw.random() < 0.25:
        item["padding"] = "same"
    elif draw.random() < 0.1:
        item["padding"] = "same_tf"
    if draw.random() < 0.15:
        item["weight"] = draw.choice(["standardized", "scaled_standardized", "weight_norm", "spectral_norm"])
    if draw.random() < 0.2:
        item["padding_mode"] = draw.choice(["reflect", "replicate", "circular"])
    return _attached(draw, item)


def _conv_transpose(draw: Draw, _shape: tuple[int, ...]) -> Item:
    return _attached(
        draw,
        {
            "type": "conv_transpose2d",
            "out_channels": draw.choice([1, 2, 4]),
            "kernel_size": _pair(draw, 1, 3),
            "stride": draw.choice([1, 2]),
            "groups": draw.choice([1, 1, 2]),
            "bias": draw.random() < 0.6,
        },
    )


def _depthwise(draw: Draw, _shape: tuple[int, ...]) -> Item:
    return _attached(
        draw,
        {
            "type": "depthwise_conv2d",
            "kernel_size": draw.choice([1, 3]),
            "padding": draw.choice(["auto", "same", 0]),
            "depth_multiplier": draw.choice([1, 2]),
        },
    )


def _separable(draw: Draw, _shape: tuple[int, ...]) -> Item:
    return _attached(
        draw,
        {
            "type": "depthwise_separable_conv2d",
            "out_channels": draw.choice([1, 4]),
            "kernel_size": 3,
            "padding": "auto",
        },
    )


def _deform(draw: Draw, _shape: tuple[int, ...]) -> Item:
    item: Item = {
        "type": "deform_conv2d",
        "out_channels": draw.choice([2, 4]),
        "kernel_size": draw.choice([1, 3, [3, 1]]),
        "padding": draw.choice([0, 1]),
        "stride": draw.choice([1, 1, 2]),
        "modulated": draw.random() < 0.5,
        "bias": draw.random() < 0.5,
        "groups": draw.choice([1, 1, 2]),
        "offset_groups": draw.choice([1, 1, 2]),
    }
    if draw.random() < 0.3:
        item["max_offset"] = 2
    return item


def _upsample(kind: str) -> Callable[[Draw, tuple[int, ...]], Item]:
    def make(draw: Draw, _shape: tuple[int, ...]) -> Item:
        item: Item = {"type": kind, "mode": draw.choice(["nearest", "nearest-exact", "bilinear", "bicubic"])}
        if draw.random() < 0.5:
            item["scale_factor"] = draw.choice([1, 2, 1.5, 0.5])
        else:
            item["size"] = [draw.randint(1, 9), draw.randint(1, 9)]
        return item

    return make


def _pool(draw: Draw, kind: str) -> Item:
    item: Item = {"type": kind, "kernel_size": _pair(draw, 1, 3), "ceil_mode": draw.random() < 0.3}
    if draw.random() < 0.7:
        item["stride"] = draw.choice([1, 2])
    if kind != "lp_pool2d" and draw.random() < 0.3:
        item["padding"] = 1
    if kind == "lp_pool2d":
        item["norm_type"] = draw.choice([1, 2, 3, 2.5])
    return item


def _adaptive(draw: Draw, kind: str) -> Item:
    size = draw.choice([1, 1, 3, [2, 4], [None, 2], [1, None]])
    return {"type": kind, "output_size": size}


def _norm(kind: str) -> Callable[[Draw, tuple[int, ...]], Item]:
    def make(draw: Draw, _shape: tuple[int, ...]) -> Item:
        item: Item = {"type": kind}
        if draw.random() < 0.4:
            item["affine"] = draw.random() < 0.5
        if draw.random() < 0.4:
            item["track_running_stats"] = draw.random() < 0.5
        return item

    return make


def _layer_norm(kind: str) -> Callable[[Draw, tuple[int, ...]], Item]:
    def make(draw: Draw, _shape: tuple[int, ...]) -> Item:
        item: Item = {"type": kind}
        if draw.random() < 0.4:
            item["elementwise_affine"] = draw.random() < 0.5
        if draw.random() < 0.3:
            item["bias"] = False
        return item

    return make


def _inplace(kind: str, **options: float) -> Callable[[Draw, tuple[int, ...]], Item]:
    return lambda draw, _: {"type": kind, **options, "inplace": draw.random() < 0.4}


def _plain(kind: str, **options: object) -> Callable[[Draw, tuple[int, ...]], Item]:
    return lambda _draw, _shape: {"type": kind, **options}


def _along(kind: str) -> Callable[[Draw, tuple[int, ...]], Item]:
    return lambda draw, shape: {"type": kind, "dim": draw.choice([1, -1, 2, 3, -2] if len(shape) > 1 else [1, -1])}


def _pad(kind: str, **options: float) -> Callable[[Draw, tuple[int, ...]], Item]:
    def make(draw: Draw, _shape: tuple[int, ...]) -> Item:
        low = draw.choice([0, 0, -1])
        sides = [draw.randint(low, 2) for _ in range(4)]
        return {"type": kind, "padding": draw.choice([1, 0, sides, sides]), **options}

    return make


def _chosen(maker: Callable[[Draw, str], Item], kind: str) -> Callable[[Draw, tuple[int, ...]], Item]:
    return lambda draw, _shape: maker(draw, kind)


def _folded(draw: Draw, shape: tuple[int, ...]) -> Item:
    """Of the map's own windows, with or without what mixes them."""
    options = {"kernel_size": draw.choice([1, 2, 3]), "stride": draw.choice([1, 2])}
    body: list[Item] = [{"type": "unfold", **options}]
    if draw.random() < 0.5:
        body.append({"type": draw.choice(["sigmoid", "prelu"])})
    fold = {"type": "fold", "output_size": [*shape[1:]], **options}
    return {"type": "residual", "body": [*body, fold]}


def _constant(draw: Draw, shape: tuple[int, ...]) -> Item:
    """Added to what is there, or multiplied with it."""
    sizes = [draw.choice([1, size]) for size in shape]
    constant = {"type": "constant", "shape": sizes, "learnable": draw.random() < 0.7}
    return {"type": "branches", "merge": draw.choice(["add", "multiply"]), "paths": [[], [constant]]}


def _attention(draw: Draw, _shape: tuple[int, ...]) -> Item:
    item: Item = {
        "type": "self_attention",
        "num_heads": draw.choice([1, 2, 4]),
        "fused": draw.random() < 0.5,
        "qkv_bias": draw.random() < 0.5,
        "attn_drop": draw.choice([0, 0, 0.5]),
        "sr_ratio": draw.choice([1, 1, 2]),
    }
    if draw.random() < 0.4:
        item["head_dim"] = draw.choice([1, 3, 4])
    if item["sr_ratio"] == 1 and draw.random() < 0.5:
        item |= draw.choice(WINDOWS)
    return item


WINDOWS: tuple[Item, ...] = (
    {"window_size": 2},
    {"window_size": 2, "shift_size": 1},
    {"dilation": 2},
    {"relative_position": True},
    {"window_size": 2, "shift_size": 1, "relative_position": True},
)


def _narrow(draw: Draw, shape: tuple[int, ...]) -> Item:
    start = draw.randint(0, max(shape[0] - 1, 0))
    if draw.random() < 0.3:
        return {"type": "narrow", "start": start, "length": (shape[0] - start + 1) // 2, "step": 2}
    return {"type": "narrow", "start": start, "length": draw.randint(1, max(shape[0] - start, 1))}


def _flatten(draw: Draw, shape: tuple[int, ...]) -> Item:
    if len(shape) > 1 and draw.random() < 0.3:
        return {"type": "flatten", "start_dim": draw.choice([1, 2]), "end_dim": draw.choice([2, 3])}
    return {"type": "flatten"}


def _some_dims(draw: Draw, shape: tuple[int, ...]) -> list[int]:
    return draw.sample(range(1, 1 + len(shape)), draw.randint(1, len(shape)))


def _unflatten(draw: Draw, shape: tuple[int, ...]) -> Item:
    """Channels as groups, or merged axes apart again."""
    merged = [dim for dim, role in enumerate(roles_of(shape), 1) if len(role) > 1]
    if merged:
        (dim,) = merged
        return {"type": "unflatten", "dim": dim, "unflattened_size": list(positions_of(shape))}
    return {"type": "unflatten", "dim": 1, "unflattened_size": [draw.choice([1, 2]), -1]}


DRAWN: dict[str, Callable[[Draw, tuple[int, ...]], Item]] = {
    "conv2d": _conv,
    "conv_transpose2d": _conv_transpose,
    "depthwise_conv2d": _depthwise,
    "depthwise_separable_conv2d": _separable,
    "deform_conv2d": _deform,
    "upsample": _upsample("upsample"),
    "interpolate": _upsample("interpolate"),
    **{kind: _chosen(_pool, kind) for kind in ("max_pool2d", "avg_pool2d", "lp_pool2d")},
    **{kind: _chosen(_adaptive, kind) for kind in ("adaptive_avg_pool2d", "adaptive_max_pool2d")},
    "global_avg_pool2d": _plain("global_avg_pool2d"),
    "global_max_pool2d": _plain("global_max_pool2d"),
    "zero_pad2d": _pad("zero_pad2d"),
    "constant_pad2d": _pad("constant_pad2d", value=2.0),
    **{f"{kind}_pad2d": _pad(f"{kind}_pad2d") for kind in ("reflection", "replication", "circular")},
    "batch_norm2d": _norm("batch_norm2d"),
    "instance_norm2d": _norm("instance_norm2d"),
    "local_response_norm": lambda draw, _: {"type": "local_response_norm", "size": draw.choice([1, 2, 3, 4, 5, 9])},
    "group_norm": lambda draw, _: {
        "type": "group_norm",
        "num_groups": draw.choice([1, 2, 4]),
        "affine": draw.random() < 0.7,
    },
    "layer_norm": _layer_norm("layer_norm"),
    "layer_norm2d": _layer_norm("layer_norm2d"),
    "linear": lambda draw, _: {"type": "linear", "out_features": draw.choice([1, 3, 8]), "bias": draw.random() < 0.7},
    **{
        kind: _inplace(kind)
        for kind in ("relu", "relu6", "leaky_relu", "rrelu", "elu", "selu", "celu", "silu", "mish", "hardswish")
    },
    **{kind: _inplace(kind) for kind in ("hardsigmoid", "hardtanh")},
    "threshold": _inplace("threshold", threshold=0.1, value=0),
    "prelu": lambda draw, shape: {"type": "prelu", "num_parameters": draw.choice([1, shape[0]])},
    "gelu": lambda draw, _: {"type": "gelu", "approximate": draw.choice(["none", "tanh"])},
    **{
        kind: _plain(kind)
        for kind in ("sigmoid", "log_sigmoid", "tanh", "tanhshrink", "softplus", "softsign", "softshrink", "hardshrink")
    },
    "softmax2d": _plain("softmax2d"),
    **{kind: _along(kind) for kind in ("softmax", "softmin", "log_softmax", "glu")},
    "pixel_shuffle": lambda draw, _: {"type": "pixel_shuffle", "upscale_factor": draw.choice([1, 2])},
    "pixel_unshuffle": lambda draw, _: {"type": "pixel_unshuffle", "downscale_factor": draw.choice([1, 2])},
    "channel_shuffle": lambda draw, _: {"type": "channel_shuffle", "groups": draw.choice([1, 2, 4])},
    "squeeze_excitation": _plain("squeeze_excitation", squeeze_channels=2),
    "layer_scale": lambda draw, _: {
        "type": "layer_scale",
        "per_channel": draw.random() < 0.6,
        "bias": draw.random() < 0.4,
    },
    "flatten": _flatten,
    **{kind: _plain(kind) for kind in ("normalize", "global_response_norm", "rms_norm2d")},
    **{kind: _plain(kind) for kind in ("square", "abs", "exp", "log")},
    "rms_norm": lambda draw, _: {"type": "rms_norm", "elementwise_affine": draw.random() < 0.7},
    "filter_response_norm2d": lambda draw, _: {"type": "filter_response_norm2d", "apply_tlu": draw.random() < 0.7},
    "evo_norm2d_s0": lambda draw, _: {
        "type": "evo_norm2d_s0",
        "groups": draw.choice([1, 2, 4]),
        "apply_act": draw.random() < 0.8,
    },
    "evo_norm2d_b0": lambda draw, _: {"type": "evo_norm2d_b0", "apply_act": draw.random() < 0.8},
    "blur_pool2d": lambda draw, _: {
        "type": "blur_pool2d",
        "filt_size": draw.choice([2, 3, 5]),
        "stride": draw.choice([1, 2]),
        "pad_mode": draw.choice(["reflect", "replicate", "circular", "constant"]),
    },
    "efficient_channel_attention": _plain("efficient_channel_attention"),
    "self_attention": _attention,
    "class_token": _plain("class_token"),
    "position_embedding": _plain("position_embedding"),
    "relative_position_bias": lambda draw, shape: {
        "type": "relative_position_bias",
        "size": [*shape[-1:]],
        "relative": draw.choice(["query", "key", "distance"]),
    },
    "unfold": lambda draw, _: {
        "type": "unfold",
        "kernel_size": draw.choice([1, 2, 3]),
        "stride": draw.choice([1, 2]),
        "padding": draw.choice([0, 1]),
    },
    "fold": _folded,
    "constant": _constant,
    "sine_positions": lambda _draw, _shape: {
        "type": "branches",
        "merge": "concat",
        "paths": [[], [{"type": "sine_positions", "num_pos_feats": 2}]],
    },
    "scale": _plain("scale", factor=0.5),
    "shift": _plain("shift", value=1),
    "pow": lambda draw, _: {"type": "pow", "exponent": draw.choice([2, 3, 0.5, -1, 1])},
    "pad_channels": lambda draw, _: {
        "type": "pad_channels",
        "before": draw.choice([0, 1]),
        "after": draw.randint(0, 3),
    },
    "identity": _plain("identity"),
    "as_map": _plain("as_map"),
    "as_channels": _plain("as_channels"),
    **{
        kind: lambda draw, _, kind=kind: {  # type: ignore[misc]
            "type": kind,
            "p": draw.choice([0, 0.5, 0.5, 1]),
            "inplace": draw.random() < 0.3,
        }
        for kind in ("dropout", "dropout2d")
    },
    "stochastic_depth": lambda draw, _: {
        "type": "stochastic_depth",
        "p": draw.choice([0, 0.5]),
        "mode": draw.choice(["batch", "row"]),
    },
    "channels_last": _plain("channels_last"),
    "channels_first": _plain("channels_first"),
    "narrow": _narrow,
    **{
        kind: lambda draw, shape, kind=kind: {  # type: ignore[misc]
            "type": kind,
            "dim": _some_dims(draw, shape),
            "keepdim": draw.random() < 0.5,
        }
        for kind in ("mean", "sum", "amax", "vector_norm")
    },
    "permute": lambda draw, shape: {"type": "permute", "dims": [0, *draw.sample(range(1, 1 + len(shape)), len(shape))]},
    "transpose": lambda draw, shape: {
        "type": "transpose",
        "dim0": draw.randint(1, len(shape)),
        "dim1": draw.randint(-len(shape), -1),
    },
    "unflatten": _unflatten,
}
"""By type, what an item of it may be; joins have their own."""
JOINS = ("add", "concat", "multiply", "subtract", "divide", "maximum", "minimum", "weighted_add", "matmul")
NOT_DRAWN = ("relative_positions", "relative_position_scores", "relative_to_absolute", "relative_rows")
"""Relative positions fit few values: see test_sources and test_relative."""
assert {*DRAWN, *JOINS, "cross_attention", "scaled_dot_product_attention", *NOT_DRAWN} == {
    name for name in layer_types() if not name.endswith(("1d", "3d"))
}


NEWEST = ("exp", "log")
"""Types that came after the last seeds that differed, whose networks are drawn without them; a test asks for it."""
BEFORE = [kind for kind in DRAWN if kind not in NEWEST]


def random_case(seed: int, kinds: Sequence[str] = tuple(DRAWN)) -> Case:
    """The network and the conditions of a seed.

    Args:
        seed: of the draws; with other kinds to draw from it gives another network.
        kinds: the types of layers.
    """
    maker = MemoryNetworkMaker(seed, kinds)
    network = maker.make()
    draw = maker.random
    conditions = Conditions(
        batch=draw.choice([1, 3]),
        optimizer=draw.choice(["sgd", "momentum", "adam", "adamw"]),
        # Of three axes a CPU has kernels that leave the order, by batch, kernel and number of threads.
        channels_last=draw.random() < 0.4 and all(axis_count(node.shape) < 3 for node in network.graph.inputs),
        adds_in_place=False,
    )
    return Case(network, conditions)


def _leaves_the_order(case: Case) -> bool:
    """Whether a map of three axes lies with its channels last, as of tokens: see `random_case`."""
    network, conditions = case
    calls = training_program(network.graph, collect_facts(network.graph), conditions).calls
    values = [call.value for call in calls if len(call.value.sizes) == 5]
    return any(value.suggests_channels_last and not value.is_contiguous for value in values)


def is_peak_only(case: Case) -> bool:
    """Whether highs beside the peak are not compared."""
    from tests.torch.course import SCALARS

    network, conditions = case
    # Highs between which lie no more than the loss's scalars cannot be told from these.
    element = FLOAT if conditions.autocast is None else FLOAT // 2
    smallest = min([prod(node.shape) for node in network.graph.nodes]) * conditions.batch * element
    # The other highs of products of instance norms differ, and of a factor of each channel whose gradients are added.
    added = any(node.shares is not None and node.layer.type == "layer_scale" for node in network.graph.layers)
    normed = any(isinstance(node.layer, InstanceNormNd) for node in network.graph.layers)
    return smallest <= 2 * SCALARS or added or normed or _leaves_the_order(case)


def in_mixed_precision(case: Case) -> Case:
    """The same under autocast."""
    return case._replace(conditions=replace(case.conditions, autocast="bfloat16"))


def is_doubtful(case: Case) -> bool:
    """Whether a layer says that its memory under autocast is not known to the byte."""
    runtimes = case.network.graph.runtimes
    return case.conditions.autocast is not None and any(runtime.autocast_doubt for runtime in runtimes)


def disagreements(case: Case) -> list[str]:
    """Peaks and other highs that were predicted and are not those of live storages on the CPU.

    Under autocast the peaks of training steps alone: the loss's scalars are of half, as some highs are.
    """
    from tests.torch.course import differences

    network, conditions = case
    if layer_refusal(network.graph, conditions.batch, training=False) is not None:
        return []
    runs = [False] if Analysis(network.graph, conditions).refusal is not None else [False, True]
    peak_only = is_peak_only(case)
    if conditions.autocast is not None:
        runs, peak_only = runs[1:], True
    return [
        f"{'training' if training else 'inference'}: predicted {ours}, counted {theirs}"
        for training in runs
        for ours, theirs in differences(network, conditions, training=training, peak_only=peak_only)
    ]


def main(count: int, first: int = 0, autocast: int = 0) -> int:
    """Draw and count `count` networks; those whose layers are in doubt under autocast are left out there."""
    warnings.simplefilter("ignore")
    started, wrong, doubtful = time.time(), 0, 0
    kinds: Counter[str] = Counter()
    for seed in range(first, first + count):
        case = in_mixed_precision(random_case(seed)) if autocast else random_case(seed)
        if is_doubtful(case):
            doubtful += 1
            continue
        kinds.update(node.layer.type for node in case.network.graph.layers)
        found = disagreements(case)
        if found:
            wrong += 1
            conditions = case.conditions
            print(
                f"seed {seed}: {conditions}\n{case.network.document.source.text}" + "\n".join(found),
                flush=True,
            )
    layers = ", ".join(f"{name} {number}" for name, number in sorted(kinds.items()))
    left_out = f", {doubtful} left out" if doubtful else ""
    seconds = time.time() - started
    print(f"{count} networks{left_out}, {wrong} with disagreements, {seconds:.0f} s; layers drawn: {layers}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:4])))
