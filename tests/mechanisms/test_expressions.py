"""Tables, slices and lists in expressions."""

from __future__ import annotations

from torch import nn

from tests.mechanisms.equality import assert_equal


def test_a_table() -> None:
    model = nn.Sequential(
        *(nn.Conv2d(3, 12, 5, padding=2), nn.Conv2d(12, 16, 3, 2, 1)),
        *(nn.Conv2d(16, 20, (1, 3)), nn.Conv2d(20, 4, 1)),
    )
    assert_equal("expression_table", model)
