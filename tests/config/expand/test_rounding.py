"""Joins of maps that a stride has rounded: the inputs that are said to work, against every input around."""

from __future__ import annotations

import re

import pytest

from archlab.api.load import loads
from archlab.diagnostics.problem import ConfigError

UNET = """
input: [3, 64, 64]
layers:
  - {{name: a, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}}
  - {{name: b, type: {down}}}
  - {{name: c, type: {down}}}
  - {{type: {down}}}
  - {{type: upsample, scale_factor: 2}}
  - {{type: concat, with: [c]}}
  - {{type: upsample, scale_factor: 2}}
  - {{type: concat, with: [b]}}
  - {{type: upsample, scale_factor: 2}}
  - {{type: concat, with: [a]}}
"""


@pytest.mark.parametrize("size", [(50, 50), (48, 53), (61, 64), (70, 70)])
@pytest.mark.parametrize(
    "down", ["max_pool2d, kernel_size: 2", "conv2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1"]
)
def test_the_nearest_inputs_that_work(down: str, size: tuple[int, int]) -> None:
    text = UNET.format(down=down)

    def works(height: int, width: int) -> bool:
        try:
            loads(text, input=(3, height, width))
        except ConfigError:
            return False
        return True

    with pytest.raises(ConfigError) as caught:
        loads(text, input=(3, *size))
    (problem,) = caught.value.problems
    odd = [step % 8 != 0 for step in size]
    around = [tuple([length + by * off for length, off in zip(size, odd, strict=True)]) for by in range(-9, 10)]
    fits = [wanted for wanted in around if works(*wanted)]
    nearest = [max(wanted for wanted in fits if wanted < size), min(wanted for wanted in fits if wanted > size)]
    said = re.search(r"inputs that work are 3x(\d+)x(\d+) and 3x(\d+)x(\d+) \(multiples of 8\)", problem.message)
    assert said is not None
    assert [tuple(map(int, said.groups()[:2])), tuple(map(int, said.groups()[2:]))] == nearest
    assert re.search(rf"{down.partition(',')[0]} at line \d+ (drops 1|makes \d+) of", problem.trail[0])


@pytest.mark.parametrize("rest", ["", "{type: max_pool2d, kernel_size: 2}, {type: upsample, scale_factor: 2}, "])
def test_nothing_is_said_that_does_not_work(rest: str) -> None:
    layers = (
        f"{{name: a, type: relu}}, {rest}{{type: conv2d, out_channels: 3, kernel_size: 3}}, {{type: add, with: [a]}}"
    )
    with pytest.raises(ConfigError) as caught:
        loads(f"input: [3, 33, 33]\nlayers: [{layers}]")
    assert "work" not in caught.value.problems[0].message
    assert ("drops 1 of 33 rows" in str(caught.value)) is bool(rest)


def test_no_rule_is_told_of_two_sizes_that_only_look_like_one() -> None:
    """Heights of 4 k and of 4 k + 3 work: 72 and 75 are multiples of 3, but so is 78, which does not."""
    text = (
        "input: [3, 74, 72]\nlayers: [{name: a, type: conv2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1}, "
        "{type: conv2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1}, "
        "{type: upsample, scale_factor: 2}, {type: add, with: [a]}]"
    )
    with pytest.raises(ConfigError, match="the nearest inputs that work are 3x72x72 and 3x75x72; or resize"):
        loads(text)
    for height in (71, 72, 75, 76):
        loads(text, input=(3, height, 72))
    with pytest.raises(ConfigError):
        loads(text, input=(3, 78, 72))


def test_no_rule_is_told_where_the_next_smaller_input_would_be_empty() -> None:
    with pytest.raises(ConfigError, match="the nearest inputs that work are 3x8x8 and 3x16x16; or resize"):
        loads(UNET.format(down="max_pool2d, kernel_size: 2"), input=(3, 12, 12))


def test_other_inputs_are_not_sought_where_that_takes_too_many_steps() -> None:
    """Heights of 32 and 34 would fit, but there a block of 490 values is used 250 times: the search ends with them."""
    text = f"""
input: [3, 33, 32]
params: {{off: false}}
blocks:
  idle: {{params: {{x: [{", ".join("1" * 490)}]}}, layers: [{{type: relu, when: $off}}]}}
layers:
  - {{name: a, type: relu}}
  - {{type: max_pool2d, kernel_size: 2}}
  - {{type: upsample, scale_factor: 2}}
  - {{type: add, with: [a]}}
  - use: idle
    repeat: $(250 if input_size[0] == 32 or input_size[0] == 34 else 1)
"""
    with pytest.raises(ConfigError, match="resize one to the other") as caught:
        loads(text)
    assert "inputs that work" not in str(caught.value)
