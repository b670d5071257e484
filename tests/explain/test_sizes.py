"""Output sizes explained: a formula or a sentence for every layer type on every kind of value, and `ceil_mode`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from itertools import product
from math import ceil, floor, prod

import pytest
import torch

import archlab
from archlab.diagnostics.problem import ConfigError
from archlab.explain.layer import Explanation, explain_layer
from archlab.explain.section import Section, Step
from archlab.explain.text import explanation_text
from archlab.layers import find_layer, layer_types
from archlab.layers.base import Layer, shape_text
from tests.command import run
from tests.layer_reference import SAMPLES

KINDS = {
    "a map": ["input: [8, 12, 10]", "layers:"],
    "a map of one position": ["input: [8, 1, 1]", "layers:"],
    "features": ["input: [48]", "layers:"],
    "a map with its channels last": ["input: [8, 12, 10]", "layers:", "  - {type: channels_last}"],
    "a map without axes": ["input: [8, 12, 10]", "layers:", "  - {type: flatten, start_dim: 2}"],
}


def analysed(layer_type: str, kind: str) -> archlab.Analysis | None:
    """A network that ends in the layer; None where the layer does not take such a value."""
    cls = find_layer(layer_type)
    assert cls is not None
    options = {name: SAMPLES[name] for name, field in cls.model_fields.items() if field.is_required()}
    if layer_type in ("upsample", "interpolate"):
        options["scale_factor"] = 1.5
    if cls.role == "join":
        options["with"] = "[one]"
    item = ", ".join(f"{name}: {value}" for name, value in {"type": layer_type, **options}.items())
    first = ["  - {name: one, type: sigmoid}"] if cls.role == "join" else []
    try:
        return archlab.loads("\n".join([*KINDS[kind], *first, f"  - {{{item}}}"])).analyze()
    except ConfigError:
        return None


def explanations() -> Iterator[Explanation]:
    for layer_type, kind in product(layer_types(), KINDS):
        analysis = analysed(layer_type, kind)
        if analysis is not None:
            yield from (explain_layer(analysis, layer.node.path) for layer in analysis.layers)


def docstrings(layer: Layer) -> set[str]:
    """What the class and its methods say to programmers, each in a line."""
    texts = [inspect.getdoc(type(layer)), *(inspect.getdoc(getattr(type(layer), name)) for name in vars(Layer))]
    return {" ".join(text.split()) for text in texts if text and len(text) > 10}


def evaluated(step: Step) -> float:
    """The numbers of a step, worked out."""
    text = step.numbers.replace(",", "").replace(" x ", " * ").replace("^", "**")
    assert re.fullmatch(r"[\d\s.()+*/-]*", re.sub(r"\b(floor|ceil)\b", "", text)), text
    return float(eval(text, {"floor": floor, "ceil": ceil}))  # noqa: S307 - numbers and signs only


def size_of(explanation: Explanation) -> Section:
    section = explanation.section("size")
    assert section is not None
    return section


def test_every_layer_on_every_value_has_words_for_readers() -> None:
    seen: dict[str, int] = {}
    for explanation in explanations():
        layer, text = explanation.subject.layer, " ".join(explanation_text(explanation).split())
        seen[layer.type] = seen.get(layer.type, 0) + 1
        assert not [said for said in docstrings(layer) if said in text], text
        assert not re.search(r"Raises|ShapeError|\(C|H, W\)|`|_features,\)|\(\)", text), text
        section = size_of(explanation)
        assert section.steps or section.notes
    assert len(seen) > 55
    assert (seen["relu"] >= 5, seen["dropout"] >= 5) == (True, True)


def test_formulas_give_the_shape() -> None:
    for explanation in explanations():
        section, output = size_of(explanation), explanation.subject.output
        for step in section.steps:
            if step.numbers:
                assert evaluated(step) == step.result, step
        results = [step.result for step in section.steps]
        assert all(result in output or result == prod(output) for result in results), explanation.heading
        if not results:
            assert shape_text(output) in section.notes[0], explanation.heading


def test_dimensions_are_named_in_their_order() -> None:
    analysis = analysed("flatten", "a map with its channels last")
    assert analysis is not None
    (step,) = size_of(explain_layer(analysis, "flatten")).steps
    assert (step.formula, step.numbers) == ("height x width x channels", "12 x 10 x 8")


def test_a_flat_input_has_no_field() -> None:
    analysis = analysed("relu", "features")
    assert analysis is not None
    section = explain_layer(analysis, "relu").section("receptive_field")
    assert section is not None
    assert section.notes == ["None: the network's input is flat, and has no positions that a unit could see."]


def pools() -> Iterator[tuple[str, int, int, int, int, tuple[int, int]]]:
    """Type, kernel, stride, padding, dilation and the input's size, where a window fits."""
    for kernel, stride, dilation in product((1, 2, 3, 4), (1, 2, 3, 5), (1, 2)):
        if kernel == stride == 1:
            continue  # nothing changes
        for padding in range(kernel // 2 + 1):
            for height in range(1, 14, 2):
                size = (height, height + 1)
                if height + 2 * padding >= dilation * (kernel - 1) + 1:
                    types = ["max_pool2d"]
                    types += ["avg_pool2d"] if dilation == 1 else []
                    types += ["lp_pool2d"] if dilation == 1 and padding == 0 else []
                    yield from ((name, kernel, stride, padding, dilation, size) for name in types)


def torch_pool(name: str, kernel: int, stride: int, padding: int, dilation: int) -> torch.nn.Module:
    if name == "max_pool2d":
        return torch.nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=True)
    if name == "avg_pool2d":
        return torch.nn.AvgPool2d(kernel, stride, padding, ceil_mode=True)
    return torch.nn.LPPool2d(2, kernel, stride, ceil_mode=True)


def test_ceil_mode_is_explained_as_torch_counts() -> None:
    dropped = 0
    for name, kernel, stride, padding, dilation, size in pools():
        options = f"type: {name}, kernel_size: {kernel}, stride: {stride}, ceil_mode: true"
        options += f", padding: {padding}" if name != "lp_pool2d" else ", norm_type: 2"
        options += f", dilation: {dilation}" if name == "max_pool2d" else ""
        network = archlab.loads(f"input: [1, {size[0]}, {size[1]}]\nlayers: [{{name: it, {options}}}]")
        section = size_of(explain_layer(network.analyze(), "it"))
        module = torch_pool(name, kernel, stride, padding, dilation)
        expected = tuple(module(torch.zeros(1, 1, *size)).shape[2:])
        said = [step.result for step in section.steps] * (2 if len(section.steps) == 1 else 1)
        assert tuple(said) == expected, options
        for axis, step in enumerate(section.steps):
            assert step.formula.startswith("ceil(")
            assert evaluated(step) == step.result == expected[axis], options
        rounded_up = [ceil((s + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1 for s in size]
        less = [windows > out for windows, out in zip(rounded_up, expected, strict=True)]
        assert any("dropped" in note for note in section.notes) == any(less)
        dropped += any(less)
    assert dropped > 50


def test_a_dropped_window_is_told_with_its_numbers() -> None:
    network = archlab.loads(
        "input: [1, 5, 5]\nlayers: [{type: max_pool2d, kernel_size: 2, stride: 2, padding: 1, ceil_mode: true}]"
    )
    section = size_of(explain_layer(network.analyze(), "maxpool"))
    assert section.steps[0].numbers == "ceil((5 + 2 x 1 - 1 x (2 - 1) - 1) / 2) + 1 - 1"
    assert "3 x 2 = 6 >= 5 + 1 = 6" in section.notes[0]


@pytest.mark.parametrize("count", [1, 2])
def test_one_layer_is_no_layers(count: int, tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    path = f"{tmp_path}/net.yaml"
    layers = "\n".join(["  - {type: relu}", "  - {type: sigmoid}"][:count])
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(f"input: [3, 8, 8]\nlayers:\n{layers}\n")
    outputs = [
        run(capsys, *arguments, path)[1] for arguments in (["explain"], ["time"], ["verify", "--receptive-field"])
    ]
    for text in outputs:
        assert bool(re.search(r"\b1 layer\b", text)) == (count == 1), text
        assert not re.search(r"\b1 (layers|kinds|units|differences|networks|blocks)\b", text), text
