"""The short form of a difference: layers that are written otherwise are listed, those that only follow are counted."""

from __future__ import annotations

import re
from typing import Any

import archlab
from archlab.analysis.difference import Difference
from archlab.report.difference import MOST_SHORT, difference_text

CONFIG = """
name: net
input: [3, 16, 16]
params: {width: 4, stride: 1, blocks: 1}
layers:
  - {name: stem, type: conv2d, out_channels: $width, kernel_size: 3, stride: $stride, padding: 1, norm: batch_norm2d}
  - {name: tail, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {name: act, type: relu}
  - {name: more, type: conv2d, out_channels: $width, kernel_size: 1, repeat: $blocks}
"""


def between(**params: Any) -> Difference:
    return Difference(archlab.loads(CONFIG).analyze(), archlab.loads(CONFIG, **params).analyze())


def text_of(difference: Difference) -> str:
    return difference_text(difference, names=("before", "now"), short=True)


def test_what_comes_from_the_input_alone_follows() -> None:
    """`in_channels` and `num_features` are no more written than shapes are."""
    difference = between(width=6)
    follows = {change.path: change.follows for change in difference.changes()}
    assert follows == {"stem.conv": False, "stem.bn": True, "tail": True, "more.0": False}
    text = text_of(difference)
    assert "stem.conv" in text
    assert "more.0" in text
    assert "tail" not in text
    macs = sum(change.macs for change in difference.changes() if change.follows)
    assert macs == 16 * 16 * 9 * 8 * (6 - 4)  # of `tail`, which reads two channels more
    assert "~ 2 layers follow: written as before, with another input or output  (+36.86 k MACs)" in text
    assert "~ 4 layers follow:" in text_of(between(stride=2))
    assert "before and now are equal\n" in text_of(between())


def test_changes_are_listed_up_to_a_bound() -> None:
    item = "  - {{type: conv2d, out_channels: 3, kernel_size: {0}, padding: same, name: l{0}, when: $(w == 2)}}"
    layers = ["  - {type: relu}", *[item.format(size) for size in range(1, 21)]]
    text = "\n".join(["input: [3, 32, 32]", "params: {w: 1}", "layers:", *layers])
    difference = Difference(archlab.loads(text).analyze(), archlab.loads(text, w=2).analyze())
    short, long = text_of(difference), difference_text(difference)
    assert len(re.findall(r"^[+] l", short, re.MULTILINE)) == MOST_SHORT
    assert f"  ... and {20 - MOST_SHORT} more\n" in short
    assert len(re.findall(r"^[+] l", long, re.MULTILINE)) == 20
    assert "more\n" not in long
