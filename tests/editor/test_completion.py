"""What can be written at the cursor, in texts that are complete and in texts that are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from archlab.config.tree.document import BLOCK_KEYS, KEYS
from archlab.config.tree.figures import FIGURES
from archlab.config.tree.items import MERGES
from archlab.editor.completion import Completion, complete
from archlab.editor.cursor import closers
from archlab.editor.snapshot import Snapshot
from archlab.layers import layer_types

TEXT = """\
input: [3, 32, 32]
params: {width: 8, depth: 3}
blocks:
  b:
    params: {w: 4, stride: 1}
    inputs: [x, skip]
    layers:
      - {type: conv2d, out_channels: $w, kernel_size: 3}
    outputs: [x]
layers:
  - {name: stem, type: conv2d, out_channels: 8, kernel_size: 3}
  - {name: body, use: b, with: [stem], repeat: 2}
"""


def at(text: str, known: Snapshot | None = None, folder: Path | None = None) -> Completion | None:
    """Complete at the `|` of a text."""
    before, _, after = text.partition("|")
    line = before.count("\n")
    column = len(before) - before.rfind("\n") - 1
    return complete(before + after, line, column, folder, None if known is None else known.document)


def labels(text: str) -> set[str]:
    found = at(TEXT + text)
    assert found is not None, text
    return {offer.label for offer in found.offers}


ALL = set(layer_types())


@pytest.mark.parametrize(
    ("typed", "offered", "not_offered"),
    [
        ("  - {ty|", {"type", "use", "share", "name", "repeat"}, {"kernel_size", "with"}),
        ("  - {type: co|", ALL | {"residual", "branches"}, {"b"}),
        ("  - type: |\n", ALL, {"b"}),
        (
            "  - {type: conv2d, |",
            {"out_channels", "kernel_size", "norm", "init", "name", "from"},
            {"type", "in_channels"},
        ),
        ("  - {type: conv2d, ker|, stride: 2}\n  - {type: relu}\n", {"kernel_size", "padding"}, {"stride", "type"}),
        ("  - type: conv2d\n    ke|\n    stride: 2\n", {"kernel_size"}, {"stride", "type"}),
        ("  - {type: conv2d, padding_mode: |}\n", {"zeros", "reflect", "circular", "$width"}, {"constant"}),
        ("  - {type: conv2d, bias: |}\n", {"true", "false"}, {"zeros"}),
        ("  - {type: conv2d, norm: |", {"batch_norm2d", "group_norm"}, {"relu", "conv2d"}),
        ("  - {type: conv2d, norm: {type: ba|", {"batch_norm2d"}, {"relu"}),
        ("  - {type: conv2d, activation: |}", {"relu", "gelu"}, {"batch_norm2d"}),
        ("  - {type: conv2d, out_channels: $w|}\n", {"width", "depth", "in_channels"}, {"w", "min"}),
        ("  - {type: conv2d, out_channels: $(4 * wi|", {"width", "make_divisible"}, {"w"}),
        ("  - {use: |", {"b"}, {"conv2d"}),
        ("  - {use: b, |", {"w", "stride", "with", "repeat"}, {"width", "use"}),
        ("  - {use: b, first: {|", {"w", "stride"}, {"name"}),
        ("  - {type: add, with: [|", {"stem", "body", "body.*", "body.x", "input"}, {"x"}),
        ("  - {type: add, with: [bo|]}\n  - {name: later, type: relu}\n", {"stem", "body"}, {"later"}),
        ("  - {type: add, from: |", {"stem", "body"}, {"later"}),
        ("  - |\n", {"{type: }", "{use: }"}, set()),
        ("  - {type: residual, body: [{type: conv2d, |", {"kernel_size"}, {"body"}),
        ("  - {type: residual, short|", {"shortcut", "body", "norm"}, {"paths"}),
        ("  - {type: residual, shortcut: |", {"identity", "project", "if_same"}, set()),
        ("  - {type: branches, merge: |", set(MERGES), set()),
        ("  - {type: branches, paths: [[{type: |", ALL, set()),
        ("exp|", set(KEYS) - {"input", "params", "blocks", "layers"}, {"input"}),
        ("expect: {par|", set(FIGURES), set()),
        ("variants:\n  big: {|", {"width", "depth", "input", "outputs", "expect"}, {"w"}),
        ("outputs: [|", {"stem", "body", "body.*"}, {"x"}),
    ],
)
def test_offers(typed: str, offered: set[str], not_offered: set[str]) -> None:
    found = labels(typed)
    assert offered <= found, offered - found
    assert not not_offered & found
    assert not any("archlab_cursor" in label for label in found)


def test_in_a_block_its_own_params_and_inputs_are_seen() -> None:
    inside = TEXT.replace("out_channels: $w,", "out_channels: $|,")
    found = at(inside)
    assert found is not None
    assert {"w", "stride", "width"} <= {offer.label for offer in found.offers}
    joined = TEXT.replace("    outputs: [x]", "      - {type: add, with: [|")
    found = at(joined)
    assert found is not None
    assert {offer.label for offer in found.offers} == {"x", "skip"}
    keys = at(TEXT.replace("    outputs: [x]", "    |"))
    assert keys is not None
    assert {offer.label for offer in keys.offers} == {*BLOCK_KEYS, "extends"} - {"params", "inputs", "layers"}


def test_only_the_word_is_replaced() -> None:
    found = at(TEXT + "  - {type: conv2d, ker|nel, stride: 2}\n")
    assert found is not None
    line = "  - {type: conv2d, kernel, stride: 2}"
    assert line[found.start : found.end] == "kernel"
    kernel = next(offer for offer in found.offers if offer.label == "kernel_size")
    assert kernel.insert == "kernel_size: "


def test_what_is_below_may_be_broken() -> None:
    found = at(TEXT + "  - {type: conv2d, |\n  - {type: [[[ 'x\n  }}")
    assert found is not None
    assert "kernel_size" in {offer.label for offer in found.offers}


def test_what_is_extended_is_offered(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(TEXT)
    own = Snapshot.of(tmp_path / "own.yaml", "extends: other.yaml\n")
    for text, label in (
        ("extends: other.yaml\nparams: {|", "width"),
        ("extends: other.yaml\nlayers: {|", "stem"),
        ("extends: other.yaml\noutputs: |", "body"),
        ("extends: |", "other.yaml"),
        ("extends: |", "resnet50"),
    ):
        found = at(text, own, tmp_path)
        assert found is not None
        assert label in {offer.label for offer in found.offers}, text


def test_nothing_is_offered_where_nothing_can_be_read() -> None:
    assert complete("a: [}\nb: ", 1, 3) is None
    assert complete("a: 1\n", 7, 0) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("{a: [1, (", ")]}"), ("{a: 'it''s [', b: [", "]}"), ("a: don't {", "}"), ("# {\n[", "]"), ("{a}", "")],
)
def test_open_brackets_are_closed(text: str, wanted: str) -> None:
    assert closers(text) == wanted
