"""docs/layers.md from the layer classes: what each does, its options, and an example with its numbers."""

from __future__ import annotations

import inspect
import re
from textwrap import fill
from typing import Any

import archlab
from archlab.layers import FAMILIES, find_layer, layer_types
from archlab.layers.base import Layer
from archlab.layers.shape import shape_text
from archlab.report.units import field_text, si

TITLES: dict[str, tuple[str, ...]] = {
    "Convolution": ("conv",),
    "Transposed convolution": ("conv_transpose",),
    "Depthwise convolution": ("depthwise",),
    "Deformable convolution": ("deform",),
    "Upsampling": ("upsample",),
    "Pooling": ("max_pool", "avg_pool", "lp_pool", "adaptive_pool", "adaptive_max_pool", "global_pool", "blur_pool"),
    "Padding": ("padding",),
    "Normalisation": (
        "batch_norm",
        "local_response_norm",
        "group_norm",
        "instance_norm",
        "layer_norm",
        *("rms_norm", "normalize", "global_response_norm", "filter_response_norm", "evo_norm"),
    ),
    "Linear": ("linear",),
    "Activations": ("relu", "relu6", "rectifier", "silu", "sigmoid", "shrink", "softmax"),
    "Joins and slices": ("join", "arithmetic", "weighted_add", "narrow", "pad_channels"),
    "Along dimensions": ("reduction",),
    "Shuffles": ("unfold", "shuffle"),
    "Gates and scales": ("scale", "channel_attention", "constant"),
    "Attention": ("matmul", "attention", "position_bias", "relative", "tokens"),
    "From no input": ("source",),
    "Shape, order, dropout": ("flatten", "identity", "dropout", "permute"),
}
"""Of the page's parts, each of one family or several."""

SAMPLES: dict[str, Any] = {
    "out_channels": 16,
    "queries": 4,
    "keys": 2,
    "kernel_size": 3,
    "output_size": 1,
    "out_features": 10,
    "num_groups": 2,
    "size": 5,
    "padding": 1,
    "value": 0.5,
    "threshold": 0.1,
    "start": 0,
    "length": 4,
    "upscale_factor": 2,
    "groups": 2,
    "downscale_factor": 2,
    "squeeze_channels": 4,
    "p": 0.1,
    "mode": "row",
    "norm_type": 2,
    "factor": 0.5,
    "exponent": 2,
    "dim": [2, 3],
    "dims": [0, 2, 3, 1],
    "dim0": 2,
    "dim1": 3,
    "unflattened_size": [2, 4],
    "shape": [8, 1, 1],
    "num_pos_feats": 4,
}
"""Values of options that have no default, for the examples."""

HEAD = """# Layers

Every layer type, with the names and defaults of its PyTorch class.
What comes in (`in_channels`, `num_features`, `in_features`) is never written.
Any of them takes `name`, `from`, `repeat`, `when` and `init` ([language.md](language.md)); where an
option takes a pair, one number stands for both.
FLOPs are those of [numbers.md](numbers.md).

Made from the layer classes: `pytest tests/test_layer_reference.py --rewrite`.
"""
ATTENTION = ("self_attention", "cross_attention")
TRANSPOSED = "  - {type: transpose, dim0: 1, dim1: 2}"
ATTACHED = "A layer written on it: a type, or a mapping with its options."


def layer_reference() -> str:
    """The page."""
    parts = [HEAD]
    assert [family for families in TITLES.values() for family in families] == list(FAMILIES)
    for title, families in TITLES.items():
        types = [name for family in families for name in FAMILIES[family] if not _twin(name)]
        links = ", ".join(f"[`{name}`](#{name})" for name in types)
        parts.append(f"## {title}\n\n{links}\n")
        for name in types:
            cls = find_layer(name)
            assert cls is not None
            parts.append(_section(name, cls))
    return "\n".join(parts)


def _twin(name: str) -> str:
    """The type of two axes that a type of another number is described with; empty if it stands by itself."""
    twin = re.sub("[13]d$", "2d", name)
    return twin if twin != name and find_layer(twin) is not None else ""


def _section(name: str, cls: type[Layer]) -> str:
    text = inspect.cleandoc(cls.__doc__ or "")
    if cls.torch_class and not cls.torch_class.startswith("archlab"):
        text += f" PyTorch: `{cls.torch_class}`."
    others = [f"`{other}`" for other in layer_types() if _twin(other) == name]
    if others:
        text += f"\n\nThe same along one axis and along three: {' and '.join(others)}."
    paragraphs = [fill(paragraph, 100, break_on_hyphens=False) for paragraph in text.split("\n\n")]
    return "\n".join([f"### {name}\n", "\n\n".join(paragraphs) + "\n", *_options(cls), *_example(name, cls)])


def _options(cls: type[Layer]) -> list[str]:
    rows = []
    for option, field in cls.model_fields.items():
        default = "required" if field.is_required() else f"`{_written(field.default)}`"
        rows.append(f"| `{option}` | {default} | {field.description or ''} |")
    rows += [
        f"| `{option}` | | A layer written on it: a type, or a mapping with its options. |"
        for option in cls.attachments
    ]
    if words := getattr(cls, "weights", ()):
        rows.append(f"| `weight` | | How the weight is made anew each time: {', '.join(words)} (language.md). |")
    return ["| option | default | |", "|---|---|---|", *rows, ""] if rows else []


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, tuple):
        return _written(value[0]) if len(set(value)) == 1 else f"[{', '.join(map(_written, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


FRONT = {
    "relative_to_absolute": ["  - {type: channels_last}", "  - {type: linear, out_features: 31}"],
    "relative_rows": [
        "  - {type: constant, shape: [56], learnable: true}",
        "  - {type: unflatten, dim: 1, unflattened_size: [7, 8]}",
    ],
}
"""Layers in front of an example's."""


def _example(name: str, cls: type[Layer]) -> list[str]:
    options = {option: SAMPLES[option] for option, field in cls.model_fields.items() if field.is_required()}
    if name == "evo_norm2d_s0":
        options["groups"] = 4
    if name in ("upsample", "interpolate"):
        options["scale_factor"] = 2
    if name in ("relative_position_bias", "relative_positions", "relative_position_scores"):
        options["size"] = [4, 4]  # 16 queries by 16 keys
    if name == "fold":
        options["output_size"] = [16, 16]
        options["kernel_size"] = 2
    if name == "unflatten":
        options["dim"] = 1
    joins = cls.role == "join"
    windows = ["  - {type: unfold, kernel_size: 2}"] if name == "fold" else []
    item = ", ".join(f"{key}: {_written(value)}" for key, value in [("type", name), *options.items()])
    lines = ["input: [8, 16, 16]", "layers:"]
    lines += {
        "linear": ["  - {type: flatten}"],
        "layer_norm": ["  - {type: channels_last}"],
        "rms_norm": ["  - {type: channels_last}"],
    }.get(name, [])
    lines += ["  - {type: channels_last}"] if name in ("channels_first", *ATTENTION) else []
    lines += ["  - {type: flatten, start_dim: 2}", TRANSPOSED] if name == "class_token" else []
    lines += windows
    lines += ["  - {name: one, type: sigmoid}"] if joins or name == "cross_attention" else []
    other = ", with: [one]" if name == "cross_attention" else ", with: [input]" if joins else ""
    if name == "scaled_dot_product_attention":
        lines += ["  - {name: q, type: channels_last}", "  - {name: k, type: sigmoid}", "  - {name: v, type: tanh}"]
        item, other = f"from: q, {item}", ", with: [k, v]"
    lines += FRONT.get(name, [])
    if name == "relative_position_scores":
        lines += ["  - {type: relative_positions, size: [4, 4]}", "  - {name: rows, type: linear, out_features: 8}"]
        lines += ["  - {name: scores, from: input, type: matmul, with: [input]}"]
        item, other = f"from: scores, {item}", ", with: [rows]"
    lines.append(f"  - {{{item}{other}}}")
    network = archlab.loads("\n".join(lines))
    return ["```yaml", *lines, "```", "", _numbers(network), ""]


def _numbers(network: archlab.Network) -> str:
    analysis = network.analyze()
    last = analysis.layers[-1]
    words = [f"{shape_text(network.graph.input_shape)} to {shape_text(last.node.shape)}"]
    total = analysis.total
    words += [f"{total.params:,} params"] if total.params else []
    words += [f"{si(value)} {word}" for value, word in ((total.macs, "MACs"), (total.flops, "FLOPs")) if value]
    words.append(f"receptive field {field_text(last.receptive_field)}")
    return f"{', '.join(words)}."
