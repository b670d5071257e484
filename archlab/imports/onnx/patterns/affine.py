"""A bias that is added behind its layer, and a scale with a shift for each channel."""

from __future__ import annotations

from math import prod

from archlab.imports.onnx.patterns.look import Fused, Look
from archlab.imports.onnx.source import Node

_CONVS = ("Conv", "ConvTranspose")


def _bias(look: Look, node: Node) -> Fused | None:
    """A convolution or a product with a matrix, and a number for each of its channels."""
    pair = look.with_constant(node) if node.op == "Add" else None
    base = None if pair is None else look.maker(pair[0], *_CONVS, "MatMul")
    if pair is None or base is None:
        return None
    sizes, bias = look.sizes(base.outputs[0]), look.sizes(pair[1])
    has_bias = len(base.inputs) > 2 and bool(base.inputs[2])
    if not sizes or bias is None or has_bias or look.constant(base.inputs[1]) is None or prod(bias) == 1 != prod(sizes):
        return None
    channels = sizes[1] if base.op in _CONVS else sizes[-1]
    wanted = (channels, *(1,) * (len(sizes) - 2)) if base.op in _CONVS else (channels,)
    if prod(bias) != channels or bias[-len(wanted) :] != wanted:
        return None
    return Fused("", {}, base.inputs[0], [base], {"bias": (pair[1], (channels,))}, base)


def _scale_and_shift(look: Look, node: Node) -> Fused | None:
    """A number for each channel to multiply with, and one to add: a batch norm's arithmetic, as others write it."""
    shift = look.with_constant(node) if node.op == "Add" else None
    scaling = None if shift is None else look.maker(shift[0], "Mul")
    scale = None if scaling is None else look.with_constant(scaling)
    if shift is None or scaling is None or scale is None:
        return None
    sizes = look.sizes(node.outputs[0]) or ()
    wanted = (sizes[1], *(1,) * (len(sizes) - 2)) if len(sizes) > 2 else sizes[1:]
    if not wanted or any(prod(look.sizes(name) or ()) != wanted[0] or wanted[0] == 1 for name in (scale[1], shift[1])):
        return None
    if any((look.sizes(name) or ())[-len(wanted) :] != wanted for name in (scale[1], shift[1])):
        return None
    tensors = {"layer_scale": (scale[1], wanted), "bias": (shift[1], wanted)}
    return Fused("layer_scale", {"bias": True}, scale[0], [scaling], tensors)


AFFINE = (_bias, _scale_and_shift)
