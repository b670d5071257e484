"""The JSON Schema takes every mechanism as it is written, and complains about the part that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.chunks import check_each
from tests.schema import validator

FILES = sorted((Path(__file__).parents[1] / "mechanisms").glob("*.yaml"))


def faults(text: str) -> list[list[Any]]:
    """Where the schema finds something wrong."""
    return [list(error.absolute_path) for error in validator().iter_errors(yaml.safe_load(text))]


def test_mechanisms_are_in_the_schema() -> None:
    def check(path: Path) -> None:
        assert faults(path.read_text()) == []

    check_each(FILES, check)


def test_what_is_wrong_is_found_in_its_part() -> None:
    found = faults("""
input: [3, 8, 8]
blocks:
  b: {extends: resnet18, layers: {a: 3}}
  c: {layers: [{type: conv2d, out_channels: 3}]}
  d: {params: {x: 1}}
layers:
  - {type: branches, paths: [{when: 3, layers: []}], split: [x]}
  - {type: relu, last: {name: a}}
  - {type: residual, body: [], activation: batch_norm2d}
""")
    assert sorted(map(str, found)) == [
        "['blocks', 'b', 'layers', 'a']",
        "['blocks', 'c', 'layers', 0]",
        "['blocks', 'd']",
        "['layers', 0, 'paths', 0]",
        "['layers', 0, 'split']",
        "['layers', 1, 'last']",
        "['layers', 2, 'activation']",
    ]
