"""Orders of operators beside every order that there is."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

import archlab
from archlab.analysis.micro.arena import micro_arena
from archlab.analysis.micro.lowering import lowered
from archlab.analysis.micro.order import best_order
from archlab.analysis.micro.program import MicroProgram, Operation


def drawn(seed: int) -> MicroProgram:
    """A few operators that read earlier values, some of them results, some with memory of their own."""
    source = random.Random(seed)  # noqa: S311 - of networks
    inputs = source.choice([1, 1, 2])
    count = source.randint(2, 8)
    sizes = [source.choice([1, 16, 40, 64, 100, 300]) for _ in range(inputs + count)]
    operations = []
    for number in range(count):
        earlier = range(inputs + number)
        read = source.sample(earlier, min(len(earlier), source.choice([1, 1, 1, 2, 3])))
        scratch = (source.choice([8, 90]),) if source.random() < 0.2 else ()
        operations.append(Operation("OP", number, tuple(read), inputs + number, scratch))
    unread = set(range(inputs, inputs + count)) - {tensor for made in operations for tensor in made.inputs}
    results = sorted(unread | {source.randrange(inputs, inputs + count)})
    if len(results) > 1 and source.random() < 0.3:
        results = results[1:]  # one that nobody reads and that is no result
    return MicroProgram(tuple(sizes), tuple(operations), tuple(range(inputs)), tuple(results))


def orders(program: MicroProgram) -> Iterator[tuple[int, ...]]:
    """All that run each operator behind those that it reads."""
    maker = {made.output: index for index, made in enumerate(program.operations)}
    needs = [{maker[tensor] for tensor in made.inputs if tensor in maker} for made in program.operations]

    def extended(done: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(done) == len(needs):
            yield done
        for index, needed in enumerate(needs):
            if index not in done and needed <= set(done):
                yield from extended((*done, index))

    return extended(())


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_no_order_has_a_smaller_peak(start: int) -> None:
    for seed in range(start, start + 50):
        program = drawn(seed)
        peaks = [max(program.reordered(order).levels()) for order in orders(program)]
        found = best_order(program)
        assert (seed, found.peak, found.is_exact) == (seed, min(peaks), True)
        assert max(program.reordered(found.steps).levels()) == found.peak


TWO_WAYS = """\
archlab: 1
input: [4, 16, 16]
layers:
  - type: branches
    merge: concat
    paths:
      - - {type: conv2d, out_channels: 32, kernel_size: 1}
        - {type: conv2d, out_channels: 2, kernel_size: 1}
      - - {type: conv2d, out_channels: 2, kernel_size: 1}
        - {type: conv2d, out_channels: 16, kernel_size: 1}
"""


def test_a_wide_branch_is_better_first_while_little_is_held() -> None:
    swapped = TWO_WAYS.splitlines(keepends=True)
    text = "".join([*swapped[:6], *swapped[8:], *swapped[6:8]])
    network = archlab.loads(text)
    arena = network.deploy().analyze(dtype="int8").arena
    assert arena is not None
    assert arena.size is not None
    assert arena.best < arena.size
    first = archlab.loads(TWO_WAYS).deploy().analyze(dtype="int8").arena
    assert first is not None
    assert arena.best == first.size == first.best


def test_beyond_the_bound_the_order_stays_and_says_so() -> None:
    program = drawn(3)
    seeds = [seed for seed in range(100) if best_order(drawn(seed)).steps != tuple(range(len(drawn(seed).operations)))]
    program = drawn(seeds[0])
    found = best_order(program, most=1)
    assert not found.is_exact
    assert found.steps == tuple(range(len(program.operations)))


def test_long_branches_beside_one_another_are_no_matter() -> None:
    """Their sets of done operators are 50 to the third; what costs nothing is run at once."""
    paths = [
        f"      - - {{type: conv2d, out_channels: {channels}, kernel_size: 1, repeat: 50}}\n"
        "        - {type: conv2d, out_channels: 4, kernel_size: 1}\n"
        for channels in (8, 15, 12)
    ]
    text = "archlab: 1\ninput: [4, 16, 16]\nlayers:\n  - type: branches\n    merge: concat\n    paths:\n"
    program = lowered(archlab.loads(text + "".join(paths)).deploy().graph)
    found = best_order(program, most=500)
    assert found.is_exact
    # the widest first, while neither of the others' results is held
    assert found.peak == 16 * 16 * (4 + 15 + 15) < max(program.levels())


def test_more_operators_than_are_planned_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archlab.analysis.micro.arena.MOST_OPERATORS", 4)
    arena = micro_arena(archlab.loads(TWO_WAYS).deploy().graph)
    assert (arena.size, arena.unknown) == (None, "it has 5 operators; at most 4 are planned for")


def test_networks_of_the_zoo_have_one_order_that_is_best() -> None:
    for target in ("mobilenet_v2", "googlenet", "shufflenet_v2_x0_5"):
        program = lowered(archlab.load(target).deploy().graph)
        assert best_order(program).is_exact
