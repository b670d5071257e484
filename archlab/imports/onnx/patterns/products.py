"""Activations that are written as products: x * sigmoid(x), x / 2 * (1 + erf(x / sqrt(2))), ..."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import pi, sqrt

from archlab.imports.onnx.patterns.look import Fused, Look, close
from archlab.imports.onnx.source import Node

MOST_FACTORS = 8


@dataclass
class Product:
    """A product, its factors that are products themselves taken apart.

    Attributes:
        number: the product of all numbers in it.
        factors: names of the values in it.
        inside: the nodes that make it, but for the last.
    """

    number: float = 1.0
    factors: list[str] = field(default_factory=list)
    inside: list[Node] = field(default_factory=list)


def product_of(look: Look, node: Node) -> Product | None:
    """The product that a node gives; None where it gives none."""
    found, waiting = Product(), [node]
    while waiting:
        one = waiting.pop()
        if one.op not in ("Mul", "Div") or len(one.inputs) != 2:
            return None
        if one is not node:
            found.inside.append(one)
        for number, name in enumerate(one.inputs):
            constant, inner = look.number(name), look.maker(name, "Mul", "Div")
            below = number == 1 and one.op == "Div"
            if constant is not None and not (below and constant == 0):
                found.number = found.number / constant if below else found.number * constant
            elif inner is not None and not below and _is_single(look, inner, one):
                waiting.append(inner)
            elif below:
                return None
            else:
                found.factors.append(name)
        if len(found.factors) + len(waiting) > MOST_FACTORS:
            return None
    return found


def _is_single(look: Look, inner: Node, reader: Node) -> bool:
    """Whether a node's result is read once."""
    (name,) = inner.outputs[:1]
    readers = look.facts.readers.get(name, [])
    return readers == [reader] and reader.inputs.count(name) == 1 and name not in look.facts.results


def _activation(look: Look, node: Node) -> Fused | None:
    if node.op not in ("Mul", "Div"):
        return None
    product = product_of(look, node)
    if product is None or not 1 <= len(product.factors) <= 2:
        return None
    if len(product.factors) == 1:
        return _hard_sigmoid(look, product)
    for own, gate in (product.factors, reversed(product.factors)):
        for rule in (_silu, _hard_swish, _gelu, _tanh_gelu, _mish):
            found = rule(look, own, gate, product.number)
            if found is not None:
                layer, options, inside = found
                return Fused(layer, options, own, [*product.inside, *inside])
    return None


Found = tuple[str, dict[str, str], list[Node]]


def _reads(node: Node | None, name: str) -> bool:
    return node is not None and node.inputs[:1] == (name,)


def _silu(look: Look, own: str, gate: str, number: float) -> Found | None:
    node = look.maker(gate, "Sigmoid")
    return ("silu", {}, [node]) if node is not None and _reads(node, own) and close(number, 1) else None


def _hard_swish(look: Look, own: str, gate: str, number: float) -> Found | None:
    node = look.maker(gate, "HardSigmoid")
    if node is not None and _reads(node, own) and close(number, 1) and is_torch_hard_sigmoid(node):
        return "hardswish", {}, [node]
    clipped = _clipped(look, gate)
    if clipped is not None and clipped[0] == own and close(number, 1 / 6):
        return "hardswish", {}, clipped[1]
    divided = look.maker(gate, "Div", "Mul")
    product = None if divided is None else product_of(look, divided)
    if divided is None or product is None or len(product.factors) != 1 or not close(product.number * number, 1 / 6):
        return None
    clipped = _clipped(look, product.factors[0])
    if clipped is None or clipped[0] != own:
        return None
    return "hardswish", {}, [divided, *product.inside, *clipped[1]]


def _hard_sigmoid(look: Look, product: Product) -> Fused | None:
    """clip(x + 3, 0, 6) / 6."""
    clipped = _clipped(look, product.factors[0])
    if clipped is None or not close(product.number, 1 / 6):
        return None
    return Fused("hardsigmoid", {}, clipped[0], [*product.inside, *clipped[1]])


def is_torch_hard_sigmoid(node: Node) -> bool:
    """Whether it is PyTorch's: clip(x / 6 + 1 / 2, 0, 1); ONNX's own default is another."""
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    return isinstance(alpha, float) and isinstance(beta, float) and close(alpha, 1 / 6) and close(beta, 0.5)


def _clipped(look: Look, name: str) -> tuple[str, list[Node]] | None:
    """The x of clip(x + 3, 0, 6), and its nodes."""
    clip = look.maker(name, "Clip")
    if clip is None or clip_bounds(look, clip) != (0.0, 6.0):
        return None
    plus = look.plus(clip.inputs[0], 3)
    return None if plus is None else (plus[1], [clip, plus[0]])


def clip_bounds(look: Look, node: Node) -> tuple[float | None, float | None]:
    """The bounds of a Clip that are numbers."""
    lower, upper = [look.number(name) if name else None for name in (*node.inputs[1:3], "", "")[:2]]
    return lower, upper


def _gelu(look: Look, own: str, gate: str, number: float) -> Found | None:
    """X / 2 * (1 + erf(x / sqrt(2)))."""
    plus = look.plus(gate, 1)
    erf = None if plus is None else look.maker(plus[1], "Erf")
    if plus is None or erf is None or not close(number, 0.5):
        return None
    scaled = look.maker(erf.inputs[0], "Mul", "Div")
    product = None if scaled is None else product_of(look, scaled)
    if scaled is None or product is None or product.factors != [own] or not close(product.number, 1 / sqrt(2)):
        return None
    return "gelu", {}, [plus[0], erf, scaled, *product.inside]


def _tanh_gelu(look: Look, own: str, gate: str, number: float) -> Found | None:
    """X / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))."""
    plus = look.plus(gate, 1)
    tanh = None if plus is None else look.maker(plus[1], "Tanh")
    if plus is None or tanh is None or not close(number, 0.5):
        return None
    scaled = look.maker(tanh.inputs[0], "Mul")
    product = None if scaled is None else product_of(look, scaled)
    if scaled is None or product is None or len(product.factors) != 1 or not close(product.number, sqrt(2 / pi)):
        return None
    total = look.maker(product.factors[0], "Add")
    if total is None or len(total.inputs) != 2 or own not in total.inputs:
        return None
    cubic = total.inputs[1] if total.inputs[0] == own else total.inputs[0]
    inside = _cube(look, cubic, own)
    if inside is None:
        return None
    return "gelu", {"approximate": "tanh"}, [plus[0], tanh, scaled, *product.inside, total, *inside]


def _cube(look: Look, name: str, own: str) -> list[Node] | None:
    """The nodes of 0.044715 * x^3."""
    node = look.maker(name, "Mul")
    product = None if node is None else product_of(look, node)
    if node is None or product is None or not close(product.number, 0.044715):
        return None
    if product.factors == [own] * 3:
        return [node, *product.inside]
    power = look.maker(product.factors[0], "Pow") if len(product.factors) == 1 else None
    if power is None or power.inputs[0] != own or look.number(power.inputs[1]) != 3:
        return None
    return [node, *product.inside, power]


def _mish(look: Look, own: str, gate: str, number: float) -> Found | None:
    tanh = look.maker(gate, "Tanh")
    softplus = None if tanh is None else look.maker(tanh.inputs[0], "Softplus")
    if tanh is None or softplus is None or not _reads(softplus, own) or not close(number, 1):
        return None
    return "mish", {}, [tanh, softplus]


PRODUCTS = (_activation,)
