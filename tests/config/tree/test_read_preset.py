"""A preset's file is read anew only where its text is another."""

from __future__ import annotations

from pathlib import Path

from archlab.config.tree.targets import read_preset

TEXT = "input: [3, 8, 8]\nlayers: [{type: relu}]\n"


def test_a_file_is_read_once_for_each_text(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(TEXT)
    document, problems = read_preset(path)
    again, none = read_preset(path)
    assert again is document
    assert none is not problems
    path.write_text(f"{TEXT}description: other\n")
    assert read_preset(path)[0].description == "other"
    path.write_text(TEXT)
    assert not read_preset(path)[0].description


def test_what_another_file_is_part_of_is_read_each_time(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(TEXT)
    path = tmp_path / "net.yaml"
    path.write_text("extends: base.yaml\n")
    assert read_preset(path)[0].input is not None
    (tmp_path / "base.yaml").write_text(TEXT.replace("relu", "silu"))
    layers = read_preset(path)[0].layers
    assert layers is not None
    assert "silu" in repr(layers)


def test_what_is_wrong_is_told_each_time(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(f"{TEXT}colour: red\n")
    for _ in range(2):
        assert [problem.code for problem in read_preset(path)[1].found] == ["unknown-key"]
