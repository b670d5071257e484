"""Designs composed of parts are equal to the plain analysis, every one and in every figure."""

from __future__ import annotations

import pytest

from archlab.analysis.conditions import Conditions
from archlab.sweep.engine import Engine
from archlab.sweep.parts import parts_of
from archlab.sweep.run import sweep
from archlab.sweep.work import Question
from tests.sweep.spaces import plain, rows, space

BRANCHES = """
archlab: 1
input: [3, 32, 32]
params: {w: 8, d: 2, s: 1, gate: true, skip: false, alike: $(2 * w)}
blocks:
  unit:
    params: {width: }
    layers:
      - type: residual
        shortcut: project
        body:
          - {type: conv2d, out_channels: $width, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: relu}
          - {type: squeeze_excitation, squeeze_channels: 4, when: $gate}
      - {type: relu, inplace: true}
layers:
  - {name: stem, type: conv2d, out_channels: $w, kernel_size: 3, stride: $s, padding: 1, dilation: 1}
  - {type: relu, inplace: true}
  - {name: body, use: unit, width: $alike, repeat: $d}
  - {type: max_pool2d, kernel_size: 2, when: $skip}
  - type: branches
    paths:
      - [{type: conv2d, out_channels: $w, kernel_size: 3, padding: 2, dilation: 2}]
      - [{type: avg_pool2d, kernel_size: 3, stride: 1, padding: 1}]
      - []
  - {type: narrow, start: 0, length: $w}
  - {type: conv2d, out_channels: 8, kernel_size: 1}
  - {type: adaptive_avg_pool2d, output_size: 1}
  - {type: flatten}
  - {type: linear, out_features: 10}
"""
UNET = """
archlab: 1
input: [3, 32, 32]
params: {w: 4, d: 1, classes: 2}
layers:
  - {type: conv2d, out_channels: 3, kernel_size: 3, padding: 1}
  - {name: enc, type: conv2d, out_channels: $w, kernel_size: 3, padding: 1}
  - {type: max_pool2d, kernel_size: 2}
  - {type: conv2d, out_channels: $(2 * w), kernel_size: 3, padding: 1, repeat: $d}
  - {type: conv_transpose2d, out_channels: $w, kernel_size: 2, stride: 2}
  - {type: concat, with: [enc]}
  - {type: conv2d, out_channels: $classes, kernel_size: 1}
"""
"""Its units see fields of several sizes, so that its designs are analysed as a whole."""
INDEXED = """
archlab: 1
input: [3, 40]
params: {w: 4, d: 3, total: $(d + 1), rate: $(8 // (w - 8))}
outputs: tail
layers:
  - {type: conv1d, out_channels: $w, kernel_size: 3, repeat: $d, stride: $(2 if index == 1 else 1),
     dilation: $(1 + index), padding: $(1 + index), first: {bias: false}, last: {kernel_size: 1, padding: 0}}
  - {type: batch_norm1d}
  - {name: tail, type: conv1d, out_channels: $total, kernel_size: 3}
"""
CASES = [
    (BRANCHES, {"w": "[4, 8]", "d": "0..3", "s": "[1, 2]", "gate": "[true, false]", "skip": "[true, false]"}),
    (UNET, {"w": "[4, 6]", "d": "1..2", "input": "[32, 33]"}),
    (INDEXED, {"w": "[4, 8, 12]", "d": "1..4"}),
    (
        "resnet50",
        {"d1": "1..2", "d3": "0..3", "late": "[true, false]", "width_per_group": "[16, 48]", "input": "[64, 97]"},
    ),
    ("mobilenet_v2", {"width_mult": "0.25..0.75:0.25", "input": "[3x96x64]"}),
    ("mobilenet_v3_large", {"width_mult": "[0.5, 1.0]", "dropout": "[0.1, 0.2]"}),
    ("densenet121", {"d1": "2..3", "growth": "[8, 16]"}),
    ("vgg16", {"num_classes": "[10, 20]", "input": "[64]"}),
    ("deeplabv3", {"num_classes": "[2, 21]"}),
]
CONDITIONS = {
    "plain": Conditions(),
    "batch": Conditions(batch=3, dtype="float16"),
    "channels_last": Conditions(batch=2, channels_last=True),
    "int8": Conditions(dtype="int8"),
}


def known(target: str, vary: dict[str, str]) -> dict[str, str]:
    """Without params that a preset does not have."""
    if "\n" in target:
        return vary
    from archlab.config.tree.targets import open_target

    document = open_target(target)[0]
    assert any(name in document.params for name in vary) or list(vary) == ["input"]
    return {name: text for name, text in vary.items() if name in (*document.params, "input")}


@pytest.mark.parametrize(
    ("target", "vary"), CASES, ids=lambda value: value[:12].strip() if isinstance(value, str) else ""
)
def test_every_design_is_that_of_the_plain_analysis(target: str, vary: dict[str, str]) -> None:
    of = space(target, known(target, vary))
    designs = sweep(Question(of), 1)
    expected = {number: plain(of, number, Conditions(), target) for number in range(of.size)}
    found = rows(designs)
    assert found == {number: row for number, row in expected.items() if row is not None}
    assert designs.invalid == sum(row is None for row in expected.values())


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("target", [BRANCHES, "resnet18"])
def test_under_other_conditions(target: str, name: str) -> None:
    vary = {"w": "[4, 8]", "d": "1..2"} if "\n" in target else {"d1": "1..2", "d4": "1..2"}
    of = space(target, vary)
    designs = sweep(Question(of, CONDITIONS[name]), 1)
    assert rows(designs) == {number: plain(of, number, CONDITIONS[name], target) for number in range(of.size)}


def test_parts_are_analysed_once() -> None:
    of = space("resnet50", {"d1": "1..10", "d2": "1..10", "d3": "1..20", "d4": "1..5"})
    engine = Engine(of, Conditions())
    assert len(engine.whole()) == of.size == 10_000
    assert engine.analysed < 300  # a repetition more of each of four items, and the rest once


def test_networks_are_cut_where_no_later_item_names_an_earlier_one() -> None:
    of = space(UNET, {"w": "[4]"})
    assert [len(part.layers.items) for part in parts_of(of.document, None)] == [1, 5, 1]
    of = space("resnet50", {"d1": "[1]"})
    assert len(parts_of(of.document, of.variant)) == 11


def test_designs_that_do_not_compose_are_analysed_as_a_whole_and_that_is_told() -> None:
    designs = sweep(Question(space(UNET, {"w": "[4, 6]"})), 1)
    assert designs.entire == 2
    assert designs.reason == "units of one map see fields of several sizes"


def test_designs_that_are_none_are_told_with_the_problem() -> None:
    of = space("resnet50", {"groups": "[1, 3]", "width_per_group": "[64]", "input": "[32]"})
    bad = space("resnet50", {"block": "[bottleneck, basik]"})
    assert len(sweep(Question(of), 1)) == 2
    designs = sweep(Question(bad), 1)
    assert (len(designs), designs.invalid) == (1, 1)
    ((number, problem),) = designs.problems
    assert bad.chosen(number) == {"block": "basik"}
    assert "there is no block 'basik'" in problem.message
