"""Arenas beside those that TensorFlow Lite Micro's own interpreter plans (`pip install tflite-micro`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import archlab
from archlab.analysis.micro.arena import micro_arena
from archlab.analysis.micro.lowering import lowered
from archlab.analysis.micro.order import best_order

pytest.importorskip("tflite_micro", reason="the interpreter is a package of its own")

from tflite_micro.python.tflite_micro import runtime

from tests.analysis.micro.tflite import converted, draw

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


@pytest.mark.parametrize("start", range(0, NETWORKS, CHUNK))
def test_the_arena_of_another_order_is_the_interpreters(start: int, capfd: pytest.CaptureFixture[str]) -> None:
    better = 0
    for seed in range(start, start + CHUNK):
        drawn = draw(seed)
        graph = archlab.loads(drawn.config).deploy().graph
        arena = micro_arena(graph)
        assert arena.size is not None
        if arena.best < arena.size:
            order = best_order(lowered(graph)).steps
            assert (seed, arena.best) == (seed, planned(drawn.reordered(order), capfd)), drawn.config
            better += 1
    assert better


@pytest.mark.parametrize(
    ("target", "given", "size"),
    [
        ("docs/person96.yaml", {}, 276_480),
        ("mobilenet_v2", {"input": (3, 96, 96), "width_mult": 0.35, "num_classes": 2}, 230_592),
        ("mobilenet_v2", {}, 2_451_840),
    ],
)
def test_networks_of_the_docs(
    target: str, given: dict[str, Any], size: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    network = archlab.load(target, **given)
    assert micro_arena(network.deploy().graph).size == size == planned(converted(network), capfd)
