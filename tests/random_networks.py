"""Random networks as YAML: every layer that moves positions, joins, odd sizes, non-square kernels.

`python -m tests.random_networks 2000` draws so many, verifies each one against PyTorch (shapes, params, MACs,
positions by gradients) and prints every disagreement.
"""

from __future__ import annotations

import random
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from math import prod
from typing import Any

from archlab.api.network import Network
from archlab.diagnostics.problem import ConfigError
from archlab.graph import Graph
from archlab.layers.shape import axis_count, is_map, map_size
from tests.random_backbones import NAME, Backbone, differences, write_backbone, written_out
from tests.random_inputs import FIRST, FurtherInputs
from tests.random_text import Inputs, Item, config_text, loose_ends, network_of
from tests.ranked import Exactly, OnlyOfTwoAxesError, of_rank

_DIFFERING = ["subtract", "maximum", "minimum"]
"""Joins that take nothing for a gate."""

MOST_ELEMENTS = 12_000
"""Of a map: enough for odd shapes, small enough for thousands of networks."""
SIZES = {1: (9, 99), 2: (9, 33), 3: (4, 13)}
"""By number of axes: the least and the most positions of the input along one."""


class NetworkMaker:
    """Draws one network, item by item; what does not fit is drawn again."""

    def __init__(self, seed: int, rank: int = 0) -> None:
        """A maker of networks over maps of `rank` axes; of 0, over as many as are drawn."""
        self.random = random.Random(seed)
        self._own = random.Random(seed + 10**9)  # what others draw stays as it is
        channels = self.random.choice([1, 2, 3, 4])
        self.rank = rank or self.random.choice([1, 2, 2, 2, 3])
        low, high = SIZES[self.rank]
        self.input = [channels, *[self.random.randint(low, high) for _ in range(self.rank)]]
        self.items: list[Item] = []
        self.last: Network | None = None
        self.further = FurtherInputs(random.Random(seed + 2 * 10**9), self.rank, self._conv)
        self.backbone: Backbone | None = None
        self.seed = seed

    def make(self) -> Network:
        """A network of 3 to 8 items with everything that hangs loose among its outputs."""
        draw = random.Random(self.seed + 3 * 10**9)
        if draw.random() > 0.3 or not self._begin_with_backbone(draw):
            self._extend({"type": "conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1, "name": "n0"})
        return self._go_on()

    def _begin_with_backbone(self, draw: random.Random) -> bool:
        """A network of its own in a file, edited by another, as the first item."""
        inner = NetworkMaker(self.seed + 5 * 10**9, self.rank)
        inner.input, inner.further.shapes = self.input, {}
        inner._extend({"type": "conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1, "name": "n0"})
        inner._go_on()
        self.backbone = write_backbone(draw, inner.items, self.input, self.seed)
        if self.backbone is None or not self._extend({"name": "n0", "use": NAME}):
            self.backbone = None
        return self.backbone is not None

    def written_out(self) -> Network | None:
        """The same network with a backbone's layers instead of its block; None where there is none, or it cannot be."""
        if self.backbone is None:
            return None
        inputs = self.further.declared(self.input, self.items)
        return written_out(self.backbone, inputs, self._begun(inputs, self.items), self._ends(self.items), self.rank)

    def _go_on(self) -> Network:
        for _ in range(self.random.randint(2, 7)):
            for _ in range(20):
                if self._extend({**self._draw(), "name": f"n{len(self.items)}"}):
                    break
        assert self.last is not None
        return self.last

    def _extend(self, item: Item) -> bool:
        try:
            item = of_rank(item, self.rank, self.random)
        except OnlyOfTwoAxesError:
            return False
        if self.items and "from" not in item and self.random.random() < 0.15:
            item["from"] = self._some_name()
        items = [*self.items, item]
        try:
            network = self._network(items)
        except ConfigError as error:
            if {problem.code for problem in error.problems} - {"shape", "inplace", "wrong-value"}:
                raise
            return False
        if not self._is_welcome(network.graph):
            return False
        self.items, self.last = items, network
        return True

    def _network(self, items: list[Item]) -> Network:
        """The network of some items.

        Raises:
            ConfigError: where they do not fit.
        """
        inputs = self.further.declared(self.input, items)
        blocks = "" if self.backbone is None else self.backbone.block
        text = config_text(inputs, self._begun(inputs, items), self._ends(items), rank=self.rank, blocks=blocks)
        return network_of(text)

    def _begun(self, inputs: Inputs, items: list[Item]) -> list[Item]:
        """The items, the first of which reads the network's own map by its name where there are several inputs."""
        return [{"from": FIRST, **items[0]}, *items[1:]] if len(inputs) > 1 and "from" not in items[0] else items

    def _ends(self, items: list[Item]) -> list[str]:
        """Every item that nothing reads, and others."""
        return list(dict.fromkeys([*loose_ends(items), *self._inner_outputs[::2], *self._extra_outputs()]))

    @property
    def _inner_outputs(self) -> list[str]:
        """Those of the backbone but the first."""
        return [] if self.backbone is None else [f"n0.{name}" for name in self.backbone.outputs[1:]]

    def _some_name(self) -> str:
        """An earlier item, an output of a backbone, or an input that is a map of as many axes."""
        return str(
            self.random.choice([*[item["name"] for item in self.items], *self._inner_outputs, *self.further.alike])
        )

    def _is_welcome(self, graph: Graph) -> bool:
        """Whether a network ends with a map, and is small enough."""
        shapes = [node.shape for node in graph.layers]
        return is_map(shapes[-1]) and max(map(prod, shapes)) <= MOST_ELEMENTS

    def _extra_outputs(self) -> list[str]:
        """Items that are results although others read them."""
        return []

    def _draw(self) -> Item:
        if self.rank == 2 and self._own.random() < 0.02:
            return self._opaque()
        if self.items and self._own.random() < 0.03:
            return self._part()
        if self.items and self._own.random() < 0.25:
            further = self._own.choice([*_FURTHER, self._constant, self._class_token])
            return further(self._own)
        if self.further.shapes and self.items and self._own.random() < 0.4:
            assert self.last is not None
            return self.further.item(self.last.graph.nodes[-1].shape)
        makers: list[tuple[int, Callable[[], Item]]] = [
            (6, self._conv),
            (4, self._pool),
            (1, self._adaptive),
            (1, lambda: {"type": "zero_pad2d", "padding": [self.random.randint(-3, 4) for _ in range(4)]}),
            (1, lambda: {"type": self.random.choice(["relu", "sigmoid", "batch_norm2d", "identity", "dropout"])}),
            (2, self._residual),
            (2, self._branches),
            (2, self._join),
            (1, self._repeated),
            (1, lambda: {"use": "hourglass", "n": self.random.randint(1, 3)}),
            (2, self._again),
            (3, self._resized),
            (1, self._tokens),
            (1, self._windows),
            (1, self._gated),
            (9, self._special),
        ]
        weights = [weight for weight, _ in makers]
        (_, maker) = self.random.choices(makers, weights)[0]
        return maker()

    def _part(self) -> Item:
        """Some of a map's positions along one axis."""
        assert self.last is not None
        size = map_size(self.last.graph.nodes[-1].shape)
        assert size is not None
        axis, step = self._own.randrange(len(size)), self._own.choice([1, 1, 2])
        length = self._own.randint(1, max(size[axis] // step, 1))
        start = self._own.choice([0, size[axis] - (length - 1) * step - 1])
        further = {"step": step} if step > 1 else {}
        return {"type": "narrow", "dim": 2 + axis, "start": max(start, 0), "length": length, **further}

    def _constant(self, draw: random.Random) -> Item:
        """The map times, or with, learned values."""
        assert self.last is not None
        shape = self.last.graph.nodes[-1].shape
        if draw.random() < 0.5:
            constant = {"type": "constant", "shape": Exactly(shape)}
            return {"type": "branches", "merge": draw.choice(["add", "concat"]), "paths": [[], [constant]]}
        constant = {"type": "constant", "shape": Exactly([draw.choice([1, size]) for size in shape])}
        return {"type": "branches", "merge": "multiply", "paths": [[], [constant]]}

    def _class_token(self, draw: random.Random) -> Item:
        """Positions as tokens with another one in front, which all see, and which is left out again."""
        assert self.last is not None
        size = map_size(self.last.graph.nodes[-1].shape)
        assert size is not None
        body = [
            {"type": "flatten", "start_dim": 2},
            {"type": "transpose", "dim0": 1, "dim1": 2},
            {"type": "class_token"},
            {"type": "self_attention", "num_heads": 1, "head_dim": 2, "qk_norm": True, "fused": draw.random() < 0.5},
            {"type": "narrow", "dim": 1, "start": 1, "length": prod(size)},
            {"type": "transpose", "dim0": 1, "dim1": 2},
            {"type": "unflatten", "dim": 2, "unflattened_size": Exactly(size)},
        ]
        return {"type": "residual", "body": body}

    def _opaque(self) -> Item:
        """A convolution of torchvision's that declares itself."""
        draw = self._own
        kernel, stride, padding, dilation, out = (draw.randint(1, most) for most in (4, 2, 3, 2, 6))
        sizes = [f'"$((in_size[{n}] + {2 * padding} - {dilation * (kernel - 1) + 1}) // {stride} + 1)"' for n in (0, 1)]
        options = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        plain = {"norm_layer": None, "activation_layer": None}
        return {
            "type": "torchvision.ops.Conv2dNormActivation",
            "args": {"in_channels": "$in_channels", "out_channels": out, **options, **plain},
            "output": [out, *sizes],
            "params": f"$({kernel * kernel * out} * in_channels + {out})",
            "reads": options if draw.random() < 0.8 else "unknown",
        }

    def _pair(self, low: int, high: int) -> int | list[int]:
        if self.random.random() < 0.6:
            return self.random.randint(low, high)
        return [self.random.randint(low, high), self.random.randint(low, high)]

    def _conv(self) -> Item:
        groups = self.random.choice([1, 1, 1, 2])
        item: Item = {
            "type": "conv2d",
            "out_channels": 2 * self.random.randint(1, 3),
            "kernel_size": self._pair(1, 5),
            "stride": self._pair(1, 3) if self.random.random() < 0.4 else 1,
            "padding": self.random.choice(["auto", "auto", 0, self._pair(0, 3)]),
            "dilation": self._pair(1, 3) if self.random.random() < 0.4 else 1,
            "groups": groups,
        }
        if item["stride"] == 1 and self.random.random() < 0.2:
            item["padding"] = "same"
        elif self.random.random() < 0.1:
            item["padding"] = "same_tf"
        if self.random.random() < 0.15:
            item["padding_mode"] = self.random.choice(["reflect", "replicate", "circular"])
        if self.random.random() < 0.1:
            item["weight"] = self.random.choice(["weight_norm", "weight_norm", "spectral_norm", "standardized"])
        if self.random.random() < 0.3:
            item["norm"] = "batch_norm2d"
            item["activation"] = "relu"
        return item

    def _pool(self) -> Item:
        kind = self.random.choice(["max_pool2d", "avg_pool2d"])
        item: Item = {"type": kind, "kernel_size": self._pair(2, 4), "ceil_mode": self.random.random() < 0.4}
        if self.random.random() < 0.7:
            item["stride"] = self._pair(1, 3)
        if self.random.random() < 0.5:
            item["padding"] = 1
        if kind == "max_pool2d" and self.random.random() < 0.3:
            item["dilation"] = self._pair(1, 3)
        if item.get("padding") and "dilation" not in item and item.pop("ceil_mode"):
            item["padding"] = "same_tf"
        return item

    def _adaptive(self) -> Item:
        size = [self.random.choice([None, self.random.randint(2, 12)]), self.random.randint(2, 12)]
        return {"type": self.random.choice(["adaptive_avg_pool2d", "adaptive_max_pool2d"]), "output_size": size}

    def _residual(self) -> Item:
        body = [self._conv(), *([self._conv()] if self.random.random() < 0.5 else [])]
        behind = {"activation": self.random.choice(["relu", "sigmoid"])} if self.random.random() < 0.3 else {}
        return {"type": "residual", "shortcut": self.random.choice(["project", "if_same"]), "body": body, **behind}

    def _branches(self) -> Item:
        """Paths that keep the size, in different ways."""
        same: list[Callable[[], Any]] = [
            list,
            lambda: [{**self._conv(), "stride": 1, "padding": "same", "groups": 1}],
            lambda: [{"type": "max_pool2d", "kernel_size": 3, "stride": 1, "padding": 1}],
            lambda: [{"type": "zero_pad2d", "padding": self.random.choice([[2, -2, 1, -1], [-3, 3, 0, 0]])}],
            lambda: [{"type": "conv2d", "out_channels": 4, "kernel_size": [1, 7], "padding": [0, 3]}],
        ]
        paths = [self.random.choice(same)() for _ in range(self.random.randint(2, 3))]
        if self.random.random() < 0.2:
            dilated = {
                "type": "conv2d",
                "out_channels": 4,
                "kernel_size": 3,
                "padding": "auto",
                "dilation": "$(index + 1)",
            }
            paths.append({"repeat": self.random.randint(1, 3), "layers": [dilated]})
        if self.random.random() < 0.2:
            paths.insert(0, {"when": self.random.random() < 0.5, "layers": self.random.choice(same)()})
        merge = self.random.choice(["concat", "concat", "add", *_DIFFERING])
        branches = {"type": "branches", "merge": merge, "paths": paths}
        if self.random.random() > 0.2:
            return branches
        # A share of the channels sees what all of them see only behind a convolution over all of them
        # (docs/numbers.md: fields are of units, not of channels).
        mixed = {"type": "conv2d", "out_channels": 60, "kernel_size": 1}
        there = [path for path in paths if isinstance(path, list) or path.get("when") is not False]
        count = sum(path.get("repeat", 1) if isinstance(path, dict) else 1 for path in there)
        sizes = [self.random.randint(1, 8) for _ in range(count - 1)]
        split = self.random.choice([True, [*sizes, -1], [*sizes, 60 - sum(sizes)]])
        return {"type": "residual", "shortcut": "project", "body": [mixed, {**branches, "split": split}]}

    def _repeated(self) -> Item:
        """A chain, all of whose layers are read together."""
        ends: Item = {"first": {"kernel_size": self.random.choice([1, 5])}, "last": {"dilation": 2}}
        chosen = {key: value for key, value in ends.items() if self.random.random() < 0.5}
        link = {"type": "conv2d", "out_channels": 4, "kernel_size": 3, "padding": "auto", **chosen}
        body = [
            {"name": "link", **link, "repeat": self.random.randint(0, 3)},
            {"type": "concat", "with": ["link.*", self.items[0]["name"] if len(self.items) == 1 else "link"]},
        ]
        return {"type": "residual", "shortcut": "project", "body": body}

    def _join(self) -> Item:
        other = self._some_name()
        kind = self.random.choice(["concat", "concat", "add", "weighted_add", *_DIFFERING])
        item: Item = {"type": kind, "with": [other]}
        if kind == "weighted_add":
            item["normalization"] = self.random.choice(["none", "softmax", "fast"])
        return item

    def _again(self) -> Item:
        """An earlier item once more with its weights, or repetitions that share theirs."""
        # units of a pixel shuffle read some of the channels: see `_branches`
        # and what an opaque layer takes is not known until it is built
        known = [item for item in self.items if item.get("type") != "pixel_shuffle" and item.get("share") is not True]
        known = [item for item in known if "output" not in item and item.get("use") != NAME]
        if self.random.random() < 0.3 or not known:
            same = {"out_channels": "$in_channels", "stride": 1, "padding": "same", "groups": 1}
            return {**self._conv(), **same, "repeat": self.random.randint(2, 3), "share": True}
        original = self.random.choice(known)
        item: Item = {"share": original["name"]}
        if "with" in original:
            item["with"] = [self._some_name() for _ in original["with"]]
        elif self.random.random() < 0.3:
            item["repeat"] = self.random.randint(2, 3)
        return item

    def _resized(self) -> Item:
        """The map beside itself made smaller and large again, as decoders do: at another speed where sizes are odd.

        What comes back has the map's size by interpolation, or is cut to it.
        """
        assert self.last is not None
        size = map_size(self.last.graph.nodes[-1].shape)
        assert size is not None
        mode = self.random.choice(["nearest", "nearest-exact", "bilinear", "bicubic"])
        smaller = self.random.choice([self._conv, self._pool, self._adaptive])()
        if self.random.random() < 0.7:
            back: list[Item] = [{"type": "interpolate", "size": Exactly(size), "mode": mode}]
        else:
            over = {"type": "interpolate", "size": Exactly((size[0] + 1, *[s + 2 for s in size[1:]])), "mode": mode}
            back = [over, {"type": "zero_pad2d", "padding": Exactly([*[-1, -1] * (len(size) - 1), -1, 0])}]
        return {"type": "branches", "paths": [[], [smaller, *back]]}

    def _tokens(self) -> Item:
        """Positions as tokens and back, with layers over the channels of each, beside the map."""
        assert self.last is not None
        size = map_size(self.last.graph.nodes[-1].shape)
        assert size is not None
        body = [
            {"type": "flatten", "start_dim": 2},
            {"type": "transpose", "dim0": 1, "dim1": 2},
            {"type": self.random.choice(["layer_norm", "gelu"])},
            {"type": "linear", "out_features": "$in_channels"},
            *([self._attention()] if self.random.random() < 0.5 else []),
            self.random.choice([{"type": "transpose", "dim0": -1, "dim1": -2}, {"type": "permute", "dims": [0, 2, 1]}]),
            {"type": "unflatten", "dim": 2, "unflattened_size": Exactly(size)},
        ]
        return {"type": "residual", "body": body}

    def _attention(self) -> Item:
        return {
            "type": "self_attention",
            "num_heads": self.random.choice([1, 2]),
            "head_dim": self.random.randint(1, 3),
            "fused": self.random.random() < 0.5,
            "sr_ratio": self.random.choice([1, 1, 2]),
            **({"qk_norm": True} if self._own.random() < 0.4 else {}),
        }

    def _windows(self) -> Item:
        """Attention inside of windows, beside the map."""
        assert self.last is not None
        size = map_size(self.last.graph.nodes[-1].shape)
        assert size is not None
        divisors = [[part for part in range(1, 6) if axis % part == 0] for axis in size]
        window = [self.random.choice(parts) for parts in divisors]
        options: Item = {"window_size": Exactly(window), "shift_size": self.random.randint(0, min(window) - 1)}
        if self._own.random() < 0.4:  # the map is padded
            window = [self._own.randint(2, 5) for _ in size]
            shift = self._own.randint(0, min(*window, *size) - 1)
            options = {"window_size": Exactly(window), "shift_size": shift}
        if self.random.random() < 0.4:
            options = {"dilation": self.random.choice([part for part in divisors[0] if part in divisors[-1]])}
        item = {"type": "self_attention", "num_heads": 1, "fused": self.random.random() < 0.5, **options}
        item["relative_position"] = self.random.random() < 0.5
        return {"type": "residual", "body": [{"type": "channels_last"}, item, {"type": "channels_first"}]}

    def _gated(self) -> Item:
        """The map times what is left of it along some dimensions."""
        dims = self.random.sample(range(1, 2 + self.rank), self.random.randint(1, self.rank))
        kind = self.random.choice(["mean", "sum", "amax", "vector_norm"])
        along = {"type": kind, "dim": Exactly(dims), "keepdim": True}
        return {"type": "branches", "merge": "multiply", "paths": [[], [along]]}

    def _special(self) -> Item:
        item = self.random.choice(_SPECIAL)(self.random)
        if item["type"] == "pixel_shuffle":
            # Its units read some of the channels: see `_branches`.
            if self.items[-1].get("type") != "conv2d" or self.items[-1].get("groups", 1) > 1:
                return self._conv()
            item["from"] = self.items[-1]["name"]
        return item


def _transpose(draw: random.Random) -> Item:
    stride = draw.randint(1, 3)
    return {
        "type": "conv_transpose2d",
        "out_channels": 2 * draw.randint(1, 2),
        "kernel_size": [draw.randint(1, 5), draw.randint(1, 5)],
        "stride": stride,
        "padding": draw.randint(0, 2),
        "output_padding": draw.randint(0, stride - 1) if stride > 1 else 0,
        "dilation": draw.randint(1, 2),
        "groups": draw.choice([1, 1, 2]),
    }


def _upsample(draw: random.Random) -> Item:
    mode = draw.choice(["nearest", "bilinear", "bilinear", "bicubic", "nearest-exact"])
    item: Item = {"type": "upsample", "mode": mode}
    if draw.random() < 0.5:
        item["scale_factor"] = draw.choice([2, 2, 3, 1.5])
    else:
        item["size"] = [draw.randint(5, 30), draw.randint(5, 30)]
    if mode in ("bilinear", "bicubic") and draw.random() < 0.4:
        item["align_corners"] = True
    return item


def _deform(draw: random.Random) -> Item:
    return {
        "type": "deform_conv2d",
        "out_channels": 4,
        "kernel_size": draw.choice([1, 3, [3, 5]]),
        "stride": draw.randint(1, 2),
        "padding": draw.randint(0, 2),
        "dilation": draw.randint(1, 2),
        "modulated": draw.random() < 0.5,
        "groups": draw.choice([1, 1, 2]),
        "offset_groups": draw.choice([1, 1, 2]),
        **({"max_offset": draw.choice([0.5, 2])} if draw.random() < 0.3 else {}),
    }


def _convnext(draw: random.Random) -> Item:
    """Depthwise, then norm and linear layers with the channels last, scaled: the block of ConvNeXt."""
    body = [
        {"type": "depthwise_conv2d", "kernel_size": draw.choice([3, [5, 7]]), "padding": "auto"},
        {"type": "channels_last"},
        {"type": draw.choice(["layer_norm", "gelu"])},
        {"type": "linear", "out_features": "$(4 * in_channels)"},
        {"type": "gelu"},
        {"type": "linear", "out_features": "$(in_channels // 4)"},
        {"type": "channels_first"},
        {"type": "layer_scale"},
        {"type": "stochastic_depth", "p": 0.1, "mode": "row"},
    ]
    return {"type": "residual", "body": body}


_PADS = ["reflection_pad2d", "replication_pad2d", "circular_pad2d"]
_ELEMENTWISE: list[Item] = [
    {"type": "scale", "factor": 0.5},
    {"type": "shift", "value": -1},
    {"type": "pow", "exponent": 3},
    *({"type": kind} for kind in ("square", "abs", "normalize", "rms_norm2d", "global_response_norm")),
    *({"type": kind} for kind in ("filter_response_norm2d", "evo_norm2d_b0")),
    {"type": "evo_norm2d_s0", "groups": 2},
    {"type": "pad_channels", "before": 1, "after": 1},
]
_SPECIAL: list[Callable[[random.Random], Item]] = [
    _transpose,
    _transpose,
    _upsample,
    _upsample,
    _deform,
    _convnext,
    lambda draw: {
        "type": "depthwise_conv2d",
        "kernel_size": draw.choice([3, 5]),
        "padding": "auto",
        "depth_multiplier": draw.choice([1, 2]),
    },
    lambda _: {"type": "depthwise_separable_conv2d", "out_channels": 4, "kernel_size": 3, "padding": "auto"},
    lambda draw: {"type": "pixel_shuffle", "upscale_factor": draw.randint(2, 3)},
    lambda draw: {"type": "pixel_unshuffle", "downscale_factor": draw.randint(2, 3)},
    lambda _: {"type": "channel_shuffle", "groups": 2},
    lambda draw: {"type": "lp_pool2d", "norm_type": 2, "kernel_size": draw.randint(2, 3), "stride": 1},
    lambda draw: {"type": draw.choice(_PADS), "padding": [draw.randint(0, 3) for _ in range(4)]},
    lambda draw: {"type": "constant_pad2d", "padding": [1, -1, 0, 2], "value": draw.choice([0.5, -1.0])},
    lambda _: {"type": "squeeze_excitation", "squeeze_channels": 2},
    lambda draw: draw.choice([{"type": "group_norm", "num_groups": 2}, {"type": "instance_norm2d"}]),
    lambda _: {"type": "layer_norm2d"},
    lambda draw: {"type": "layer_scale", "per_channel": draw.random() < 0.5, "bias": draw.random() < 0.5},
    lambda draw: draw.choice(_ELEMENTWISE),
    lambda draw: draw.choice(_ELEMENTWISE),
    lambda draw: {
        "type": "blur_pool2d",
        "filt_size": draw.randint(2, 5),
        "stride": draw.randint(1, 3),
        "pad_mode": draw.choice(["reflect", "replicate", "circular", "constant"]),
    },
    lambda _: {"type": "efficient_channel_attention"},
    lambda _: {"type": "branches", "merge": "concat", "paths": [[], [{"type": "sine_positions", "num_pos_feats": 2}]]},
]


_AS_THEY_ARE = (
    *("celu", "elu", "selu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "silu", "mish", "rrelu", "softplus"),
    *("softsign", "tanh", "tanhshrink", "softshrink", "hardshrink", "log_sigmoid", "softmax2d", "prelu", "leaky_relu"),
    *("dropout2d", "position_embedding", "evo_norm2d_b0", "filter_response_norm2d", "instance_norm2d", "rms_norm2d"),
)
"""Layers that leave a map's shape, without options."""


def _paths(*layers: Item) -> Item:
    """Beside the map, added to it."""
    return {"type": "branches", "merge": "add", "paths": [[], [*layers]]}


_FURTHER: list[Callable[[random.Random], Item]] = [
    *[lambda _, kind=kind: {"type": kind} for kind in _AS_THEY_ARE],
    lambda _: {"type": "threshold", "threshold": 0.1, "value": 0},
    lambda draw: {"type": draw.choice(["softmax", "softmin", "log_softmax"]), "dim": 1},
    lambda draw: {"type": "local_response_norm", "size": draw.randint(2, 4)},
    lambda _: {"type": "residual", "body": [{"type": "evo_norm2d_s0", "groups": 2}]},
    lambda draw: {"type": "scale", "factor": draw.choice([0.5, 2])},
    lambda _: {"type": "shift", "value": 2},
    lambda _: {"type": "pow", "exponent": 2},
    lambda _: {"type": "as_map"},
    lambda _: {"type": "normalize"},
    lambda draw: {"type": "reflection_pad2d", "padding": draw.randint(1, 2)},
    lambda draw: {"type": "replication_pad2d", "padding": draw.randint(1, 2)},
    lambda draw: {"type": "circular_pad2d", "padding": draw.randint(1, 2)},
    lambda _: _paths({"type": "channels_last"}, {"type": "rms_norm"}, {"type": "channels_first"}),
    lambda _: _paths(
        {"type": "conv2d", "out_channels": "$(2 * in_channels)", "kernel_size": 1}, {"type": "glu", "dim": 1}
    ),
    lambda draw: (
        _paths({"type": draw.choice(["global_avg_pool2d", "global_max_pool2d"])}, {"type": "sigmoid"})
        | {"merge": draw.choice(["multiply", "divide"])}
    ),
    lambda draw: {"type": "conv2d", "out_channels": draw.choice([4, 8]), "kernel_size": 1, "weight": "standardized"},
]
"""What is drawn by a generator of its own, so that what others draw stays as it is."""


NOT_DRAWN = {
    "as_channels": "its result is no map",
    "relative_position_bias": "of scores, which attention makes inside",
    "relative_position_scores": "of scores, which attention makes inside",
    "relative_positions": "of scores, which attention makes inside",
    "relative_to_absolute": "of scores, which attention makes inside",
    "relative_rows": "of scores, which attention makes inside",
    "exp": "of values above 88 it is infinite; see tests/layers",
    "log": "of values below zero there is none; see tests/layers",
    "unfold": "its channels are those of other positions; see tests/layers",
    "fold": "its channels are those of other positions; see tests/layers",
}
"""Layers of two axes that are in no random network, and why."""


def types_of(maker: NetworkMaker) -> set[str]:
    """Types in a network's text and among its layers, those of one and three axes as those of two."""
    assert maker.last is not None
    written = re.findall(r"type: (\w+)", maker.last.document.source.text)
    found = {*written, *[node.layer.type for node in maker.last.graph.layers]}
    return {re.sub(r"[123]d\Z", "2d", name) for name in found}


@cache
def drawn(seed: int) -> NetworkMaker:
    """The maker of a seed, which has made its network; many tests draw the same: a copy is for who changes it."""
    maker = NetworkMaker(seed)
    maker.make()
    return maker


def random_network(seed: int) -> Network:
    """The network of a seed."""
    network = drawn(seed).last
    assert network is not None
    return network


def disagreements(maker: NetworkMaker) -> list[str]:
    """Everything in which archlab and PyTorch differ, or a backbone and its layers written out."""
    from archlab.torch.verify import verify
    from archlab.torch.verify_field import verify_receptive_field
    from archlab.torch.verify_projection import verify_projective_field

    network = maker.last
    assert network is not None
    checks = (verify, verify_receptive_field, verify_projective_field)
    found = [report.render() for report in [check(network) for check in checks] if not report.ok]
    written = maker.written_out()
    return found if written is None else found + differences(network.graph, written.graph)


def _found(maker: NetworkMaker) -> list[str] | None:
    """What differs; None where a bound of archlab's refuses the network, which is then no disagreement."""
    try:
        return disagreements(maker)
    except ConfigError as error:
        if {problem.code for problem in error.problems} != {"too-large"}:
            raise
        print(f"seed {maker.seed}, refused: {error.problems[0].message}", flush=True)
        return None


def main(count: int, first: int = 0) -> int:
    """Draw and verify `count` networks."""
    warnings.simplefilter("ignore")
    started, wrong, refused = time.time(), 0, 0
    kinds, mechanisms = Counter[str](), Counter[str]()
    for seed in range(first, first + count):
        maker = drawn(seed)
        assert maker.last is not None
        kinds.update(node.layer.type for node in maker.last.graph.layers)
        mechanisms.update(_mechanisms(maker))
        found = _found(maker)
        refused += found is None
        if found:
            wrong += 1
            print(f"seed {seed}:\n{maker.last.document.source.text}" + "\n".join(found), flush=True)
    print(f"{count} networks, {wrong} with disagreements, {refused} refused, {time.time() - started:.0f} s")
    for what, counts in (("mechanisms", mechanisms), ("layers", kinds)):
        print(f"{what} drawn: " + ", ".join([f"{name} {number}" for name, number in sorted(counts.items())]))
    return 1 if wrong else 0


def _mechanisms(maker: NetworkMaker) -> Iterator[str]:
    """What is drawn in a network beside layers, once each."""
    assert maker.last is not None
    first, *others = maker.last.graph.inputs
    yield f"{maker.rank} axes"
    if others:
        yield f"{1 + len(others)} inputs"
        yield f"first input of {axis_count(first.shape)} axes where there are several"
        yield from {f"further input of {axis_count(node.shape)} axes, maps of {maker.rank}" for node in others}
    yield from {f"use of {item['use']}" for item in maker.items if "use" in item}
    if maker.backbone is not None:
        yield f"backbone with {len(maker.backbone.outputs)} outputs"
        yield from {f"extends, {kind}" for kind in maker.backbone.kinds}
        yield "backbone compared written out" if maker.written_out() is not None else "backbone not written out"


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:3])))
