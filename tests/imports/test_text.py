"""Values of imported networks as YAML: what is composed by hand is PyYAML's text."""

from __future__ import annotations

import random
import string
from typing import Any

import pytest
import yaml

from archlab.imports.text import flow

WORDS = (
    *("yes", "No", "on", "OFF", "true", "null", "Null", "y", "n", "~", "a", "b_c", "layer1", "1a", "e5", "1e5", ".inf"),
    *("_", "-", "=", "<<", "0x1", "1_000", "2001-01-01", "torch.nn.ReLU", "a b", "", "a: b", "a, b", "#", "a" * 120),
    *("relu\n", "\u00e9", "\u2028", "word " * 40, None, True, False, 1.0, 1e-5, float("inf"), -3, 12, 10**9),
)


def drawn(draw: random.Random, depth: int = 0) -> Any:
    if depth < 3 and draw.random() < 0.5:
        inner = [drawn(draw, depth + 1) for _ in range(draw.randint(0, 4))]
        if draw.random() < 0.5:
            return inner
        names = [f"k{number}" if draw.random() < 0.9 else draw.choice(WORDS) for number in range(len(inner))]
        return dict(zip(names, inner, strict=True))
    if draw.random() < 0.2:
        return "".join(draw.choices(string.printable, k=draw.randint(0, 9)))
    return draw.choice(WORDS)


def test_a_list_that_stands_in_it_twice_is_written_twice() -> None:
    sizes = [3, 3]
    assert flow({"kernel_size": sizes, "stride": sizes}) == "{kernel_size: [3, 3], stride: [3, 3]}"


@pytest.mark.parametrize("first", range(0, 900, 300))
def test_it_is_the_text_of_pyyaml(first: int) -> None:
    for seed in range(first, first + 300):
        value = drawn(random.Random(seed))  # noqa: S311 - no secrets
        text = yaml.dump(value, Dumper=yaml.CSafeDumper, default_flow_style=True, sort_keys=False, width=1 << 20,
                         allow_unicode=True)  # fmt: skip
        assert flow(value) == text.removesuffix("\n").removesuffix("\n..."), seed
