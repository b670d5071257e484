"""Did you mean ...?"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

MAX_SUGGESTIONS = 300
"""Names looked through for a `did you mean`."""
MOST_COMPARED = 20
"""Of them, those that are compared letter by letter: they have the most letters in common, in whatever order."""
CLOSE = 0.6
"""Share of letters in common, in order, from which on a name may be meant."""

OPTION_HABITS = {
    "filters": "out_channels",
    "channels": "out_channels",
    "units": "out_features",
    "kernel": "kernel_size",
    "pool_size": "kernel_size",
    "strides": "stride",
    "pad": "padding",
    "dilation_rate": "dilation",
    "use_bias": "bias",
    "rate": "p",
    "epsilon": "eps",
    "scale": "scale_factor",
    "upscale": "upscale_factor",
    "reduction": "squeeze_channels",
    "deformable_groups": "offset_groups",
    "deform_groups": "offset_groups",
    "drop_prob": "p",
    "act": "activation",
    "heads": "num_heads",
    "dim_head": "head_dim",
}
"""Names that other libraries give to options."""

LAYER_HABITS = {
    "conv": "conv2d",
    "bn": "batch_norm2d",
    "batchnorm": "batch_norm2d",
    "batch_normalization": "batch_norm2d",
    "lrn": "local_response_norm",
    "maxpool": "max_pool2d",
    "maxpooling2d": "max_pool2d",
    "avgpool": "avg_pool2d",
    "averagepooling2d": "avg_pool2d",
    "globalaveragepooling2d": "adaptive_avg_pool2d",
    "global_avg_pool2d": "adaptive_avg_pool2d",
    "gap": "adaptive_avg_pool2d",
    "fc": "linear",
    "dense": "linear",
    "swish": "silu",
    "hswish": "hardswish",
    "concatenate": "concat",
    "cat": "concat",
    "mul": "multiply",
    "grn": "global_response_norm",
    "frn": "filter_response_norm2d",
    "eca": "efficient_channel_attention",
    "l2norm": "normalize",
    "l2_norm": "normalize",
    "blurpool": "blur_pool2d",
    "rmsnorm": "rms_norm",
    "attention": "self_attention",
    "mhsa": "self_attention",
    "multihead_attention": "self_attention",
    "multiheadattention": "self_attention",
    "cls_token": "class_token",
    "pos_embed": "position_embedding",
    "parameter": "constant",
    "buffer": "constant",
    "positional_encoding": "sine_positions",
    "relative_coords_table": "relative_positions",
    "fusion": "weighted_add",
    "sub": "subtract",
    "div": "divide",
    "max": "maximum",
    "min": "minimum",
    "upsampling2d": "upsample",
    "resize": "interpolate",
    "deconv": "conv_transpose2d",
    "deconv2d": "conv_transpose2d",
    "conv2dtranspose": "conv_transpose2d",
    "depthwise": "depthwise_conv2d",
    "dwconv": "depthwise_conv2d",
    "separableconv2d": "depthwise_separable_conv2d",
    "separable_conv2d": "depthwise_separable_conv2d",
    "dcn": "deform_conv2d",
    "dcnv2": "deform_conv2d",
    "max_unpool2d": "upsample",  # unpooling takes the positions of a pooling, a second output that layers do not have
    "maxunpool2d": "upsample",
    "zeropadding2d": "zero_pad2d",
    "se": "squeeze_excitation",
    "selayer": "squeeze_excitation",
    "seblock": "squeeze_excitation",
    "groupnormalization": "group_norm",
    "layernormalization": "layer_norm",
    "droppath": "stochastic_depth",
    "drop_path": "stochastic_depth",
    "depth_to_space": "pixel_shuffle",
    "space_to_depth": "pixel_unshuffle",
    "norm": "vector_norm",
    "reshape": "unflatten",
    "view": "unflatten",
    "chunk": "narrow",
    "slice": "narrow",
}
"""Names that other libraries give to layers, in lower case."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was meant, if one is close or is called so elsewhere."""
    return _closest(word, tuple(islice(known, MAX_SUGGESTIONS)))


@lru_cache(maxsize=64)  # a mistake in a block is made again with each use
def _closest(word: str, words: tuple[str, ...]) -> str | None:
    if any("." in known_word for known_word in words):  # paths of layers, whose dots are no package's
        return _nearest(word, words)
    called = _plain(word)
    if called:
        same = next((known_word for known_word in words if _plain(known_word) == called), None)
        if same is not None:
            return same
    word = called_alone(word)
    habit = OPTION_HABITS.get(word) or LAYER_HABITS.get(word.lower())
    if habit in words:
        return habit
    return _nearest(word, words)


def _nearest(word: str, words: tuple[str, ...]) -> str | None:
    """The known word that is most alike, as `difflib.get_close_matches` finds it, among the likeliest alone."""
    from difflib import SequenceMatcher  # only on the way to an error message

    matcher = SequenceMatcher(b=word[:100])
    likely: list[tuple[float, str]] = []
    for known in words:
        matcher.set_seq1(known)
        if matcher.real_quick_ratio() >= CLOSE and matcher.quick_ratio() >= CLOSE:
            likely.append((matcher.quick_ratio(), known))
    best = (CLOSE, "")
    for most, known in sorted(likely, reverse=True)[:MOST_COMPARED]:
        if most < best[0]:
            break
        matcher.set_seq1(known)
        best = max(best, (matcher.ratio(), known))
    return best[1] or None


def called_alone(word: str) -> str:
    """`ReLU` of `torch.nn.ReLU(inplace=True)`."""
    return word[:200].partition("(")[0].rpartition(".")[2]


def _plain(word: str) -> str:
    """Letters and digits alone, in lower case: `LeakyReLU`, `nn.LeakyReLU()` and `leaky_relu` are one."""
    return "".join([letter for letter in called_alone(word).lower() if letter.isalnum()])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'kernel_size'?` where something is close, else an empty string."""
    close = closest(word, known)
    return f"; did you mean '{close}'?" if close else ""
