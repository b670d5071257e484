"""Twice the input, twice the steps: Python's own steps are counted, never the time."""

from __future__ import annotations

import random
import sys
import tracemalloc
from collections.abc import Callable
from difflib import SequenceMatcher, get_close_matches
from functools import partial
from itertools import product
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from archlab.analysis.memory import program
from archlab.analysis.receptive_field import composition
from archlab.api.load import loads
from archlab.api.validate import validate
from archlab.cli.main import main
from archlab.config.expand import budget, rounding
from archlab.config.syntax.limits import MAX_STEPS
from archlab.diagnostics import suggest
from archlab.diagnostics.problem import ConfigError
from archlab.diagnostics.suggest import MOST_COMPARED, closest
from archlab.layers.adaptive_pool import _covered
from archlab.layers.geometry import adaptive_bounds
from archlab.report.diagram.lanes import MOST_LANES, lanes
from tests import worst_inputs as worst

SIZES = (40, 80, 160)

GROWING: list[tuple[Callable[[int], str], str]] = [
    (worst.concatenated_paths, "diagram {0} -o {1}/x.svg"),
    (worst.paths, "memory {0}"),
    (worst.paths, "memory {0} --training --format json"),
    (worst.units, "explain {0} --counting"),
    (worst.units, "diff {0} {1}/other.yaml"),
    (worst.units, "memory {0} --training --format json"),
    (worst.long_line, "fmt --check {0}"),
    (worst.commented_line, "fmt --check {0}"),
    (worst.unet, "diagram {0} --depth 3 -o {1}/x.svg"),
    (worst.unet, "receptive-field {0} --format json"),
    (worst.outputs, "analyze {0} --format json"),
    (lambda size: worst.classes(size // 8), "build {0} -o {1}/x.py"),
]


def steps_of(run: Callable[[], object]) -> int:
    """Lines of Python that archlab runs for something, those of every iteration; each call is one."""
    counted = 0

    def called(frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal counted
        if "archlab" not in frame.f_code.co_filename:
            return None
        counted += 1
        return within

    def within(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal counted
        if event == "line":
            counted += 1
        return within

    before = sys.gettrace()
    sys.settrace(called)
    try:
        run()
    finally:
        sys.settrace(before)
    return counted


@pytest.mark.parametrize(
    ("write", "command"), GROWING, ids=[f"{number}-{words.split()[0]}" for number, (_, words) in enumerate(GROWING)]
)
def test_steps_grow_with_the_input(
    write: Callable[[int], str], command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[int] = []
    for size in SIZES:
        path = tmp_path / f"{size}.yaml"
        path.write_text(write(size))
        (tmp_path / "other.yaml").write_text(write(size).replace("trunk", "other"))
        words = command.format(path, tmp_path).split()
        if not found:  # the first run compiles schemas, and is not counted
            main(words)
        found.append(steps_of(partial(main, words)))
    capsys.readouterr()
    small, middle, large = found
    assert large - middle < 2.4 * (middle - small)  # 2 where they are proportional, 4 where they are quadratic


def lanes_one_by_one(spans: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """The definition: shortest first, each in the first lane that no span with the same position has."""
    taken: list[list[tuple[int, int]]] = []
    found: dict[tuple[int, int], int] = {}
    for first, last in sorted(spans, key=lambda span: (span[1] - span[0], span)):
        free = [
            lane
            for lane, others in enumerate([*taken, []])
            if all(last < start or end < first for start, end in others)
        ]
        lane = free[0]
        if lane == len(taken):
            taken.append([])
        taken[lane].append((first, last))
        found[first, last] = lane
    return {span: len(taken) - 1 - lane for span, lane in found.items()}


@pytest.mark.parametrize("seed", range(20))
def test_lanes_are_those_of_the_definition(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secrets
    rows = draw.randint(3, 60)
    pairs = [sorted(draw.sample(range(-1, rows), 2)) for _ in range(draw.randint(1, 60))]
    spans = {(first, last) for first, last in pairs}
    assert lanes(spans, rows) == lanes_one_by_one(spans)


def test_what_finds_no_lane_is_outermost() -> None:
    spans = [(number, 1000 - number) for number in range(MOST_LANES + 50)]
    found = lanes(spans, 1000)
    assert sorted(found.values()) == [*[0] * 51, *range(1, MOST_LANES)]
    assert found[0, 1000] == 0


def test_inputs_that_adaptive_windows_share() -> None:
    for size, out in product(range(1, 40), range(1, 60)):
        bounds = [adaptive_bounds(unit, size, out) for unit in range(out)]
        assert _covered(size, out) == sum(end - start for start, end in bounds)


@pytest.mark.parametrize(
    ("write", "size"),
    [
        *((worst.upsampled, 3_000), (worst.adaptive, 400), (worst.speeds, 200), (worst.kept_masks, 4_090)),
        *((worst.volumes_resized, 3_000), (worst.long_line_resized, 3_000), (worst.long_nearest, 2_000)),
    ],
)
def test_sets_of_positions_are_bounded(write: Callable[[int], str], size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the layers, and of the work that they may take."""
    monkeypatch.setattr(composition, "MAX_WORK", composition.MAX_WORK // 10)
    with pytest.raises(ConfigError, match="too many different units") as caught:
        loads(write(size // 10)).analyze()
    assert caught.value.problems[0].place is not None


def test_sets_of_positions_are_bounded_as_they_are() -> None:
    with pytest.raises(ConfigError, match="too many different units") as caught:
        loads(worst.long_pooled()).analyze()
    assert caught.value.problems[0].place is not None


def test_masks_of_units_are_counted_as_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first unit sees a short span here, and those in the middle long ones with holes."""
    monkeypatch.setattr(composition, "MAX_WORK", composition.MAX_WORK // 5)
    network = loads(worst.hourglasses())
    tracemalloc.start()
    try:
        with pytest.raises(ConfigError, match="too many different units") as caught:
            network.analyze()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.problems[0].place is not None
    assert peak < 20_000_000  # 112 MB before


def test_fields_of_several_inputs_share_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the layers, and of the work that they may take."""
    monkeypatch.setattr(composition, "MAX_WORK", composition.MAX_WORK // 10)
    analysis = loads(worst.resized_inputs(1, sizes=50)).analyze()
    assert len(analysis.input_outputs) == 2
    analysis = loads(worst.resized_inputs(sizes=50)).analyze()
    with pytest.raises(ConfigError, match="too many different units"):
        _ = analysis.input_outputs


def test_what_is_asked_of_long_maps_takes_no_step_for_each_unit() -> None:
    def run(layers: int) -> None:
        with pytest.raises(ConfigError, match="too many different units"):
            loads(worst.long_behind_a_join(layers)).analyze()

    run(2)  # the first run compiles schemas
    assert steps_of(partial(run, 4)) < steps_of(partial(run, 2)) + 20_000  # 262,144 units each


def test_paths_are_bounded() -> None:
    with pytest.raises(ConfigError, match=r"path has 3,6\d\d characters, .* at most 500 are allowed"):
        loads(worst.nested(70, letters=58))


def test_variants_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the layers, and of the steps that they may take."""
    assert MAX_STEPS == 100_000
    monkeypatch.setattr("archlab.api.validate.MAX_STEPS", MAX_STEPS // 10)
    path = tmp_path / "x.yaml"
    path.write_text(worst.variants(40, layers=1_000))
    found = validate(str(path))
    assert [(problem.code, problem.place.line) for problem in found.problems if problem.place] == [("too-large", 13)]
    assert found.networks == 11


def test_figures_that_there_are_none_of_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(worst.expect_unknown(300))
    found = validate(str(path)).problems
    assert [(problem.code, problem.place.line) for problem in found if problem.place] == [
        ("unknown-option", line) for line in range(4, 104)
    ]


def test_other_inputs_are_tried_by_their_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six expansions before, for a hint."""
    monkeypatch.setattr(rounding, "MOST_NODES", 400)

    def run(levels: int) -> None:
        with pytest.raises(ConfigError, match="add needs inputs of one shape"):
            loads(worst.recursion(levels))

    run(1)  # the first run compiles schemas
    few, many = (steps_of(partial(run, levels)) for levels in (4, 8))
    assert many < 10 * few  # 16 times the uses, but two expansions instead of six


def test_few_names_are_compared_letter_by_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [f"{'p' * 20}{number}" for number in range(300)]
    words = [f"{'p' * 20}x{number}" for number in (0, 7, 45, 123, 299, 3000)]
    nearest = [get_close_matches(word, known, n=1, cutoff=0.6)[0] for word in words]
    compared: list[float] = []
    ratio = SequenceMatcher.ratio

    def counted(matcher: SequenceMatcher[str]) -> float:
        compared.append(ratio(matcher))
        return compared[-1]

    monkeypatch.setattr(SequenceMatcher, "ratio", counted)
    assert [closest(word, known) for word in words] == nearest
    assert 0 < len(compared) <= MOST_COMPARED * len(words)  # 300 for each before


@pytest.mark.parametrize(
    "item",
    [
        "{type: when relu, repeat: 500}",
        "{use: wrong, repeat: 500}",
        "{type: conv2d, kernle_size: 3, out_channels: $index, repeat: 500}",
    ],
)
def test_what_was_meant_is_looked_for_once(item: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    nearest = suggest._nearest

    def counted(word: str, words: tuple[str, ...]) -> str | None:
        asked.append(word)
        return nearest(word, words)

    monkeypatch.setattr(suggest, "_nearest", counted)
    suggest._closest.cache_clear()
    blocks = "blocks: {wrong: {layers: [{type: when relu}, {use: nowhere}, {type: relu, inplaec: true}]}}"
    with pytest.raises(ConfigError):
        loads(f"input: [3, 8, 8]\n{blocks}\nlayers: [{item}]\n")
    assert len(asked) <= 4  # 500 times as many before
    assert len(asked) > 0


def test_different_layers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_DIFFERENT", 21)
    loads(worst.different(20, alike=50))
    with pytest.raises(ConfigError, match=r"more than 21 different layers \(in type, arguments or input\)"):
        loads(worst.different(21, alike=50))


def test_equal_layers_of_many_items_are_no_different_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_DIFFERENT", 3)
    assert len(loads(worst.unet(40)).graph.layers) == 79


def test_operators_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MAX_CALLS", 121)
    assert len(loads(worst.permuted(40)).analyze().layers) == 40
    with pytest.raises(ConfigError, match="'ln41': up to here the layers run more than 121 operators") as caught:
        loads(worst.permuted(41)).analyze()
    assert caught.value.problems[0].place is not None
    with pytest.raises(ConfigError, match="'conv11': up to here"):
        loads(worst.circular(40)).analyze()
