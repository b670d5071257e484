"""Outputs of blocks that are inputs passed on, and those of the last repetition that nothing reads."""

from __future__ import annotations

from typing import Any

import pytest
from torch import Tensor, nn

from archlab.api.load import loads
from archlab.diagnostics.problem import ConfigError
from tests.config.expand.test_copies import both_ways
from tests.mechanisms.equality import FOLDER, assert_equal


class PassedOn(nn.Module):
    """Three steps, of which the last changes nothing beside the line."""

    def __init__(self) -> None:
        super().__init__()
        parts = [nn.Conv2d(8, 8, size, padding=size // 2) for size in (3, 1, 3, 1, 3)]  # the last has no second output
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Any:
        line, side = x, x
        for number, part in enumerate(self.parts):
            if number % 2:
                side = part(side)
            else:
                line, before = part(line), side
                line = line + before
        return line + x


def test_equal_to_a_model_by_hand() -> None:
    assert_equal("output_passed_on", PassedOn())
    assert isinstance(both_ways((FOLDER / "output_passed_on.yaml").read_text()), list)


@pytest.mark.parametrize(("repeat", "count"), [(1, 4), (2, 5), (5, 6)])
def test_an_own_output_beside_one_passed_on_may_be_unused(repeat: int, count: int) -> None:
    nodes = both_ways(f"""
        input: [4, 8, 8]
        blocks: {{turn: {{inputs: [a, b], layers: [{{name: own, type: sigmoid}}], outputs: [b, own]}}}}
        layers:
          - {{name: x, type: conv2d, out_channels: 4, kernel_size: 1}}
          - {{name: y, from: input, type: conv2d, out_channels: 4, kernel_size: 1}}
          - {{name: u, use: turn, from: x, with: [y], repeat: {repeat}}}
          - {{type: add, with: [x, y]}}
    """)
    assert len(nodes) == count


def test_what_nothing_reads_is_a_problem_still() -> None:
    with pytest.raises(ConfigError, match="used by nothing"):
        loads("""
            input: [4, 8, 8]
            blocks: {two: {layers: [{name: a, type: relu}, {name: b, type: tanh}], outputs: [a, b]}}
            layers: [{use: two}, {from: input, type: sigmoid}]
        """)
