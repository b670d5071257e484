"""Arenas beside those that TensorFlow Lite Micro's own interpreter plans (`pip install tflite-micro`)."""

from __future__ import annotations

import re
from typing import Any

import pytest

import archlab
from archlab.analysis.micro.arena import micro_arena

pytest.importorskip("tflite_micro", reason="the interpreter is a package of its own")

from tflite_micro.python.tflite_micro import runtime

from tests.analysis.micro.tflite import draw

NETWORKS, CHUNK = 240, 24


def planned(file: bytes, capfd: pytest.CaptureFixture[str]) -> int:
    """Bytes of the arena's head, as the interpreter prints them."""
    capfd.readouterr()
    interpreter: Any = runtime.Interpreter.from_bytes(file, arena_size=1 << 22)
    interpreter.print_allocations()
    printed = "".join(capfd.readouterr())
    found = re.search(r"Arena allocation head (\d+) bytes", printed)
    assert found is not None, printed
    return int(found.group(1))


@pytest.mark.parametrize("start", range(0, NETWORKS, CHUNK))
def test_the_arena_is_the_interpreters(start: int, capfd: pytest.CaptureFixture[str]) -> None:
    for seed in range(start, start + CHUNK):
        drawn = draw(seed)
        arena = micro_arena(archlab.loads(drawn.config).deploy().graph)
        assert (seed, arena.unknown, arena.size) == (seed, "", planned(drawn.file, capfd)), drawn.config
