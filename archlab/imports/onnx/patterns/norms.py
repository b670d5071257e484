"""Norms that are written as arithmetic: layer norms of older files, group norms."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from archlab.imports.onnx.fold import axes_of
from archlab.imports.onnx.patterns.look import Fused, Look
from archlab.imports.onnx.source import Node, tidy
from archlab.imports.unsaid import UnsaidError

Tensors = dict[str, tuple[str, tuple[int, ...] | None]]


def _affine(look: Look, node: Node) -> tuple[str, Tensors, list[Node]]:
    """What a node scales and shifts: its name, both tensors, nodes between; its own result where it does neither."""
    shift = look.with_constant(node) if node.op == "Add" else None
    scaling = node if shift is None else look.maker(shift[0], "Mul")
    scale = None if scaling is None or scaling.op != "Mul" else look.with_constant(scaling)
    if scaling is None or scale is None or not _is_row(look, scale[1]):
        return node.outputs[0], {}, []
    tensors: Tensors = {"weight": (scale[1], None)}
    if shift is None:
        return scale[0], tensors, []
    tensors["bias"] = (shift[1], None)
    return scale[0], tensors, [scaling]


def _is_row(look: Look, name: str) -> bool:
    return prod(look.sizes(name) or ()) > 1


def layer_norm(look: Look, node: Node) -> Fused | None:
    """(x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) * weight + bias."""
    if node.op not in ("Div", "Mul", "Add"):
        return None
    name, tensors, between = _affine(look, node)
    divided = look.maker(name, "Div")
    if divided is None:
        return None
    core = _standardised(look, divided)
    if core is None:
        return None
    source, axes, eps, inside = core
    rank = len(look.sizes(source) or ())
    sizes = look.sizes(source) or ()
    axes = tuple(sorted(axis % rank for axis in axes)) if rank else ()
    if axes == (rank - 1,):
        layer, channels = "layer_norm", sizes[-1]
    elif axes == (1,) and rank == 4:
        layer, channels = "layer_norm2d", sizes[1]
    else:
        return None
    if any(prod(look.sizes(one) or ()) != channels for one, _ in tensors.values()):
        return None
    options = {"eps": eps, "elementwise_affine": bool(tensors), "bias": "bias" in tensors or not tensors}
    nodes = [*between, *inside, *([divided] if divided is not node else [])]
    return Fused(layer, options, source, nodes, {own: (one, (channels,)) for own, (one, _) in tensors.items()})


def _standardised(look: Look, divided: Node) -> tuple[str, tuple[int, ...], float, list[Node]] | None:
    """What is standardised, along which axes, what is added to the variance, and the nodes but for the quotient."""
    centred, root = look.maker(divided.inputs[0], "Sub"), look.maker(divided.inputs[1], "Sqrt")
    added = None if root is None else look.maker(root.inputs[0], "Add")
    pair = None if added is None else look.with_constant(added)
    eps = None if pair is None else look.number(pair[1])
    variance = None if pair is None else look.maker(pair[0], "ReduceMean")
    if centred is None or root is None or added is None or variance is None or eps is None:
        return None
    square = look.maker(variance.inputs[0], "Pow", "Mul")
    mean = look.maker(centred.inputs[1], "ReduceMean")
    if square is None or mean is None or mean.inputs[0] != centred.inputs[0]:
        return None
    squared = square.inputs[1] == square.inputs[0] if square.op == "Mul" else look.number(square.inputs[1]) == 2
    again = look.maker(square.inputs[0], "Sub")  # some write the difference twice
    if not squared or again is None or again.inputs != centred.inputs:
        return None
    axes, others = _axes(look, mean), _axes(look, variance)
    if axes is None or axes != others:
        return None
    inside = [centred, root, added, variance, square, mean, *([again] if again is not centred else [])]
    return centred.inputs[0], axes, tidy(eps), inside


def _axes(look: Look, node: Node) -> tuple[int, ...] | None:
    """Along which a mean is taken that leaves them with size 1."""
    arrays = [value.array if (value := look.value(name)) is not None else None for name in node.inputs]
    try:
        return axes_of(node, arrays) if node.integer("keepdims", 1) == 1 else None
    except UnsaidError:
        return None


def group_norm(look: Look, node: Node) -> Fused | None:
    """An instance norm of groups of channels between two reshapes, then a scale and a shift."""
    if node.op not in ("Reshape", "Mul", "Add"):
        return None
    name, tensors, between = (node.outputs[0], {}, []) if node.op == "Reshape" else _affine(look, node)
    back = look.maker(name, "Reshape")
    norm = None if back is None else look.maker(back.inputs[0], "InstanceNormalization")
    grouped = None if norm is None else look.maker(norm.inputs[0], "Reshape")
    if back is None or norm is None or grouped is None:
        return None
    source = grouped.inputs[0]
    sizes, groups = look.sizes(source), look.sizes(grouped.outputs[0])
    is_plain = look.number(norm.inputs[1]) == 1 and look.number(norm.inputs[2]) == 0
    if not sizes or not groups or not is_plain or sizes != look.sizes(back.outputs[0]) or sizes[0] != groups[0]:
        return None
    if len(groups) < 3 or len(sizes) < 2 or groups[1] > sizes[1] or sizes[1] % groups[1]:
        return None
    if not _are_channels(look, tensors, sizes):
        return None
    options = {
        "num_groups": groups[1],
        "eps": tidy(float(norm.attributes.get("epsilon", 1e-5))),
        "affine": bool(tensors),
        "bias": "bias" in tensors or not tensors,
    }
    nodes = [*between, norm, grouped, *([back] if back is not node else [])]
    return Fused("group_norm", options, source, nodes, {own: (one, sizes[1:2]) for own, (one, _) in tensors.items()})


def _are_channels(look: Look, tensors: Mapping[str, tuple[str, object]], sizes: tuple[int, ...]) -> bool:
    """Whether there is a number for each channel of a map, in the place of its channels."""
    wanted = (sizes[1], *(1,) * (len(sizes) - 2))
    shapes = [look.sizes(name) or () for name, _ in tensors.values()]
    return all(shape[-len(wanted) :] == wanted and prod(shape) == sizes[1] for shape in shapes)


NORMS = (layer_norm, group_norm)
