"""Numbers behind each item: equal to the analysis, for whole networks and for the part in front of a mistake."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

import archlab
from archlab.config.expand.visits import Visit
from archlab.config.tree.items import UseItem
from archlab.config.tree.presets import preset_folder
from archlab.diagnostics.problem import ConfigError
from archlab.editor.diagnose import diagnoses
from archlab.editor.hints import hints
from archlab.editor.lens import lenses
from archlab.editor.snapshot import Snapshot
from tests.editor.edits import CONFIGS, edited, faults

TEXT = """\
input: [3, 32, 32]
blocks:
  pair:
    params: {width: }
    layers:
      - {type: conv2d, out_channels: $width, kernel_size: 3, padding: 1, norm: batch_norm2d, activation: relu}
      - {type: residual, body: [{type: conv2d, out_channels: $width, kernel_size: 1, bias: false}]}
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3}  # as they come
  - {name: first, use: pair, width: 8, repeat: 2}
  - {use: pair, width: 16}
  - type: global_avg_pool2d
  - type: flatten
  - {type: linear, out_features: 10}
"""


def shown(text: str, variant: str = "") -> dict[tuple[int, int], str]:
    found = hints(Snapshot.of(Path("/nowhere/net.yaml"), text, variant), ("shape", "params", "macs", "receptive_field"))
    return {(hint.line, hint.column): hint.text for hint in found}


def test_each_item_has_its_numbers() -> None:
    assert shown(TEXT) == {
        (5, 110): "8x30x30 ... 16x30x30 · 592 ... 1.184 k params · 518.4 k ... 1.037 M MACs · field 5 ... 9 · x3",
        (6, 97): "8x30x30 ... 16x30x30 · 64 ... 256 params · 57.60 k ... 230.4 k MACs · field 5 ... 9 · x3",
        (6, 99): "8x30x30 ... 16x30x30 · 64 ... 256 params · 57.60 k ... 230.4 k MACs · field 5 ... 9 · x3",
        (8, 51): "8x30x30 · 224 params · 194.4 k MACs · field 3",
        (9, 49): "8x30x30 · 1.312 k params · 1.152 M MACs · field 7",
        (10, 26): "16x30x30 · 1.440 k params · 1.267 M MACs · field 9",
        (11, 27): "16x1x1 · field global",
        (12, 17): "16 · field global",
        (13, 36): "10 · 170 params · 160 MACs · field global",
    }


def test_what_stands_in_front_of_a_mistake_keeps_its_numbers() -> None:
    broken = TEXT.replace("type: global_avg_pool2d", "type: global_average")
    whole, part = shown(TEXT), shown(broken)
    assert part == {place: text for place, text in whole.items() if place[0] < 11}
    for half in ("  - {use: pair, width", "  - {use: pair, width: 16,", "  - {type: conv2d, kernel_size: [3,"):
        typed = shown(TEXT.replace("  - {use: pair, width: 16}", half))
        blocks = {place: text for place, text in typed.items() if place[0] > 7}
        assert blocks == {place: text for place, text in whole.items() if 7 < place[0] < 10}, half
        assert typed[5, 110].startswith("8x30x30 · 592 params")
    assert shown(TEXT + "expect: {params: 1}\n  - {type: relu}\n") == whole
    assert shown("input: [3, 32, 32]\nlayers: [{type: conv2d") == {}
    assert shown("") == {}


@pytest.mark.parametrize(
    "behind",
    [
        pytest.param("  - relu\n" * 200, id="more problems than are collected"),
        pytest.param("  - {type: relu, repeat: 40000}\n", id="more layers than a network may have"),
        pytest.param("  - {use: pair, width: 16, repeat: 20000}\n" * 3, id="more layers in blocks"),
    ],
)
def test_what_stands_in_front_of_a_bound_keeps_its_numbers(behind: str) -> None:
    whole, part = shown(TEXT), shown(TEXT + behind)
    last = TEXT.count("\n")
    in_front = {place: text for place, text in part.items() if 7 < place[0] < last}
    assert in_front == {place: text for place, text in whole.items() if place[0] > 7}


@pytest.mark.parametrize("name", ["resnet", "googlenet", "hrnet", "retinanet", "efficientnet", "densenet"])
def test_params_and_macs_add_up_to_the_networks(name: str) -> None:
    path = preset_folder() / f"{name}.yaml"
    snapshot = Snapshot.of(path, path.read_text())
    assert snapshot.document is not None
    assert snapshot.document.layers is not None
    assert snapshot.analysis is not None
    outermost = {id(item) for item in snapshot.document.layers.items}
    sums = [snapshot.numbers.between(v.start, v.stop) for v in snapshot.visits.found if id(v.item) in outermost]
    total = snapshot.analysis.total
    assert [sum(part) for part in zip(*sums, strict=True)] == [total.params, total.macs]


@pytest.mark.parametrize("name", ["resnet", "googlenet", "retinanet", "densenet"])
def test_a_line_in_a_block_is_counted_once_for_each_use(name: str) -> None:
    """The layers of an item are those that say so themselves, copies of uses among them."""
    path = preset_folder() / f"{name}.yaml"
    snapshot = Snapshot.of(path, path.read_text())
    layers = snapshot.analysis.layers if snapshot.analysis is not None else []
    own: dict[tuple[int, ...], list[int]] = {}
    for layer in layers:
        if layer.node.place is not None and layer.node.shares is None:
            sums = own.setdefault(layer.node.place[1:], [0, 0])
            sums[0] += layer.params
            sums[1] += layer.macs
    for visits in _by_item(snapshot).values():
        item = visits[0].item
        if isinstance(item, UseItem) or item.lists or snapshot.document is None or snapshot.document.shares:
            continue
        found = [snapshot.numbers.between(visit.start, visit.stop) for visit in visits]
        assert [sum(part) for part in zip(*found, strict=True)] == own.get(item.place[1:], [0, 0]), item.place.text


def _by_item(snapshot: Snapshot) -> dict[int, list[Visit]]:
    found: dict[int, list[Visit]] = {}
    for visit in snapshot.visits.found:
        found.setdefault(id(visit.item), []).append(visit)
    return found


@pytest.mark.parametrize(
    "text",
    [TEXT, TEXT.replace("width: 16}", "width: 16"), TEXT + "  - {out_channels: 3}\n"],
    ids=["whole", "unreadable", "with a broken item"],
)
def test_an_old_text_takes_its_layers_with_it(text: str) -> None:
    """Without the collector, which comes rarely and would then take long: at each keystroke all layers are new."""
    gc.disable()
    try:
        snapshot = Snapshot.of(Path("/nowhere/net.yaml"), text)
        assert hints(snapshot)
        lenses(snapshot)
        assert list(diagnoses(snapshot))
        alive = weakref.ref(snapshot)
        del snapshot
        assert alive() is None
    finally:
        gc.enable()


def test_hints_of_some_lines_are_those_of_all() -> None:
    snapshot = Snapshot.of(Path("/nowhere/net.yaml"), TEXT)
    assert hints(snapshot, lines=(6, 9)) == [hint for hint in hints(snapshot) if 6 <= hint.line <= 9]


def test_a_variant_is_chosen() -> None:
    path = preset_folder() / "resnet.yaml"
    text = path.read_text()
    default, chosen = (Snapshot.of(path, text, variant) for variant in ("", "resnet18"))
    assert default.analysis is not None
    assert chosen.analysis is not None
    assert default.analysis.total.params == 25_557_032
    assert chosen.analysis.total.params == 11_689_512
    assert lenses(chosen)[0].title.startswith("resnet18: 11.69 M params · 1.814 G MACs")
    assert [lens.title for lens in lenses(chosen)[1:]] == ["2 figures compared: all hold"]


def test_the_peak_stands_at_its_line() -> None:
    path = preset_folder() / "alexnet.yaml"
    text = path.read_text()
    found = [hint for hint in hints(Snapshot.of(path, text)) if "peak" in hint.text]
    peak = archlab.load("alexnet").analyze().total.memory.peak_layer
    assert len(found) == 1
    assert "peak 234.9 MiB" in found[0].text, (found, peak)


def test_an_extended_file_that_is_open_counts_as_it_is_shown(tmp_path: Path) -> None:
    base, own = tmp_path / "base.yaml", tmp_path / "own.yaml"
    base.write_text(
        "input: [1, 8, 8]\nparams: {width: 4}\nlayers: [{type: conv2d, out_channels: $width, kernel_size: 3}]\n"
    )
    text = "extends: base.yaml\nparams: {width: 6}\n"
    unsaved = {str(base.resolve()): base.read_text().replace("kernel_size: 3", "kernel_size: 5")}
    for texts, params in (({}, 60), (unsaved, 156)):
        snapshot = Snapshot.of(own, text, unsaved=texts)
        assert snapshot.analysis is not None
        assert snapshot.analysis.total.params == params


@pytest.mark.parametrize("name", CONFIGS)
def test_random_edits_leave_nothing_stale_and_nothing_missing(name: str) -> None:
    for seed in range(12):
        text = edited(name, seed)
        assert faults(text) == [], (name, seed)


def test_the_check_of_random_edits_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.editor.edits.hints", lambda *_: [])
    assert faults(TEXT) != []
    with pytest.raises(ConfigError):
        archlab.loads(TEXT.replace("conv2d", "conv9d"))
