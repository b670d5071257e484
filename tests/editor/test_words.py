"""Blocks, params and names: where they are defined and used, and given other names without another network."""

from __future__ import annotations

from pathlib import Path

import pytest

import archlab
from archlab.config.tree.presets import preset_folder
from archlab.editor.renaming import RenameError, base_at, rename, renamed, word_at
from archlab.editor.snapshot import Snapshot
from archlab.editor.tree import tree_of
from archlab.editor.words import Word, Words

TEXT = """\
input: {left: [3, 32, 32], right: [3, 32, 32]}
params: {width: 8, twice: $(2 * width)}
variants:
  wide: {width: 16}
blocks:
  b:
    params: {width: , stride: $(1 if width else 1)}
    layers:
      - {name: c, type: conv2d, out_channels: $width, kernel_size: 3, stride: $stride, padding: 1}
      - {type: add, with: [c]}
layers:
  - {name: stem, type: conv2d, out_channels: "$twice", kernel_size: 3, padding: 1}
  - {name: more, use: b, width: $(width * 2), repeat: 2, last: {width: $twice}}
  - {name: fuse, type: concat, with: ["stem", more.0, right]}
  - {type: branches, paths: [[{name: c, type: relu}, {type: add, with: [c, fuse]}], []]}
outputs: [fuse, more.*]
"""


def snapshot(text: str) -> Snapshot:
    return Snapshot.of(Path("/nowhere/net.yaml"), text)


def words(text: str) -> list[Word]:
    root = tree_of(snapshot(text).source)
    assert root is not None
    return Words(root).found


def position(text: str, part: str) -> tuple[int, int]:
    before = text[: text.index(part)]
    return before.count("\n"), len(before) - before.rfind("\n") - 1


def test_each_word_has_its_uses() -> None:
    found = [(word.kind, word.name, word.place.line, sorted(p.line for p in word.uses if p)) for word in words(TEXT)]
    assert found == [
        ("param", "width", 1, [1, 3, 12]),
        ("param", "twice", 1, [11, 12]),
        ("block", "b", 5, [12]),
        ("param", "width", 6, [6, 8, 12, 12]),
        ("param", "stride", 6, [8]),
        ("variant", "wide", 3, []),
        ("name", "c", 8, [9]),
        ("input", "left", 0, []),
        ("input", "right", 0, [13]),
        ("name", "stem", 11, [13]),
        ("name", "more", 12, [13, 15]),
        ("name", "fuse", 13, [14, 15]),
        ("name", "c", 14, [14]),
    ]


def replaced(text: str, line: int, column: int, name: str) -> str:
    return renamed(text, rename(snapshot(text), line, column, name), name)


def test_a_use_leads_to_its_definition() -> None:
    for part, kind, line in (("$width, kernel", "param", 6), ("use: b", "block", 5), ('"stem"', "name", 11)):
        at_line, column = position(TEXT, part)
        word = word_at(snapshot(TEXT), at_line, column + (5 if kind == "block" else 1))
        assert word is not None
        assert (word.kind, word.place.line) == (kind, line)


def test_a_param_of_a_block_is_not_the_files() -> None:
    line, column = position(TEXT, "width: , stride")
    text = replaced(TEXT, line, column, "channels")
    assert "params: {channels: , stride: $(1 if channels else 1)}" in text
    assert "use: b, channels: $(width * 2), repeat: 2, last: {channels: $twice}" in text
    assert "wide: {width: 16}" in text


@pytest.mark.parametrize("name", ["resnet", "googlenet", "mobilenet_v3", "unet", "hrnet", "yolov3", "hourglass"])
def test_another_name_is_the_same_network(name: str) -> None:
    """Each word of a preset in turn, all in one text."""
    text = (preset_folder() / f"{name}.yaml").read_text()
    before = archlab.loads(text).analyze()
    for number in range(len(words(text))):
        word = words(text)[number]
        new = f"{word.name}_new"
        if None in word.uses:
            with pytest.raises(RenameError, match="rename it by hand"):
                rename(snapshot(text), word.place.line, word.place.column, new)
        elif word.kind != "variant":
            text = replaced(text, word.place.line, word.place.column, new)
    after = archlab.loads(text).analyze()
    assert text.count("_new") > 20
    figures = [[(layer.params, layer.macs, layer.node.shape) for layer in one.layers] for one in (before, after)]
    assert figures[0] == figures[1]


@pytest.mark.parametrize(
    ("part", "name", "message"),
    [
        ("width: 8", "twice", "'twice' is something else already where 'width' is used"),
        ("twice: $", "width", "'width' is something else already"),
        ("more, use", "fuse", "'fuse' is something else already"),
        ("width: 8", "index", "'index' already has a meaning"),
        ("width: 8", "2x", "'2x' is not a name"),
        ("stem, type", "forward", "is already an attribute of PyTorch's modules"),
        ("input:", "x", "there is no block, param or name of this file here"),
    ],
)
def test_names_that_cannot_be(part: str, name: str, message: str) -> None:
    with pytest.raises(RenameError, match=message):
        rename(snapshot(TEXT), *position(TEXT, part), name)


def test_what_cannot_be_changed_in_place_is_left() -> None:
    text = TEXT.replace("$(width * 2)", '"$(width *\n    2)"').replace("width: 8", "width: 8 ")
    with pytest.raises(RenameError, match="rename it by hand"):
        rename(snapshot(text), *position(text, "width: 8 "), "wider")


def test_extends_leads_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(TEXT)
    for text, wanted in (
        ("extends: base.yaml\n", tmp_path / "base.yaml"),
        ("extends: resnet\n", preset_folder() / "resnet.yaml"),
        ("extends: nothing.yaml\n", None),
        ("name: x\n", None),
    ):
        assert base_at(Snapshot.of(tmp_path / "own.yaml", text), 0, 12) == wanted
