"""Fronts by dynamic programming are equal, row by row, to those of all designs listed."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest

from archlab.config.tree.figures import parse_figure_limits
from archlab.diagnostics.problem import ConfigError
from archlab.sweep.dominance import nondominated
from archlab.sweep.figures import SUMS, Designs, field_value
from archlab.sweep.front import front, front_of, wishes
from archlab.sweep.run import sweep
from archlab.sweep.work import Question
from tests.sweep.spaces import space
from tests.sweep.test_engine import BRANCHES, UNET

ALL = ("params", "macs", "memory.inference_peak", "receptive_field")
CHAIN = """
archlab: 1
input: [3, 48, 48]
params: {a: 4, b: 4, c: 4, k: 3, e: 1, f: 1, s: 2}
blocks:
  unit:
    params: {width: , kernel: 3}
    layers:
      - type: residual
        shortcut: project
        body:
          - {type: conv2d, out_channels: $width, kernel_size: $kernel, padding: auto, norm: batch_norm2d}
layers:
  - {type: conv2d, out_channels: $a, kernel_size: 3, stride: $s, padding: 1}
  - {use: unit, width: $b, kernel: $k, repeat: $e}
  - {type: max_pool2d, kernel_size: 2}
  - {use: unit, width: $c, repeat: $f}
  - {type: conv2d, out_channels: 8, kernel_size: 1}
  - {type: adaptive_avg_pool2d, output_size: 1}
  - {type: flatten}
  - {type: linear, out_features: 10}
"""
SPACES = {
    "chain": (
        CHAIN,
        {"a": "4..12:4", "b": "[4, 8]", "c": "[4, 8, 16]", "k": "[1, 3, 5]", "e": "0..3", "f": "1..4", "s": "[1, 2]"},
    ),
    "branches": (
        BRANCHES,
        {"w": "[4, 8]", "d": "0..3", "s": "[1, 2]", "gate": "[true, false]", "skip": "[true, false]"},
    ),
    "unet": (UNET, {"w": "[4, 6]", "d": "1..3", "input": "[32, 48]"}),
    "resnet": ("resnet18", {"d1": "1..3", "d2": "1..3", "d3": "1..4", "d4": "1..3", "input": "[64, 96]"}),
    "mobilenet": ("mobilenet_v2", {"width_mult": "[0.5, 1.0]", "input": "[64, 96]"}),
    "regnet": ("regnet_x_400mf", {"depth": "[13, 16]", "w_0": "[24, 32]"}),
}


def figures(designs: Designs, names: tuple[str, ...]) -> list[tuple[object, ...]]:
    return sorted(
        tuple([designs.columns[name][row] if name in SUMS else field_value(designs.seen[row], name) for name in names])
        for row in range(len(designs))
    )


def both(
    question: Question, names: tuple[str, ...], listed: Designs | None = None
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """The front found without listing, and that of all designs, which are listed here where they are not given."""
    wanted = wishes(names)
    if listed is None:
        listed = sweep(question, 1)
    return figures(front(question, wanted), names), figures(listed.picked(front_of(listed, wanted)), names)


@cache
def all_of(name: str) -> Designs:
    """The designs of a space, listed once for all fronts."""
    return sweep(Question(space(*SPACES[name])), 1)


@pytest.mark.parametrize("names", [ALL, ("macs", "receptive_field"), ("flops", "activations", "stride")])
@pytest.mark.parametrize("of", SPACES)
def test_a_front_is_that_of_all_designs(of: str, names: tuple[str, ...]) -> None:
    found, listed = both(Question(space(*SPACES[of])), names, all_of(of))
    assert found == listed


@pytest.mark.parametrize(
    "limits",
    [
        "macs <= 1M",
        "macs >= 400k and macs < 2M and receptive_field >= 20",
        "memory.inference_peak > 60 kB and memory.inference_peak <= 90 kB",
        "receptive_field < 30 and params > 2000",
        "stride <= 2",
    ],
)
def test_within_limits(limits: str) -> None:
    question = Question(space(CHAIN, SPACES["chain"][1]), limits=tuple(parse_figure_limits(limits)))
    found, listed = both(question, ALL)
    assert found == listed
    assert found


def test_random_spaces() -> None:
    random = Random(0)  # noqa: S311 - no secret
    for _ in range(12):
        vary = {name: str(sorted(random.sample(range(1, 24), random.randint(1, 3)))) for name in ("a", "b", "c")}
        vary |= {name: str(sorted(random.sample(range(5), random.randint(1, 4)))) for name in ("e", "f")}
        vary["k"] = str(sorted(random.sample([1, 3, 5, 7], 2)))
        names = tuple(random.sample([*SUMS, "receptive_field", "stride"], random.randint(1, 4)))
        found, listed = both(Question(space(CHAIN, vary)), names)
        assert found == listed, (vary, names)


def test_a_space_that_nobody_can_list() -> None:
    vary = {"a": "[4, 8, 9]", "b": "[4, 8]", "c": "[4, 8]", "k": "[1, 3]", "e": "0..60", "f": "0..20", "s": "1..999"}
    of = space(CHAIN, {**vary, "input": "[32, 48, 64]"})
    assert of.size > 5 * 10**7
    with pytest.raises(ConfigError, match="at most 10,000,000 are listed one by one"):
        sweep(Question(of))
    found = front(Question(space(CHAIN, {**vary, "s": "[2]"})), wishes(["macs", "receptive_field"]))
    assert 10 < found.checked <= len(found)


def test_what_nothing_dominates() -> None:
    random = Random(1)  # noqa: S311 - no secret
    for width in (1, 2, 3, 4, 5):
        for most in (2, 5, 50):
            rows = [[random.randrange(most) for _ in range(width)] for _ in range(150)]
            expected = {
                tuple(row)
                for row in rows
                if not any(other != row and all(a <= b for a, b in zip(other, row, strict=True)) for other in rows)
            }
            columns = [list(column) for column in zip(*rows, strict=True)]
            kept = nondominated(columns, range(150))
            assert sorted(tuple(rows[row]) for row in kept) == sorted(expected)
            assert kept == sorted(rows.index(list(vector)) for vector in expected)


def test_a_front_needs_figures_that_compose() -> None:
    of = space(CHAIN, {"e": "1..2"})
    with pytest.raises(ConfigError, match=r"not of 'memory\.training_peak'"):
        wishes(["memory.training_peak"])
    with pytest.raises(ConfigError, match="does not compose"):
        front(Question(of, limits=tuple(parse_figure_limits("memory.training_peak < 1GB"))), wishes(["macs"]))
